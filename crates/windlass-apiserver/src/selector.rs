//! Label and field selectors: parsing and matching.
//!
//! Sources: `k8s.io/apimachinery/pkg/labels/selector.go` and `pkg/fields`; messages are those of a kube-apiserver 1.35.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use windlass_schema::structural::FieldError;

use crate::Status;
use crate::builtin::names;

/// One condition on labels.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In { key: String, values: Vec<String> },
    NotIn { key: String, values: Vec<String> },
    Exists { key: String },
    Missing { key: String },
    Greater { key: String, than: i64 },
    Less { key: String, than: i64 },
}

/// A label selector; all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<LabelSelector, Status> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        let mut requirements = Vec::new();
        if parser.peek() == &Token::End {
            return Ok(LabelSelector::default());
        }
        if !parser.may_begin() {
            let found = parser.peek().text();
            return Err(Status::bad_request(format!("found '{found}', expected: !, identifier, or 'end of string'")));
        }
        loop {
            let requirement =
                parser.requirement().map_err(|message| Status::bad_request(format!("unable to parse requirement: {message}")))?;
            requirements.push(requirement);
            match parser.next() {
                Token::End => return Ok(LabelSelector(requirements)),
                Token::Comma if parser.may_begin() => {}
                Token::Comma => {
                    let found = parser.peek().text();
                    return Err(Status::bad_request(format!("found '{found}', expected: identifier after ','")));
                }
                other => return Err(Status::bad_request(format!("found '{}', expected: ',' or 'end of string'", other.text()))),
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        let get = |key: &str| labels.and_then(|labels| labels.get(key)).map(String::as_str);
        self.0.iter().all(|requirement| match requirement {
            Requirement::In { key, values } => get(key).is_some_and(|value| values.iter().any(|allowed| allowed == value)),
            Requirement::NotIn { key, values } => get(key).is_none_or(|value| values.iter().all(|denied| denied != value)),
            Requirement::Exists { key } => get(key).is_some(),
            Requirement::Missing { key } => get(key).is_none(),
            Requirement::Greater { key, than } => get(key).and_then(|value| value.parse::<i64>().ok()).is_some_and(|value| value > *than),
            Requirement::Less { key, than } => get(key).and_then(|value| value.parse::<i64>().ok()).is_some_and(|value| value < *than),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Comma,
    Open,
    Close,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    End,
}

impl Token {
    fn text(&self) -> String {
        match self {
            Token::Word(word) => word.clone(),
            Token::Comma => ",".to_owned(),
            Token::Open => "(".to_owned(),
            Token::Close => ")".to_owned(),
            Token::Not => "!".to_owned(),
            Token::Equals => "=".to_owned(),
            Token::DoubleEquals => "==".to_owned(),
            Token::NotEquals => "!=".to_owned(),
            Token::Greater => ">".to_owned(),
            Token::Less => "<".to_owned(),
            Token::End => String::new(),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let follows = |characters: &mut std::iter::Peekable<std::str::Chars<'_>>| characters.next_if_eq(&'=').is_some();
        out.push(match character {
            ' ' | '\t' | '\n' | '\r' => continue,
            ',' => Token::Comma,
            '(' => Token::Open,
            ')' => Token::Close,
            '>' => Token::Greater,
            '<' => Token::Less,
            '!' if follows(&mut characters) => Token::NotEquals,
            '!' => Token::Not,
            '=' if follows(&mut characters) => Token::DoubleEquals,
            '=' => Token::Equals,
            first => {
                let mut word = String::from(first);
                while let Some(next) = characters.next_if(|next| !" \t\r\n,()!=<>".contains(*next)) {
                    word.push(next);
                }
                Token::Word(word)
            }
        });
    }
    out.push(Token::End);
    out
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    /// Whether a condition can begin here.
    fn may_begin(&self) -> bool {
        matches!(self.peek(), Token::Word(_) | Token::Not)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let requirement = self.unchecked()?;
        if let Requirement::In { key, values } | Requirement::NotIn { key, values } = &requirement {
            // Messages count them in order.
            let sorted: BTreeSet<&String> = values.iter().collect();
            for (position, value) in sorted.into_iter().enumerate() {
                let problems = names::label_value(value);
                if !problems.is_empty() {
                    return Err(FieldError::invalid(format!("values[{position}][{key}]"), value.as_str(), problems.join("; ")).to_string());
                }
            }
        }
        Ok(requirement)
    }

    fn unchecked(&mut self) -> Result<Requirement, String> {
        if self.peek() == &Token::Not {
            self.next();
            return Ok(Requirement::Missing { key: self.key()? });
        }
        let key = self.key()?;
        match self.peek().clone() {
            Token::End | Token::Comma => Ok(Requirement::Exists { key }),
            Token::Equals | Token::DoubleEquals => {
                self.next();
                Ok(Requirement::In { key, values: vec![self.exact()?] })
            }
            Token::NotEquals => {
                self.next();
                Ok(Requirement::NotIn { key, values: vec![self.exact()?] })
            }
            Token::Greater => {
                self.next();
                Ok(Requirement::Greater { key, than: self.number()? })
            }
            Token::Less => {
                self.next();
                Ok(Requirement::Less { key, than: self.number()? })
            }
            Token::Word(word) if word == "in" => {
                self.next();
                Ok(Requirement::In { key, values: self.set()? })
            }
            Token::Word(word) if word == "notin" => {
                self.next();
                Ok(Requirement::NotIn { key, values: self.set()? })
            }
            other => Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", other.text())),
        }
    }

    fn key(&mut self) -> Result<String, String> {
        match self.next() {
            Token::Word(word) => match names::qualified(&word) {
                problems if problems.is_empty() => Ok(word),
                problems => Err(format!("<nil>: {}", FieldError::invalid("", word, problems.join("; ")).body())),
            },
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    /// The value after `=`; may be empty.
    fn exact(&mut self) -> Result<String, String> {
        match self.peek().clone() {
            Token::End | Token::Comma => Ok(String::new()),
            Token::Word(word) => {
                self.next();
                Ok(word)
            }
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let word = self.exact()?;
        word.parse().map_err(|_| format!("values[0][]: Invalid value: \"{word}\": for 'Gt', 'Lt' operators, the value must be an integer"))
    }

    fn set(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Open => {}
            other => return Err(format!("found '{}' expected: '('", other.text())),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Word(word) => {
                    values.push(word);
                    match self.next() {
                        Token::Comma if self.peek() == &Token::Close => values.push(String::new()),
                        Token::Comma => {}
                        Token::Close => return Ok(values),
                        other => return Err(format!("found '{}', expected: ',' or ')'", other.text())),
                    }
                }
                Token::Comma => values.push(String::new()),
                Token::Close => {
                    values.push(String::new());
                    return Ok(values);
                }
                other => return Err(format!("found '{}', expected: ',', ')' or identifier", other.text())),
            }
        }
    }
}

/// One condition on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldTerm {
    /// Dotted path.
    pub(crate) path: String,
    pub(crate) value: String,
    /// `!=` instead of `=`.
    pub(crate) negated: bool,
}

/// A field selector; all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(pub(crate) Vec<FieldTerm>);

impl FieldSelector {
    /// `supported` tells beside `metadata.name` and `metadata.namespace` which paths may be selected by.
    pub(crate) fn parse(text: &str, supported: &[String]) -> Result<FieldSelector, Status> {
        let mut terms = Vec::new();
        for term in split_terms(text) {
            if term.is_empty() {
                continue;
            }
            let (path, value, negated) = if let Some((path, value)) = term.split_once("!=") {
                (path, value, true)
            } else if let Some((path, value)) = term.split_once("==") {
                (path, value, false)
            } else if let Some((path, value)) = term.split_once('=') {
                (path, value, false)
            } else {
                return Err(Status::bad_request(format!("invalid selector: '{term}'; can't understand '{term}'")));
            };
            let known = path == "metadata.name" || path == "metadata.namespace" || supported.iter().any(|field| field == path);
            if !known {
                let message = if supported.is_empty() {
                    format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
                } else {
                    format!("field label not supported: {path}")
                };
                return Err(Status::bad_request(message));
            }
            let value =
                unescape(value).ok_or_else(|| Status::bad_request(format!("invalid field selector: invalid escape in \"{value}\"")))?;
            terms.push(FieldTerm { path: path.to_owned(), value, negated });
        }
        Ok(FieldSelector(terms))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the key alone decides.
    pub(crate) fn needs_object(&self) -> bool {
        self.0.iter().any(|term| term.path != "metadata.name" && term.path != "metadata.namespace")
    }

    /// The conditions on name and namespace.
    pub(crate) fn matches_key(&self, namespace: &str, name: &str) -> bool {
        self.0.iter().all(|term| match term.path.as_str() {
            "metadata.name" => (term.value == name) != term.negated,
            "metadata.namespace" => (term.value == namespace) != term.negated,
            _ => true,
        })
    }

    /// All conditions.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|term| (field_text(object, &term.path) == term.value) != term.negated)
    }
}

/// The value at a dotted path as selectors compare it; empty where there is none.
fn field_text(object: &Value, path: &str) -> String {
    let value = path.split('.').try_fold(object, |value, step| value.get(step));
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn split_terms(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                out.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(next @ ('\\' | ',' | '=')) => out.push(next),
                _ => return None,
            },
            ',' | '=' => return None,
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests;
