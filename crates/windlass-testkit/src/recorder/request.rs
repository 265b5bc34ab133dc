//! What a request would write, from its method and path.

use http::{Method, Uri};

/// What a request that writes is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: Option<String>,
    pub(super) plural: String,
    /// Empty where the name stands in the body, or where a whole collection is meant.
    pub(super) name: String,
    /// `status` and the like; empty for the object itself.
    pub(super) part: String,
    pub(super) manager: Option<String>,
    pub(super) deletes: bool,
}

impl Target {
    /// `None` for what writes nothing: reads, and writes that are only tried.
    pub(super) fn of(method: &Method, uri: &Uri) -> Option<Self> {
        if ![Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method) {
            return None;
        }
        let query = uri.query().unwrap_or_default();
        let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(decoded));
        if parameter("dryRun").is_some() {
            return None;
        }
        let mut parts = uri.path().split('/').filter(|part| !part.is_empty());
        let (group, version) = match parts.next()? {
            "api" => (String::new(), parts.next()?),
            "apis" => (parts.next()?.to_owned(), parts.next()?),
            _ => return None,
        };
        let mut rest: Vec<&str> = parts.collect();
        let mut namespace = None;
        // `namespaces/NAME` and its parts are the Namespace itself; `namespaces/NAME/PLURAL` is in it.
        let itself = matches!(rest.as_slice(), ["namespaces"] | ["namespaces", _] | ["namespaces", _, "status" | "finalize"]);
        if rest.first() == Some(&"namespaces") && !itself {
            namespace = rest.get(1).map(|name| (*name).to_owned());
            rest.drain(..2);
        }
        let at = |index: usize| rest.get(index).map(|part| (*part).to_owned()).unwrap_or_default();
        Some(Self {
            group,
            version: version.to_owned(),
            namespace,
            plural: at(0),
            name: at(1),
            part: at(2),
            manager: parameter("fieldManager"),
            deletes: method == Method::DELETE,
        })
    }

    /// `v1`, or `group/version`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// A query value; only what field managers are made of is decoded.
fn decoded(text: &str) -> String {
    text.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: Method, uri: &str) -> Option<Target> {
        Target::of(&method, &uri.parse().expect("a path"))
    }

    #[test]
    fn paths_are_told_apart() {
        let map = target(Method::PATCH, "/api/v1/namespaces/n/configmaps/a?&fieldManager=windlass%3Auid&force=true").expect("it writes");
        assert_eq!((map.namespace.as_deref(), map.plural.as_str(), map.name.as_str()), (Some("n"), "configmaps", "a"));
        assert_eq!(map.manager.as_deref(), Some("windlass:uid"));
        let status = target(Method::PATCH, "/apis/windlass.dev/v1alpha1/namespaces/n/runs/r/status").expect("it writes");
        assert_eq!((status.api_version().as_str(), status.part.as_str()), ("windlass.dev/v1alpha1", "status"));
        let namespace = target(Method::DELETE, "/api/v1/namespaces/n").expect("it writes");
        assert_eq!((namespace.namespace, namespace.plural.as_str(), namespace.name.as_str()), (None, "namespaces", "n"));
        assert_eq!(target(Method::GET, "/api/v1/namespaces/n"), None);
        assert_eq!(target(Method::PATCH, "/api/v1/namespaces/n/configmaps/a?dryRun=All"), None);
    }
}
