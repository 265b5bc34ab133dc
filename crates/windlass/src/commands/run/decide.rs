//! `windlass run approve`, `reject` and `cancel`: a person's word about a Run, bound to the plan that was looked at. With
//! `--delete` about the deletion of an instance, for which a request is made first.

use super::{OneRun, show};
use crate::commands::instances::{self, Named};
use crate::commands::{plan, preview};
use crate::connection::{Connection, ConnectionArguments, connect};
use crate::exit::{Exit, failed};
use crate::terminal::{Stream, can_ask, confirm, has_colour, put, say};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use windlass_api::names;
use windlass_api::run::{Run, State, Verdict};

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct DecideArguments {
    /// Name of the Run
    #[arg(value_name = "RUN", required_unless_present = "delete", conflicts_with = "delete")]
    name: Option<String>,
    /// The deletion of this instance, before it is asked for
    #[arg(long, value_name = "KIND/NAME")]
    delete: Option<Named>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct CancelArguments {
    #[command(flatten)]
    one: OneRun,
}

/// Writes a decision.
pub(super) async fn run(arguments: &DecideArguments, verdict: Verdict) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.connection).await?;
    let (api, run) = match &arguments.delete {
        Some(named) => request(&connection, named).await?,
        None => instances::run(&connection, arguments.name.as_deref().unwrap_or_default()).await?,
    };
    check(&run)?;
    let plan = run
        .plan()
        .ok_or_else(|| failed(Exit::Failure, format!("the Run `{}` has no plan that this version understands", run.name_any())))?;
    if verdict == Verdict::Approved && !arguments.yes && can_ask() {
        say(&show::text(&run, has_colour(Stream::Error)));
        if !confirm("Approve this plan?")? {
            return Err(failed(Exit::Refused, "nothing was decided"));
        }
    }
    // Who decided is stamped by the API from the login, not taken from here.
    let patch = json!({
        "metadata": {"resourceVersion": run.metadata.resource_version},
        "spec": {"decision": {"verdict": verdict, "planHash": plan.hash, "by": "", "reason": arguments.reason}},
    });
    api.patch(&run.name_any(), &parameters(), &Patch::Merge(&patch)).await?;
    put(&format!("run/{} {}", run.name_any(), if verdict == Verdict::Approved { "approved" } else { "rejected" }))?;
    if verdict == Verdict::Approved && run.spec.deletes {
        say(&next(&run));
    }
    Ok(Exit::Success)
}

/// A request for a deletion, made now: it says what would be deleted now.
async fn request(connection: &Connection, named: &Named) -> anyhow::Result<(Api<Run>, Run)> {
    let (kind, object) = instances::find(connection, named).await?;
    let namespace = instances::run_namespace(&object).to_owned();
    let proposal = plan::proposal(&serde_json::to_value(&object)?);
    let made = preview::make(&connection.client, &namespace, &proposal, true).await?;
    if !made.approval_needed {
        let kind = kind.resource.kind.to_lowercase();
        let text = format!(
            "the deletion of {kind}/{} needs no approval\n  hint: `windlass delete {kind}/{} -n {namespace}`",
            named.name, named.name
        );
        return Err(failed(Exit::Conflict, text));
    }
    Ok((Api::namespaced(connection.client.clone(), &namespace), made.run))
}

fn next(run: &Run) -> String {
    let instance = &run.spec.instance;
    let place = instance.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    format!("Next, within the hour: windlass delete {}/{}{place}", instance.kind.to_lowercase(), instance.name)
}

fn check(run: &Run) -> anyhow::Result<()> {
    match run.state() {
        State::AwaitingApproval | State::Pending => Ok(()),
        state => Err(failed(
            Exit::Conflict,
            format!(
                "the Run `{}` is {state:?} and waits for no decision\n  hint: `windlass run list` shows which one does",
                run.name_any()
            ),
        )),
    }
}

/// Asks a Run to stop.
pub(super) async fn cancel(arguments: &CancelArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.one.connection).await?;
    let (api, run) = instances::run(&connection, &arguments.one.name).await?;
    if run.state().is_finished() {
        return Err(failed(Exit::Conflict, format!("the Run `{}` has ended already: {:?}", run.name_any(), run.state())));
    }
    api.patch(&run.name_any(), &parameters(), &Patch::Merge(&json!({"spec": {"cancel": true}}))).await?;
    put(&format!("run/{} is asked to stop", run.name_any()))?;
    Ok(Exit::Success)
}

fn parameters() -> PatchParams {
    PatchParams { field_manager: Some(names::MANAGER_COMMAND_LINE.into()), ..PatchParams::default() }
}
