//! Types from OpenAPI v3 schemas as CustomResourceDefinitions and the API server's documents have them.
//!
//! What a schema leaves open is [`Type::Dyn`]: never guessed.

use super::{Field, ObjectType, Type};
use serde_json::Value;
use std::sync::Arc;

/// Deeper than this, everything is [`Type::Dyn`].
const DEPTH: usize = 64;

impl Type {
    /// The type of values that a schema accepts.
    pub fn from_openapi(schema: &Value) -> Self {
        Self::from_openapi_named("object", schema)
    }

    /// The same, with the name that messages use, such as `schema.spec`.
    pub fn from_openapi_named(name: &str, schema: &Value) -> Self {
        read(name, schema, DEPTH)
    }
}

fn read(name: &str, schema: &Value, depth: usize) -> Type {
    let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
    if depth == 0 || flag("x-kubernetes-int-or-string") || schema.get("format").and_then(Value::as_str) == Some("int-or-string") {
        return Type::Dyn;
    }
    let ty = match schema.get("type").and_then(Value::as_str) {
        Some("object") => object(name, schema, depth, flag("x-kubernetes-preserve-unknown-fields")),
        Some("array") => match schema.get("items") {
            Some(items) => Type::list(read(&format!("{name}[]"), items, depth - 1)),
            None => Type::list(Type::Dyn),
        },
        Some("string") => match schema.get("format").and_then(Value::as_str) {
            Some("byte") => Type::Bytes,
            Some("date" | "date-time") => Type::Timestamp,
            Some("duration") => Type::Duration,
            _ => Type::String,
        },
        Some("integer") => Type::Int,
        Some("number") => Type::Double,
        Some("boolean") => Type::Bool,
        // Without a type, properties alone still say that it is an object.
        None if schema.get("properties").is_some() => object(name, schema, depth, flag("x-kubernetes-preserve-unknown-fields")),
        _ => return Type::Dyn,
    };
    let simple = !matches!(ty, Type::Object(_) | Type::List(_) | Type::Map(..) | Type::Dyn);
    if flag("nullable") && simple { Type::Nullable(Box::new(ty)) } else { ty }
}

fn object(name: &str, schema: &Value, depth: usize, open: bool) -> Type {
    let additional = match schema.get("additionalProperties") {
        Some(Value::Object(inner)) if inner.is_empty() => Some(Type::Dyn),
        Some(inner @ Value::Object(_)) => Some(read(&format!("{name}.*"), inner, depth - 1)),
        Some(Value::Bool(true)) => Some(Type::Dyn),
        _ => None,
    };
    let properties = schema.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty());
    let Some(properties) = properties else {
        return match additional {
            Some(value) => Type::map(Type::String, value),
            None if open => Type::Dyn,
            // Says nothing about its fields: an empty object where it is a root, data of any shape elsewhere.
            None if schema.get("properties").is_some() => {
                Type::Object(Arc::new(ObjectType { name: name.to_owned(), ..ObjectType::default() }))
            }
            None => Type::Dyn,
        };
    };
    let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = properties.iter().map(|(key, property)| {
        let ty = read(&format!("{name}.{key}"), property, depth - 1);
        (key.clone(), Field { ty, required: required.contains(&key.as_str()) })
    });
    let rest = additional.or_else(|| open.then_some(Type::Dyn));
    Type::Object(Arc::new(ObjectType { name: name.to_owned(), fields: fields.collect(), rest }))
}
