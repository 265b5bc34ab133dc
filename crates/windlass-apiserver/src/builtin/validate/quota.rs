//! ResourceQuotas and LimitRanges: names of resources and amounts. Neither is enforced.
//!
//! Amounts are in their canonical form. Start with [`spec`] and [`limit_range`].

use super::text;
use crate::builtin::names;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use windlass_cel::value::Quantity;
use windlass_schema::structural::FieldError;
use windlass_schema::structural::error::{child, index, key};

const CONTAINER: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const REQUESTED: [&str; 7] = [
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];
const SCOPES: [&str; 7] =
    ["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity", "VolumeAttributesClass"];
/// What the scopes that choose pods can count, beside `pods`.
const OF_PODS: [&str; 6] = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

fn is_quota_resource(name: &str) -> bool {
    CONTAINER.contains(&name) || COUNTED.contains(&name) || REQUESTED.contains(&name)
}

fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-") || name.starts_with("requests.hugepages-")
}

fn is_standard(name: &str) -> bool {
    is_quota_resource(name) || name == "storage" || is_huge_page(name)
}

fn resource_name(name: &str, path: &str) -> Vec<FieldError> {
    let refused = |why: String| FieldError::invalid(path, name, why);
    let problems: Vec<FieldError> = names::qualified(name).into_iter().map(refused).collect();
    if problems.is_empty() && !name.contains('/') && !is_standard(name) {
        return vec![refused("must be a standard resource type or fully qualified".to_owned())];
    }
    problems
}

/// The entries of a map in order, so that messages are.
fn sorted(amounts: &Value) -> Vec<(&String, &Value)> {
    let mut entries: Vec<(&String, &Value)> = amounts.as_object().into_iter().flat_map(Map::iter).collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

fn amounts(amounts: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (name, amount) in sorted(amounts) {
        let path = key(path, name);
        errors.extend(resource_name(name, &path));
        if !name.contains('/') && !is_quota_resource(name) {
            errors.push(FieldError::invalid(path.as_str(), name.as_str(), "must be a standard resource for quota"));
        }
        let shown = text(amount);
        if shown.starts_with('-') {
            errors.push(FieldError::invalid(path.as_str(), shown, "must be greater than or equal to 0"));
        }
        if COUNTED.contains(&name.as_str()) && shown.ends_with(['m', 'u', 'n']) {
            errors.push(FieldError::invalid(path, shown, "must be an integer"));
        }
    }
}

/// Everything wrong with a quota's `spec`.
pub(super) fn spec(spec: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    amounts(&spec["hard"], "spec.hard", errors);
    let scopes: Vec<&str> = spec["scopes"].as_array().into_iter().flatten().map(text).collect();
    let refused = |why: &str| FieldError::invalid("spec.scopes", spec["scopes"].clone(), why);
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            errors.push(refused("unsupported scope"));
        }
        let misplaced = sorted(&spec["hard"]).into_iter().filter(|(name, _)| is_quota_resource(name) && !can_count(scope, name));
        errors.extend(misplaced.map(|_| refused("unsupported scope applied to resource")));
    }
    if conflicting(&scopes) {
        errors.push(refused("conflicting scopes"));
    }
    selector(spec, errors);
    if let Some(old) = old {
        let set = |spec: &Value| -> BTreeSet<String> {
            spec["scopes"].as_array().into_iter().flatten().map(|scope| text(scope).to_owned()).collect()
        };
        if set(old) != set(spec) {
            errors.push(refused("field is immutable"));
        }
    }
}

fn can_count(scope: &str, resource: &str) -> bool {
    match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            resource == "pods" || OF_PODS.contains(&resource)
        }
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&resource),
        _ => true,
    }
}

fn conflicting(scopes: &[&str]) -> bool {
    [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]].iter().any(|pair| pair.iter().all(|scope| scopes.contains(scope)))
}

fn selector(spec: &Value, errors: &mut Vec<FieldError>) {
    let path = "spec.scopeSelector.matchExpressions";
    let mut scopes = Vec::new();
    for requirement in spec["scopeSelector"]["matchExpressions"].as_array().into_iter().flatten() {
        let (scope, operator) = (text(&requirement["scopeName"]), text(&requirement["operator"]));
        if !SCOPES.contains(&scope) {
            errors.push(FieldError::invalid(child(path, "scopeName"), scope, "unsupported scope"));
        }
        if !["PriorityClass", "VolumeAttributesClass"].contains(&scope) && SCOPES.contains(&scope) && operator != "Exists" {
            let why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.push(FieldError::invalid(child(path, "operator"), operator, why));
        }
        let values = &requirement["values"];
        let empty = values.as_array().is_none_or(Vec::is_empty);
        match operator {
            "In" | "NotIn" if empty => {
                let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.push(FieldError::required(child(path, "values"), why));
            }
            "Exists" | "DoesNotExist" if !empty => {
                let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.push(FieldError::invalid(child(path, "values"), values.clone(), why));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.push(FieldError::invalid(child(path, "operator"), other, "not a valid selector operator")),
        }
        scopes.push(scope);
    }
    if conflicting(&scopes) {
        errors.push(FieldError::invalid("spec.scopeSelector.matchExpressions", spec["scopes"].clone(), "conflicting scopes"));
    }
}

/// Everything wrong with a quota's `status`.
pub(super) fn status(status: &Value, errors: &mut Vec<FieldError>) {
    amounts(&status["hard"], "status.hard", errors);
    amounts(&status["used"], "status.used", errors);
}

/// Everything wrong with a LimitRange's `spec`.
pub(super) fn limit_range(spec: &Value, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (position, limit) in spec["limits"].as_array().into_iter().flatten().enumerate() {
        let path = index("spec.limits", position);
        let kind = text(&limit["type"]);
        let problems = names::qualified(kind);
        if problems.is_empty() && !kind.contains('/') && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind) {
            errors.push(FieldError::invalid(child(&path, "type"), kind, "must be a standard limit type or fully qualified"));
        }
        errors.extend(problems.into_iter().map(|problem| FieldError::invalid(child(&path, "type"), kind, problem)));
        if !seen.insert(kind) {
            errors.push(FieldError::duplicate(child(&path, "type"), kind));
        }
        limit_names(limit, kind, &path, errors);
        let named = |field: &str| limit[field].as_object().into_iter().flat_map(Map::keys);
        let resources: BTreeSet<&String> =
            ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"].into_iter().flat_map(named).collect();
        for resource in resources {
            order(limit, kind, resource, &path, errors);
        }
    }
}

fn limit_names(limit: &Value, kind: &str, path: &str, errors: &mut Vec<FieldError>) {
    for field in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
        let amounts = sorted(&limit[field]);
        let place = child(path, field);
        if kind == "Pod" && field.starts_with("default") {
            if !amounts.is_empty() {
                errors.push(FieldError::forbidden(place, "may not be specified when `type` is 'Pod'"));
            }
            continue;
        }
        for (name, _) in amounts {
            errors.extend(resource_name(name, &key(&place, name)));
            let of_container = ["Pod", "Container"].contains(&kind) && !name.contains('/');
            if of_container && !CONTAINER.contains(&name.as_str()) && !name.starts_with("hugepages-") {
                errors.push(FieldError::invalid(key(&place, name), name.as_str(), "must be a standard resource for containers"));
            }
        }
    }
    if kind == "PersistentVolumeClaim" && limit["min"].get("storage").is_none() && limit["max"].get("storage").is_none() {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(FieldError::required(child(path, "limits"), why));
    }
}

/// Of one resource: minimum, default request, default limit and maximum must not fall.
fn order(limit: &Value, kind: &str, resource: &str, path: &str, errors: &mut Vec<FieldError>) {
    let amount = |field: &str| {
        let used = kind != "Pod" || !field.starts_with("default");
        limit[field].get(resource).and_then(Value::as_str).filter(|_| used)
    };
    // The smaller with its words, the larger with its words, and which of them the message is about.
    let pairs = [
        (("min", "min value"), ("max", "max value"), "min", "min"),
        (("min", "min value"), ("defaultRequest", "default request value"), "defaultRequest", "defaultRequest"),
        (("defaultRequest", "default request value"), ("max", "max value"), "defaultRequest", "defaultRequest"),
        (("defaultRequest", "default request value"), ("default", "default limit value"), "defaultRequest", "defaultRequest"),
        (("min", "min value"), ("default", "default value"), "default", "min"),
        (("default", "default value"), ("max", "max value"), "default", "max"),
    ];
    for ((low, low_words), (high, high_words), place, value) in pairs {
        let (Some(low), Some(high), Some(value)) = (amount(low), amount(high), amount(value)) else { continue };
        if Quantity::parse(low) > Quantity::parse(high) {
            let why = format!("{low_words} {low} is greater than {high_words} {high}");
            errors.push(FieldError::invalid(key(&child(path, place), resource), value, why));
        }
    }
    if let Some(ratio) = amount("maxLimitRequestRatio")
        && Quantity::parse(ratio) < Quantity::parse("1")
    {
        let place = key(&child(path, "maxLimitRequestRatio"), resource);
        errors.push(FieldError::invalid(place, ratio, format!("ratio {ratio} is less than 1")));
    }
    let may_overcommit = !resource.contains('/') && !is_huge_page(resource);
    if let (Some(default), Some(request)) = (amount("default"), amount("defaultRequest"))
        && !may_overcommit
        && Quantity::parse(default) != Quantity::parse(request)
    {
        let why = format!("default value {default} must equal to defaultRequest value {request} in {resource}");
        errors.push(FieldError::invalid(key(&child(path, "defaultRequest"), resource), request, why));
    }
}
