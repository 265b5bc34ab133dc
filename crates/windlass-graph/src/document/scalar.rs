//! What a plain YAML scalar means, as kubectl reads it: YAML 1.1 booleans and octals included.

use serde_json::{Number, Value};

/// Beyond this a whole floating-point number is not exact any more.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value of a plain (unquoted, untagged) scalar. `Err` says why it has none in JSON.
pub(super) fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Ok(Value::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => {
            return Err(format!("`{text}` is not a number that JSON has"));
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Ok(Value::String(text.to_owned()));
    }
    let digits = text.replace('_', "");
    if let Some(number) = integer(&digits) {
        return Ok(Value::Number(number));
    }
    if is_float(&digits)
        && let Ok(number) = digits.parse::<f64>()
    {
        return float(number).ok_or_else(|| format!("`{text}` is too large a number"));
    }
    Ok(Value::String(text.to_owned()))
}

/// The value of a scalar with the tag `!!int` or `!!float`.
pub(super) fn number(text: &str) -> Option<Value> {
    match plain(text) {
        Ok(value @ Value::Number(_)) => Some(value),
        _ => None,
    }
}

/// A whole number in decimal, `0x`, `0o`, `0b` or, as YAML 1.1 has it, octal with a leading `0`.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if !negative {
        return Some(Number::from(magnitude));
    }
    let signed = i64::try_from(magnitude).ok().map(|value| -value);
    signed.or_else(|| (magnitude == i64::MIN.unsigned_abs()).then_some(i64::MIN)).map(Number::from)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    mantissa_ok && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

/// A floating-point number; a whole one becomes an integer, as it does on its way through kubectl's JSON.
fn float(number: f64) -> Option<Value> {
    if number.fract() == 0.0 && number.abs() < EXACT {
        // Exact: it is whole and below 2^53.
        return format!("{number:.0}").parse::<i64>().ok().map(Value::from);
    }
    Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_as_kubectl_does() {
        let cases = [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("NO", json!(false)),
            ("0644", json!(420)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("-0b11", json!(-3)),
            ("1_000", json!(1000)),
            ("09", json!(9)),
            ("1e3", json!(1000)),
            ("1.0", json!(1)),
            ("-.5", json!(-0.5)),
            ("~", json!(null)),
            ("1.2.3", json!("1.2.3")),
            ("100m", json!("100m")),
            ("2001-01-01", json!("2001-01-01")),
            ("0x", json!("0x")),
            ("-", json!("-")),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), Ok(expected), "{text}");
        }
        assert!(plain(".inf").is_err());
        assert!(plain("1e999").is_err());
    }
}
