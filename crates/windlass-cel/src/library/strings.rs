//! Text. Source: cel-spec, standard functions and the "Strings" extension (cel-go `ext.Strings`, version 4).

use super::conversions::{double_text, first};
use super::{Failure, Outcome, Row, failed, global, member};
use crate::value::Value;

/// The longest text that `replace` and `format` make, in bytes.
const LONGEST: usize = 4 << 20;

pub(super) const ROWS: &[Row] = &[
    member("contains", &["string, string -> bool"], |arguments| two(arguments, |text, other| text.contains(other).into())),
    member("startsWith", &["string, string -> bool"], |arguments| two(arguments, |text, other| text.starts_with(other).into())),
    member("endsWith", &["string, string -> bool"], |arguments| two(arguments, |text, other| text.ends_with(other).into())),
    member("charAt", &["string, int -> string"], char_at),
    member("indexOf", &["string, string -> int", "string, string, int -> int", "list(A), A -> int"], |arguments| match first(arguments)? {
        Value::List(_) => super::lists::index_of(arguments, false),
        _ => index_of(arguments, false),
    }),
    member("lastIndexOf", &["string, string -> int", "string, string, int -> int", "list(A), A -> int"], |arguments| {
        match first(arguments)? {
            Value::List(_) => super::lists::index_of(arguments, true),
            _ => index_of(arguments, true),
        }
    }),
    member("lowerAscii", &["string -> string"], |arguments| Ok(text(arguments, 0)?.to_ascii_lowercase().into())),
    member("upperAscii", &["string -> string"], |arguments| Ok(text(arguments, 0)?.to_ascii_uppercase().into())),
    member("trim", &["string -> string"], |arguments| Ok(text(arguments, 0)?.trim().into())),
    member("replace", &["string, string, string -> string", "string, string, string, int -> string"], replace),
    member("split", &["string, string -> list(string)", "string, string, int -> list(string)"], split),
    member("substring", &["string, int -> string", "string, int, int -> string"], substring),
    member("reverse", &["string -> string", "list(A) -> list(A)"], |arguments| match first(arguments)? {
        Value::List(items) => Ok(items.iter().rev().cloned().collect::<Vec<_>>().into()),
        _ => Ok(text(arguments, 0)?.chars().rev().collect::<String>().into()),
    }),
    member("join", &["list(string) -> string", "list(string), string -> string"], join),
    member("format", &["string, list(dyn) -> string"], format),
    global("strings.quote", &["string -> string"], |arguments| Ok(quote(text(arguments, 0)?).into())),
];

fn text(arguments: &[Value], at: usize) -> Result<&str, Failure> {
    match arguments.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Failure::NoOverload),
    }
}

fn two(arguments: &[Value], decide: fn(&str, &str) -> Value) -> Outcome {
    Ok(decide(text(arguments, 0)?, text(arguments, 1)?))
}

/// The number at a place, which must be from 0 to `most`.
fn position(arguments: &[Value], at: usize, most: usize) -> Result<Option<usize>, Failure> {
    match arguments.get(at) {
        None => Ok(None),
        Some(Value::Int(number)) => match usize::try_from(*number) {
            Ok(position) if position <= most => Ok(Some(position)),
            _ => failed(format!("index out of range: {number}")),
        },
        Some(_) => Err(Failure::NoOverload),
    }
}

fn char_at(arguments: &[Value]) -> Outcome {
    let chars: Vec<char> = text(arguments, 0)?.chars().collect();
    let at = position(arguments, 1, chars.len())?.ok_or(Failure::NoOverload)?;
    Ok(chars.get(at).map(ToString::to_string).unwrap_or_default().into())
}

fn index_of(arguments: &[Value], last: bool) -> Outcome {
    let chars: Vec<char> = text(arguments, 0)?.chars().collect();
    let wanted: Vec<char> = text(arguments, 1)?.chars().collect();
    let from = position(arguments, 2, chars.len())?;
    let fits = |at: usize| chars.get(at..at + wanted.len()) == Some(wanted.as_slice());
    let found = match chars.len().checked_sub(wanted.len()) {
        None => None,
        Some(highest) if last => (0..=from.unwrap_or(highest).min(highest)).rev().find(|at| fits(*at)),
        Some(highest) => (from.unwrap_or(0)..=highest).find(|at| fits(*at)),
    };
    Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

/// How often at most; below zero means always.
fn limit(arguments: &[Value], at: usize) -> Result<usize, Failure> {
    match arguments.get(at) {
        None => Ok(usize::MAX),
        Some(Value::Int(number)) => Ok(usize::try_from(*number).unwrap_or(usize::MAX)),
        Some(_) => Err(Failure::NoOverload),
    }
}

fn replace(arguments: &[Value]) -> Outcome {
    let (text, from, to) = (text(arguments, 0)?, text(arguments, 1)?, text(arguments, 2)?);
    let limit = limit(arguments, 3)?;
    let times = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() }.min(limit);
    if text.len().saturating_add(times.saturating_mul(to.len())) > LONGEST {
        return Err(Failure::TooLarge);
    }
    Ok(text.replacen(from, to, times).into())
}

fn split(arguments: &[Value]) -> Outcome {
    let (text, separator) = (text(arguments, 0)?, text(arguments, 1)?);
    let limit = limit(arguments, 2)?;
    let parts: Vec<Value> = match limit {
        0 => Vec::new(),
        _ if separator.is_empty() => {
            let mut parts: Vec<String> = text.chars().map(|c| c.to_string()).collect();
            if parts.len() > limit {
                let rest = parts.split_off(limit - 1).concat();
                parts.push(rest);
            }
            parts.into_iter().map(Value::from).collect()
        }
        _ => text.splitn(limit, separator).map(Value::from).collect(),
    };
    Ok(parts.into())
}

fn substring(arguments: &[Value]) -> Outcome {
    let chars: Vec<char> = text(arguments, 0)?.chars().collect();
    let start = position(arguments, 1, chars.len())?.ok_or(Failure::NoOverload)?;
    let end = position(arguments, 2, chars.len())?.unwrap_or(chars.len());
    match chars.get(start..end) {
        Some(part) => Ok(part.iter().collect::<String>().into()),
        None => failed(format!("invalid substring range: start {start}, end {end}")),
    }
}

fn join(arguments: &[Value]) -> Outcome {
    let Value::List(items) = first(arguments)? else { return Err(Failure::NoOverload) };
    let separator = if arguments.len() > 1 { text(arguments, 1)? } else { "" };
    let mut parts = Vec::new();
    for item in items.iter() {
        match item {
            Value::String(text) => parts.push(text.as_ref()),
            _ => return Err(Failure::NoOverload),
        }
    }
    Ok(parts.join(separator).into())
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `"%d of %.2f".format([1, 2.5])`.
fn format(arguments: &[Value]) -> Outcome {
    let pattern = text(arguments, 0)?;
    let Some(Value::List(items)) = arguments.get(1) else { return Err(Failure::NoOverload) };
    let mut values = items.iter();
    let mut made = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        made.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            made.push('%');
            rest = after;
            continue;
        }
        let end = after.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(|| Failure::Failed("the format ends after `%`".to_owned()))?;
        let (precision, after) = after.split_at(end);
        let precision = match precision {
            "" => None,
            text => match text.strip_prefix('.').and_then(|digits| digits.parse::<usize>().ok()) {
                Some(digits) if digits <= 64 => Some(digits),
                _ => return failed(format!("`%{text}` is no format")),
            },
        };
        let value = values.next().ok_or_else(|| Failure::Failed("the format has more parts than values".to_owned()))?;
        let verb = &after[..1];
        made.push_str(&formatted(verb, precision, value)?);
        rest = &after[1..];
        if made.len() > LONGEST {
            return Err(Failure::TooLarge);
        }
    }
    made.push_str(rest);
    Ok(made.into())
}

fn formatted(verb: &str, precision: Option<usize>, value: &Value) -> Result<String, Failure> {
    let wrong = || Failure::Failed(format!("`%{verb}` does not take a value of type {}", value.type_of()));
    let not_finite = |value: f64| {
        if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned()
    };
    Ok(match (verb, value) {
        ("s", value) => shown(value)?,
        ("d", Value::Int(value)) => value.to_string(),
        ("d", Value::Uint(value)) => value.to_string(),
        ("d" | "f" | "e", Value::Double(value)) if !value.is_finite() => not_finite(*value),
        ("f", Value::Double(value)) => format!("{value:.*}", precision.unwrap_or(6)),
        ("f", Value::Int(value)) => format!("{:.*}", precision.unwrap_or(6), *value as f64),
        ("f", Value::Uint(value)) => format!("{:.*}", precision.unwrap_or(6), *value as f64),
        ("e", Value::Double(value)) => exponent(*value, precision.unwrap_or(6)),
        ("e", Value::Int(value)) => exponent(*value as f64, precision.unwrap_or(6)),
        ("e", Value::Uint(value)) => exponent(*value as f64, precision.unwrap_or(6)),
        ("b", Value::Int(value)) => radix(*value, |number| format!("{number:b}")),
        ("b", Value::Uint(value)) => format!("{value:b}"),
        ("b", Value::Bool(value)) => u8::from(*value).to_string(),
        ("o", Value::Int(value)) => radix(*value, |number| format!("{number:o}")),
        ("o", Value::Uint(value)) => format!("{value:o}"),
        ("x", Value::Int(value)) => radix(*value, |number| format!("{number:x}")),
        ("x", Value::Uint(value)) => format!("{value:x}"),
        ("x", Value::String(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ("x", Value::Bytes(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ("X", value) => formatted("x", precision, value)?.to_uppercase(),
        _ => return Err(wrong()),
    })
}

fn radix(value: i64, write: fn(u64) -> String) -> String {
    if value < 0 { format!("-{}", write(value.unsigned_abs())) } else { write(value.unsigned_abs()) }
}

/// As C writes it: two digits of exponent at least.
fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    match text.split_once('e') {
        Some((digits, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
            format!("{digits}e{sign}{power:0>2}")
        }
        None => text,
    }
}

/// A value as `%s` shows it.
fn shown(value: &Value) -> Result<String, Failure> {
    Ok(match value {
        Value::String(text) => text.to_string(),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) if value.is_infinite() => if *value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Value::Double(value) => double_text(*value),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Timestamp(at) => super::time::timestamp_text(*at),
        Value::Duration(length) => super::time::duration_text(*length),
        Value::Type(ty) => ty.to_string().split('(').next().unwrap_or_default().to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Result<Vec<_>, _>>()?.join(", ")),
        Value::Map(entries) => {
            let mut parts = Vec::new();
            for (key, value) in entries.iter() {
                parts.push(format!("{key}: {}", shown(value)?));
            }
            parts.sort();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Quantity(quantity) => quantity.to_string(),
        Value::Extension(extension) => extension.to_string(),
        other => return failed(format!("a value of type {} cannot be shown", other.type_of())),
    })
}
