//! Evaluates templates over JSON. A field that is missing is nothing, or an error where the caller wants one.

use super::{Node, Piece, Results};
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

type Found<'a> = Vec<Cow<'a, Value>>;

pub(super) struct Evaluation {
    pub(super) missing_allowed: bool,
}

impl Evaluation {
    pub(super) fn pieces<'a>(&self, pieces: &'a [Piece], value: &'a Value) -> Result<Results<'a>, String> {
        self.collect(pieces, &Cow::Borrowed(value))
    }

    fn collect<'a>(&self, pieces: &'a [Piece], value: &Cow<'a, Value>) -> Result<Results<'a>, String> {
        let mut results = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => results.push(vec![Cow::Owned(Value::String(text.clone()))]),
                Piece::Path(nodes) => results.push(self.path(nodes, vec![value.clone()])?),
                Piece::Range(nodes, body) => {
                    for item in self.path(nodes, vec![value.clone()])? {
                        results.extend(self.collect(body, &item)?);
                    }
                }
            }
        }
        Ok(results)
    }

    fn path<'a>(&self, nodes: &'a [Node], mut current: Found<'a>) -> Result<Found<'a>, String> {
        for node in nodes {
            current = self.step(node, current)?;
        }
        Ok(current)
    }

    fn step<'a>(&self, node: &'a Node, current: Found<'a>) -> Result<Found<'a>, String> {
        let constant = |value: Value| current.iter().map(|_| Cow::Owned(value.clone())).collect();
        Ok(match node {
            Node::Text(text) => vec![Cow::Owned(Value::String(text.clone()))],
            Node::Number(number) => constant(Value::Number(number.clone())),
            Node::Bool(value) => constant(Value::Bool(*value)),
            Node::Field(name) => self.field(name, current)?,
            Node::Wildcard => current.iter().flat_map(children).collect(),
            Node::Recursive => current.iter().flat_map(descend).collect(),
            Node::Union(paths) => {
                let mut found = Vec::new();
                for path in paths {
                    found.extend(self.path(path, current.clone())?);
                }
                found
            }
            Node::Slice { start, end, single, step } => {
                let mut found = Vec::new();
                for value in &current {
                    found.extend(slice(value, (*start, *end), *single, *step)?);
                }
                found
            }
            Node::Filter { left, operator, right } => self.filter(left, operator, right, &current)?,
        })
    }

    fn field<'a>(&self, name: &str, current: Found<'a>) -> Result<Found<'a>, String> {
        if current.is_empty() {
            return Ok(current);
        }
        let found: Found<'a> = current.iter().filter_map(|value| get(value, name)).collect();
        if found.is_empty() && !self.missing_allowed { Err(format!("{name} is not found")) } else { Ok(found) }
    }

    fn filter<'a>(&self, left: &'a [Node], operator: &str, right: &'a [Node], current: &Found<'a>) -> Result<Found<'a>, String> {
        let mut found = Vec::new();
        for value in current {
            let Some(items) = items(value) else {
                return Err(format!("{} is not array or slice and cannot be filtered", super::go_json::display(value)));
            };
            for item in items {
                let lefts = self.path(left, vec![item.clone()]);
                if operator == "exists" {
                    if lefts.is_ok_and(|lefts| !lefts.is_empty()) {
                        found.push(item);
                    }
                    continue;
                }
                let (Some(a), Some(b)) = (only(lefts?)?, only(self.path(right, vec![item.clone()])?)?) else { continue };
                if compare(&a, operator, &b)? {
                    found.push(item);
                }
            }
        }
        Ok(found)
    }
}

fn only(mut values: Found<'_>) -> Result<Option<Cow<'_, Value>>, String> {
    if values.len() > 1 { Err("can only compare one element at a time".into()) } else { Ok(values.pop()) }
}

fn compare(a: &Value, operator: &str, b: &Value) -> Result<bool, String> {
    let order = match (a, b) {
        (Value::Bool(a), Value::Bool(b)) if matches!(operator, "==" | "!=") => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) if a.is_f64() == b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap_or_default(), b.as_f64().unwrap_or_default());
            a.partial_cmp(&b).unwrap_or(Ordering::Equal)
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => return Err("incompatible types for comparison".into()),
        (Value::Array(_) | Value::Object(_), _) => return Err("invalid type for comparison".into()),
    };
    Ok(match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        other => return Err(format!("unrecognized filter operator {other}")),
    })
}

fn get<'a>(value: &Cow<'a, Value>, name: &str) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        Cow::Owned(value) => value.as_object()?.get(name).cloned().map(Cow::Owned),
    }
}

fn items<'a>(value: &Cow<'a, Value>) -> Option<Found<'a>> {
    match value {
        Cow::Borrowed(value) => Some(value.as_array()?.iter().map(Cow::Borrowed).collect()),
        Cow::Owned(value) => Some(value.as_array()?.iter().cloned().map(Cow::Owned).collect()),
    }
}

/// The items of a list, or the values of an object in the order of its keys.
fn children<'a>(value: &Cow<'a, Value>) -> Found<'a> {
    if let Some(items) = items(value) {
        return items;
    }
    let mut names: Vec<&String> = value.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
    names.sort();
    names.into_iter().filter_map(|name| get(value, name)).collect()
}

/// The value and everything below it that itself holds values.
fn descend<'a>(value: &Cow<'a, Value>) -> Found<'a> {
    let below = children(value);
    let mut found = Vec::new();
    if !below.is_empty() || matches!(&**value, Value::String(text) if !text.is_empty()) {
        found.push(value.clone());
    }
    found.extend(below.iter().flat_map(descend));
    found
}

fn slice<'a>(value: &Cow<'a, Value>, range: (Option<i64>, Option<i64>), single: bool, step: Option<i64>) -> Result<Found<'a>, String> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let items = items(value).ok_or_else(|| format!("{} is not array or slice", kind_of(value)))?;
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let mut start = range.0.unwrap_or(0);
    if start < 0 {
        start += length;
    }
    let mut end = range.1.unwrap_or(length);
    if end < 0 || (end == 0 && single) {
        end += length;
    }
    if start == end {
        return Ok(Vec::new());
    }
    if start < 0 || start >= length {
        return Err(format!("array index out of bounds: index {start}, length {length}"));
    }
    if end < 0 || end > length {
        return Err(format!("array index out of bounds: index {}, length {length}", end - 1));
    }
    if start > end {
        return Err(format!("starting index {start} is greater than ending index {end}"));
    }
    let step = step.unwrap_or(1);
    if step <= 0 {
        return Err("step must be > 0".into());
    }
    let position = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(items.into_iter().take(position(end)).skip(position(start)).step_by(position(step)).collect())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "map[string]interface {}",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Array(_) | Value::Null => "[]interface {}",
    }
}
