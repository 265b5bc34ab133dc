//! A tree of YAML with expressions in its texts: read once, checked against a schema, rendered as often as needed.

use crate::expression::{Formula, Names, Outcome, Piece, Scope, Strictness, Type, scan};
use crate::path;
use crate::value::Rendered;
use serde_json::Value;
use windlass_api::Diagnostic;
use windlass_score::{Expansion, expansion, placeholder};

/// A tree of YAML with expressions.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Without any expression.
    Fixed(Value),
    /// A text with expressions.
    Text(Text),
    /// A list of which some item has expressions.
    List(Vec<Body>),
    /// An object of which some field has expressions.
    Object(Vec<(String, Body)>),
}

/// A text with expressions.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Literal and computed pieces.
    pub(crate) pieces: Vec<TextPiece>,
    /// Whether the text is one expression and nothing else: its result keeps its type.
    pub(crate) whole: bool,
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub(crate) enum TextPiece {
    /// As it is.
    Literal(String),
    /// Computed; in a text that Score expands, dollar signs of the result are escaped, because data is no placeholder.
    Computed { formula: Box<Formula>, escape: bool },
}

/// Where a tree stands, as far as reading depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dialect {
    /// Every `${...}` is ours.
    Plain,
    /// A Score document: some `${...}` are Score's.
    Score,
}

/// Reads a tree.
pub(crate) fn read(value: &Value, at: &str, dialect: Dialect, strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Body {
    let mut reader = Reader { dialect, strictness, findings, steps: Vec::new() };
    reader.read(value, at)
}

struct Reader<'f> {
    dialect: Dialect,
    strictness: Strictness,
    findings: &'f mut Vec<Diagnostic>,
    steps: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, value: &Value, at: &str) -> Body {
        match value {
            Value::String(text) if text.contains('$') => self.text(text, at),
            Value::Array(items) => {
                let items: Vec<Body> =
                    items.iter().enumerate().map(|(index, item)| self.below(index.to_string(), item, &path::item(at, index))).collect();
                if items.iter().all(|item| matches!(item, Body::Fixed(_))) { Body::Fixed(unfixed_list(items)) } else { Body::List(items) }
            }
            Value::Object(fields) => {
                let fields: Vec<(String, Body)> =
                    fields.iter().map(|(key, field)| (key.clone(), self.below(key.clone(), field, &path::child(at, key)))).collect();
                if fields.iter().all(|(_, field)| matches!(field, Body::Fixed(_))) {
                    Body::Fixed(
                        fields.into_iter().filter_map(|(key, field)| Some((key, fixed(field)?))).collect::<serde_json::Map<_, _>>().into(),
                    )
                } else {
                    Body::Object(fields)
                }
            }
            fixed => Body::Fixed(fixed.clone()),
        }
    }

    fn below(&mut self, step: String, value: &Value, at: &str) -> Body {
        self.steps.push(step);
        let body = self.read(value, at);
        self.steps.pop();
        body
    }

    fn text(&mut self, text: &str, at: &str) -> Body {
        let steps: Vec<&str> = self.steps.iter().map(String::as_str).collect();
        let expands = matches!(self.dialect, Dialect::Score) && expansion(&steps) == Expansion::Placeholders;
        let segments = match self.dialect {
            Dialect::Plain => vec![Segment::Ours(text, 0)],
            Dialect::Score => segments(text, expands),
        };
        let alone = segments.len() == 1;
        let mut pieces = Vec::new();
        let mut whole = false;
        for segment in segments {
            match segment {
                Segment::Theirs(text) => pieces.push(TextPiece::Literal(text)),
                Segment::Ours(text, start) => match scan(text, self.strictness, at, start) {
                    Ok(found) => {
                        whole = alone && found.whole;
                        for piece in found.pieces {
                            match piece {
                                Piece::Literal(text) => pieces.push(TextPiece::Literal(text)),
                                Piece::Formula(formula) => pieces.push(TextPiece::Computed { formula, escape: expands }),
                            }
                        }
                    }
                    Err(finding) => self.findings.push(*finding),
                },
            }
        }
        if pieces.iter().all(|piece| matches!(piece, TextPiece::Literal(_))) {
            let joined: String =
                pieces.into_iter().map(|piece| if let TextPiece::Literal(text) = piece { text } else { String::new() }).collect();
            return Body::Fixed(Value::String(joined));
        }
        Body::Text(Text { pieces, whole })
    }
}

fn fixed(body: Body) -> Option<Value> {
    match body {
        Body::Fixed(value) => Some(value),
        Body::Text(_) | Body::List(_) | Body::Object(_) => None,
    }
}

fn unfixed_list(items: Vec<Body>) -> Value {
    items.into_iter().filter_map(fixed).collect()
}

/// A stretch of a text in a Score document.
enum Segment<'t> {
    /// For our expressions; with its offset in characters.
    Ours(&'t str, usize),
    /// Score's, or plain.
    Theirs(String),
}

/// Takes a text of a Score document apart. Where Score expands, `${resources.*}`, `${metadata.*}` and `$${...}` stay as they
/// are; elsewhere `$${...}` is a literal `${...}`.
fn segments(text: &str, expands: bool) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(offset) = text[at..].find('$') {
        let here = at + offset;
        let rest = &text[here..];
        let escaped = rest.strip_prefix("$${").and_then(|inside| inside.find('}')).map(|end| end + 4);
        let theirs = rest.strip_prefix("${").filter(|_| expands).and_then(|inside| {
            let trimmed = inside.trim_start();
            let named = ["resources.", "metadata.", "resources}", "metadata}"].iter().any(|name| trimmed.starts_with(name));
            named.then(|| inside.find('}')).flatten().map(|end| end + 3)
        });
        let length = match (escaped, theirs) {
            (Some(length), _) | (None, Some(length)) => length,
            (None, None) if rest.starts_with("${") => {
                // Ours: the scanner finds its end. What follows is looked at again from there.
                let end = crate::expression::end_of_expression(rest).unwrap_or(rest.len());
                at = here + end;
                continue;
            }
            (None, None) => {
                // A pair of dollar signs is one for Score; what follows is looked at by itself.
                at = here + if rest.starts_with("$$") { 2 } else { 1 };
                continue;
            }
        };
        if here > start {
            found.push(Segment::Ours(&text[start..here], text[..start].chars().count()));
        }
        let taken = &rest[..length];
        found.push(Segment::Theirs(if escaped.is_some() && !expands { taken[1..].to_owned() } else { taken.to_owned() }));
        start = here + length;
        at = start;
    }
    if start < text.len() {
        found.push(Segment::Ours(&text[start..], text[..start].chars().count()));
    }
    found
}

impl Body {
    /// Every expression in it.
    pub(crate) fn formulas(&self) -> Vec<&Formula> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'b>(&'b self, found: &mut Vec<&'b Formula>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(text) => found.extend(text.formulas()),
            Self::List(items) => items.iter().for_each(|item| item.collect(found)),
            Self::Object(fields) => fields.iter().for_each(|(_, field)| field.collect(found)),
        }
    }

    /// The part at a field.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        match self {
            Self::Fixed(value) => value.get(key).cloned().map(Self::Fixed),
            Self::Object(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, field)| field.clone()),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The part at a path, or the nearest text around it.
    pub(crate) fn nearest(&self, steps: &[path::Step]) -> Self {
        let Some((step, rest)) = steps.split_first() else { return self.clone() };
        let below = match (self, step) {
            (_, path::Step::Field(key)) => self.get(key),
            (Self::List(items), path::Step::Item(index)) => items.get(*index).cloned(),
            (Self::Fixed(value), path::Step::Item(index)) => value.get(*index).cloned().map(Self::Fixed),
            (Self::Text(_) | Self::Object(_), path::Step::Item(_)) => None,
        };
        below.map_or_else(|| self.clone(), |below| below.nearest(rest))
    }

    /// Checks every expression; texts become strings, a whole expression keeps its type.
    pub(crate) fn check(&mut self, names: &Names, findings: &mut Vec<Diagnostic>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(text) => text.check(names, findings),
            Self::List(items) => items.iter_mut().for_each(|item| item.check(names, findings)),
            Self::Object(fields) => fields.iter_mut().for_each(|(_, field)| field.check(names, findings)),
        }
    }

    /// Renders it. What cannot be had from other nodes yet is later; anything else that fails is a finding.
    pub(crate) fn render(&self, scope: &Scope, findings: &mut Vec<Diagnostic>) -> Rendered {
        match self {
            Self::Fixed(value) => Rendered::Known(value.clone()),
            Self::Text(text) => text.render(scope, findings),
            Self::List(items) => Rendered::list(items.iter().map(|item| item.render(scope, findings)).collect()),
            Self::Object(fields) => Rendered::map(fields.iter().map(|(key, field)| (key.clone(), field.render(scope, findings))).collect()),
        }
    }
}

impl Text {
    /// Its expressions.
    pub(crate) fn formulas(&self) -> impl Iterator<Item = &Formula> {
        self.pieces.iter().filter_map(|piece| match piece {
            TextPiece::Literal(_) => None,
            TextPiece::Computed { formula, .. } => Some(formula.as_ref()),
        })
    }

    fn check(&mut self, names: &Names, findings: &mut Vec<Diagnostic>) {
        let whole = self.whole;
        for piece in &mut self.pieces {
            let TextPiece::Computed { formula, .. } = piece else { continue };
            match formula.check(names) {
                Ok(type_) if !whole && !crate::expression::is_text(&type_) => {
                    let message = format!("`{}` is of type {type_}, but a part of a text must be a string", formula.source());
                    findings.push(formula.finding("WrongType", message).with_hint(format!("write `${{string({})}}`", formula.source())));
                }
                Ok(_) => {}
                Err(found) => findings.extend(found),
            }
        }
    }

    /// Type of the result, once it is checked.
    pub(crate) fn result(&self) -> Option<Type> {
        match self.pieces.as_slice() {
            [TextPiece::Computed { formula, .. }] if self.whole => formula.result(),
            _ => Some(crate::expression::text_type()),
        }
    }

    fn render(&self, scope: &Scope, findings: &mut Vec<Diagnostic>) -> Rendered {
        if self.whole
            && let [TextPiece::Computed { formula, escape }] = self.pieces.as_slice()
        {
            return escaped(computed(formula, scope, findings), *escape);
        }
        let mut parts = Vec::new();
        for piece in &self.pieces {
            parts.push(match piece {
                TextPiece::Literal(text) => Rendered::Known(Value::String(text.clone())),
                TextPiece::Computed { formula, escape } => {
                    let value = computed(formula, scope, findings);
                    if let Rendered::Known(other) = &value
                        && !other.is_string()
                    {
                        let message = format!("`{}` gives {other}, but a part of a text must be a string", formula.source());
                        findings
                            .push(formula.finding("WrongType", message).with_hint(format!("write `${{string({})}}`", formula.source())));
                    }
                    escaped(value, *escape)
                }
            });
        }
        crate::expression::join(&parts)
    }
}

fn computed(formula: &Formula, scope: &Scope, findings: &mut Vec<Diagnostic>) -> Rendered {
    match formula.evaluate(scope) {
        Outcome::Value(value) => value,
        Outcome::Pending(because) => Rendered::later("dyn", because),
        Outcome::Failed(finding) => {
            findings.push(*finding);
            Rendered::Known(Value::Null)
        }
    }
}

fn escaped(value: Rendered, escape: bool) -> Rendered {
    match value {
        Rendered::Known(Value::String(text)) if escape => Rendered::Known(Value::String(placeholder::escape(&text))),
        Rendered::Secret(mut secret) if escape => {
            if let Some(Value::String(text)) = &secret.value {
                secret.value = Some(Value::String(placeholder::escape(text)));
            }
            Rendered::Secret(secret)
        }
        other => other,
    }
}
