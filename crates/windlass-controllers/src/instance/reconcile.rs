//! One pass over one instance: read, resolve doubts, decide, carry out as a Run, say.

mod opening;

use super::execute::{Actor, Progress};
use super::gather::{self, GatherError};
use super::record::Record;
use super::runs::{self, OpenRun};
use super::status::{self, Said};
use super::{Context, Key, deletion, drift, watches};
use crate::runtime::clock;
use crate::runtime::graphs::GraphError;
use crate::runtime::queue::Next;
use kube::Api;
use kube::api::DynamicObject;
use opening::Opened;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use windlass_api::condition::Condition;
use windlass_api::inventory::EntryState;
use windlass_api::names::{self, condition_type, reason};
use windlass_api::plan::{Action, InstanceReference, NodePlan};
use windlass_api::run::{ResolutionVerdict, Run, State, StepState};
use windlass_api::template::{Template, TemplateSpec};
use windlass_client::{errors, objects};
use windlass_graph::approval::Policies;
use windlass_graph::compile::Compiled;
use windlass_graph::decide::{Decision, NodeStanding};
use windlass_graph::refine;

/// How often a Run tries before it gives up.
const MOST_ATTEMPTS: u32 = 6;
/// How long a Run that waits for the outside is left alone if nothing wakes it.
const SAFETY: Duration = Duration::from_secs(15);

/// Brings one instance up to date.
pub(super) async fn reconcile(context: &Context, key: &Key) -> Next {
    match Box::pin(pass(context, key)).await {
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
    let reference = InstanceReference::of(&value);
    let record = Record::read(&context.client, &reference).await?;
    if object.metadata.deletion_timestamp.is_some() {
        return Box::pin(deletion::instance(context, &api, &object, &value, &reference, record)).await;
    }
    // 2. Find the graph.
    let pinned = annotation(&value, names::ANNOTATION_REVISION);
    let revision = match pinned.or_else(|| context.registry.revision(&published.template)) {
        // At a start instances may be seen before Templates.
        None => served_revision(context, &published.template).await?,
        known => known,
    };
    let Some(revision) = revision else {
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
    let policies = match Policies::new(spec.as_ref().and_then(|spec| spec.policy.as_ref()), |name| annotation(&value, name)) {
        Ok(policies) => policies,
        Err(message) => {
            status::write(&api, &value, &record.spec.entries, Said::not_ready("Failed", reason::INVALID, message)).await?;
            return Ok(Next::OnChange);
        }
    };
    let template = published.template;
    let previous_spec = previous_spec(context, &value, &reference, &record).await?;
    let mut worker = Worker { context, api, object, value, reference, template, revision, compiled, policies, record, previous_spec };
    Box::pin(worker.advance()).await
}

/// The revision of a Template that serves, as the API says it now.
async fn served_revision(context: &Context, template: &str) -> Result<Option<String>, kube::Error> {
    let templates: Api<Template> = Api::all(context.client.clone());
    Ok(objects::optional(templates.get(template).await)?.and_then(|found| found.status?.revision))
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
    let last = runs::read_newest(&context.client, run_namespace(reference), reference, record).await?;
    Ok(last.and_then(|run| run.spec.values))
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

impl Worker<'_> {
    async fn advance(&mut self) -> Result<Next, kube::Error> {
        let mut run = OpenRun::read(&self.context.client, &mut self.record).await?;
        let (context, reference, template, revision) = (self.context, self.reference.clone(), self.template.clone(), self.revision.clone());
        let actor = Actor { context, reference: &reference, template: &template, revision: &revision };
        // Deletion asks the record only, so it says what is in force now.
        self.record.spec.deletion_policy = self.policies.deletion;
        self.record.spec.approval = self.policies.approval;
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
            let mut open = match Box::pin(self.open(run.take(), &decision, &drifted)).await? {
                Opened::Go(open) => *open,
                Opened::Hold(said, next) => {
                    // What went on outside while nothing may be done is followed to its end, and written down.
                    if self.record.exists() {
                        self.record.save().await?;
                    }
                    self.say(*said).await?;
                    return Ok(goes_on.map_or(next, Next::After));
                }
            };
            if let Some(wait) = waits_for_retry(&open) {
                return Ok(Next::After(wait));
            }
            // 6. Act.
            let nodes = runnable(&decision);
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

fn runnable(decision: &Decision) -> Vec<&NodePlan> {
    decision
        .plan
        .nodes
        .iter()
        .filter(|node| decision.runnable.contains(&node.key) && node.effects.iter().any(|e| e.action.changes()))
        .collect()
}

fn waits_for_retry(open: &OpenRun) -> Option<Duration> {
    let at: jiff::Timestamp = open.status.retry_at.as_ref()?.parse().ok()?;
    Duration::try_from(at.duration_since(jiff::Timestamp::now())).ok().filter(|left| !left.is_zero())
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
