//! Deployments: selector, template, strategy and counts.
//!
//! Start with [`spec`].

use super::{not_negative, text};
use crate::builtin::{names, object_meta};
use serde_json::Value;
use std::collections::BTreeSet;
use windlass_schema::structural::FieldError;
use windlass_schema::structural::error::{child, index};

/// Everything wrong with `spec`.
pub(super) fn spec(spec: &Value, errors: &mut Vec<FieldError>) {
    for name in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        not_negative(&spec[name], child("spec", name), errors);
    }
    let selector = &spec["selector"];
    if selector.is_null() {
        errors.push(FieldError::required("spec.selector", ""));
    } else {
        label_selector(selector, "spec.selector", errors);
        let filled = |name: &str| match &selector[name] {
            Value::Object(map) => !map.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => false,
        };
        if !filled("matchLabels") && !filled("matchExpressions") {
            errors.push(FieldError::invalid("spec.selector", selector.clone(), "empty selector is invalid for deployment"));
        }
    }
    template(&spec["template"], selector, errors);
    strategy(&spec["strategy"], errors);
    let deadline = spec["progressDeadlineSeconds"].as_i64();
    if deadline.is_some_and(|deadline| deadline <= spec["minReadySeconds"].as_i64().unwrap_or_default()) {
        let detail = "must be greater than minReadySeconds";
        errors.push(FieldError::invalid("spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"].clone(), detail));
    }
}

/// Everything wrong with `status`.
pub(super) fn status(status: &Value, errors: &mut Vec<FieldError>) {
    let count = |name: &str| status[name].as_i64().unwrap_or_default();
    for name in ["observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"] {
        not_negative(&status[name], child("status", name), errors);
    }
    for (name, limit) in [
        ("updatedReplicas", "replicas"),
        ("readyReplicas", "replicas"),
        ("availableReplicas", "replicas"),
        ("availableReplicas", "readyReplicas"),
    ] {
        if count(name) > count(limit) {
            let limit = if limit == "replicas" { "status.replicas" } else { limit };
            errors.push(FieldError::invalid(child("status", name), count(name), format!("cannot be greater than {limit}")));
        }
    }
}

fn label_selector(selector: &Value, path: &str, errors: &mut Vec<FieldError>) {
    errors.extend(object_meta::labels(&selector["matchLabels"], &child(path, "matchLabels")));
    for (position, requirement) in selector["matchExpressions"].as_array().into_iter().flatten().enumerate() {
        let path = index(&child(path, "matchExpressions"), position);
        let values = requirement["values"].as_array().map(Vec::as_slice).unwrap_or_default();
        match text(&requirement["operator"]) {
            "In" | "NotIn" if values.is_empty() => {
                let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(FieldError::required(child(&path, "values"), detail));
            }
            "In" | "NotIn" => {}
            "Exists" | "DoesNotExist" if values.is_empty() => {}
            "Exists" | "DoesNotExist" => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(FieldError::forbidden(child(&path, "values"), detail));
            }
            other => errors.push(FieldError::invalid(child(&path, "operator"), other, "not a valid selector operator")),
        }
        let key = text(&requirement["key"]);
        errors.extend(names::qualified(key).into_iter().map(|problem| FieldError::invalid(child(&path, "key"), key, problem)));
        for (position, value) in values.iter().map(text).enumerate() {
            let place = index(&child(&path, "values"), position);
            errors.extend(names::label_value(value).into_iter().map(|problem| FieldError::invalid(place.clone(), value, problem)));
        }
    }
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    equal
        && selector["matchExpressions"].as_array().into_iter().flatten().all(|requirement| {
            let value = labels.get(text(&requirement["key"]));
            let listed = value.is_some_and(|value| requirement["values"].as_array().is_some_and(|values| values.contains(value)));
            match text(&requirement["operator"]) {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

fn template(template: &Value, selector: &Value, errors: &mut Vec<FieldError>) {
    let labels = &template["metadata"]["labels"];
    if selector.is_null() || !selects(selector, labels) {
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid("spec.template.metadata.labels", labels.clone(), detail));
    }
    errors.extend(object_meta::labels(labels, "spec.template.labels"));
    errors.extend(object_meta::annotations(&template["metadata"]["annotations"], "spec.template.annotations"));
    let pod = &template["spec"];
    let path = "spec.template.spec";
    let volumes = volumes(&pod["volumes"], &child(path, "volumes"), errors);
    if pod["containers"].as_array().is_none_or(Vec::is_empty) {
        errors.push(FieldError::required(child(path, "containers"), ""));
    }
    let mut seen = BTreeSet::new();
    for list in ["containers", "initContainers"] {
        for (position, one) in pod[list].as_array().into_iter().flatten().enumerate() {
            container(one, &index(&child(path, list), position), &volumes, &mut seen, errors);
        }
    }
    let restart = text(&pod["restartPolicy"]);
    if !["Always", "OnFailure", "Never"].contains(&restart) {
        errors.push(FieldError::not_supported(child(path, "restartPolicy"), restart, &["Always", "Never", "OnFailure"]));
    }
    if restart != "Always" {
        errors.push(FieldError::not_supported(child(path, "restartPolicy"), restart, &["Always"]));
    }
    if !pod["activeDeadlineSeconds"].is_null() {
        let detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
        errors.push(FieldError::forbidden(child(path, "activeDeadlineSeconds"), detail));
    }
}

fn volumes(list: &Value, path: &str, errors: &mut Vec<FieldError>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (position, volume) in list.as_array().into_iter().flatten().enumerate() {
        let place = child(&index(path, position), "name");
        let name = text(&volume["name"]);
        if name.is_empty() {
            errors.push(FieldError::required(place, ""));
            continue;
        }
        errors.extend(names::label(name).into_iter().map(|problem| FieldError::invalid(place.clone(), name, problem)));
        if !known.insert(name.to_owned()) {
            errors.push(FieldError::duplicate(place, name));
        }
    }
    known
}

fn container(one: &Value, path: &str, volumes: &BTreeSet<String>, seen: &mut BTreeSet<String>, errors: &mut Vec<FieldError>) {
    let name = text(&one["name"]);
    if name.is_empty() {
        errors.push(FieldError::required(child(path, "name"), ""));
    } else {
        errors.extend(names::label(name).into_iter().map(|problem| FieldError::invalid(child(path, "name"), name, problem)));
        if !seen.insert(name.to_owned()) {
            errors.push(FieldError::duplicate(child(path, "name"), name));
        }
    }
    let image = text(&one["image"]);
    if image.is_empty() {
        errors.push(FieldError::required(child(path, "image"), ""));
    } else if image.trim() != image {
        errors.push(FieldError::invalid(child(path, "image"), image, "must not have leading or trailing whitespace"));
    }
    let policy = text(&one["imagePullPolicy"]);
    if !["Always", "IfNotPresent", "Never"].contains(&policy) {
        let supported = ["Always", "IfNotPresent", "Never"];
        errors.push(FieldError::not_supported(child(path, "imagePullPolicy"), policy, &supported));
    }
    ports(&one["ports"], &child(path, "ports"), errors);
    for (position, variable) in one["env"].as_array().into_iter().flatten().enumerate() {
        let place = child(&index(&child(path, "env"), position), "name");
        let name = text(&variable["name"]);
        if name.is_empty() {
            errors.push(FieldError::required(place, ""));
        } else {
            errors.extend(names::variable(name).into_iter().map(|problem| FieldError::invalid(place.clone(), name, problem)));
        }
    }
    let mut paths = BTreeSet::new();
    for (position, mount) in one["volumeMounts"].as_array().into_iter().flatten().enumerate() {
        let place = index(&child(path, "volumeMounts"), position);
        let name = text(&mount["name"]);
        if name.is_empty() {
            errors.push(FieldError::required(child(&place, "name"), ""));
        } else if !volumes.contains(name) {
            errors.push(FieldError::not_found(child(&place, "name"), name));
        }
        let at = text(&mount["mountPath"]);
        if at.is_empty() {
            errors.push(FieldError::required(child(&place, "mountPath"), ""));
        } else if !paths.insert(at.to_owned()) {
            errors.push(FieldError::invalid(child(&place, "mountPath"), at, "must be unique"));
        }
    }
}

fn ports(list: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut names_seen = BTreeSet::new();
    for (position, port) in list.as_array().into_iter().flatten().enumerate() {
        let path = index(path, position);
        let name = text(&port["name"]);
        if !name.is_empty() {
            let problems = names::port_name(name);
            let is_new = names_seen.insert(name.to_owned());
            if problems.is_empty() && !is_new {
                errors.push(FieldError::duplicate(child(&path, "name"), name));
            }
            errors.extend(problems.into_iter().map(|problem| FieldError::invalid(child(&path, "name"), name, problem)));
        }
        let range = "must be between 1 and 65535, inclusive";
        match port["containerPort"].as_i64().unwrap_or_default() {
            0 => errors.push(FieldError::required(child(&path, "containerPort"), "")),
            1..=65_535 => {}
            other => errors.push(FieldError::invalid(child(&path, "containerPort"), other, range)),
        }
        if let Some(host) = port["hostPort"].as_i64().filter(|host| *host != 0 && !(1..=65_535).contains(host)) {
            errors.push(FieldError::invalid(child(&path, "hostPort"), host, range));
        }
        let protocol = text(&port["protocol"]);
        if !["TCP", "UDP", "SCTP"].contains(&protocol) {
            errors.push(FieldError::not_supported(child(&path, "protocol"), protocol, &["SCTP", "TCP", "UDP"]));
        }
    }
}

fn strategy(strategy: &Value, errors: &mut Vec<FieldError>) {
    let rolling = &strategy["rollingUpdate"];
    let path = "spec.strategy.rollingUpdate";
    match text(&strategy["type"]) {
        "Recreate" if !rolling.is_null() => {
            errors.push(FieldError::forbidden(path, "may not be specified when strategy `type` is 'Recreate'"));
        }
        "Recreate" => {}
        "RollingUpdate" => {
            for name in ["maxUnavailable", "maxSurge"] {
                int_or_percent(&rolling[name], child(path, name), errors);
            }
            let unavailable = &rolling["maxUnavailable"];
            if amount(unavailable) == 0 && amount(&rolling["maxSurge"]) == 0 {
                let detail = "may not be 0 when `maxSurge` is 0";
                errors.push(FieldError::invalid(child(path, "maxUnavailable"), unavailable.clone(), detail));
            }
            if unavailable.is_string() && amount(unavailable) > 100 {
                errors.push(FieldError::invalid(child(path, "maxUnavailable"), unavailable.clone(), "must not be greater than 100%"));
            }
        }
        _ => errors.push(FieldError::not_supported("spec.strategy", strategy.clone(), &["Recreate", "RollingUpdate"])),
    }
}

fn amount(value: &Value) -> i64 {
    match value {
        Value::String(percent) => percent.trim_end_matches('%').parse().unwrap_or_default(),
        other => other.as_i64().unwrap_or_default(),
    }
}

fn int_or_percent(value: &Value, path: String, errors: &mut Vec<FieldError>) {
    if let Value::String(percent) = value {
        let digits = percent.strip_suffix('%').unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            errors.push(FieldError::invalid(path, value.clone(), detail));
        }
        return;
    }
    not_negative(value, path, errors);
}
