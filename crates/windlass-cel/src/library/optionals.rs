//! Values that may be missing. Source: cel-spec, "Optionals" extension.

use super::conversions::first;
use super::{Failure, Outcome, Row, failed, global, member};
use crate::value::Value;

pub(super) const ROWS: &[Row] = &[
    global("optional.of", &["A -> optional(A)"], |arguments| Ok(first(arguments)?.clone().some())),
    global("optional.ofNonZeroValue", &["A -> optional(A)"], |arguments| {
        let value = first(arguments)?;
        Ok(if is_zero(value) { Value::NONE } else { value.clone().some() })
    }),
    global("optional.none", &["-> optional(A)"], |_| Ok(Value::NONE)),
    global("optional.unwrap", &["list(optional(A)) -> list(A)"], unwrap),
    member("unwrapOpt", &["list(optional(A)) -> list(A)"], unwrap),
    member("hasValue", &["optional(A) -> bool"], |arguments| Ok(inner(arguments)?.is_some().into())),
    member("value", &["optional(A) -> A"], |arguments| match inner(arguments)? {
        Some(value) => Ok(value.clone()),
        None => failed("the optional value is not there"),
    }),
    member("or", &["optional(A), optional(A) -> optional(A)"], |arguments| {
        let other = arguments.get(1).ok_or(Failure::NoOverload)?;
        Ok(if inner(arguments)?.is_some() { first(arguments)?.clone() } else { other.clone() })
    }),
    member("orValue", &["optional(A), A -> A"], |arguments| {
        let other = arguments.get(1).ok_or(Failure::NoOverload)?;
        Ok(inner(arguments)?.unwrap_or(other).clone())
    }),
];

fn inner(arguments: &[Value]) -> Result<Option<&Value>, Failure> {
    match first(arguments)? {
        Value::Optional(inner) => Ok(inner.as_deref()),
        _ => Err(Failure::NoOverload),
    }
}

fn unwrap(arguments: &[Value]) -> Outcome {
    let Value::List(items) = first(arguments)? else { return Err(Failure::NoOverload) };
    let mut found = Vec::new();
    for item in items.iter() {
        match item {
            Value::Optional(inner) => found.extend(inner.as_deref().cloned()),
            _ => return Err(Failure::NoOverload),
        }
    }
    Ok(found.into())
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Optional(None) => true,
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Duration(length) => length.is_zero(),
        _ => false,
    }
}
