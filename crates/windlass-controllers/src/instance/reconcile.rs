//! One pass over one instance: read, resolve doubts, decide, carry out as a Run, say.

use super::approval::{self, Policies, Standing};
use super::execute::{Actor, Progress};
use super::gather::{self, GatherError};
use super::record::Record;
use super::runs::{self, OpenRun, Opening};
use super::status::{self, Said};
use super::{Context, Key, deletion, drift, watches};
use crate::runtime::clock;
use crate::runtime::graphs::GraphError;
use crate::runtime::queue::Next;
use kube::Api;
use kube::api::DynamicObject;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use windlass_api::condition::Condition;
use windlass_api::inventory::EntryState;
use windlass_api::names::{self, condition_type, reason};
use windlass_api::plan::{Action, InstanceReference, NodePlan, Plan};
use windlass_api::run::{Cause, ResolutionVerdict, Run, State, StepState};
use windlass_api::template::TemplateSpec;
use windlass_client::{errors, objects, preview};
use windlass_graph::compile::Compiled;
use windlass_graph::decide::{Decision, NodeStanding};
use windlass_graph::refine;

/// How often a Run tries before it gives up.
const MOST_ATTEMPTS: u32 = 6;
/// How long a Run that waits for the outside is left alone if nothing wakes it.
const SAFETY: Duration = Duration::from_secs(15);

/// Brings one instance up to date.
pub(super) async fn reconcile(context: &Context, key: &Key) -> Next {
    match pass(context, key).await {
        Ok(next) => next,
        // Somebody wrote first: read again.
        Err(error) if errors::is_conflict(&error) => Next::After(Duration::from_millis(50)),
        Err(error) if errors::is_not_found(&error) => Next::After(Duration::from_millis(500)),
        Err(error) => {
            tracing::warn!(kind = %key.kind, namespace = key.namespace.as_deref(), name = %key.name, error = %errors::message(&error), "the instance could not be reconciled and is tried again");
            Next::Failed
        }
    }
}

async fn pass(context: &Context, key: &Key) -> Result<Next, kube::Error> {
    // 1. Read.
    let Some(published) = context.registry.kind(&key.group, &key.kind) else { return Ok(Next::OnChange) };
    let api = published.kind.api(&context.client, key.namespace.as_deref());
    let Some(object) = objects::get(&api, &key.name).await? else { return Ok(Next::OnChange) };
    let value = serde_json::to_value(&object).map_err(kube::Error::SerdeError)?;
    let reference = reference_of(&value);
    let record = Record::read(&context.client, &reference).await?;
    if object.metadata.deletion_timestamp.is_some() {
        return deletion::instance(context, &api, &object, &value, &reference, record).await;
    }
    // 2. Find the graph.
    let pinned = annotation(&value, names::ANNOTATION_REVISION);
    let Some(revision) = pinned.or_else(|| context.registry.revision(&published.template)) else {
        let message = format!("the Template `{}` has no revision that serves; hint: see its conditions", published.template);
        status::write(&api, &value, &[], Said::not_ready("Pending", reason::WAITING, message)).await?;
        return Ok(Next::After(Duration::from_secs(5)));
    };
    let compiled = match context.graphs.of_revision(&revision).await {
        Ok(compiled) => compiled,
        Err(GraphError::Read { source, .. }) => return Err(source),
        Err(problem @ (GraphError::Missing(_) | GraphError::Refused(_))) => {
            status::write(&api, &value, &[], Said::not_ready("Failed", reason::INVALID, problem.to_string())).await?;
            return Ok(Next::After(Duration::from_secs(30)));
        }
    };
    watches::follow(context, key, &compiled.graph.kinds_made(), &compiled.graph.kinds_read());
    let spec: Option<TemplateSpec> = compiled.graph.template_spec().cloned();
    let policies = Policies::new(spec.as_ref().and_then(|spec| spec.policy.as_ref()), |name| annotation(&value, name));
    let template = published.template;
    let previous_spec = previous_spec(context, &value, &reference, &record).await?;
    let mut worker = Worker { context, api, object, value, reference, template, revision, compiled, policies, record, previous_spec };
    worker.advance().await
}

/// The values that were carried out before these; asked for only where these are new.
async fn previous_spec(
    context: &Context,
    value: &Value,
    reference: &InstanceReference,
    record: &Record,
) -> Result<Option<Value>, kube::Error> {
    if value.pointer("/status/observedGeneration") == value.pointer("/metadata/generation") {
        return Ok(value.get("spec").cloned());
    }
    let last = runs::read_number(&context.client, run_namespace(reference), reference, record.spec.last_run).await?;
    Ok(last.and_then(|run| run.spec.values))
}

/// The instance as plans and inventories name it.
pub(super) fn reference_of(value: &Value) -> InstanceReference {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    InstanceReference {
        api_version: text("/apiVersion"),
        kind: text("/kind"),
        namespace: Some(text("/metadata/namespace")).filter(|namespace| !namespace.is_empty()),
        name: text("/metadata/name"),
        uid: text("/metadata/uid"),
    }
}

/// An annotation of an object.
pub(super) fn annotation(value: &Value, name: &str) -> Option<String> {
    value["metadata"]["annotations"][name].as_str().map(str::to_owned)
}

/// Namespace that the Runs of an instance live in.
pub(super) fn run_namespace(reference: &InstanceReference) -> &str {
    reference.namespace.as_deref().unwrap_or(names::SYSTEM_NAMESPACE)
}

/// One instance while it is worked on.
struct Worker<'a> {
    context: &'a Context,
    api: Api<DynamicObject>,
    object: DynamicObject,
    value: Value,
    reference: InstanceReference,
    template: String,
    revision: String,
    compiled: Arc<Compiled>,
    policies: Policies,
    record: Record,
    /// The instance's `spec` as it was last carried out.
    previous_spec: Option<Value>,
}

/// What to do with a plan that has changes.
enum Opened {
    /// Carry it out under this Run.
    Go(Box<OpenRun>),
    /// Nothing now; say this.
    Hold(Box<Said>, Next),
}

impl Worker<'_> {
    async fn advance(&mut self) -> Result<Next, kube::Error> {
        let mut run = OpenRun::read(&self.context.client, &self.record).await?;
        let (context, reference, template, revision) = (self.context, self.reference.clone(), self.template.clone(), self.revision.clone());
        let actor = Actor { context, reference: &reference, template: &template, revision: &revision };
        // 3. Resolve doubts: what a crash left as Started, what was Unknown.
        let goes_on = actor.resolve_doubts(&mut self.record).await;
        if let Some(run) = &run {
            self.resolve_by_people(&run.run);
        }
        for _ in 0..=self.compiled.graph.order().len() + 1 {
            // 4. Decide. What is gone is not there to be deleted again.
            self.record.forget_gone();
            let mut decision = match self.decide().await {
                Ok(decision) => decision,
                Err(problem) => return self.refuse(run, problem).await,
            };
            let drifted = self.hold_drift(&mut decision);
            if !decision.plan.has_changes() {
                return self.settle(run, decision, &drifted, goes_on).await;
            }
            // 5. Open or go on with a Run.
            let mut open = match self.open(run.take(), &decision, &drifted).await? {
                Opened::Go(open) => *open,
                Opened::Hold(said, next) => {
                    self.say(*said).await?;
                    return Ok(next);
                }
            };
            if let Some(wait) = self.waits_for_retry(&open) {
                return Ok(Next::After(wait));
            }
            // 6. Act.
            let nodes = self.runnable(&decision);
            if nodes.is_empty() {
                return self.wait(open, &decision, None, goes_on).await;
            }
            let progress = self.act(&actor, &mut open, &decision, &nodes, &drifted).await?;
            if !progress.failed.is_empty() || !progress.unknown.is_empty() || progress.poll_after.is_some() {
                return self.wait(open, &decision, Some(progress), goes_on).await;
            }
            // 7. Look again; stop at the node boundary if the wish changed.
            let Some(object) = objects::get(&self.api, &self.reference.name).await? else { return Ok(Next::OnChange) };
            let changed = object.metadata.generation != self.object.metadata.generation || object.metadata.deletion_timestamp.is_some();
            if changed {
                self.record.save().await?;
                open.write().await?;
                return Ok(Next::After(Duration::ZERO));
            }
            run = Some(open);
        }
        Ok(Next::After(Duration::from_secs(1)))
    }

    async fn decide(&self) -> Result<Decision, GatherError> {
        let subject = gather::Subject {
            instance: &self.value,
            reference: &self.reference,
            template: &self.template,
            revision: &self.revision,
            entries: &self.record.spec.entries,
            previous_spec: self.previous_spec.as_ref(),
        };
        gather::decide(self.context, &self.compiled.graph, &subject).await
    }

    /// Takes nodes whose drift is not to be corrected now out of the plan.
    fn hold_drift(&self, decision: &mut Decision) -> drift::Verdict {
        let verdict = drift::judge(&decision.plan, &self.record.spec.corrections, self.policies.drift, clock::since, &clock::now());
        for node in &mut decision.plan.nodes {
            if verdict.held.contains(&node.key) {
                node.action = Action::None;
                node.changes.clear();
                node.effects.iter_mut().for_each(|effect| effect.action = Action::None);
            }
        }
        if !verdict.held.is_empty() {
            decision.plan.hash = refine::hash(&decision.plan);
        }
        verdict
    }

    fn runnable<'d>(&self, decision: &'d Decision) -> Vec<&'d NodePlan> {
        decision
            .plan
            .nodes
            .iter()
            .filter(|node| decision.runnable.contains(&node.key) && node.effects.iter().any(|e| e.action.changes()))
            .collect()
    }

    /// Nothing to do: ends the open Run if all is ready, and says how it stands.
    async fn settle(
        &mut self,
        run: Option<OpenRun>,
        decision: Decision,
        drifted: &drift::Verdict,
        goes_on: Option<Duration>,
    ) -> Result<Next, kube::Error> {
        let mut next = if decision.ready { Next::After(self.context.resync) } else { Next::After(SAFETY) };
        let mut failed = None;
        if let Some(mut run) = run {
            mirror_steps(&mut run, &decision);
            let unknown = self.record.spec.entries.iter().any(|entry| entry.state == EntryState::Unknown);
            if run.run.spec.cancel && !decision.ready {
                let (context, reference, template, revision) =
                    (self.context, self.reference.clone(), self.template.clone(), self.revision.clone());
                Actor { context, reference: &reference, template: &template, revision: &revision }.cancel_pending(&mut self.record).await;
                run.end(&mut self.record, State::Cancelled, "stopped by a person").await?;
            } else if decision.ready {
                run.end(&mut self.record, State::Succeeded, "").await?;
            } else {
                run.set_state(State::Waiting, waiting_message(&decision));
                run.write().await?;
                if unknown {
                    failed = Some(waiting_message(&decision));
                }
            }
            self.record.drop_gone();
            self.record.save().await?;
            if run.status.state.is_finished()
                && self.record.spec.last_run > i64::try_from(windlass_api::run::KEPT_SUCCEEDED).unwrap_or(i64::MAX)
            {
                runs::retain(&self.context.client, run_namespace(&self.reference), &self.reference.uid).await?;
            }
        } else if self.record.exists() {
            self.record.drop_gone();
            self.record.save().await?;
        }
        if let Some(again) = drifted.again_in.and_then(|left| Duration::try_from(left).ok()).or(goes_on) {
            next = Next::After(again);
        }
        let mut said = self.said(&decision, drifted);
        if let Some(message) = failed {
            said.message = message;
        }
        self.say(said).await?;
        Ok(next)
    }

    /// Goes on with the open Run if the new plan refines it, else supersedes it and opens another.
    async fn open(&mut self, run: Option<OpenRun>, decision: &Decision, drifted: &drift::Verdict) -> Result<Opened, kube::Error> {
        let generation = self.object.metadata.generation.unwrap_or_default();
        // A Run that takes the place of another for the same wish has the same cause.
        let mut inherited = None;
        if let Some(mut open) = run {
            if open.run.spec.cancel {
                return self.cancel(open).await;
            }
            let same =
                open.run.spec.generation == generation && open.run.spec.revision == self.revision && open.run.spec.cause != Cause::Delete;
            if same && refine::refines(open.plan(), &decision.plan).is_ok() {
                return self.check_standing(open, &decision.plan).await;
            }
            if open.run.spec.generation == generation && open.run.spec.revision == self.revision {
                inherited = Some(open.run.spec.cause);
            }
            open.end(&mut self.record, State::Superseded, "a newer Run takes its place").await?;
        } else if let Some(held) = self.held_by_last_run(&decision.plan, generation).await? {
            return Ok(held);
        }
        // The finalizer stands before the first entry.
        self.object = objects::set_finalizer(&self.api, &self.object, names::FINALIZER_INVENTORY, true).await?;
        let cause = inherited.unwrap_or_else(|| self.cause(&decision.plan, generation, drifted));
        let namespace = run_namespace(&self.reference).to_owned();
        let previous = runs::read_number(&self.context.client, &namespace, &self.reference, self.record.spec.last_run).await?;
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
        self.record.spec.deletion_policy = self.policies.deletion;
        let dangling = self.record.spec.open_run.is_some();
        let open = if dangling && previous.is_none() {
            OpenRun::reserved(&self.context.client, &self.record, opening)
        } else {
            OpenRun::reserve(&self.context.client, &mut self.record, opening)
        };
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
        let decision = approval::authored(&open.run);
        let standing = approval::standing(&looked_at, self.policies.approval, decision);
        let asked_by_preview = open.status.approval_needed && decision.is_none();
        match standing {
            Standing::Free if !asked_by_preview => Ok(Opened::Go(Box::new(open))),
            Standing::Rejected => {
                let reason_given = open.run.spec.decision.as_ref().map(|decision| decision.reason.clone()).unwrap_or_default();
                open.end(&mut self.record, State::Rejected, reason_given).await?;
                self.record.save().await?;
                Ok(self.hold("Failed", reason::FAILED, "the plan was rejected; hint: change a value, or `windlass run retry`"))
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
            let previewed = super::preview::find(&self.context.client, &self.reference, hash).await?;
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
        let asked_again = annotation(&self.value, names::ANNOTATION_RETRY).is_some_and(|retry| self.retried_after(&last, &retry));
        if !unsuccessful || !same || asked_again || (status.state == State::Failed && status.plan_hash != plan.hash) {
            return Ok(None);
        }
        let hint = format!("hint: change a value, or `windlass run retry {}`", last.metadata.name.unwrap_or_default());
        Ok(Some(self.hold("Failed", reason::FAILED, format!("{}; {hint}", status.message))))
    }

    /// Whether a person asked for another try after this Run ended. The annotation holds the time of the wish.
    fn retried_after(&self, last: &Run, retry: &str) -> bool {
        let ended = last.status.as_ref().and_then(|status| status.finished_at.clone()).unwrap_or_default();
        match (retry.parse::<jiff::Timestamp>(), ended.parse::<jiff::Timestamp>()) {
            (Ok(asked), Ok(ended)) => asked > ended,
            _ => false,
        }
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

    /// Takes the effects of nodes: the entries are durable before the Run, and the Run before the effects.
    async fn act(
        &mut self,
        actor: &Actor<'_>,
        open: &mut OpenRun,
        decision: &Decision,
        nodes: &[&NodePlan],
        drifted: &drift::Verdict,
    ) -> Result<Progress, kube::Error> {
        // Nodes whose wish is known in full are started together, so that a template of n plain objects needs few writes.
        let known: Vec<&NodePlan> = decision
            .plan
            .nodes
            .iter()
            .filter(|node| {
                nodes.iter().any(|runnable| runnable.key == node.key) || (node.desired.known().is_some() && node.action == Action::Create)
            })
            .collect();
        actor.start(&mut self.record, open.name(), &known);
        drift::remember(&mut self.record.spec.corrections, drifted.corrections.clone());
        self.record.save().await?;
        open.store().await?;
        Ok(actor.act(&mut self.record, open, nodes, &decision.bodies).await)
    }

    /// The Run cannot go on by itself now.
    async fn wait(
        &mut self,
        mut open: OpenRun,
        decision: &Decision,
        progress: Option<Progress>,
        goes_on: Option<Duration>,
    ) -> Result<Next, kube::Error> {
        let progress = progress.unwrap_or_default();
        let mut said = self.said(decision, &drift::Verdict::default());
        let next = if let Some((message, retry)) = progress.failed.first().cloned() {
            let retry = retry && open.status.attempt < MOST_ATTEMPTS;
            if retry {
                let delay = 1_u64 << open.status.attempt.min(6);
                open.status.attempt += 1;
                open.set_state(State::Waiting, format!("{message} (it is tried again)"));
                open.status.retry_at = Some(clock::in_seconds(delay));
                said = Said { state: "Progressing", reason: reason::FAILED, message: message.clone(), ..said };
                Next::After(Duration::from_secs(delay))
            } else {
                open.end(&mut self.record, State::Failed, message.clone()).await?;
                let hint = format!("hint: change a value, or `windlass run retry {}`", open.name());
                said = Said { state: "Failed", reason: reason::FAILED, message: format!("{message}; {hint}"), ..said };
                Next::After(self.context.resync)
            }
        } else if let Some(message) = progress.unknown.first() {
            let hint = format!("hint: `windlass run resolve {} --done` or `--retry`", open.name());
            open.set_state(State::Waiting, format!("{message}; {hint}"));
            said = Said { state: "Progressing", reason: reason::UNKNOWN, message: format!("{message}; {hint}"), ..said };
            Next::After(progress.poll_after.unwrap_or(SAFETY))
        } else {
            mirror_steps(&mut open, decision);
            open.set_state(State::Waiting, waiting_message(decision));
            Next::After(progress.poll_after.or(goes_on).unwrap_or(SAFETY))
        };
        said.ready = false;
        self.record.save().await?;
        open.write().await?;
        self.say(said).await?;
        Ok(next)
    }

    fn waits_for_retry(&self, open: &OpenRun) -> Option<Duration> {
        let at: jiff::Timestamp = open.status.retry_at.as_ref()?.parse().ok()?;
        Duration::try_from(at.duration_since(jiff::Timestamp::now())).ok().filter(|left| !left.is_zero())
    }

    /// Nothing could be decided: the values are refused, or something did not answer.
    async fn refuse(&mut self, run: Option<OpenRun>, problem: GatherError) -> Result<Next, kube::Error> {
        let (reason_given, next) = match &problem {
            GatherError::Refused(_) => (reason::INVALID, Next::OnChange),
            GatherError::Node { .. } => (reason::FAILED, Next::After(Duration::from_secs(30))),
            GatherError::Unavailable(_) => (reason::WAITING, Next::Failed),
        };
        let message = problem.to_string();
        if let Some(mut run) = run {
            if matches!(problem, GatherError::Unavailable(_)) {
                run.set_state(State::Waiting, message.clone());
                run.write().await?;
            } else {
                run.end(&mut self.record, State::Failed, message.clone()).await?;
                self.record.save().await?;
            }
        }
        let mut said = Said::not_ready("Failed", reason_given, message.clone());
        if let GatherError::Node { key, reason, message } = problem {
            let waiting = windlass_api::instance::WaitingOn { node: key.clone(), reason, message: message.clone(), since: String::new() };
            said.message = format!("{key}: {message}");
            said.waiting_on = vec![waiting];
        }
        self.say(said).await?;
        Ok(next)
    }

    /// What a person said about effects that cannot be observed.
    fn resolve_by_people(&mut self, run: &Run) {
        for resolution in &run.spec.resolutions {
            let Some(entry) = self.record.entry_mut(&resolution.key).filter(|entry| entry.state == EntryState::Unknown) else { continue };
            entry.message = None;
            entry.state = match resolution.verdict {
                ResolutionVerdict::Done => EntryState::Present,
                ResolutionVerdict::Retry => EntryState::Planned,
            };
        }
    }

    fn said(&self, decision: &Decision, drifted: &drift::Verdict) -> Said {
        let was_ready =
            self.value.pointer("/status/state").and_then(Value::as_str).is_some_and(|state| matches!(state, "Ready" | "Degraded"));
        let mut said = if decision.ready {
            Said { state: "Ready", ready: true, reason: reason::READY, message: "everything is as it should be".into(), ..Said::default() }
        } else {
            let state = if was_ready { "Degraded" } else { "Progressing" };
            Said::not_ready(state, reason::WAITING, waiting_message(decision))
        };
        let word = if decision.ready { reason::READY } else { reason::WAITING };
        said.conditions.push(Condition::new(condition_type::INPUTS_ACCEPTED, true, reason::READY, "the values are understood"));
        said.conditions.push(Condition::new(condition_type::RESOURCES_READY, decision.ready, word, said.message.clone()));
        if drifted.reports.is_empty() {
            said.dropped.push(condition_type::DRIFTED);
        } else {
            said.conditions.push(Condition::new(condition_type::DRIFTED, true, "ChangedByOthers", drifted.reports.join("; ")));
        }
        said.waiting_on.clone_from(&decision.waiting_on);
        said.author = Some(decision.status.clone());
        said.revision = Some(self.revision.clone());
        said.last_run = (self.record.spec.last_run > 0).then(|| runs::run_name(&self.reference, self.record.spec.last_run));
        said.url.clone_from(&decision.url);
        said.address.clone_from(&decision.address);
        said
    }

    async fn say(&self, said: Said) -> Result<(), kube::Error> {
        status::write(&self.api, &self.value, &self.record.spec.entries, said).await
    }
}

/// Shows in the Run's steps how the nodes stand.
fn mirror_steps(run: &mut OpenRun, decision: &Decision) {
    let keys: Vec<String> = run.status.steps.iter().map(|step| step.key.clone()).collect();
    for key in keys {
        let Some(node) = decision.nodes.iter().find(|node| node.key == key) else {
            run.set_step(&key, StepState::Succeeded, "", &[]);
            continue;
        };
        let state = match node.state {
            NodeStanding::Ready => StepState::Succeeded,
            NodeStanding::Skipped => StepState::Skipped,
            NodeStanding::Unknown => StepState::Unknown,
            NodeStanding::Conflict => StepState::Failed,
            NodeStanding::NotReady => StepState::Waiting,
            NodeStanding::Waiting | NodeStanding::Deferred => StepState::Pending,
        };
        run.set_step(&key, state, &node.message, &node.parts);
    }
}

fn waiting_message(decision: &Decision) -> String {
    match decision.waiting_on.first() {
        Some(first) => format!("{}: {}", first.node, first.message),
        None => "it goes on".to_owned(),
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
