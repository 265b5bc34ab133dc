//! The time as controllers write it. A jump of the wall clock may delay an effect, never cause one.

use jiff::{SignedDuration, Timestamp};

/// Now, RFC 3339 in whole seconds, as conditions want it.
pub fn now_seconds() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Now, RFC 3339 with microseconds, as Runs want it.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// How long ago a time was; zero for one that cannot be read or lies ahead.
pub fn since(time: &str) -> SignedDuration {
    let ago = time.parse::<Timestamp>().map(|then| Timestamp::now().duration_since(then)).unwrap_or_default();
    ago.max(SignedDuration::ZERO)
}

/// The time so many seconds from now, RFC 3339 with microseconds.
pub fn in_seconds(seconds: u64) -> String {
    let later = Timestamp::now().saturating_add(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
    later.map_or_else(|_| now(), |time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}
