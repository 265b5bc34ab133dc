//! YAML as kubectl writes it: block style, keys in natural order, lists not indented below their key, text plain where it
//! reads back as text, long lines folded at a space after column 80.
//!
//! Byte for byte what `-o yaml` prints. The writer keeps the column and whether it stands at the start of a line, because
//! folding and the places of breaks follow from them.

use super::go_json;
use super::go_yaml_text::{self, Analysis};
use serde_json::Value;
use std::cmp::Ordering;

const INDENT: isize = 2;
const WIDTH: usize = 80;
/// Keys that are longer are written with `? `.
const LONGEST_SIMPLE_KEY: usize = 128;

/// A document, with its final newline.
pub(crate) fn document(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), column: 0, indent: -1, after_space: true, line_start: true };
    writer.node(value, Place::Root);
    if !writer.out.ends_with('\n') {
        writer.out.push('\n');
    }
    writer.out
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Item,
    Field,
    Key,
}

struct Writer {
    out: String,
    column: usize,
    indent: isize,
    /// White space was written last, so that an indicator needs none before it.
    after_space: bool,
    /// Only indentation and indicators stand on this line.
    line_start: bool,
}

impl Writer {
    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Null => self.plain("null", true),
            Value::Bool(value) => self.plain(if *value { "true" } else { "false" }, true),
            Value::Number(number) => {
                let text =
                    number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), |value| go_json::general(value, 6));
                self.plain(&text, true);
            }
            Value::String(text) => self.text(text, place),
            Value::Array(items) if items.is_empty() => self.empty("[]"),
            Value::Object(fields) if fields.is_empty() => self.empty("{}"),
            Value::Array(items) => self.list(items, place),
            Value::Object(fields) => self.map(fields),
        }
    }

    fn empty(&mut self, brackets: &str) {
        self.indicator(brackets, true, false);
    }

    fn list(&mut self, items: &[Value], place: Place) {
        let before = self.indent;
        let beside_key = place == Place::Field && !self.line_start;
        self.indent = if before < 0 { 0 } else { before + if beside_key { 0 } else { INDENT } };
        for item in items {
            self.start_line();
            self.indicator("-", true, true);
            self.node(item, Place::Item);
        }
        self.indent = before;
    }

    fn map(&mut self, fields: &serde_json::Map<String, Value>) {
        let before = self.indent;
        self.indent = if before < 0 { 0 } else { before + INDENT };
        let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
        fields.sort_by(|a, b| natural_order(a.0, b.0));
        for (key, value) in fields {
            self.start_line();
            if key.len() <= LONGEST_SIMPLE_KEY && !key.chars().any(go_yaml_text::is_break) {
                self.text(key, Place::Key);
                self.indicator(":", false, false);
            } else {
                self.indicator("?", true, true);
                self.text(key, Place::Field);
                self.start_line();
                self.indicator(":", true, true);
            }
            self.node(value, Place::Field);
        }
        self.indent = before;
    }

    /// Text, continued deeper than what is around it.
    fn text(&mut self, text: &str, place: Place) {
        let before = self.indent;
        self.indent = before.max(0) + INDENT;
        self.styled(text, place == Place::Key);
        self.indent = before;
    }

    fn styled(&mut self, text: &str, is_key: bool) {
        let analysis = Analysis::of(text);
        if text.contains('\n') && analysis.block_allowed && !is_key {
            self.literal(text);
        } else if text.contains('\n') || !go_yaml_text::reads_as_text(text) {
            self.double_quoted(text, !is_key);
        } else if analysis.plain_allowed && !(text.is_empty() && is_key) {
            self.plain(text, !is_key);
        } else if analysis.single_quoted_allowed {
            self.single_quoted(text, !is_key);
        } else {
            self.double_quoted(text, !is_key);
        }
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_indentation: bool) {
        if needs_space && !self.after_space {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.after_space = false;
        self.line_start = self.line_start && is_indentation;
    }

    fn start_line(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.line_start || self.column > indent || (self.column == indent && !self.after_space) {
            self.put('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.after_space = true;
        self.line_start = true;
    }

    fn plain(&mut self, text: &str, may_fold: bool) {
        if !self.after_space {
            self.put(' ');
        }
        self.folded(text, may_fold, false);
        self.after_space = false;
        self.line_start = false;
    }

    fn single_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("'", true, false);
        self.folded(text, may_fold, true);
        self.indicator("'", false, false);
    }

    /// Text on lines of about [`WIDTH`] columns; a single space is where a line may end.
    fn folded(&mut self, text: &str, may_fold: bool, quoted: bool) {
        let characters: Vec<char> = text.chars().collect();
        let mut spaces = false;
        for (index, &c) in characters.iter().enumerate() {
            let next_is_space = characters.get(index + 1) == Some(&' ');
            let inside = !quoted || (index > 0 && index + 1 < characters.len());
            if c == ' ' {
                if may_fold && !spaces && self.column > WIDTH && inside && !next_is_space {
                    self.start_line();
                } else {
                    self.put(c);
                }
                spaces = true;
                continue;
            }
            if quoted && c == '\'' {
                self.put('\'');
            }
            self.put(c);
            self.line_start = false;
            spaces = false;
        }
    }

    fn double_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("\"", true, false);
        let characters: Vec<char> = text.chars().collect();
        let mut spaces = false;
        for (index, &c) in characters.iter().enumerate() {
            if let Some(escaped) = go_yaml_text::escape(c) {
                escaped.chars().for_each(|c| self.put(c));
                spaces = false;
            } else if c == ' ' {
                if may_fold && !spaces && self.column > WIDTH && index > 0 && index + 1 < characters.len() {
                    self.start_line();
                    if characters.get(index + 1) == Some(&' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with([' ', '\n']) {
            self.indicator("2", false, false);
        }
        if !text.ends_with('\n') {
            self.indicator("-", false, false);
        } else if text == "\n" || text.ends_with("\n\n") {
            self.indicator("+", false, false);
        }
        self.put('\n');
        self.line_start = true;
        self.after_space = true;
        let mut at_break = true;
        for c in text.chars() {
            if c == '\n' {
                self.put('\n');
                self.line_start = true;
                at_break = true;
            } else {
                if at_break {
                    self.start_line();
                }
                self.put(c);
                self.line_start = false;
                at_break = false;
            }
        }
    }
}

/// Letters after other characters, runs of digits by their number.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
    match (a[at].is_alphabetic(), b[at].is_alphabetic()) {
        (true, true) => a[at].cmp(&b[at]),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let (first, first_end) = digits_at(&a, at, &b);
            let (second, second_end) = digits_at(&b, at, &a);
            first.cmp(&second).then(first_end.cmp(&second_end)).then(a[at].cmp(&b[at]))
        }
    }
}

/// The number that starts at `at`, and where it ends. A zero within a longer number counts as a digit of that number.
fn digits_at(text: &[char], at: usize, other: &[char]) -> (u64, usize) {
    let zero_inside = text[at] == '0' || other[at] == '0';
    let inside_number = text[..at].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let mut number = u64::from(zero_inside && inside_number);
    let mut end = at;
    while let Some(digit) = text.get(end).and_then(|c| c.to_digit(10)) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        end += 1;
    }
    (number, end)
}

#[cfg(test)]
mod tests;
