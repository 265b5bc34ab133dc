//! kubectl's JSONPath templates: `{.items[*].metadata.name}`, `{range .items[*]}{.a}{"\n"}{end}`, filters, slices, unions.
//!
//! The dialect of `-o jsonpath`, `--sort-by`, `custom-columns` and `wait --for=jsonpath`. [`Template::parse`] reads it,
//! [`Template::results`] evaluates it. Input comes from people: nesting is bounded.

mod evaluate;
mod parse;

use super::go_json;
use serde_json::Value;
use std::borrow::Cow;

/// What a template gives: one list of values for each piece of it.
pub(crate) type Results<'a> = Vec<Vec<Cow<'a, Value>>>;

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Path(Vec<Node>),
    /// `{range PATH}...{end}`.
    Range(Vec<Node>, Vec<Piece>),
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Field(String),
    Slice { start: Option<i64>, end: Option<i64>, single: bool, step: Option<i64> },
    Filter { left: Vec<Node>, operator: String, right: Vec<Node> },
    Number(serde_json::Number),
    Bool(bool),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Node>>),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It is not one; the text says why.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse::template(text).map(|pieces| Self { pieces })
    }

    /// Reads an expression that may lack braces and leading dot, as `metadata.name` or `.metadata.name`.
    ///
    /// # Errors
    /// It is not one; the text says why.
    pub(crate) fn relaxed(text: &str) -> Result<Self, String> {
        Self::parse(&relaxed(text)?)
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// A field is missing and `missing_allowed` is not set, or the value does not fit the path.
    pub(crate) fn results<'a>(&'a self, value: &'a Value, missing_allowed: bool) -> Result<Results<'a>, String> {
        evaluate::Evaluation { missing_allowed }.pieces(&self.pieces, value)
    }

    /// Evaluates it to text, as `-o jsonpath` prints it.
    ///
    /// # Errors
    /// As [`Self::results`].
    pub(crate) fn text(&self, value: &Value, missing_allowed: bool) -> Result<String, String> {
        let results = self.results(value, missing_allowed)?;
        Ok(results.iter().map(|found| found.iter().map(|value| text_of(value)).collect::<Vec<_>>().join(" ")).collect())
    }

    /// Evaluates it to JSON lists, as `-o jsonpath-as-json` prints it.
    ///
    /// # Errors
    /// As [`Self::results`].
    pub(crate) fn json(&self, value: &Value, missing_allowed: bool) -> Result<String, String> {
        let results = self.results(value, missing_allowed)?;
        let lists = results.into_iter().map(|found| Value::Array(found.into_iter().map(Cow::into_owned).collect()));
        Ok(lists.map(|list| go_json::indented(&list) + "\n").collect())
    }
}

/// A value as a template prints it: text as it is, objects and lists as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Object(_) | Value::Array(_) => go_json::compact(value),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => go_json::display(value),
    }
}

/// `{.PATH}` of an expression that may lack braces and leading dot.
///
/// # Errors
/// The braces do not fit.
pub(crate) fn relaxed(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let inner = match (text.strip_prefix('{'), text.strip_suffix('}')) {
        (Some(_), Some(_)) => &text[1..text.len() - 1],
        _ => text,
    };
    let path = inner.strip_prefix('.').unwrap_or(inner);
    if path.is_empty() || path.contains(['{', '}']) {
        return Err(format!(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{{name1.name2}}' or '{{.name1.name2}}', got \"{text}\""
        ));
    }
    Ok(format!("{{.{path}}}"))
}

#[cfg(test)]
mod tests;
