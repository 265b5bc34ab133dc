//! Which Run carries a plan out: the open one goes on, another takes its place, or nothing happens until a person decides.
//!
//! Nothing is carried out here. Start with [`Worker::open`].

use super::{Worker, annotation, run_namespace};
use crate::instance::execute::Actor;
use crate::instance::runs::{self, OpenRun, Opening};
use crate::instance::status::Said;
use crate::instance::{drift, preview as previews};
use crate::runtime::queue::Next;
use serde_json::Value;
use std::time::Duration;
use windlass_api::inventory::EntryState;
use windlass_api::names::{self, reason};
use windlass_api::plan::{Action, Plan};
use windlass_api::run::{Cause, Run, State};
use windlass_client::{objects, preview};
use windlass_graph::approval::{self, Standing};
use windlass_graph::decide::Decision;
use windlass_graph::refine;

/// What to do with a plan that has changes.
pub(super) enum Opened {
    /// Carry it out under this Run.
    Go(Box<OpenRun>),
    /// Nothing now; say this.
    Hold(Box<Said>, Next),
}

impl Worker<'_> {
    /// Goes on with the open Run if the new plan refines it, else supersedes it and opens another.
    pub(super) async fn open(
        &mut self,
        run: Option<OpenRun>,
        decision: &Decision,
        drifted: &drift::Verdict,
    ) -> Result<Opened, kube::Error> {
        let generation = self.object.metadata.generation.unwrap_or_default();
        // A Run that takes the place of another for the same wish has the same cause.
        let mut inherited = None;
        let mut beyond = None;
        if let Some(mut open) = run {
            if open.run.spec.cancel {
                return self.cancel(open).await;
            }
            let same =
                open.run.spec.generation == generation && open.run.spec.revision == self.revision && open.run.spec.cause != Cause::Delete;
            if same {
                match refine::refines(open.plan(), &decision.plan) {
                    Ok(()) => return self.check_standing(open, &decision.plan).await,
                    Err(found) => beyond = Some(found.into_iter().map(|difference| difference.message).collect::<Vec<_>>().join("; ")),
                }
            }
            if open.run.spec.generation == generation && open.run.spec.revision == self.revision {
                inherited = Some(open.run.spec.cause);
            }
            let message = match &beyond {
                Some(beyond) => format!("a newer Run takes its place, as this plan does not cover what came: {beyond}"),
                None => "a newer Run takes its place".to_owned(),
            };
            open.end(&mut self.record, State::Superseded, message).await?;
        } else if let Some(held) = self.held_by_last_run(&decision.plan, generation).await? {
            return Ok(held);
        }
        // The finalizer stands before the first entry.
        self.object = objects::set_finalizer(&self.api, &self.object, names::FINALIZER_INVENTORY, true).await?;
        let cause = inherited.unwrap_or_else(|| self.cause(&decision.plan, generation, drifted));
        let namespace = run_namespace(&self.reference).to_owned();
        let previous = runs::read_newest(&self.context.client, &namespace, &self.reference, &self.record).await?;
        let unmade = previous.as_ref().is_none_or(|run| run.spec.number < self.record.spec.last_run);
        let opening = Opening {
            reference: &self.reference,
            namespace: &namespace,
            cause,
            title: title(cause, previous.as_ref(), &self.value, &self.revision),
            by: self.author(cause),
            revision: &self.revision,
            generation,
            values: self.value.get("spec").cloned(),
            plan: &decision.plan,
        };
        self.record.spec.template.clone_from(&self.template);
        let dangling = self.record.spec.open_run.is_some();
        let mut open = OpenRun::reserve(&self.context.client, &mut self.record, opening, dangling && unmade).await?;
        if let Some(beyond) = beyond
            && annotation(&self.value, names::ANNOTATION_EXPECTED_PLAN).is_none()
            && approval::standing(&decision.plan, self.policies.approval, None) == Standing::Free
        {
            open.note_own_approval(self.policies.approval, &beyond);
        }
        self.check_expected(open, &decision.plan).await
    }

    /// A person stops the Run: what goes on outside is stopped where it can be, and followed where it cannot.
    async fn cancel(&mut self, mut open: OpenRun) -> Result<Opened, kube::Error> {
        let (context, reference, template, revision) = (self.context, self.reference.clone(), self.template.clone(), self.revision.clone());
        let actor = Actor { context, reference: &reference, template: &template, revision: &revision };
        actor.cancel_pending(&mut self.record).await;
        let too_late: Vec<&str> =
            self.record.spec.entries.iter().filter(|entry| entry.state == EntryState::Started).map(|entry| entry.key.as_str()).collect();
        let message = if too_late.is_empty() {
            "stopped by a person".to_owned()
        } else {
            format!("stopped by a person; it was too late for: {}", too_late.join(", "))
        };
        let goes_on = !too_late.is_empty();
        open.end(&mut self.record, State::Cancelled, message).await?;
        self.record.save().await?;
        let held = self.hold("Failed", reason::FAILED, "the last Run was cancelled; hint: change a value, or `windlass run retry`");
        Ok(match held {
            Opened::Hold(said, _) if goes_on => Opened::Hold(said, Next::After(Duration::from_millis(500))),
            other => other,
        })
    }

    /// Whether the Run may act: people may have to look first.
    async fn check_standing(&mut self, mut open: OpenRun, plan: &Plan) -> Result<Opened, kube::Error> {
        // A decision is bound to the plan that was looked at; the Run's own plan stands for all that refines it.
        let looked_at = open.plan().clone();
        let decision = approval::authored(&open.run).cloned();
        let decision = decision.as_ref();
        let standing = approval::standing(&looked_at, self.policies.approval, decision);
        let asked_by_preview = open.status.approval_needed && decision.is_none();
        match standing {
            Standing::Free if !asked_by_preview => Ok(Opened::Go(Box::new(open))),
            Standing::Rejected => {
                let said = decision.map(|decision| format!("the plan was {decision}")).unwrap_or_default();
                let hint = format!("hint: change a value, or `windlass run retry {}`", open.name());
                open.end(&mut self.record, State::Rejected, said.clone()).await?;
                self.record.save().await?;
                Ok(self.hold("Failed", reason::FAILED, format!("{said}; {hint}")))
            }
            Standing::Free | Standing::Waits => {
                open.status.approval_needed = true;
                if open.status.message.is_empty() {
                    open.set_state(State::AwaitingApproval, "a person must look at the plan");
                }
                open.status.state = State::AwaitingApproval;
                self.record.save().await?;
                open.write().await?;
                let message = format!("{} ({}); hint: `windlass run approve {}`", open.status.message, plan.summary(), open.name());
                Ok(self.hold("AwaitingApproval", reason::AWAITING_APPROVAL, message))
            }
        }
    }

    /// A write that was bound to a previewed plan stops if the plan became another.
    async fn check_expected(&mut self, mut open: OpenRun, plan: &Plan) -> Result<Opened, kube::Error> {
        let expected = annotation(&self.value, names::ANNOTATION_EXPECTED_PLAN);
        let bound = expected.as_deref().and_then(|text| text.split_once(':')).filter(|(spec, _)| *spec == preview::spec_hash(&self.value));
        if let Some((_, hash)) = bound
            && hash != plan.hash
            && open.run.spec.cause == Cause::Spec
        {
            let previewed = previews::find(&self.context.client, &self.reference, hash).await?;
            let difference = match previewed {
                Some(previewed) => {
                    refine::refines(&previewed, plan).err().map(|found| found.into_iter().map(|d| d.message).collect::<Vec<_>>().join("; "))
                }
                None => Some("the preview is gone".to_owned()),
            };
            if let Some(difference) = difference {
                open.status.approval_needed = true;
                open.set_state(State::AwaitingApproval, format!("the plan is not the one that was looked at: {difference}"));
            }
        }
        self.check_standing(open, plan).await
    }

    /// A finished Run that did not succeed is not repeated by itself while nothing has changed.
    async fn held_by_last_run(&self, plan: &Plan, generation: i64) -> Result<Option<Opened>, kube::Error> {
        let namespace = run_namespace(&self.reference);
        let Some(last) = runs::read_number(&self.context.client, namespace, &self.reference, self.record.spec.last_run).await? else {
            return Ok(None);
        };
        let status = last.status.clone().unwrap_or_default();
        let unsuccessful = matches!(status.state, State::Failed | State::Rejected | State::Cancelled);
        let same = last.spec.generation == generation && last.spec.revision == self.revision;
        let asked_again = annotation(&self.value, names::ANNOTATION_RETRY).is_some_and(|retry| retried_after(&last, &retry));
        if !unsuccessful || !same || asked_again || (status.state == State::Failed && status.plan_hash != plan.hash) {
            return Ok(None);
        }
        let hint = format!("hint: change a value, or `windlass run retry {}`", last.metadata.name.unwrap_or_default());
        Ok(Some(self.hold("Failed", reason::FAILED, format!("{}; {hint}", status.message))))
    }

    fn hold(&self, state: &'static str, reason: &'static str, message: impl Into<String>) -> Opened {
        let last_run = Some(runs::run_name(&self.reference, self.record.spec.last_run));
        Opened::Hold(Box::new(Said { last_run, ..Said::not_ready(state, reason, message) }), Next::After(self.context.resync))
    }

    fn cause(&self, plan: &Plan, generation: i64, drifted: &drift::Verdict) -> Cause {
        let observed = self.value.pointer("/status/observedGeneration").and_then(Value::as_i64);
        if self.record.spec.last_run == 0 || observed != Some(generation) {
            return Cause::Spec;
        }
        if self.value.pointer("/status/revision").and_then(Value::as_str) != Some(self.revision.as_str()) {
            return Cause::Revision;
        }
        let lost = plan.nodes.iter().any(|node| {
            node.action == Action::Create
                && node.effects.iter().any(|effect| self.record.entry(&effect.key).is_some_and(|entry| entry.state == EntryState::Present))
        });
        if lost || !drifted.corrections.is_empty() {
            return Cause::Drift;
        }
        if annotation(&self.value, names::ANNOTATION_RETRY).is_some() { Cause::Retry } else { Cause::Upstream }
    }

    fn author(&self, cause: Cause) -> String {
        match cause {
            Cause::Spec | Cause::Retry => annotation(&self.value, names::ANNOTATION_CHANGED_BY).unwrap_or_else(|| "unknown".into()),
            Cause::Revision | Cause::Upstream | Cause::Drift | Cause::Schedule | Cause::Delete => "windlass".into(),
        }
    }
}

/// Whether a person asked for another try after this Run ended. The annotation holds the time of the wish.
fn retried_after(last: &Run, retry: &str) -> bool {
    let ended = last.status.as_ref().and_then(|status| status.finished_at.clone()).unwrap_or_default();
    match (retry.parse::<jiff::Timestamp>(), ended.parse::<jiff::Timestamp>()) {
        (Ok(asked), Ok(ended)) => asked > ended,
        _ => false,
    }
}

/// One phrase on what the Run is about.
fn title(cause: Cause, previous: Option<&Run>, value: &Value, revision: &str) -> String {
    match cause {
        Cause::Spec => match previous.and_then(|run| run.spec.values.as_ref()) {
            Some(before) => difference(before, &value["spec"]),
            None => "new".into(),
        },
        Cause::Revision => format!("revision {revision}"),
        Cause::Drift => "put back what somebody else changed".into(),
        Cause::Upstream => "something that it reads changed".into(),
        Cause::Retry => "another try".into(),
        Cause::Schedule => "on schedule".into(),
        Cause::Delete => "delete".into(),
    }
}

/// `size S → L, port 80 → 81`, at most three fields.
fn difference(before: &Value, after: &Value) -> String {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return "values changed".into() };
    let show = |value: Option<&Value>| match value {
        None => "unset".to_owned(),
        Some(Value::String(text)) if text.chars().count() <= 40 => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        Some(_) => "…".to_owned(),
    };
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)).collect();
    keys.sort();
    keys.dedup();
    let parts: Vec<String> = keys.iter().take(3).map(|key| format!("{key} {} → {}", show(old.get(*key)), show(new.get(*key)))).collect();
    if parts.is_empty() { "values changed".into() } else { parts.join(", ") }
}
