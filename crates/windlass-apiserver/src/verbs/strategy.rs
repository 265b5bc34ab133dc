//! What is particular to one kind: what its objects get on the way in, and its own rules. One line for each kind that has any.

use serde_json::{Value, json};
use windlass_schema::structural::FieldError;

use crate::registry::{Registry, Resource};
use crate::{crd, object};

/// Puts right what the kind's own logic decides. `old` is none for a new object.
pub(crate) fn prepare(resource: &Resource, new: &mut Value, old: Option<&Value>, subresource: &str) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => namespace(new, old, subresource),
        ("", "secrets") => secret(new, old),
        ("apiextensions.k8s.io", "customresourcedefinitions") if subresource.is_empty() => crd::prepare(new, old),
        _ => {}
    }
}

fn namespace(new: &mut Value, old: Option<&Value>, subresource: &str) {
    let name = object::name(new).to_owned();
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
    let labels = object::child_mut(object::child_mut(new, "metadata"), "labels");
    object::map_mut(labels).insert("kubernetes.io/metadata.name".to_owned(), name.into());
}

fn secret(new: &mut Value, old: Option<&Value>) {
    use base64::Engine as _;
    if let Some(texts) = object::remove(new, "stringData") {
        for (key, text) in texts.as_object().into_iter().flatten() {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_str().unwrap_or_default());
            object::map_mut(object::child_mut(new, "data")).insert(key.clone(), encoded.into());
        }
    }
    if new["type"].as_str().unwrap_or_default().is_empty() {
        let kept = old.map_or_else(|| "Opaque".into(), |old| old["type"].clone());
        *object::child_mut(new, "type") = kept;
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
pub(crate) fn validate(resource: &Resource, registry: &Registry, new: &Value, old: Option<&Value>, subresource: &str) -> Vec<FieldError> {
    if let Some(custom) = &resource.custom {
        return custom.validate(new, old);
    }
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("apiextensions.k8s.io", "customresourcedefinitions") if subresource.is_empty() => crd::validate(registry, new, old),
        ("", "configmaps" | "secrets") => old.map(|old| immutable(new, old)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// ConfigMaps and Secrets that were declared immutable stay as they are.
fn immutable(new: &Value, old: &Value) -> Vec<FieldError> {
    if old["immutable"] != true {
        return Vec::new();
    }
    let why = "field is immutable when `immutable` is set";
    let mut errors = Vec::new();
    if new["immutable"] != true {
        errors.push(FieldError::forbidden("immutable", why));
    }
    for field in ["data", "binaryData"] {
        if new.get(field) != old.get(field) {
            errors.push(FieldError::forbidden(field, why));
        }
    }
    errors
}
