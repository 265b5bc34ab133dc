//! The contract of every building block, and the table of blocks and targets.

use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::broadcast;
use windlass_api::driver::{Cancellation, DesiredNode, NodeAnswer, Observation, Operation, Outcome};
use windlass_api::inventory::Entry;
use windlass_api::plan::{Block, InstanceReference};

/// With whose rights an effect is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum RunIdentity {
    /// With the platform's own.
    #[default]
    Platform,
}

/// For whom a driver is called.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The instance.
    pub instance: InstanceReference,
    /// With whose rights.
    pub identity: RunIdentity,
    /// Name of the Template, for labels; may be empty when it is gone.
    pub template: String,
    /// Name of the TemplateRevision, for labels; may be empty when it is gone.
    pub revision: String,
}

/// A driver could not answer. Nothing outside has changed.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The node itself is wrong; trying again does not help.
    #[error("{message}")]
    Refused {
        /// A constant for programs, such as `ImageNeedsEngine`.
        reason: &'static str,
        /// Cause and way out.
        message: String,
    },
    /// The outside did not answer; trying again may help.
    #[error("{message}")]
    Unavailable {
        /// Cause and way out.
        message: String,
    },
}

/// One building block on one kind of target. Every method may be called again after a crash at any point.
#[async_trait]
pub trait Driver: Send + Sync {
    /// Version of what it writes into inventories; raised when old entries need another reading.
    fn version(&self) -> u32 {
        1
    }

    /// Looks at what is there and says what would be done. Changes nothing. Fields that are known later are left out of comparisons.
    async fn plan(&self, scope: &Scope, desired: &DesiredNode) -> Result<NodeAnswer, DriverError>;

    /// Takes one effect. Called only after `Started{op_id}` is durable; called again with the same `op_id` after a crash.
    async fn apply(&self, scope: &Scope, operation: &Operation) -> Outcome;

    /// Says what is there of an entry; found by identity and `op_id`, not only by a token.
    async fn observe(&self, scope: &Scope, entry: &Entry) -> Observation;

    /// Stops an operation that goes on outside.
    async fn cancel(&self, scope: &Scope, entry: &Entry) -> Cancellation;

    /// Deletes one entry; needs nothing but the entry. Deleting what is not there is `Done`.
    async fn delete(&self, scope: &Scope, op_id: &str, entry: &Entry) -> Outcome;

    /// UIDs of instances of which something changed by itself, for drivers whose changes no watch shows.
    fn changes(&self) -> Option<broadcast::Receiver<String>> {
        None
    }
}

/// Which driver serves which block on which kind of target.
#[derive(Clone, Default)]
pub struct Drivers {
    table: Vec<(Block, String, Arc<dyn Driver>)>,
}

impl Drivers {
    /// Adds a pair; `target` is the name of a Target.
    #[must_use]
    pub fn with(mut self, block: Block, target: &str, driver: Arc<dyn Driver>) -> Self {
        self.table.push((block, target.to_owned(), driver));
        self
    }

    /// The driver of a pair, if it is served here.
    pub fn get(&self, block: Block, target: &str) -> Option<&Arc<dyn Driver>> {
        self.table.iter().find(|(b, t, _)| *b == block && t == target).map(|(_, _, driver)| driver)
    }

    /// Every driver, each pair once.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        self.table.iter().map(|(_, _, driver)| driver)
    }
}
