//! Patterns (RE2 syntax, linear time). Source: cel-spec `matches`, the Kubernetes CEL library `regex`.

use super::conversions::first;
use super::{Failure, Outcome, Row, failed, global, member};
use crate::value::Value;
use regex::{Regex, RegexBuilder};

pub(super) const ROWS: &[Row] = &[
    member("matches", &["string, string -> bool"], |arguments| Ok(pattern(arguments)?.is_match(text(arguments)?).into())),
    global("matches", &["string, string -> bool"], |arguments| Ok(pattern(arguments)?.is_match(text(arguments)?).into())),
    member("find", &["string, string -> string"], |arguments| {
        Ok(pattern(arguments)?.find(text(arguments)?).map_or("", |found| found.as_str()).into())
    }),
    member("findAll", &["string, string -> list(string)", "string, string, int -> list(string)"], find_all),
];

fn text(arguments: &[Value]) -> Result<&str, Failure> {
    match first(arguments)? {
        Value::String(text) => Ok(text),
        _ => Err(Failure::NoOverload),
    }
}

fn pattern(arguments: &[Value]) -> Result<Regex, Failure> {
    let Some(Value::String(pattern)) = arguments.get(1) else { return Err(Failure::NoOverload) };
    // The size keeps a hostile pattern from taking all memory.
    RegexBuilder::new(pattern).size_limit(1 << 20).build().or_else(|_| failed(format!("`{pattern}` is no pattern that can be used")))
}

fn find_all(arguments: &[Value]) -> Outcome {
    let most = match arguments.get(2) {
        None => usize::MAX,
        Some(Value::Int(most)) => usize::try_from(*most).unwrap_or(usize::MAX),
        Some(_) => return Err(Failure::NoOverload),
    };
    let pattern = pattern(arguments)?;
    Ok(pattern.find_iter(text(arguments)?).take(most).map(|found| found.as_str().into()).collect::<Vec<Value>>().into())
}
