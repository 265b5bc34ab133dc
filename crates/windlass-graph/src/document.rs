//! YAML files with places: what `template check` reads, so that a finding can name line and column.
//!
//! Read as kubectl reads: YAML 1.1 booleans and octals, several documents, anchors and merge keys; a key that stands
//! twice is refused. Input is hostile: text, depth and number of values are bounded, aliases included. Start with
//! [`Document::read_all`].

mod build;
mod scalar;

use crate::path;
use serde_json::Value;
use std::collections::HashMap;
use windlass_api::Diagnostic;

/// The longest text that is read.
const LARGEST_TEXT: usize = 3 * 1024 * 1024;

/// One YAML document and where its values stand in the file.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The document as JSON.
    pub value: Value,
    places: HashMap<String, Place>,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Line and column of the key, where the value is a field; both from 1.
    key: Option<(u32, u32)>,
    /// Line and column of the value, both from 1.
    value: (u32, u32),
    /// How offsets in a text turn into places.
    text: TextLayout,
}

/// How the characters of a text stand in the file.
#[derive(Clone, Copy, Debug, Default)]
enum TextLayout {
    /// Not as written (folded, escaped over lines) or no text at all.
    #[default]
    None,
    /// On one line; the first character stands this many columns after the value's place.
    Line(u32),
    /// A literal block, indented by this many columns.
    Block(u32),
}

impl Document {
    /// Reads every document of a file. Empty documents are left out.
    ///
    /// # Errors
    /// The text is not YAML, has no meaning in JSON, or goes beyond the bounds; with place.
    pub fn read_all(text: &str) -> Result<Vec<Self>, Box<Diagnostic>> {
        if text.len() > LARGEST_TEXT {
            let message = format!("the file has {} bytes; at most {LARGEST_TEXT} are read", text.len());
            return Err(Box::new(Diagnostic::error("FileTooLarge", "", message).with_hint("an object is at most 1 MiB; split the file")));
        }
        build::documents(text)
    }

    /// Line and column (from 1) of the value at a path such as `spec.resources[1].id`: of its key where it has one.
    pub fn place(&self, path: &str) -> Option<(u32, u32)> {
        self.places.get(path).map(|place| place.key.unwrap_or(place.value))
    }

    /// Adds line and column to a finding that has a path: those of the value, or of the nearest object around it. A
    /// column that counts within a text becomes a place in the file.
    #[must_use]
    pub fn locate(&self, diagnostic: Diagnostic) -> Diagnostic {
        if diagnostic.line.is_some() {
            return diagnostic;
        }
        if let Some(place) = self.places.get(&diagnostic.path) {
            let inside = diagnostic.column.and_then(|column| self.inside(&diagnostic.path, place, column));
            let (line, column) = inside.unwrap_or_else(|| place.key.unwrap_or(place.value));
            return diagnostic.at(line, column);
        }
        let mut around = path::parent(&diagnostic.path);
        while let Some(path) = around {
            if let Some((line, column)) = self.place(path) {
                return diagnostic.at(line, column);
            }
            around = path::parent(path);
        }
        Diagnostic { column: None, ..diagnostic }
    }

    /// Adds places to many findings.
    #[must_use]
    pub fn locate_all(&self, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        diagnostics.into_iter().map(|diagnostic| self.locate(diagnostic)).collect()
    }

    /// The place in the file of the character that stands at `column` (from 1) of a text.
    fn inside(&self, path: &str, place: &Place, column: u32) -> Option<(u32, u32)> {
        let text = path::get(&self.value, path)?.as_str()?;
        let before = text.chars().take(usize::try_from(column).ok()?.checked_sub(1)?);
        let (mut lines, mut last) = (0, 0);
        for c in before {
            (lines, last) = if c == '\n' { (lines + 1, 0) } else { (lines, last + 1) };
        }
        match place.text {
            TextLayout::None => None,
            TextLayout::Line(start) => (lines == 0).then_some((place.value.0, place.value.1 + start + last)),
            TextLayout::Block(indent) => Some((place.value.0 + lines, indent + last + 1)),
        }
    }
}

#[cfg(test)]
mod tests;
