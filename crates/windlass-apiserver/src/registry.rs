//! Which resources are served: the built-in ones and those of established CustomResourceDefinitions.
//!
//! A [`Registry`] never changes; when definitions change, a new one is put in its place (`crd/establish.rs`).

mod kinds;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use windlass_schema::structural::Schema;
use windlass_store::Key;

use crate::builtin::{self, Kind};
use crate::crd::CustomVersion;
use crate::status::qualified;

/// The verbs of most resources, in the order of discovery.
pub(crate) const ALL_VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// One resource at one version.
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: &'static [&'static str],
    /// Has `/status`: ordinary writes leave the status alone.
    pub(crate) has_status: bool,
    /// Has `/scale`.
    pub(crate) scale: Option<Scale>,
    /// When `metadata.generation` counts.
    pub(crate) generation: Generation,
    /// PUT makes the object where there is none.
    pub(crate) create_on_update: bool,
    /// PUT without a resourceVersion overwrites.
    pub(crate) unconditional_update: bool,
    /// DELETE answers with the object instead of a Status.
    pub(crate) returns_deleted: bool,
    /// The store's collection.
    pub(crate) collection: Arc<str>,
    /// The `apiVersion` that stored objects have.
    pub(crate) stored_as: String,
    /// Paths beside name and namespace that field selectors may use.
    pub(crate) selectable: Vec<String>,
    /// The definition is about to go: nothing new is made.
    pub(crate) terminating: bool,
    /// Set for built-in kinds.
    pub(crate) builtin: Option<&'static Kind>,
    /// Set for the kinds of definitions.
    pub(crate) custom: Option<Arc<CustomVersion>>,
}

/// What moves `metadata.generation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The kind has none.
    Never,
    /// A changed `spec`.
    Spec,
    /// A changed `spec` or changed annotations (Deployments).
    SpecOrAnnotations,
    /// Anything but `metadata`, and but `status` where that is a subresource (custom resources).
    Content,
}

/// Where `/scale` finds its values; dotted paths without a leading dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    pub(crate) selector: Option<String>,
}

impl Resource {
    /// `group/version`, or `version` for the core group.
    pub(crate) fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// `plural.group`, as messages name it.
    pub(crate) fn qualified(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// `plural.group`, with the dot also where there is no group: so the messages about namespaces name it.
    pub(crate) fn qualified_for_people(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    pub(crate) fn key(&self, namespace: &str, name: &str) -> Key {
        Key::new(Arc::clone(&self.collection), if self.namespaced { namespace } else { "" }, name)
    }

    /// What may stand in the object. Schemas of built-in kinds are parsed when they are first asked for.
    pub(crate) fn schema(&self) -> Arc<Schema> {
        match (&self.custom, self.builtin) {
            (Some(custom), _) => Arc::clone(&custom.schema),
            (None, Some(kind)) => builtin::schema(kind),
            (None, None) => Arc::new(Schema::object_meta()),
        }
    }

    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.is("", "secrets")
    }

    pub(crate) fn is_definition(&self) -> bool {
        self.is("apiextensions.k8s.io", "customresourcedefinitions")
    }

    /// Whether objects of this resource are kept in the store (reviews are not).
    pub(crate) fn is_stored(&self) -> bool {
        self.verbs.contains(&"list")
    }

    /// The resource whose form its objects are stored in: `events.k8s.io` is a view on the core group's events.
    pub(crate) fn is_view(&self) -> bool {
        self.group == "events.k8s.io"
    }

    /// Subresources with their verbs, for discovery.
    pub(crate) fn subresources(&self) -> Vec<(&'static str, &'static [&'static str])> {
        const CHANGE: &[&str] = &["get", "patch", "update"];
        let mut out: Vec<(&'static str, &'static [&'static str])> = Vec::new();
        if self.is("", "namespaces") {
            out.push(("finalize", &["update"]));
        }
        if self.scale.is_some() {
            out.push(("scale", CHANGE));
        }
        if self.has_status {
            out.push(("status", CHANGE));
        }
        out
    }
}

/// `group/version`, or `version` for the core group.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The versions of a group with their resources.
type Versions = Vec<(String, Vec<Arc<Resource>>)>;

/// All resources, and what is made of them once on demand.
pub(crate) struct Registry {
    /// By group, then version, newest first.
    groups: BTreeMap<String, Versions>,
    /// The hash of each OpenAPI document.
    pub(crate) documents: OnceLock<BTreeMap<String, String>>,
    pub(crate) discovery: OnceLock<(Bytes, Bytes)>,
}

impl Registry {
    /// The built-in resources and the given ones.
    pub(crate) fn new(custom: impl IntoIterator<Item = Arc<Resource>>) -> Registry {
        let mut groups: BTreeMap<String, Versions> = BTreeMap::new();
        for resource in kinds::builtin().into_iter().chain(custom) {
            let versions = groups.entry(resource.group.clone()).or_default();
            match versions.iter_mut().find(|(version, _)| *version == resource.version) {
                Some((_, resources)) => resources.push(resource),
                None => versions.push((resource.version.clone(), vec![resource])),
            }
        }
        for versions in groups.values_mut() {
            versions.sort_by_key(|(version, _)| std::cmp::Reverse(version_order(version)));
            for (_, resources) in versions {
                resources.sort_by(|left, right| left.plural.cmp(&right.plural));
            }
        }
        Registry { groups, documents: OnceLock::new(), discovery: OnceLock::new() }
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.resources(group, version)?.iter().find(|resource| resource.plural == plural)
    }

    /// The best version of a resource.
    pub(crate) fn preferred(&self, group: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.groups.get(group)?.iter().flat_map(|(_, resources)| resources).find(|resource| resource.plural == plural)
    }

    /// The resource whose objects have this `apiVersion` and `kind`.
    pub(crate) fn find_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Resource>> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        self.resources(group, version)?.iter().find(|resource| resource.kind == kind)
    }

    pub(crate) fn resources(&self, group: &str, version: &str) -> Option<&[Arc<Resource>]> {
        self.groups.get(group)?.iter().find(|(found, _)| found == version).map(|(_, resources)| resources.as_slice())
    }

    /// The versions of a group, best first.
    pub(crate) fn versions(&self, group: &str) -> Option<Vec<&str>> {
        self.groups.get(group).map(|versions| versions.iter().map(|(version, _)| version.as_str()).collect())
    }

    /// All groups but the core one.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str).filter(|group| !group.is_empty())
    }

    /// Every group and version, the core one first.
    pub(crate) fn group_versions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.groups.iter().flat_map(|(group, versions)| versions.iter().map(move |(version, _)| (group.as_str(), version.as_str())))
    }

    /// One resource for each collection that objects are stored in.
    pub(crate) fn stored(&self) -> Vec<&Arc<Resource>> {
        let mut seen = std::collections::HashSet::new();
        self.groups
            .values()
            .flatten()
            .flat_map(|(_, resources)| resources)
            // Events are read as the core group writes them; the other group's form is a view on them.
            .filter(|resource| resource.is_stored() && !resource.is_view() && seen.insert(Arc::clone(&resource.collection)))
            .collect()
    }

    pub(crate) fn by_collection(&self, collection: &str) -> Option<&Arc<Resource>> {
        self.stored().into_iter().find(|resource| &*resource.collection == collection)
    }
}

/// The order of versions as Kubernetes ranks them: stable above beta above alpha, higher numbers first, others last by name.
pub(crate) fn version_order(version: &str) -> (u8, u64, u64, std::cmp::Reverse<String>) {
    let other = (0, 0, 0, std::cmp::Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else { return other };
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let (major, rest) = rest.split_at(digits);
    let Ok(major) = major.parse() else { return other };
    let (stage, minor) = if rest.is_empty() {
        (3, "0")
    } else if let Some(minor) = rest.strip_prefix("beta") {
        (2, minor)
    } else if let Some(minor) = rest.strip_prefix("alpha") {
        (1, minor)
    } else {
        return other;
    };
    match minor.parse() {
        Ok(minor) => (stage, major, minor, std::cmp::Reverse(String::new())),
        Err(_) => other,
    }
}

#[cfg(test)]
mod tests {
    //! The order of versions, and that the built-in table hangs together.

    use super::*;

    #[test]
    fn versions_are_ranked_as_in_kubernetes() {
        let mut versions = ["foo10", "v1alpha1", "v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1"];
        versions.sort_by_key(|version| std::cmp::Reverse(version_order(version)));
        let expected = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "v1alpha1", "foo1", "foo10"];
        assert_eq!(versions, expected);
    }

    #[test]
    fn both_event_groups_share_one_collection() {
        let registry = Registry::new([]);
        let core = registry.find("", "v1", "events").unwrap();
        let other = registry.find("events.k8s.io", "v1", "events").unwrap();
        assert_eq!(core.collection, other.collection);
        assert_eq!(registry.by_collection("events").unwrap().group, "");
    }
}
