//! Where an object is: resource, namespace (empty for cluster-wide objects) and name.
//!
//! Keys of one resource are ordered by `namespace/name` as one text, which is the order in which etcd lists them.

use std::fmt;
use std::sync::Arc;

/// The place of one object.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    resource: Arc<str>,
    path: Arc<str>,
}

impl Key {
    /// `resource` is any name for the collection (`configmaps`, `deployments.apps`); `namespace` is empty for cluster-wide objects.
    /// Neither namespace nor name may hold a slash.
    pub fn new(resource: impl Into<Arc<str>>, namespace: &str, name: &str) -> Key {
        let path = if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() };
        Key { resource: resource.into(), path }
    }

    pub(crate) fn from_path(resource: Arc<str>, path: Arc<str>) -> Key {
        Key { resource, path }
    }

    /// The collection.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    pub(crate) fn shared_resource(&self) -> &Arc<str> {
        &self.resource
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// `namespace/name`, or the name alone: unique in the collection and its order.
    pub fn as_path(&self) -> &str {
        &self.path
    }

    /// The namespace; empty for cluster-wide objects.
    pub fn namespace(&self) -> &str {
        self.path.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.path.split_once('/').map_or(&*self.path, |(_, name)| name)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.resource, self.path)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.resource, self.path)
    }
}
