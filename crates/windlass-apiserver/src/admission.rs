//! Hooks that see every change before it is validated and stored: the seam for whoever owns the server.

use std::sync::Arc;

use serde_json::Value;

use crate::{Caller, Status};

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed object; writes that change nothing are not admitted, as they are not stored.
    Update,
    /// The object is to be deleted. The value is the object as stored; what a hook changes in it is ignored.
    Delete,
}

/// What the owner's hooks and metrics may look up: objects as they are stored now, in the resource's preferred version.
pub trait StoredObjects {
    /// One object; namespace empty for cluster-wide resources. None where there is no such object or resource.
    ///
    /// # Errors
    /// The stored object cannot be read.
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Result<Option<Value>, Status>;

    /// All objects of a namespace, or of all of them where it is empty.
    ///
    /// # Errors
    /// A stored object cannot be read.
    fn list(&self, group: &str, resource: &str, namespace: &str) -> Result<Vec<Value>, Status>;
}

/// One change.
#[derive(Clone, Copy)]
pub struct AdmissionRequest<'a> {
    /// Who asks. The server's own work (collecting what lost its owner, emptying namespaces) is `system:windlass`.
    pub caller: &'a Caller,
    /// What they do.
    pub operation: Operation,
    /// API group; empty for the core group.
    pub group: &'a str,
    /// API version.
    pub version: &'a str,
    /// Plural name.
    pub resource: &'a str,
    /// Kind.
    pub kind: &'a str,
    /// `status`, `scale` or empty.
    pub subresource: &'a str,
    /// Namespace; empty for cluster-wide objects.
    pub namespace: &'a str,
    /// Name; with `generateName` the generated one.
    pub name: &'a str,
    /// The object before the change; none for new ones.
    pub old: Option<&'a Value>,
    /// Nothing will be stored.
    pub dry_run: bool,
    /// What else is stored.
    pub stored: &'a dyn StoredObjects,
}

/// A hook: may change the object or refuse. It runs before schema validation, on the way to every store write.
pub type Admission = Arc<dyn Fn(&AdmissionRequest<'_>, &mut Value) -> Result<(), Status> + Send + Sync>;
