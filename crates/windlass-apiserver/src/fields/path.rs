//! Paths of fields as `managedFields` names them: field names, keys of list elements, values of sets, positions.
//!
//! Start with [`PathElement`]; its order and its text are those of structured-merge-diff.

use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::fmt;
use windlass_schema::structural::error::quote;

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathElement {
    /// A field of an object.
    Field(String),
    /// The element of a list whose keys have these values; sorted by key.
    Key(Vec<(String, Scalar)>),
    /// The element of a set that equals this.
    Value(Scalar),
    /// The element at this position.
    Index(u64),
}

/// A JSON value with a total order; `1` and `1.0` are equal.
#[derive(Clone, Debug)]
pub struct Scalar(pub Value);

/// Steps from an object to one of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<PathElement>);

impl PathElement {
    /// The step to field `name`.
    pub fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }

    /// The form in FieldsV1: `f:name`, `k:{"name":"x"}`, `v:"x"`, `i:0`.
    pub fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => {
                let keys: Map<String, Value> = keys.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect();
                format!("k:{}", Value::Object(keys))
            }
            Self::Value(value) => format!("v:{}", value.0),
            Self::Index(position) => format!("i:{position}"),
        }
    }

    /// Reads that form; none for a sort of step that is not known (it is skipped) and an error for a broken one.
    ///
    /// # Errors
    /// Says what is broken.
    pub fn decode(text: &str) -> Result<Option<Self>, String> {
        let Some((sort, rest)) = text.split_once(':') else {
            return Err(format!("missing colon: {text}"));
        };
        let json = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
        Ok(Some(match sort {
            "f" => Self::Field(rest.to_owned()),
            "v" => Self::Value(Scalar(json(rest)?)),
            "i" => Self::Index(rest.parse().map_err(|_| format!("`{rest}` is no position"))?),
            "k" => {
                let Value::Object(keys) = json(rest)? else { return Err(format!("`{rest}` is no set of keys")) };
                let mut keys: Vec<_> = keys.into_iter().map(|(name, value)| (name, Scalar(value))).collect();
                keys.sort();
                Self::Key(keys)
            }
            _ => return Ok(None),
        }))
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(formatter, ".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(formatter, "[{}]", keys.join(","))
            }
            Self::Value(value) => write!(formatter, "[={value}]"),
            Self::Index(position) => write!(formatter, "[{position}]"),
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(formatter, "{step}"))
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::String(text) => formatter.write_str(&quote(text)),
            other => write!(formatter, "{other}"),
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl std::hash::Hash for Scalar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match &self.0 {
            // Equal numbers may be written differently.
            Value::Number(number) => number.as_f64().map(f64::to_bits).hash(state),
            other => other.to_string().hash(state),
        }
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.as_f64().unwrap_or_default().total_cmp(&right.as_f64().unwrap_or_default()),
        },
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => left
            .iter()
            .zip(right)
            .map(|(left, right)| compare(left, right))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| left.len().cmp(&right.len())),
        (Value::Object(left), Value::Object(right)) => {
            let sorted = |map: &Map<String, Value>| {
                let mut entries: Vec<(String, Scalar)> = map.iter().map(|(key, value)| (key.clone(), Scalar(value.clone()))).collect();
                entries.sort();
                entries
            };
            sorted(left).cmp(&sorted(right))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

/// Equality of JSON where `1` and `1.0` are one number and the order of keys does not matter.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    left == right || compare(left, right).is_eq()
}
