//! Semantic versions (semver.org 2.0.0), and comparing them and amounts. Source: the Kubernetes CEL library `semver`.

use super::conversions::first;
use super::quantities::compared;
use super::{Extension, Failure, Row, failed, global, member};
use crate::value::Value;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

const COMPARED: &[&str] = &["semver, semver -> bool", "quantity, quantity -> bool"];

pub(super) const ROWS: &[Row] = &[
    global("semver", &["string -> semver", "string, bool -> semver"], |arguments| match read(arguments)? {
        Some(version) => Ok(Value::Extension(Arc::new(Extension::Semver(version)))),
        None => failed("the text is no semantic version such as `1.2.3`"),
    }),
    global("isSemver", &["string -> bool", "string, bool -> bool"], |arguments| Ok(read(arguments)?.is_some().into())),
    member("major", &["semver -> int"], |arguments| Ok(Value::Int(this(arguments)?.numbers[0]))),
    member("minor", &["semver -> int"], |arguments| Ok(Value::Int(this(arguments)?.numbers[1]))),
    member("patch", &["semver -> int"], |arguments| Ok(Value::Int(this(arguments)?.numbers[2]))),
    member("isLessThan", COMPARED, |arguments| Ok((order(arguments)? == Ordering::Less).into())),
    member("isGreaterThan", COMPARED, |arguments| Ok((order(arguments)? == Ordering::Greater).into())),
    member("compareTo", &["semver, semver -> int", "quantity, quantity -> int"], |arguments| Ok(compared(order(arguments)?))),
];

/// A semantic version.
#[derive(Clone, Debug)]
pub struct Semver {
    numbers: [i64; 3],
    before: Vec<String>,
    build: String,
}

impl Semver {
    fn parse(text: &str) -> Option<Self> {
        let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
        let (core, before) = rest.split_once('-').map_or((rest, None), |(core, before)| (core, Some(before)));
        let numbers: Vec<i64> = core.split('.').map(number).collect::<Option<_>>()?;
        let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let before: Vec<String> = before.map(|before| before.split('.').map(str::to_owned).collect()).unwrap_or_default();
        let leading = |part: &String| part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
        if !before.iter().all(|part| word(part)) || before.iter().any(leading) || build.is_some_and(|build| !build.split('.').all(word)) {
            return None;
        }
        Some(Self { numbers: numbers.try_into().ok()?, before, build: build.unwrap_or_default().to_owned() })
    }

    /// `v01.1` is `1.1.0` here.
    fn normalized(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('v');
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, rest) = text.split_at(end);
        let mut parts: Vec<String> = core
            .split('.')
            .map(|part| {
                let stripped = part.trim_start_matches('0');
                if stripped.is_empty() && !part.is_empty() { "0".to_owned() } else { stripped.to_owned() }
            })
            .collect();
        while parts.len() < 3 {
            parts.push("0".to_owned());
        }
        Self::parse(&format!("{}{rest}", parts.join(".")))
    }
}

fn number(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl PartialEq for Semver {
    /// What comes after `+` does not count.
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers && self.before == other.before
    }
}

impl fmt::Display for Semver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.before.is_empty() {
            write!(f, "-{}", self.before.join("."))?;
        }
        if self.build.is_empty() { Ok(()) } else { write!(f, "+{}", self.build) }
    }
}

/// A version before another is less; one with a pre-release is before the one without.
fn versions(a: &Semver, b: &Semver) -> Ordering {
    a.numbers.cmp(&b.numbers).then_with(|| match (a.before.is_empty(), b.before.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let part = |(a, b): (&String, &String)| match (number(a), number(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            };
            a.before.iter().zip(&b.before).map(part).find(|order| order.is_ne()).unwrap_or_else(|| a.before.len().cmp(&b.before.len()))
        }
    })
}

fn read(arguments: &[Value]) -> Result<Option<Semver>, Failure> {
    let Value::String(text) = first(arguments)? else { return Err(Failure::NoOverload) };
    match arguments.get(1) {
        None | Some(Value::Bool(false)) => Ok(Semver::parse(text)),
        Some(Value::Bool(true)) => Ok(Semver::normalized(text)),
        Some(_) => Err(Failure::NoOverload),
    }
}

fn version(value: Option<&Value>) -> Option<&Semver> {
    match value {
        Some(Value::Extension(extension)) => match extension.as_ref() {
            Extension::Semver(version) => Some(version),
            Extension::Ip(_) | Extension::Cidr(_) => None,
        },
        _ => None,
    }
}

fn this(arguments: &[Value]) -> Result<&Semver, Failure> {
    version(arguments.first()).ok_or(Failure::NoOverload)
}

fn order(arguments: &[Value]) -> Result<Ordering, Failure> {
    match (arguments.first(), arguments.get(1)) {
        (Some(Value::Quantity(a)), Some(Value::Quantity(b))) => Ok(a.cmp(b)),
        (a, b) => Ok(versions(version(a).ok_or(Failure::NoOverload)?, version(b).ok_or(Failure::NoOverload)?)),
    }
}
