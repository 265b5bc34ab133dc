//! Go's RE2 syntax as the `regex` crate understands it.
//!
//! Both engines match in linear time and share nearly all syntax. This translates the rest: Perl classes are ASCII in
//! Go, brackets and doubled operators inside a class are plain there, `\Q..\E` and octal escapes exist.
//! Start with [`compile`]. Source: <https://github.com/google/re2/wiki/Syntax> and Go's `regexp/syntax`.

use regex::{Regex, RegexBuilder};

/// Largest compiled program; a pattern that needs more is refused.
const SIZE_LIMIT: usize = 1 << 20;

/// Compiles a pattern written for Go.
///
/// # Errors
/// The engine's message, when the pattern is not understood or too large.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&translate(pattern)).size_limit(SIZE_LIMIT).build().map_err(|error| error.to_string())
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut class = Class::default();
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => rest = escape(rest, class.open, &mut out),
            '[' if !class.open => {
                class = Class { open: true, empty: true };
                out.push('[');
                if let Some(after) = rest.strip_prefix('^') {
                    rest = after;
                    out.push('^');
                }
                continue;
            }
            '[' if rest.starts_with(':') && rest.contains(":]") => {
                let (name, after) = rest.split_once(":]").unwrap_or((rest, ""));
                out.push_str(&format!("[{name}:]"));
                rest = after;
            }
            '[' => out.push_str("\\["),
            ']' if class.open && class.empty => out.push_str("\\]"),
            ']' => {
                class.open = false;
                out.push(']');
            }
            '&' | '~' if class.open => {
                out.push('\\');
                out.push(character);
            }
            '-' if class.open && out.ends_with('-') => out.push_str("\\-"),
            plain => out.push(plain),
        }
        class.empty = false;
    }
    out
}

/// Whether a bracketed class is open, and whether nothing stands in it yet.
#[derive(Clone, Copy, Default)]
struct Class {
    open: bool,
    empty: bool,
}

/// Writes one escape whose backslash was read; gives what follows it.
fn escape<'a>(rest: &'a str, in_class: bool, out: &mut String) -> &'a str {
    let Some(letter) = rest.chars().next() else {
        out.push('\\');
        return rest;
    };
    let after = &rest[letter.len_utf8()..];
    match letter {
        'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str(if in_class { "\\t\\n\\x0C\\r " } else { "[\\t\\n\\x0C\\r ]" }),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'Q' if !in_class => {
            let (literal, after) = after.split_once("\\E").unwrap_or((after, ""));
            out.push_str(&regex::escape(literal));
            return after;
        }
        '<' | '>' => out.push(letter),
        '0'..='7' => {
            let digits = rest.bytes().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
            let code = u32::from_str_radix(&rest[..digits], 8).unwrap_or_default();
            out.push_str(&format!("\\x{{{code:x}}}"));
            return &rest[digits..];
        }
        other => {
            out.push('\\');
            out.push(other);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::{compile, translate};

    #[test]
    fn go_patterns_match_as_in_go() {
        for (pattern, text, expected) in [
            (r"^\d+$", "12", true),
            (r"^\d+$", "٣", false),
            (r"^[\w.-]+$", "a_b.c-d", true),
            (r"^[^\s]+$", "a b", false),
            (r"^[[a]$", "[", true),
            (r"^[]a]+$", "]a", true),
            (r"^[a&&b]+$", "&b", true),
            (r"^[+--]$", ",", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\101$", "A", true),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"\bcat\b", "a cat", true),
            (r"^(?P<name>x)$", "x", true),
        ] {
            let compiled = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(compiled.is_match(text), expected, "{pattern} on {text}, as {}", translate(pattern));
        }
    }

    #[test]
    fn lookaround_and_huge_patterns_are_refused() {
        assert!(compile("(?=a)").is_err());
        assert!(compile("((a{1000}){1000}){1000}").is_err());
    }
}
