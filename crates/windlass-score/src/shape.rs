//! Walking planned values, and which texts of a Score file have placeholders.

use serde_json::Value;
use windlass_api::planned::{Later, Planned};

/// A planned value, one level open.
pub(crate) enum Shape {
    /// A text, number, boolean or null.
    Scalar(Value),
    /// A list.
    List(Vec<Planned>),
    /// An object.
    Object(Vec<(String, Planned)>),
    /// Not known now.
    Later(Later),
    /// Never shown.
    Secret,
}

/// Opens one level.
pub(crate) fn open(value: &Planned) -> Shape {
    match value {
        Planned::Known(Value::Array(items)) => Shape::List(items.iter().cloned().map(Planned::Known).collect()),
        Planned::Known(Value::Object(fields)) => {
            Shape::Object(fields.iter().map(|(key, field)| (key.clone(), Planned::Known(field.clone()))).collect())
        }
        Planned::Known(scalar) => Shape::Scalar(scalar.clone()),
        Planned::List(items) => Shape::List(items.clone()),
        Planned::Map(fields) => Shape::Object(fields.clone()),
        Planned::Later(later) => Shape::Later(later.clone()),
        Planned::Secret(_) => Shape::Secret,
    }
}

/// The fields of an object; none for anything else.
pub(crate) fn fields(value: &Planned) -> Vec<(String, Planned)> {
    match open(value) {
        Shape::Object(fields) => fields,
        Shape::Scalar(_) | Shape::List(_) | Shape::Later(_) | Shape::Secret => Vec::new(),
    }
}

/// The items of a list; none for anything else.
pub(crate) fn items(value: &Planned) -> Vec<Planned> {
    match open(value) {
        Shape::List(items) => items,
        Shape::Scalar(_) | Shape::Object(_) | Shape::Later(_) | Shape::Secret => Vec::new(),
    }
}

/// A text that is known.
pub(crate) fn text(value: &Planned) -> Option<&str> {
    value.known().and_then(Value::as_str)
}

/// The path of a field, spelled as everywhere in Windlass.
pub(crate) fn child(parent: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'));
    match (plain, parent.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{parent}.{key}"),
        (false, _) => format!("{parent}[{}]", Value::String(key.to_owned())),
    }
}

/// What Score does with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// `${...}` are placeholders and `$$` is `$`.
    Placeholders,
    /// It is taken as it is.
    Verbatim,
}

/// What Score does with the text at these steps (keys and indices) below the file's root.
pub fn expansion(steps: &[&str]) -> Expansion {
    match steps {
        ["containers", _, "variables", _]
        | ["containers", _, "files", _, "content" | "source"]
        | ["containers", _, "volumes", _, "source"]
        | ["resources", _, "params", ..] => Expansion::Placeholders,
        _ => Expansion::Verbatim,
    }
}
