//! Score's placeholders in texts: `${metadata.*}`, `${resources.*}`, and `$$` for a dollar sign.

use crate::shape::{self, Shape};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use windlass_api::planned::{Later, Planned, SecretReference};

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// What stands between `${` and `}`.
    Reference(String),
}

/// Takes a text apart. Every text has a meaning: an unfinished placeholder is plain text.
pub fn parse(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some((inside, left)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) {
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Reference(inside.to_owned()));
            rest = left;
        } else if let Some((inside, left)) = after.strip_prefix("${").and_then(|after| after.split_once('}')) {
            plain.push_str("${");
            plain.push_str(inside);
            plain.push('}');
            rest = left;
        } else {
            plain.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    parts
}

/// A text that [`parse`] reads as plain: what is put into a Score text as data must not become a placeholder.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        escaped.push_str(&rest[..at]);
        escaped.push_str("$$");
        rest = &rest[at + 1..];
        // What stands in braces is taken as it is.
        if let Some(end) = rest.strip_prefix('{').and_then(|inside| inside.find('}')) {
            escaped.push_str(&rest[..end + 2]);
            rest = &rest[end + 2..];
        }
    }
    escaped.push_str(rest);
    escaped
}

/// The keys of a reference: split at dots, where `\.` is a dot of a key.
pub fn keys(reference: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut rest = reference.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.peek() == Some(&'.') => {
                rest.next();
                push(&mut keys, '.');
            }
            '.' => keys.push(String::new()),
            c => push(&mut keys, c),
        }
    }
    keys
}

fn push(keys: &mut [String], c: char) {
    if let Some(last) = keys.last_mut() {
        last.push(c);
    }
}

/// A text with its placeholders replaced.
///
/// # Errors
/// The first placeholder that `lookup` refuses, with its reason.
pub fn substitute(text: &str, lookup: &dyn Fn(&[String]) -> Result<Planned, String>) -> Result<Planned, String> {
    let mut joined = Joined::default();
    for part in parse(text) {
        match part {
            Part::Text(text) => joined.text(&text),
            Part::Reference(reference) => {
                let value = lookup(&keys(&reference)).map_err(|reason| format!("`${{{reference}}}`: {reason}"))?;
                joined.value(&value);
            }
        }
    }
    Ok(joined.finish())
}

/// A text put together from parts of which some may be later or secret.
#[derive(Default)]
struct Joined {
    text: String,
    /// What is hashed in place of secrets, in order.
    trace: Sha256,
    secret: bool,
    because: Vec<String>,
}

impl Joined {
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
        self.trace.update(b"t");
        self.trace.update(text.len().to_le_bytes());
        self.trace.update(text.as_bytes());
    }

    fn value(&mut self, value: &Planned) {
        match value {
            Planned::Known(Value::String(text)) => self.text(text),
            Planned::Known(value) => self.text(&value.to_string()),
            Planned::Secret(secret) => {
                self.secret = true;
                self.trace.update(b"s");
                self.trace.update(secret.fingerprint.as_bytes());
            }
            Planned::Later(_) | Planned::List(_) | Planned::Map(_) => self.because.extend(value.waits_for()),
        }
    }

    fn finish(mut self) -> Planned {
        if !self.because.is_empty() {
            self.because.sort();
            self.because.dedup();
            return Planned::Later(Later { type_: "string".into(), because: self.because });
        }
        if self.secret {
            let fingerprint = self.trace.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Planned::Secret(SecretReference { reference: None, fingerprint });
        }
        Planned::Known(Value::String(self.text))
    }
}

/// The value at keys below an object; the reason names the key that is not there.
pub(crate) fn descend(value: &Planned, keys: &[String]) -> Result<Planned, String> {
    let Some((key, rest)) = keys.split_first() else { return Ok(value.clone()) };
    match shape::open(value) {
        Shape::Later(later) => Ok(Planned::Later(later)),
        Shape::Object(fields) => match fields.into_iter().find(|(name, _)| name == key) {
            Some((_, field)) => descend(&field, rest),
            None => Err(format!("there is no `{key}`")),
        },
        Shape::Scalar(_) | Shape::List(_) | Shape::Secret => Err(format!("`{key}` is asked of something that is no object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        let lookup = |keys: &[String]| if keys == ["a"] { Ok(Planned::Known(Value::from(1))) } else { Err(format!("no {keys:?}")) };
        let found = match substitute(text, &lookup) {
            Ok(value) => value.to_json().as_str().unwrap_or_default().to_owned(),
            Err(reason) => format!("error {reason}"),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn substitution() {
        check("", "");
        check("$abc $(X) ${x", "$abc $(X) ${x");
        check("$${a}", "${a}");
        check("$$$${a}", "$${a}");
        check("$$${a}", "$1");
        check("x${a}y", "x1y");
        check(r"${m.x\.y}", r#"error `${m.x\.y}`: no ["m", "x.y"]"#);
        check("${}", r#"error `${}`: no [""]"#);
    }

    #[test]
    fn later_and_secret_parts() {
        let lookup = |keys: &[String]| {
            Ok(if keys == ["s"] {
                Planned::Secret(SecretReference { reference: None, fingerprint: "f".into() })
            } else {
                Planned::Later(Later { type_: "int".into(), because: vec!["db.port".into()] })
            })
        };
        let later = substitute("${s}:${l}", &lookup).expect("both are found");
        assert_eq!(later.waits_for(), ["db.port"]);
        let secret = |text: &str| substitute(text, &lookup).expect("it is found").to_json()["$secret"]["fingerprint"].clone();
        assert_ne!(secret("a${s}"), secret("b${s}"));
        assert_eq!(secret("a${s}"), secret("a${s}"));
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_out_as_it_was(text in "[$a{}.]{0,20}") {
            let found = substitute(&escape(&text), &|_| Err("a placeholder".into()));
            prop_assert_eq!(found, Ok(Planned::Known(Value::String(text))));
        }
    }
}
