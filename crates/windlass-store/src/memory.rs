//! The copy in memory: what is stored now, and the recent past of each resource. Only the writer changes it, after the commit.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::{Key, StoreError};

/// One stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it is.
    pub key: Key,
    /// The version of its last change.
    pub version: u64,
    /// Its bytes, as they were written.
    pub value: Bytes,
}

/// The objects of one resource at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The version of the whole store that the list shows.
    pub version: u64,
    /// In the order of their keys.
    pub items: Vec<Stored>,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It is new.
    Created,
    /// It was replaced.
    Modified,
    /// It is gone.
    Deleted,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The object.
    pub key: Key,
    /// The number of this change.
    pub version: u64,
    /// What happened.
    pub kind: EventKind,
    /// The object after the change; for a deletion its last state (written with an earlier version).
    pub value: Bytes,
    /// The object before the change with the version it had; none for a new one.
    pub previous: Option<(u64, Bytes)>,
}

pub(crate) struct Entry {
    pub(crate) version: u64,
    pub(crate) value: Bytes,
}

/// One resource: objects, history, watchers.
pub(crate) struct Collection {
    pub(crate) name: Arc<str>,
    pub(crate) objects: BTreeMap<Arc<str>, Entry>,
    history: VecDeque<Arc<Event>>,
    /// Bytes that only the history holds.
    history_bytes: usize,
    /// Changes up to this version are no longer in the history.
    pub(crate) floor: u64,
    pub(crate) sender: broadcast::Sender<Arc<Event>>,
}

impl Collection {
    pub(crate) fn new(name: Arc<str>, watch_buffer: usize) -> Collection {
        Collection {
            name,
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            history_bytes: 0,
            floor: 0,
            sender: broadcast::Sender::new(watch_buffer),
        }
    }

    /// Adds a change to the history. Changes must come in the order of their versions.
    pub(crate) fn remember(&mut self, event: Arc<Event>) {
        self.history_bytes += held(&event);
        self.history.push_back(event);
    }

    /// Forgets the oldest changes if there are too many; tells up to which version.
    /// It goes down to three quarters of the bounds, so that it is not done on every write.
    pub(crate) fn compact(&mut self, events: usize, bytes: usize) -> Option<u64> {
        if self.history.len() <= events && self.history_bytes <= bytes {
            return None;
        }
        while self.history.len() > events / 4 * 3 || self.history_bytes > bytes / 4 * 3 {
            let Some(oldest) = self.history.pop_front() else { break };
            self.history_bytes -= held(&oldest);
            self.floor = oldest.version;
        }
        Some(self.floor)
    }

    /// The changes after `version`, oldest first.
    pub(crate) fn since(&self, version: u64) -> VecDeque<Arc<Event>> {
        let start = self.history.partition_point(|event| event.version <= version);
        self.history.range(start..).cloned().collect()
    }

    pub(crate) fn apply(&mut self, event: Arc<Event>) {
        match event.kind {
            EventKind::Deleted => {
                self.objects.remove(event.key.path());
            }
            EventKind::Created | EventKind::Modified => {
                let entry = Entry { version: event.version, value: event.value.clone() };
                self.objects.insert(Arc::clone(event.key.path()), entry);
            }
        }
        self.remember(Arc::clone(&event));
        // No receiver is no error: nobody watches.
        drop(self.sender.send(event));
    }

    fn range(&self, namespace: Option<&str>) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        let prefix = namespace.map(|namespace| format!("{namespace}/"));
        let start = prefix.clone().map_or(Bound::Unbounded, |prefix| Bound::Included(Arc::from(prefix)));
        self.objects
            .range((start, Bound::Unbounded))
            .take_while(move |(path, _)| prefix.as_ref().is_none_or(|prefix| path.starts_with(prefix)))
    }

    pub(crate) fn items(&self, namespace: Option<&str>) -> Vec<Stored> {
        self.range(namespace).map(|(path, entry)| self.stored(path, entry.version, &entry.value)).collect()
    }

    /// The objects as they were at an earlier version: the present with later changes undone.
    pub(crate) fn items_at(&self, namespace: Option<&str>, version: u64) -> Vec<Stored> {
        let mut undone: BTreeMap<&Arc<str>, Option<(u64, &Bytes)>> =
            self.range(namespace).map(|(path, entry)| (path, Some((entry.version, &entry.value)))).collect();
        for event in self.history.iter().rev().take_while(|event| event.version > version) {
            if namespace.is_none_or(|namespace| event.key.namespace() == namespace) {
                undone.insert(event.key.path(), event.previous.as_ref().map(|(version, value)| (*version, value)));
            }
        }
        undone.into_iter().filter_map(|(path, state)| state.map(|(version, value)| self.stored(path, version, value))).collect()
    }

    fn stored(&self, path: &Arc<str>, version: u64, value: &Bytes) -> Stored {
        Stored { key: Key::from_path(Arc::clone(&self.name), Arc::clone(path)), version, value: value.clone() }
    }
}

fn held(event: &Event) -> usize {
    // The newer value is shared with the object or with the next change's `previous`; a fixed part stands for the rest.
    event.previous.as_ref().map_or(0, |(_, value)| value.len()) + 128
}

/// Everything.
pub(crate) struct State {
    pub(crate) version: u64,
    pub(crate) collections: HashMap<Arc<str>, Collection>,
    pub(crate) watch_buffer: usize,
    /// Every change of every collection.
    pub(crate) all: broadcast::Sender<Arc<Event>>,
}

impl State {
    pub(crate) fn new(version: u64, watch_buffer: usize) -> State {
        // Whoever follows everything sees more in the same time.
        State { version, collections: HashMap::new(), watch_buffer, all: broadcast::Sender::new(watch_buffer * 8) }
    }

    pub(crate) fn collection(&mut self, name: &Arc<str>) -> &mut Collection {
        let buffer = self.watch_buffer;
        self.collections.entry(Arc::clone(name)).or_insert_with(|| Collection::new(Arc::clone(name), buffer))
    }

    /// Whether a watch or a read may start at a version of this collection.
    pub(crate) fn reachable(&self, resource: &str, version: u64) -> Result<(), StoreError> {
        if version > self.version {
            return Err(StoreError::Future { version, newest: self.version });
        }
        match self.collections.get(resource) {
            Some(collection) if version < collection.floor => Err(StoreError::Expired { version, oldest: collection.floor }),
            _ => Ok(()),
        }
    }
}
