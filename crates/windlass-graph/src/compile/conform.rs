//! Whether a tree with expressions fits the schema of the object that it becomes: fields known, types right, also in a
//! branch that is never taken.

use crate::body::Body;
use crate::expression::{Type, accepts};
use crate::path;
use serde_json::{Map, Value};
use windlass_api::{Diagnostic, nearest};

/// Checks a tree against an OpenAPI schema without references.
pub(super) fn conform(body: &Body, schema: &Value, at: &str, findings: &mut Vec<Diagnostic>) {
    match body {
        Body::Fixed(value) => fixed(value, schema, at, findings),
        Body::Text(text) => {
            let Some(type_) = text.result() else { return };
            if !accepts(schema, &type_) {
                let message = format!("the field is {}, but the expression gives {type_}", words(schema));
                let finding = Diagnostic::error("WrongType", at, message);
                findings.push(match hint(schema, &type_) {
                    Some(hint) => finding.with_hint(hint),
                    None => finding,
                });
            }
        }
        Body::List(items) => {
            if wrong_shape(schema, "array", at, "a list", findings) {
                return;
            }
            let Some(item_schema) = schema.get("items") else { return };
            items.iter().enumerate().for_each(|(index, item)| conform(item, item_schema, &path::item(at, index), findings));
        }
        Body::Object(fields) => {
            if wrong_shape(schema, "object", at, "an object", findings) {
                return;
            }
            for (key, field) in fields {
                if let Some(schema) = field_schema(schema, key, at, findings) {
                    conform(field, schema, &path::child(at, key), findings);
                }
            }
        }
    }
}

fn fixed(value: &Value, schema: &Value, at: &str, findings: &mut Vec<Diagnostic>) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            if wrong_shape(schema, "array", at, "a list", findings) {
                return;
            }
            let Some(item_schema) = schema.get("items") else { return };
            items.iter().enumerate().for_each(|(index, item)| fixed(item, item_schema, &path::item(at, index), findings));
        }
        Value::Object(fields) => {
            if wrong_shape(schema, "object", at, "an object", findings) {
                return;
            }
            for (key, field) in fields {
                if let Some(schema) = field_schema(schema, key, at, findings) {
                    fixed(field, schema, &path::child(at, key), findings);
                }
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value, schema, at, findings),
    }
}

fn scalar(value: &Value, schema: &Value, at: &str, findings: &mut Vec<Diagnostic>) {
    let fits = match type_of(schema) {
        None => true,
        Some("string") => value.is_string() || (is_quantity(schema) && value.is_number()),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some(_) => false,
    };
    if fits {
        return;
    }
    let finding = Diagnostic::error("WrongType", at, format!("the field is {}, not `{}`", words(schema), shown(value)));
    let hint = match (type_of(schema), value) {
        (Some("string"), Value::Number(_) | Value::Bool(_)) => Some(format!("put it in quotes: `\"{}\"`", shown(value))),
        (Some("integer" | "number" | "boolean"), Value::String(_)) => Some("remove the quotes".to_owned()),
        _ => None,
    };
    findings.push(match hint {
        Some(hint) => finding.with_hint(hint),
        None => finding,
    });
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The schema's type; `None` where it takes several or says nothing.
pub(super) fn type_of(schema: &Value) -> Option<&str> {
    if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true))
        || schema.get("format").and_then(Value::as_str) == Some("int-or-string")
    {
        return None;
    }
    if ["oneOf", "anyOf"].iter().any(|key| schema.get(key).is_some()) && schema.get("properties").is_none() {
        return None;
    }
    schema.get("type").and_then(Value::as_str)
}

/// Quantities are strings that may be written as numbers.
fn is_quantity(schema: &Value) -> bool {
    schema.get("format").and_then(Value::as_str) == Some("quantity")
}

fn is_open(schema: &Value) -> bool {
    schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
        || schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true))
}

/// Whether the schema is of another shape than what is written; said if so.
fn wrong_shape(schema: &Value, wanted: &str, at: &str, written: &str, findings: &mut Vec<Diagnostic>) -> bool {
    match type_of(schema) {
        Some(type_) if type_ != wanted => {
            findings.push(Diagnostic::error("WrongType", at, format!("the field is {}, not {written}", words(schema))));
            true
        }
        _ => false,
    }
}

/// The schema of a field; `None` where anything goes, or where the field is unknown, which is then said.
fn field_schema<'s>(schema: &'s Value, key: &str, at: &str, findings: &mut Vec<Diagnostic>) -> Option<&'s Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    if let Some(found) = properties.and_then(|properties| properties.get(key)) {
        return Some(found);
    }
    match schema.get("additionalProperties") {
        Some(Value::Bool(true)) => return None,
        Some(additional @ Value::Object(_)) => return Some(additional),
        _ => {}
    }
    // A schema without properties says nothing about fields.
    let properties = properties.filter(|properties| !properties.is_empty() && !is_open(schema))?;
    findings.push(unknown_field(properties, key, at));
    None
}

fn unknown_field(properties: &Map<String, Value>, key: &str, at: &str) -> Diagnostic {
    let finding = Diagnostic::error("UnknownField", path::child(at, key), format!("there is no field `{key}` here"));
    let hint = match nearest(key, properties.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
            names.sort_unstable();
            let more = if names.len() > 12 { ", ..." } else { "" };
            names.truncate(12);
            format!("the fields are: {}{more}", names.join(", "))
        }
    };
    finding.with_hint(hint)
}

/// A schema's type for people.
fn words(schema: &Value) -> &'static str {
    match type_of(schema) {
        Some("string") => "a string",
        Some("integer") => "an integer",
        Some("number") => "a number",
        Some("boolean") => "a boolean",
        Some("array") => "a list",
        Some("object") => "an object",
        _ => "of another type",
    }
}

fn hint(schema: &Value, type_: &Type) -> Option<String> {
    match (type_of(schema)?, type_.to_string().as_str()) {
        ("string", "int" | "uint" | "double" | "bool") => Some("write `${string(...)}`".into()),
        ("integer", "string") => Some("write `${int(...)}`, without anything around it, and `|-` in place of `|`".into()),
        ("integer", "double") => Some("write `${int(...)}`".into()),
        ("boolean", "string") => Some("leave out what stands around `${...}`".into()),
        _ => None,
    }
}
