//! The status of an instance: what it is, why it is not ready, where it answers. Written only where it changed.

use crate::runtime::clock;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};
use windlass_api::condition::{self, Condition};
use windlass_api::hint::one_line;
use windlass_api::instance::{InstanceStatus, InventorySummary, WaitingOn};
use windlass_api::inventory::{Entry, EntryState};
use windlass_api::names::{self, condition_type, reason};
use windlass_client::errors;

/// What is said about an instance after a pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// `Pending`, `Progressing`, `Ready`, `Degraded`, `AwaitingApproval`, `Failed` or `Deleting`.
    pub(super) state: &'static str,
    /// Whether it is ready.
    pub(super) ready: bool,
    /// A constant for programs.
    pub(super) reason: &'static str,
    /// A sentence with the way out.
    pub(super) message: String,
    /// Further conditions beside `Ready`.
    pub(super) conditions: Vec<Condition>,
    /// Types of conditions that hold no longer.
    pub(super) dropped: Vec<&'static str>,
    /// What it waits for; `since` is filled in here.
    pub(super) waiting_on: Vec<WaitingOn>,
    /// Status fields of the Template's author, where they are known.
    pub(super) author: Option<Value>,
    /// Revision that it was rendered from.
    pub(super) revision: Option<String>,
    /// Name of the newest Run.
    pub(super) last_run: Option<String>,
    /// Where it answers.
    pub(super) url: Option<String>,
    /// Where programs reach it.
    pub(super) address: Option<String>,
}

impl Said {
    /// Not ready, because.
    pub(super) fn not_ready(state: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { state, reason, message: message.into(), ..Self::default() }
    }
}

/// Writes the status where it changed.
pub(super) async fn write(api: &Api<DynamicObject>, object: &Value, entries: &[Entry], said: Said) -> Result<(), kube::Error> {
    let wanted = compose(object, entries, said, &clock::now_seconds());
    if object.get("status") == Some(&wanted) {
        return Ok(());
    }
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let patch = json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "status": wanted});
    match api.patch_status(name, &PatchParams::apply(names::MANAGER_STATUS).force(), &Patch::Apply(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if errors::is_not_found(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The whole status: what is said now, with the times of what did not change.
fn compose(object: &Value, entries: &[Entry], said: Said, now: &str) -> Value {
    let before: InstanceStatus = object.get("status").and_then(|status| serde_json::from_value(status.clone()).ok()).unwrap_or_default();
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let mut conditions = before.conditions.clone();
    conditions.retain(|condition| !said.dropped.contains(&condition.type_.as_str()));
    condition::set(&mut conditions, Condition::new(condition_type::READY, said.ready, said.reason, one_line(&said.message)), now);
    for mut extra in said.conditions {
        extra.message = one_line(&extra.message);
        condition::set(&mut conditions, extra, now);
    }
    for condition in &mut conditions {
        condition.observed_generation = generation;
    }
    let mut waiting_on = said.waiting_on;
    for waiting in &mut waiting_on {
        waiting.message = one_line(&waiting.message);
        let known = before.waiting_on.iter().find(|known| known.node == waiting.node && known.reason == waiting.reason);
        waiting.since = known.map_or_else(|| now.to_owned(), |known| known.since.clone());
    }
    let count = |state: EntryState| u32::try_from(entries.iter().filter(|entry| entry.state == state).count()).unwrap_or(u32::MAX);
    let status = InstanceStatus {
        state: said.state.to_owned(),
        conditions,
        observed_generation: generation,
        revision: said.revision.or(before.revision),
        last_run: said.last_run.or(before.last_run),
        waiting_on,
        inventory: Some(InventorySummary { present: count(EntryState::Present), unknown: count(EntryState::Unknown) }),
        url: said.url.or(before.url),
        address: said.address.or(before.address),
    };
    let ours = serde_json::to_value(status).unwrap_or_default();
    let author = match said.author {
        Some(author) => author,
        None => object.get("status").cloned().unwrap_or_default(),
    };
    let mut whole: Map<String, Value> = author.as_object().cloned().unwrap_or_default();
    whole.remove("waitingOn");
    if let Value::Object(ours) = ours {
        whole.extend(ours);
    }
    Value::Object(whole)
}

/// What is said while an instance is deleted.
pub(super) fn deleting(message: impl Into<String>) -> Said {
    Said::not_ready("Deleting", reason::DELETING, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stay_and_the_authors_fields_stand_beside_ours() {
        let object = json!({"metadata": {"generation": 2}, "status": {
            "waitingOn": [{"node": "app", "reason": "Starting", "message": "old", "since": "2026-01-01T00:00:00Z"}],
            "conditions": [{"type": "Ready", "status": "False", "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        }});
        let waiting =
            WaitingOn { node: "app".into(), reason: "Starting".into(), message: "new\n  hint: wait".into(), since: String::new() };
        let said =
            Said { author: Some(json!({"host": "h"})), waiting_on: vec![waiting], ..Said::not_ready("Progressing", "Progressing", "m") };
        let status = compose(&object, &[], said, "2026-01-02T00:00:00Z");
        assert_eq!(status["waitingOn"][0]["since"], "2026-01-01T00:00:00Z");
        assert_eq!(status["waitingOn"][0]["message"], "new; hint: wait", "a message in an object is one line");
        assert_eq!(status["conditions"][0]["lastTransitionTime"], "2026-01-01T00:00:00Z");
        assert_eq!((&status["host"], &status["observedGeneration"]), (&json!("h"), &json!(2)));
        let ready = Said { state: "Ready", ready: true, reason: "Ready", author: Some(json!({})), ..Said::default() };
        let status = compose(&object, &[], ready, "2026-01-02T00:00:00Z");
        assert_eq!(status.get("waitingOn"), None);
        assert_eq!(status["conditions"][0]["lastTransitionTime"], "2026-01-02T00:00:00Z");
    }
}
