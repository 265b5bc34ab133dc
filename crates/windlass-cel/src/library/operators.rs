//! What operators do, and which types they take. Source: cel-spec, "Operators".

use super::signature::Signature;
use super::{Failure, Outcome, failed};
use crate::syntax::node::Operator;
use crate::value::{Value, compare};
use std::sync::{Arc, OnceLock};

/// The signatures of an operator; empty for equality, which takes any two values of one type.
pub(crate) fn signatures(operator: Operator) -> &'static [Signature] {
    static TABLE: OnceLock<Vec<(Operator, Vec<Signature>)>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let number = ["int, int -> int", "uint, uint -> uint", "double, double -> double"];
        let read = |texts: &[&str]| texts.iter().map(|text| Signature::read(text)).collect::<Vec<_>>();
        let add = [
            "string, string -> string",
            "bytes, bytes -> bytes",
            "list(A), list(A) -> list(A)",
            "duration, duration -> duration",
            "timestamp, duration -> timestamp",
            "duration, timestamp -> timestamp",
        ];
        let subtract = ["duration, duration -> duration", "timestamp, duration -> timestamp", "timestamp, timestamp -> duration"];
        let ordered = [
            "bool, bool -> bool",
            "string, string -> bool",
            "bytes, bytes -> bool",
            "timestamp, timestamp -> bool",
            "duration, duration -> bool",
            "int, int -> bool",
            "int, uint -> bool",
            "int, double -> bool",
            "uint, int -> bool",
            "uint, uint -> bool",
            "uint, double -> bool",
            "double, int -> bool",
            "double, uint -> bool",
            "double, double -> bool",
        ];
        let with = |more: &[&str]| read(&[&number, more].concat());
        vec![
            (Operator::Add, with(&add)),
            (Operator::Subtract, with(&subtract)),
            (Operator::Multiply, with(&[])),
            (Operator::Divide, with(&[])),
            (Operator::Remainder, read(&number[..2])),
            (Operator::Less, read(&ordered)),
            (Operator::LessOrEqual, read(&ordered)),
            (Operator::Greater, read(&ordered)),
            (Operator::GreaterOrEqual, read(&ordered)),
            (Operator::In, read(&["A, list(A) -> bool", "A, map(A, B) -> bool"])),
        ]
    });
    table.iter().find(|(known, _)| *known == operator).map_or(&[], |(_, signatures)| signatures)
}

/// Applies an operator to known values.
pub(crate) fn apply(operator: Operator, left: &Value, right: &Value) -> Outcome {
    match operator {
        Operator::Equal => Ok(compare::equal(left, right).into()),
        Operator::NotEqual => Ok((!compare::equal(left, right)).into()),
        Operator::Less => ordered(left, right, std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => ordered(left, right, std::cmp::Ordering::is_le),
        Operator::Greater => ordered(left, right, std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(left, right, std::cmp::Ordering::is_ge),
        Operator::In => contains(left, right),
        Operator::Add => add(left, right),
        Operator::Subtract => subtract(left, right),
        Operator::Multiply | Operator::Divide | Operator::Remainder => arithmetic(operator, left, right),
    }
}

fn ordered(left: &Value, right: &Value, wanted: fn(std::cmp::Ordering) -> bool) -> Outcome {
    match compare::order(left, right) {
        Some(order) => Ok(wanted(order).into()),
        None if matches!((left, right), (Value::Double(_), _) | (_, Value::Double(_))) && is_number(left) && is_number(right) => {
            Ok(false.into())
        }
        None => Err(Failure::NoOverload),
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_))
}

fn contains(item: &Value, container: &Value) -> Outcome {
    match container {
        Value::List(items) => Ok(items.iter().any(|known| compare::equal(item, known)).into()),
        Value::Map(entries) => Ok(compare::contains_key(entries, item).into()),
        _ => Err(Failure::NoOverload),
    }
}

fn add(left: &Value, right: &Value) -> Outcome {
    Ok(match (left, right) {
        (Value::String(a), Value::String(b)) => Value::String(format!("{a}{b}").into()),
        (Value::Bytes(a), Value::Bytes(b)) => Value::Bytes([a.as_ref(), b.as_ref()].concat().into()),
        (Value::List(a), Value::List(b)) => Value::List(Arc::new(a.iter().chain(b.iter()).cloned().collect())),
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(a.checked_add(*b).ok_or_else(overflow)?),
        (Value::Timestamp(at), Value::Duration(by)) | (Value::Duration(by), Value::Timestamp(at)) => {
            Value::Timestamp(super::time::shifted(*at, *by)?)
        }
        _ => return arithmetic(Operator::Add, left, right),
    })
}

fn subtract(left: &Value, right: &Value) -> Outcome {
    Ok(match (left, right) {
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(super::time::bounded(a.checked_sub(*b).ok_or_else(overflow)?)?),
        (Value::Timestamp(at), Value::Duration(by)) => Value::Timestamp(super::time::shifted(*at, by.checked_neg().ok_or_else(overflow)?)?),
        (Value::Timestamp(a), Value::Timestamp(b)) => Value::Duration(super::time::bounded(a.duration_since(*b))?),
        _ => return arithmetic(Operator::Subtract, left, right),
    })
}

fn overflow() -> Failure {
    Failure::Failed("the number is too large".to_owned())
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Outcome {
    let zero = matches!(right, Value::Int(0) | Value::Uint(0)) && matches!(left, Value::Int(_) | Value::Uint(_));
    if zero && matches!(operator, Operator::Divide | Operator::Remainder) {
        return failed(if operator == Operator::Divide { "division by zero" } else { "modulus by zero" });
    }
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => {
            let result = match operator {
                Operator::Add => a.checked_add(*b),
                Operator::Subtract => a.checked_sub(*b),
                Operator::Multiply => a.checked_mul(*b),
                Operator::Divide => a.checked_div(*b),
                Operator::Remainder => a.checked_rem(*b),
                _ => return Err(Failure::NoOverload),
            };
            result.map(Value::Int).ok_or_else(overflow)
        }
        (Value::Uint(a), Value::Uint(b)) => {
            let result = match operator {
                Operator::Add => a.checked_add(*b),
                Operator::Subtract => a.checked_sub(*b),
                Operator::Multiply => a.checked_mul(*b),
                Operator::Divide => a.checked_div(*b),
                Operator::Remainder => a.checked_rem(*b),
                _ => return Err(Failure::NoOverload),
            };
            result.map(Value::Uint).ok_or_else(overflow)
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
            _ => return Err(Failure::NoOverload),
        })),
        _ => Err(Failure::NoOverload),
    }
}

/// `-value`.
pub(crate) fn negate(value: &Value) -> Outcome {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Double(value) => Ok(Value::Double(-value)),
        _ => Err(Failure::NoOverload),
    }
}
