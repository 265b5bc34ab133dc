//! Equality and order as the language has them: numbers of different kinds compare by their value.

use super::{Key, Value};
use crate::library::conversions::same_type;
use std::cmp::Ordering;

/// The whole number that a double is, if it is one.
pub(crate) fn whole(value: f64) -> Option<i128> {
    (value.is_finite() && value.fract() == 0.0 && value.abs() < 1e30).then_some(value as i128)
}

/// Order of two numbers of any kind; `None` where one is no number or NaN.
fn numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => with_double(a, double(b)?),
        (None, Some(b)) => with_double(b, double(a)?).map(Ordering::reverse),
        (None, None) => double(a)?.partial_cmp(&double(b)?),
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some((*value).into()),
        Value::Uint(value) => Some((*value).into()),
        _ => None,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(value) => Some(*value),
        _ => None,
    }
}

/// Without losing digits: a double beyond the whole numbers decides by its sign.
fn with_double(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    if b.abs() >= 1e30 {
        return Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let floor = b.floor();
    Some(a.cmp(&(floor as i128)).then(if b > floor { Ordering::Less } else { Ordering::Equal }))
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_))
}

/// Whether two values are equal.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        _ if is_number(a) && is_number(b) => numbers(a, b) == Some(Ordering::Equal),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Optional(Some(a)), Value::Optional(Some(b))) => equal(a, b),
        (Value::Type(a), Value::Type(b)) => same_type(a, b),
        _ => a == b,
    }
}

/// The order of two values; `None` where they have none.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (Value::Quantity(a), Value::Quantity(b)) => Some(a.cmp(b)),
        _ => numbers(a, b),
    }
}

/// Whether a value is a key of a map.
pub(crate) fn contains_key(entries: &indexmap::IndexMap<Key, Value>, key: &Value) -> bool {
    Key::finding(key).is_some_and(|key| entries.contains_key(&key))
}

#[cfg(test)]
mod tests {
    use super::{equal, order};
    use crate::value::Value;
    use std::cmp::Ordering;

    #[test]
    fn numbers_compare_by_value() {
        assert!(equal(&Value::Int(1), &Value::Double(1.0)));
        assert!(equal(&Value::Uint(u64::MAX), &Value::Uint(u64::MAX)));
        assert!(!equal(&Value::Int(i64::MAX), &Value::Double(2_f64.powi(63))));
        assert_eq!(order(&Value::Int(-1), &Value::Uint(1)), Some(Ordering::Less));
        assert_eq!(order(&Value::Int(1), &Value::Double(1.5)), Some(Ordering::Less));
        assert_eq!(order(&Value::Double(f64::INFINITY), &Value::Int(i64::MAX)), Some(Ordering::Greater));
        assert_eq!(order(&Value::Double(f64::NAN), &Value::Int(1)), None);
        assert!(!equal(&Value::Int(1), &Value::Bool(true)));
    }
}
