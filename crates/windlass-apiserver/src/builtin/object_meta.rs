//! `metadata` of any object: what it must look like, and what an update may not change.
//!
//! Start with [`check`]. Source: `k8s.io/apimachinery/pkg/api/validation/objectmeta.go`.

use super::names::{self, NameRule};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use windlass_schema::structural::FieldError;
use windlass_schema::structural::error::{child, index};

/// Largest sum of annotations, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

const IMMUTABLE: &str = "field is immutable";

/// Everything wrong with `metadata` of an object; names are generated before. With `old`, it is an update.
pub fn check(object: &Value, old: Option<&Value>, namespaced: bool, rule: NameRule) -> Vec<FieldError> {
    let meta = &object["metadata"];
    let mut errors = Vec::new();
    match old {
        None => {
            created(meta, namespaced, rule, &mut errors);
            errors.extend(labels(&meta["labels"], "metadata.labels"));
            errors.extend(annotations(&meta["annotations"], "metadata.annotations"));
            owners(&meta["ownerReferences"], &mut errors);
            finalizers(&meta["finalizers"], &mut errors);
        }
        Some(old) => {
            updated(meta, &old["metadata"], &mut errors);
            errors.extend(labels(&meta["labels"], "metadata.labels"));
            errors.extend(annotations(&meta["annotations"], "metadata.annotations"));
            owners(&meta["ownerReferences"], &mut errors);
        }
    }
    errors.extend(managed(&meta["managedFields"]));
    errors
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn created(meta: &Value, namespaced: bool, rule: NameRule, errors: &mut Vec<FieldError>) {
    let generate = text(&meta["generateName"]);
    if !generate.is_empty() {
        errors
            .extend(rule.check(generate, true).into_iter().map(|problem| FieldError::invalid("metadata.generateName", generate, problem)));
    }
    let name = text(&meta["name"]);
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        errors.extend(rule.check(name, false).into_iter().map(|problem| FieldError::invalid("metadata.name", name, problem)));
    }
    let namespace = text(&meta["namespace"]);
    match (namespaced, namespace) {
        (true, "") => errors.push(FieldError::required("metadata.namespace", "")),
        (true, name) => {
            errors.extend(names::label(name).into_iter().map(|problem| FieldError::invalid("metadata.namespace", name, problem)));
        }
        (false, "") => {}
        (false, _) => errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type")),
    }
    if meta["generation"].as_i64().is_some_and(|generation| generation < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid("metadata.generation", meta["generation"].clone(), detail));
    }
}

fn updated(meta: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    if !old["deletionTimestamp"].is_null() {
        let set = |meta: &Value| -> BTreeSet<String> {
            meta["finalizers"].as_array().into_iter().flatten().map(|name| text(name).to_owned()).collect()
        };
        let new: Vec<String> = set(meta).difference(&set(old)).map(|name| format!("\"{name}\"")).collect();
        if !new.is_empty() {
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                new.join(", ")
            );
            errors.push(FieldError::forbidden("metadata.finalizers", detail));
        }
    }
    if text(&meta["resourceVersion"]).is_empty() {
        errors.push(FieldError::invalid("metadata.resourceVersion", text(&meta["resourceVersion"]), "must be specified for an update"));
    }
    let number = |meta: &Value| meta["generation"].as_i64().unwrap_or_default();
    if number(meta) < number(old) {
        errors.push(FieldError::invalid("metadata.generation", number(meta), "must not be decremented"));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if meta[field] != old[field] {
            errors.push(FieldError::invalid(child("metadata", field), meta[field].clone(), IMMUTABLE));
        }
    }
}

fn entries(map: &Value) -> impl Iterator<Item = (&String, &str)> {
    map.as_object().into_iter().flatten().map(|(key, value)| (key, text(value)))
}

/// What is wrong with a set of labels at `path`.
pub fn labels(map: &Value, path: &str) -> Vec<FieldError> {
    entries(map)
        .flat_map(|(key, value)| {
            let of_key = names::qualified(key).into_iter().map(|problem| FieldError::invalid(path, key.as_str(), problem));
            let of_value = names::label_value(value).into_iter().map(|problem| FieldError::invalid(path, value, problem));
            of_key.chain(of_value).collect::<Vec<_>>()
        })
        .collect()
}

/// What is wrong with annotations at `path`; case does not matter in their keys.
pub fn annotations(map: &Value, path: &str) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = entries(map)
        .flat_map(|(key, _)| {
            let problems = names::qualified(&key.to_lowercase());
            problems.into_iter().map(|problem| FieldError::invalid(path, key.as_str(), problem)).collect::<Vec<_>>()
        })
        .collect();
    if entries(map).map(|(key, value)| key.len() + value.len()).sum::<usize>() > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long(path, MAX_ANNOTATIONS as u64));
    }
    errors
}

fn owners(list: &Value, errors: &mut Vec<FieldError>) {
    let path = "metadata.ownerReferences";
    let mut controller: Option<String> = None;
    for owner in list.as_array().into_iter().flatten() {
        let api_version = text(&owner["apiVersion"]);
        if api_version.is_empty() || api_version.ends_with('/') {
            errors.push(FieldError::invalid(child(path, "apiVersion"), api_version, "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if text(&owner[field]).is_empty() {
                errors.push(FieldError::invalid(child(path, field), text(&owner[field]), "must not be empty"));
            }
        }
        if api_version == "v1" && owner["kind"] == "Event" {
            errors.push(FieldError::invalid(path, owner.clone(), "/v1, Kind=Event is disallowed from being an owner"));
        }
        if owner["controller"] == true {
            let this = format!("{}/{}", text(&owner["kind"]), text(&owner["name"]));
            if let Some(first) = &controller {
                let detail =
                    format!("Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}");
                errors.push(FieldError::invalid(path, list.clone(), detail));
            } else {
                controller = Some(this);
            }
        }
    }
}

fn finalizers(list: &Value, errors: &mut Vec<FieldError>) {
    let path = "metadata.finalizers";
    let names: Vec<&str> = list.as_array().into_iter().flatten().map(text).collect();
    for name in &names {
        errors.extend(names::qualified(name).into_iter().map(|problem| FieldError::invalid(path, *name, problem)));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        errors.push(FieldError::invalid(path, list.clone(), "finalizer orphan and foregroundDeletion cannot be both set"));
    }
}

/// Whether a finalizer of a built-in kind is one that Kubernetes knows or has a domain.
pub(super) fn finalizer(name: &str, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !name.contains('/') && !["kubernetes", "orphan", "foregroundDeletion"].contains(&name) {
        let detail = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(FieldError::invalid(path, name, detail));
    }
    errors
}

fn managed(list: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (position, entry) in list.as_array().into_iter().flatten().enumerate() {
        if entry.as_object().is_some_and(Map::is_empty) {
            continue;
        }
        let path = index("metadata.managedFields", position);
        if !["Apply", "Update"].contains(&text(&entry["operation"])) {
            let detail = "must be `Apply` or `Update`";
            errors.push(FieldError::invalid(child(&path, "operation"), text(&entry["operation"]), detail));
        }
        let fields_type = text(&entry["fieldsType"]);
        if !["", "FieldsV1"].contains(&fields_type) {
            errors.push(FieldError::invalid(child(&path, "fieldsType"), fields_type, "must be `FieldsV1`"));
        }
    }
    errors
}
