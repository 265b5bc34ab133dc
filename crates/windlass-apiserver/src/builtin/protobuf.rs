//! Kubernetes' protobuf bodies as JSON values: kubectl from 1.32 and Go controllers send built-in kinds in this form.
//!
//! Table-driven; the tables (`assets/protobuf.tsv`) come from the struct tags of Kubernetes' Go types. Answers are never
//! protobuf. Input is hostile: depth and lengths are checked. Start with [`decode`].
//! Sources: protobuf's wire format, `k8s.io/apimachinery/pkg/runtime/serializer/protobuf`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../../assets/protobuf.tsv");

/// Every body begins with it.
pub const MAGIC: &[u8] = b"k8s\0";

/// Content type of such bodies, without parameters.
pub const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAX_DEPTH: usize = 64;

/// Why a body is not understood. Status 400, but 415 for [`ProtobufError::Kind`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProtobufError {
    /// The body does not begin as it must.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Magic,
    /// The body ends within a field, or a field has a form that its type does not have.
    #[error("the body is not well-formed protobuf: {0}")]
    Malformed(&'static str),
    /// No table for this kind.
    #[error("no protobuf form is known for kind `{0}`\n  hint: send it as application/json")]
    Kind(String),
}

struct Field {
    name: &'static str,
    type_name: &'static str,
    inline: bool,
    map: bool,
    omitted: bool,
    pointer: bool,
    repeated: bool,
}

type Fields = HashMap<u64, Field>;

static MESSAGES: LazyLock<HashMap<&'static str, Fields>> = LazyLock::new(|| {
    let mut messages: HashMap<&str, Fields> = HashMap::new();
    let mut current = "";
    for line in TABLE.lines() {
        if let Some(name) = line.strip_prefix("message ") {
            current = name;
            messages.entry(name).or_default();
            continue;
        }
        let parts: Vec<&str> = line.split('\t').collect();
        let [number, name, type_name, flags] = parts.as_slice() else { continue };
        let Ok(number) = number.parse() else { continue };
        let field = Field {
            name,
            type_name,
            inline: flags.contains('i'),
            map: flags.contains('m'),
            omitted: flags.contains('o'),
            pointer: flags.contains('p'),
            repeated: flags.contains('r'),
        };
        messages.entry(current).or_default().insert(number, field);
    }
    messages
});

/// Decodes a body to the JSON form of the object in it, with `apiVersion` and `kind`.
///
/// # Errors
/// See [`ProtobufError`].
pub fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = body.strip_prefix(MAGIC).ok_or(ProtobufError::Magic)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), Vec::new());
    let mut reader = Reader { bytes: envelope };
    while let Some((number, wire)) = reader.field()? {
        match (number, wire) {
            (1, Wire::Bytes(type_meta)) => {
                let mut reader = Reader { bytes: type_meta };
                while let Some(field) = reader.field()? {
                    match field {
                        (1, Wire::Bytes(text)) => api_version = utf8(text)?,
                        (2, Wire::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes.to_vec(),
            _ => {}
        }
    }
    let message = message_of(&api_version, &kind).ok_or_else(|| ProtobufError::Kind(kind.clone()))?;
    let mut object = Map::from_iter([("apiVersion".to_owned(), json!(api_version)), ("kind".to_owned(), json!(kind))]);
    message_into(message, &raw, &mut object, 0)?;
    Ok(Value::Object(object))
}

/// Whether Go leaves a field of this OpenAPI component out when it has this value; none where no table tells.
pub(super) fn leaves_out(component: &str, field: &str, value: &Value) -> Option<bool> {
    let fields = MESSAGES.get(message_of_component(component)?.as_str())?;
    let found = fields.values().find(|known| known.name == field).or_else(|| {
        let inline = fields.values().filter(|known| known.inline);
        inline.filter_map(|known| MESSAGES.get(known.type_name)).flat_map(HashMap::values).find(|known| known.name == field)
    })?;
    let is_struct = found.type_name.contains('.') && !found.map && !found.repeated;
    Some(found.omitted && !found.pointer && !is_struct && is_zero(value))
}

/// The table's name for an OpenAPI component.
fn message_of_component(component: &str) -> Option<String> {
    let (package, name) = component.rsplit_once('.')?;
    let (group, version) = package.rsplit_once('.')?;
    Some(format!("{}/{version}.{name}", group.rsplit('.').next()?))
}

/// Adds what an object of this OpenAPI component has before anybody filled anything in.
pub(crate) fn write_zero(component: &str, map: &mut Map<String, Value>) {
    if let Some(message) = message_of_component(component) {
        write_out(&message, map, true);
    }
}

/// Adds what Go always writes: empty structs and zero values of fields that are neither pointers nor left out when
/// zero. With `nulls` also null for lists, maps and pointers, as in an object that nobody has filled in.
pub(super) fn write_out(message: &str, map: &mut Map<String, Value>, nulls: bool) {
    let Some(fields) = MESSAGES.get(message) else { return };
    for field in fields.values() {
        if field.inline {
            write_out(field.type_name, map, nulls);
            continue;
        }
        let known = MESSAGES.contains_key(field.type_name) && !field.map;
        if let Some(value) = zero(field, known, nulls) {
            map.entry(field.name).or_insert(value);
        }
        match map.get_mut(field.name) {
            Some(Value::Object(inner)) if known => write_out(field.type_name, inner, nulls),
            Some(Value::Array(list)) if known => {
                list.iter_mut().filter_map(Value::as_object_mut).for_each(|inner| write_out(field.type_name, inner, nulls));
            }
            _ => {}
        }
    }
}

/// What Go writes for a field that is not set.
fn zero(field: &Field, known: bool, nulls: bool) -> Option<Value> {
    let boxed = field.pointer || field.repeated || field.map;
    match (boxed, field.type_name) {
        (false, _) if known => Some(json!({})),
        _ if field.omitted => None,
        (true, _) => nulls.then_some(Value::Null),
        (false, "string") => Some(json!("")),
        (false, "int") => Some(json!(0)),
        (false, "bool") => Some(json!(false)),
        (false, _) => nulls.then_some(Value::Null),
    }
}

/// The table's name for a kind.
pub(super) fn message_of(api_version: &str, kind: &str) -> Option<&'static str> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("core", api_version));
    let group = group.split('.').next().unwrap_or_default();
    // Options travel under the group that they are for.
    [format!("{group}/{version}.{kind}"), format!("meta/v1.{kind}")]
        .iter()
        .find_map(|name| MESSAGES.get_key_value(name.as_str()))
        .map(|(name, _)| *name)
}

fn message_into(message: &str, bytes: &[u8], out: &mut Map<String, Value>, depth: usize) -> Result<(), ProtobufError> {
    if depth > MAX_DEPTH {
        return Err(ProtobufError::Malformed("nested too deep"));
    }
    let Some(fields) = MESSAGES.get(message) else { return Ok(()) };
    let mut reader = Reader { bytes };
    while let Some((number, wire)) = reader.field()? {
        let Some(field) = fields.get(&number) else { continue };
        match (field.inline, field.map, field.repeated, wire) {
            (true, _, _, Wire::Bytes(bytes)) => message_into(field.type_name, bytes, out, depth + 1)?,
            (_, true, _, Wire::Bytes(bytes)) => {
                let (key, value) = entry(field, bytes, depth)?;
                if let Value::Object(map) = out.entry(field.name).or_insert_with(|| json!({})) {
                    map.insert(key, value);
                }
            }
            (_, _, true, wire) => {
                let list = out.entry(field.name).or_insert_with(|| json!([]));
                for wire in unpacked(field, wire)? {
                    let item = value(field.type_name, &wire, depth)?;
                    if let Value::Array(list) = list {
                        list.push(item);
                    }
                }
            }
            (_, _, _, wire) => {
                let value = value(field.type_name, &wire, depth)?;
                if field.pointer || !is_zero(&value) {
                    out.insert(field.name.to_owned(), value);
                }
            }
        }
    }
    Ok(())
}

/// Whether a value that is not behind a pointer means "not set".
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Lists of numbers may stand packed in one field.
fn unpacked<'a>(field: &Field, wire: Wire<'a>) -> Result<Vec<Wire<'a>>, ProtobufError> {
    match wire {
        Wire::Bytes(bytes) if ["int", "bool"].contains(&field.type_name) => {
            let mut reader = Reader { bytes };
            let mut numbers = Vec::new();
            while !reader.bytes.is_empty() {
                numbers.push(Wire::Number(reader.number()?));
            }
            Ok(numbers)
        }
        wire => Ok(vec![wire]),
    }
}

fn entry(field: &Field, bytes: &[u8], depth: usize) -> Result<(String, Value), ProtobufError> {
    let mut reader = Reader { bytes };
    let (mut key, mut found) = (String::new(), value(field.type_name, &Wire::Bytes(&[]), depth)?);
    while let Some((number, wire)) = reader.field()? {
        match (number, wire) {
            (1, Wire::Bytes(text)) => key = utf8(text)?,
            (2, wire) => found = value(field.type_name, &wire, depth)?,
            _ => {}
        }
    }
    Ok((key, found))
}

fn value(type_name: &str, wire: &Wire<'_>, depth: usize) -> Result<Value, ProtobufError> {
    if depth > MAX_DEPTH {
        return Err(ProtobufError::Malformed("nested too deep"));
    }
    match (type_name, wire) {
        ("string", Wire::Bytes(bytes)) => utf8(bytes).map(Value::String),
        ("bytes", Wire::Bytes(bytes)) => Ok(Value::String(base64(bytes))),
        ("bool", Wire::Number(number)) => Ok(Value::Bool(*number != 0)),
        ("int", Wire::Number(number)) => Ok(json!(number.cast_signed())),
        ("double", Wire::Fixed(bits)) => Ok(json!(f64::from_bits(*bits))),
        ("bool" | "int" | "double", Wire::Bytes([])) => Ok(Value::Null),
        ("meta/v1.Time", Wire::Bytes(bytes)) => time(bytes, false),
        ("meta/v1.MicroTime", Wire::Bytes(bytes)) => time(bytes, true),
        ("meta/v1.Duration", Wire::Bytes(bytes)) => Ok(json!(format!("{}ns", first_number(bytes)?.cast_signed()))),
        ("meta/v1.FieldsV1" | "runtime.RawExtension", Wire::Bytes(bytes)) => raw_json(bytes),
        ("apiextensions/v1.JSON", Wire::Bytes(bytes)) => raw_json(bytes),
        (choice, Wire::Bytes(bytes)) if choice.starts_with("apiextensions/v1.JSONSchemaPropsOr") => schema_or_flag(bytes, depth),
        ("resource.Quantity", Wire::Bytes(bytes)) => Ok(Value::String(utf8(first_bytes(bytes)?)?)),
        ("intstr.IntOrString", Wire::Bytes(bytes)) => int_or_string(bytes),
        (message, Wire::Bytes(bytes)) if MESSAGES.contains_key(message) => {
            let mut map = Map::new();
            message_into(message, bytes, &mut map, depth + 1)?;
            // A list under a name of its own.
            let is_list =
                MESSAGES.get(message).is_some_and(|fields| fields.len() == 1 && fields.get(&1).is_some_and(|field| field.name == "items"));
            Ok(if is_list { map.shift_remove("items").unwrap_or_else(|| json!([])) } else { Value::Object(map) })
        }
        _ => Err(ProtobufError::Malformed("a field has another form than its type")),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::Malformed("a text is not UTF-8"))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The content of the first field of a message with one bytes field.
fn first_bytes(bytes: &[u8]) -> Result<&[u8], ProtobufError> {
    let mut reader = Reader { bytes };
    while let Some(field) = reader.field()? {
        if let (1, Wire::Bytes(content)) = field {
            return Ok(content);
        }
    }
    Ok(&[])
}

fn first_number(bytes: &[u8]) -> Result<u64, ProtobufError> {
    match (Reader { bytes }).field()? {
        Some((1, Wire::Number(number))) => Ok(number),
        _ => Ok(0),
    }
}

fn raw_json(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let raw = first_bytes(bytes)?;
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(raw).map_err(|_| ProtobufError::Malformed("embedded JSON is not well-formed"))
}

fn time(bytes: &[u8], micro: bool) -> Result<Value, ProtobufError> {
    let (mut seconds, mut nanos) = (None, 0);
    let mut reader = Reader { bytes };
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Number(number)) => seconds = Some(number.cast_signed()),
            (2, Wire::Number(number)) => nanos = i32::try_from(number).unwrap_or_default(),
            _ => {}
        }
    }
    let Some(seconds) = seconds else { return Ok(Value::Null) };
    let out_of_range = |_| ProtobufError::Malformed("a time is out of range");
    let timestamp = Timestamp::new(seconds, if micro { nanos } else { 0 }).map_err(out_of_range)?;
    let format = if micro { "%Y-%m-%dT%H:%M:%S.%6fZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
    Ok(Value::String(timestamp.strftime(format).to_string()))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    let mut reader = Reader { bytes };
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Number(sort)) => is_text = sort == 1,
            (2, Wire::Number(value)) => number = value.cast_signed(),
            (3, Wire::Bytes(value)) => text = utf8(value)?,
            _ => {}
        }
    }
    Ok(if is_text { Value::String(text) } else { json!(number) })
}

/// A schema, or a flag in its place. Lists in its place are forbidden in definitions and not read.
fn schema_or_flag(bytes: &[u8], depth: usize) -> Result<Value, ProtobufError> {
    let mut found = Value::Null;
    let mut reader = Reader { bytes };
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Number(flag)) if found.is_null() => found = Value::Bool(flag != 0),
            (1 | 2, wire @ Wire::Bytes(_)) => found = value("apiextensions/v1.JSONSchemaProps", &wire, depth + 1)?,
            _ => {}
        }
    }
    Ok(found)
}

/// A field's content as the wire has it.
enum Wire<'a> {
    Number(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next field's number and content; none at the end.
    fn field(&mut self) -> Result<Option<(u64, Wire<'a>)>, ProtobufError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.number()?),
            1 => Wire::Fixed(self.fixed(8)?),
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| ProtobufError::Malformed("a length is too large"))?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed(self.fixed(4)?),
            _ => return Err(ProtobufError::Malformed("unknown wire type")),
        };
        Ok(Some((tag >> 3, wire)))
    }

    fn number(&mut self) -> Result<u64, ProtobufError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.bytes.split_first().ok_or(ProtobufError::Malformed("a number is cut off"))?;
            self.bytes = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(ProtobufError::Malformed("a number is too long"))
    }

    fn fixed(&mut self, length: usize) -> Result<u64, ProtobufError> {
        let bytes = self.take(length)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ProtobufError> {
        if length > self.bytes.len() {
            return Err(ProtobufError::Malformed("a field is cut off"));
        }
        let (taken, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Ok(taken)
    }
}
