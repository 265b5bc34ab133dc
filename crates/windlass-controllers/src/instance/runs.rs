//! Runs: opening one (its number was reserved in the Inventory), writing its progress, ending it, keeping only the newest.

use super::events;
use super::record::Record;
use crate::runtime::clock;
use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use windlass_api::condition::{self, Condition};
use windlass_api::driver::PartHealth;
use windlass_api::names;
use windlass_api::plan::{InstanceReference, NodePlan, Plan};
use windlass_api::run::{Cause, KEPT_OTHERS, KEPT_SUCCEEDED, Run, RunSpec, RunStatus, State, Step, StepState, TakenEffect};
use windlass_api::template::Approval;
use windlass_client::errors;
use windlass_client::objects::optional;

/// A Run while it is worked on.
pub(super) struct OpenRun {
    api: Api<Run>,
    name: String,
    /// The stored object, once it is.
    pub(super) run: Run,
    /// What will be written next.
    pub(super) status: RunStatus,
    plan: Plan,
    written: RunStatus,
    stored: bool,
}

/// Everything that a new Run is made from.
pub(super) struct Opening<'a> {
    pub(super) reference: &'a InstanceReference,
    /// Namespace that the Run lives in.
    pub(super) namespace: &'a str,
    pub(super) cause: Cause,
    pub(super) title: String,
    pub(super) by: String,
    pub(super) revision: &'a str,
    pub(super) generation: i64,
    pub(super) values: Option<Value>,
    pub(super) plan: &'a Plan,
}

impl OpenRun {
    /// Reserves a number in the record (which the caller saves) and prepares the Run: the next number, or `again` the one that
    /// was reserved before a crash.
    pub(super) async fn reserve(client: &Client, record: &mut Record, opening: Opening<'_>, again: bool) -> Result<Self, kube::Error> {
        let mut number = record.spec.last_run + i64::from(!again);
        // A predecessor of the same name left its last Delete Run, and namesakes meet in the system's namespace.
        while read_any(client, opening.namespace, opening.reference, number).await?.is_some_and(|run| !is_of(&run, opening.reference)) {
            number += 1;
        }
        let name = run_name(opening.reference, number);
        record.spec.last_run = number;
        record.spec.open_run = Some(format!("{}/{name}", opening.namespace));
        Ok(Self::prepared(client, number, name, opening))
    }

    fn prepared(client: &Client, number: i64, name: String, opening: Opening<'_>) -> Self {
        let labels = [
            (names::LABEL_INSTANCE_ID, Some(opening.reference.uid.clone())),
            (names::LABEL_INSTANCE_KIND, Some(opening.reference.kind.clone())),
            (names::LABEL_INSTANCE_NAMESPACE, opening.reference.namespace.clone()),
            (names::LABEL_INSTANCE_NAME, Some(opening.reference.name.clone())),
        ];
        let run = Run {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(opening.namespace.to_owned()),
                labels: Some(
                    labels
                        .into_iter()
                        .filter_map(|(key, value)| Some((key.to_owned(), value.filter(|value| value.len() <= 63)?)))
                        .collect(),
                ),
                ..ObjectMeta::default()
            },
            spec: RunSpec {
                instance: opening.reference.clone(),
                number,
                cause: opening.cause,
                title: opening.title,
                by: opening.by,
                revision: opening.revision.to_owned(),
                generation: opening.generation,
                values: opening.values,
                plan: serde_json::to_value(opening.plan).ok(),
                ..RunSpec::default()
            },
            status: None,
        };
        let mut status = RunStatus { started_at: Some(clock::now()), attempt: 1, ..RunStatus::default() };
        describe(&mut status, opening.plan);
        let api = Api::namespaced(client.clone(), opening.namespace);
        Self { api, name, run, status, plan: opening.plan.clone(), written: RunStatus::default(), stored: false }
    }

    /// Reads the open Run that the record names; `None` if it was never made. One that has finished is open no more, whatever the
    /// record says: its end was written, and a crash came before the record's. The record (which the caller saves) then forgets it.
    pub(super) async fn read(client: &Client, record: &mut Record) -> Result<Option<Self>, kube::Error> {
        let Some((namespace, name)) = record.spec.open_run.as_deref().and_then(|open| open.split_once('/')) else { return Ok(None) };
        let api: Api<Run> = Api::namespaced(client.clone(), namespace);
        let Some(run) = optional(api.get(name).await)?.filter(|run| is_of(run, &record.spec.instance)) else { return Ok(None) };
        if run.state().is_finished() {
            record.spec.open_run = None;
            return Ok(None);
        }
        let name = name.to_owned();
        let status = run.status.clone().unwrap_or_default();
        let Some(plan) = run.plan() else { return Ok(None) };
        let mut open = Self { api, name, written: status.clone(), status, run, plan, stored: true };
        if open.status.started_at.is_none() {
            open.status = RunStatus { started_at: Some(clock::now()), attempt: 1, ..open.status };
            let plan = open.plan.clone();
            describe(&mut open.status, &plan);
        }
        Ok(Some(open))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The plan that bounds what is done.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Makes the object, if it is not there yet.
    pub(super) async fn store(&mut self) -> Result<(), kube::Error> {
        if self.stored {
            return Ok(());
        }
        let parameters = PostParams { field_manager: Some(names::MANAGER_SYSTEM.into()), ..PostParams::default() };
        match self.api.create(&parameters, &self.run).await {
            Ok(made) => self.run = made,
            Err(error) if errors::reason(&error) == Some("AlreadyExists") => {
                // Ours, where an answer was lost; another's is a conflict, and the next pass takes another number.
                let found = optional(self.api.get(&self.name).await)?;
                if !found.is_some_and(|run| is_of(&run, &self.run.spec.instance)) {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        self.stored = true;
        Ok(())
    }

    /// The step of a node.
    pub(super) fn step(&mut self, key: &str) -> &mut Step {
        if let Some(index) = self.status.steps.iter().position(|step| step.key == key) {
            return &mut self.status.steps[index];
        }
        self.status.steps.push(Step { key: key.to_owned(), ..Step::default() });
        let last = self.status.steps.len() - 1;
        &mut self.status.steps[last]
    }

    /// Notes that a node's effects begin.
    pub(super) fn begin_step(&mut self, key: &str) {
        let now = clock::now();
        let step = self.step(key);
        step.state = StepState::Running;
        step.started_at.get_or_insert(now);
        step.finished_at = None;
        step.message.clear();
    }

    /// Notes an effect.
    pub(super) fn take_effect(&mut self, key: &str, effect: TakenEffect) {
        let step = self.step(key);
        match step.effects.iter_mut().find(|known| known.key == effect.key && known.op_id == effect.op_id) {
            Some(known) => *known = effect,
            None => step.effects.push(effect),
        }
    }

    /// Notes where a step stands.
    pub(super) fn set_step(&mut self, key: &str, state: StepState, message: &str, parts: &[PartHealth]) {
        let now = clock::now();
        let step = self.step(key);
        if matches!(state, StepState::Succeeded | StepState::Failed | StepState::Skipped) && step.finished_at.is_none() {
            step.finished_at = Some(now);
        }
        step.state = state;
        step.message = windlass_api::hint::one_line(message);
        step.parts = parts.to_vec();
    }

    /// Records that a stage which its Run's plan did not cover goes on without anybody being asked, and why.
    pub(super) fn note_own_approval(&mut self, policy: Approval, beyond: &str) {
        let message = format!("this stage approves itself, as the approval policy is `{}`: {beyond}", policy.name());
        condition::set(&mut self.status.conditions, Condition::new("Approved", true, "Policy", message), &clock::now_seconds());
    }

    /// Records that what a person should have approved is done without, and why.
    pub(super) fn note_unasked(&mut self, message: &str) {
        condition::set(&mut self.status.conditions, Condition::new("Approved", false, "NotAsked", message), &clock::now_seconds());
    }

    /// Says where the Run stands.
    pub(super) fn set_state(&mut self, state: State, message: impl Into<String>) {
        self.status.state = state;
        self.status.message = windlass_api::hint::one_line(&message.into());
        if state.is_finished() {
            self.status.finished_at.get_or_insert_with(clock::now);
            self.status.retry_at = None;
            let succeeded = state == State::Succeeded;
            let reason = format!("{state:?}");
            let message = if self.status.message.is_empty() { "the Run ended".to_owned() } else { self.status.message.clone() };
            condition::set(&mut self.status.conditions, Condition::new("Succeeded", succeeded, &reason, message), &clock::now_seconds());
        }
    }

    /// Writes the status where it changed.
    pub(super) async fn write(&mut self) -> Result<(), kube::Error> {
        if self.status == self.written {
            return Ok(());
        }
        self.store().await?;
        let patch = json!({"apiVersion": names::API_VERSION, "kind": "Run", "status": self.status});
        match self.api.patch_status(&self.name, &PatchParams::apply(names::MANAGER_STATUS).force(), &Patch::Apply(&patch)).await {
            Ok(run) => {
                self.run = run;
                let occasion = events::occasion(&self.name, self.run.spec.cause, &self.plan, &self.written, &self.status);
                self.written = self.status.clone();
                if let Some(occasion) = occasion {
                    Box::pin(events::tell(self.api.clone(), self.run.spec.instance.clone(), occasion)).await;
                }
                Ok(())
            }
            // Somebody deleted the record; the effects stand in the Inventory.
            Err(error) if errors::is_not_found(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sets every step that is not at its end.
    pub(super) fn close_steps(&mut self, state: StepState) {
        let is_open = |step: &&Step| matches!(step.state, StepState::Pending | StepState::Running | StepState::Waiting);
        let keys: Vec<String> = self.status.steps.iter().filter(is_open).map(|step| step.key.clone()).collect();
        keys.iter().for_each(|key| self.set_step(key, state, "", &[]));
    }

    /// Ends it: the last word is written, and the record (which the caller saves) names no open Run any more.
    pub(super) async fn end(&mut self, record: &mut Record, state: State, message: impl Into<String>) -> Result<(), kube::Error> {
        self.set_state(state, message);
        for step in &mut self.status.steps {
            if matches!(step.state, StepState::Pending | StepState::Running) && state != State::Succeeded {
                step.state = StepState::Skipped;
            }
        }
        record.spec.open_run = None;
        self.write().await
    }
}

fn describe(status: &mut RunStatus, plan: &Plan) {
    let summary = plan.summary();
    status.plan_hash = plan.hash.clone();
    status.planned = summary.to_string();
    status.summary = Some(summary);
    status.steps = plan.nodes.iter().filter(|node| node.action.changes()).map(step_of).collect();
}

fn step_of(node: &NodePlan) -> Step {
    Step { key: node.key.clone(), block: Some(node.block), target: node.target.clone(), action: node.action, ..Step::default() }
}

/// Name of a Run: instance and number. A long instance name is cut so that the name stays one that the API takes.
pub(super) fn run_name(reference: &InstanceReference, number: i64) -> String {
    let kind = reference.kind.to_lowercase();
    let mut name = format!("{kind}-{}", reference.name);
    let room = 253 - 12;
    if name.len() > room {
        let hash = windlass_client::preview::canonical_hash(&Value::String(name.clone()));
        name.truncate(room - 9);
        name.push('-');
        name.push_str(&hash[..8]);
    }
    format!("{name}-{number}")
}

/// Deletes the oldest finished Runs of an instance beyond what is kept.
pub(super) async fn retain(client: &Client, namespace: &str, uid: &str) -> Result<(), kube::Error> {
    let api: Api<Run> = Api::namespaced(client.clone(), namespace);
    let of_instance = ListParams::default().labels(&format!("{}={uid}", names::LABEL_INSTANCE_ID));
    let mut runs = api.list(&of_instance).await?.items;
    runs.retain(|run| run.state().is_finished() && run.spec.number > 0);
    runs.sort_by_key(|run| std::cmp::Reverse(run.spec.number));
    let (succeeded, others): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(|run| run.state() == State::Succeeded);
    let surplus = succeeded.into_iter().skip(KEPT_SUCCEEDED).chain(others.into_iter().skip(KEPT_OTHERS));
    for run in surplus.filter(|run| run.spec.cause != Cause::Delete) {
        optional(api.delete(&run.name_any(), &DeleteParams::default()).await)?;
    }
    Ok(())
}

/// Deletes every Run of an instance that is gone but the newest one that deleted it: the record that stays. Requests for its
/// deletion, which carry no label, go too: nobody needs to decide about them any more.
pub(super) async fn forget(client: &Client, namespace: &str, uid: &str) -> Result<(), kube::Error> {
    let api: Api<Run> = Api::namespaced(client.clone(), namespace);
    let runs = api.list(&ListParams::default()).await?.items;
    let is_request = |run: &Run| run.spec.deletes && run.plan().is_some_and(|plan| plan.instance.uid == uid);
    let (requests, others): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| is_request(run));
    let about: Vec<&Run> =
        others.into_iter().filter(|run| run.labels().get(names::LABEL_INSTANCE_ID).is_some_and(|id| id == uid)).collect();
    let last = about.iter().filter(|run| run.spec.cause == Cause::Delete).map(|run| run.spec.number).max();
    let stale = about.into_iter().filter(|run| run.spec.cause != Cause::Delete || Some(run.spec.number) != last);
    for run in requests.into_iter().chain(stale) {
        optional(api.delete(&run.name_any(), &DeleteParams::default()).await)?;
    }
    Ok(())
}

/// Reads the newest Run that was made: where a crash came between the reservation of a number and its Run, the one before it.
pub(super) async fn read_newest(
    client: &Client,
    namespace: &str,
    reference: &InstanceReference,
    record: &Record,
) -> Result<Option<Run>, kube::Error> {
    let last = record.spec.last_run;
    // The number of a predecessor's Run was passed over.
    let oldest = if record.spec.open_run.is_some() { last - 2 } else { last };
    for number in (oldest..=last).rev() {
        if let Some(found) = read_number(client, namespace, reference, number).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Reads a Run of an instance by its number.
pub(super) async fn read_number(
    client: &Client,
    namespace: &str,
    reference: &InstanceReference,
    number: i64,
) -> Result<Option<Run>, kube::Error> {
    Ok(read_any(client, namespace, reference, number).await?.filter(|run| is_of(run, reference)))
}

/// As [`read_number`], also where it is a Run of another instance of the same name.
async fn read_any(client: &Client, namespace: &str, reference: &InstanceReference, number: i64) -> Result<Option<Run>, kube::Error> {
    if number < 1 {
        return Ok(None);
    }
    let api: Api<Run> = Api::namespaced(client.clone(), namespace);
    optional(api.get(&run_name(reference, number)).await)
}

fn is_of(run: &Run, reference: &InstanceReference) -> bool {
    run.spec.instance.uid == reference.uid
}
