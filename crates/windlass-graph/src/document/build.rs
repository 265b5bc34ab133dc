//! Builds documents from parser events, within bounds.

use super::{Document, Place, TextLayout, scalar};
use crate::path;
use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::HashMap;
use windlass_api::Diagnostic;

/// How deep values may be nested.
const DEEPEST: usize = 64;
/// How many values all documents of a file may have, those behind aliases counted each time.
const MOST_VALUES: usize = 200_000;

/// Reads every document of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, Box<Diagnostic>> {
    let mut builder =
        Builder { source: text, parser: Parser::new_from_str(text), values: 0, anchors: HashMap::new(), places: HashMap::new() };
    let mut found = Vec::new();
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamEnd => return Ok(found),
            Event::DocumentStart(..) => {
                builder.anchors.clear();
                let (event, span) = builder.next()?;
                let value = builder.node(&event, &span, "", 0)?;
                let places = std::mem::take(&mut builder.places);
                if !value.is_null() {
                    found.push(Document { value, places });
                }
            }
            Event::StreamStart | Event::DocumentEnd => {}
            _ => return Err(fault(&span, "this is not a document")),
        }
    }
}

struct Builder<'t> {
    source: &'t str,
    parser: Parser<'t, serde_saphyr::granit_parser::StrInput<'t>>,
    values: usize,
    anchors: HashMap<usize, Value>,
    places: HashMap<String, Place>,
}

impl<'t> Builder<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Box<Diagnostic>> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(found)) => return Ok(found),
                Some(Err(error)) => {
                    let (line, column) = (number(error.marker().line()), number(error.marker().col()) + 1);
                    let hint = "indent with spaces, close every quote and bracket, and quote texts that begin with a special character";
                    let message = format!("this is not YAML: {}", error.info());
                    return Err(Box::new(Diagnostic::error("InvalidYaml", "", message).with_hint(hint).at(line, column)));
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn node(&mut self, event: &Event<'t>, span: &Span, path: &str, depth: usize) -> Result<Value, Box<Diagnostic>> {
        if depth > DEEPEST {
            return Err(fault(span, format!("values are nested deeper than {DEEPEST}")));
        }
        self.count(span, 1)?;
        let place = self.places.entry(path.to_owned()).or_default();
        place.value = place_of(span);
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let layout = self.layout(*style, span);
                if let Some(place) = self.places.get_mut(path) {
                    place.text = layout;
                }
                (*anchor, scalar_value(text, *style, tag.as_deref()).map_err(|message| fault(span, message))?)
            }
            Event::SequenceStart(_, anchor, _) => (*anchor, self.list(path, depth)?),
            Event::MappingStart(_, anchor, _) => (*anchor, self.object(path, depth)?),
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(anchor).cloned() else {
                    return Err(fault(span, "this alias stands inside the value that it refers to"));
                };
                self.count(span, size(&value))?;
                (0, value)
            }
            _ => return Err(fault(span, "a value is missing here")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Value, Box<Diagnostic>> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::Array(items));
            }
            items.push(self.node(&event, &span, &path::item(path, items.len()), depth + 1)?);
        }
    }

    fn object(&mut self, path: &str, depth: usize) -> Result<Value, Box<Diagnostic>> {
        let mut fields = Map::new();
        let mut merged: Vec<(Value, Span)> = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            let key = match &event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, anchor, tag) => {
                    let value = scalar_value(text, *style, tag.as_deref()).map_err(|message| fault(&key_span, message))?;
                    let merges = *style == ScalarStyle::Plain && text == "<<";
                    if *anchor > 0 {
                        self.anchors.insert(*anchor, value.clone());
                    }
                    let key = key_text(&value).ok_or_else(|| fault(&key_span, "a key must be a text"))?;
                    if merges { None } else { Some(key) }
                }
                _ => return Err(fault(&key_span, "a key must be a text")),
            };
            let (event, span) = self.next()?;
            let Some(key) = key else {
                let value = self.node(&event, &span, &path::child(path, "<<"), depth + 1)?;
                merged.push((value, span));
                continue;
            };
            let at = path::child(path, &key);
            if fields.contains_key(&key) {
                let twice = (*fault(&key_span, format!("the key `{key}` stands here twice"))).with_hint("remove one of them");
                return Err(Box::new(Diagnostic { path: at, ..twice }));
            }
            self.places.insert(at.clone(), Place { key: Some(place_of(&key_span)), ..Place::default() });
            let value = self.node(&event, &span, &at, depth + 1)?;
            fields.insert(key, value);
        }
        for (value, span) in merged {
            let sources = if let Value::Array(sources) = value { sources } else { vec![value] };
            for source in sources {
                let Value::Object(source) = source else { return Err(fault(&span, "`<<` takes an object, or a list of objects")) };
                for (key, value) in source {
                    fields.entry(key).or_insert(value);
                }
            }
        }
        Ok(Value::Object(fields))
    }

    fn count(&mut self, span: &Span, values: usize) -> Result<(), Box<Diagnostic>> {
        self.values += values;
        if self.values > MOST_VALUES {
            return Err(fault(span, format!("the file has more than {MOST_VALUES} values, aliases included")));
        }
        Ok(())
    }

    fn layout(&self, style: ScalarStyle, span: &Span) -> TextLayout {
        let one_line = span.start.line() == span.end.line();
        match style {
            ScalarStyle::Plain if one_line => TextLayout::Line(0),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if one_line => TextLayout::Line(1),
            ScalarStyle::Literal => {
                let first = self.source.lines().skip(span.start.line().saturating_sub(1)).find(|line| !line.trim().is_empty());
                TextLayout::Block(number(first.map_or(0, |line| line.len() - line.trim_start_matches(' ').len())))
            }
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Folded => TextLayout::None,
        }
    }
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    if let Some(tag) = tag.filter(|tag| tag.is_yaml_core_schema()) {
        return match tag.suffix() {
            "str" | "binary" | "timestamp" => Ok(Value::String(text.to_owned())),
            "int" | "float" => scalar::number(text).ok_or_else(|| format!("`{text}` is not a number")),
            _ => scalar::plain(text),
        };
    }
    match style {
        ScalarStyle::Plain => scalar::plain(text),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded => {
            Ok(Value::String(text.to_owned()))
        }
    }
}

fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn fault(span: &Span, message: impl Into<String>) -> Box<Diagnostic> {
    let (line, column) = place_of(span);
    Box::new(Diagnostic::error("InvalidYaml", "", message).at(line, column))
}

fn place_of(span: &Span) -> (u32, u32) {
    (number(span.start.line()), number(span.start.col()) + 1)
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
