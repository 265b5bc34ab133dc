//! Reads templates. Text stands outside of braces; inside are paths, quoted texts, `range` and `end`.

use super::{Node, Piece};

/// How deep filters, unions and ranges may nest.
const DEPTH: usize = 32;

pub(super) fn template(text: &str) -> Result<Vec<Piece>, String> {
    let mut actions = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        if start > 0 {
            actions.push(Action::Text(rest[..start].to_owned()));
        }
        let mut scanner = Scanner { rest: &rest[start + 1..] };
        actions.push(scanner.action(0)?);
        rest = scanner.rest;
    }
    if !rest.is_empty() {
        actions.push(Action::Text(rest.to_owned()));
    }
    let mut actions = actions.into_iter();
    let mut pieces = Vec::new();
    block(&mut actions, &mut pieces, 0, false)?;
    Ok(pieces)
}

/// What stands between braces, before ranges are matched with their ends.
enum Action {
    Text(String),
    Path(Vec<Node>),
    Range(Vec<Node>),
    End,
}

fn block(actions: &mut impl Iterator<Item = Action>, pieces: &mut Vec<Piece>, depth: usize, in_range: bool) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("ranges are nested deeper than {DEPTH}"));
    }
    while let Some(action) = actions.next() {
        match action {
            Action::Text(text) => pieces.push(Piece::Text(text)),
            Action::Path(nodes) => pieces.push(Piece::Path(nodes)),
            Action::Range(nodes) => {
                let mut body = Vec::new();
                block_of_range(actions, &mut body, depth)?;
                pieces.push(Piece::Range(nodes, body));
            }
            Action::End if in_range => return Ok(()),
            Action::End => return Err("not in range, nothing to end".into()),
        }
    }
    Ok(())
}

/// Apart from [`block`] so that the iterator is not wrapped anew at every level.
fn block_of_range(actions: &mut dyn Iterator<Item = Action>, body: &mut Vec<Piece>, depth: usize) -> Result<(), String> {
    block(&mut { actions }, body, depth + 1, true)
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let c = characters.next();
        self.rest = characters.as_str();
        c
    }

    /// Takes as long as `wanted` holds.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        let taken = taken.to_owned();
        self.rest = rest;
        taken
    }

    /// Everything up to the closing brace.
    fn action(&mut self, depth: usize) -> Result<Action, String> {
        if depth > DEPTH {
            return Err(format!("the expression is nested deeper than {DEPTH}"));
        }
        let mut nodes = Vec::new();
        let (mut is_range, mut is_end) = (false, false);
        loop {
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                break;
            }
            if let Some(rest) = self.rest.strip_prefix("[?(") {
                self.rest = rest;
                nodes.push(self.filter(depth)?);
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("..") {
                if nodes.last() == Some(&Node::Recursive) {
                    return Err("invalid multiple recursive descent".into());
                }
                self.rest = rest;
                nodes.push(Node::Recursive);
                if self.rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                    nodes.push(self.field());
                }
                continue;
            }
            match self.next() {
                None | Some('\n' | '\r') => return Err("unclosed action".into()),
                Some(' ' | '@' | '$') => {}
                Some('[') => self.brackets(&mut nodes, depth)?,
                Some(quote @ ('"' | '\'')) => nodes.push(Node::Text(self.quoted(quote)?)),
                Some('.') => nodes.push(self.field()),
                Some(c) if c == '+' || c == '-' || c.is_ascii_digit() => nodes.push(self.number(c)?),
                Some(c) if c.is_alphanumeric() || c == '_' => match (String::from(c) + &self.take_while(|c| !is_terminator(c))).as_str() {
                    "true" => nodes.push(Node::Bool(true)),
                    "false" => nodes.push(Node::Bool(false)),
                    "range" => is_range = true,
                    "end" => is_end = true,
                    other => return Err(format!("unrecognized identifier {other}")),
                },
                Some(c) => return Err(format!("unrecognized character in action: U+{:04X} '{c}'", u32::from(c))),
            }
        }
        Ok(match (is_end, is_range) {
            (true, _) => Action::End,
            (false, true) => Action::Range(nodes),
            (false, false) => Action::Path(nodes),
        })
    }

    fn field(&mut self) -> Node {
        let mut name = String::new();
        while let Some(c) = self.rest.chars().next().filter(|c| !is_terminator(*c)) {
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '\\' => name.extend(self.next()),
                c => name.push(c),
            }
        }
        if name == "*" { Node::Wildcard } else { Node::Field(name) }
    }

    fn number(&mut self, first: char) -> Result<Node, String> {
        let text = String::from(first) + &self.take_while(|c| c == '.' || c.is_ascii_digit());
        let whole = text.parse::<i64>().ok().map(Into::into);
        let number = whole.or_else(|| text.parse().ok().and_then(serde_json::Number::from_f64));
        number.map(Node::Number).ok_or_else(|| format!("cannot parse number {text}"))
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".into()),
                Some('\\') => text.push(match self.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(c @ ('\\' | '"' | '\'')) => c,
                    other => {
                        return Err(format!("unquote string error: unknown escape `\\{}`", other.map(String::from).unwrap_or_default()));
                    }
                }),
                Some(c) if c == quote => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    /// `[0]`, `[1:3]`, `[*]`, `['key']`, `[0,2]`; the opening bracket is taken already.
    fn brackets(&mut self, nodes: &mut Vec<Node>, depth: usize) -> Result<(), String> {
        let end = self.rest.find([']', '\n']).filter(|end| self.rest[*end..].starts_with(']')).ok_or("unterminated array")?;
        let text = self.rest[..end].to_owned();
        self.rest = &self.rest[end + 1..];
        if text.contains(',') {
            let parts = text.split(',').map(|part| nested(&format!("[{}]", part.trim_matches(' ')), depth));
            nodes.push(Node::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        if let Some(key) = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)) {
            nodes.extend(nested(&format!(".{key}"), depth)?);
            return Ok(());
        }
        nodes.push(slice(if text == "*" { ":" } else { &text }).ok_or_else(|| format!("invalid array index {text}"))?);
        Ok(())
    }

    /// `@.type=="Ready"`, up to `)]`.
    fn filter(&mut self, depth: usize) -> Result<Node, String> {
        let mut quote = None;
        let mut previous = ' ';
        let mut end = None;
        for (at, c) in self.rest.char_indices() {
            match (c, quote) {
                ('\n', _) => break,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open && previous != '\\' => quote = None,
                (')', None) => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
            previous = c;
        }
        let end = end.ok_or("unterminated filter")?;
        let text = self.rest[..end].to_owned();
        self.rest = self.rest[end + 1..].strip_prefix(']').ok_or("unclosed array expect ]")?;
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let Some(start) = text.find(is_operator).filter(|start| *start > 0) else {
            return Ok(Node::Filter { left: nested(&text, depth)?, operator: "exists".into(), right: Vec::new() });
        };
        let operator: String = text[start..].chars().take_while(|c| is_operator(*c)).collect();
        let right = nested(&text[start + operator.len()..], depth)?;
        Ok(Node::Filter { left: nested(&text[..start], depth)?, operator, right })
    }
}

fn nested(text: &str, depth: usize) -> Result<Vec<Node>, String> {
    let text = format!("{text}}}");
    let mut scanner = Scanner { rest: &text };
    match scanner.action(depth + 1)? {
        Action::Path(nodes) => Ok(nodes),
        Action::Text(_) | Action::Range(_) | Action::End => Err("`range` and `end` cannot stand here".into()),
    }
}

/// `START:END:STEP`, each of them optional, or a single index.
fn slice(text: &str) -> Option<Node> {
    let number = |part: &str| if part.is_empty() { Some(None) } else { part.parse::<i64>().ok().map(Some) };
    let parts: Vec<&str> = text.split(':').collect();
    let (start, end, step) = match parts.as_slice() {
        [""] => return None,
        [index] => {
            let index = number(index)??;
            return Some(Node::Slice { start: Some(index), end: Some(index.checked_add(1)?), single: true, step: None });
        }
        [start, end] => (number(start)?, number(end)?, None),
        [start, end, step] => (number(start)?, number(end)?, number(step)?),
        _ => return None,
    };
    Some(Node::Slice { start, end, single: false, step })
}

fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}
