//! Asking for a plan: a Run in mode `Plan` is made, and read when it has ended. The API takes it away after an hour.

use crate::exit::{Exit, failed};
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde_json::Value;
use std::time::Duration;
use windlass_api::names;
use windlass_api::plan::{InstanceReference, Plan};
use windlass_api::run::{Cause, Mode, Run, RunSpec, State};

/// How long a plan may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A plan, and whether a person must approve it.
pub(crate) struct Preview {
    /// The plan.
    pub(crate) plan: Plan,
    /// Whether a person must approve it.
    pub(crate) approval_needed: bool,
    /// The Run that holds it.
    pub(crate) run: Run,
}

/// The plan of writing (or deleting) this object.
///
/// # Errors
/// The API or the Template refuses the object, or nobody makes plans.
pub(crate) async fn make(client: &Client, namespace: &str, proposal: &Value, deletes: bool) -> anyhow::Result<Preview> {
    let api: Api<Run> = Api::namespaced(client.clone(), namespace);
    let run = Run {
        metadata: ObjectMeta { generate_name: Some("preview-".into()), ..ObjectMeta::default() },
        spec: RunSpec {
            mode: Mode::Plan,
            cause: if deletes { Cause::Delete } else { Cause::Spec },
            instance: InstanceReference::of(proposal),
            proposal: Some(proposal.clone()),
            deletes,
            ..RunSpec::default()
        },
        status: None,
    };
    let parameters = PostParams { field_manager: Some(names::MANAGER_COMMAND_LINE.into()), ..PostParams::default() };
    let made = api.create(&parameters, &run).await?;
    let name = made.metadata.name.unwrap_or_default();
    let ended = await_condition(api, &name, |run: Option<&Run>| {
        run.is_none_or(|run| run.state().is_finished() || run.state() == State::AwaitingApproval)
    });
    let ended = tokio::time::timeout(PATIENCE, ended).await.map_err(|_| {
        let hint = "do the controllers run? `windlass doctor` says so";
        failed(Exit::TimedOut, format!("no plan was made within {} s\n  hint: {hint}", PATIENCE.as_secs()))
    })??;
    let Some(run) = ended else { return Err(failed(Exit::Failure, format!("the preview `{name}` was deleted before it was read"))) };
    let status = run.status.clone().unwrap_or_default();
    if !matches!(status.state, State::Succeeded | State::AwaitingApproval) {
        return Err(failed(Exit::Failure, format!("there is no plan: {}", status.message)));
    }
    let plan =
        run.plan().ok_or_else(|| failed(Exit::Failure, format!("the preview `{name}` holds no plan that this version understands")))?;
    Ok(Preview { plan, approval_needed: status.approval_needed, run })
}
