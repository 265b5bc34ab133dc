//! Following an instance until it has settled: plain lines about steps on standard error, and its address at the end.

use crate::connection::Connection;
use crate::exit::{Exit, failed};
use crate::terminal::{Ink, Stream, has_colour, paint, put, say};
use crate::text::safe;
use futures::StreamExt as _;
use kube::Api;
use kube::api::DynamicObject;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use windlass_api::condition::Condition;
use windlass_api::instance::InstanceStatus;
use windlass_api::names;
use windlass_api::run::{Run, State, Step, StepState};
use windlass_client::watch::{self, Change};

/// How an instance stands after a change.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It goes on.
    Moving,
    /// It is ready.
    Ready,
    /// A person must approve the plan of this Run.
    Waits(String),
    /// It did not come about.
    Failed(String),
}

/// Waits until what was written is ready, or cannot be.
///
/// # Errors
/// It failed, or takes too long.
pub(crate) async fn until_settled(
    connection: &Connection,
    api: &Api<DynamicObject>,
    written: &DynamicObject,
    patience: Duration,
) -> anyhow::Result<Exit> {
    let name = written.metadata.name.clone().unwrap_or_default();
    let generation = written.metadata.generation.unwrap_or_default();
    let uid = written.metadata.uid.clone().unwrap_or_default();
    // One that was not changed may be ready already; then there is nothing to follow.
    let known: InstanceStatus = serde_json::from_value(written.data["status"].clone()).unwrap_or_default();
    if standing(&known, generation) == Standing::Ready {
        return ready(&name, &written.data["status"], &known);
    }
    let namespace = written.metadata.namespace.clone().unwrap_or_else(|| names::SYSTEM_NAMESPACE.into());
    let runs: Api<Run> = Api::namespaced(connection.client.clone(), &namespace);
    let of_instance = format!("{}={uid}", names::LABEL_INSTANCE_ID);
    let mut runs = watch::objects(runs, Some(&of_instance)).boxed();
    let field = format!("metadata.name={name}");
    let mut objects = kube::runtime::watcher(api.clone(), kube::runtime::watcher::Config::default().fields(&field)).boxed();
    let mut said = Said { generation, ..Said::default() };
    let deadline = tokio::time::sleep(patience);
    tokio::pin!(deadline);
    let mut last = String::new();
    loop {
        tokio::select! {
            change = runs.next() => {
                let Some(Change::Applied(run)) = change else { continue };
                said.steps_of(&run);
                if let Some(message) = said.failure_of(&run) {
                    return Err(message);
                }
            }
            event = objects.next() => {
                use kube::runtime::watcher::Event;
                let Some(Ok(Event::Apply(object) | Event::InitApply(object))) = event else { continue };
                let status: InstanceStatus = serde_json::from_value(object.data["status"].clone()).unwrap_or_default();
                last = reason(&status);
                match standing(&status, generation) {
                    Standing::Moving => {}
                    Standing::Ready => return ready(&name, &object.data["status"], &status),
                    Standing::Waits(run) => {
                        say(&format!("{name} waits for approval\n  hint: windlass run show {run} -n {namespace}, then windlass run approve {run} -n {namespace}"));
                        return Ok(Exit::Success);
                    }
                    Standing::Failed(message) => return Err(failed(Exit::Failure, format!("{name} did not come about: {message}"))),
                }
            }
            () = &mut deadline => {
                return Err(failed(Exit::TimedOut, format!("{name} is not ready within {} s: {last}\n  hint: the Run goes on; `windlass run list` shows it", patience.as_secs())));
            }
            _ = tokio::signal::ctrl_c() => {
                say(&format!("\nNo longer watching; the Run goes on. `windlass run list -n {namespace}` shows it."));
                return Ok(Exit::Interrupted);
            }
        }
    }
}

fn ready(name: &str, status: &Value, known: &InstanceStatus) -> anyhow::Result<Exit> {
    say(&format!("{name} is ready"));
    let url = known.url.as_deref().or_else(|| status["url"].as_str());
    if let Some(url) = url {
        put(url)?;
    }
    Ok(Exit::Success)
}

fn condition(status: &InstanceStatus) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == names::condition_type::READY)
}

fn reason(status: &InstanceStatus) -> String {
    condition(status)
        .map(|condition| format!("{}: {}", condition.reason, condition.message))
        .unwrap_or_else(|| "it was not looked at yet".into())
}

fn standing(status: &InstanceStatus, generation: i64) -> Standing {
    if status.observed_generation.is_none_or(|observed| observed < generation) {
        return Standing::Moving;
    }
    let Some(ready) = condition(status) else { return Standing::Moving };
    match status.state.as_str() {
        _ if ready.is_true() => Standing::Ready,
        "AwaitingApproval" => Standing::Waits(status.last_run.clone().unwrap_or_default()),
        "Failed" => Standing::Failed(ready.message.clone()),
        _ => Standing::Moving,
    }
}

/// What was said already, so that nothing is said twice.
#[derive(Default)]
struct Said {
    generation: i64,
    steps: BTreeMap<(String, String), StepState>,
}

impl Said {
    fn steps_of(&mut self, run: &Run) {
        if run.spec.generation != self.generation {
            return;
        }
        let name = run.metadata.name.clone().unwrap_or_default();
        for step in run.status.iter().flat_map(|status| &status.steps) {
            let key = (name.clone(), step.key.clone());
            if step.state != StepState::Pending && self.steps.insert(key, step.state) != Some(step.state) {
                say(&step_text(step, has_colour(Stream::Error)));
            }
        }
    }

    fn failure_of(&self, run: &Run) -> Option<anyhow::Error> {
        if run.spec.generation != self.generation {
            return None;
        }
        let status = run.status.as_ref()?;
        let name = run.metadata.name.as_deref().unwrap_or_default();
        match status.state {
            State::Failed => Some(failed(Exit::Failure, format!("the Run `{name}` failed: {}", status.message))),
            State::Rejected => Some(failed(Exit::Refused, format!("`{name}` ended: {}", status.message))),
            State::Cancelled => Some(failed(Exit::Refused, format!("the Run `{name}` was cancelled"))),
            State::Pending | State::AwaitingApproval | State::Running | State::Waiting | State::Succeeded | State::Superseded => None,
        }
    }
}

/// One line about a step.
pub(crate) fn step_text(step: &Step, colour: bool) -> String {
    let (sign, ink) = match step.state {
        StepState::Pending | StepState::Skipped => ("·", Ink::Dim),
        StepState::Running => ("▸", Ink::Yellow),
        StepState::Waiting => ("…", Ink::Yellow),
        StepState::Succeeded => ("✓", Ink::Green),
        StepState::Failed => ("✗", Ink::Red),
        StepState::Unknown => ("?", Ink::Red),
    };
    let word = format!("{:?}", step.state).to_lowercase();
    let message = if step.message.is_empty() { String::new() } else { format!(": {}", safe(&step.message)) };
    format!("  {} {} {} {word}{message}", paint(colour, ink, sign), step.key, step.action.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_of_an_older_generation_does_not_count() {
        let status = |observed: i64, state: &str, ready: &str| -> InstanceStatus {
            serde_json::from_value(json!({"state": state, "observedGeneration": observed, "lastRun": "webapp-shop-2", "conditions": [
                {"type": "Ready", "status": ready, "reason": "x", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            ]}))
            .expect("a status")
        };
        assert_eq!(standing(&status(1, "Ready", "True"), 2), Standing::Moving);
        assert_eq!(standing(&status(2, "Ready", "True"), 2), Standing::Ready);
        assert_eq!(standing(&status(2, "AwaitingApproval", "False"), 2), Standing::Waits("webapp-shop-2".into()));
        assert_eq!(standing(&status(2, "Failed", "False"), 2), Standing::Failed("m".into()));
    }
}
