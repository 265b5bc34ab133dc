//! Comparing what is wanted with what is there, field by field. Pure.

use serde_json::{Map, Value};
use windlass_api::plan::FieldChange;
use windlass_api::planned::Planned;

/// Fields that the API server keeps itself; they are never a change.
const KEPT_BY_THE_SERVER: [&str; 8] = [
    "metadata.managedFields",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.selfLink",
    "metadata.deletionTimestamp",
    "status",
];

/// The value without the fields that are known later or secret.
pub(super) fn known_part(value: &Planned) -> Value {
    match value {
        Planned::Known(known) => known.clone(),
        Planned::List(items) => items.iter().filter(|item| !is_open(item)).map(known_part).collect(),
        Planned::Map(fields) => {
            let kept = fields.iter().filter(|(_, field)| !is_open(field));
            Value::Object(kept.map(|(key, field)| (key.clone(), known_part(field))).collect::<Map<_, _>>())
        }
        Planned::Later(_) | Planned::Secret(_) => Value::Null,
    }
}

fn is_open(value: &Planned) -> bool {
    matches!(value, Planned::Later(_) | Planned::Secret(_))
}

/// Collects the fields whose value is known later.
pub(super) fn later_fields(value: &Planned, path: &mut String, found: &mut Vec<FieldChange>) {
    match value {
        Planned::Later(_) => found.push(FieldChange {
            path: path.clone(),
            before: None,
            after: Some(value.clone()),
            because: value.waits_for(),
            drift_by: None,
            forces_replacement: false,
        }),
        Planned::Map(fields) => {
            for (key, field) in fields {
                let length = path.len();
                push_key(path, key);
                later_fields(field, path, found);
                path.truncate(length);
            }
        }
        Planned::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{index}]"));
                later_fields(item, path, found);
                path.truncate(length);
            }
        }
        Planned::Known(_) | Planned::Secret(_) => {}
    }
}

/// Whether every wanted field stands in `live` with the same value. Items of a list are compared in their order.
pub(super) fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| value.is_null() || live.get(key).is_some_and(|found| covers(found, value)))
        }
        (Value::Array(live), Value::Array(wanted)) => live.len() == wanted.len() && live.iter().zip(wanted).all(|(l, w)| covers(l, w)),
        (live, wanted) => live == wanted,
    }
}

/// What differs between two states of one object, fields of the server apart, sorted by path.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let secret = before["kind"] == "Secret" && before["apiVersion"] == "v1";
    let mut found = Vec::new();
    walk(before, after, &mut String::new(), &mut found);
    if secret {
        for change in found.iter_mut().filter(|change| change.path.starts_with("data") || change.path.starts_with("stringData")) {
            change.before = change.before.take().map(|_| Planned::Secret(windlass_api::planned::SecretReference::default()));
            change.after = change.after.take().map(|_| Planned::Secret(windlass_api::planned::SecretReference::default()));
        }
    }
    found
}

fn walk(before: &Value, after: &Value, path: &mut String, found: &mut Vec<FieldChange>) {
    if before == after || KEPT_BY_THE_SERVER.contains(&path.as_str()) {
        return;
    }
    if let (Value::Object(old), Value::Object(new)) = (before, after) {
        let mut keys: Vec<&String> = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).collect();
        keys.sort();
        for key in keys {
            let length = path.len();
            push_key(path, key);
            match (old.get(key), new.get(key)) {
                (Some(old), Some(new)) => walk(old, new, path, found),
                (old, new) if !KEPT_BY_THE_SERVER.contains(&path.as_str()) => found.push(change(path, old, new)),
                _ => {}
            }
            path.truncate(length);
        }
        return;
    }
    found.push(change(path, Some(before), Some(after)));
}

fn change(path: &str, before: Option<&Value>, after: Option<&Value>) -> FieldChange {
    FieldChange {
        path: path.to_owned(),
        before: before.cloned().map(Planned::Known),
        after: after.cloned().map(Planned::Known),
        because: Vec::new(),
        drift_by: None,
        forces_replacement: false,
    }
}

fn push_key(path: &mut String, key: &str) {
    if key.contains(['.', '/', '[', ']', '"']) {
        path.push_str(&format!("[{key:?}]"));
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    }
}

/// Names the field manager that set a value which is about to be put back. Only where our own wish did not change.
pub(super) fn name_foreign_managers(changes: &mut [FieldChange], live: &Value, ours: &str, same_wish: bool) {
    if !same_wish {
        return;
    }
    let managed = live.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
    for change in changes {
        let holder = managed.iter().filter(|entry| entry["manager"] != ours).find(|entry| owns(&entry["fieldsV1"], &change.path));
        let unowned_by_us = !managed.iter().any(|entry| entry["manager"] == ours && owns(&entry["fieldsV1"], &change.path));
        change.drift_by = match holder {
            Some(entry) => entry["manager"].as_str().map(str::to_owned),
            None if unowned_by_us => Some("unknown".into()),
            None => None,
        };
    }
}

/// Whether a field set holds a dotted path. Items of lists are not looked into: the list's owner is meant.
fn owns(fields: &Value, path: &str) -> bool {
    let mut here = fields;
    for key in split(path) {
        match here.get(format!("f:{key}")) {
            Some(next) => here = next,
            None => return false,
        }
    }
    true
}

fn split(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let end = quoted.find("\"]").unwrap_or(quoted.len());
            keys.push(quoted[..end].to_owned());
            rest = quoted.get(end + 2..).unwrap_or_default().trim_start_matches('.');
        } else if rest.starts_with('[') {
            break;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            keys.push(rest[..end].to_owned());
            rest = rest[end..].trim_start_matches('.');
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(before: Value, after: Value) -> Vec<String> {
        changes(&before, &after).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn what_the_server_keeps_is_no_change() {
        assert_eq!(
            paths(
                json!({"metadata": {"resourceVersion": "1", "labels": {"a.b/c": "x"}}, "data": {"k": "1"}}),
                json!({"metadata": {"resourceVersion": "2", "labels": {"a.b/c": "y"}}, "data": {"k": "1", "l": "2"}, "status": {}}),
            ),
            ["data.l", "metadata.labels[\"a.b/c\"]"]
        );
    }

    #[test]
    fn secrets_are_never_shown() {
        let found = changes(
            &json!({"apiVersion": "v1", "kind": "Secret", "data": {"password": "b2xk"}}),
            &json!({"apiVersion": "v1", "kind": "Secret", "data": {"password": "bmV3"}}),
        );
        let shown = serde_json::to_string(&found).expect("a change is JSON");
        assert!(shown.contains("$secret") && !shown.contains("b2xk") && !shown.contains("bmV3"), "{shown}");
    }

    #[test]
    fn wanted_fields_may_stand_among_others() {
        let live = json!({"data": {"a": "1", "b": "2"}, "list": [{"x": 1, "y": 2}]});
        assert!(covers(&live, &json!({"data": {"a": "1"}, "list": [{"x": 1}]})));
        assert!(!covers(&live, &json!({"data": {"a": "2"}})));
        assert!(!covers(&live, &json!({"list": []})));
    }

    #[test]
    fn the_hand_that_changed_a_field_is_named() {
        let live = json!({"data": {"k": "2"}, "metadata": {"managedFields": [
            {"manager": "kubectl-edit", "fieldsV1": {"f:data": {"f:k": {}}}},
            {"manager": "windlass:u", "fieldsV1": {"f:data": {}}},
        ]}});
        let mut found = changes(&live, &json!({"data": {"k": "1"}, "metadata": live["metadata"]}));
        name_foreign_managers(&mut found, &live, "windlass:u", true);
        assert_eq!(found[0].drift_by.as_deref(), Some("kubectl-edit"));
    }
}
