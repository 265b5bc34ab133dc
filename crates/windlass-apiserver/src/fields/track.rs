//! Ownership after every write that is not an apply.
//!
//! Start with [`track_update`]. [`keep_unchanged_times`] makes a write that changes nothing but times no write.

use super::managed::{FieldOwner, Managed, Owned, bare, remove_entries};
use super::path::equal;
use super::set::FieldSet;
use super::typed::Type;
use serde_json::Value;

/// Who writes, and when.
#[derive(Clone, Debug, Default)]
pub struct UpdateOptions {
    /// `status`, `scale`, or empty for the object itself. A subresource cannot change `managedFields`.
    pub subresource: String,
    /// The moment of the request, RFC 3339 in seconds.
    pub now: String,
    /// Fields that this endpoint ignores; see [`super::reset_paths`].
    pub ignored: FieldSet,
}

/// Writes into `new` who owns what after `manager` made it of `live` (or created it).
///
/// An object whose owners were never tracked, or were reset by the client, stays untracked until the first apply.
pub fn track_update(live: Option<&Value>, new: &mut Value, ty: Type<'_>, manager: &str, options: &UpdateOptions) {
    let mut managed =
        if options.subresource.is_empty() { Managed::of_request(live, new) } else { live.map(Managed::of_live).unwrap_or_default() };
    remove_entries(new);
    if managed.managers.is_empty() && live.is_some() {
        return;
    }
    let api_version = new["apiVersion"].as_str().unwrap_or_default().to_owned();
    let before = live.map_or_else(|| ty.empty(&new["apiVersion"], &new["kind"]), bare);
    for owned in managed.managers.values_mut() {
        owned.set = owned.set.reconciled(ty);
    }
    let comparison = ty.compare(&before, new);
    let without_ignored = |set: &FieldSet| set.recursive_difference(&options.ignored);
    let change = without_ignored(&comparison.modified.union(&comparison.added));
    // The operation is compared with everybody, the same manager's earlier writes included.
    let operation = FieldOwner::updater("\0", &api_version, &options.subresource);
    owners_after(&mut managed, &operation, &change, &without_ignored(&comparison.removed));
    managed.managers.insert(operation.clone(), Owned { set: change, api_version: api_version.clone(), time: None });
    managed.strip(&operation);
    if let Some(taken) = managed.managers.remove(&operation) {
        let me = FieldOwner::updater(manager, &api_version, &options.subresource);
        let set = managed.managers.get(&me).map_or_else(|| taken.set.clone(), |own| own.set.union(&taken.set));
        managed.managers.insert(me, Owned { set, api_version, time: Some(options.now.clone()) });
    }
    managed.cap_updaters();
    managed.store(new);
}

/// Takes changed and removed fields from everybody but `me`; who owns nothing then is forgotten.
pub(super) fn owners_after(managed: &mut Managed, me: &FieldOwner, change: &FieldSet, removed: &FieldSet) {
    for (manager, owned) in &mut managed.managers {
        if manager != me {
            owned.set = owned.set.difference(change).difference(removed);
        }
    }
    managed.managers.retain(|_, owned| !owned.set.is_empty());
}

/// When only times in `managedFields` differ from the live object, takes the live times, so that the write is none.
pub fn keep_unchanged_times(live: &Value, new: &mut Value) {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        let entries = object.get_mut("metadata").and_then(|meta| meta.get_mut("managedFields")).and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                entry.shift_remove("time");
            }
        }
        object
    };
    let sorted = |object: &Value| {
        let mut entries: Vec<String> =
            object["metadata"]["managedFields"].as_array().into_iter().flatten().map(ToString::to_string).collect();
        entries.sort();
        entries
    };
    if equal(&bare(live), &bare(new)) && sorted(&timeless(live)) == sorted(&timeless(new)) {
        remove_entries(new);
        let entries = &live["metadata"]["managedFields"];
        if let Some(meta) = new.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| !entries.is_null()) {
            meta.insert("managedFields".to_owned(), entries.clone());
        }
    }
}
