//! The type of a field: `string`, `[]T`, `map[string]T`, or the name of a custom type.

use super::Wrong;

/// How deep lists and maps may nest in one text.
const DEEPEST: usize = 16;

/// A parsed type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// The OpenAPI name of a scalar type.
    Scalar(&'static str),
    /// An object with any fields.
    Anything,
    /// A list.
    List(Box<Type>),
    /// Values by text.
    Map(Box<Type>),
    /// One of the author's.
    Custom(String),
}

/// Parses a type.
pub(super) fn parse(text: &str) -> Result<Type, Wrong> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Wrong::new("InvalidType", "the field has no type", "as `port: integer | default=8080`"));
    }
    parse_below(text, text, 0)
}

fn parse_below(text: &str, whole: &str, depth: usize) -> Result<Type, Wrong> {
    if depth > DEEPEST {
        return Err(Wrong::new(
            "TooDeep",
            format!("`{whole}` nests more than {DEEPEST} lists and maps"),
            "define a custom type in `types`",
        ));
    }
    if let Some(item) = text.strip_prefix("[]") {
        return Ok(Type::List(Box::new(parse_below(item.trim(), whole, depth + 1)?)));
    }
    if let Some(rest) = text.strip_prefix("map[") {
        let Some((key, value)) = rest.split_once(']') else {
            return Err(Wrong::new("InvalidType", format!("`{whole}`: a `]` is missing"), "as `map[string]integer`"));
        };
        if key.trim() != "string" {
            return Err(Wrong::new(
                "InvalidType",
                format!("`{whole}`: the keys of a map are strings, not `{key}`"),
                "as `map[string]integer`",
            ));
        }
        return Ok(Type::Map(Box::new(parse_below(value.trim(), whole, depth + 1)?)));
    }
    match text {
        "string" => Ok(Type::Scalar("string")),
        "integer" => Ok(Type::Scalar("integer")),
        "boolean" => Ok(Type::Scalar("boolean")),
        "float" => Ok(Type::Scalar("number")),
        "object" => Ok(Type::Anything),
        name if name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty() => Ok(Type::Custom(name.to_owned())),
        _ => {
            let hint = if text.contains('=') {
                "markers stand after a `|`, as `string | default=x`"
            } else {
                "as `string`, `[]string`, `map[string]integer`"
            };
            Err(Wrong::new("InvalidType", format!("`{whole}` is no type"), hint))
        }
    }
}
