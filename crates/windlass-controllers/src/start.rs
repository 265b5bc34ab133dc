//! Wiring: installs Windlass' kinds; starts every controller.

use crate::runtime::graphs::Graphs;
use crate::runtime::queue::Queue;
use crate::runtime::tasks::Tasks;
use crate::{instance, template};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use std::fmt;
use std::time::Duration;
use windlass_api::names;
use windlass_client::objects::optional;
use windlass_drivers::Drivers;

/// The installation's key for fingerprints of secrets. Shows nothing of itself.
#[derive(Clone, Default)]
pub struct FingerprintKey(pub Vec<u8>);

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// How the controllers run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many instances are worked on at a time.
    pub workers: usize,
    /// How often a settled instance is looked at without being woken.
    pub resync: Duration,
    /// What fingerprints of secrets are made with; without it they are comparable within one instance only.
    pub fingerprint_key: FingerprintKey,
}

impl Default for Settings {
    fn default() -> Self {
        Self { workers: 16, resync: Duration::from_secs(600), fingerprint_key: FingerprintKey::default() }
    }
}

/// Running controllers; dropped, they end.
pub struct Controllers {
    tasks: Tasks,
    queue: Queue<instance::Work>,
}

impl Controllers {
    /// How many instances wait or are worked on right now.
    pub fn busy(&self) -> usize {
        self.queue.busy()
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

/// Starts the controllers; [`install_kinds`] comes before.
pub fn start(client: &Client, drivers: &Drivers, settings: Settings) -> Controllers {
    let tasks = Tasks::default();
    let graphs = Graphs::new(client.clone());
    template::start(client, &graphs, &tasks);
    let queue = instance::start(client, &graphs, drivers, &tasks, settings);
    Controllers { tasks, queue }
}

/// Applies Windlass' own kinds and its namespace, and waits until they are served; what is there already is not written again.
///
/// # Errors
/// The API does not answer, or refuses a kind.
pub async fn install_kinds(client: &Client) -> Result<(), kube::Error> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in windlass_api::definitions() {
        definitions.patch(&definition.name_any(), &PatchParams::apply(names::MANAGER_SYSTEM).force(), &Patch::Apply(&definition)).await?;
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if optional(namespaces.get(names::SYSTEM_NAMESPACE).await)?.is_none() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names::SYSTEM_NAMESPACE}});
        namespaces.patch(names::SYSTEM_NAMESPACE, &PatchParams::apply(names::MANAGER_SYSTEM).force(), &Patch::Apply(&namespace)).await?;
    }
    for definition in windlass_api::definitions() {
        let name = definition.name_any();
        let established = kube::runtime::wait::await_condition(definitions.clone(), &name, kube::runtime::conditions::is_crd_established());
        if tokio::time::timeout(Duration::from_secs(30), established).await.is_err() {
            tracing::warn!(definition = %name, "the API has not taken up the kind within 30 s");
        }
    }
    Ok(())
}
