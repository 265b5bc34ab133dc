//! What is wrong with one field, in the words of the Kubernetes API.
//!
//! [`FieldError`] is a value: a server makes `Status` causes from it, a page puts it beside the field.
//! Start with [`FieldError::body`]. Source: `k8s.io/apimachinery/pkg/util/validation/field`, Kubernetes 1.35.

use serde_json::Value;
use std::fmt;

/// Sort of a [`FieldError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A value that must exist does not.
    NotFound,
    /// A value is missing.
    Required,
    /// A value that must be unique is not.
    Duplicate,
    /// A value has the right type and is wrong.
    Invalid,
    /// A value has the wrong type.
    TypeInvalid,
    /// A value is none of the allowed ones.
    NotSupported,
    /// A value is not permitted here.
    Forbidden,
    /// A text is too long.
    TooLong,
    /// A list or map has too many entries.
    TooMany,
    /// Something failed that is not the writer's fault.
    Internal,
}

impl ErrorKind {
    /// The `reason` of a Status cause.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
        }
    }

    /// How messages begin.
    pub fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

/// One problem with one field. Its [`fmt::Display`] is `path: body`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Dotted path (`spec.versions[0].name`, `metadata.labels[app]`); `<nil>` where the whole object is meant.
    pub path: String,
    /// Sort of problem.
    pub kind: ErrorKind,
    /// The value found; none where the message shall not repeat it.
    pub value: Option<Value>,
    /// What would be right; may be empty.
    pub detail: String,
}

impl FieldError {
    fn new(path: impl Into<String>, kind: ErrorKind, value: Option<Value>, detail: impl Into<String>) -> Self {
        Self { path: path.into(), kind, value, detail: detail.into() }
    }

    /// A value is missing.
    pub fn required(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(path, ErrorKind::Required, None, detail)
    }

    /// A value is wrong.
    pub fn invalid(path: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(path, ErrorKind::Invalid, Some(value.into()), detail)
    }

    /// A value has the wrong type.
    pub fn type_invalid(path: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(path, ErrorKind::TypeInvalid, Some(value.into()), detail)
    }

    /// A value may not stand here.
    pub fn forbidden(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(path, ErrorKind::Forbidden, None, detail)
    }

    /// A value occurs twice.
    pub fn duplicate(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(path, ErrorKind::Duplicate, Some(value.into()), "")
    }

    /// A value does not exist.
    pub fn not_found(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(path, ErrorKind::NotFound, Some(value.into()), "")
    }

    /// A value is none of `supported`.
    pub fn not_supported<S: AsRef<str>>(path: impl Into<String>, value: impl Into<Value>, supported: &[S]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|value| quote(value.as_ref())).collect();
        let detail = if quoted.is_empty() { String::new() } else { format!("supported values: {}", quoted.join(", ")) };
        Self::new(path, ErrorKind::NotSupported, Some(value.into()), detail)
    }

    /// A text is longer than `max` bytes.
    pub fn too_long(path: impl Into<String>, max: u64) -> Self {
        let unit = if max == 1 { "byte" } else { "bytes" };
        Self::new(path, ErrorKind::TooLong, None, format!("may not be more than {max} {unit}"))
    }

    /// A list or map has `actual` entries where `max` are allowed.
    pub fn too_many(path: impl Into<String>, actual: usize, max: u64) -> Self {
        let unit = if max == 1 { "item" } else { "items" };
        Self::new(path, ErrorKind::TooMany, Some(Value::from(actual)), format!("must have at most {max} {unit}"))
    }

    /// The message without the path: `Invalid value: "x": must be y`.
    pub fn body(&self) -> String {
        let mut text = self.kind.title().to_owned();
        let shows_value = !matches!(self.kind, ErrorKind::Required | ErrorKind::Forbidden | ErrorKind::TooLong | ErrorKind::Internal);
        if let Some(value) = self.value.as_ref().filter(|_| shows_value) {
            text.push_str(": ");
            text.push_str(&show(value));
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.body())
    }
}

impl std::error::Error for FieldError {}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => other.to_string(),
    }
}

/// Quotes as Go's `%q` does: printable characters stay, control characters are escaped.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            control if (control as u32) < 0x20 || control as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", control as u32)),
            control if control.is_control() => out.push_str(&format!("\\u{:04x}", control as u32)),
            printable => out.push(printable),
        }
    }
    out.push('"');
    out
}

/// `parent.child`, or `child` alone at the top.
pub fn child(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// `parent[key]`
pub fn key(parent: &str, name: &str) -> String {
    format!("{parent}[{name}]")
}

/// `parent[0]`
pub fn index(parent: &str, position: usize) -> String {
    format!("{parent}[{position}]")
}
