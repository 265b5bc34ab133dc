//! The one thread that changes anything: it takes what has been asked for meanwhile, checks it, commits it as one
//! transaction, then changes the copy in memory, tells watchers, and answers.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::disk::Disk;
use crate::memory::{Event, EventKind, State};
use crate::{Key, Options, StoreError};

/// The most writes in one commit.
const BATCH: usize = 1024;

/// Makes the bytes of an object once the version of the change is known, so that they can hold it.
/// Runs on the writer's thread: keep it short.
pub struct Body(Box<dyn FnOnce(u64) -> Bytes + Send>);

impl Body {
    /// See [`Body`].
    pub fn new(make: impl FnOnce(u64) -> Bytes + Send + 'static) -> Body {
        Body(Box::new(make))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Body")
    }
}

/// What must be true of the object for the write to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is none.
    Absent,
    /// It is there and was last changed at this version.
    Version(u64),
}

/// Another object that must be unchanged for the write to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Which.
    pub key: Key,
    /// The version at which it was read.
    pub version: u64,
}

/// What to do with the object.
#[derive(Debug)]
pub enum Change {
    /// Create or replace it.
    Put(Body),
    /// Remove it. Goes with [`Expect::Version`] only.
    Delete,
}

/// One write: all of it is taken or nothing.
#[derive(Debug)]
pub struct Write {
    /// The object.
    pub key: Key,
    /// What must be true of it.
    pub expect: Expect,
    /// What must be true of others.
    pub guards: Vec<Guard>,
    /// What to do.
    pub change: Change,
}

pub(crate) struct Request {
    pub(crate) write: Write,
    pub(crate) reply: oneshot::Sender<Result<u64, StoreError>>,
}

/// An object as the transaction being put together sees it.
type Current = Option<(u64, Bytes)>;

pub(crate) struct Writer {
    disk: Disk,
    state: Arc<RwLock<State>>,
    commits: Arc<AtomicU64>,
    history_events: usize,
    history_bytes: usize,
    /// History that memory has forgotten and the disk has not yet; it goes with the next commit.
    forgotten: HashMap<Arc<str>, u64>,
}

impl Writer {
    pub(crate) fn new(disk: Disk, state: Arc<RwLock<State>>, commits: Arc<AtomicU64>, options: &Options) -> Writer {
        let Options { history_events, history_bytes, .. } = *options;
        Writer { disk, state, commits, history_events, history_bytes, forgotten: HashMap::new() }
    }

    pub(crate) fn run(mut self, requests: &mpsc::Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut batch = vec![first];
            batch.extend(requests.try_iter().take(BATCH - 1));
            self.take(batch);
        }
    }

    fn take(&mut self, batch: Vec<Request>) {
        let mut version = self.state.read().unwrap_or_else(PoisonError::into_inner).version;
        let mut pending: HashMap<Key, Current> = HashMap::new();
        let mut events = Vec::new();
        let mut answers = Vec::with_capacity(batch.len());
        for Request { write, reply } in batch {
            let result = self.check(&write, &pending).map(|current| {
                version += 1;
                let event = event(write, version, current);
                let after = (event.kind != EventKind::Deleted).then(|| (version, event.value.clone()));
                pending.insert(event.key.clone(), after);
                events.push(Arc::new(event));
                version
            });
            answers.push((reply, result));
        }
        // Answers wait for the commit even when they are refusals: a refusal may rest on a write that shares the commit.
        let outcome = if events.is_empty() { Ok(()) } else { self.commit(version, events) };
        for (reply, result) in answers {
            // A caller that has gone away is no error.
            drop(reply.send(outcome.clone().and(result)));
        }
    }

    fn commit(&mut self, version: u64, events: Vec<Arc<Event>>) -> Result<(), StoreError> {
        self.disk.commit(version, &events, &self.forgotten)?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.forgotten.clear();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut touched = HashSet::new();
        for event in events {
            let name = Arc::clone(event.key.shared_resource());
            state.collection(&name).apply(Arc::clone(&event));
            // No receiver is no error: nobody follows everything.
            drop(state.all.send(event));
            touched.insert(name);
        }
        state.version = version;
        for name in touched {
            if let Some(floor) = state.collection(&name).compact(self.history_events, self.history_bytes) {
                self.forgotten.insert(name, floor);
            }
        }
        Ok(())
    }

    /// Whether the write may be taken; what it changes if so.
    fn check(&self, write: &Write, pending: &HashMap<Key, Current>) -> Result<Current, StoreError> {
        for guard in &write.guards {
            if self.current(&guard.key, pending).is_none_or(|(version, _)| version != guard.version) {
                return Err(StoreError::GuardChanged { key: guard.key.clone() });
            }
        }
        let current = self.current(&write.key, pending);
        match (write.expect, &current) {
            (Expect::Absent, None) if matches!(write.change, Change::Put(_)) => Ok(current),
            (Expect::Absent, Some(_)) => Err(StoreError::Exists { key: write.key.clone() }),
            (_, None) => Err(StoreError::Missing { key: write.key.clone() }),
            (Expect::Version(expected), Some((found, _))) if expected == *found => Ok(current),
            (Expect::Version(expected), Some((found, _))) => Err(StoreError::Conflict { key: write.key.clone(), expected, found: *found }),
        }
    }

    fn current(&self, key: &Key, pending: &HashMap<Key, Current>) -> Current {
        if let Some(current) = pending.get(key) {
            return current.clone();
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let entry = state.collections.get(key.resource())?.objects.get(key.path())?;
        Some((entry.version, entry.value.clone()))
    }
}

fn event(write: Write, version: u64, previous: Current) -> Event {
    let (kind, value) = match write.change {
        Change::Put(Body(make)) => {
            let kind = if previous.is_some() { EventKind::Modified } else { EventKind::Created };
            (kind, make(version))
        }
        Change::Delete => (EventKind::Deleted, previous.as_ref().map(|(_, value)| value.clone()).unwrap_or_default()),
    };
    Event { key: write.key, version, kind, value, previous }
}
