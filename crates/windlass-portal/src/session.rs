//! Who may come in: one-time links, sessions in a cookie, and the token that every form carries.
//!
//! Only hashes of session tokens are kept, so that a stored list is worth nothing to a thief. Time is a value here; the
//! edge of the crate reads the clock.

use http::{HeaderMap, HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use windlass_client::preview::hex;

/// How long a login link works.
pub const LINK_SECONDS: i64 = 60;
/// How long a session lasts.
pub const SESSION_DAYS: i64 = 7;
/// How many sessions and links are kept; the oldest go first.
const KEPT: usize = 100;
/// Name of the cookie, followed by the port: cookies do not tell ports apart, and two installations would log each other out.
pub const COOKIE_PREFIX: &str = "windlass-session-";

/// A session as the caller may store it: no token, only its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSession {
    /// sha256 of the token, in hex.
    pub hash: String,
    /// When it ends, RFC 3339.
    pub until: Timestamp,
}

/// Login links and sessions of one portal.
#[derive(Default)]
pub struct Sessions {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    links: HashMap<String, Timestamp>,
    sessions: HashMap<String, Timestamp>,
}

impl Sessions {
    /// Takes up sessions that were stored earlier.
    pub fn restore(stored: Vec<StoredSession>) -> Self {
        let sessions = stored.into_iter().map(|session| (session.hash, session.until)).collect();
        Self { inner: Mutex::new(Inner { links: HashMap::new(), sessions }) }
    }

    /// The sessions that are still good, for storing.
    pub fn stored(&self) -> Vec<StoredSession> {
        let now = Timestamp::now();
        let inner = self.lock();
        let mut stored: Vec<_> = inner.sessions.iter().map(|(hash, until)| StoredSession { hash: hash.clone(), until: *until }).collect();
        stored.retain(|session| session.until > now);
        stored.sort_by(|a, b| a.until.cmp(&b.until).then_with(|| a.hash.cmp(&b.hash)));
        stored
    }

    /// A token for `/login?token=`; works once, for 60 seconds.
    pub fn issue_link(&self) -> String {
        self.issue_link_at(Timestamp::now())
    }

    /// As [`Self::issue_link`], at a given time.
    pub fn issue_link_at(&self, now: Timestamp) -> String {
        let token = random_token();
        let mut inner = self.lock();
        keep_newest(&mut inner.links, now);
        inner.links.insert(hash(&token), now.saturating_add(SignedDuration::from_secs(LINK_SECONDS)).unwrap_or(Timestamp::MAX));
        token
    }

    /// Trades a link's token for a session's, once.
    pub fn redeem(&self, token: &str, now: Timestamp) -> Option<String> {
        let mut inner = self.lock();
        let until = inner.links.remove(&hash(token))?;
        if until <= now {
            return None;
        }
        let session = random_token();
        keep_newest(&mut inner.sessions, now);
        let end = now.saturating_add(SignedDuration::from_hours(24 * SESSION_DAYS)).unwrap_or(Timestamp::MAX);
        inner.sessions.insert(hash(&session), end);
        Some(session)
    }

    /// Ends the session of these headers.
    pub fn end(&self, headers: &HeaderMap) {
        let mut inner = self.lock();
        for token in tokens(headers) {
            inner.sessions.remove(&hash(token));
        }
    }

    /// Whether these headers carry a session that is good; for API paths over plain HTTP.
    pub fn is_valid(&self, headers: &HeaderMap) -> bool {
        self.token(headers, Timestamp::now()).is_some()
    }

    /// The session's token in these headers, if the session is good.
    pub(crate) fn token(&self, headers: &HeaderMap, now: Timestamp) -> Option<String> {
        let inner = self.lock();
        tokens(headers).find(|token| inner.sessions.get(&hash(token)).is_some_and(|until| *until > now)).map(str::to_owned)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere cannot leave these maps half-written: each change is one call.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token that forms of a session carry. Derived, so that nothing more is kept and it ends with the session.
pub(crate) fn form_token(session: &str) -> String {
    hash(&format!("form token of {session}"))
}

/// `Set-Cookie` that begins a session, or ends it where `token` is `None`.
pub(crate) fn set_cookie(host: &str, token: Option<&str>) -> Option<HeaderValue> {
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    let port: String = port.chars().filter(char::is_ascii_digit).collect();
    let (value, age) = match token {
        Some(token) => (token, SESSION_DAYS * 24 * 3600),
        None => ("", 0),
    };
    HeaderValue::from_str(&format!("{COOKIE_PREFIX}{port}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}")).ok()
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, value)| name.starts_with(COOKIE_PREFIX) && value.len() == 64)
        .map(|(_, value)| value)
}

fn random_token() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex(&bytes)
}

fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

fn keep_newest(entries: &mut HashMap<String, Timestamp>, now: Timestamp) {
    entries.retain(|_, until| *until > now);
    while entries.len() >= KEPT {
        let Some(oldest) = entries.iter().min_by_key(|(_, until)| **until).map(|(key, _)| key.clone()) else { return };
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let line = format!("theme=dark; {COOKIE_PREFIX}7400={token}");
        headers.insert(header::COOKIE, HeaderValue::from_str(&line).expect("a cookie line"));
        headers
    }

    #[test]
    fn a_link_works_once() {
        let sessions = Sessions::default();
        let link = sessions.issue_link();
        let token = sessions.redeem(&link, Timestamp::now()).expect("the first time");
        assert_eq!(sessions.redeem(&link, Timestamp::now()), None);
        assert!(sessions.is_valid(&cookie(&token)));
        assert!(!sessions.is_valid(&cookie(&link)));
        sessions.end(&cookie(&token));
        assert!(!sessions.is_valid(&cookie(&token)));
    }

    #[test]
    fn a_link_ends_after_a_minute() {
        let sessions = Sessions::default();
        let start = Timestamp::UNIX_EPOCH;
        let link = sessions.issue_link_at(start);
        assert_eq!(sessions.redeem(&link, start + SignedDuration::from_secs(60)), None);
        let link = sessions.issue_link_at(start);
        assert!(sessions.redeem(&link, start + SignedDuration::from_secs(59)).is_some());
    }

    #[test]
    fn sessions_survive_storing_and_end() {
        let sessions = Sessions::default();
        let token = sessions.redeem(&sessions.issue_link(), Timestamp::now()).expect("a fresh link");
        let stored = sessions.stored();
        assert!(!format!("{stored:?}").contains(&token));
        let later = Sessions::restore(stored);
        assert!(later.is_valid(&cookie(&token)));
        assert_eq!(later.token(&cookie(&token), Timestamp::now() + SignedDuration::from_hours(24 * 8)), None);
    }

    #[test]
    fn the_number_of_links_is_bounded() {
        let sessions = Sessions::default();
        for _ in 0..KEPT * 3 {
            sessions.issue_link();
        }
        assert_eq!(sessions.lock().links.len(), KEPT);
    }
}
