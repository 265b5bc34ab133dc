//! Points in time and lengths of time. Source: cel-spec, "Timestamps and durations"; Go's text form of durations.

use super::conversions::first;
use super::{Failure, Outcome, Row, failed, global, member};
use crate::value::Value;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const ACCESS: &[&str] = &["timestamp -> int", "timestamp, string -> int"];

pub(super) const ROWS: &[Row] = &[
    global("timestamp", &["timestamp -> timestamp", "string -> timestamp", "int -> timestamp"], to_timestamp),
    global("duration", &["duration -> duration", "string -> duration", "int -> duration"], to_duration),
    member("getFullYear", ACCESS, |arguments| part(arguments, |at| at.year().into())),
    member("getMonth", ACCESS, |arguments| part(arguments, |at| i64::from(at.month()) - 1)),
    member("getDate", ACCESS, |arguments| part(arguments, |at| at.day().into())),
    member("getDayOfMonth", ACCESS, |arguments| part(arguments, |at| i64::from(at.day()) - 1)),
    member("getDayOfWeek", ACCESS, |arguments| part(arguments, |at| at.weekday().to_sunday_zero_offset().into())),
    member("getDayOfYear", ACCESS, |arguments| part(arguments, |at| i64::from(at.day_of_year()) - 1)),
    member("getHours", &["timestamp -> int", "timestamp, string -> int", "duration -> int"], |arguments| {
        either(arguments, |at| at.hour().into(), |length| length.as_secs() / 3600)
    }),
    member("getMinutes", &["timestamp -> int", "timestamp, string -> int", "duration -> int"], |arguments| {
        either(arguments, |at| at.minute().into(), |length| length.as_secs() / 60)
    }),
    member("getSeconds", &["timestamp -> int", "timestamp, string -> int", "duration -> int"], |arguments| {
        either(arguments, |at| at.second().into(), |length| length.as_secs())
    }),
    member("getMilliseconds", &["timestamp -> int", "timestamp, string -> int", "duration -> int"], |arguments| {
        either(arguments, |at| at.millisecond().into(), |length| i64::from(length.subsec_millis()))
    }),
];

/// From the year 1 to the year 9999.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

/// Reads RFC 3339.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    // The standard's letters and an offset are needed; a civil time without zone is no point in time.
    let shape = text.len() >= 20 && text.is_char_boundary(11) && text[10..].starts_with(['T', 't', ' ']);
    let at: Timestamp = if shape { text.parse().ok()? } else { return None };
    (FIRST..=LAST).contains(&at.as_second()).then_some(at)
}

/// Writes RFC 3339 in UTC, with as many digits as are needed.
pub(crate) fn timestamp_text(at: Timestamp) -> String {
    at.to_string()
}

/// Reads `1h30m`, `1.5s`, `-250ms`.
pub(crate) fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut nanos: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let factor: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if number.len() > 30 || (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        nanos = nanos.checked_add(format!("0{whole}").parse::<i128>().ok()?.checked_mul(factor)?)?;
        let mut place = factor;
        for digit in fraction.bytes() {
            place /= 10;
            nanos += i128::from(digit - b'0') * place;
        }
        rest = after;
    }
    let nanos = if negative { -nanos } else { nanos };
    let seconds = i64::try_from(nanos / 1_000_000_000).ok()?;
    bounded(SignedDuration::new(seconds, i32::try_from(nanos % 1_000_000_000).ok()?)).ok()
}

/// Writes seconds, as `90s`, `0.25s`.
pub(crate) fn duration_text(length: SignedDuration) -> String {
    let nanos = length.as_nanos();
    let (sign, nanos) = if nanos < 0 { ("-", nanos.unsigned_abs()) } else { ("", nanos.unsigned_abs()) };
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}

/// A length within what the language allows: 64 bits of nanoseconds.
pub(super) fn bounded(length: SignedDuration) -> Result<SignedDuration, Failure> {
    if i64::try_from(length.as_nanos()).is_ok() { Ok(length) } else { failed("the length of time is too long") }
}

/// A point in time later by a length.
pub(super) fn shifted(at: Timestamp, by: SignedDuration) -> Result<Timestamp, Failure> {
    match at.checked_add(by) {
        Ok(at) if (FIRST..=LAST).contains(&at.as_second()) => Ok(at),
        _ => failed("the point in time is out of range"),
    }
}

fn to_timestamp(arguments: &[Value]) -> Outcome {
    match first(arguments)? {
        Value::Timestamp(at) => Ok(Value::Timestamp(*at)),
        Value::String(text) => {
            timestamp(text).map(Value::Timestamp).ok_or_else(|| Failure::Failed(format!("`{text}` is no point in time as RFC 3339 has it")))
        }
        Value::Int(seconds) if (FIRST..=LAST).contains(seconds) => {
            Timestamp::from_second(*seconds).map(Value::Timestamp).or_else(|_| failed("the point in time is out of range"))
        }
        Value::Int(_) => failed("the point in time is out of range"),
        _ => Err(Failure::NoOverload),
    }
}

fn to_duration(arguments: &[Value]) -> Outcome {
    match first(arguments)? {
        Value::Duration(length) => Ok(Value::Duration(*length)),
        Value::String(text) => {
            duration(text).map(Value::Duration).ok_or_else(|| Failure::Failed(format!("`{text}` is no length of time such as `1h30m`")))
        }
        Value::Int(nanos) => Ok(Value::Duration(SignedDuration::from_nanos(*nanos))),
        _ => Err(Failure::NoOverload),
    }
}

fn zone(name: &str) -> Result<TimeZone, Failure> {
    let offset = || {
        let (sign, rest) = match name.as_bytes().first()? {
            b'-' => (-1, &name[1..]),
            b'+' => (1, &name[1..]),
            _ => (1, name),
        };
        let (hours, minutes) = rest.split_once(':')?;
        let seconds = sign * (hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60);
        jiff::tz::Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
    };
    match name {
        "" | "UTC" | "Z" => Ok(TimeZone::UTC),
        _ => offset().or_else(|| TimeZone::get(name).ok()).ok_or_else(|| Failure::Failed(format!("`{name}` is no time zone"))),
    }
}

fn part(arguments: &[Value], read: fn(&jiff::Zoned) -> i64) -> Outcome {
    let zone = match arguments.get(1) {
        None => TimeZone::UTC,
        Some(Value::String(name)) => zone(name)?,
        Some(_) => return Err(Failure::NoOverload),
    };
    match first(arguments)? {
        Value::Timestamp(at) => Ok(Value::Int(read(&at.to_zoned(zone)))),
        _ => Err(Failure::NoOverload),
    }
}

fn either(arguments: &[Value], of_time: fn(&jiff::Zoned) -> i64, of_length: fn(&SignedDuration) -> i64) -> Outcome {
    match first(arguments)? {
        Value::Duration(length) if arguments.len() == 1 => Ok(Value::Int(of_length(length))),
        _ => part(arguments, of_time),
    }
}
