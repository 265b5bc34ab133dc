//! One trial: the rounds of wishes are carried out while Windlass is killed and started again. Start with [`Journey::run`].
//!
//! A moment of a kill is a number of changes on the disk, of the store or of the target's directory, counted from the start
//! of the program; so every gap between two writes can be hit, also those while it is starting.

use crate::audit::Audit;
use crate::outcome;
use crate::phases::{self, Phase};
use crate::platform::{Platform, ticking};
use crate::snapshot::Snapshot;
use crate::wishes::{KINDS, NAMESPACE, ROUNDS_OF_A_LIFE, Wish, templates};
use futures::{Stream, StreamExt as _};
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, TypeMeta};
use kube::{Api, Client};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use windlass_client::objects::{Kind, optional};
use windlass_client::watch::{self, Change};

/// How long a round may take after its last kill.
const PATIENCE: Duration = Duration::from_secs(180);
/// How many writes are on their way at once.
const WRITERS: usize = 4;
/// How often a round is killed to hit one phase: it may be over before the kill comes.
const ATTEMPTS: u32 = 5;
/// A ConfigMap that is written all the time.
const WITNESS: &str = "witness";

/// When to kill, counted from a start of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// After so many changes of the store.
    Store(u32),
    /// After so many changes in the target's directory.
    Target(u32),
    /// Once an instance is seen in this phase.
    Seen(Phase),
}

/// What came of a trial.
pub(crate) struct Report {
    /// How often each phase was hit.
    pub(crate) hits: BTreeMap<Phase, usize>,
    /// What stood before the last round.
    pub(crate) standing: BTreeSet<String>,
    /// What stays as the record of the deletions.
    pub(crate) deletions: BTreeSet<String>,
    /// Starts of programs and writes of objects, each with how often it happened.
    pub(crate) counted: BTreeSet<String>,
    /// What must not be, in sentences.
    pub(crate) faults: Vec<String>,
}

/// See the module head.
pub(crate) struct Journey {
    platform: Platform,
    rounds: Vec<Vec<Wish>>,
    moments: Vec<Vec<Moment>>,
    /// Whether phases that no kill has hit are aimed at in the last life.
    hits_every_phase: bool,
    /// Writes of the present round that were acknowledged, with the UID of the object.
    acknowledged: Mutex<BTreeMap<String, Option<String>>>,
    /// The newest acknowledged number of a witness that is written all the time.
    witness: Mutex<u64>,
    audit: Audit,
    version: u64,
    hits: BTreeMap<Phase, usize>,
    faults: Vec<String>,
}

/// The moments of a trial, round by round. The first of a round comes while its wishes are written.
pub(crate) fn moments(seed: u64, kills: usize, rounds: usize) -> Vec<Vec<Moment>> {
    let mut random = StdRng::seed_from_u64(seed);
    // Late ones come while what is slow goes on, and only the witness writes.
    let mut moment = |index: usize| {
        let last = if index == 0 { 20 } else { [4, 12, 40, 120][random.random_range(0..4)] };
        let changes = random.random_range(1..=last);
        if last < 120 && random.random_range(0..4) == 0 { Moment::Target(changes) } else { Moment::Store(changes) }
    };
    let count = |round: usize| kills / rounds + usize::from(round < kills % rounds);
    (0..rounds).map(|round| (0..count(round)).map(&mut moment).collect()).collect()
}

impl Journey {
    /// A trial of these rounds with kills at these moments; none for the undisturbed one. Some phases last only while
    /// something slow goes on, and chance may miss them: where every phase is to be hit, they are aimed at in the end.
    pub(crate) fn new(rounds: Vec<Vec<Wish>>, moments: Vec<Vec<Moment>>, hits_every_phase: bool) -> Self {
        Self {
            platform: Platform::new(),
            rounds,
            moments,
            hits_every_phase,
            acknowledged: Mutex::default(),
            witness: Mutex::default(),
            audit: Audit::default(),
            version: 0,
            hits: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// Goes through all rounds.
    pub(crate) async fn run(mut self) -> Report {
        self.platform.spawn();
        self.prepare().await;
        let mut standing = BTreeSet::new();
        let mut deletions = BTreeSet::new();
        for number in 0..self.rounds.len() {
            let round = self.rounds[number].clone();
            self.acknowledged().clear();
            for moment in self.moments.get(number).cloned().unwrap_or_default() {
                self.disturb(number, &round, moment).await;
            }
            if self.hits_every_phase && number + ROUNDS_OF_A_LIFE >= self.rounds.len() {
                for phase in Phase::ALL {
                    let mut attempts = 0..ATTEMPTS;
                    while !self.hits.contains_key(&phase)
                        && attempts.next().is_some()
                        && self.disturb(number, &round, Moment::Seen(phase)).await
                    {}
                }
            }
            self.carry_out(&round).await;
            // Nothing goes on now: the store can be read as it stands.
            let snapshot = self.look(&round);
            if number + 2 == self.rounds.len() {
                let (lines, strangers) = outcome::standing(&self.platform, &snapshot, &self.audit);
                standing = lines;
                self.faults.extend(strangers);
            } else if round.iter().all(|wish| wish.spec.is_none()) {
                self.faults.extend(outcome::left(&self.platform, &snapshot).into_iter().map(|what| format!("left behind: {what}")));
                deletions = outcome::deletions(&snapshot);
            }
        }
        self.faults.append(&mut self.audit.violations);
        let mut counted = std::mem::take(&mut self.audit.counted);
        for line in std::fs::read_to_string(self.platform.beside("starts")).unwrap_or_default().lines() {
            *counted.entry(format!("start {line}")).or_default() += 1;
        }
        let counted = counted.into_iter().map(|(what, times)| format!("{times} × {what}")).collect();
        Report { hits: self.hits, standing, deletions, counted, faults: self.faults }
    }

    /// The namespace and the Templates; their kinds are served on return.
    async fn prepare(&mut self) {
        let client = self.platform.client().await;
        let apply = |kind: Kind, object: Value| {
            let (api, name) = (kind.api(&client, None), object["metadata"]["name"].as_str().unwrap_or_default().to_owned());
            async move { api.patch(&name, &PatchParams::apply("trial"), &Patch::Apply(&object)).await.expect("it is taken") }
        };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        apply(kind("", "v1", "Namespace", "namespaces", false), namespace).await;
        for template in templates(&self.platform.beside("starts")) {
            apply(kind("windlass.dev", "v1alpha1", "Template", "templates", false), template).await;
        }
        let until = Instant::now() + PATIENCE;
        let mut tick = ticking(Duration::from_millis(50));
        for (of, _) in KINDS {
            let templates = kind("windlass.dev", "v1alpha1", "Template", "templates", false).api(&client, None);
            loop {
                tick.tick().await;
                let found = templates.get(&of.to_lowercase()).await.expect("it was made").data;
                let conditions = found["status"]["conditions"].as_array().into_iter().flatten();
                if conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True") {
                    break;
                }
                assert!(Instant::now() < until, "the Template {of} does not serve: {:#}", found["status"]);
            }
        }
    }

    /// Works at a round until the moment comes, or all is done; then kills, looks, and starts again. Says whether it came.
    async fn disturb(&mut self, number: usize, round: &[Wish], moment: Moment) -> bool {
        let due = async {
            match moment {
                Moment::Store(changes) => self.platform.store_changes(changes).await,
                Moment::Target(changes) => self.platform.target_changes(changes).await,
                Moment::Seen(phase) => self.seen(phase).await,
            }
        };
        let in_time = tokio::select! {
            biased;
            () = due => true,
            () = self.carry_out(round) => false,
        };
        if !in_time && matches!(moment, Moment::Seen(_)) {
            // It may come in another round.
            return false;
        }
        self.platform.kill();
        let snapshot = self.look(round);
        self.tell(number, moment, in_time, &snapshot);
        self.platform.spawn();
        in_time
    }

    /// Waits until the API shows an instance in a phase.
    async fn seen(&self, phase: Phase) {
        let client = self.platform.client().await;
        let mut changes = changes(&client);
        let mut snapshot = Snapshot::default();
        // What was not listed yet is not gone.
        let mut unlisted = KINDS.len() + 2;
        let value = |object: DynamicObject| serde_json::to_value(object).expect("an object");
        while let Some(change) = changes.next().await {
            match change {
                Change::Applied(object) => snapshot.take(value(object)),
                Change::Deleted(object) => snapshot.drop(&value(object)),
                Change::Listed => unlisted = unlisted.saturating_sub(1),
            }
            if unlisted == 0 && phases::of(&snapshot).contains(&phase) {
                return;
            }
        }
    }

    /// Writes what is not acknowledged yet, and waits until everything is as it was wished.
    async fn carry_out(&self, round: &[Wish]) {
        let client = self.platform.client().await;
        let done = async {
            futures::stream::iter(round).for_each_concurrent(WRITERS, |wish| self.write(&client, wish)).await;
            self.settled(&client, round).await;
        };
        tokio::select! {
            () = done => {}
            () = self.bear_witness(&client) => {}
        }
    }

    /// Writes a wish until the API takes it, and notes that it did.
    async fn write(&self, client: &Client, wish: &Wish) {
        if self.acknowledged().contains_key(&wish.name) {
            return;
        }
        let until = Instant::now() + PATIENCE;
        let mut tick = ticking(Duration::from_millis(20));
        loop {
            tick.tick().await;
            match self.try_write(client, wish).await {
                Ok(uid) => {
                    self.acknowledged().insert(wish.name.clone(), uid);
                    return;
                }
                Err(error) => assert!(Instant::now() < until, "{} is not taken: {error}", wish.name),
            }
        }
    }

    async fn try_write(&self, client: &Client, wish: &Wish) -> Result<Option<String>, kube::Error> {
        let of = of_wish(wish);
        let api = of.api(client, Some(NAMESPACE));
        let Some(spec) = &wish.spec else {
            optional(api.delete(&wish.name, &DeleteParams::default()).await)?;
            return Ok(None);
        };
        let object = json!({"apiVersion": of.resource.api_version, "kind": wish.kind, "metadata": {"name": wish.name}, "spec": spec});
        Ok(api.patch(&wish.name, &PatchParams::apply("trial"), &Patch::Apply(&object)).await?.metadata.uid)
    }

    /// Writes one object over and over: of its writes, too, none that was acknowledged may be lost.
    async fn bear_witness(&self, client: &Client) {
        let api = kind("", "v1", "ConfigMap", "configmaps", true).api(client, Some(NAMESPACE));
        let mut tick = ticking(Duration::from_millis(100));
        loop {
            tick.tick().await;
            let next = *self.witness.lock().unwrap_or_else(PoisonError::into_inner) + 1;
            let object =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": WITNESS}, "data": {"number": next.to_string()}});
            if api.patch(WITNESS, &PatchParams::apply("trial"), &Patch::Apply(&object)).await.is_ok() {
                *self.witness.lock().unwrap_or_else(PoisonError::into_inner) = next;
            }
        }
    }

    async fn settled(&self, client: &Client, round: &[Wish]) {
        let until = Instant::now() + PATIENCE;
        let mut tick = ticking(Duration::from_millis(100));
        loop {
            tick.tick().await;
            match unsettled(client, round).await {
                Ok(left) if left.is_empty() => return,
                Ok(left) => assert!(Instant::now() < until, "it does not come about:\n{}\n{}", left.join("\n"), self.platform.log()),
                Err(error) => assert!(Instant::now() < until, "the API does not answer: {error}"),
            }
        }
    }

    /// Reads the store; what was acknowledged must be there, and what was done must have been allowed.
    fn look(&mut self, round: &[Wish]) -> Snapshot {
        let snapshot = Snapshot::read(&self.platform.data(), self.version);
        self.version = snapshot.version;
        self.audit.follow(&snapshot.changes);
        for (name, uid) in self.acknowledged().iter() {
            let Some(wish) = round.iter().find(|wish| wish.name == *name) else { continue };
            let found = snapshot.get(wish.kind, NAMESPACE, name);
            let holds = match (&wish.spec, found) {
                (None, found) => found.is_none_or(|found| found["metadata"]["deletionTimestamp"].is_string()),
                (Some(spec), Some(found)) => found["spec"] == *spec && found["metadata"]["uid"].as_str() == uid.as_deref(),
                (Some(_), None) => false,
            };
            assert!(holds, "an acknowledged write is lost: {wish:?}, and the store has {found:#?}");
        }
        let acknowledged = *self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = snapshot.get("ConfigMap", NAMESPACE, WITNESS).and_then(|map| map["data"]["number"].as_str()?.parse::<u64>().ok());
        assert!(stored.unwrap_or_default() >= acknowledged, "write {acknowledged} of the witness was acknowledged; stored is {stored:?}");
        snapshot
    }

    /// Says which phases a kill hit.
    fn tell(&mut self, round: usize, moment: Moment, in_time: bool, snapshot: &Snapshot) {
        let mut here: BTreeMap<Phase, usize> = BTreeMap::new();
        for phase in phases::of(snapshot) {
            *here.entry(phase).or_default() += 1;
        }
        let words: Vec<String> = here.iter().map(|(phase, count)| format!("{phase:?} {count}")).collect();
        let (unattended, outdated) = phases::of_slots(&self.platform.data().join("local"));
        let slots =
            if unattended + outdated == 0 { String::new() } else { format!("; slots: {unattended} unattended, {outdated} outdated") };
        let late = if in_time { "" } else { ", which did not come" };
        println!("round {}, {moment:?}{late}: {}{slots}", round + 1, words.join(", "));
        for (phase, count) in here {
            *self.hits.entry(phase).or_default() += count;
        }
    }

    fn acknowledged(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kind(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Kind {
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let resource = ApiResource { group: group.into(), version: version.into(), api_version, kind: kind.into(), plural: plural.into() };
    Kind { resource, namespaced }
}

fn of_wish(wish: &Wish) -> Kind {
    let plural = KINDS.iter().find(|(name, _)| *name == wish.kind).map_or("", |(_, plural)| *plural);
    kind("platform.windlass.dev", "v1alpha1", wish.kind, plural, true)
}

/// Changes of what phases are told from.
fn changes(client: &Client) -> impl Stream<Item = Change<DynamicObject>> + Unpin {
    let own = |name, plural| kind("windlass.dev", "v1alpha1", name, plural, true);
    let mut kinds = vec![own("Inventory", "inventories"), own("Run", "runs")];
    kinds.extend(KINDS.map(|(name, plural)| kind("platform.windlass.dev", "v1alpha1", name, plural, true)));
    futures::stream::select_all(kinds.into_iter().map(|kind| {
        let word = kind.resource.kind.clone();
        let named = move |mut object: DynamicObject| {
            object.types = Some(TypeMeta { api_version: String::new(), kind: word.clone() });
            object
        };
        let changes = watch::objects(kind.api(client, None), None).map(move |change| match change {
            Change::Applied(object) => Change::Applied(named(object)),
            Change::Deleted(object) => Change::Deleted(named(object)),
            Change::Listed => Change::Listed,
        });
        Box::pin(changes)
    }))
}

/// What is not yet as the round wishes it, in words.
async fn unsettled(client: &Client, round: &[Wish]) -> Result<Vec<String>, kube::Error> {
    let mut found: BTreeMap<String, DynamicObject> = BTreeMap::new();
    for (name, plural) in KINDS {
        let api = kind("platform.windlass.dev", "v1alpha1", name, plural, true).api(client, Some(NAMESPACE));
        let items = api.list(&ListParams::default()).await?.items;
        found.extend(items.into_iter().map(|item| (item.metadata.name.clone().unwrap_or_default(), item)));
    }
    let mut left: Vec<String> = Vec::new();
    for wish in round {
        match (&wish.spec, found.get(&wish.name)) {
            (None, None) => {}
            (Some(spec), Some(object))
                if object.data["spec"] == *spec
                    && object.data["status"]["state"] == "Ready"
                    && object.data["status"]["observedGeneration"].as_i64() == object.metadata.generation => {}
            (_, object) => left.push(format!("{}: {:?}", wish.name, object.map(|object| object.data["status"].to_string()))),
        }
    }
    if left.is_empty() {
        // The record may be closed a moment after the last word on the instance.
        let inventories: Api<DynamicObject> =
            kind("windlass.dev", "v1alpha1", "Inventory", "inventories", true).api(client, Some("windlass-system"));
        let open =
            inventories.list(&ListParams::default()).await?.items.into_iter().filter(|object| !object.data["spec"]["openRun"].is_null());
        left.extend(open.map(|object| format!("a Run is open: {}", object.data["spec"]["openRun"])));
    }
    Ok(left)
}
