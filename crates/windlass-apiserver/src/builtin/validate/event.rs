//! Events, in both of their forms.
//!
//! `v1` is lenient for old clients; `events.k8s.io/v1` demands what the newer API promises. Start with [`check`].

use super::text;
use crate::builtin::kinds::Kind;
use crate::builtin::{names, object_meta};
use serde_json::Value;
use windlass_schema::structural::FieldError;

/// How the two forms name one field: `(v1, events.k8s.io/v1)`.
fn field<'a>(object: &'a Value, names: (&str, &str)) -> &'a Value {
    if object[names.0].is_null() { &object[names.1] } else { &object[names.0] }
}

/// Everything wrong with an event.
pub(super) fn check(kind: &Kind, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let core = kind.group.is_empty();
    about(object, core, &mut errors);
    if core {
        return errors;
    }
    match old {
        None => {
            errors.extend(object_meta::check(object, None, true, kind.name_rule));
            series(object, &mut errors);
            created(object, &mut errors);
        }
        Some(old) => {
            errors.extend(object_meta::check(object, Some(old), true, kind.name_rule));
            if object["series"] != old["series"] {
                series(object, &mut errors);
            }
            unchanged(object, old, &mut errors);
        }
    }
    errors
}

fn about(object: &Value, core: bool, errors: &mut Vec<FieldError>) {
    let namespace = text(&object["metadata"]["namespace"]);
    let about = text(&field(object, ("involvedObject", "regarding"))["namespace"]);
    let mismatch = || FieldError::invalid("involvedObject.namespace", about, "does not match event.namespace");
    if text(&object["eventTime"]).is_empty() {
        let matches = if about.is_empty() { ["", "default"].contains(&namespace) } else { about == namespace };
        if !matches {
            errors.push(mismatch());
        }
    } else {
        if about.is_empty() && !["default", "kube-system"].contains(&namespace) {
            errors.push(mismatch());
        }
        let controller = text(field(object, ("reportingComponent", "reportingController")));
        let path = if core { "reportingComponent" } else { "reportingController" };
        if controller.is_empty() {
            errors.push(FieldError::required(path, ""));
        }
        errors.extend(names::qualified(controller).into_iter().map(|problem| FieldError::invalid(path, controller, problem)));
        for (name, limit) in [("reportingInstance", 128), ("action", 128), ("reason", 128)] {
            let value = text(&object[name]);
            if value.is_empty() {
                errors.push(FieldError::required(name, ""));
            }
            if value.len() > limit {
                errors.push(FieldError::invalid(name, "", format!("can have at most {limit} characters")));
            }
        }
        if text(field(object, ("message", "note"))).len() > 1024 {
            errors.push(FieldError::invalid("message", "", "can have at most 1024 characters"));
        }
    }
    errors.extend(names::subdomain(namespace).into_iter().map(|problem| FieldError::invalid("namespace", namespace, problem)));
}

fn series(object: &Value, errors: &mut Vec<FieldError>) {
    let series = &object["series"];
    if series.is_null() {
        return;
    }
    if series["count"].as_i64().unwrap_or_default() < 2 {
        errors.push(FieldError::invalid("series.count", "", "should be at least 2"));
    }
    if text(&series["lastObservedTime"]).is_empty() {
        errors.push(FieldError::required("series.lastObservedTime", ""));
    }
}

fn created(object: &Value, errors: &mut Vec<FieldError>) {
    if text(&object["eventTime"]).is_empty() {
        errors.push(FieldError::required("eventTime", ""));
    }
    let sort = text(&object["type"]);
    if !["Normal", "Warning"].contains(&sort) {
        errors.push(FieldError::invalid("type", "", format!("has invalid value: {sort}")));
    }
    let unset = [
        ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"),
        ("source", "deprecatedSource"),
    ];
    for (path, name) in unset {
        let value = field(object, (path, name));
        let empty = value.is_null() || *value == 0 || value.as_object().is_some_and(serde_json::Map::is_empty);
        if !empty {
            errors.push(FieldError::invalid(path, "", "needs to be unset"));
        }
    }
}

fn unchanged(object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let fields = [
        ("involvedObject", "regarding"),
        ("reason", "reason"),
        ("message", "note"),
        ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"),
        ("type", "type"),
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("related", "related"),
        ("reportingComponent", "reportingController"),
        ("reportingInstance", "reportingInstance"),
    ];
    for names in fields {
        let (new, old) = (field(object, names), field(old, names));
        if new != old {
            let path = if names.0 == "reportingComponent" { names.1 } else { names.0 };
            errors.push(FieldError::invalid(path, new.clone(), "field is immutable"));
        }
    }
}
