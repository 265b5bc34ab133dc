//! Words of the language: names, numbers, quoted text, punctuation; each with its place.

use super::SyntaxError;
use super::literal;
use super::node::Literal;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// A name in back-quotes, only good as a field.
    QuotedName(String),
    Literal(Literal),
    /// The digits of a whole number without sign: `-9223372036854775808` needs its minus to be one.
    Digits {
        text: String,
        radix: u32,
    },
    Symbol(&'static str),
    End,
}

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) offset: usize,
}

/// Longest first, so that `<=` is not `<` and `=`.
const SYMBOLS: [&str; 27] = [
    "==", "!=", "<=", ">=", "&&", "||", ".?", "[?", "+", "-", "*", "/", "%", "<", ">", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{",
    "}", "=",
];

/// Splits a text into words; the last one is [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<Spanned>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at = skip_space(source, at);
        let rest = &source[at..];
        let Some(first) = rest.chars().next() else {
            tokens.push(Spanned { token: Token::End, offset: at });
            return Ok(tokens);
        };
        let (token, length) = if let Some(prefix) = literal::opening(rest) {
            let (value, length) = prefix.read(rest).map_err(|e| SyntaxError::at(source, at + e.offset, e.message))?;
            (Token::Literal(value), length)
        } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) && !follows_value(&tokens))
        {
            number(rest).map_err(|message| SyntaxError::at(source, at, message))?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Name(rest[..length].to_owned()), length)
        } else if first == '`' {
            quoted_name(rest)
                .ok_or_else(|| SyntaxError::at(source, at, "a name in back-quotes holds letters, digits, `_`, `-`, `.`, `/` or spaces"))?
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            (Token::Symbol(symbol), symbol.len())
        } else {
            return Err(SyntaxError::at(source, at, format!("`{}` is not part of any expression", first.escape_debug())));
        };
        tokens.push(Spanned { token, offset: at });
        at += length;
    }
}

/// `a.0` is a broken field, not the number `.0`.
fn follows_value(tokens: &[Spanned]) -> bool {
    tokens.last().is_some_and(|last| match &last.token {
        Token::Name(_) | Token::QuotedName(_) | Token::Literal(_) | Token::Digits { .. } => true,
        Token::Symbol(symbol) => matches!(*symbol, ")" | "]" | "}"),
        Token::End => false,
    })
}

fn skip_space(source: &str, mut at: usize) -> usize {
    loop {
        let rest = &source[at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']).len();
        at += blank;
        if source[at..].starts_with("//") {
            at = source[at..].find('\n').map_or(source.len(), |newline| at + newline);
        } else if blank == 0 || at == source.len() {
            return at;
        }
    }
}

fn quoted_name(rest: &str) -> Option<(Token, usize)> {
    let end = rest[1..].find('`')? + 1;
    let name = &rest[1..end];
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    (!name.is_empty() && name.chars().all(allowed)).then(|| (Token::QuotedName(name.to_owned()), end + 1))
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let bytes = rest.as_bytes();
    let (radix, start) = if rest.starts_with("0x") || rest.starts_with("0X") { (16, 2) } else { (10, 0) };
    let digits = |from: usize| bytes[from..].iter().take_while(|b| char::from(**b).is_digit(radix)).count();
    let mut end = start + digits(start);
    let mut fraction = false;
    if radix == 10 {
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            fraction = true;
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                fraction = true;
                end += 1 + sign + exponent;
            }
        }
    }
    if fraction {
        let value = rest[..end].parse::<f64>().ok().filter(|value| value.is_finite());
        let value = value.ok_or_else(|| format!("`{}` is too large for a double", &rest[..end]))?;
        return Ok((Token::Literal(Literal::Double(value)), end));
    }
    let text = &rest[start..end];
    if text.is_empty() {
        return Err("`0x` needs hexadecimal digits behind it".to_owned());
    }
    if matches!(bytes.get(end), Some(b'u' | b'U')) {
        let value = u64::from_str_radix(text, radix).map_err(|_| format!("`{}` is too large for a uint", &rest[..=end]))?;
        return Ok((Token::Literal(Literal::Uint(value)), end + 1));
    }
    Ok((Token::Digits { text: text.to_owned(), radix }, end))
}
