//! Formats of strings (`format`) that a custom resource may demand.
//!
//! Formats that are not in the list are ignored, as Kubernetes does. Start with [`matches()`].
//! Source: `apiextensions-apiserver/pkg/apiserver/validation/formats.go` and go-openapi's strfmt.

use regex::Regex;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

macro_rules! expression {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($pattern).ok());
    };
}

expression!(UUID, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
expression!(UUID3, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
expression!(UUID4, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$");
expression!(UUID5, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$");
expression!(
    HOSTNAME,
    r"^[\p{L}\p{S}0-9]([\p{L}\p{S}0-9-]{0,61}[\p{L}\p{S}0-9])?(\.[\p{L}\p{S}0-9]([\p{L}\p{S}0-9-]{0,61}[\p{L}\p{S}0-9])?)*$"
);
expression!(MAC, r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5,19}$|^[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2,9}$");
expression!(
    CREDIT_CARD,
    r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$"
);
expression!(SSN, r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$");
expression!(HEX_COLOR, r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$");
expression!(
    RGB_COLOR,
    r"^rgb\(\s*(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\s*\)$"
);
expression!(BASE64, r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$");
expression!(TIME, r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$");
expression!(GO_DURATION, r"^[-+]?(0|([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$");
expression!(
    LONG_DURATION,
    r"([0-9]+)\s*(nanoseconds?|nanos?|ns|microseconds?|micros?|us|µs|μs|milliseconds?|millis?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?|w)"
);
expression!(SHORT_NAME, r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
expression!(LONG_NAME, r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$");

const KNOWN: [&str; 26] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "k8s-short-name",
    "k8s-long-name",
];

/// Whether a format is enforced at all (dashes do not count, as in `date-time`).
pub fn format_is_known(format: &str) -> bool {
    KNOWN.contains(&format) || KNOWN.contains(&format.replace('-', "").as_str())
}

/// Whether `text` has the format; a format that is not known is always fulfilled.
pub(super) fn matches(format: &str, text: &str) -> bool {
    let is = |expression: &LazyLock<Option<Regex>>| expression.as_ref().is_none_or(|expression| expression.is_match(text));
    let plain = if format.starts_with("k8s-") { format.to_owned() } else { format.replace('-', "") };
    match plain.as_str() {
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "uri" => is_request_uri(text),
        "email" => is_email(text),
        "hostname" => text.len() <= 255 && is(&HOSTNAME),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is(&MAC),
        "uuid" => is(&UUID),
        "uuid3" => is(&UUID3),
        "uuid4" => is(&UUID4),
        "uuid5" => is(&UUID5),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "creditcard" => is_credit_card(text),
        "ssn" => is(&SSN),
        "hexcolor" => is(&HEX_COLOR),
        "rgbcolor" => is(&RGB_COLOR),
        "byte" => is(&BASE64),
        "date" => is_date(text),
        "datetime" => is_date_time(text),
        "duration" => is(&GO_DURATION) || is(&LONG_DURATION),
        "k8s-short-name" => text.len() <= 63 && is(&SHORT_NAME),
        "k8s-long-name" => text.len() <= 253 && is(&LONG_NAME),
        _ => true,
    }
}

/// As Go's `url.ParseRequestURI`: absolute, or a rooted path.
fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|byte| byte < 0x20 || byte == 0x7f || byte == b' ') {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && rest.starts_with('/')
}

/// A plain address, or `Name <address>`.
fn is_email(text: &str) -> bool {
    let address = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(start), Some(inner)) => &inner[start + 1..],
        _ => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atom = |text: &str| {
        !text.is_empty()
            && text.split('.').all(|part| {
                !part.is_empty()
                    && part.chars().all(|letter| letter.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(letter) || !letter.is_ascii())
            })
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    (quoted || atom(local)) && atom(domain)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    if length.is_empty() || length.len() > 3 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let Ok(length) = length.parse::<u8>() else { return false };
    (address.parse::<Ipv4Addr>().is_ok() && length <= 32) || (address.parse::<Ipv6Addr>().is_ok() && length <= 128)
}

fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(position, byte)| {
            let digit = u32::from(byte - b'0') << (position % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    CREDIT_CARD.as_ref().is_none_or(|expression| expression.is_match(&digits)) && sum.is_multiple_of(10)
}

fn is_isbn10(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| !b"- ".contains(byte)).collect();
    if digits.len() != 10 {
        return false;
    }
    let mut sum = 0;
    for (position, byte) in (1_u32..).zip(&digits) {
        let digit = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'X' if position == 10 => 10,
            _ => return false,
        };
        sum += position * digit;
    }
    sum.is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| !b"- ".contains(byte)).collect();
    if digits.len() != 13 || !(digits.starts_with(b"978") || digits.starts_with(b"979")) || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = digits.iter().enumerate().map(|(position, byte)| u32::from(byte - b'0') * if position % 2 == 0 { 1 } else { 3 }).sum();
    sum.is_multiple_of(10)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>()) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let Some((date, time)) = lower.split_once('t') else { return false };
    is_date(date)
        && TIME.as_ref().and_then(|expression| expression.captures(time)).is_some_and(|parts| {
            let at_most = |group: usize, limit: &str| parts.get(group).is_some_and(|part| part.as_str() <= limit);
            at_most(1, "23") && at_most(2, "59") && at_most(3, "59")
        })
}

#[cfg(test)]
mod tests {
    use super::{format_is_known, matches};

    #[test]
    fn formats_accept_and_refuse() {
        for (format, good, bad) in [
            ("date", "2024-02-29", "2023-02-29"),
            ("date-time", "2014-12-15T19:30:20.000Z", "2014-12-15 19:30:20"),
            ("duration", "1h30m", "soon"),
            ("duration", "22 ns", "22"),
            ("ipv4", "10.0.0.1", "10.0.0.256"),
            ("ipv6", "fe80::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("mac", "01:23:45:67:89:ab", "01:23"),
            ("uri", "https://example.com/a", "example"),
            ("email", "Ada <ada@example.com>", "ada.example.com"),
            ("hostname", "a-b.example.com", "-a.example"),
            ("uuid", "123E4567-e89b-12d3-a456-426614174000", "123"),
            ("byte", "aGk=", "a"),
            ("isbn", "978-0321751041", "978-0321751042"),
            ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
            ("hexcolor", "#ffF", "#ff"),
            ("rgbcolor", "rgb(255, 0,1)", "rgb(256,0,1)"),
            ("k8s-short-name", "a-1", "A"),
            ("k8s-long-name", "a.b", "a..b"),
        ] {
            assert!(matches(format, good), "{format} accepts {good}");
            assert!(!matches(format, bad), "{format} refuses {bad}");
        }
    }

    #[test]
    fn unknown_formats_are_ignored() {
        assert!(!format_is_known("int32"));
        assert!(format_is_known("date-time"));
        assert!(matches("int32", "anything"));
    }
}
