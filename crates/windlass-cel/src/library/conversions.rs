//! From one type to another, sizes and types. Source: cel-spec, "Standard Definitions".

use super::{Failure, Outcome, Row, failed, global, member};
use crate::types::Type;
use crate::value::{Value, compare};
use std::sync::Arc;

pub(super) const ROWS: &[Row] = &[
    global("int", &["int -> int", "uint -> int", "double -> int", "string -> int", "timestamp -> int"], int),
    global("uint", &["uint -> uint", "int -> uint", "double -> uint", "string -> uint"], uint),
    global("double", &["double -> double", "int -> double", "uint -> double", "string -> double"], double),
    global("bool", &["bool -> bool", "string -> bool"], boolean),
    global(
        "string",
        &[
            "string -> string",
            "bool -> string",
            "int -> string",
            "uint -> string",
            "double -> string",
            "bytes -> string",
            "timestamp -> string",
            "duration -> string",
            "ip -> string",
            "cidr -> string",
            "semver -> string",
        ],
        string,
    ),
    global("bytes", &["bytes -> bytes", "string -> bytes"], bytes),
    global("dyn", &["A -> dyn"], |arguments| first(arguments).cloned()),
    global("type", &["A -> type(A)"], |arguments| Ok(Value::Type(Arc::new(first(arguments)?.type_of())))),
    global("size", &["string -> int", "bytes -> int", "list(A) -> int", "map(A, B) -> int"], size),
    member("size", &["string -> int", "bytes -> int", "list(A) -> int", "map(A, B) -> int"], size),
];

pub(super) fn first(arguments: &[Value]) -> Result<&Value, Failure> {
    arguments.first().ok_or(Failure::NoOverload)
}

fn range<T>(what: &str) -> Result<T, Failure> {
    failed(format!("the number is out of the range of {what}"))
}

fn int(arguments: &[Value]) -> Outcome {
    Ok(Value::Int(match first(arguments)? {
        Value::Int(value) => *value,
        Value::Uint(value) => i64::try_from(*value).or_else(|_| range("int"))?,
        // The edge itself is not an int, and the nearest double below it is.
        Value::Double(value) if value.trunc().abs() < 2_f64.powi(63) => value.trunc() as i64,
        Value::Double(_) => return range("int"),
        Value::String(text) => text.parse().or_else(|_| failed(format!("`{text}` is no int")))?,
        Value::Timestamp(at) => at.as_second(),
        _ => return Err(Failure::NoOverload),
    }))
}

fn uint(arguments: &[Value]) -> Outcome {
    Ok(Value::Uint(match first(arguments)? {
        Value::Uint(value) => *value,
        Value::Int(value) => u64::try_from(*value).or_else(|_| range("uint"))?,
        Value::Double(value) if value.trunc() >= 0.0 && value.trunc() < 2_f64.powi(64) => value.trunc() as u64,
        Value::Double(_) => return range("uint"),
        Value::String(text) => text.parse().or_else(|_| failed(format!("`{text}` is no uint")))?,
        _ => return Err(Failure::NoOverload),
    }))
}

fn double(arguments: &[Value]) -> Outcome {
    Ok(Value::Double(match first(arguments)? {
        Value::Double(value) => *value,
        Value::Int(value) => *value as f64,
        Value::Uint(value) => *value as f64,
        Value::String(text) => text.parse().or_else(|_| failed(format!("`{text}` is no double")))?,
        _ => return Err(Failure::NoOverload),
    }))
}

fn boolean(arguments: &[Value]) -> Outcome {
    Ok(Value::Bool(match first(arguments)? {
        Value::Bool(value) => *value,
        Value::String(text) => match text.as_ref() {
            "1" | "t" | "true" | "T" | "TRUE" | "True" => true,
            "0" | "f" | "false" | "F" | "FALSE" | "False" => false,
            _ => return failed(format!("`{text}` is no bool")),
        },
        _ => return Err(Failure::NoOverload),
    }))
}

fn string(arguments: &[Value]) -> Outcome {
    Ok(Value::from(match first(arguments)? {
        Value::String(text) => return Ok(Value::String(Arc::clone(text))),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => double_text(*value),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).or_else(|_| failed("the bytes are no UTF-8 text"))?,
        Value::Timestamp(at) => super::time::timestamp_text(*at),
        Value::Duration(length) => super::time::duration_text(*length),
        Value::Extension(extension) => extension.to_string(),
        _ => return Err(Failure::NoOverload),
    }))
}

/// The shortest text that reads back as the same number; whole ones without a fraction, very large and small ones with an exponent.
pub(super) fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let exponent = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    if (-4.0..21.0).contains(&exponent) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
            format!("{digits}e{sign}{power:0>2}")
        }
        None => text,
    }
}

fn bytes(arguments: &[Value]) -> Outcome {
    Ok(match first(arguments)? {
        Value::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
        Value::String(text) => Value::Bytes(text.as_bytes().into()),
        _ => return Err(Failure::NoOverload),
    })
}

fn size(arguments: &[Value]) -> Outcome {
    let size = match first(arguments)? {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        _ => return Err(Failure::NoOverload),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| Failure::TooLarge)
}

/// The type that a name stands for, as in `type(1) == int`.
pub(crate) fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "null_type" => Type::Null,
        "type" => Type::Type(Box::new(Type::Dyn)),
        "optional_type" => Type::Dyn.optional(),
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        "net.IP" => Type::Ip,
        "net.CIDR" => Type::Cidr,
        "kubernetes.Semver" => Type::Semver,
        "kubernetes.Quantity" => Type::Quantity,
        _ => return None,
    })
}

/// Whether two types are one, however much is known of what is in them.
pub(crate) fn same_type(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::List(_), Type::List(_)) | (Type::Optional(_), Type::Optional(_)) | (Type::Type(_), Type::Type(_)) => true,
        (Type::Map(..) | Type::Object(_), Type::Map(..) | Type::Object(_)) => true,
        (a, b) => a == b,
    }
}

/// Largest number of bytes that a value holds at its top level, for limits.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len() * size_of::<Value>(),
        Value::Map(entries) => entries.len() * 2 * size_of::<Value>(),
        _ => 0,
    }
}

/// Whether an index is a whole number, and which.
pub(crate) fn index(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Uint(value) => i64::try_from(*value).ok(),
        Value::Double(value) => compare::whole(*value).and_then(|whole| i64::try_from(whole).ok()),
        _ => None,
    }
}
