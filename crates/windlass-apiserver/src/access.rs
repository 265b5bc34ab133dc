//! Who asks, and whether they may: the seam for authentication (done by the owner of the router) and authorization.

/// Who sends a request. The owner of the router puts it into the request's extensions; a request without one is the
/// caller named in [`crate::Options`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's name.
    pub name: String,
    /// The groups that the user is in.
    pub groups: Vec<String>,
}

impl Caller {
    /// The process itself: member of `system:masters`.
    pub fn administrator(name: &str) -> Caller {
        Caller { name: name.to_owned(), groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()] }
    }
}

/// What is asked for, as Kubernetes' authorizers see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for paths outside resources the method.
    pub verb: String,
    /// API group; empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural name; empty where a path is asked for that is no resource.
    pub resource: String,
    /// `status`, `scale`, `log` or empty.
    pub subresource: String,
    /// Namespace; empty for all, and for cluster-wide resources.
    pub namespace: String,
    /// Name; empty for collections.
    pub name: String,
    /// The path, for what is no resource.
    pub path: String,
}

/// Whether something is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed {
        /// Why, for reviews.
        reason: String,
    },
    /// No.
    Denied {
        /// Why, for reviews; may be empty.
        reason: String,
    },
}

/// Decides who may do what. Asked on every request before anything is read.
pub trait Authorizer: Send + Sync {
    /// Whether the caller may do it.
    fn authorize(&self, caller: &Caller, attributes: &Attributes) -> Decision;
}

/// Everybody who reaches the server may do everything: for a server whose only callers are its own process and whoever holds
/// the installation's credentials.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn authorize(&self, _caller: &Caller, _attributes: &Attributes) -> Decision {
        Decision::Allowed { reason: String::new() }
    }
}
