//! Which style a text can have in YAML: whether it reads back as text when written plain, and which characters forbid
//! which style. Split from the writer because these are rules, not layout.

/// Which styles keep a text as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Analysis {
    pub(super) plain_allowed: bool,
    pub(super) single_quoted_allowed: bool,
    pub(super) block_allowed: bool,
}

impl Analysis {
    pub(super) fn of(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let Some((&first, &last)) = characters.first().zip(characters.last()) else {
            return Self { plain_allowed: true, single_quoted_allowed: true, block_allowed: false };
        };
        let pair = |a: fn(char) -> bool, b: fn(char) -> bool| characters.windows(2).any(|pair| a(pair[0]) && b(pair[1]));
        let space_at_end = first == ' ' || last == ' ';
        let break_at_end = is_break(first) || is_break(last);
        let break_then_space = pair(is_break, is_space);
        let special = pair(is_space, is_break) || characters.iter().any(|c| !is_printable(*c));
        let any_break = characters.iter().any(|c| is_break(*c));
        Self {
            plain_allowed: !(space_at_end || break_at_end || break_then_space || special || any_break || has_indicator(&characters)),
            single_quoted_allowed: !(break_then_space || special),
            block_allowed: !(last == ' ' || special),
        }
    }
}

/// Whether something in a plain text would be read as YAML's own syntax.
fn has_indicator(characters: &[char]) -> bool {
    if matches!(characters, ['-', '-', '-', ..] | ['.', '.', '.', ..]) {
        return true;
    }
    characters.iter().enumerate().any(|(index, c)| {
        let space_follows = characters.get(index + 1).is_none_or(|next| is_blank(*next));
        let space_before = index == 0 || is_blank(characters[index - 1]) || is_break(characters[index - 1]);
        match c {
            '#' => space_before,
            ':' => space_follows,
            '?' | '-' if index == 0 => space_follows,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => index == 0,
            _ => false,
        }
    })
}

fn is_space(c: char) -> bool {
    c == ' '
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// How a character must be written between double quotes; `None` if as it is.
pub(super) fn escape(c: char) -> Option<String> {
    if is_printable(c) && !is_break(c) && !matches!(c, '"' | '\\') {
        return None;
    }
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            return Some(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    Some(format!("\\{short}"))
}

/// Whether a plain text reads back as text, not as a boolean, number, time or null.
pub(super) fn reads_as_text(text: &str) -> bool {
    const WORDS: [&str; 40] = [
        "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N", "no", "No", "NO", "false", "False", "FALSE",
        "off", "Off", "OFF", "", "~", "null", "Null", "NULL", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
        "-.inf", "-.Inf", "-.INF", "<<",
    ];
    if WORDS.contains(&text) && text != "<<" {
        return false;
    }
    match text.chars().next() {
        Some('.') => !is_float(text),
        Some('0'..='9' | '+' | '-') => {
            let plain = text.replace('_', "");
            !(is_integer(&plain) || is_float(&plain) || is_time(text) || is_base_60(text))
        }
        _ => true,
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_integer(text: &str) -> bool {
    let magnitude = unsigned(text);
    let lower = magnitude.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    // What is too large for an integer is a float, and so no text either.
    !digits.starts_with(['+', '-']) && (u64::from_str_radix(digits, radix).is_ok())
}

fn is_float(text: &str) -> bool {
    let rest = unsigned(text);
    let whole = digits(rest);
    let rest = &rest[whole..];
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => (digits(rest), &rest[digits(rest)..]),
        None => (0, rest),
    };
    if whole + fraction == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        Some(power) => {
            let power = unsigned(power);
            !power.is_empty() && digits(power) == power.len()
        }
        None => rest.is_empty(),
    }
}

/// `1:30:00` and the like: numbers to base 60 for YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let mut parts = unsigned(text).split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let mut rest: Vec<&str> = parts.collect();
    if let Some(last) = rest.last_mut()
        && let Some((whole, fraction)) = last.split_once('.')
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        *last = whole;
    }
    let sixtieth = |part: &&str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    !rest.is_empty() && rest.iter().all(sixtieth)
}

/// A date, or a date with a time, as YAML 1.1 reads them.
fn is_time(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some((&text[at..=at], &text[at + 1..]))),
        None => (text, None),
    };
    let numbers: Vec<&str> = date.split('-').collect();
    let [year, month, day] = numbers.as_slice() else { return false };
    let short = |part: &str| (1..=2).contains(&part.len()) && digits(part) == part.len();
    if year.len() != 4 || digits(year) != 4 || !short(month) || !short(day) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse()) else { return false };
    jiff::civil::Date::new(year, month, day).is_ok() && time.is_none_or(|(separator, time)| is_clock(time, separator != " "))
}

fn is_clock(time: &str, has_zone: bool) -> bool {
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => (&time[..at], Some(&time[at..])),
        None => (time, None),
    };
    let zone_is_right = match zone {
        Some("Z") => true,
        Some(zone) => matches!(zone.as_bytes(), [b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].iter().all(|d| d.is_ascii_digit())),
        None => false,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return false };
    let below = |part: &str, limit: u32| part.len() <= 2 && part.parse::<u32>().is_ok_and(|number| number < limit);
    (if has_zone { zone_is_right } else { zone.is_none() })
        && below(hour, 24)
        && below(minute, 60)
        && below(second, 60)
        && !fraction.is_empty()
        && digits(fraction) == fraction.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_words_are_no_text() {
        let not_text = [
            "1",
            "-1",
            "0x1f",
            "0b11",
            "017",
            "1_000",
            "1.5",
            ".5",
            "1e3",
            "5.",
            "yes",
            "off",
            "~",
            "",
            "null",
            "2024-01-02",
            "2024-01-02T03:04:05Z",
            "2024-1-2 3:4:5",
            "1:30",
            "12:30:45.5",
            "99999999999999999999",
            "+.inf",
        ];
        for text in not_text {
            assert!(!reads_as_text(text), "{text}");
        }
        let text = [
            "1s",
            "5m",
            "1.2.3",
            "v1",
            "2024-13-02",
            "2024-01-02T03:04:05",
            "-",
            "+",
            "0x",
            "1e",
            "100m",
            "64Mi",
            "a:b",
            "1:99",
            "<<",
            "127.0.0.1:80",
        ];
        for text in text {
            assert!(reads_as_text(text), "{text}");
        }
    }
}
