//! Events on an instance: that a Run failed, waits, was superseded, or put back what somebody else changed. What is done at
//! once makes no event, so that it costs no write.
//!
//! Each reason has one event an instance, which counts. A lost event is no reason to stop: nothing is decided by them. Start with
//! [`occasion`], which is pure, and [`tell`].

use crate::runtime::clock;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use windlass_api::names;
use windlass_api::plan::{Action, InstanceReference, Plan};
use windlass_api::run::{Cause, Run, RunStatus, State, StepState};
use windlass_client::objects::optional;
use windlass_client::{errors, preview};

/// A longer message is cut; the API takes 1024 characters.
const LONGEST_MESSAGE: usize = 1000;
/// So many corrections are named.
const NAMED: usize = 5;

/// Something that people may want to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occasion {
    /// `Warning` or `Normal`.
    pub(super) type_: &'static str,
    /// A constant for programs.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) message: String,
}

/// What a Run's step from one status to the next is worth saying.
pub(super) fn occasion(name: &str, cause: Cause, plan: &Plan, before: &RunStatus, after: &RunStatus) -> Option<Occasion> {
    let is_unknown = |status: &RunStatus| status.steps.iter().any(|step| step.state == StepState::Unknown);
    let came = before.state != after.state;
    let said = |type_, reason, verb: &str| {
        let message = if after.message.is_empty() { format!("{name} {verb}") } else { format!("{name} {verb}: {}", after.message) };
        Some(Occasion { type_, reason, message: shortened(&message) })
    };
    match after.state {
        State::Failed if came => said("Warning", "RunFailed", "failed"),
        State::Rejected if came => said("Warning", "RunRejected", "was rejected"),
        State::Cancelled if came => said("Normal", "RunCancelled", "was cancelled"),
        State::Superseded if came => said("Normal", "RunSuperseded", "was superseded"),
        State::AwaitingApproval if came => {
            let message = format!("{name} waits for approval ({}): {}; hint: `windlass run approve {name}`", after.planned, after.message);
            Some(Occasion { type_: "Normal", reason: "AwaitingApproval", message: shortened(&message) })
        }
        State::Waiting if after.retry_at.is_some() && after.retry_at != before.retry_at => said("Warning", "RunRetrying", "failed"),
        State::Waiting if is_unknown(after) && !is_unknown(before) => said("Warning", "RunUnknown", "waits for a person"),
        State::Waiting if came => said("Normal", "RunWaiting", "waits"),
        State::Succeeded if came && cause == Cause::Drift => {
            let message = format!("{name} put back what somebody else changed: {}", corrections(plan));
            Some(Occasion { type_: "Normal", reason: "DriftCorrected", message: shortened(&message) })
        }
        State::Pending
        | State::AwaitingApproval
        | State::Running
        | State::Waiting
        | State::Succeeded
        | State::Failed
        | State::Superseded
        | State::Rejected
        | State::Cancelled => None,
    }
}

fn shortened(message: &str) -> String {
    message.chars().take(LONGEST_MESSAGE).collect()
}

/// What was put back, and by whom it had been changed.
fn corrections(plan: &Plan) -> String {
    let mut found: Vec<String> = Vec::new();
    for node in &plan.nodes {
        if node.action == Action::Create {
            found.push(format!("{} was gone", node.key));
        }
        let foreign = node.changes.iter().filter_map(|change| Some((change, change.drift_by.as_ref()?)));
        found.extend(foreign.map(|(change, manager)| format!("`{}` of {} by `{manager}`", change.path, node.key)));
    }
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    found.join(", ")
}

/// Puts an event on the instance of a Run, or counts the one that is there.
pub(super) async fn tell(runs: Api<Run>, instance: InstanceReference, occasion: Occasion) {
    if instance.uid.is_empty() {
        return;
    }
    if let Err(error) = write(&runs.into_client(), &instance, &occasion).await {
        let (reason, error) = (occasion.reason, errors::message(&error));
        tracing::debug!(kind = %instance.kind, name = %instance.name, reason, %error, "an event could not be written");
    }
}

async fn write(client: &Client, instance: &InstanceReference, occasion: &Occasion) -> Result<(), kube::Error> {
    let namespace = instance.namespace.as_deref().unwrap_or(names::NAMESPACE_OF_CLUSTER_EVENTS);
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    let (name, now) = (name_of(instance, occasion), clock::now_seconds());
    let manager = Some(names::MANAGER_SYSTEM.to_owned());
    match optional(api.get(&name).await)? {
        Some(known) => {
            let count = known.count.unwrap_or(1).saturating_add(1);
            let patch = json!({"count": count, "lastTimestamp": now, "message": occasion.message});
            let parameters = PatchParams { field_manager: manager, ..PatchParams::default() };
            api.patch(&name, &parameters, &Patch::Merge(&patch)).await.map(drop)
        }
        None => {
            let event = event(&name, namespace, instance, occasion, &now);
            let event: Event = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
            api.create(&PostParams { field_manager: manager, ..PostParams::default() }, &event).await.map(drop)
        }
    }
}

/// One name for each type and reason, so that an instance has few events.
fn name_of(instance: &InstanceReference, occasion: &Occasion) -> String {
    let what = json!([instance.uid, occasion.type_, occasion.reason]);
    let hash: String = preview::canonical_hash(&what).chars().take(16).collect();
    let name: String = instance.name.chars().take(200).collect();
    format!("{name}.{hash}")
}

/// It goes with its instance.
fn event(name: &str, namespace: &str, instance: &InstanceReference, occasion: &Occasion, now: &str) -> Value {
    let mut about = json!({"apiVersion": instance.api_version, "kind": instance.kind, "name": instance.name, "uid": instance.uid});
    let owner = about.clone();
    if let Some(namespace) = &instance.namespace {
        about["namespace"] = namespace.as_str().into();
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner]},
        "involvedObject": about,
        "type": occasion.type_,
        "reason": occasion.reason,
        "message": occasion.message,
        "source": {"component": names::MANAGED_BY},
        "reportingComponent": names::MANAGED_BY,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_api::run::Step;

    fn plan(nodes: Value) -> Plan {
        serde_json::from_value(json!({"instance": InstanceReference::default(), "revision": "", "nodes": nodes, "hash": ""}))
            .expect("a plan")
    }

    fn status(state: State, message: &str) -> RunStatus {
        RunStatus { state, message: message.into(), planned: "2 create".into(), ..RunStatus::default() }
    }

    /// `TYPE REASON MESSAGE`.
    fn said(cause: Cause, before: &RunStatus, after: &RunStatus) -> Option<String> {
        let change = json!({"path": "data.k", "driftBy": "kubectl-edit", "because": [], "forcesReplacement": false});
        let node = |key: &str, action: &str, changes: Value| {
            json!({"key": key, "node": key, "block": "template", "target": "control-plane", "action": action, "wave": 0,
                "dependsOn": [], "desired": null, "effects": [], "changes": changes, "waitsFor": []})
        };
        let plan = plan(json!([node("config", "update", json!([change])), node("map", "create", json!([]))]));
        occasion("shop-2", cause, &plan, before, after).map(|found| format!("{} {} {}", found.type_, found.reason, found.message))
    }

    #[test]
    fn steps_of_a_run_are_said_once_and_success_is_not() {
        let check = |before: State, after: RunStatus, expected: Option<&str>| {
            assert_eq!(said(Cause::Spec, &status(before, ""), &after).as_deref(), expected);
        };
        check(State::Pending, status(State::Running, ""), None);
        check(State::Running, status(State::Succeeded, ""), None);
        check(State::Running, status(State::Failed, "no space"), Some("Warning RunFailed shop-2 failed: no space"));
        check(State::Failed, status(State::Failed, "no space"), None);
        check(State::Pending, status(State::Superseded, "a newer Run"), Some("Normal RunSuperseded shop-2 was superseded: a newer Run"));
        let waits = "Normal AwaitingApproval shop-2 waits for approval (2 create): a person must look; hint: `windlass run approve shop-2`";
        check(State::Pending, status(State::AwaitingApproval, "a person must look"), Some(waits));
        check(State::Running, status(State::Waiting, "app: starting"), Some("Normal RunWaiting shop-2 waits: app: starting"));
        check(State::Waiting, status(State::Waiting, "app: another message"), None);
    }

    #[test]
    fn each_attempt_and_the_first_doubt_are_said() {
        let waiting = status(State::Waiting, "it does not answer");
        let again = RunStatus { retry_at: Some("later".into()), ..waiting.clone() };
        let retrying = Some("Warning RunRetrying shop-2 failed: it does not answer".to_owned());
        assert_eq!(said(Cause::Spec, &waiting, &again), retrying);
        assert_eq!(said(Cause::Spec, &again, &again), None);
        assert_eq!(said(Cause::Spec, &again, &RunStatus { retry_at: Some("much later".into()), ..waiting.clone() }), retrying);
        let step = Step { state: StepState::Unknown, ..Step::default() };
        let unknown = RunStatus { steps: vec![step], ..waiting.clone() };
        let expected = Some("Warning RunUnknown shop-2 waits for a person: it does not answer".to_owned());
        assert_eq!(said(Cause::Spec, &waiting, &unknown), expected);
        assert_eq!(said(Cause::Spec, &unknown, &unknown), None);
    }

    #[test]
    fn a_correction_names_the_hand() {
        let found = said(Cause::Drift, &status(State::Running, ""), &status(State::Succeeded, ""));
        let expected =
            "Normal DriftCorrected shop-2 put back what somebody else changed: `data.k` of config by `kubectl-edit`, map was gone";
        assert_eq!(found.as_deref(), Some(expected));
    }

    #[test]
    fn one_reason_has_one_name() {
        let instance = |name: String, uid: &str| InstanceReference { name, uid: uid.into(), ..InstanceReference::default() };
        let occasion = |reason, message: &str| Occasion { type_: "Warning", reason, message: message.into() };
        let shop = instance("shop".into(), "1");
        let name = name_of(&shop, &occasion("RunFailed", "a"));
        assert_eq!(name, name_of(&shop, &occasion("RunFailed", "b")));
        assert_ne!(name, name_of(&shop, &occasion("RunWaiting", "a")));
        assert_ne!(name, name_of(&instance("shop".into(), "2"), &occasion("RunFailed", "a")));
        assert!(name_of(&instance("x".repeat(253), "1"), &occasion("RunFailed", "a")).len() <= 253);
    }
}
