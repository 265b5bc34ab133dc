//! The list of built-in kinds, as discovery shows them.
//!
//! Start with [`kinds`].

use super::names::NameRule;

/// One built-in kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// `ConfigMap`
    pub kind: &'static str,
    /// `configmaps`
    pub plural: &'static str,
    /// `configmap`
    pub singular: &'static str,
    /// `cm`
    pub short_names: &'static [&'static str],
    /// `all`
    pub categories: &'static [&'static str],
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: &'static [&'static str],
    /// Subresources.
    pub subresources: &'static [Subresource],
    /// Name of its schema in the OpenAPI documents.
    pub component: &'static str,
    /// What its names must look like.
    pub(super) name_rule: NameRule,
}

/// A part of an object that is read and written by itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Subresource {
    /// `status`
    pub name: &'static str,
    /// Group, version and kind of what is read and written, where it is not the object.
    pub other: Option<(&'static str, &'static str, &'static str)>,
    /// What can be done with it.
    pub verbs: &'static [&'static str],
}

const STORED: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const ASKED: &[&str] = &["create"];
const STATUS: Subresource = Subresource { name: "status", other: None, verbs: &["get", "patch", "update"] };
const FINALIZE: Subresource = Subresource { name: "finalize", other: None, verbs: &["update"] };
const SCALE: Subresource = Subresource { name: "scale", other: Some(("autoscaling", "v1", "Scale")), verbs: &["get", "patch", "update"] };

const PLAIN: Kind = Kind {
    group: "",
    version: "v1",
    kind: "",
    plural: "",
    singular: "",
    short_names: &[],
    categories: &[],
    namespaced: true,
    verbs: STORED,
    subresources: &[],
    component: "",
    name_rule: NameRule::Subdomain,
};

static KINDS: [Kind; 14] = [
    Kind {
        kind: "ConfigMap",
        plural: "configmaps",
        singular: "configmap",
        short_names: &["cm"],
        component: "io.k8s.api.core.v1.ConfigMap",
        ..PLAIN
    },
    Kind { kind: "Event", plural: "events", singular: "event", short_names: &["ev"], component: "io.k8s.api.core.v1.Event", ..PLAIN },
    Kind {
        kind: "LimitRange",
        plural: "limitranges",
        singular: "limitrange",
        short_names: &["limits"],
        component: "io.k8s.api.core.v1.LimitRange",
        ..PLAIN
    },
    Kind {
        kind: "Namespace",
        plural: "namespaces",
        singular: "namespace",
        short_names: &["ns"],
        namespaced: false,
        // Namespaces are deleted one by one.
        verbs: &["create", "delete", "get", "list", "patch", "update", "watch"],
        subresources: &[FINALIZE, STATUS],
        component: "io.k8s.api.core.v1.Namespace",
        name_rule: NameRule::Label,
        ..PLAIN
    },
    Kind {
        kind: "ResourceQuota",
        plural: "resourcequotas",
        singular: "resourcequota",
        short_names: &["quota"],
        subresources: &[STATUS],
        component: "io.k8s.api.core.v1.ResourceQuota",
        ..PLAIN
    },
    Kind { kind: "Secret", plural: "secrets", singular: "secret", component: "io.k8s.api.core.v1.Secret", ..PLAIN },
    Kind {
        kind: "ServiceAccount",
        plural: "serviceaccounts",
        singular: "serviceaccount",
        short_names: &["sa"],
        component: "io.k8s.api.core.v1.ServiceAccount",
        ..PLAIN
    },
    Kind {
        group: "apps",
        kind: "Deployment",
        plural: "deployments",
        singular: "deployment",
        short_names: &["deploy"],
        categories: &["all"],
        subresources: &[SCALE, STATUS],
        component: "io.k8s.api.apps.v1.Deployment",
        ..PLAIN
    },
    Kind {
        group: "events.k8s.io",
        kind: "Event",
        plural: "events",
        singular: "event",
        short_names: &["ev"],
        component: "io.k8s.api.events.v1.Event",
        ..PLAIN
    },
    Kind {
        group: "coordination.k8s.io",
        kind: "Lease",
        plural: "leases",
        singular: "lease",
        component: "io.k8s.api.coordination.v1.Lease",
        ..PLAIN
    },
    Kind {
        group: "apiextensions.k8s.io",
        kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        singular: "customresourcedefinition",
        short_names: &["crd", "crds"],
        categories: &["api-extensions"],
        namespaced: false,
        subresources: &[STATUS],
        component: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
        ..PLAIN
    },
    Kind {
        group: "authorization.k8s.io",
        kind: "SelfSubjectAccessReview",
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        namespaced: false,
        verbs: ASKED,
        component: "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
        ..PLAIN
    },
    Kind {
        group: "authorization.k8s.io",
        kind: "SelfSubjectRulesReview",
        plural: "selfsubjectrulesreviews",
        singular: "selfsubjectrulesreview",
        namespaced: false,
        verbs: ASKED,
        component: "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
        ..PLAIN
    },
    Kind {
        group: "authentication.k8s.io",
        kind: "SelfSubjectReview",
        plural: "selfsubjectreviews",
        singular: "selfsubjectreview",
        namespaced: false,
        verbs: ASKED,
        component: "io.k8s.api.authentication.v1.SelfSubjectReview",
        ..PLAIN
    },
];

/// All built-in kinds.
pub fn kinds() -> &'static [Kind] {
    &KINDS
}

/// The kind that a URL names by its plural.
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

/// The kind that an object names.
pub fn find_kind(group: &str, version: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|known| known.group == group && known.version == version && known.kind == kind)
}

impl Kind {
    /// `v1`, `apps/v1`
    pub fn group_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `ConfigMapList`
    pub fn list_kind(&self) -> String {
        format!("{}List", self.kind)
    }

    /// Whether it has a subresource of this name.
    pub fn has(&self, subresource: &str) -> bool {
        self.subresources.iter().any(|known| known.name == subresource)
    }
}
