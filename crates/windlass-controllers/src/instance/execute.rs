//! Taking effects: `Started` is durable before a driver is called, and what is not known to have happened is observed, never repeated blindly.

use super::record::Record;
use super::runs::OpenRun;
use super::{Context, scope};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use windlass_api::driver::{Cancellation, Observation, Operation, Outcome};
use windlass_api::inventory::{Entry, EntryState, StartedOperation};
use windlass_api::plan::{Action, Block, EffectPlan, InstanceReference, NodePlan};
use windlass_api::run::{StepState, TakenEffect};
use windlass_client::preview::canonical_hash;
use windlass_drivers::Scope;

/// How long one call of a driver may take; longer work is said to be pending.
const DEADLINE: Duration = Duration::from_secs(30);

/// What came of the effects of some nodes.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Something outside goes on; ask again after this.
    pub(super) poll_after: Option<Duration>,
    /// It cannot be told whether these happened (sentences).
    pub(super) unknown: Vec<String>,
    /// What failed: sentence and whether another try can help.
    pub(super) failed: Vec<(String, bool)>,
}

/// Who takes effects, and for whom.
pub(super) struct Actor<'a> {
    pub(super) context: &'a Context,
    pub(super) reference: &'a InstanceReference,
    pub(super) template: &'a str,
    pub(super) revision: &'a str,
}

impl Actor<'_> {
    fn scope(&self) -> Scope {
        scope(self.reference, self.template, self.revision)
    }

    /// Writes into the record (which the caller saves) that the effects of these nodes may begin. An effect that was started
    /// already with the same wish keeps its operation.
    pub(super) fn start(&self, record: &mut Record, run: &str, nodes: &[&NodePlan]) {
        for node in nodes {
            let desired_hash = canonical_hash(&node.desired.to_json());
            for effect in node.effects.iter().filter(|effect| effect.action.changes()) {
                let before = record.entry(&effect.key).cloned();
                let same = before.as_ref().and_then(|entry| entry.operation.as_ref()).filter(|operation| {
                    operation.run == run
                        && before.as_ref().is_some_and(|entry| entry.state == EntryState::Started && entry.desired_hash == desired_hash)
                });
                if same.is_some() {
                    continue;
                }
                let attempt = before.as_ref().and_then(|entry| entry.operation.as_ref()).map_or(1, |operation| operation.attempt + 1);
                let deletes = effect.action == Action::Delete;
                // A deletion's plan counts backwards; the entry keeps its place, which says what goes before it, after a crash too.
                let place = before.as_ref().filter(|_| deletes).map_or((node.wave, effect.stage), |entry| (entry.wave, entry.stage));
                let op_id = operation_id(&self.reference.uid, &effect.key, &desired_hash, attempt);
                record.put(Entry {
                    key: effect.key.clone(),
                    node: node.key.clone(),
                    block: Some(node.block),
                    driver_version: self.context.drivers.get(node.block, &node.target).map_or(0, |driver| driver.version()),
                    target: node.target.clone(),
                    identity: effect.identity.clone(),
                    wave: place.0,
                    stage: place.1,
                    state: EntryState::Started,
                    operation: Some(StartedOperation {
                        op_id,
                        epoch: record.spec.epoch,
                        attempt,
                        deletes,
                        token: None,
                        run: run.to_owned(),
                    }),
                    desired_hash: desired_hash.clone(),
                    // What was there before us is only taken over: deleting the instance releases it.
                    adopted: before
                        .as_ref()
                        .map_or(node.block == Block::Template && effect.action != Action::Create, |entry| entry.adopted),
                    message: None,
                    ..before.unwrap_or_default()
                });
            }
        }
    }

    /// Takes the effects of these nodes, stage by stage. Their entries were saved as `Started` before.
    pub(super) async fn act(
        &self,
        record: &mut Record,
        run: &mut OpenRun,
        nodes: &[&NodePlan],
        bodies: &BTreeMap<String, Value>,
    ) -> Progress {
        let mut progress = Progress::default();
        let mut stages: Vec<u8> = nodes.iter().flat_map(|node| node.effects.iter().map(|effect| effect.stage)).collect();
        stages.sort_unstable();
        stages.dedup();
        for node in nodes {
            run.begin_step(&node.key);
        }
        let mut stopped: Vec<String> = Vec::new();
        for stage in stages {
            let due: Vec<(&NodePlan, &EffectPlan)> = nodes
                .iter()
                .filter(|node| !stopped.contains(&node.key))
                .flat_map(|node| node.effects.iter().map(move |effect| (*node, effect)))
                .filter(|(_, effect)| effect.stage == stage && effect.action.changes())
                .collect();
            let entries: &Record = record;
            let outcomes =
                futures::future::join_all(due.iter().map(|(node, effect)| self.take_in_time(entries, node, effect, bodies))).await;
            for ((node, effect), outcome) in due.iter().zip(outcomes) {
                if !matches!(outcome, Outcome::Done { .. }) {
                    stopped.push(node.key.clone());
                }
                self.note(record, run, node, effect, outcome, &mut progress).await;
            }
        }
        progress
    }

    /// A call that does not return in time is not failed: what became of it is looked at later.
    async fn take_in_time(&self, record: &Record, node: &NodePlan, effect: &EffectPlan, bodies: &BTreeMap<String, Value>) -> Outcome {
        match tokio::time::timeout(DEADLINE, self.take(record, node, effect, bodies)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown { message: format!("{} has not answered within {} s", effect.identity, DEADLINE.as_secs()) },
        }
    }

    async fn take(&self, record: &Record, node: &NodePlan, effect: &EffectPlan, bodies: &BTreeMap<String, Value>) -> Outcome {
        let Some(driver) = self.context.drivers.get(node.block, &node.target) else {
            return Outcome::Failed {
                reason: "TargetMissing".into(),
                message: format!("the target `{}` is not served here", node.target),
                retry: false,
            };
        };
        let Some(entry) = record.entry(&effect.key) else {
            return Outcome::Failed {
                reason: "NotStarted".into(),
                message: "the effect has no entry in the inventory".into(),
                retry: true,
            };
        };
        let (op_id, token) =
            entry.operation.as_ref().map(|operation| (operation.op_id.clone(), operation.token.clone())).unwrap_or_default();
        let scope = self.scope();
        if effect.action == Action::Delete {
            return driver.delete(&scope, &op_id, entry).await;
        }
        let known = || node.desired.known().cloned();
        let Some(desired) = bodies.get(&node.key).cloned().or_else(known) else {
            return Outcome::Failed { reason: "NotKnown".into(), message: "a value of it is not known yet".into(), retry: true };
        };
        let operation = Operation {
            op_id,
            instance: self.reference.clone(),
            template: self.template.to_owned(),
            revision: self.revision.to_owned(),
            key: node.key.clone(),
            target: node.target.clone(),
            effect: effect.clone(),
            desired,
            token,
        };
        driver.apply(&scope, &operation).await
    }

    async fn note(
        &self,
        record: &mut Record,
        run: &mut OpenRun,
        node: &NodePlan,
        effect: &EffectPlan,
        outcome: Outcome,
        progress: &mut Progress,
    ) {
        let op_id = record.entry(&effect.key).and_then(|entry| entry.operation.as_ref()).map(|o| o.op_id.clone()).unwrap_or_default();
        let mut taken = TakenEffect {
            key: effect.key.clone(),
            action: effect.action,
            identity: effect.identity.clone(),
            op_id,
            outcome: String::new(),
        };
        let (state, message) = match outcome {
            Outcome::Done { uid } => {
                taken.outcome = "Done".into();
                if let Some(entry) = record.entry_mut(&effect.key) {
                    entry.state = if effect.action == Action::Delete { EntryState::Gone } else { EntryState::Present };
                    entry.uid = uid.or(entry.uid.take());
                    entry.operation = None;
                }
                (StepState::Running, String::new())
            }
            Outcome::Pending { token, poll_after_milliseconds, message } => {
                taken.outcome = "Pending".into();
                if let Some(operation) = record.entry_mut(&effect.key).and_then(|entry| entry.operation.as_mut()) {
                    operation.token = Some(token);
                }
                let after = Duration::from_millis(poll_after_milliseconds);
                progress.poll_after = Some(progress.poll_after.map_or(after, |known| known.min(after)));
                (StepState::Waiting, message)
            }
            Outcome::Failed { reason, message, retry } => {
                taken.outcome = format!("Failed: {reason}");
                if let Some(entry) = record.entry(&effect.key).cloned() {
                    let observation = self.look(&entry).await;
                    settle(record, &entry, observation);
                }
                progress.failed.push((format!("{}: {message}", node.key), retry));
                (StepState::Failed, message)
            }
            Outcome::Unknown { message } => {
                taken.outcome = "Unknown".into();
                if let Some(entry) = record.entry_mut(&effect.key) {
                    entry.state = EntryState::Unknown;
                    entry.message = Some(message.clone());
                }
                progress.unknown.push(format!("{}: {message}", node.key));
                (StepState::Unknown, message)
            }
        };
        run.take_effect(&node.key, taken);
        run.set_step(&node.key, state, &message, &[]);
    }

    /// Stops what goes on outside. What cannot be stopped any more stays `Started` and is followed until it has come about.
    pub(super) async fn cancel_pending(&self, record: &mut Record) {
        let goes_on = |entry: &&Entry| {
            entry.state == EntryState::Started && entry.operation.as_ref().is_some_and(|operation| operation.token.is_some())
        };
        let pending: Vec<Entry> = record.spec.entries.iter().filter(goes_on).cloned().collect();
        for entry in pending {
            let Some(driver) = entry.block.and_then(|block| self.context.drivers.get(block, &entry.target)) else { continue };
            let cancelled = driver.cancel(&self.scope(), &entry).await;
            let Some(known) = record.entry_mut(&entry.key) else { continue };
            match cancelled {
                Cancellation::Cancelled => {
                    let deletes = known.operation.take().is_some_and(|operation| operation.deletes);
                    known.state = if deletes || known.uid.is_some() { EntryState::Present } else { EntryState::Planned };
                }
                Cancellation::TooLate => {}
                Cancellation::Unknown => {
                    known.state = EntryState::Unknown;
                    known.message = Some("it was cancelled, and it cannot be told whether in time".into());
                }
            }
        }
    }

    async fn look(&self, entry: &Entry) -> Observation {
        let driver = entry.block.and_then(|block| self.context.drivers.get(block, &entry.target));
        match driver {
            Some(driver) => driver.observe(&self.scope(), entry).await,
            None => Observation::Unknown { message: format!("the target `{}` is not served here", entry.target) },
        }
    }

    /// Looks at every entry of which it is in doubt whether its operation happened. Returns when to look again, if something goes on.
    pub(super) async fn resolve_doubts(&self, record: &mut Record) -> Option<Duration> {
        let doubtful: Vec<Entry> =
            record.spec.entries.iter().filter(|entry| matches!(entry.state, EntryState::Started | EntryState::Unknown)).cloned().collect();
        let mut again = None;
        let observations = futures::future::join_all(doubtful.iter().map(|entry| self.look(entry))).await;
        for (entry, observation) in doubtful.iter().zip(observations) {
            if matches!(observation, Observation::InProgress { .. }) {
                again = Some(Duration::from_millis(500));
            }
            settle(record, entry, observation);
        }
        again
    }
}

/// Puts into the record what was seen of an entry that was in doubt.
pub(super) fn settle(record: &mut Record, entry: &Entry, observation: Observation) {
    let deletes = entry.operation.as_ref().is_some_and(|operation| operation.deletes);
    let Some(known) = record.entry_mut(&entry.key) else { return };
    match observation {
        Observation::Present { uid, .. } => {
            known.state = EntryState::Present;
            known.uid = uid.or(known.uid.take());
            // Whether the newest wish was carried out is seen by comparing; an unfinished one is then wished again.
            known.desired_hash.clear();
            known.operation = None;
            known.message = None;
        }
        Observation::Absent => {
            known.state = if deletes { EntryState::Gone } else { EntryState::Planned };
            if let Some(operation) = &mut known.operation {
                operation.token = None;
            }
            known.message = None;
        }
        Observation::InProgress { token, .. } => {
            known.state = EntryState::Started;
            if let Some(operation) = &mut known.operation {
                operation.token = Some(token);
            }
        }
        Observation::Unknown { message } => {
            known.state = EntryState::Unknown;
            known.message = Some(message);
        }
    }
}

/// hash(instance UID, effect key, desired hash, attempt).
fn operation_id(uid: &str, key: &str, desired_hash: &str, attempt: u32) -> String {
    canonical_hash(&serde_json::json!([uid, key, desired_hash, attempt]))
}
