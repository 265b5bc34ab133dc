//! `windlass rollback KIND/NAME [--to RUN]`: back to the values of an earlier Run, by a new Run. Says what is not restored.

use super::change::{self, ChangeArguments, Wish};
use super::instances::{self, Named};
use super::plan::proposal;
use crate::connection::{Connection, ConnectionArguments, connect};
use crate::exit::{Exit, failed};
use crate::terminal::say;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, ResourceExt as _};
use windlass_api::names;
use windlass_api::run::{Mode, Run, State};

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArguments {
    /// The instance
    #[arg(value_name = "KIND/NAME")]
    instance: Named,
    /// The Run whose values come back, by name or by number [default: the newest one that succeeded with other values]
    #[arg(long, value_name = "RUN|N")]
    to: Option<String>,
    #[command(flatten)]
    change: ChangeArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Goes back.
pub(crate) async fn run(arguments: &RollbackArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.connection).await?;
    let (kind, object) = instances::find(&connection, &arguments.instance).await?;
    let run = target(&connection, &object, arguments.to.as_deref()).await?;
    let mut wanted = proposal(&serde_json::to_value(&object)?);
    // Annotations of the present object stay with it; only the values go back.
    wanted["metadata"]["annotations"] = serde_json::json!({});
    wanted["spec"] = run.spec.values.clone().unwrap_or_default();
    say(&format!("Back to the values of {} ({:?}, {}).", run.name_any(), run.spec.cause, run.spec.title));
    say("Not restored: content of directories and images, data in databases and volumes, and the Template's own revision.");
    change::say_changes(&object, &wanted);
    if object.data["spec"] == wanted["spec"] && !arguments.change.plan_only {
        return change::unchanged(&connection, &kind, &object, &arguments.change).await;
    }
    change::carry_out(&connection, Wish { kind: &kind, present: Some(object), wanted }, &arguments.change).await
}

async fn target(connection: &Connection, object: &DynamicObject, asked: Option<&str>) -> anyhow::Result<Run> {
    let api: Api<Run> = Api::namespaced(connection.client.clone(), instances::run_namespace(object));
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let mut runs = api.list(&ListParams::default().labels(&format!("{}={uid}", names::LABEL_INSTANCE_ID))).await?.items;
    runs.retain(|run| run.spec.mode == Mode::Execute && run.spec.values.is_some());
    runs.sort_by_key(|run| std::cmp::Reverse(run.spec.number));
    let found = match asked {
        Some(asked) => runs.iter().find(|run| is_meant(run, asked)),
        None => runs.iter().find(|run| run.state() == State::Succeeded && run.spec.values.as_ref() != Some(&object.data["spec"])),
    };
    let named = format!("{}/{}", object.types.as_ref().map_or("", |types| &types.kind).to_lowercase(), object.name_any());
    found.cloned().ok_or_else(|| match asked {
        Some(asked) => {
            let kept: Vec<String> = runs.iter().map(|run| run.spec.number.to_string()).collect();
            let hint = format!("kept are the numbers {}; `windlass run list {named}` says what each was", kept.join(", "));
            failed(Exit::NotFound, format!("`{asked}` is no Run of {named} with values to go back to\n  hint: {hint}"))
        }
        None => failed(
            Exit::NotFound,
            format!(
                "no kept Run of {named} succeeded with other values\n  hint: the newest ones are kept; `windlass run list {named}` names them"
            ),
        ),
    })
}

/// Whether a Run is the one of this name or number.
fn is_meant(run: &Run, asked: &str) -> bool {
    run.name_any() == asked || asked.trim_start_matches('#').parse() == Ok(run.spec.number)
}
