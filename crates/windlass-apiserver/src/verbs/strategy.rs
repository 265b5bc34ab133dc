//! What is particular to one kind: what its objects get on the way in, and its own rules. One line for each kind that has any.

use serde_json::{Value, json};
use windlass_schema::structural::FieldError;

use crate::builtin::{self, Endpoint};
use crate::registry::Resource;
use crate::{crd, object};

/// Puts right what the kind's own logic decides. `old` is none for a new object.
pub(crate) fn prepare(resource: &Resource, new: &mut Value, old: Option<&Value>, subresource: &str) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => namespace(new, old, subresource),
        ("apiextensions.k8s.io", "customresourcedefinitions") if subresource.is_empty() => crd::prepare(new, old),
        _ => {}
    }
}

fn namespace(new: &mut Value, old: Option<&Value>, subresource: &str) {
    if let Some(old) = old {
        // Only `/finalize` may take the server's own finalizer away.
        if subresource != "finalize" {
            let finalizers = old["spec"]["finalizers"].clone();
            if !finalizers.is_null() {
                *object::child_mut(object::child_mut(new, "spec"), "finalizers") = finalizers;
            }
        }
    } else {
        let spec = object::child_mut(new, "spec");
        let finalizers = object::child_mut(spec, "finalizers");
        let mut all = finalizers.as_array().cloned().unwrap_or_default();
        if !all.iter().any(|finalizer| finalizer == "kubernetes") {
            all.push("kubernetes".into());
        }
        *finalizers = all.into();
        *object::child_mut(new, "status") = json!({"phase": "Active"});
    }
}

/// For a write to a subresource: everything but that part is as stored.
pub(crate) fn keep_all_but(resource: &Resource, subresource: &str, live: &Value, new: &mut Value) {
    let wanted = std::mem::replace(new, live.clone());
    match subresource {
        "status" => object::take_over(new, &wanted, "status"),
        "finalize" | "scale" => object::take_over(new, &wanted, "spec"),
        _ => {}
    }
    // What tells which object is meant is checked; managers may be edited on custom resources only.
    for field in ["uid", "resourceVersion"] {
        if let Some(value) = wanted["metadata"].get(field) {
            object::meta_mut(new).insert(field.to_owned(), value.clone());
        }
    }
    let may_own = resource.custom.is_some() || fields_are_settled(&wanted, live);
    if may_own && let Some(managed) = wanted["metadata"].get("managedFields") {
        object::meta_mut(new).insert("managedFields".to_owned(), managed.clone());
    }
}

fn fields_are_settled(wanted: &Value, live: &Value) -> bool {
    wanted["metadata"]["managedFields"] != live["metadata"]["managedFields"]
}

/// The kind's schema and its own rules.
pub(crate) fn validate(resource: &Resource, new: &Value, old: Option<&Value>, subresource: &str) -> Vec<FieldError> {
    if let Some(custom) = &resource.custom {
        return custom.validate(new, old);
    }
    let Some(kind) = resource.builtin else { return Vec::new() };
    let endpoint = match subresource {
        "status" => Endpoint::Status,
        "finalize" => Endpoint::Finalize,
        _ => Endpoint::Object,
    };
    let mut errors = builtin::validate(kind, endpoint, new, old);
    if resource.is_definition() && endpoint == Endpoint::Object {
        errors.extend(crd::validate(new));
    }
    errors
}
