//! Background tasks that belong together: a panic in one is logged and ends only that one, and all end when the group is dropped.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::{AbortHandle, JoinSet};

/// A group of tasks.
#[derive(Clone, Default)]
pub struct Tasks {
    running: Arc<Mutex<JoinSet<()>>>,
}

impl Tasks {
    /// Starts a task; the handle ends it early.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(task)
    }

    /// Ends all of them at their next await point.
    pub fn abort_all(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}
