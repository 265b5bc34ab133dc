//! Lists. Source: the Kubernetes CEL library `lists`, cel-go `ext.Lists`.

use super::conversions::{first, index};
use super::{Failure, Outcome, Row, failed, global, member};
use crate::value::{Value, compare};
use std::cmp::Ordering;

/// How many items `lists.range` makes at most.
const LONGEST: i64 = 100_000;

pub(super) const ROWS: &[Row] = &[
    member("isSorted", &["list(A) -> bool"], |arguments| {
        let items = items(arguments)?;
        let mut sorted = true;
        for pair in items.windows(2) {
            sorted &= ordered(&pair[0], &pair[1])? != Ordering::Greater;
        }
        Ok(sorted.into())
    }),
    member("sum", &["list(int) -> int", "list(uint) -> uint", "list(double) -> double", "list(duration) -> duration"], sum),
    member("min", &["list(A) -> A"], |arguments| extreme(arguments, Ordering::Less)),
    member("max", &["list(A) -> A"], |arguments| extreme(arguments, Ordering::Greater)),
    member("slice", &["list(A), int, int -> list(A)"], slice),
    member("flatten", &["list(list(A)) -> list(A)", "list(dyn), int -> list(dyn)"], flatten),
    member("distinct", &["list(A) -> list(A)"], |arguments| {
        let mut kept: Vec<Value> = Vec::new();
        for item in items(arguments)? {
            if !kept.iter().any(|known| compare::equal(known, item)) {
                kept.push(item.clone());
            }
        }
        Ok(kept.into())
    }),
    member("sort", &["list(A) -> list(A)"], |arguments| {
        let keys = items(arguments)?.to_vec();
        sorted(keys.clone(), &keys)
    }),
    member("first", &["list(A) -> optional(A)"], |arguments| Ok(items(arguments)?.first().map_or(Value::NONE, |item| item.clone().some()))),
    member("last", &["list(A) -> optional(A)"], |arguments| Ok(items(arguments)?.last().map_or(Value::NONE, |item| item.clone().some()))),
    global("lists.range", &["int -> list(int)"], |arguments| match first(arguments)? {
        Value::Int(count) if *count <= LONGEST => Ok((0..*count).map(Value::Int).collect::<Vec<_>>().into()),
        Value::Int(_) => Err(Failure::TooLarge),
        _ => Err(Failure::NoOverload),
    }),
    global("lists.setAtIndex", &["list(A), int, A -> list(A)"], |arguments| {
        changed(arguments, false, |items, at, value| {
            if let (Some(item), Some(value)) = (items.get_mut(at), value) {
                *item = value;
            }
        })
    }),
    global("lists.insertAtIndex", &["list(A), int, A -> list(A)"], |arguments| {
        changed(arguments, true, |items, at, value| {
            items.splice(at..at, value);
        })
    }),
    global("lists.removeAtIndex", &["list(A), int -> list(A)"], |arguments| {
        changed(arguments, false, |items, at, _| {
            items.remove(at);
        })
    }),
];

fn items(arguments: &[Value]) -> Result<&[Value], Failure> {
    match first(arguments)? {
        Value::List(items) => Ok(items),
        _ => Err(Failure::NoOverload),
    }
}

fn ordered(a: &Value, b: &Value) -> Result<Ordering, Failure> {
    compare::order(a, b).ok_or(Failure::NoOverload)
}

fn sum(arguments: &[Value]) -> Outcome {
    let items = items(arguments)?;
    let mut total = match items.first() {
        None => return Ok(Value::Int(0)),
        Some(first) => first.clone(),
    };
    for item in &items[1..] {
        total = super::operators::apply(crate::syntax::node::Operator::Add, &total, item)?;
    }
    Ok(total)
}

fn extreme(arguments: &[Value], wanted: Ordering) -> Outcome {
    let items = items(arguments)?;
    let Some(mut best) = items.first() else { return failed("the list is empty") };
    for item in &items[1..] {
        if ordered(item, best)? == wanted {
            best = item;
        }
    }
    Ok(best.clone())
}

pub(super) fn index_of(arguments: &[Value], last: bool) -> Outcome {
    let wanted = arguments.get(1).ok_or(Failure::NoOverload)?;
    let items = items(arguments)?;
    let is = |item: &Value| compare::equal(item, wanted);
    let found = if last { items.iter().rposition(is) } else { items.iter().position(is) };
    Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

fn slice(arguments: &[Value]) -> Outcome {
    let items = items(arguments)?;
    let bound = |at: usize| arguments.get(at).and_then(index).ok_or(Failure::NoOverload);
    let (start, end) = (bound(1)?, bound(2)?);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range.and_then(|(start, end)| items.get(start..end)) {
        Some(part) => Ok(part.to_vec().into()),
        None => failed(format!("cannot slice({start}, {end}) of a list of {} items", items.len())),
    }
}

fn flatten(arguments: &[Value]) -> Outcome {
    let depth = match arguments.get(1) {
        None => 1,
        Some(Value::Int(depth)) if *depth >= 0 => *depth,
        Some(Value::Int(_)) => return failed("level must be non-negative"),
        Some(_) => return Err(Failure::NoOverload),
    };
    let mut flat = Vec::new();
    flatten_into(items(arguments)?, depth, &mut flat);
    Ok(flat.into())
}

fn flatten_into(items: &[Value], depth: i64, flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::List(inner) if depth > 0 => flatten_into(inner, depth - 1, flat),
            other => flat.push(other.clone()),
        }
    }
}

/// The items in the order of their keys; equal keys keep their order.
pub(crate) fn sorted(items: Vec<Value>, keys: &[Value]) -> Outcome {
    for pair in keys.windows(2) {
        ordered(&pair[0], &pair[1])?;
    }
    let mut pairs: Vec<(Value, &Value)> = items.into_iter().zip(keys).collect();
    pairs.sort_by(|(_, a), (_, b)| compare::order(a, b).unwrap_or(Ordering::Equal));
    Ok(pairs.into_iter().map(|(item, _)| item).collect::<Vec<_>>().into())
}

fn changed(arguments: &[Value], end_too: bool, change: fn(&mut Vec<Value>, usize, Option<Value>)) -> Outcome {
    let mut items = items(arguments)?.to_vec();
    let at = arguments.get(1).and_then(index).ok_or(Failure::NoOverload)?;
    let most = items.len() + usize::from(end_too);
    match usize::try_from(at) {
        Ok(at) if at < most => {
            change(&mut items, at, arguments.get(2).cloned());
            Ok(items.into())
        }
        _ => failed(format!("index out of bounds: {at}, the list has {} items", items.len())),
    }
}
