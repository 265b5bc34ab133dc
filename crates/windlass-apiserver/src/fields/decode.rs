//! Bodies from clients: JSON or YAML, with the keys that occur twice.
//!
//! The value is what a lenient server stores (the last of equal keys wins); what a strict one refuses is listed beside
//! it. Unknown fields are the schema's business; [`strict_error`] words both. Start with [`decode_strict`].

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::{Event, Parser};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

/// Most strict problems that are collected; more do not help anybody.
const MAX_PROBLEMS: usize = 100;

/// A body as a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// The value; of equal keys the last.
    pub value: Value,
    /// What strict decoding refuses: `duplicate field "spec.a"`, or YAML's own words.
    pub problems: Vec<String>,
}

/// A body that is no value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Not JSON. Status 400.
    #[error("{0}")]
    Json(String),
    /// Not YAML. Status 400.
    #[error("error converting YAML to JSON: yaml: {0}")]
    Yaml(String),
    /// Neither JSON nor YAML is announced. Status 415.
    #[error("the body of the request was in an unknown format - accepted media types include: application/json, application/yaml")]
    MediaType(String),
}

/// Decodes a body by its content type (parameters are ignored): any that ends in `json` or `yaml`, none is JSON.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_strict(body: &[u8], content_type: &str) -> Result<Decoded, DecodeError> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let text = std::str::from_utf8(body);
    if media_type.is_empty() || media_type.ends_with("json") {
        return json(body);
    }
    if !media_type.ends_with("yaml") {
        return Err(DecodeError::MediaType(media_type.to_owned()));
    }
    // JSON is YAML, and clients send it under this name (server-side apply).
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        && let Ok(decoded) = json(body)
    {
        return Ok(decoded);
    }
    yaml(text.map_err(|error| DecodeError::Yaml(error.to_string()))?)
}

/// The message of a strict refusal: `strict decoding error: unknown field "spec.imagee"`; none without problems.
pub fn strict_error(duplicates: &[String], unknown: &[String]) -> Option<String> {
    let unknown = unknown.iter().map(|path| format!("unknown field \"{path}\""));
    let all: Vec<String> = duplicates.iter().cloned().chain(unknown).take(MAX_PROBLEMS).collect();
    (!all.is_empty()).then(|| format!("strict decoding error: {}", all.join(", ")))
}

fn json(body: &[u8]) -> Result<Decoded, DecodeError> {
    let problems = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Keep { path: Steps::Root, problems: &problems }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| DecodeError::Json(json_problem(&error, body)))?;
    Ok(Decoded { value, problems: problems.into_inner() })
}

/// What is wrong with JSON, in the words of Go's decoder where it has the same thing to say.
fn json_problem(error: &serde_json::Error, body: &[u8]) -> String {
    let said = error.to_string();
    if !said.starts_with("expected value") {
        return said;
    }
    let line = body.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let found = line.get(error.column().saturating_sub(1)..).and_then(|rest| String::from_utf8_lossy(rest).chars().next());
    found.map_or(said, |found| format!("invalid character {found:?} looking for beginning of value"))
}

fn yaml(text: &str) -> Result<Decoded, DecodeError> {
    let problems = twice_in_yaml(text).map_err(DecodeError::Yaml)?;
    let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins };
    let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| DecodeError::Yaml(error.to_string()))?;
    Ok(Decoded { value, problems })
}

/// Keys that occur twice in one YAML mapping, with lines, worded as Kubernetes' YAML library does.
fn twice_in_yaml(text: &str) -> Result<Vec<String>, String> {
    struct Open {
        mapping: bool,
        expects_key: bool,
        keys: HashSet<String>,
    }
    let mut open: Vec<Open> = Vec::new();
    let mut lines = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        match &event {
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
            }
            Event::Scalar(..) | Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                if let Some(parent) = open.last_mut().filter(|parent| parent.mapping) {
                    if parent.expects_key
                        && let Event::Scalar(key, ..) = &event
                        && key != "<<"
                        && !parent.keys.insert(key.to_string())
                    {
                        lines.push(format!("  line {}: key \"{key}\" already set in map", span.start.line()));
                    }
                    parent.expects_key = !parent.expects_key;
                }
                if let Event::SequenceStart(..) | Event::MappingStart(..) = event {
                    let mapping = matches!(event, Event::MappingStart(..));
                    open.push(Open { mapping, expects_key: true, keys: HashSet::new() });
                }
            }
            _ => {}
        }
    }
    lines.truncate(MAX_PROBLEMS);
    Ok(if lines.is_empty() { Vec::new() } else { vec![format!("yaml: unmarshal errors:\n{}", lines.join("\n"))] })
}

/// Builds a value and reports keys that occur twice.
struct Keep<'a> {
    path: Steps<'a>,
    problems: &'a RefCell<Vec<String>>,
}

#[derive(Clone, Copy)]
enum Steps<'a> {
    Root,
    Key(&'a Steps<'a>, &'a str),
    Index(&'a Steps<'a>, usize),
}

impl fmt::Display for Steps<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => formatter.write_str(key),
            Self::Key(parent, key) => write!(formatter, "{parent}.{key}"),
            Self::Index(parent, position) => write!(formatter, "{parent}[{position}]"),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(Keep { path: Steps::Index(&self.path, list.len()), problems: self.problems })? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = Steps::Key(&self.path, &key);
            let value = access.next_value_seed(Keep { path, problems: self.problems })?;
            let mut problems = self.problems.borrow_mut();
            if map.contains_key(&key) && problems.len() < MAX_PROBLEMS {
                problems.push(format!("duplicate field \"{path}\""));
            }
            drop(problems);
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::{DecodeError, decode_strict, strict_error};
    use serde_json::json;

    #[test]
    fn keys_that_occur_twice_are_named() {
        let decoded = decode_strict(br#"{"spec":{"a":1,"list":[{"b":1,"b":2}],"a":3}}"#, "application/json; charset=utf-8");
        let decoded = decoded.expect("the body is JSON");
        assert_eq!(decoded.value, json!({"spec": {"a": 3, "list": [{"b": 2}]}}));
        assert_eq!(decoded.problems, ["duplicate field \"spec.list[0].b\"", "duplicate field \"spec.a\""]);
        assert_eq!(
            strict_error(&decoded.problems, &["spec.imagee".to_owned()]).as_deref(),
            Some("strict decoding error: duplicate field \"spec.list[0].b\", duplicate field \"spec.a\", unknown field \"spec.imagee\"")
        );
        assert_eq!(strict_error(&[], &[]), None);
    }

    #[test]
    fn yaml_bodies_are_read() {
        let decoded = decode_strict(b"spec:\n  a: 1\n  b: [x, {c: 2}]\n  a: 3\n", "application/yaml").expect("the body is YAML");
        assert_eq!(decoded.value, json!({"spec": {"a": 3, "b": ["x", {"c": 2}]}}));
        assert_eq!(decoded.problems, ["yaml: unmarshal errors:\n  line 4: key \"a\" already set in map"]);
        let json = decode_strict(b"{\"a\": 1}", "application/apply-patch+yaml").expect("JSON is YAML");
        assert_eq!(json.value, json!({"a": 1}));
    }

    #[test]
    fn bodies_that_are_no_values_are_refused() {
        assert!(matches!(decode_strict(b"{", "application/json"), Err(DecodeError::Json(_))));
        assert!(matches!(decode_strict(b"{} {}", ""), Err(DecodeError::Json(_))));
        assert!(matches!(decode_strict(b"a: [", "application/yaml"), Err(DecodeError::Yaml(_))));
        assert!(matches!(decode_strict(b"{}", "text/plain"), Err(DecodeError::MediaType(_))));
        let deep = "[".repeat(100_000);
        assert!(decode_strict(deep.as_bytes(), "application/json").is_err());
        assert!(decode_strict(deep.as_bytes(), "application/yaml").is_err());
    }
}
