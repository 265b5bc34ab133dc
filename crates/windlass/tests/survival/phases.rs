//! Where each instance was when Windlass was killed: from what the store and the target's directory say right after it.
//!
//! Start with [`of`]. The order of the phases is the order in which a change goes through them.

use crate::snapshot::{Snapshot, text};
use crate::wishes::NAMESPACE;
use serde_json::Value;
use std::path::Path;
use windlass_client::preview::canonical_hash;

/// How far the newest wish of one instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The wish is stored; no Run is open for it.
    Wished,
    /// The Inventory names the Run and its started effects; the Run is not stored.
    Reserved,
    /// The Run is stored, and effects may have begun.
    Started,
    /// An effect goes on outside, and its token is stored.
    GoesOn,
    /// Every effect is taken; the Run waits until all is ready.
    Applied,
    /// The Run's end is written; the Inventory names it as open.
    Ended,
    /// The Inventory is closed; the instance does not say so.
    Recorded,
    /// All is as it was wished.
    Settled,
    /// Deletion is wished; no Delete Run is open.
    DeleteWished,
    /// As `Reserved`, of a Delete Run.
    DeleteReserved,
    /// Effects are being deleted.
    DeleteStarted,
    /// An effect is ending outside, and the Run waits for it.
    DeleteWaits,
    /// The Delete Run's end is written; the Inventory is there.
    DeleteEnded,
    /// The Inventory is gone; the instance is there.
    Released,
}

impl Phase {
    /// Every phase; a long trial hits each.
    pub(crate) const ALL: [Self; 14] = [
        Self::Wished,
        Self::Reserved,
        Self::Started,
        Self::GoesOn,
        Self::Applied,
        Self::Ended,
        Self::Recorded,
        Self::Settled,
        Self::DeleteWished,
        Self::DeleteReserved,
        Self::DeleteStarted,
        Self::DeleteWaits,
        Self::DeleteEnded,
        Self::Released,
    ];
}

/// The phase of every instance that is stored.
pub(crate) fn of(snapshot: &Snapshot) -> Vec<Phase> {
    let instances = crate::wishes::KINDS.iter().flat_map(|(kind, _)| snapshot.all(kind));
    instances.map(|instance| of_instance(snapshot, instance)).collect()
}

fn of_instance(snapshot: &Snapshot, instance: &Value) -> Phase {
    let inventory = snapshot.get("Inventory", "windlass-system", text(instance, "/metadata/uid"));
    let open = inventory.and_then(|inventory| inventory["spec"]["openRun"].as_str());
    let run = open.and_then(|open| snapshot.get("Run", NAMESPACE, open.rsplit('/').next().unwrap_or_default()));
    let entries = || inventory.and_then(|inventory| inventory["spec"]["entries"].as_array()).into_iter().flatten();
    let started = || entries().filter(|entry| entry["state"] == "Started");
    let deletes = started().any(|entry| entry["operation"]["deletes"] == true);
    let goes_on = started().any(|entry| entry["operation"]["token"].is_string());
    let is_delete = run.is_some_and(|run| run["spec"]["cause"] == "Delete");
    if instance["metadata"]["deletionTimestamp"].is_string() {
        return match (inventory, run) {
            (None, _) => Phase::Released,
            (Some(_), None) if open.is_some() && deletes => Phase::DeleteReserved,
            (Some(_), Some(run)) if is_delete && is_finished(run) => Phase::DeleteEnded,
            (Some(_), Some(_)) if is_delete && goes_on => Phase::DeleteWaits,
            (Some(_), Some(_)) if is_delete => Phase::DeleteStarted,
            (Some(_), _) => Phase::DeleteWished,
        };
    }
    match (open, run) {
        (None, _) => unopened(snapshot, instance, inventory),
        (Some(_), None) => Phase::Reserved,
        (Some(_), Some(run)) if is_finished(run) => Phase::Ended,
        (Some(_), Some(_)) if goes_on => Phase::GoesOn,
        (Some(_), Some(_)) if started().next().is_some() => Phase::Started,
        (Some(_), Some(_)) => Phase::Applied,
    }
}

fn unopened(snapshot: &Snapshot, instance: &Value, inventory: Option<&Value>) -> Phase {
    let generation = &instance["metadata"]["generation"];
    if instance["status"]["observedGeneration"] == *generation && instance["status"]["state"] == "Ready" {
        return Phase::Settled;
    }
    let number = inventory.and_then(|inventory| inventory["spec"]["lastRun"].as_i64()).unwrap_or_default();
    let name = format!("{}-{}-{number}", text(instance, "/kind").to_lowercase(), text(instance, "/metadata/name"));
    match snapshot.get("Run", NAMESPACE, &name) {
        Some(last) if last["spec"]["generation"] == *generation && is_finished(last) => Phase::Recorded,
        Some(_) | None => Phase::Wished,
    }
}

/// Whether a Run never takes another effect.
pub(crate) fn is_finished(run: &Value) -> bool {
    matches!(text(run, "/status/state"), "Succeeded" | "Failed" | "Superseded" | "Rejected" | "Cancelled")
}

/// How many slots are written of which no supervisor runs, and how many whose supervisor runs another configuration.
pub(crate) fn of_slots(local: &Path) -> (usize, usize) {
    let (mut unattended, mut outdated) = (0, 0);
    for slot in crate::outcome::slots(local) {
        let read = |name: &str| -> Option<Value> { serde_json::from_slice(&std::fs::read(slot.join(name)).ok()?).ok() };
        let Some(mut config) = read("config.json").filter(|_| !slot.join("deleted").exists()) else { continue };
        for field in ["opId", "wish", "secrets"] {
            config.as_object_mut().map(|fields| fields.remove(field));
        }
        match read("state.json") {
            None => unattended += 1,
            Some(state) => outdated += usize::from(text(&state, "/configHash") != canonical_hash(&config)),
        }
    }
    (unattended, outdated)
}
