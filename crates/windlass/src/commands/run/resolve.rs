//! `windlass run resolve --done | --retry`: a person says what became of an effect that nobody can observe.

use super::OneRun;
use crate::commands::instances;
use crate::connection::connect;
use crate::exit::{Exit, failed};
use crate::terminal::put;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use windlass_api::names;
use windlass_api::run::{Resolution, ResolutionVerdict, Run, StepState};

/// Flags.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("verdict").required(true).args(["done", "retry"])))]
pub(crate) struct ResolveArguments {
    #[command(flatten)]
    one: OneRun,
    /// Only these effects [default: all of which it cannot be told]
    #[arg(long = "effect", value_name = "KEY")]
    effects: Vec<String>,
    /// It happened
    #[arg(long)]
    done: bool,
    /// It did not happen; do it again
    #[arg(long)]
    retry: bool,
}

/// Writes what is true.
pub(super) async fn run(arguments: &ResolveArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.one.connection).await?;
    let (api, run) = instances::run(&connection, &arguments.one.name).await?;
    let in_doubt = in_doubt(&run);
    let meant: Vec<String> = if arguments.effects.is_empty() { in_doubt.clone() } else { arguments.effects.clone() };
    if meant.is_empty() {
        return Err(failed(Exit::Conflict, format!("the Run `{}` has no effect in doubt", run.name_any())));
    }
    if let Some(stranger) = meant.iter().find(|key| !in_doubt.contains(key)) {
        return Err(failed(Exit::Usage, format!("`{stranger}` is not in doubt\n  hint: in doubt are: {}", in_doubt.join(", "))));
    }
    let verdict = if arguments.done { ResolutionVerdict::Done } else { ResolutionVerdict::Retry };
    let mut resolutions: Vec<Resolution> = run.spec.resolutions.iter().filter(|known| !meant.contains(&known.key)).cloned().collect();
    resolutions.extend(meant.iter().map(|key| Resolution { key: key.clone(), verdict }));
    let patch = json!({"metadata": {"resourceVersion": run.metadata.resource_version}, "spec": {"resolutions": resolutions}});
    let parameters = PatchParams { field_manager: Some(names::MANAGER_COMMAND_LINE.into()), ..PatchParams::default() };
    api.patch(&run.name_any(), &parameters, &Patch::Merge(&patch)).await?;
    let word = if arguments.done { "done" } else { "to be done again" };
    put(&format!("run/{}: {} taken as {word}", run.name_any(), meant.join(", ")))?;
    Ok(Exit::Success)
}

fn in_doubt(run: &Run) -> Vec<String> {
    let steps = run.status.iter().flat_map(|status| &status.steps).filter(|step| step.state == StepState::Unknown);
    let mut keys: Vec<String> = steps
        .flat_map(|step| {
            let unknown: Vec<String> =
                step.effects.iter().filter(|effect| effect.outcome == "Unknown").map(|effect| effect.key.clone()).collect();
            if unknown.is_empty() { vec![step.key.clone()] } else { unknown }
        })
        .collect();
    keys.dedup();
    keys
}
