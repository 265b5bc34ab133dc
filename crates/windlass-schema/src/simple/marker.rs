//! What follows the `|`: `required=true default=5 description="..."`, separated by spaces.

use super::Wrong;

/// Names of the markers that there are.
pub(super) const NAMES: [&str; 16] = [
    "required",
    "default",
    "description",
    "minimum",
    "maximum",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "listType",
    "listMapKey",
    "validation",
    "immutable",
];

/// One marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) key: &'static str,
    pub(super) value: String,
    /// Characters before it in the text of the markers.
    pub(super) offset: usize,
}

/// Parses markers. The error names the character at which it was found.
///
/// A value is quoted (`\"` and `\\` are escapes, any other backslash stays), or JSON in brackets, or runs up to the next
/// space.
pub(super) fn parse(text: &str) -> Result<Vec<Marker>, (usize, Wrong)> {
    let characters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        while characters.get(at).is_some_and(|c| c.is_whitespace()) {
            at += 1;
        }
        if at >= characters.len() {
            return Ok(found);
        }
        let start = at;
        while characters.get(at).is_some_and(|c| !c.is_whitespace() && *c != '=') {
            at += 1;
        }
        let name: String = characters[start..at].iter().collect();
        if characters.get(at) != Some(&'=') {
            return Err((start, without_value(&name)));
        }
        let Some(key) = NAMES.iter().copied().find(|known| *known == name) else { return Err((start, unknown(&name))) };
        at += 1;
        let (value, end) = value(&characters, at).map_err(|wrong| (at, wrong))?;
        found.push(Marker { key, value, offset: start });
        at = end;
    }
}

/// The value that begins at a character, and the character after it.
fn value(characters: &[char], start: usize) -> Result<(String, usize), Wrong> {
    let mut value = String::new();
    let mut brackets: Vec<char> = Vec::new();
    let mut quoted = false;
    let mut at = start;
    while let Some(&c) = characters.get(at) {
        match c {
            '\\' if quoted => {
                let next = characters.get(at + 1).copied();
                match next {
                    Some(escaped @ ('"' | '\\')) => {
                        if !brackets.is_empty() {
                            value.push('\\');
                        }
                        value.push(escaped);
                        at += 1;
                    }
                    _ => value.push('\\'),
                }
            }
            '"' => {
                quoted = !quoted;
                // Inside brackets a quote belongs to the JSON.
                if !brackets.is_empty() {
                    value.push('"');
                }
            }
            _ if quoted => value.push(c),
            '{' | '[' => {
                brackets.push(if c == '{' { '}' } else { ']' });
                value.push(c);
            }
            '}' | ']' => {
                if brackets.pop() != Some(c) {
                    return Err(Wrong::new("InvalidMarker", format!("`{c}` closes no bracket"), "put a text with brackets into quotes"));
                }
                value.push(c);
            }
            _ if c.is_whitespace() && brackets.is_empty() => break,
            _ => value.push(c),
        }
        at += 1;
    }
    if quoted {
        return Err(Wrong::new(
            "InvalidMarker",
            "a quote is not closed",
            "put `\"` at the end of the text; a quote inside is written `\\\"`",
        ));
    }
    if let Some(missing) = brackets.pop() {
        return Err(Wrong::new(
            "InvalidMarker",
            format!("a bracket is not closed: `{missing}` is missing"),
            "values with brackets are JSON, as `default={\"a\": 1}`",
        ));
    }
    Ok((value, at))
}

fn without_value(name: &str) -> Wrong {
    let hint = match name {
        "required" | "immutable" | "uniqueItems" => format!("write `{name}=true`"),
        "|" => "markers are separated by spaces, as `string | required=true minLength=3`".to_owned(),
        _ => "a marker is written `name=value`; put texts with spaces into quotes".to_owned(),
    };
    Wrong::new("InvalidMarker", format!("the marker `{name}` has no value"), hint)
}

fn unknown(name: &str) -> Wrong {
    let lower = name.to_ascii_lowercase();
    let meant = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)).copied().or(match lower.as_str() {
        "min" => Some("minimum"),
        "max" => Some("maximum"),
        "desc" | "doc" | "docs" => Some("description"),
        "regex" | "regexp" => Some("pattern"),
        "optional" => Some("required"),
        "values" | "oneof" => Some("enum"),
        "unique" => Some("uniqueItems"),
        "rule" | "validate" => Some("validation"),
        "readonly" => Some("immutable"),
        _ => NAMES.iter().find(|known| near(&lower, &known.to_ascii_lowercase())).copied(),
    });
    let hint = match meant {
        _ if name.starts_with('|') => "markers are separated by spaces; only the first `|` separates the type".to_owned(),
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the markers are: {}", NAMES.join(", ")),
    };
    Wrong::new("UnknownMarker", format!("there is no marker `{name}`"), hint)
}

/// Whether two words differ in one or two characters: put in, left out, changed, or two neighbours swapped.
pub(crate) fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let common = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let rest = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let longest = a.len().max(b.len());
    common.saturating_add(rest).saturating_add(2) >= longest && a.len().abs_diff(b.len()) <= 2 && common + rest > 2
}
