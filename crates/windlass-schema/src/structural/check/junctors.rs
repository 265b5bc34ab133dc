//! `allOf`, `anyOf`, `oneOf` and `not`: they may only restrict what the structural part names.
//!
//! Start with [`check`] (form) and [`complete`] (every restricted field is specified).

use super::super::MAX_DEPTH;
use super::super::error::{FieldError, child, index, key};
use super::super::regular_expression;
use super::entries;
use serde_json::{Value, json};

/// Checks the junctors and the pattern of one structural node.
pub(super) fn check(schema: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let any_of = is_int_or_string(&schema["anyOf"]);
    let first_all_of = is_int_or_string(&schema["allOf"][0]["anyOf"]);
    validations(schema, any_of, first_all_of, path, depth, errors);
}

fn is_int_or_string(any_of: &Value) -> bool {
    *any_of == json!([{"type": "integer"}, {"type": "string"}])
}

fn validations(schema: &Value, skip_any: bool, skip_first_all: bool, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > MAX_DEPTH {
        errors.push(FieldError::forbidden(path, format!("must not be nested deeper than {MAX_DEPTH} levels")));
        return;
    }
    for junctor in ["anyOf", "allOf", "oneOf"] {
        if junctor == "anyOf" && skip_any {
            continue;
        }
        for (position, member) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            let skip = junctor == "allOf" && position == 0 && skip_first_all;
            nested(member, skip, &index(&child(path, junctor), position), depth + 1, errors);
        }
    }
    if schema["not"].is_object() {
        nested(&schema["not"], false, &child(path, "not"), depth + 1, errors);
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && let Err(problem) = regular_expression::compile(pattern)
    {
        let detail = format!("must be a valid regular expression, but isn't: {problem}");
        errors.push(FieldError::invalid(child(path, "pattern"), pattern, detail));
    }
}

/// Words that may not stand below a junctor, with what they must be instead.
const FORBIDDEN: [(&str, &str); 11] = [
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
];

fn nested(schema: &Value, skip_any: bool, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    validations(schema, skip_any, false, path, depth, errors);
    if depth > MAX_DEPTH {
        return;
    }
    if schema["items"].is_object() {
        nested(&schema["items"], false, &child(path, "items"), depth + 1, errors);
    }
    for (name, property) in entries(&schema["properties"]) {
        nested(property, false, &key(&child(path, "properties"), name), depth + 1, errors);
    }
    for (word, detail) in FORBIDDEN {
        let said = match &schema[word] {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        };
        if said {
            errors.push(FieldError::forbidden(child(path, word), detail));
        }
    }
    for word in ["x-kubernetes-list-map-keys", "x-kubernetes-validations"] {
        if schema[word].as_array().is_some_and(|list| !list.is_empty()) {
            errors.push(FieldError::forbidden(child(path, word), "must be empty to be structural"));
        }
    }
    if schema["properties"]["metadata"].is_object() {
        let place = key(&child(path, "properties"), "metadata");
        errors.push(FieldError::forbidden(place, "must not be specified in a nested context"));
    }
}

/// Checks that what junctors of `value` restrict is specified in `schema`; Kubernetes asks this of the root alone.
pub(super) fn complete(value: &Value, schema: &Value, schema_path: &str, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > MAX_DEPTH {
        return;
    }
    if value["not"].is_object() {
        nested_complete(&value["not"], schema, schema_path, &child(path, "not"), depth + 1, errors);
    }
    for junctor in ["allOf", "anyOf", "oneOf"] {
        for (position, member) in value[junctor].as_array().into_iter().flatten().enumerate() {
            nested_complete(member, schema, schema_path, &index(&child(path, junctor), position), depth + 1, errors);
        }
    }
}

fn nested_complete(value: &Value, schema: &Value, schema_path: &str, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if !value.is_object() {
        return;
    }
    if !schema.is_object() {
        errors.push(FieldError::required(schema_path, format!("because it is defined in {path}")));
        return;
    }
    complete(value, schema, schema_path, path, depth + 1, errors);
    let (items, own_items) = (child(path, "items"), child(schema_path, "items"));
    nested_complete(&value["items"], &schema["items"], &own_items, &items, depth + 1, errors);
    for (name, property) in entries(&value["properties"]) {
        let place = key(&child(path, "properties"), name);
        let own_place = key(&child(schema_path, "properties"), name);
        nested_complete(property, &schema["properties"][name.as_str()], &own_place, &place, depth + 1, errors);
    }
}
