//! Following the changes of one resource.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use crate::memory::State;
use crate::{Event, StoreError};

/// The changes of one resource from one version on, in order, without gaps. Made by [`crate::Store::watch`].
pub struct Watch {
    pub(crate) backlog: VecDeque<Arc<Event>>,
    pub(crate) receiver: broadcast::Receiver<Arc<Event>>,
    pub(crate) state: Arc<RwLock<State>>,
}

impl Watch {
    /// The next change; waits for it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Lagged`] when the reader was too slow and changes are lost, [`StoreError::Closed`] when the store is closing.
    pub async fn next(&mut self) -> Result<Arc<Event>, StoreError> {
        if let Some(event) = self.backlog.pop_front() {
            return Ok(event);
        }
        self.receiver.recv().await.map_err(|error| match error {
            RecvError::Lagged(_) => StoreError::Lagged,
            RecvError::Closed => StoreError::Closed,
        })
    }

    /// The next change if it is there already.
    ///
    /// # Errors
    /// As [`Watch::next`].
    pub fn try_next(&mut self) -> Result<Option<Arc<Event>>, StoreError> {
        if let Some(event) = self.backlog.pop_front() {
            return Ok(Some(event));
        }
        match self.receiver.try_recv() {
            Ok(event) => Ok(Some(event)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Lagged(_)) => Err(StoreError::Lagged),
            Err(TryRecvError::Closed) => Err(StoreError::Closed),
        }
    }

    /// A version up to which this watch has delivered everything; none while changes are waiting.
    pub fn progress(&self) -> Option<u64> {
        // The version is read first: a change that arrives in between has a later one.
        let version = self.state.read().unwrap_or_else(PoisonError::into_inner).version;
        (self.backlog.is_empty() && self.receiver.is_empty()).then_some(version)
    }
}
