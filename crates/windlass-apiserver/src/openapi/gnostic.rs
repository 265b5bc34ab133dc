//! The protobuf form of OpenAPI 2 documents, which kubectl asks for.
//!
//! Table-driven: [`MESSAGES`] has the fields that Kubernetes' documents use. Start with [`document`] and [`named`].
//! Source: `openapiv2/OpenAPIv2.proto` of `gnostic-models`.

use serde_json::Value;

/// The form of a field.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Texts,
    Flag,
    Whole,
    Double,
    /// Any value, as the text of its JSON.
    Any,
    Anys,
    One(&'static str),
    Many(&'static str),
    /// A message whose first field repeats names with values of this message.
    Map(&'static str),
    /// A message whose first field is this message.
    In(&'static str),
    /// A message whose first field repeats a text.
    TextIn,
    /// A schema, or a flag.
    SchemaOrFlag,
}

use Shape::{Any, Anys, Double, Flag, In, Many, Map, One, SchemaOrFlag, Text, TextIn, Texts, Whole};

type Field = (&'static str, u64, Shape);

/// A message: its name, its fields, and the number of the field that takes all that begins with `x-`.
type Message = (&'static str, &'static [Field], u64);

const VALUES: &[Field] = &[
    ("required", 1, Flag),
    ("in", 2, Text),
    ("description", 3, Text),
    ("name", 4, Text),
    ("type", 6, Text),
    ("format", 7, Text),
    ("uniqueItems", 20, Flag),
    ("enum", 21, Anys),
];
const PATH_VALUES: &[Field] = &[
    ("required", 1, Flag),
    ("in", 2, Text),
    ("description", 3, Text),
    ("name", 4, Text),
    ("type", 5, Text),
    ("format", 6, Text),
    ("uniqueItems", 19, Flag),
    ("enum", 20, Anys),
];

const MESSAGES: [Message; 10] = [
    ("Info", &[("title", 1, Text), ("version", 2, Text)], 7),
    (
        "PathItem",
        &[
            ("get", 2, One("Operation")),
            ("put", 3, One("Operation")),
            ("post", 4, One("Operation")),
            ("delete", 5, One("Operation")),
            ("options", 6, One("Operation")),
            ("head", 7, One("Operation")),
            ("patch", 8, One("Operation")),
            ("parameters", 9, Many("ParametersItem")),
        ],
        10,
    ),
    (
        "Operation",
        &[
            ("tags", 1, Texts),
            ("description", 3, Text),
            ("operationId", 5, Text),
            ("produces", 6, Texts),
            ("consumes", 7, Texts),
            ("parameters", 8, Many("ParametersItem")),
            ("responses", 9, Map("ResponseValue")),
            ("schemes", 10, Texts),
            ("deprecated", 11, Flag),
        ],
        13,
    ),
    (
        "BodyParameter",
        &[("description", 1, Text), ("name", 2, Text), ("in", 3, Text), ("required", 4, Flag), ("schema", 5, One("Schema"))],
        6,
    ),
    ("QueryParameter", VALUES, 23),
    ("PathParameter", PATH_VALUES, 22),
    ("Reference", &[("$ref", 1, Text), ("description", 2, Text)], 0),
    ("Response", &[("description", 1, Text), ("schema", 2, In("Schema"))], 5),
    ("ApiKey", &[("type", 1, Text), ("name", 2, Text), ("in", 3, Text), ("description", 4, Text)], 5),
    ("Schema", SCHEMA, 31),
];

const SCHEMA: &[Field] = &[
    ("$ref", 1, Text),
    ("format", 2, Text),
    ("title", 3, Text),
    ("description", 4, Text),
    ("default", 5, Any),
    ("multipleOf", 6, Double),
    ("maximum", 7, Double),
    ("exclusiveMaximum", 8, Flag),
    ("minimum", 9, Double),
    ("exclusiveMinimum", 10, Flag),
    ("maxLength", 11, Whole),
    ("minLength", 12, Whole),
    ("pattern", 13, Text),
    ("maxItems", 14, Whole),
    ("minItems", 15, Whole),
    ("uniqueItems", 16, Flag),
    ("maxProperties", 17, Whole),
    ("minProperties", 18, Whole),
    ("required", 19, Texts),
    ("enum", 20, Anys),
    ("additionalProperties", 21, SchemaOrFlag),
    ("type", 22, TextIn),
    ("items", 23, In("Schema")),
    ("allOf", 24, Many("Schema")),
    ("properties", 25, Map("Schema")),
    ("example", 30, Any),
];

/// The whole document; paths, definitions and parameters are entries written by [`named`].
pub(super) fn document(info: &Value, paths: &[u8], definitions: &[u8], parameters: &[u8], key: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(paths.len() + definitions.len() + parameters.len() + 1024);
    bytes(&mut out, 1, b"2.0");
    bytes(&mut out, 2, &message("Info", info));
    bytes(&mut out, 8, paths);
    bytes(&mut out, 9, definitions);
    bytes(&mut out, 10, parameters);
    // The only kind of key, and that it is wanted: each a map with one entry.
    let name = b"BearerToken";
    let mut wanted = Vec::new();
    bytes(&mut wanted, 1, name);
    bytes(&mut wanted, 2, &[]);
    bytes(&mut out, 12, &field(1, &wanted));
    let mut defined = Vec::new();
    bytes(&mut defined, 1, name);
    bytes(&mut defined, 2, &field(2, &message("ApiKey", key)));
    bytes(&mut out, 13, &field(1, &defined));
    out
}

/// Writes one entry of paths (`PathItem`), definitions (`Schema`) or parameters (`Parameter`).
pub(super) fn named(out: &mut Vec<u8>, name: &str, key: &str, value: &Value) {
    let mut entry = Vec::new();
    bytes(&mut entry, 1, key.as_bytes());
    bytes(&mut entry, 2, &message(name, value));
    bytes(out, if name == "PathItem" { 2 } else { 1 }, &entry);
}

fn message(name: &str, value: &Value) -> Vec<u8> {
    match name {
        "ParametersItem" if value.get("$ref").is_some() => field(2, &message("Reference", value)),
        "ParametersItem" => field(1, &message("Parameter", value)),
        "Parameter" => match value["in"].as_str() {
            Some("body") => field(1, &message("BodyParameter", value)),
            Some("path") => field(2, &field(4, &message("PathParameter", value))),
            _ => field(2, &field(3, &message("QueryParameter", value))),
        },
        "ResponseValue" => field(1, &message("Response", value)),
        name => plain(name, value),
    }
}

fn plain(name: &str, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let Some((_, fields, extensions)) = MESSAGES.iter().find(|(known, _, _)| *known == name) else { return out };
    for (key, number, shape) in *fields {
        if let Some(value) = value.get(key) {
            write(&mut out, *number, *shape, value);
        }
    }
    for (key, value) in value.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-")) {
        let mut entry = Vec::new();
        bytes(&mut entry, 1, key.as_bytes());
        bytes(&mut entry, 2, &any(value));
        bytes(&mut out, *extensions, &entry);
    }
    out
}

fn write(out: &mut Vec<u8>, number: u64, shape: Shape, value: &Value) {
    let list = || value.as_array().into_iter().flatten();
    let texts = |out: &mut Vec<u8>, number| match value {
        Value::String(text) => bytes(out, number, text.as_bytes()),
        other => {
            other.as_array().into_iter().flatten().filter_map(Value::as_str).for_each(|text| bytes(out, number, text.as_bytes()));
        }
    };
    match shape {
        Text => bytes(out, number, value.as_str().unwrap_or_default().as_bytes()),
        Texts => texts(out, number),
        Flag if *value == true => whole(out, number, 1),
        Flag => {}
        Whole => whole(out, number, value.as_i64().unwrap_or_default().cast_unsigned()),
        Double => {
            varint(out, number << 3 | 1);
            out.extend_from_slice(&value.as_f64().unwrap_or_default().to_le_bytes());
        }
        Any => bytes(out, number, &any(value)),
        Anys => list().for_each(|value| bytes(out, number, &any(value))),
        One(name) => bytes(out, number, &message(name, value)),
        Many(name) => list().for_each(|value| bytes(out, number, &message(name, value))),
        In(name) => bytes(out, number, &field(1, &message(name, value))),
        Map(name) => {
            let mut map = Vec::new();
            value.as_object().into_iter().flatten().for_each(|(key, value)| named(&mut map, name, key, value));
            bytes(out, number, &map);
        }
        TextIn => {
            let mut inner = Vec::new();
            texts(&mut inner, 1);
            bytes(out, number, &inner);
        }
        SchemaOrFlag => {
            let mut inner = Vec::new();
            match value {
                Value::Bool(flag) => whole(&mut inner, 2, u64::from(*flag)),
                schema => bytes(&mut inner, 1, &message("Schema", schema)),
            }
            bytes(out, number, &inner);
        }
    }
}

/// A value as YAML, which JSON is.
fn any(value: &Value) -> Vec<u8> {
    field(2, value.to_string().as_bytes())
}

fn field(number: u64, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 8);
    bytes(&mut out, number, content);
    out
}

fn bytes(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn whole(out: &mut Vec<u8>, number: u64, value: u64) {
    varint(out, number << 3);
    varint(out, value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    //! Bytes, as the protobuf encoding has them.

    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_is_written_field_by_field() {
        let schema = json!({"type": "object", "minimum": 1, "x-a": true, "properties": {"b": {"$ref": "c"}}});
        let expected: Vec<u8> = [
            &[9 << 3 | 1][..],
            &1_f64.to_le_bytes(),
            // The type, in a message of its own.
            &[0xb2, 1, 8, 0x0a, 6],
            b"object",
            // Properties, an entry, its name, its value.
            &[0xca, 1, 10, 0x0a, 8, 0x0a, 1, b'b', 0x12, 3, 0x0a, 1, b'c'],
            // The extension: name, value with YAML.
            &[0xfa, 1, 13, 0x0a, 3, b'x', b'-', b'a', 0x12, 6, 0x12, 4],
            b"true",
        ]
        .concat();
        assert_eq!(message("Schema", &schema), expected);
    }

    #[test]
    fn parameters_say_what_they_are() {
        let reference = message("ParametersItem", &json!({"$ref": "#/parameters/a"}));
        assert_eq!(reference[..4], [0x12, 16, 0x0a, 14]);
        let query = message("ParametersItem", &json!({"in": "query", "name": "a"}));
        // Parameter, that is none in the body, in the query.
        assert_eq!(query[..6], [0x0a, 14, 0x12, 12, 0x1a, 10]);
    }

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        let mut out = Vec::new();
        varint(&mut out, 300);
        assert_eq!(out, [0xac, 2]);
    }
}
