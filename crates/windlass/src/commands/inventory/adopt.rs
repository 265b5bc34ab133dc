//! `windlass inventory adopt KIND/NAME APIVERSION/KIND/NAME`: an object that was there before becomes part of an instance.
//!
//! It is marked with the instance's labels; the controller then takes it into the inventory as adopted, so that deleting
//! the instance releases it.

use crate::commands::instances::{self, Named};
use crate::connection::{ConnectionArguments, connect};
use crate::exit::{Exit, failed};
use crate::terminal::{can_ask, confirm, put};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use windlass_api::names;
use windlass_client::objects;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct AdoptArguments {
    /// The instance
    #[arg(value_name = "KIND/NAME")]
    instance: Named,
    /// The object, as `v1/ConfigMap/settings` or `apps/v1/Deployment/web`
    #[arg(value_name = "OBJECT")]
    object: Object,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// An object by apiVersion, kind and name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    api_version: String,
    kind: String,
    name: String,
}

impl std::str::FromStr for Object {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [version, kind, name] => Ok(Self { api_version: (*version).into(), kind: (*kind).into(), name: (*name).into() }),
            [group, version, kind, name] => {
                Ok(Self { api_version: format!("{group}/{version}"), kind: (*kind).into(), name: (*name).into() })
            }
            _ => Err(format!("`{text}` is not of the form APIVERSION/KIND/NAME, as in `v1/ConfigMap/settings`")),
        }
    }
}

/// Adopts it.
pub(super) async fn run(arguments: &AdoptArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.connection).await?;
    let (_, instance) = instances::find(&connection, &arguments.instance).await?;
    let Object { api_version, kind, name } = &arguments.object;
    let kind = objects::discover(&connection.client, api_version, kind).await?;
    let api = kind.api(&connection.client, Some(&connection.namespace));
    let object = objects::get(&api, name).await?.ok_or_else(|| {
        let place = if kind.namespaced { format!(" in the namespace `{}`", connection.namespace) } else { String::new() };
        let hint = format!("`windlass get {}` lists what is there", kind.resource.plural);
        failed(Exit::NotFound, format!("there is no {} `{name}`{place}\n  hint: {hint}", kind.resource.kind))
    })?;
    let uid = instance.metadata.uid.clone().unwrap_or_default();
    match object.metadata.labels.as_ref().and_then(|labels| labels.get(names::LABEL_INSTANCE_ID)) {
        Some(holder) if *holder == uid => {
            put(&format!("{}/{name} belongs to it already", kind.resource.kind.to_lowercase()))?;
            return Ok(Exit::Success);
        }
        Some(_) => {
            return Err(failed(
                Exit::Conflict,
                format!("{} `{name}` belongs to another instance\n  hint: give one of the two another name", kind.resource.kind),
            ));
        }
        None => {}
    }
    let question = format!("{} `{name}` is changed to what the Template says. Adopt it?", kind.resource.kind);
    if !arguments.yes && can_ask() && !confirm(&question)? {
        return Err(failed(Exit::Refused, "nothing was adopted"));
    }
    let labels = json!({
        names::LABEL_INSTANCE_ID: uid,
        names::LABEL_INSTANCE_KIND: instance.types.as_ref().map(|types| types.kind.clone()),
        names::LABEL_INSTANCE_NAME: instance.metadata.name,
        names::LABEL_INSTANCE_NAMESPACE: instance.metadata.namespace,
    });
    let patch = json!({"metadata": {"labels": labels, "uid": object.metadata.uid}});
    let parameters = PatchParams { field_manager: Some(names::MANAGER_COMMAND_LINE.into()), ..PatchParams::default() };
    api.patch(name, &parameters, &Patch::Merge(&patch)).await?;
    put(&format!("{}/{name} adopted", kind.resource.kind.to_lowercase()))?;
    Ok(Exit::Success)
}
