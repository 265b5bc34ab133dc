//! Whether the schema of a CustomResourceDefinition is one that Kubernetes accepts: structural, with sound extensions.
//!
//! Works on the JSON, because messages name its places. CEL rules are looked at only for their form.
//! Start with [`check`]. Sources: `apiextensions-apiserver/pkg/apiserver/schema/validation.go` and
//! `pkg/apis/apiextensions/validation`, Kubernetes 1.35.

mod extensions;
mod junctors;

use super::error::{FieldError, child, key};
use super::{MAX_DEPTH, Schema};
use serde_json::{Map, Value};

/// Where in a schema a node stands; messages differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Field,
    Item,
}

/// What nodes above a node forbid.
#[derive(Clone, Copy, Default)]
struct Context {
    /// Why no default may stand here, if none may.
    no_default: Option<&'static str>,
    inside_meta: bool,
}

/// Everything that Kubernetes would say about this schema; sorted within structural problems as there.
pub(super) fn check(schema: &Value, path: &str) -> Vec<FieldError> {
    let mut structural = Vec::new();
    let mut standard = Vec::new();
    if !schema.is_object() {
        return vec![FieldError::required(path, "")];
    }
    if schema["nullable"] == true {
        standard.push(FieldError::forbidden(child(path, "nullable"), "nullable cannot be true at the root"));
    }
    node(schema, Level::Root, path, 0, &mut structural);
    junctors::complete(schema, schema, path, path, 0, &mut structural);
    structural.sort_by_cached_key(ToString::to_string);
    structural.dedup();
    extensions::check(schema, path, true, Context::default(), 0, &mut standard);
    structural.extend(standard);
    structural
}

/// The invariants of a structural node and of all below it.
fn node(schema: &Value, level: Level, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > MAX_DEPTH {
        errors.push(FieldError::forbidden(path, format!("must not be nested deeper than {MAX_DEPTH} levels")));
        return;
    }
    let json_type = schema["type"].as_str().unwrap_or_default();
    let flag = |name: &str| schema[name] == true;
    if json_type == "array" && !schema["items"].is_object() {
        errors.push(FieldError::required(child(path, "items"), "must be specified"));
    }
    if schema["items"].is_object() {
        node(&schema["items"], Level::Item, &child(path, "items"), depth + 1, errors);
    }
    for (name, property) in entries(&schema["properties"]) {
        node(property, Level::Field, &key(&child(path, "properties"), name), depth + 1, errors);
    }
    let additional = &schema["additionalProperties"];
    if !additional.is_null() && *additional != false {
        if level == Level::Root {
            errors.push(FieldError::forbidden(child(path, "additionalProperties"), "must not be used at the root"));
        }
        if flag("x-kubernetes-embedded-resource") {
            let detail = "must not be used if x-kubernetes-embedded-resource is set";
            errors.push(FieldError::forbidden(child(path, "additionalProperties"), detail));
        }
        if additional.is_object() {
            node(additional, Level::Field, &child(path, "additionalProperties"), depth + 1, errors);
        }
    }
    for extension in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if flag("x-kubernetes-int-or-string") && flag(extension) {
            errors.push(FieldError::invalid(child(path, extension), true, "must be false if x-kubernetes-int-or-string is true"));
        }
    }
    junctors::check(schema, path, depth, errors);
    types(schema, json_type, level, path, errors);
    metadata(schema, level, path, errors);
}

fn types(schema: &Value, json_type: &str, level: Level, path: &str, errors: &mut Vec<FieldError>) {
    let flag = |name: &str| schema[name] == true;
    let place = child(path, "type");
    if flag("x-kubernetes-embedded-resource") && json_type != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(if json_type.is_empty() { FieldError::required(place, detail) } else { FieldError::invalid(place, json_type, detail) });
    } else if json_type.is_empty() && !flag("x-kubernetes-int-or-string") && !flag("x-kubernetes-preserve-unknown-fields") {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(place, detail));
    } else if level == Level::Root && !json_type.is_empty() && json_type != "object" {
        errors.push(FieldError::invalid(place, json_type, "must be object at the root"));
    }
}

/// `apiVersion`, `kind` and `metadata` of whole objects cannot be redefined.
fn metadata(schema: &Value, level: Level, path: &str, errors: &mut Vec<FieldError>) {
    let embedded = schema["x-kubernetes-embedded-resource"] == true;
    let whole = level == Level::Root || embedded;
    let properties = &schema["properties"];
    let place = |name: &str| key(&child(path, "properties"), name);
    if whole {
        for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
            let found = &properties[name];
            if found.is_object() && found["type"] != wanted {
                let value = found["type"].as_str().unwrap_or_default();
                errors.push(FieldError::invalid(child(&place(name), "type"), value, format!("must be {wanted}")));
            }
        }
    }
    if level == Level::Root
        && let Some(meta) = properties["metadata"].as_object()
        && says_more_than_names(meta)
    {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(place("metadata"), detail));
    }
    if embedded && schema["x-kubernetes-preserve-unknown-fields"] != true && entries(properties).next().is_none() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(child(path, "properties"), detail));
    }
}

fn says_more_than_names(meta: &Map<String, Value>) -> bool {
    let other_words = meta.keys().any(|word| !["type", "properties", "default"].contains(&word.as_str()));
    let other_fields = entries(meta.get("properties").unwrap_or(&Value::Null)).any(|(name, _)| name != "name" && name != "generateName");
    other_words || other_fields
}

fn entries(map: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map.as_object().into_iter().flatten()
}

impl Schema {
    /// Whether each `default` is a value that its own schema accepts.
    pub(super) fn check_defaults(&self, openapi: &Value, path: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.defaults_below(self.root(), openapi, path, 0, &mut errors);
        errors
    }

    fn defaults_below(&self, node: &super::Node, openapi: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
        if depth > MAX_DEPTH {
            return;
        }
        if let Some(default) = &node.default {
            let place = child(path, "default");
            let mut pruned = default.clone();
            self.prune_at(node, &mut pruned);
            if pruned != *default {
                errors.push(FieldError::invalid(place.clone(), default.clone(), "must not have unknown fields"));
            }
            errors.extend(self.validate_at(node, default, "").into_iter().map(|error| {
                let path = if error.path == "<nil>" { place.clone() } else { child(&place, &error.path) };
                FieldError { path, ..error }
            }));
        }
        if let Some(items) = node.items {
            self.defaults_below(self.node(items), &openapi["items"], &child(path, "items"), depth + 1, errors);
        }
        for (name, property) in entries(&openapi["properties"]) {
            // Object meta is not the definition's own.
            if let Some(id) = node.properties.get(name).filter(|_| !(node.embedded_resource && name == "metadata")) {
                let place = key(&child(path, "properties"), name);
                self.defaults_below(self.node(*id), property, &place, depth + 1, errors);
            }
        }
    }
}
