//! What every handler shares: the store, the registry, the options, and reading objects with them.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use windlass_store::{Key, Store, Stored};

use crate::metrics::Metrics;
use crate::registry::{Registry, Resource};
use crate::{Options, Status, StoredObjects, stored};

pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    registry: RwLock<Arc<Registry>>,
    /// Ends loops and watches when the server goes.
    pub(crate) stop: CancellationToken,
}

impl Api {
    pub(crate) fn new(store: Store, options: Options) -> Api {
        let registry = RwLock::new(Arc::new(Registry::new([])));
        Api { store, options, metrics: Metrics::new(), registry, stop: CancellationToken::new() }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_registry(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }

    /// The object at a key, in the form of the resource's version.
    pub(crate) fn read(&self, resource: &Resource, key: &Key) -> Result<Option<(u64, Value)>, Status> {
        let Some(Stored { version, value, .. }) = self.store.get(key) else { return Ok(None) };
        Ok(Some((version, self.value(resource, key, version, &value)?)))
    }

    /// The object, or 404.
    pub(crate) fn require(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(u64, Value), Status> {
        let key = resource.key(namespace, name);
        self.read(resource, &key)?.ok_or_else(|| Status::not_found(resource, name))
    }

    pub(crate) fn value(&self, resource: &Resource, key: &Key, version: u64, bytes: &Bytes) -> Result<Value, Status> {
        stored::value(resource, key, version, bytes, &self.options.encryption)
    }

    pub(crate) fn wire(&self, resource: &Resource, key: &Key, version: u64, bytes: &Bytes) -> Result<Bytes, Status> {
        stored::wire(resource, key, version, bytes, &self.options.encryption)
    }

    pub(crate) fn plain(&self, resource: &Resource, key: &Key, bytes: &Bytes) -> Result<Bytes, Status> {
        stored::plain(resource, key, bytes, &self.options.encryption)
    }
}

impl StoredObjects for Api {
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Result<Option<Value>, Status> {
        let registry = self.registry();
        let Some(resource) = registry.preferred(group, resource) else { return Ok(None) };
        Ok(self.read(resource, &resource.key(namespace, name))?.map(|(_, value)| value))
    }

    fn list(&self, group: &str, resource: &str, namespace: &str) -> Result<Vec<Value>, Status> {
        let registry = self.registry();
        let Some(resource) = registry.preferred(group, resource) else { return Ok(Vec::new()) };
        let items = self.store.list(&resource.collection, (!namespace.is_empty()).then_some(namespace)).items;
        items.iter().map(|item| self.value(resource, &item.key, item.version, &item.value)).collect()
    }
}
