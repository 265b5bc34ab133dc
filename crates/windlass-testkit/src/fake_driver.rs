//! A `workload` block whose outside world is a directory: slow, pending, unknown, failing or crashing on demand.
//!
//! Every effect that really happens adds a line to `effects.log`, so that lost and doubled ones can be counted; the world
//! survives the driver, as a cloud survives a crash of Windlass. Start with [`FakeDriver`] and [`Behaviour`].

mod world;

use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast, watch};
use windlass_api::driver::{Cancellation, DesiredNode, Health, NodeAnswer, Observation, Operation, Outcome};
use windlass_api::inventory::Entry;
use windlass_api::plan::{Action, EffectPlan, FieldChange, Identity};
use windlass_api::planned::Planned;
use windlass_client::preview::canonical_hash;
use windlass_drivers::{Driver, DriverError, Scope};
pub use world::{Thing, World};

/// How the next effect on a key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It takes until [`FakeDriver::release`] is called.
    Slow,
    /// It goes on outside: this many looks say "in progress" before it is there.
    Pending {
        /// Looks until it is done.
        looks: u32,
    },
    /// The answer is lost.
    Unknown {
        /// Whether the effect happened.
        happened: bool,
        /// Whether looking shows it; otherwise it stays unknown.
        observable: bool,
    },
    /// It fails and changes nothing.
    Fail {
        /// Whether trying again can help.
        retry: bool,
    },
    /// It is done, and one thing more that nobody planned.
    More,
}

/// Where a crash is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Before the call did anything.
    Before,
    /// After the call's effect, before its answer.
    After,
}

#[derive(Default)]
struct Script {
    behaviours: HashMap<String, VecDeque<Behaviour>>,
    outputs: HashMap<String, Value>,
    crash: Option<(u64, CrashPoint)>,
    calls: u64,
    in_flight: usize,
    unready: Vec<String>,
    too_late: bool,
}

/// See the module head.
pub struct FakeDriver {
    world: Arc<World>,
    script: Mutex<Script>,
    released: Notify,
    crashed: watch::Sender<bool>,
    probed: broadcast::Sender<String>,
}

impl FakeDriver {
    /// A driver over the world in this directory, which it takes up if there is one.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub fn new(directory: &Path) -> std::io::Result<Arc<Self>> {
        Ok(Self::over(World::open(directory)?))
    }

    /// A driver over this world.
    pub fn over(world: World) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::new(world),
            script: Mutex::default(),
            released: Notify::new(),
            crashed: watch::Sender::new(false),
            probed: broadcast::Sender::new(16),
        })
    }

    /// What is outside.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Has the next effect on a key go like this; several are taken in order.
    pub fn next(&self, key: &str, behaviour: Behaviour) {
        self.script().behaviours.entry(key.to_owned()).or_default().push_back(behaviour);
    }

    /// What a node gives as outputs; without it `{"url", "address"}`.
    pub fn set_outputs(&self, node_key: &str, outputs: Value) {
        self.script().outputs.insert(node_key.to_owned(), outputs);
    }

    /// Whether a node is said to be ready.
    pub fn set_ready(&self, node_key: &str, ready: bool) {
        let mut script = self.script();
        script.unready.retain(|known| known != node_key);
        if !ready {
            script.unready.push(node_key.to_owned());
        }
    }

    /// A probe of something of this instance (by UID) has an answer.
    pub fn probe(&self, instance: &str) {
        // Nobody may listen just now.
        self.probed.send(instance.to_owned()).ok();
    }

    /// From now on every cancellation comes too late: what goes on outside comes about.
    pub fn cancel_too_late(&self) {
        self.script().too_late = true;
    }

    /// Lets slow effects go on.
    pub fn release(&self) {
        self.released.notify_waiters();
    }

    /// Has the effect call with this number (from 1) never return. The caller of the driver is then dropped, as in a crash.
    pub fn crash_at(&self, call: u64, point: CrashPoint) {
        self.crashed.send_replace(false);
        self.script().crash = Some((call, point));
    }

    /// Effect calls so far: `apply` and `delete`.
    pub fn calls(&self) -> u64 {
        self.script().calls
    }

    /// Effect calls that have not returned, and whose caller is still there.
    pub fn in_flight(&self) -> usize {
        self.script().in_flight
    }

    /// Returns once a call has reached its crash point.
    pub async fn crashed(&self) {
        let mut crashed = self.crashed.subscribe();
        // The sender lives as long as this driver.
        crashed.wait_for(|crashed| *crashed).await.expect("the driver is alive");
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, key: &str) -> (Option<Behaviour>, Option<CrashPoint>) {
        let mut script = self.script();
        script.calls += 1;
        script.in_flight += 1;
        let crash = script.crash.filter(|(at, _)| *at == script.calls).map(|(_, point)| point);
        let behaviour = script.behaviours.get_mut(key).and_then(VecDeque::pop_front);
        (behaviour, crash)
    }

    async fn crash(&self) -> Outcome {
        self.crashed.send_replace(true);
        std::future::pending().await
    }

    async fn effect(&self, key: &str, happens: impl Fn(bool, u32) -> Option<String> + Send + Sync) -> Outcome {
        let (behaviour, crash) = self.begin(key);
        let _in_flight = InFlight(self);
        if crash == Some(CrashPoint::Before) {
            return self.crash().await;
        }
        let outcome = match behaviour {
            Some(Behaviour::Slow) => {
                self.released.notified().await;
                Outcome::Done { uid: happens(true, 0) }
            }
            Some(Behaviour::Pending { looks }) => {
                happens(true, looks);
                Outcome::Pending { token: format!("token-{key}"), poll_after_milliseconds: 20, message: "the cloud works on it".into() }
            }
            Some(Behaviour::Unknown { happened, observable }) => {
                if happened {
                    happens(observable, 0);
                } else if !observable {
                    self.world.hide(key);
                }
                Outcome::Unknown { message: "the connection was lost".into() }
            }
            Some(Behaviour::Fail { retry }) => {
                Outcome::Failed { reason: "Broken".into(), message: format!("`{key}` cannot be made"), retry }
            }
            // What is done besides is done by `apply`, which knows where.
            Some(Behaviour::More) | None => Outcome::Done { uid: happens(true, 0) },
        };
        if crash == Some(CrashPoint::After) {
            return self.crash().await;
        }
        outcome
    }

    fn outputs(&self, key: &str) -> Value {
        self.script()
            .outputs
            .get(key)
            .cloned()
            .unwrap_or_else(|| json!({"url": format!("http://{key}.localhost"), "address": "127.0.0.1:1"}))
    }

    fn health(&self, key: &str) -> Health {
        if self.script().unready.iter().any(|known| known == key) {
            Health::not_ready("Starting", "it is starting")
        } else {
            Health::ready()
        }
    }
}

/// Counts a call down when it returns or its caller is dropped.
struct InFlight<'a>(&'a FakeDriver);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.script().in_flight -= 1;
    }
}

/// Key of an effect in the world: the same node of two instances are two things.
fn place(uid: &str, key: &str) -> String {
    format!("{uid}/{key}")
}

fn identity(scope: &Scope, key: &str) -> Identity {
    Identity {
        kind: "FakeThing".into(),
        api_version: None,
        namespace: scope.instance.namespace.clone(),
        name: format!("{}-{key}", scope.instance.name),
    }
}

/// Keys of the effects that a node has: one per replica.
fn wanted_keys(desired: &DesiredNode) -> Vec<String> {
    let replicas = desired.body.get("replicas").and_then(|replicas| replicas.known().and_then(Value::as_u64)).unwrap_or(1);
    (0..replicas).map(|index| format!("{}/replica-{index}", desired.key)).collect()
}

/// What one replica is made from: how many there are does not concern it.
fn fingerprint(body: &Value) -> String {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("replicas");
    }
    canonical_hash(&body)
}

#[async_trait]
impl Driver for FakeDriver {
    async fn plan(&self, scope: &Scope, desired: &DesiredNode) -> Result<NodeAnswer, DriverError> {
        let wanted = wanted_keys(desired);
        let hash = fingerprint(&desired.body.to_json());
        let mut effects = Vec::new();
        let mut changes = Vec::new();
        let mut there = 0;
        for key in &wanted {
            let action = match self.world.look(&place(&scope.instance.uid, key)) {
                None => Action::Create,
                Some(thing) if thing.made_from == hash => Action::None,
                Some(_) => {
                    changes.push(FieldChange {
                        path: key.clone(),
                        before: None,
                        after: Some(Planned::Known(json!("changed"))),
                        because: Vec::new(),
                        drift_by: None,
                        forces_replacement: false,
                    });
                    Action::Update
                }
            };
            there += usize::from(action != Action::Create);
            effects.push(EffectPlan { key: key.clone(), action, identity: identity(scope, key), stage: 0, detail: String::new() });
        }
        for entry in desired.entries.iter().filter(|entry| !wanted.contains(&entry.key)) {
            effects.push(EffectPlan {
                key: entry.key.clone(),
                action: Action::Delete,
                identity: entry.identity.clone(),
                stage: 1,
                detail: String::new(),
            });
        }
        let action = match (there, effects.iter().any(|effect| effect.action.changes())) {
            (_, false) => Action::None,
            (0, true) => Action::Create,
            (_, true) => Action::Update,
        };
        let observation = if there == wanted.len() && !wanted.is_empty() {
            Observation::Present {
                outputs: self.outputs(&desired.key),
                sensitive: Vec::new(),
                health: self.health(&desired.key),
                uid: None,
            }
        } else {
            Observation::Absent
        };
        Ok(NodeAnswer {
            observation,
            action,
            effects,
            changes,
            staleness: BTreeMap::new(),
            note: None,
            warnings: Vec::new(),
            conflict: None,
        })
    }

    async fn apply(&self, scope: &Scope, operation: &Operation) -> Outcome {
        let at = place(&scope.instance.uid, &operation.effect.key);
        if operation.effect.action == Action::Delete {
            return self.effect(&operation.effect.key, |_, _| self.world.remove(&at, &operation.op_id)).await;
        }
        let made_from = fingerprint(&operation.desired);
        let more = self.script().behaviours.get(&operation.effect.key).and_then(VecDeque::front) == Some(&Behaviour::More);
        if more {
            self.world.make(&format!("{at}-more"), &operation.op_id, &made_from, true, 0);
        }
        self.effect(&operation.effect.key, |observable, looks| Some(self.world.make(&at, &operation.op_id, &made_from, observable, looks)))
            .await
    }

    async fn observe(&self, scope: &Scope, entry: &Entry) -> Observation {
        let at = place(&scope.instance.uid, &entry.key);
        if self.world.is_hidden(&entry.key) || self.world.is_hidden(&at) {
            return Observation::Unknown { message: format!("nobody can see `{}`\n  hint: `windlass run resolve`", entry.key) };
        }
        match self.world.look_again(&at) {
            None => Observation::Absent,
            Some(thing) if thing.looks_left > 0 => {
                Observation::InProgress { token: format!("token-{}", entry.key), message: "the cloud works on it".into() }
            }
            Some(thing) => Observation::Present {
                outputs: self.outputs(&entry.node),
                sensitive: Vec::new(),
                health: self.health(&entry.node),
                uid: Some(thing.uid),
            },
        }
    }

    async fn cancel(&self, scope: &Scope, entry: &Entry) -> Cancellation {
        let at = place(&scope.instance.uid, &entry.key);
        let too_late = self.script().too_late;
        match self.world.look(&at) {
            Some(thing) if too_late || thing.looks_left == 0 => Cancellation::TooLate,
            Some(_) => {
                self.world.undo(&at);
                Cancellation::Cancelled
            }
            None => Cancellation::Cancelled,
        }
    }

    fn changes(&self) -> Option<broadcast::Receiver<String>> {
        Some(self.probed.subscribe())
    }

    async fn delete(&self, scope: &Scope, op_id: &str, entry: &Entry) -> Outcome {
        let at = place(&scope.instance.uid, &entry.key);
        self.effect(&entry.key, |_, _| self.world.remove(&at, op_id)).await
    }
}
