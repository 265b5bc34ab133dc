//! What the store on the disk says: read from a copy of its files while nobody writes them, that is after a kill.
//!
//! Objects are those of the newest commit; the history tells every write, across restarts.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use windlass_store::{EventKind, Options, Store};

/// One write as the store remembers it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) kind: EventKind,
    /// What is there afterwards; for a deletion, what was there last.
    pub(crate) object: Value,
    pub(crate) before: Option<Value>,
}

/// All objects, and what happened since an earlier look.
#[derive(Default)]
pub(crate) struct Snapshot {
    objects: BTreeMap<(String, String, String), Value>,
    /// In the order in which it happened.
    pub(crate) changes: Vec<Change>,
    pub(crate) version: u64,
}

impl Snapshot {
    /// Reads the store of a data directory, with its history after a version.
    pub(crate) fn read(data: &Path, after: u64) -> Self {
        let copy = tempfile::tempdir().expect("a directory");
        for name in ["store", "store-wal"] {
            let from = data.join(name);
            if from.exists() {
                std::fs::copy(from, copy.path().join(name)).expect("a copy of the store");
            }
        }
        let store = Store::open(&copy.path().join("store"), &Options::default()).expect("a kill leaves a whole store");
        let mut snapshot = Self { version: store.version(), ..Self::default() };
        for resource in store.resources() {
            for stored in store.list(&resource, None).items {
                snapshot.take(parse(&stored.value));
            }
            let mut history = store.watch(&resource, after.max(1)).expect("the history reaches back to the last look");
            while let Some(event) = history.try_next().expect("the history") {
                let before = event.previous.as_ref().map(|(_, bytes)| parse(bytes));
                snapshot.changes.push(Change { version: event.version, kind: event.kind, object: parse(&event.value), before });
            }
        }
        snapshot.changes.sort_by_key(|change| change.version);
        snapshot
    }

    /// Takes up an object as it is now.
    pub(crate) fn take(&mut self, object: Value) {
        self.objects.insert(place(&object), object);
    }

    /// Drops an object that is gone.
    pub(crate) fn drop(&mut self, object: &Value) {
        self.objects.remove(&place(object));
    }

    /// An object.
    pub(crate) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(kind.to_owned(), namespace.to_owned(), name.to_owned()))
    }

    /// All objects of a kind.
    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |((of, _, _), _)| of == kind).map(|(_, object)| object)
    }
}

/// Kind, namespace and name.
fn place(object: &Value) -> (String, String, String) {
    (text(object, "/kind").to_owned(), text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned())
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// A text in an object; empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
