//! Values: known, later or secret. `json` carries them over, `compare` compares and orders them as the language does.
//!
//! A secret is never printed: neither by `Debug` nor in JSON. Start with [`Value`].

pub(crate) mod compare;
mod json;
mod later;
pub(crate) mod quantity;
mod secret;

pub use json::NotJson;
pub use later::Later;
pub use quantity::Quantity;
pub use secret::Secret;

use crate::types::Type;
use indexmap::IndexMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number without sign.
    Uint(u64),
    /// A number with a fraction.
    Double(f64),
    /// Text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A length of time.
    Duration(jiff::SignedDuration),
    /// A point in time.
    Timestamp(jiff::Timestamp),
    /// Items.
    List(Arc<Vec<Value>>),
    /// Values by key, in the order in which they were put.
    Map(Arc<IndexMap<Key, Value>>),
    /// There or not.
    Optional(Option<Box<Value>>),
    /// A type.
    Type(Arc<Type>),
    /// An amount.
    Quantity(Quantity),
    /// A value of one of the Kubernetes libraries.
    Extension(Arc<crate::library::Extension>),
    /// Known once other nodes are there.
    Later(Later),
    /// Passed on, never looked at.
    Secret(Secret),
}

/// A key of a map. Numbers of either sign kind are one key if they are one number.
#[derive(Clone, Debug)]
pub enum Key {
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number without sign.
    Uint(u64),
    /// Text.
    String(Arc<str>),
}

impl Key {
    fn number(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some((*number).into()),
            Self::Uint(number) => Some((*number).into()),
            Self::Bool(_) | Self::String(_) => None,
        }
    }

    /// The key that finds a value; `None` if no key can be like it.
    pub(crate) fn finding(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Int(value) => Some(Self::Int(*value)),
            Value::Uint(value) => Some(Self::Uint(*value)),
            Value::String(value) => Some(Self::String(Arc::clone(value))),
            Value::Double(value) => compare::whole(*value)
                .and_then(|whole| i64::try_from(whole).map(Self::Int).or_else(|_| u64::try_from(whole).map(Self::Uint)).ok()),
            _ => None,
        }
    }

    /// The key as a value.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::String(value) => Value::String(Arc::clone(value)),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (a, b) => a.number().is_some() && a.number() == b.number(),
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Bool(value) => value.hash(state),
            Self::String(value) => value.hash(state),
            Self::Int(_) | Self::Uint(_) => self.number().hash(state),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Uint(value) => write!(f, "{value}"),
            Self::String(value) => f.write_str(value),
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Self>) -> Self {
        Self::List(Arc::new(value))
    }
}

impl FromIterator<(String, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(fields: I) -> Self {
        Self::Map(Arc::new(fields.into_iter().map(|(name, value)| (Key::String(name.into()), value)).collect()))
    }
}

impl Value {
    /// The value is not there.
    pub(crate) const NONE: Self = Self::Optional(None);

    /// The value, there.
    pub(crate) fn some(self) -> Self {
        Self::Optional(Some(Box::new(self)))
    }

    /// The field of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(&Key::String(name.into())),
            _ => None,
        }
    }

    /// The type as far as the value itself shows it.
    pub fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Duration(_) => Type::Duration,
            Self::Timestamp(_) => Type::Timestamp,
            Self::List(_) => Type::list(Type::Dyn),
            Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Optional(_) => Type::Dyn.optional(),
            Self::Type(ty) => Type::Type(Box::new(ty.as_ref().clone())),
            Self::Quantity(_) => Type::Quantity,
            Self::Extension(extension) => extension.type_of(),
            Self::Later(later) => later.ty.clone(),
            Self::Secret(_) => Type::Dyn.secret(),
        }
    }

    /// Whether a value in it comes later, at any depth.
    pub fn has_later(&self) -> bool {
        self.any(&mut |value| matches!(value, Self::Later(_)))
    }

    /// Whether a value in it is a secret, at any depth.
    pub fn has_secret(&self) -> bool {
        self.any(&mut |value| matches!(value, Self::Secret(_)))
    }

    /// Whether some value in it, itself included, is such a one.
    pub(crate) fn any(&self, wanted: &mut dyn FnMut(&Self) -> bool) -> bool {
        wanted(self)
            || match self {
                Self::List(items) => items.iter().any(|item| item.any(wanted)),
                Self::Map(entries) => entries.values().any(|value| value.any(wanted)),
                Self::Optional(Some(inner)) => inner.any(wanted),
                _ => false,
            }
    }

    /// What everything in it that comes later comes from; sorted, each once.
    pub fn because(&self) -> Vec<String> {
        let mut all = std::collections::BTreeSet::new();
        self.any(&mut |value| {
            if let Self::Later(later) = value {
                all.extend(later.because.iter().cloned());
            }
            false
        });
        all.into_iter().collect()
    }
}
