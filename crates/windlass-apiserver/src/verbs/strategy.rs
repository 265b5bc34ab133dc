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
        ("apps", "deployments") | ("", "resourcequotas") if new["status"].is_null() => *object::child_mut(new, "status") = json!({}),
        ("", "events") => {
            complete(new, &[("eventTime", Value::Null), ("reportingComponent", "".into()), ("reportingInstance", "".into())], CORE_EVENT)
        }
        ("events.k8s.io", "events") => complete(new, &[("eventTime", Value::Null)], VIEWED_EVENT),
        _ => {}
    }
}

/// Fields that the Go types of events always have: absent ones are shown as null or empty.
fn complete(new: &mut Value, always: &[(&str, Value)], fields: [&str; 3]) {
    let [first, last, source] = fields;
    let times = [(first, Value::Null), (last, Value::Null), (source, json!({}))];
    for (field, value) in always.iter().chain(&times) {
        object::map_mut(new).entry(*field).or_insert_with(|| value.clone());
    }
}

const CORE_EVENT: [&str; 3] = ["firstTimestamp", "lastTimestamp", "source"];
const VIEWED_EVENT: [&str; 3] = ["deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedSource"];

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
        return custom.validate(new, old, subresource);
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
