//! Defaults of built-in kinds, filled in before validation on every write.
//!
//! Only fields that are not set. Start with [`defaults`]. Sources: `defaults.go` of the groups in Kubernetes 1.35.

mod pod;

use super::kinds::Kind;
use serde_json::{Map, Value, json};

/// Fills in what an object of this kind leaves out.
pub fn defaults(kind: &Kind, object: &mut Value) {
    let Some(object) = object.as_object_mut() else { return };
    match (kind.group, kind.kind) {
        ("", "Namespace") => namespace(object),
        ("", "Secret") => secret(object),
        ("", "LimitRange") => limit_range(object),
        ("apps", "Deployment") => deployment(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => {}
    }
}

/// Sets a field that is absent or null.
fn set(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key.to_owned(), value.into());
    }
}

/// Sets a text that is absent or empty.
fn set_text(map: &mut Map<String, Value>, key: &str, value: &str) {
    if map.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
        map.insert(key.to_owned(), json!(value));
    }
}

/// The object in a field, made if absent.
fn object_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    set(map, key, json!({}));
    map.get_mut(key)?.as_object_mut()
}

/// The objects of a list.
fn objects_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    map.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Every namespace has its name as a label.
fn namespace(object: &mut Map<String, Value>) {
    let name = object.get("metadata").map_or(Value::Null, |meta| meta["name"].clone());
    if let Some(labels) = object_in(object, "metadata").and_then(|meta| object_in(meta, "labels"))
        && name.as_str().is_some_and(|name| !name.is_empty())
    {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name);
    }
}

/// `stringData` is for writing only: it becomes data.
fn secret(object: &mut Map<String, Value>) {
    use base64::Engine as _;
    set_text(object, "type", "Opaque");
    let Some(Value::Object(texts)) = object.shift_remove("stringData") else { return };
    let Some(data) = object_in(object, "data") else { return };
    for (key, text) in texts {
        let bytes = text.as_str().unwrap_or_default();
        data.insert(key, json!(base64::engine::general_purpose::STANDARD.encode(bytes)));
    }
}

/// For containers: the limit is the maximum, the request the limit, else the minimum.
fn limit_range(object: &mut Map<String, Value>) {
    let Some(spec) = object_in(object, "spec") else { return };
    for item in objects_in(spec, "limits").filter(|item| item.get("type").is_some_and(|kind| kind == "Container")) {
        for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
            let amounts = item.get(from).and_then(Value::as_object).cloned().unwrap_or_default();
            if amounts.is_empty() {
                continue;
            }
            let Some(filled) = object_in(item, to) else { continue };
            for (name, amount) in amounts {
                filled.entry(name).or_insert(amount);
            }
        }
    }
}

fn deployment(object: &mut Map<String, Value>) {
    let Some(spec) = object_in(object, "spec") else { return };
    set(spec, "replicas", 1);
    set(spec, "revisionHistoryLimit", 10);
    set(spec, "progressDeadlineSeconds", 600);
    if let Some(strategy) = object_in(spec, "strategy") {
        set_text(strategy, "type", "RollingUpdate");
        if strategy.get("type").is_some_and(|strategy| strategy == "RollingUpdate")
            && let Some(rolling) = object_in(strategy, "rollingUpdate")
        {
            set(rolling, "maxUnavailable", "25%");
            set(rolling, "maxSurge", "25%");
        }
    }
    if let Some(template) = object_in(spec, "template")
        && let Some(pod) = object_in(template, "spec")
    {
        pod::spec(pod);
    }
}

fn definition(object: &mut Map<String, Value>) {
    let Some(spec) = object_in(object, "spec") else { return };
    set(spec, "conversion", json!({"strategy": "None"}));
    let Some(names) = object_in(spec, "names") else { return };
    let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !kind.is_empty() {
        set_text(names, "singular", &kind.to_lowercase());
        set_text(names, "listKind", &format!("{kind}List"));
    }
}
