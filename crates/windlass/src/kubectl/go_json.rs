//! JSON as Go's `encoding/json` writes maps: keys sorted, `<`, `>` and `&` escaped, four spaces of indent. kubectl's
//! output is compared byte by byte, so the order and the escapes matter.

use serde_json::{Number, Value};

/// On one line.
pub(crate) fn compact(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, &mut out);
    out
}

/// With four spaces of indent.
pub(crate) fn indented(value: &Value) -> String {
    let mut out = String::new();
    write(value, Some(0), &mut out);
    out
}

fn write(value: &Value, depth: Option<usize>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&self::number(number)),
        Value::String(text) => string(text, out),
        Value::Array(items) => {
            let write_item = |item: &Value, depth: Option<usize>, out: &mut String| write(item, depth, out);
            sequence(('[', ']'), items.iter(), depth, out, write_item);
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(b.0));
            sequence(('{', '}'), fields.into_iter(), depth, out, |(key, value), depth, out| {
                string(key, out);
                out.push_str(if depth.is_some() { ": " } else { ":" });
                write(value, depth, out);
            });
        }
    }
}

fn sequence<T>(
    brackets: (char, char),
    items: impl ExactSizeIterator<Item = T>,
    depth: Option<usize>,
    out: &mut String,
    mut item: impl FnMut(T, Option<usize>, &mut String),
) {
    let empty = items.len() == 0;
    let inner = depth.map(|depth| depth + 1);
    out.push(brackets.0);
    for (index, value) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        new_line(inner, out);
        item(value, inner, out);
    }
    if !empty {
        new_line(depth, out);
    }
    out.push(brackets.1);
}

fn new_line(depth: Option<usize>, out: &mut String) {
    if let Some(depth) = depth {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", depth));
    }
}

/// Whole numbers as they are; others in the shortest form, with an exponent only when very small or very large.
pub(crate) fn number(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => {
            let size = value.abs();
            if size != 0.0 && !(1e-6..1e21).contains(&size) { exponent(value, 1) } else { value.to_string() }
        }
        _ => number.to_string(),
    }
}

/// The shortest form with an exponent of at least `digits` digits, as `1e+21`.
pub(crate) fn exponent(value: f64, digits: usize) -> String {
    let text = format!("{value:e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
    format!("{mantissa}e{sign}{power:0>digits$}")
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A value as Go's `%v` writes it: `map[a:1 b:[x y]]`, text without quotes, `<nil>`.
pub(crate) fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => display_number(number),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(display).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(b.0));
            let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{key}:{}", display(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

fn display_number(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => general(value, 21),
        _ => number.to_string(),
    }
}

/// The shortest form, with an exponent when it is below -4 or at least `limit`.
pub(crate) fn general(value: f64, limit: i32) -> String {
    let size = value.abs();
    let power = if size == 0.0 { 0.0 } else { size.log10().floor() };
    let large = power >= f64::from(limit);
    if power < -4.0 || large { exponent(value, 2) } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_markup_is_escaped() {
        let value = json!({"b": [1, {}, []], "a": "<x> & \u{1}\n", "c": 1.5, "d": 1e21, "e": 2.0});
        assert_eq!(compact(&value), r#"{"a":"\u003cx\u003e \u0026 \u0001\n","b":[1,{},[]],"c":1.5,"d":1e+21,"e":2}"#);
        assert_eq!(indented(&json!({"b": [1], "a": {}})), "{\n    \"a\": {},\n    \"b\": [\n        1\n    ]\n}");
    }

    #[test]
    fn values_are_displayed_as_go_does() {
        assert_eq!(display(&json!({"b": ["x", 1], "a": null})), "map[a:<nil> b:[x 1]]");
        assert_eq!(display(&json!(1_000_000.5)), "1000000.5");
        assert_eq!(general(1e7, 6), "1e+07");
    }
}
