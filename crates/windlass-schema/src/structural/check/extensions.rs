//! Words that Kubernetes forbids or restricts in definitions, and the `x-kubernetes-` extensions for lists and maps.
//!
//! Start with [`check`].

use super::super::MAX_DEPTH;
use super::super::error::{FieldError, child, index, key};
use super::{Context, entries};
use serde_json::Value;

/// Checks one node and all below it.
pub(super) fn check(schema: &Value, path: &str, root: bool, context: Context, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > MAX_DEPTH || !schema.is_object() {
        return;
    }
    words(schema, path, context, errors);
    below(schema, path, root, context, depth, errors);
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        let place = child(path, "x-kubernetes-preserve-unknown-fields");
        errors.push(FieldError::invalid(place, false, "must be true or undefined"));
    }
    map_type(schema, path, errors);
    list_type(schema, path, errors);
    rules(schema, path, errors);
}

fn below(schema: &Value, path: &str, root: bool, context: Context, depth: usize, errors: &mut Vec<FieldError>) {
    let additional = &schema["additionalProperties"];
    let place = child(path, "additionalProperties");
    if !additional.is_null() {
        let has_properties = entries(&schema["properties"]).next().is_some();
        if has_properties && *additional != true {
            errors.push(FieldError::forbidden(&place, "additionalProperties and properties are mutual exclusive"));
        }
        let mut inner = context;
        if context.inside_meta {
            inner.no_default = Some("inside additionalProperties applying to object metadata");
        }
        check(additional, &place, false, inner, depth + 1, errors);
    }
    for (name, property) in entries(&schema["properties"]) {
        let mut inner = context;
        if (root || schema["x-kubernetes-embedded-resource"] == true) && ["apiVersion", "kind", "metadata"].contains(&name.as_str()) {
            inner.inside_meta = true;
            if root {
                inner.no_default = Some(match name.as_str() {
                    "apiVersion" => "in top-level apiVersion",
                    "kind" => "in top-level kind",
                    _ => "in top-level metadata",
                });
            }
        }
        check(property, &key(&child(path, "properties"), name), false, inner, depth + 1, errors);
    }
    check(&schema["not"], &child(path, "not"), false, context, depth + 1, errors);
    for junctor in ["allOf", "oneOf", "anyOf"] {
        for (position, member) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            check(member, &index(&child(path, junctor), position), false, context, depth + 1, errors);
        }
    }
    check(&schema["items"], &child(path, "items"), false, context, depth + 1, errors);
}

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// JSON schema words that Kubernetes does not take.
fn words(schema: &Value, path: &str, context: Context, errors: &mut Vec<FieldError>) {
    let mut forbid = |word: &str, detail: &str| errors.push(FieldError::forbidden(child(path, word), detail));
    if schema["uniqueItems"] == true {
        forbid("uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    }
    if schema.get("default").is_some_and(|default| !default.is_null())
        && let Some(reason) = context.no_default
    {
        forbid("default", &format!("must not be set {reason}"));
    }
    if schema["id"].as_str().is_some_and(|id| !id.is_empty()) {
        forbid("id", "id is not supported");
    }
    for word in ["additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        if !schema[word].is_null() {
            forbid(word, &format!("{word} is not supported"));
        }
    }
    if schema["type"] == "null" {
        forbid("type", "type cannot be set to null, use nullable as an alternative");
    }
    if schema["items"].is_array() {
        forbid("items", "items must be a schema object and not an array");
    }
    if context.inside_meta && schema["x-kubernetes-embedded-resource"] == true {
        forbid("x-kubernetes-embedded-resource", "must not be used inside of resource meta");
    }
    if let Some(json_type) = schema["type"].as_str().filter(|json_type| !json_type.is_empty() && !TYPES.contains(json_type)) {
        errors.push(FieldError::not_supported(child(path, "type"), json_type, &TYPES));
    }
}

fn must_have_type(schema: &Value, wanted: &str, extension: &str, path: &str, errors: &mut Vec<FieldError>) {
    let place = child(path, "type");
    let detail = format!("must be {wanted} if {extension} is specified");
    match schema["type"].as_str().unwrap_or_default() {
        found if found == wanted => {}
        "" => errors.push(FieldError::required(place, detail)),
        found => errors.push(FieldError::invalid(place, found, detail)),
    }
}

fn map_type(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(map_type) = schema["x-kubernetes-map-type"].as_str() else { return };
    must_have_type(schema, "object", "x-kubernetes-map-type", path, errors);
    if !["atomic", "granular"].contains(&map_type) {
        errors.push(FieldError::not_supported(child(path, "x-kubernetes-map-type"), map_type, &["atomic", "granular"]));
    }
}

fn list_type(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let list_type = schema["x-kubernetes-list-type"].as_str();
    let items = &schema["items"];
    if let Some(list_type) = list_type {
        must_have_type(schema, "array", "x-kubernetes-list-type", path, errors);
        if !["atomic", "set", "map"].contains(&list_type) {
            let place = child(path, "x-kubernetes-list-type");
            errors.push(FieldError::not_supported(place, list_type, &["atomic", "set", "map"]));
        }
        if ["set", "map"].contains(&list_type) && items["nullable"] == true {
            let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
            errors.push(FieldError::forbidden(child(&child(path, "items"), "nullable"), detail));
        }
        if list_type == "set" {
            atomic_items(items, path, errors);
        }
    }
    map_keys(schema, list_type, path, errors);
}

/// Elements of a set are compared whole.
fn atomic_items(items: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    for (json_type, extension, default_is_atomic) in [("array", "x-kubernetes-list-type", true), ("object", "x-kubernetes-map-type", false)]
    {
        let atomic = items[extension] == "atomic" || (default_is_atomic && items[extension].is_null());
        if items["type"] == json_type && !atomic {
            errors.push(FieldError::invalid(child(&child(path, "items"), extension), items[extension].clone(), detail));
        }
    }
}

fn map_keys(schema: &Value, list_type: Option<&str>, path: &str, errors: &mut Vec<FieldError>) {
    let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let place = child(path, "x-kubernetes-list-map-keys");
    if !keys.is_empty() && list_type != Some("map") {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        let place = child(path, "x-kubernetes-list-type");
        errors.push(list_type.map_or_else(|| FieldError::required(&place, detail), |found| FieldError::invalid(&place, found, detail)));
    }
    if list_type != Some("map") {
        return;
    }
    if keys.is_empty() {
        errors.push(FieldError::required(place, "must not be empty if x-kubernetes-list-type is map"));
        return;
    }
    let items = &schema["items"];
    let items_path = child(path, "items");
    if !items.is_object() {
        errors.push(FieldError::required(items_path, "must have a schema if x-kubernetes-list-type is map"));
        return;
    }
    if items["type"] != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(child(&items_path, "type"), items["type"].as_str().unwrap_or_default(), detail));
    }
    let keys_value = schema["x-kubernetes-list-map-keys"].clone();
    for (position, name) in keys.iter().enumerate() {
        let property = &items["properties"][*name];
        let property_path = key(&child(&items_path, "properties"), name);
        if !property.is_object() {
            errors.push(FieldError::invalid(&place, keys_value.clone(), "entries must all be names of item properties"));
            continue;
        }
        if property["type"] == "array" || property["type"] == "object" {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            errors.push(FieldError::invalid(child(&property_path, "type"), items["type"].clone(), detail));
        }
        if keys[..position].contains(name) {
            errors.push(FieldError::invalid(&place, keys_value.clone(), "must not contain duplicate entries"));
        }
        let required = items["required"].as_array().is_some_and(|list| list.iter().any(|entry| entry == name));
        if !required && property["default"].is_null() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.push(FieldError::required(child(&property_path, "default"), detail));
        }
        if property["nullable"] == true {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(FieldError::forbidden(child(&property_path, "nullable"), detail));
        }
    }
}

/// The form of CEL rules; what they say is judged where they are compiled.
fn rules(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (position, rule) in schema["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
        let place = |name: &str| child(&index(&child(path, "x-kubernetes-validations"), position), name);
        let text = rule["rule"].as_str().unwrap_or_default().trim();
        let message = rule["message"].as_str();
        if text.is_empty() {
            errors.push(FieldError::required(place("rule"), "rule is not specified"));
        }
        match message {
            Some(message) if !message.is_empty() && message.trim().is_empty() => {
                errors.push(FieldError::invalid(place("message"), message, "must be non-empty if specified"));
            }
            Some(message) if message.trim().contains(['\n', '\r']) => {
                errors.push(FieldError::invalid(place("message"), message, "must not contain line breaks"));
            }
            None | Some("") if text.contains(['\n', '\r']) && rule["messageExpression"].is_null() => {
                errors.push(FieldError::required(place("message"), "message must be specified if rule contains line breaks"));
            }
            _ => {}
        }
    }
}
