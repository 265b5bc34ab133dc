//! The store as its users see it: reads from memory, writes through the one writer.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::disk::Disk;
use crate::memory::{Collection, State};
use crate::writer::{Request, Writer};
use crate::{Key, List, StoreError, Stored, Watch, Write};

/// Bounds of a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The most changes that the history of one resource keeps.
    pub history_events: usize,
    /// The most bytes that the history of one resource holds on to, earlier values of objects mostly.
    pub history_bytes: usize,
    /// How many changes a watcher may be behind before it is cut off.
    pub watch_buffer: usize,
    /// The largest size of the database file in bytes, in steps of a page; no limit but the disk when none.
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options { history_events: 8192, history_bytes: 1 << 20, watch_buffer: 1024, max_bytes: None }
    }
}

/// A handle on the store; clones share it. When the last one is dropped, writes that were asked for are finished and the file is closed.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    state: Arc<RwLock<State>>,
    commits: Arc<AtomicU64>,
    sender: Mutex<Option<mpsc::Sender<Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens or makes the database file and reads it into memory. Blocks; a thousand objects take some milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Held`] when another process has it open, [`StoreError::Format`] when it was written by something newer,
    /// [`StoreError::Open`] when the disk refuses or the file is no database.
    pub fn open(path: &Path, options: &Options) -> Result<Store, StoreError> {
        Store::start(Disk::open(path, options)?, options)
    }

    /// A store without a file: everything is gone when it is dropped. For tests.
    ///
    /// # Errors
    /// SQLite cannot be started.
    pub fn in_memory(options: &Options) -> Result<Store, StoreError> {
        Store::start(Disk::in_memory(options)?, options)
    }

    fn start(disk: Disk, options: &Options) -> Result<Store, StoreError> {
        let state = Arc::new(RwLock::new(disk.load(options)?));
        let commits = Arc::new(AtomicU64::new(0));
        let (sender, receiver) = mpsc::channel();
        let writer = Writer::new(disk, Arc::clone(&state), Arc::clone(&commits), options);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|_| StoreError::Closed)?;
        Ok(Store { inner: Arc::new(Inner { state, commits, sender: Mutex::new(Some(sender)), thread: Some(thread) }) })
    }

    /// Takes one change and returns its version once it is on the disk. Reads that begin afterwards see it.
    ///
    /// # Errors
    /// The expectation or a guard does not hold, or the disk refuses: see [`StoreError`]. Nothing has changed then.
    pub async fn write(&self, write: Write) -> Result<u64, StoreError> {
        let (reply, answer) = oneshot::channel();
        {
            let sender = self.inner.sender.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = sender.as_ref().ok_or(StoreError::Closed)?;
            sender.send(Request { write, reply }).map_err(|_| StoreError::Closed)?;
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// The object at a key.
    pub fn get(&self, key: &Key) -> Option<Stored> {
        let state = self.state();
        let entry = state.collections.get(key.resource())?.objects.get(key.path())?;
        Some(Stored { key: key.clone(), version: entry.version, value: entry.value.clone() })
    }

    /// The objects of a resource, in one namespace or in all, and the version at which that is the whole truth.
    pub fn list(&self, resource: &str, namespace: Option<&str>) -> List {
        let state = self.state();
        let items = state.collections.get(resource).map(|collection| collection.items(namespace)).unwrap_or_default();
        List { version: state.version, items }
    }

    /// The objects of a resource as they were at an earlier version.
    ///
    /// # Errors
    /// [`StoreError::Expired`] when the history does not reach that far, [`StoreError::Future`] when the version is not given out yet.
    pub fn list_at(&self, resource: &str, namespace: Option<&str>, version: u64) -> Result<List, StoreError> {
        let state = self.state();
        state.reachable(resource, version)?;
        let items = state.collections.get(resource).map(|collection| collection.items_at(namespace, version)).unwrap_or_default();
        Ok(List { version, items })
    }

    /// How many objects a resource has.
    pub fn count(&self, resource: &str) -> usize {
        self.state().collections.get(resource).map_or(0, |collection| collection.objects.len())
    }

    /// The names of all resources that hold or have held objects.
    pub fn resources(&self) -> Vec<Arc<str>> {
        self.state().collections.keys().cloned().collect()
    }

    /// Follows the changes of a resource after a version.
    ///
    /// # Errors
    /// [`StoreError::Expired`] when the history does not reach that far, [`StoreError::Future`] when the version is not given out yet.
    pub fn watch(&self, resource: &str, after: u64) -> Result<Watch, StoreError> {
        {
            let state = self.state();
            state.reachable(resource, after)?;
            if let Some(collection) = state.collections.get(resource) {
                return Ok(self.watching(collection, after));
            }
        }
        // Nobody has used the resource yet: a place for the watcher is made.
        let mut state = self.inner.state.write().unwrap_or_else(PoisonError::into_inner);
        Ok(self.watching(state.collection(&Arc::from(resource)), after))
    }

    fn watching(&self, collection: &Collection, after: u64) -> Watch {
        // Under the lock, so that no change falls between the history and the subscription.
        Watch { backlog: collection.since(after), receiver: collection.sender.subscribe(), state: Arc::clone(&self.inner.state) }
    }

    /// Follows the changes of all resources from now on.
    pub fn follow(&self) -> Watch {
        let state = self.state();
        Watch { backlog: VecDeque::new(), receiver: state.all.subscribe(), state: Arc::clone(&self.inner.state) }
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    /// How often something was committed to the disk since opening.
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.inner.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Without a sender the writer finishes what it has and ends; only then is the file free for the next one.
        self.sender.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended by a panic");
        }
    }
}
