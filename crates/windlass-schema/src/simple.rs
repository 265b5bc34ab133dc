//! kro's SimpleSchema → OpenAPI v3: `port: integer | default=8080 minimum=1`.
//!
//! Nothing here knows Templates or CustomResourceDefinitions. Start with [`openapi`]; `marker` reads what follows the
//! `|`, `types` the type before it. Source: kro, `pkg/simpleschema` at v0.9.3, and its documentation. Where kro writes a
//! text default so that it is read back as another text (quotes and backslashes), the text itself is taken.

mod apply;
mod marker;
mod types;

pub(crate) use marker::near;

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use windlass_api::Diagnostic;

/// How deep structures may nest.
const DEEPEST: usize = 32;
/// How many fields one schema may have, custom types counted wherever they are used.
const MOST_FIELDS: usize = 10_000;

/// What a SimpleSchema gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simple {
    /// The OpenAPI v3 schema: structural, without references.
    pub openapi: Value,
    /// What may surprise.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a SimpleSchema: `spec` is the tree of fields, `types` the custom types that it may name. `spec_at` and `types_at`
/// are their paths in the document, such as `spec.schema.spec`.
///
/// # Errors
/// Everything that is wrong, each with path, column in the text where known, and the way out.
pub fn openapi(spec: Option<&Value>, types: Option<&Value>, spec_at: &str, types_at: &str) -> Result<Simple, Vec<Diagnostic>> {
    let mut reader = Reader { custom: None, known: BTreeMap::new(), open: Vec::new(), fields: 0, findings: Vec::new(), types_at };
    match types {
        None | Some(Value::Null) => {}
        Some(Value::Object(types)) => {
            reader.custom = Some(types);
            for name in types.keys() {
                reader.custom_type(name, &child(types_at, name), None);
            }
        }
        Some(_) => reader.findings.push(Diagnostic::error("WrongType", types_at, "`types` must be an object of types")),
    }
    let openapi = match spec {
        None | Some(Value::Null) => json!({"type": "object"}),
        Some(Value::Object(fields)) => reader.structure(fields, spec_at, 0),
        Some(_) => {
            let finding = Diagnostic::error("WrongType", spec_at, "the schema must be an object of fields");
            reader.findings.push(finding.with_hint("as `port: integer | default=8080`"));
            Value::Null
        }
    };
    let (errors, warnings): (Vec<_>, Vec<_>) = reader.findings.into_iter().partition(Diagnostic::is_error);
    if errors.is_empty() { Ok(Simple { openapi, warnings }) } else { Err(errors) }
}

/// A custom type that was read.
#[derive(Clone, Debug)]
struct Custom {
    schema: Value,
    /// An alias with `required=true` makes every field of the type required.
    required: bool,
}

struct Reader<'v> {
    custom: Option<&'v Map<String, Value>>,
    /// What was read already; `None` is a type that is wrong, which was said where it stands.
    known: BTreeMap<String, Option<Custom>>,
    /// Names of the types that are being read.
    open: Vec<String>,
    fields: usize,
    findings: Vec<Diagnostic>,
    types_at: &'v str,
}

impl Reader<'_> {
    /// An object of fields.
    fn structure(&mut self, fields: &Map<String, Value>, at: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            self.findings.push(Diagnostic::error("TooDeep", at, format!("structures nest more than {DEEPEST} levels deep")));
            return Value::Null;
        }
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (name, value) in fields {
            let at = child(at, name);
            self.fields += 1;
            if self.fields > MOST_FIELDS {
                self.findings.push(Diagnostic::error("TooMany", at, format!("the schema has more than {MOST_FIELDS} fields")));
                break;
            }
            let (schema, needed) = match value {
                Value::Object(below) => (self.structure(below, &at, depth + 1), false),
                Value::String(text) => self.field(text, &at),
                other => {
                    let finding = Diagnostic::error("InvalidType", &at, format!("`{other}` is no type"));
                    self.findings.push(finding.with_hint("write a type, as `string`, `integer | default=1`, or an object of fields"));
                    (Value::Null, false)
                }
            };
            if needed {
                required.push(name.clone());
            }
            properties.insert(name.clone(), schema);
        }
        let mut schema = json!({"type": "object"});
        // A parent can be left out where everything in it has a value of its own.
        if required.is_empty() && properties.values().any(|property| property.get("default").is_some()) {
            schema["default"] = json!({});
        }
        if !properties.is_empty() {
            schema["properties"] = Value::Object(properties);
        }
        if !required.is_empty() {
            required.sort();
            schema["required"] = json!(required);
        }
        schema
    }

    /// `TYPE | MARKER...` and whether the field is required.
    fn field(&mut self, text: &str, at: &str) -> (Value, bool) {
        let (type_text, markers) = match text.split_once('|') {
            Some((type_text, markers)) => (type_text, Some(markers)),
            None => (text, None),
        };
        let Some((mut schema, mut required)) = self.type_of(type_text, at) else { return (Value::Null, false) };
        if let Some(markers) = markers {
            let start = type_text.chars().count() + 1;
            match marker::parse(markers) {
                Ok(found) => {
                    for marker in found {
                        let column = u32::try_from(start + marker.offset + 1).unwrap_or(u32::MAX);
                        match apply::apply(&marker, &mut schema, &mut required) {
                            Ok(None) => {}
                            Ok(Some(surprise)) => {
                                let finding = Diagnostic::warning("IgnoredMarker", at, surprise);
                                self.findings.push(Diagnostic { column: Some(column), ..finding });
                            }
                            Err(wrong) => self.findings.push(wrong.at(at, column)),
                        }
                    }
                    if let Err(wrong) = apply::whole(&schema) {
                        self.findings.push(wrong.at(at, u32::try_from(start + 1).unwrap_or(u32::MAX)));
                    }
                }
                Err((offset, wrong)) => {
                    self.findings.push(wrong.at(at, u32::try_from(start + offset + 1).unwrap_or(u32::MAX)));
                }
            }
        }
        (schema, required)
    }

    fn type_of(&mut self, text: &str, at: &str) -> Option<(Value, bool)> {
        match types::parse(text) {
            Ok(type_) => self.schema_of(&type_, at),
            Err(wrong) => {
                self.findings.push(wrong.at(at, 1));
                None
            }
        }
    }

    fn schema_of(&mut self, type_: &types::Type, at: &str) -> Option<(Value, bool)> {
        match type_ {
            types::Type::Scalar(name) => Some((json!({"type": name}), false)),
            types::Type::Anything => Some((json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}), false)),
            types::Type::List(item) => {
                let (item, _) = self.schema_of(item, at)?;
                Some((json!({"type": "array", "items": item}), false))
            }
            types::Type::Map(value) => {
                let (value, _) = self.schema_of(value, at)?;
                Some((json!({"type": "object", "additionalProperties": value}), false))
            }
            types::Type::Custom(name) => {
                let custom = self.custom_type(name, at, Some(at))?;
                self.fields += fields_in(&custom.schema);
                Some((custom.schema, custom.required))
            }
        }
    }

    /// Reads a custom type, once. `used_at` is where it is named, for the message that it is unknown.
    fn custom_type(&mut self, name: &str, at: &str, used_at: Option<&str>) -> Option<Custom> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let definition = self.custom.and_then(|types| types.get(name));
        let Some(definition) = definition else {
            self.findings.push(unknown_type(name, at, self.custom));
            return None;
        };
        if let Some(start) = self.open.iter().position(|open| open == name) {
            let mut ring: Vec<&str> = self.open[start..].iter().map(String::as_str).collect();
            ring.push(name);
            let message = format!("types contain each other in a ring: {}", ring.join(" -> "));
            let finding = Diagnostic::error("Cycle", used_at.unwrap_or(at), message);
            self.findings.push(finding.with_hint("a type cannot contain itself; `object` takes anything"));
            return None;
        }
        self.open.push(name.to_owned());
        let before = self.findings.len();
        let at = child(self.types_at, name);
        let depth = self.open.len();
        let (schema, required) = match definition {
            Value::Object(fields) => (self.structure(fields, &at, depth), false),
            Value::String(text) => self.field(text, &at),
            other => {
                let finding = Diagnostic::error("InvalidType", &at, format!("`{other}` is no type"));
                self.findings.push(finding.with_hint("a custom type is an object of fields, or another type with markers"));
                (Value::Null, false)
            }
        };
        self.open.pop();
        let wrong = self.findings[before..].iter().any(Diagnostic::is_error);
        let custom = (!wrong).then_some(Custom { schema, required });
        self.known.insert(name.to_owned(), custom.clone());
        custom
    }
}

/// How many fields a schema has, so that types in types cannot grow without bound.
fn fields_in(schema: &Value) -> usize {
    let below =
        schema.get("properties").and_then(Value::as_object).map_or(0, |fields| fields.values().map(|field| 1 + fields_in(field)).sum());
    below + schema.get("items").map_or(0, fields_in) + schema.get("additionalProperties").map_or(0, fields_in)
}

fn unknown_type(name: &str, at: &str, custom: Option<&Map<String, Value>>) -> Diagnostic {
    let finding = Diagnostic::error("UnknownType", at, format!("there is no type `{name}`"));
    let own: Vec<&str> = custom.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    let meant = match name.to_ascii_lowercase().as_str() {
        "int" | "int32" | "int64" | "integer" => Some("integer"),
        "bool" | "boolean" => Some("boolean"),
        "str" | "text" | "string" => Some("string"),
        "double" | "number" | "float32" | "float64" | "float" => Some("float"),
        "any" | "map" | "dict" | "object" => Some("object"),
        _ => own.iter().find(|known| known.eq_ignore_ascii_case(name)).copied(),
    };
    finding.with_hint(match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if own.is_empty() => {
            "the types are: string, integer, boolean, float, object, []T, map[string]T; define others in `types`".to_owned()
        }
        None => format!("the types are: string, integer, boolean, float, object, []T, map[string]T, {}", own.join(", ")),
    })
}

/// What is wrong with a type or a marker, before its place is known.
#[derive(Debug)]
struct Wrong {
    code: &'static str,
    message: String,
    hint: String,
}

impl Wrong {
    fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }

    fn at(self, path: &str, column: u32) -> Diagnostic {
        Diagnostic { column: Some(column), ..Diagnostic::error(self.code, path, self.message).with_hint(self.hint) }
    }
}

/// The path of a field, spelled as everywhere in Windlass.
pub(crate) fn child(parent: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'));
    match (plain, parent.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{parent}.{key}"),
        (false, _) => format!("{parent}[{}]", Value::String(key.to_owned())),
    }
}

#[cfg(test)]
mod tests;
