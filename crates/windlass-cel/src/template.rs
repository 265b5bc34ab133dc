//! Texts with expressions in them: `${...}`.
//!
//! As kro scans: braces are counted, text in double quotes is skipped, a nested `${` is an error unless it stands directly
//! after a double quote. Source: kro's `pkg/graph/parser`. Knows nothing of what the text is for. Start with [`scan`].

use crate::place::Place;

/// Whose rules hold where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// kro's: an unclosed `${` is text.
    Kro,
    /// Ours: an unclosed `${` is an error.
    Windlass,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Literal(String),
    /// The source of an expression, without `${` and `}`.
    Expression {
        /// The source.
        source: String,
        /// Byte of the source's first character in the text.
        offset: usize,
    },
}

/// A text, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Literal and computed pieces, in order; no literal is empty.
    pub pieces: Vec<Piece>,
    /// Whether the text is one expression and nothing else: its result then keeps its type.
    pub whole: bool,
}

/// Why a text cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScanError {
    /// Byte in the text.
    pub offset: usize,
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: &'static str,
}

/// Takes a text apart.
///
/// # Errors
/// An expression is not closed (under our rules), or another begins inside it.
pub fn scan(text: &str, strictness: Strictness) -> Result<Scanned, ScanError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("${").map(|found| at + found) {
        let Some(end) = end_of_expression(&text[start..]).map(|length| start + length) else {
            if strictness == Strictness::Kro {
                break;
            }
            return Err(error(text, start, "`${` is not closed", "close it with `}`; write a text that contains it as `${\"${...}\"}`"));
        };
        let source = &text[start + 2..end - 1];
        if let Some(nested) = nested(source) {
            return Err(error(
                text,
                start + 2 + nested,
                "an expression begins inside another",
                "inside `${...}` names are written as they are, without `${`",
            ));
        }
        literal.push_str(&text[at..start]);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Expression { source: source.to_owned(), offset: start + 2 });
        at = end;
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    let whole = matches!(pieces.as_slice(), [Piece::Expression { .. }]);
    Ok(Scanned { pieces, whole })
}

/// How many bytes an expression takes that begins with `${`, its closing brace included; `None` where it is not closed.
pub fn end_of_expression(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(2) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where another expression begins inside one.
fn nested(source: &str) -> Option<usize> {
    source.match_indices("${").map(|(index, _)| index).find(|index| *index == 0 || source.as_bytes()[index - 1] != b'"')
}

fn error(text: &str, offset: usize, message: &str, hint: &'static str) -> ScanError {
    let Place { line, column } = Place::of(text, offset);
    ScanError { offset, line, column, message: message.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Strictness, scan};
    use proptest::prelude::*;

    fn show(text: &str) -> String {
        match scan(text, Strictness::Windlass) {
            Ok(scanned) => scanned
                .pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(text) => format!("'{text}'"),
                    Piece::Expression { source, offset } => format!("<{source}@{offset}>"),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(problem) => format!("{}:{} {}", problem.line, problem.column, problem.message),
        }
    }

    #[test]
    fn pieces_are_found() {
        assert_eq!(show("a-${b}-c"), "'a-' <b@4> '-c'");
        assert_eq!(show("${ {'a': 1}.a }"), "< {'a': 1}.a @2>");
        assert_eq!(show("${\"}\"}"), "<\"}\"@2>");
        assert_eq!(show("${\"${VAR}\"}"), "<\"${VAR}\"@2>");
        assert_eq!(show("$HOME $$x"), "'$HOME $$x'");
        assert_eq!(show("x\n${a"), "2:1 `${` is not closed");
        assert_eq!(show("${a ${b}}"), "1:5 an expression begins inside another");
    }

    #[test]
    fn whole_keeps_the_type_and_a_newline_does_not() {
        let whole = |text: &str| scan(text, Strictness::Windlass).map(|scanned| scanned.whole);
        assert_eq!(whole("${a}"), Ok(true));
        assert_eq!(whole("${a}\n"), Ok(false));
        assert_eq!(scan("${a", Strictness::Kro).map(|scanned| scanned.pieces), Ok(vec![Piece::Literal("${a".into())]));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[a${}\"\\\\ ]{0,40}") {
            if let Ok(scanned) = scan(&text, Strictness::Kro) {
                let joined: String = scanned.pieces.iter().map(|piece| match piece {
                    Piece::Literal(text) => text.clone(),
                    Piece::Expression { source, .. } => format!("${{{source}}}"),
                }).collect();
                prop_assert_eq!(joined, text);
            }
        }
    }
}
