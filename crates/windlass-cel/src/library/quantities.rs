//! Amounts such as `500Mi`. Source: the Kubernetes CEL library `quantity`.

use super::conversions::first;
use super::{Failure, Outcome, Row, failed, global, member};
use crate::value::{Quantity, Value};
use std::cmp::Ordering;

pub(super) const ROWS: &[Row] = &[
    global("quantity", &["string -> quantity"], |arguments| {
        let text = text(arguments)?;
        Quantity::parse(text)
            .map(Value::Quantity)
            .ok_or_else(|| Failure::Failed(format!("`{text}` is no amount such as `500Mi`; unable to parse quantity's suffix")))
    }),
    global("isQuantity", &["string -> bool"], |arguments| Ok(Quantity::parse(text(arguments)?).is_some().into())),
    member("isInteger", &["quantity -> bool"], |arguments| Ok(this(arguments)?.as_integer().is_some().into())),
    member("asInteger", &["quantity -> int"], |arguments| match this(arguments)?.as_integer() {
        Some(value) => Ok(Value::Int(value)),
        None => failed("cannot convert value to integer"),
    }),
    member("asApproximateFloat", &["quantity -> double"], |arguments| Ok(Value::Double(this(arguments)?.as_double()))),
    member("sign", &["quantity -> int"], |arguments| Ok(Value::Int(this(arguments)?.sign()))),
    member("add", &["quantity, quantity -> quantity", "quantity, int -> quantity"], |arguments| sum(arguments, Quantity::plus)),
    member("sub", &["quantity, quantity -> quantity", "quantity, int -> quantity"], |arguments| sum(arguments, Quantity::minus)),
];

fn text(arguments: &[Value]) -> Result<&str, Failure> {
    match first(arguments)? {
        Value::String(text) => Ok(text),
        _ => Err(Failure::NoOverload),
    }
}

fn this(arguments: &[Value]) -> Result<&Quantity, Failure> {
    match first(arguments)? {
        Value::Quantity(quantity) => Ok(quantity),
        _ => Err(Failure::NoOverload),
    }
}

fn sum(arguments: &[Value], operation: fn(&Quantity, &Quantity) -> Option<Quantity>) -> Outcome {
    let other = match arguments.get(1) {
        Some(Value::Quantity(other)) => *other,
        Some(Value::Int(other)) => Quantity::whole(*other),
        _ => return Err(Failure::NoOverload),
    };
    operation(this(arguments)?, &other).map(Value::Quantity).ok_or_else(|| Failure::Failed("the amount is too large".to_owned()))
}

/// Order of two amounts or two versions, as -1, 0 or 1.
pub(super) fn compared(order: Ordering) -> Value {
    Value::Int(match order {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    })
}
