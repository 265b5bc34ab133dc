//! Types of expressions and of what they are put into; `openapi` reads them from schemas.
//!
//! No inference here: that is the checker's. Start with [`Type`].

mod openapi;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Only `null`.
    Null,
    /// `true`, `false`.
    Bool,
    /// Whole number of 64 bits with sign.
    Int,
    /// Whole number of 64 bits without sign.
    Uint,
    /// Number with a fraction.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// Length of time.
    Duration,
    /// Point in time.
    Timestamp,
    /// Known only when it is there; fits everywhere, checked when evaluated.
    Dyn,
    /// Items of one type.
    List(Box<Type>),
    /// Values by key.
    Map(Box<Type>, Box<Type>),
    /// Named fields, as a schema has them.
    Object(Arc<ObjectType>),
    /// There or not.
    Optional(Box<Type>),
    /// Of the type or `null`.
    Nullable(Box<Type>),
    /// Passed on, never looked at. What is made from a secret is one.
    Secret(Box<Type>),
    /// A type as a value.
    Type(Box<Type>),
    /// An amount such as `500Mi`.
    Quantity,
    /// A URL.
    Url,
    /// An IP address.
    Ip,
    /// A range of IP addresses.
    Cidr,
    /// A semantic version.
    Semver,
    /// A named form of text, such as `dns1123Label`.
    Format,
    /// Stands for any type in a signature, for the same one wherever the number is the same.
    Parameter(usize),
}

/// Named fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectType {
    /// What messages call it, such as `schema.spec`.
    pub name: String,
    /// The fields.
    pub fields: BTreeMap<String, Field>,
    /// The type of every other field; `None` if there are no others.
    pub rest: Option<Type>,
}

/// One field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its type.
    pub ty: Type,
    /// Whether it is always there.
    pub required: bool,
}

impl ObjectType {
    /// The type of a field.
    pub fn field(&self, name: &str) -> Option<&Type> {
        self.fields.get(name).map(|field| &field.ty).or(self.rest.as_ref())
    }
}

impl Type {
    /// A list of this.
    pub fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    /// A map from one to the other.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }

    /// This or nothing.
    #[must_use]
    pub fn optional(self) -> Self {
        Self::Optional(Box::new(self))
    }

    /// A secret of this type; a secret stays what it is.
    #[must_use]
    pub fn secret(self) -> Self {
        if matches!(self, Self::Secret(_)) { self } else { Self::Secret(Box::new(self)) }
    }

    /// An object with exactly these fields, none of them required.
    pub fn object(name: impl Into<String>, fields: impl IntoIterator<Item = (String, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, ty)| (name, Field { ty, required: false })).collect();
        Self::Object(Arc::new(ObjectType { name: name.into(), fields, rest: None }))
    }

    /// Whether a secret is in it, at any depth that the type shows.
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::List(inner) | Self::Optional(inner) | Self::Nullable(inner) => inner.has_secret(),
            Self::Map(key, value) => key.has_secret() || value.has_secret(),
            Self::Object(object) => {
                object.fields.values().any(|field| field.ty.has_secret()) || object.rest.as_ref().is_some_and(Self::has_secret)
            }
            _ => false,
        }
    }

    /// The same with no secrets in it.
    pub(crate) fn without_secrets(&self) -> Self {
        match self {
            Self::Secret(inner) => inner.without_secrets(),
            Self::List(inner) => Self::list(inner.without_secrets()),
            Self::Optional(inner) => inner.without_secrets().optional(),
            Self::Nullable(inner) => Self::Nullable(Box::new(inner.without_secrets())),
            Self::Map(key, value) => Self::map(key.without_secrets(), value.without_secrets()),
            Self::Object(object) if self.has_secret() => {
                let fields = object
                    .fields
                    .iter()
                    .map(|(name, field)| (name.clone(), Field { ty: field.ty.without_secrets(), required: field.required }));
                let rest = object.rest.as_ref().map(Self::without_secrets);
                Self::Object(Arc::new(ObjectType { name: object.name.clone(), fields: fields.collect(), rest }))
            }
            other => other.clone(),
        }
    }

    /// Whether `null` can stand for it.
    pub(crate) fn takes_null(&self) -> bool {
        matches!(self, Self::Null | Self::Nullable(_) | Self::Object(_) | Self::Optional(_) | Self::Duration | Self::Timestamp | Self::Dyn)
            || self.is_opaque()
    }

    pub(crate) fn is_opaque(&self) -> bool {
        matches!(self, Self::Quantity | Self::Url | Self::Ip | Self::Cidr | Self::Semver | Self::Format)
    }

    /// Whether a value of this type may be put where `to` is wanted.
    ///
    /// Fields are what counts, not names: an object fits another that has all of its fields, a map fits an object if its
    /// values fit every field. A secret fits where its content does: whether it may stand there is the caller's question
    /// (see [`Self::has_secret`]). An optional value fits where its content does; if it is missing the field becomes `null`.
    pub fn assignable(&self, to: &Self) -> bool {
        match (self, to) {
            (Self::Dyn | Self::Parameter(_), _) | (_, Self::Dyn | Self::Parameter(_)) => true,
            (Self::Optional(from), Self::Optional(to)) => from.assignable(to),
            (Self::Secret(from), Self::Secret(to)) => from.assignable(to),
            (Self::Secret(from) | Self::Optional(from), to) => from.assignable(to),
            (from, Self::Secret(to) | Self::Optional(to)) => from.assignable(to),
            (Self::Null, to) => to.takes_null(),
            (Self::Nullable(from), Self::Nullable(to)) => from.assignable(to),
            (Self::Nullable(from), to) => from.assignable(to),
            (from, Self::Nullable(to)) => from.assignable(to),
            (Self::List(from), Self::List(to)) => from.assignable(to),
            (Self::Map(from_key, from), Self::Map(to_key, to)) => from_key.assignable(to_key) && from.assignable(to),
            (Self::Object(from), Self::Object(to)) => {
                Arc::ptr_eq(from, to)
                    || from.fields.iter().all(|(name, field)| to.field(name).is_some_and(|wanted| field.ty.assignable(wanted)))
            }
            (Self::Map(key, value), Self::Object(to)) => {
                key.assignable(&Self::String)
                    && to.fields.values().all(|field| value.assignable(&field.ty))
                    && to.rest.as_ref().is_none_or(|rest| value.assignable(rest))
            }
            (Self::Object(from), Self::Map(key, value)) => {
                Self::String.assignable(key)
                    && from.fields.values().all(|field| field.ty.assignable(value))
                    && from.rest.as_ref().is_none_or(|rest| rest.assignable(value))
            }
            (from, to) => from == to,
        }
    }

    /// Whether a value of this type fits a schema; see [`Self::assignable`]. Times and lengths of time also fit text.
    pub fn assignable_to_openapi(&self, schema: &serde_json::Value) -> bool {
        let to = Self::from_openapi(schema);
        let written_as_text = |ty: &Self| matches!(ty, Self::Timestamp | Self::Duration) || ty.is_opaque();
        self.assignable(&to) || (to == Self::String && written_as_text(&self.without_secrets()))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::Dyn => "dyn",
            Self::Quantity => "kubernetes.Quantity",
            Self::Url => "kubernetes.URL",
            Self::Ip => "net.IP",
            Self::Cidr => "net.CIDR",
            Self::Semver => "kubernetes.Semver",
            Self::Format => "kubernetes.NamedFormat",
            Self::Object(object) if object.name.is_empty() => "object",
            Self::Object(object) => &object.name,
            Self::List(item) => return write!(f, "list({item})"),
            Self::Map(key, value) => return write!(f, "map({key}, {value})"),
            Self::Optional(inner) => return write!(f, "optional_type({inner})"),
            Self::Nullable(inner) => return write!(f, "wrapper({inner})"),
            Self::Secret(inner) => return write!(f, "secret({inner})"),
            Self::Type(inner) => return write!(f, "type({inner})"),
            Self::Parameter(number) => return write!(f, "{}", parameter_name(*number)),
        };
        f.write_str(word)
    }
}

fn parameter_name(number: usize) -> String {
    match u8::try_from(number) {
        Ok(number @ 0..26) => char::from(b'A' + number).to_string(),
        _ => format!("T{number}"),
    }
}

#[cfg(test)]
mod tests;
