//! The built-in resources: [`builtin::kinds`] with what the store and the write path need to know of each.

use std::sync::Arc;

use super::{Generation, Resource, Scale, api_version};
use crate::builtin::{self, Kind};
use crate::status::qualified;

const CORE_EVENT: &[&str] = &[
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
];
const EVENT: &[&str] =
    &["reason", "regarding.kind", "regarding.name", "regarding.namespace", "regarding.uid", "reportingController", "type"];

/// The built-in resources.
pub(super) fn builtin() -> Vec<Arc<Resource>> {
    builtin::kinds().iter().map(|kind| Arc::new(resource(kind))).collect()
}

fn resource(kind: &'static Kind) -> Resource {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    // One storage for both groups of events.
    let home = if kind.kind == "Event" { "" } else { kind.group };
    let selectable: &[&str] = match (kind.group, kind.kind) {
        ("", "Event") => CORE_EVENT,
        ("events.k8s.io", "Event") => EVENT,
        ("", "Namespace") => &["status.phase"],
        ("", "Secret") => &["type"],
        _ => &[],
    };
    let scale = kind.has("scale").then(|| Scale {
        spec_replicas: "spec.replicas".to_owned(),
        status_replicas: "status.replicas".to_owned(),
        selector: None,
    });
    Resource {
        group: kind.group.to_owned(),
        version: kind.version.to_owned(),
        plural: kind.plural.to_owned(),
        singular: kind.singular.to_owned(),
        kind: kind.kind.to_owned(),
        list_kind: kind.list_kind(),
        short_names: texts(kind.short_names),
        categories: texts(kind.categories),
        namespaced: kind.namespaced,
        verbs: kind.verbs,
        has_status: kind.has("status"),
        scale,
        generation: match kind.kind {
            "Deployment" => Generation::SpecOrAnnotations,
            "CustomResourceDefinition" => Generation::Spec,
            _ => Generation::Never,
        },
        create_on_update: ["Event", "Lease"].contains(&kind.kind),
        unconditional_update: !["CustomResourceDefinition", "Lease"].contains(&kind.kind),
        returns_deleted: kind.kind == "ServiceAccount",
        collection: qualified(kind.plural, home).into(),
        stored_as: api_version(home, kind.version),
        selectable: texts(selectable),
        terminating: false,
        builtin: Some(kind),
        custom: None,
    }
}
