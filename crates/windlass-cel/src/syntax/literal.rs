//! Quoted text: prefixes `r` and `b`, both quote signs, three of them, escapes.

use super::node::Literal;

/// What is wrong with a quoted text and where in it.
#[derive(Debug)]
pub(super) struct LiteralError {
    pub(super) offset: usize,
    pub(super) message: String,
}

impl LiteralError {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }
}

/// The beginning of a quoted text.
#[derive(Debug)]
pub(super) struct Opening {
    raw: bool,
    bytes: bool,
    /// Length of the prefix and the quotes.
    length: usize,
    quotes: &'static str,
}

/// Looks whether a quoted text begins here.
pub(super) fn opening(rest: &str) -> Option<Opening> {
    let quote = rest.find(['"', '\'']).filter(|at| *at <= 2)?;
    let prefix = rest[..quote].to_ascii_lowercase();
    let (raw, bytes) = match prefix.as_str() {
        "" => (false, false),
        "r" => (true, false),
        "b" => (false, true),
        "rb" | "br" => (true, true),
        _ => return None,
    };
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| rest[quote..].starts_with(quotes))?;
    Some(Opening { raw, bytes, length: quote + quotes.len(), quotes })
}

impl Opening {
    /// Reads to the closing quotes; gives the value and how long all of it is.
    pub(super) fn read(&self, rest: &str) -> Result<(Literal, usize), LiteralError> {
        let end = self.end(rest)?;
        let body = &rest[self.length..end];
        let length = end + self.quotes.len();
        let mut value = Value { bytes: Vec::with_capacity(body.len()), binary: self.bytes };
        if self.raw {
            value.bytes.extend_from_slice(body.as_bytes());
        } else {
            value.unescape(body).map_err(|e| LiteralError::new(self.length + e.offset, e.message))?;
        }
        if self.bytes {
            return Ok((Literal::Bytes(value.bytes), length));
        }
        match String::from_utf8(value.bytes) {
            Ok(text) => Ok((Literal::String(text), length)),
            Err(_) => Err(LiteralError::new(0, "this text is not valid Unicode")),
        }
    }

    fn end(&self, rest: &str) -> Result<usize, LiteralError> {
        let triple = self.quotes.len() == 3;
        let mut at = self.length;
        while let Some(next) = rest[at..].chars().next() {
            if rest[at..].starts_with(self.quotes) {
                return Ok(at);
            }
            match next {
                '\\' if !self.raw => at += 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8),
                '\n' | '\r' if !triple => {
                    return Err(LiteralError::new(0, "a quoted text must end on its line; three quotes may span lines"));
                }
                other => at += other.len_utf8(),
            }
        }
        Err(LiteralError::new(0, format!("this text is not closed; {} is missing", self.quotes)))
    }
}

struct Value {
    bytes: Vec<u8>,
    binary: bool,
}

impl Value {
    fn unescape(&mut self, body: &str) -> Result<(), LiteralError> {
        let mut at = 0;
        while let Some(next) = body[at..].chars().next() {
            if next == '\\' {
                at += 1 + self.escape(&body[at + 1..]).map_err(|message| LiteralError::new(at, message))?;
            } else {
                // Line ends in text of several lines are the same everywhere.
                if !(next == '\r' && body[at..].starts_with("\r\n")) {
                    self.push(next);
                }
                at += next.len_utf8();
            }
        }
        Ok(())
    }

    fn push(&mut self, c: char) {
        self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Reads what stands behind a backslash; gives its length.
    fn escape(&mut self, rest: &str) -> Result<usize, String> {
        let Some(first) = rest.chars().next() else { return Err("a backslash needs a character behind it".to_owned()) };
        let simple = match first {
            'a' => Some('\x07'),
            'b' => Some('\x08'),
            'f' => Some('\x0c'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0b'),
            '\\' | '?' | '"' | '\'' | '`' => Some(first),
            _ => None,
        };
        if let Some(c) = simple {
            self.push(c);
            return Ok(1);
        }
        let (skip, digits, radix) = match first {
            'x' | 'X' => (1, 2, 16),
            'u' if !self.binary => (1, 4, 16),
            'U' if !self.binary => (1, 8, 16),
            '0'..='3' => (0, 3, 8),
            _ => return Err(format!("`\\{}` is no escape", first.escape_debug())),
        };
        let code = rest.get(skip..skip + digits).filter(|text| text.chars().all(|c| c.is_digit(radix)));
        let code = code.and_then(|text| u32::from_str_radix(text, radix).ok());
        let code = code.ok_or_else(|| format!("`\\{first}` needs {digits} digits of base {radix}"))?;
        if self.binary {
            self.bytes.push(u8::try_from(code).map_err(|_| "a byte is at most 255".to_owned())?);
        } else {
            self.push(char::from_u32(code).ok_or_else(|| format!("U+{code:04X} is no character"))?);
        }
        Ok(skip + digits)
    }
}
