//! Query strings and plain form bodies (`application/x-www-form-urlencoded`): read, bounded, and written.

/// More pairs than this are not read.
const PAIRS: usize = 1000;

/// Pairs of name and value in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query string or form body. What is no UTF-8 is replaced; nothing is refused.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .take(PAIRS)
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect();
        Self { pairs }
    }

    /// The first value of this name.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The last value of this name: a checkbox comes after the hidden field that says "no".
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of this name, without white space around it; absent where it is empty.
    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        self.first(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Every value of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The names, in the order in which they came; one that came twice stands there twice.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    /// The same with one name set to a value, or taken out where the value is empty; `fragment` and `page` are left out.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let kept = self.pairs.iter().filter(|(known, value)| known != name && known != "fragment" && known != "page" && !value.is_empty());
        let mut pairs: Vec<(String, String)> = kept.cloned().collect();
        if !value.is_empty() {
            pairs.push((name.to_owned(), value.to_owned()));
        }
        encode(&pairs)
    }
}

/// Writes pairs as a query string.
pub(crate) fn encode(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

/// Percent-encodes everything that has a meaning in a URL; also good for one segment of a path.
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            write!(out, "%{byte:02X}").ok();
        }
    }
    out
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let coded = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).filter(|_| *first == b'%');
        match coded.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(pairs in prop::collection::vec(("[^&]{1,12}", ".{0,20}"), 0..8)) {
            prop_assert_eq!(Query::parse(&encode(&pairs)), Query { pairs });
        }

        #[test]
        fn nothing_panics(text in ".{0,60}") {
            Query::parse(&text);
        }
    }

    #[test]
    fn half_an_escape_is_text() {
        assert_eq!(Query::parse("a=%4&b=%zz&c=%+41").first("a"), Some("%4"));
        assert_eq!(Query::parse("a=x+y&a=z").last("a"), Some("z"));
    }

    #[test]
    fn a_filter_keeps_the_others() {
        let query = Query::parse("q=a%20b&state=Failed&page=3");
        assert_eq!(query.with("state", "Ready"), "q=a%20b&state=Ready");
        assert_eq!(query.with("state", ""), "q=a%20b");
    }
}
