//! What Go's JSON decoder does to bodies of built-in kinds: wrong types are errors, nulls and unknown fields vanish.
//!
//! Start with [`decode_problem`], then [`normalize`]. Custom resources are judged by their schema instead.

use super::kinds::Kind;
use super::protobuf;
use serde_json::Value;
use std::sync::Arc;
use windlass_cel::value::Quantity;
use windlass_schema::structural::{Additional, JsonType, Node, Schema};

/// Why an object cannot be decoded as this kind; the text of a Status with code 400.
///
/// `Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field
/// DeploymentSpec.spec.replicas of type int32`
pub fn decode_problem(kind: &Kind, object: &Value) -> Option<String> {
    let schema = super::schema(kind);
    let problem = Decoder { schema: &schema }.judge(schema.root(), object, kind.kind, &mut Vec::new())?;
    Some(format!("{} in version \"{}\" cannot be handled as a {}: {problem}", kind.kind, kind.version, kind.kind))
}

/// Brings an object into the form that is stored and served: unknown fields, nulls and zero values are gone, structs
/// that Go always writes are there.
pub fn normalize(kind: &Kind, object: &mut Value) {
    normalize_applied(kind, object);
    if let (Some(message), Some(object)) = (message(kind), object.as_object_mut()) {
        protobuf::write_out(message, object, false);
    }
}

/// Brings an applied configuration into the form in which it is merged: as [`normalize`], without what it does not say.
pub fn normalize_applied(kind: &Kind, object: &mut Value) {
    let schema = super::schema(kind);
    schema.prune(object);
    drop_unset(&schema, schema.root(), object);
}

/// Brings `metadata` of a custom resource into the form that is stored: nulls, unknown and empty fields are gone.
pub fn normalize_meta(object: &mut Value) {
    let schema = object_meta();
    if let Some(meta) = object.get_mut("metadata") {
        schema.prune(meta);
        drop_unset(&schema, schema.root(), meta);
    }
}

/// Why `metadata` of a custom resource cannot be decoded; names the field and its type.
pub fn meta_problem(meta: &Value) -> Option<String> {
    let schema = object_meta();
    Decoder { schema: &schema }.judge(schema.root(), meta, "ObjectMeta", &mut vec!["metadata".to_owned()])
}

fn object_meta() -> Arc<Schema> {
    super::schema_for_component("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap_or_else(|| Arc::new(Schema::object_meta()))
}

fn message(kind: &Kind) -> Option<&'static str> {
    protobuf::message_of(&kind.group_version(), kind.kind)
}

/// Removes what Go's encoder leaves out: nulls, and zero values of fields that are not behind a pointer.
fn drop_unset(schema: &Schema, node: &Node, value: &mut Value) {
    if is_quantity(node) {
        if let Some(quantity) = quantity(value) {
            *value = Value::String(quantity.to_string());
        }
        return;
    }
    match value {
        Value::Object(map) => map.retain(|key, value| {
            let Some(child) = schema.field(node, key) else { return true };
            // A map's own entries may be null only where any JSON may stand.
            if value.is_null() {
                return child.preserve_unknown || child.opaque;
            }
            drop_unset(schema, child, value);
            !node.properties.contains_key(key) || !is_left_out(node, key, child, value)
        }),
        Value::Array(list) => {
            if let Some(items) = node.items {
                list.iter_mut().for_each(|value| drop_unset(schema, schema.node(items), value));
            }
        }
        _ => {}
    }
}

fn is_quantity(node: &Node) -> bool {
    node.component.as_deref() == Some("io.k8s.apimachinery.pkg.api.resource.Quantity")
}

/// An amount, written as text or number.
fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    }
}

fn is_left_out(node: &Node, key: &str, child: &Node, value: &Value) -> bool {
    // An empty list of owners is a request to forget them (see `fields::track_update`).
    if key == "managedFields" {
        return false;
    }
    let told = node.component.as_deref().and_then(|component| protobuf::leaves_out(component, key, value));
    told.unwrap_or_else(|| {
        let required = node.rules.as_ref().is_some_and(|rules| rules.required.iter().any(|name| name == key));
        let is_map = child.properties.is_empty() && matches!(child.additional, Additional::Schema(_));
        let empty = match value {
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => is_map && map.is_empty(),
            _ => false,
        };
        empty && !required
    })
}

struct Decoder<'a> {
    schema: &'a Schema,
}

impl Decoder<'_> {
    /// `owner` is the Go type that has the field at `path`.
    fn judge(&self, node: &Node, value: &Value, owner: &str, path: &mut Vec<String>) -> Option<String> {
        if is_quantity(node) {
            let message = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
            return (!value.is_null() && quantity(value).is_none()).then(|| message.to_owned());
        }
        let fits = match (node.json_type, value) {
            (None, _) | (_, Value::Null) => true,
            (Some(JsonType::Object), Value::Object(_))
            | (Some(JsonType::Array), Value::Array(_))
            | (Some(JsonType::String), Value::String(_))
            | (Some(JsonType::Number), Value::Number(_))
            | (Some(JsonType::Boolean), Value::Bool(_)) => true,
            (Some(JsonType::Integer), Value::Number(number)) => in_range(node, number),
            // Numbers and texts alike.
            (Some(JsonType::String), Value::Number(_)) => node.format.as_deref() == Some("int-or-string"),
            _ => false,
        };
        if !fits {
            return Some(format!(
                "json: cannot unmarshal {} into Go struct field {owner}.{} of type {}",
                found(value),
                path.join("."),
                wanted(self.schema, node)
            ));
        }
        match value {
            Value::Object(map) => map.iter().find_map(|(key, value)| {
                let child = self.schema.field(node, key)?;
                if !node.properties.contains_key(key) {
                    // Go names the map, not its key.
                    return self.judge(child, value, owner, path);
                }
                path.push(key.clone());
                let problem = self.judge(child, value, type_name(node).map_or(owner, |(_, name)| name), path);
                path.pop();
                problem
            }),
            Value::Array(list) => {
                let items = self.schema.node(node.items?);
                list.iter().find_map(|value| self.judge(items, value, owner, path))
            }
            Value::String(text) => bad_text(node, text),
            _ => None,
        }
    }
}

/// Version and name of the Go type that a node was made from.
fn type_name(node: &Node) -> Option<(&str, &str)> {
    let (package, name) = node.component.as_deref()?.rsplit_once('.')?;
    Some((package.rsplit('.').next().unwrap_or_default(), name))
}

fn in_range(node: &Node, number: &serde_json::Number) -> bool {
    match node.format.as_deref() {
        Some("int32") => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        _ => number.is_i64(),
    }
}

/// Texts with a form that Go's decoder checks.
fn bad_text(node: &Node, text: &str) -> Option<String> {
    match node.format.as_deref() {
        Some("date-time") if text.parse::<jiff::Timestamp>().is_err() => {
            let quoted = windlass_schema::structural::error::quote(text);
            Some(format!("parsing time {quoted} as \"2006-01-02T15:04:05Z07:00\": cannot parse {quoted} as \"2006\""))
        }
        Some("byte") => {
            use base64::Engine as _;
            let error = base64::engine::general_purpose::STANDARD.decode(text).err()?;
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => text.len(),
            };
            Some(format!("illegal base64 data at input byte {at}"))
        }
        _ => None,
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

fn wanted(schema: &Schema, node: &Node) -> String {
    let below = |id: Option<_>| id.map_or_else(|| "interface {}".to_owned(), |id| wanted(schema, schema.node(id)));
    match node.json_type {
        Some(JsonType::String) if node.format.as_deref() == Some("byte") => "[]uint8".to_owned(),
        Some(JsonType::Integer) => node.format.as_deref().unwrap_or("int64").to_owned(),
        Some(JsonType::Number) => "float64".to_owned(),
        Some(JsonType::Boolean) => "bool".to_owned(),
        Some(JsonType::Array) => format!("[]{}", below(node.items)),
        Some(JsonType::Object) if node.properties.is_empty() => match node.additional {
            Additional::Schema(id) => format!("map[string]{}", below(Some(id))),
            _ => "map[string]interface {}".to_owned(),
        },
        Some(JsonType::Object) => type_name(node).map_or_else(|| "struct".to_owned(), |(version, name)| format!("{version}.{name}")),
        Some(JsonType::String) | None => "string".to_owned(),
    }
}
