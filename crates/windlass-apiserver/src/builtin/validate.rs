//! Validation of built-in kinds, beyond what decoding checks.
//!
//! Objects have their defaults. Pod templates are checked where mistakes are common, not in every corner. Start with
//! [`validate`]. Sources: `validation.go` of the groups in Kubernetes 1.35.

mod definition;
mod deployment;
mod event;
mod quota;

use super::kinds::Kind;
use super::{names, object_meta};
use serde_json::{Value, json};
use windlass_schema::structural::FieldError;
use windlass_schema::structural::error::{index, key};

/// Which endpoint of a kind is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The object itself.
    Object,
    /// Its status.
    Status,
    /// A namespace's finalizers.
    Finalize,
}

/// Everything wrong with an object that is created, or with `old` updated.
pub fn validate(kind: &Kind, endpoint: Endpoint, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    if kind.kind == "Event" {
        return event::check(kind, object, old);
    }
    if !kind.verbs.contains(&"get") {
        return Vec::new();
    }
    let mut errors = object_meta::check(object, old, kind.namespaced, kind.name_rule);
    if kind.group.is_empty() || kind.group == "apps" {
        for (position, name) in object["metadata"]["finalizers"].as_array().into_iter().flatten().enumerate() {
            errors.extend(object_meta::finalizer(text(name), &index("metadata.finalizers", position)));
        }
    }
    match (kind.kind, endpoint) {
        ("Namespace", endpoint) => namespace(object, old, endpoint, &mut errors),
        ("ConfigMap", _) => {
            if let Some(old) = old {
                immutable(object, old, &["data", "binaryData"], &mut errors);
            }
            config_map(object, &mut errors);
        }
        ("Secret", _) => {
            if let Some(old) = old {
                unchanged(object, old, "type", "type", &mut errors);
                immutable(object, old, &["data"], &mut errors);
            }
            secret(object, &mut errors);
        }
        ("Lease", _) => lease(object, &mut errors),
        ("LimitRange", _) => quota::limit_range(&object["spec"], &mut errors),
        ("ResourceQuota", Endpoint::Object) => quota::spec(&object["spec"], old.map(|old| &old["spec"]), &mut errors),
        ("ResourceQuota", _) => quota::status(&object["status"], &mut errors),
        ("Deployment", Endpoint::Object) => {
            deployment::spec(&object["spec"], &mut errors);
            if let Some(old) = old {
                unchanged(&object["spec"], &old["spec"], "selector", "spec.selector", &mut errors);
            }
        }
        ("Deployment", _) => deployment::status(&object["status"], &mut errors),
        ("CustomResourceDefinition", Endpoint::Object) => definition::check(object, old, &mut errors),
        _ => {}
    }
    errors
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn unchanged(object: &Value, old: &Value, field: &str, path: &str, errors: &mut Vec<FieldError>) {
    if object[field] != old[field] {
        errors.push(FieldError::invalid(path, object[field].clone(), "field is immutable"));
    }
}

fn not_negative(value: &Value, path: String, errors: &mut Vec<FieldError>) {
    if value.as_i64().is_some_and(|number| number < 0) {
        errors.push(FieldError::invalid(path, value.clone(), "must be greater than or equal to 0"));
    }
}

fn namespace(object: &Value, old: Option<&Value>, endpoint: Endpoint, errors: &mut Vec<FieldError>) {
    let finalizers = object["spec"]["finalizers"].as_array().into_iter().flatten().map(text);
    match (endpoint, old) {
        (Endpoint::Object, None) => {
            for name in finalizers {
                errors.extend(finalizer(name, "spec.finalizers".to_owned()));
            }
        }
        (Endpoint::Finalize, _) => {
            for (position, name) in finalizers.enumerate() {
                errors.extend(finalizer(name, index("spec.finalizers", position)));
            }
        }
        (Endpoint::Status, _) => {
            let deleted = !object["metadata"]["deletionTimestamp"].is_null();
            let (wanted, when) = if deleted { ("Terminating", "is not empty") } else { ("Active", "is empty") };
            let phase = text(&object["status"]["phase"]);
            if phase != wanted {
                let detail = format!("may only be '{wanted}' if `deletionTimestamp` {when}");
                errors.push(FieldError::invalid("status.Phase", phase, detail));
            }
        }
        (Endpoint::Object, Some(_)) => {}
    }
}

fn finalizer(name: &str, path: String) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> =
        names::qualified(name).into_iter().map(|problem| FieldError::invalid(path.clone(), name, problem)).collect();
    errors.extend(object_meta::finalizer(name, &path));
    errors
}

/// What `immutable: true` means.
fn immutable(object: &Value, old: &Value, fields: &[&str], errors: &mut Vec<FieldError>) {
    if old["immutable"] != true {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    if object["immutable"] != true {
        errors.push(FieldError::forbidden("immutable", detail));
    }
    for field in fields {
        if object[*field] != old[*field] {
            errors.push(FieldError::forbidden(*field, detail));
        }
    }
}

/// Most bytes of a ConfigMap's or Secret's values.
const MAX_BYTES: usize = 1024 * 1024;

/// How many bytes a base64 text stands for.
fn decoded_length(encoded: &str) -> usize {
    encoded.len() / 4 * 3 - encoded.bytes().rev().take(2).filter(|byte| *byte == b'=').count().min(encoded.len() / 4 * 3)
}

fn config_map(object: &Value, errors: &mut Vec<FieldError>) {
    let mut size = 0;
    for (name, value) in object["data"].as_object().into_iter().flatten() {
        keys(name, "data", errors);
        if object["binaryData"].get(name).is_some() {
            errors.push(FieldError::invalid(key("data", name), name.as_str(), "duplicate of key present in binaryData"));
        }
        size += text(value).len();
    }
    for (name, value) in object["binaryData"].as_object().into_iter().flatten() {
        keys(name, "binaryData", errors);
        size += decoded_length(text(value));
    }
    if size > MAX_BYTES {
        errors.push(FieldError::too_long("", MAX_BYTES as u64));
    }
}

fn keys(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    errors.extend(names::config_key(name).into_iter().map(|problem| FieldError::invalid(key(path, name), name, problem)));
}

fn secret(object: &Value, errors: &mut Vec<FieldError>) {
    let data = &object["data"];
    let mut size = 0;
    for (name, value) in data.as_object().into_iter().flatten() {
        keys(name, "data", errors);
        size += decoded_length(text(value));
    }
    if size > MAX_BYTES {
        errors.push(FieldError::too_long("data", MAX_BYTES as u64));
    }
    let missing = |name: &str| FieldError::required(key("data", name), "");
    match text(&object["type"]) {
        "kubernetes.io/service-account-token" => {
            let annotation = "kubernetes.io/service-account.name";
            if text(&object["metadata"]["annotations"][annotation]).is_empty() {
                errors.push(FieldError::required(key("metadata.annotations", annotation), ""));
            }
        }
        "kubernetes.io/dockercfg" => errors.extend(json_key(data, ".dockercfg")),
        "kubernetes.io/dockerconfigjson" => errors.extend(json_key(data, ".dockerconfigjson")),
        "kubernetes.io/basic-auth" if data.get("username").is_none() && data.get("password").is_none() => {
            errors.extend([missing("username"), missing("password")]);
        }
        "kubernetes.io/ssh-auth" if text(&data["ssh-privatekey"]).is_empty() => errors.push(missing("ssh-privatekey")),
        "kubernetes.io/tls" => {
            errors.extend(["tls.crt", "tls.key"].into_iter().filter(|name| data.get(*name).is_none()).map(missing));
        }
        _ => {}
    }
}

/// A key whose value must be a JSON object; the value itself is never shown.
fn json_key(data: &Value, name: &str) -> Option<FieldError> {
    use base64::Engine as _;
    let Some(value) = data.get(name) else { return Some(FieldError::required(key("data", name), "")) };
    let bytes = base64::engine::general_purpose::STANDARD.decode(text(value)).unwrap_or_default();
    let problem = match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Object(_)) => return None,
        Ok(_) => "it must be a JSON object",
        Err(_) => "it is not JSON",
    };
    Some(FieldError::invalid(key("data", name), json!("<secret contents redacted>"), problem))
}

fn lease(object: &Value, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        errors.push(FieldError::invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"].clone(), "must be greater than 0"));
    }
    not_negative(&spec["leaseTransitions"], "spec.leaseTransitions".to_owned(), errors);
    let strategy = text(&spec["strategy"]);
    if !strategy.is_empty() && strategy != "OldestEmulationVersion" && !strategy.contains('/') {
        errors.push(FieldError::not_supported("spec.strategy", strategy, &["OldestEmulationVersion"]));
    }
    if !text(&spec["preferredHolder"]).is_empty() && strategy.is_empty() {
        errors.push(FieldError::forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"));
    }
}
