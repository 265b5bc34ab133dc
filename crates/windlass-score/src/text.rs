//! The forms that texts of a Score file must have.

/// A DNS label of 2 to 63 characters.
pub(crate) fn label(text: &str) -> bool {
    (2..=63).contains(&text.len()) && inner(text, |b| b.is_ascii_lowercase() || b.is_ascii_digit(), |b| b == b'-')
}

/// A resource's type or class.
pub(crate) fn word(text: &str) -> bool {
    (2..=63).contains(&text.len()) && inner(text, |b| b.is_ascii_alphanumeric(), |b| b == b'-')
}

/// A resource's id: labels of any length, joined by dots.
pub(crate) fn id(text: &str) -> bool {
    (2..=63).contains(&text.len())
        && text.split('.').all(|part| inner(part, |b| b.is_ascii_lowercase() || b.is_ascii_digit(), |b| b == b'-'))
}

/// A key of annotations: `[prefix/]name`.
pub(crate) fn annotation(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let name_ok = (2..=63).contains(&name.len()) && inner(name, |b| b.is_ascii_alphanumeric(), |b| matches!(b, b'.' | b'_' | b'-'));
    (2..=316).contains(&text.len()) && name_ok && prefix.is_none_or(|prefix| prefix.split('.').all(label))
}

/// Name of an environment variable.
pub(crate) fn variable(text: &str) -> bool {
    !text.is_empty() && !text.contains('=')
}

/// Name of an HTTP header.
pub(crate) fn header(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// A mode of a file in octal.
pub(crate) fn mode(text: &str) -> bool {
    let digits = if text.len() == 4 { text.strip_prefix('0') } else { Some(text) };
    digits.is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| (b'0'..=b'7').contains(&b)))
}

/// A number of processors: `2`, `0.5` or `500m`.
pub(crate) fn cpu(text: &str) -> bool {
    let number = text.strip_suffix('m').unwrap_or(text);
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !text.ends_with('m'),
        None => digits(number),
    }
}

/// An amount of memory: `128Mi`, `1.5G`.
pub(crate) fn memory(text: &str) -> bool {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit_ok = matches!(unit, "" | "K" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei");
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let whole_ok = digits(whole) && (!whole.starts_with('0') || (whole == "0" && fraction.is_some()));
    unit_ok && whole_ok && fraction.is_none_or(digits)
}

/// Base64 with padding.
pub(crate) fn base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether the ends are `end` bytes and what is between is `end` or `middle`.
fn inner(text: &str, end: impl Fn(u8) -> bool, middle: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match bytes {
        [] => false,
        [first, rest @ ..] => end(*first) && rest.last().is_none_or(|last| end(*last)) && bytes.iter().all(|b| end(*b) || middle(*b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert!(cpu("2") && cpu("0.5") && cpu("500m") && !cpu("1.5m") && !cpu("4Gi") && !cpu(""));
        assert!(memory("128Mi") && memory("1.5G") && memory("0.5Gi") && memory("64") && !memory("0") && !memory("100m") && !memory("08Mi"));
        assert!(mode("644") && mode("0644") && !mode("888") && !mode("1644"));
        assert!(label("web") && !label("w") && !label("web-") && !label("Web"));
        assert!(id("a.b-c") && !id("a..b") && id("a--b"));
        assert!(annotation("my.org/version") == label("my") && !annotation("a/version"));
    }
}
