//! The table of built-in resources.

use std::sync::Arc;

use windlass_schema::structural::Schema;

use super::{ALL_VERBS, Generation, Resource, Scale, api_version};

/// One line of the table.
struct Line {
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    namespaced: bool,
    verbs: &'static [&'static str],
    has_status: bool,
    generation: Generation,
    create_on_update: bool,
    unconditional_update: bool,
    returns_deleted: bool,
    selectable: &'static [&'static str],
}

const PLAIN: Line = Line {
    group: "",
    plural: "",
    kind: "",
    short_names: &[],
    categories: &[],
    namespaced: true,
    verbs: ALL_VERBS,
    has_status: false,
    generation: Generation::Never,
    create_on_update: false,
    unconditional_update: true,
    returns_deleted: false,
    selectable: &[],
};

/// Namespaces cannot be deleted as a collection.
const NAMESPACE_VERBS: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];

const REVIEW: Line = Line { namespaced: false, verbs: &["create"], ..PLAIN };

const LINES: &[Line] = &[
    Line { plural: "configmaps", kind: "ConfigMap", short_names: &["cm"], ..PLAIN },
    Line {
        plural: "events",
        kind: "Event",
        short_names: &["ev"],
        create_on_update: true,
        selectable: &[
            "involvedObject.apiVersion",
            "involvedObject.fieldPath",
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.namespace",
            "involvedObject.resourceVersion",
            "involvedObject.uid",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ..PLAIN
    },
    Line {
        plural: "namespaces",
        kind: "Namespace",
        short_names: &["ns"],
        namespaced: false,
        verbs: NAMESPACE_VERBS,
        has_status: true,
        selectable: &["status.phase"],
        ..PLAIN
    },
    Line { plural: "secrets", kind: "Secret", selectable: &["type"], ..PLAIN },
    Line { plural: "serviceaccounts", kind: "ServiceAccount", short_names: &["sa"], returns_deleted: true, ..PLAIN },
    Line {
        group: "apiextensions.k8s.io",
        plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition",
        short_names: &["crd", "crds"],
        categories: &["api-extensions"],
        namespaced: false,
        has_status: true,
        generation: Generation::Spec,
        unconditional_update: false,
        ..PLAIN
    },
    Line {
        group: "apps",
        plural: "deployments",
        kind: "Deployment",
        short_names: &["deploy"],
        categories: &["all"],
        has_status: true,
        generation: Generation::SpecOrAnnotations,
        ..PLAIN
    },
    Line { group: "authentication.k8s.io", plural: "selfsubjectreviews", kind: "SelfSubjectReview", ..REVIEW },
    Line { group: "authorization.k8s.io", plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", ..REVIEW },
    Line { group: "authorization.k8s.io", plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview", ..REVIEW },
    Line { group: "coordination.k8s.io", plural: "leases", kind: "Lease", create_on_update: true, unconditional_update: false, ..PLAIN },
    Line {
        group: "events.k8s.io",
        plural: "events",
        kind: "Event",
        short_names: &["ev"],
        create_on_update: true,
        selectable: &["reason", "regarding.kind", "regarding.name", "regarding.namespace", "regarding.uid", "reportingController", "type"],
        ..PLAIN
    },
];

/// The built-in resources. All have the version `v1`.
pub(super) fn builtin() -> Vec<Arc<Resource>> {
    LINES.iter().map(|line| Arc::new(resource(line))).collect()
}

fn resource(line: &Line) -> Resource {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    // One storage for both groups of events.
    let home = if line.kind == "Event" { "" } else { line.group };
    let scale = (line.kind == "Deployment").then(|| Scale {
        spec_replicas: "spec.replicas".to_owned(),
        status_replicas: "status.replicas".to_owned(),
        selector: None,
    });
    Resource {
        group: line.group.to_owned(),
        version: "v1".to_owned(),
        plural: line.plural.to_owned(),
        singular: line.kind.to_ascii_lowercase(),
        kind: line.kind.to_owned(),
        list_kind: format!("{}List", line.kind),
        short_names: texts(line.short_names),
        categories: texts(line.categories),
        namespaced: line.namespaced,
        verbs: line.verbs,
        has_status: line.has_status,
        scale,
        generation: line.generation,
        create_on_update: line.create_on_update,
        unconditional_update: line.unconditional_update,
        returns_deleted: line.returns_deleted,
        collection: crate::status::qualified(line.plural, home).into(),
        stored_as: api_version(home, "v1"),
        schema: Arc::new(Schema::from_openapi(&serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))),
        selectable: texts(line.selectable),
        terminating: false,
        custom: None,
    }
}
