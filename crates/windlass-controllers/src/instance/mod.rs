//! The instance controller: one for all kinds that Templates publish.
//!
//! A reconcile gathers what is there, lets `windlass-graph` decide, and carries the Plan out as a Run; deletion walks the
//! Inventory and needs no Template. It must not render, compare or judge by itself. Start with `reconcile`.

mod deletion;
mod drift;
mod events;
mod execute;
mod gather;
mod preview;
mod reconcile;
mod record;
mod registry;
mod runs;
mod status;
mod watches;

use crate::runtime::graphs::Graphs;
use crate::runtime::queue::Queue;
use crate::runtime::tasks::Tasks;
use crate::start::{FingerprintKey, Settings};
use kube::Client;
use registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use windlass_drivers::{Drivers, RunIdentity, Scope};

/// One instance, by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// API group of its kind.
    pub(crate) group: String,
    /// Kind.
    pub(crate) kind: String,
    /// Namespace; absent for a cluster-scoped kind.
    pub(crate) namespace: Option<String>,
    /// Name.
    pub(crate) name: String,
}

/// What wakes the controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// An instance may have something to do.
    Instance(Key),
    /// A preview (namespace and name of the Run) may have something to do.
    Preview(String, String),
    /// An Inventory (by its name) is being deleted.
    Inventory(String),
}

/// What a reconcile needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) graphs: Graphs,
    pub(crate) drivers: Drivers,
    pub(crate) registry: Arc<Registry>,
    pub(crate) queue: Queue<Work>,
    pub(crate) tasks: Tasks,
    /// How often a settled instance is looked at without being woken.
    pub(crate) resync: Duration,
    /// What fingerprints of secrets are made with.
    pub(crate) fingerprint_key: FingerprintKey,
}

/// Starts the controller.
pub(crate) fn start(client: &Client, graphs: &Graphs, drivers: &Drivers, tasks: &Tasks, settings: Settings) -> Queue<Work> {
    let queue = Queue::default();
    let context = Context {
        client: client.clone(),
        graphs: graphs.clone(),
        drivers: drivers.clone(),
        registry: Arc::new(Registry::default()),
        queue: queue.clone(),
        tasks: tasks.clone(),
        resync: settings.resync,
        fingerprint_key: settings.fingerprint_key,
    };
    watches::start(&context);
    tasks.spawn(queue.clone().work(settings.workers, move |work| {
        let context = context.clone();
        async move {
            match work {
                Work::Instance(key) => Box::pin(reconcile::reconcile(&context, &key)).await,
                Work::Preview(namespace, name) => Box::pin(preview::reconcile(&context, &namespace, &name)).await,
                Work::Inventory(name) => Box::pin(deletion::reconcile_inventory(&context, &name)).await,
            }
        }
    }));
    queue
}

/// For whom drivers are called.
pub(crate) fn scope(reference: &windlass_api::plan::InstanceReference, template: &str, revision: &str) -> Scope {
    Scope { instance: reference.clone(), identity: RunIdentity::Platform, template: template.to_owned(), revision: revision.to_owned() }
}
