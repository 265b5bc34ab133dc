//! Values from and to JSON.

use super::{Key, Value};
use crate::types::Type;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;
use std::sync::Arc;

/// Why a value cannot be JSON.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotJson {
    /// Some of it is not known yet.
    #[error("a value comes later, from {}", because.join(", "))]
    Later {
        /// What it comes from.
        because: Vec<String>,
    },
    /// Some of it is a secret.
    #[error("a secret cannot be shown")]
    Secret,
    /// Bytes have no form of their own.
    #[error("bytes have no JSON form; hint: encode them, with base64.encode() for example")]
    Bytes,
    /// `NaN` or an infinite number.
    #[error("the number {0} has no JSON form")]
    Number(f64),
    /// A type.
    #[error("the type {0} has no JSON form")]
    Type(String),
}

impl Value {
    /// The value as JSON has it: whole numbers are ints, never uints, unless they are too large.
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(value)) => Self::Uint(value),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::from(text.as_str()),
            Json::Array(items) => items.iter().map(Self::from_json).collect::<Vec<_>>().into(),
            Json::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), Self::from_json(value))).collect(),
        }
    }

    /// The value as its type wants it: JSON has no times, lengths of time or bytes, and writes whole doubles like ints.
    ///
    /// Text that is no such value stays text. Done by evaluation wherever a typed value is read.
    pub(crate) fn into_type(self, ty: &Type) -> Self {
        match (self, ty) {
            (value, Type::Nullable(inner)) => value.into_type(inner),
            (Self::Int(value), Type::Double) => Self::Double(value as f64),
            (Self::Uint(value), Type::Double) => Self::Double(value as f64),
            (Self::Double(value), Type::Int) => match super::compare::whole(value).and_then(|whole| i64::try_from(whole).ok()) {
                Some(whole) => Self::Int(whole),
                None => Self::Double(value),
            },
            (Self::String(text), Type::Timestamp) => crate::library::time::timestamp(&text).map_or(Self::String(text), Self::Timestamp),
            (Self::String(text), Type::Duration) => crate::library::time::duration(&text).map_or(Self::String(text), Self::Duration),
            (Self::String(text), Type::Bytes) => match BASE64_STANDARD.decode(text.as_bytes()) {
                Ok(bytes) => Self::Bytes(bytes.into()),
                Err(_) => Self::String(text),
            },
            (Self::Secret(secret), Type::Secret(inner)) => Self::Secret(secret.into_type(inner)),
            (Self::Secret(secret), inner @ (Type::Bytes | Type::Timestamp | Type::Duration)) => Self::Secret(secret.into_type(inner)),
            (value, _) => value,
        }
    }

    /// The value as JSON. Nothing is lost silently: what JSON cannot hold is an error.
    pub fn to_json(&self) -> Result<Json, NotJson> {
        Ok(match self {
            Self::Null | Self::Optional(None) => Json::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Uint(value) => (*value).into(),
            Self::Double(value) => number(*value)?,
            Self::String(text) => text.as_ref().into(),
            Self::Bytes(_) => return Err(NotJson::Bytes),
            Self::Duration(value) => crate::library::time::duration_text(*value).into(),
            Self::Timestamp(value) => crate::library::time::timestamp_text(*value).into(),
            Self::List(items) => items.iter().map(Self::to_json).collect::<Result<Vec<_>, _>>()?.into(),
            Self::Map(entries) => {
                Json::Object(entries.iter().map(|(key, value)| Ok((key.to_string(), value.to_json()?))).collect::<Result<_, NotJson>>()?)
            }
            Self::Optional(Some(inner)) => inner.to_json()?,
            Self::Type(ty) => return Err(NotJson::Type(ty.to_string())),
            Self::Quantity(quantity) => quantity.to_string().into(),
            Self::Extension(extension) => extension.to_string().into(),
            Self::Later(later) => return Err(NotJson::Later { because: later.because.clone() }),
            Self::Secret(_) => return Err(NotJson::Secret),
        })
    }

    /// An object from fields.
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Map(Arc::new(fields.into_iter().map(|(name, value)| (Key::String(name.into()), value)).collect()))
    }
}

/// A whole double is written without fraction: the API has one form for a number.
fn number(value: f64) -> Result<Json, NotJson> {
    match super::compare::whole(value).and_then(|whole| i64::try_from(whole).ok()) {
        Some(whole) if whole.unsigned_abs() <= 1 << 53 => Ok(whole.into()),
        _ => serde_json::Number::from_f64(value).map(Json::Number).ok_or(NotJson::Number(value)),
    }
}
