//! `windlass run retry`: a person asks for another try, which is a new Run of the same instance.

use super::OneRun;
use crate::commands::instances;
use crate::connection::connect;
use crate::exit::{Exit, failed};
use crate::terminal::put;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use windlass_api::names;
use windlass_client::objects;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct RetryArguments {
    #[command(flatten)]
    one: OneRun,
}

/// Asks for it.
pub(super) async fn run(arguments: &RetryArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.one.connection).await?;
    let (_, run) = instances::run(&connection, &arguments.one.name).await?;
    let instance = &run.spec.instance;
    let kind = objects::discover(&connection.client, &instance.api_version, &instance.kind).await?;
    let api = kind.api(&connection.client, instance.namespace.as_deref());
    let live = objects::get(&api, &instance.name).await?.filter(|object| object.metadata.uid.as_deref() == Some(instance.uid.as_str()));
    if live.is_none() {
        return Err(failed(
            Exit::NotFound,
            format!("{instance} of the Run `{}` is gone\n  hint: make a new one with `windlass new`", run.name_any()),
        ));
    }
    let patch = json!({"metadata": {"annotations": {names::ANNOTATION_RETRY: jiff::Timestamp::now().to_string()}}});
    let parameters = PatchParams { field_manager: Some(names::MANAGER_COMMAND_LINE.into()), ..PatchParams::default() };
    api.patch(&instance.name, &parameters, &Patch::Merge(&patch)).await?;
    put(&format!("{}/{} is tried again", instance.kind.to_lowercase(), instance.name))?;
    Ok(Exit::Success)
}
