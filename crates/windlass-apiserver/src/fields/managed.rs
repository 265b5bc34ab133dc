//! `metadata.managedFields`: entries, their order on the wire, and how many update entries are kept.
//!
//! Start with [`Managed::of_live`] and [`Managed::store`].

use super::set::FieldSet;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Most entries of operation Update; older ones are merged into `ancient-changes`.
const MAX_UPDATERS: usize = 10;
const OLD_UPDATES: &str = "ancient-changes";

/// How an entry came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Every other write.
    Update,
}

/// Who owns fields. Appliers are told apart by name and subresource, updaters by version too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldOwner {
    /// Name that the client gave.
    pub name: String,
    /// Sort of writing.
    pub operation: Operation,
    /// Version of an updater; empty for appliers.
    pub api_version: String,
    /// `status`, `scale` or empty.
    pub subresource: String,
}

/// What one manager owns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned {
    pub(super) set: FieldSet,
    pub(super) api_version: String,
    /// RFC 3339, in seconds.
    pub(super) time: Option<String>,
}

/// All managers of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managed {
    pub(super) managers: BTreeMap<FieldOwner, Owned>,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

impl FieldOwner {
    pub(super) fn applier(name: &str, subresource: &str) -> Self {
        Self { name: named(name), operation: Operation::Apply, api_version: String::new(), subresource: subresource.to_owned() }
    }

    pub(super) fn updater(name: &str, api_version: &str, subresource: &str) -> Self {
        let api_version = api_version.to_owned();
        Self { name: named(name), operation: Operation::Update, api_version, subresource: subresource.to_owned() }
    }
}

fn named(name: &str) -> String {
    if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
}

impl Managed {
    /// Who manages the stored object; nobody when its entries cannot be read.
    pub fn of_live(object: &Value) -> Self {
        Self::decode(&object["metadata"]["managedFields"]).unwrap_or_default()
    }

    /// Who manages an object that a client sent in place of `live`: what it says, nobody if it resets the list (`[]` or
    /// `[{}]`), and the live entries when it says nothing or nothing readable.
    pub(super) fn of_request(live: Option<&Value>, sent: &Value) -> Self {
        let entries = &sent["metadata"]["managedFields"];
        let reset = entries.as_array().is_some_and(|list| match list.as_slice() {
            [] => true,
            [only] => only.as_object().is_some_and(Map::is_empty),
            _ => false,
        });
        if reset {
            return Self::default();
        }
        match Self::decode(entries) {
            Ok(managed) if !managed.managers.is_empty() => managed,
            _ => live.map(Self::of_live).unwrap_or_default(),
        }
    }

    /// Reads a list of entries.
    ///
    /// # Errors
    /// The first entry that is not understood, in Kubernetes' words.
    pub fn decode(entries: &Value) -> Result<Self, String> {
        let mut managed = Self::default();
        for (position, entry) in entries.as_array().into_iter().flatten().enumerate() {
            let text = |key: &str| entry[key].as_str().unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return Err("operation must be `Apply` or `Update`".to_owned()),
            };
            let api_version = text("apiVersion").to_owned();
            if api_version.is_empty() {
                return Err("apiVersion must not be empty".to_owned());
            }
            match text("fieldsType") {
                "FieldsV1" => {}
                "" => return Err(format!("missing fieldsType in managed fields entry {position}")),
                other => return Err(format!("invalid fieldsType \"{other}\" in managed fields entry {position}")),
            }
            let set = match &entry["fieldsV1"] {
                Value::Null => FieldSet::default(),
                fields => FieldSet::decode(fields)?,
            };
            let manager = FieldOwner {
                name: text("manager").to_owned(),
                operation,
                api_version: if operation == Operation::Apply { String::new() } else { api_version.clone() },
                subresource: text("subresource").to_owned(),
            };
            let time = entry["time"].as_str().map(str::to_owned);
            managed.managers.insert(manager, Owned { set, api_version, time });
        }
        Ok(managed)
    }

    /// Entries as they stand in an object: appliers first, then by time and name.
    pub fn encode(&self) -> Option<Value> {
        let mut entries: Vec<(&FieldOwner, &Owned)> = self.managers.iter().collect();
        entries.sort_by(|(left, left_owned), (right, right_owned)| {
            let key = |manager: &FieldOwner| (manager.name.clone(), manager.subresource.clone());
            let order = left.operation.cmp(&right.operation).then_with(|| left_owned.time.cmp(&right_owned.time));
            order
                .then_with(|| left.name.cmp(&right.name))
                .then_with(|| left_owned.api_version.cmp(&right_owned.api_version))
                .then_with(|| key(left).cmp(&key(right)))
        });
        let list: Vec<Value> = entries
            .into_iter()
            .map(|(manager, owned)| {
                let mut entry = json!({"manager": manager.name, "operation": manager.operation.name(), "apiVersion": owned.api_version});
                if let Some(time) = &owned.time {
                    entry["time"] = json!(time);
                }
                entry["fieldsType"] = json!("FieldsV1");
                entry["fieldsV1"] = owned.set.encode();
                if !manager.subresource.is_empty() {
                    entry["subresource"] = json!(manager.subresource);
                }
                entry
            })
            .collect();
        (!list.is_empty()).then_some(Value::Array(list))
    }

    /// Writes the entries into an object; without any, the field is removed.
    pub fn store(&self, object: &mut Value) {
        remove_entries(object);
        if let (Some(entries), Some(object)) = (self.encode(), object.as_object_mut())
            && let Some(meta) = object.entry("metadata").or_insert_with(|| json!({})).as_object_mut()
        {
            meta.insert("managedFields".to_owned(), entries);
        }
    }

    /// Keeps the number of update entries in bounds by merging the oldest.
    pub(super) fn cap_updaters(&mut self) {
        let mut updaters: Vec<(Option<String>, FieldOwner)> = self
            .managers
            .iter()
            .filter(|(manager, _)| manager.operation == Operation::Update)
            .map(|(manager, owned)| (owned.time.clone(), manager.clone()))
            .collect();
        let mut excess = updaters.len().saturating_sub(MAX_UPDATERS);
        if excess == 0 {
            return;
        }
        updaters.sort();
        let mut firsts: BTreeMap<String, FieldOwner> = BTreeMap::new();
        for (time, manager) in updaters {
            if excess == 0 {
                break;
            }
            let version = manager.api_version.clone();
            let Some(first) = firsts.get(&version) else {
                firsts.insert(version, manager);
                continue;
            };
            let bucket = FieldOwner::updater(OLD_UPDATES, &version, "");
            if !self.managers.contains_key(&bucket)
                && let Some(owned) = self.managers.remove(first)
            {
                self.managers.insert(bucket.clone(), owned);
            }
            if manager != bucket
                && let Some(merged) = self.managers.remove(&manager)
                && let Some(owned) = self.managers.get_mut(&bucket)
            {
                owned.set = owned.set.union(&merged.set);
                owned.time = time;
                excess -= 1;
            }
        }
    }

    /// Takes away what no manager may own.
    pub(super) fn strip(&mut self, manager: &FieldOwner) {
        let Some(owned) = self.managers.get_mut(manager) else { return };
        owned.set = owned.set.difference(&unowned());
        if owned.set.is_empty() {
            self.managers.remove(manager);
        }
    }
}

/// Fields that belong to the server or name the object.
fn unowned() -> FieldSet {
    let mut set = FieldSet::of_names(&["apiVersion", "kind", "metadata"]);
    for name in
        ["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"]
    {
        set.insert(&["metadata", name].map(super::path::PathElement::field));
    }
    set
}

/// The fields that an endpoint ignores, as a set for [`super::ApplyOptions`] and [`super::UpdateOptions`].
pub fn reset_paths(paths: &[&str]) -> FieldSet {
    FieldSet::of_names(paths)
}

/// Removes `metadata.managedFields`.
pub(super) fn remove_entries(object: &mut Value) {
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.shift_remove("managedFields");
    }
}

/// The object without `metadata.managedFields`.
pub(super) fn bare(object: &Value) -> Value {
    let mut bare = object.clone();
    remove_entries(&mut bare);
    bare
}
