//! A message about something a person wrote: what is wrong, where, and the way out.
//!
//! The same value is printed by `template check`, shown in the portal and stored in `status.diagnostics`, so that every
//! door gives the same answer. It never holds a secret value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is refused.
    #[default]
    Error,
    /// It is accepted, but may surprise.
    Warning,
}

/// One finding, with place, cause and way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The file, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A constant for programs, such as `UnknownName`.
    pub code: String,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// Where in the document, as `spec.resources[1].template.metadata.name`.
    #[serde(default)]
    pub path: String,
    /// Line in the file, from 1, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in the line, from 1, where known. Without a line, which stored objects do not have, the character in the text
    /// at `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong, with the value it is wrong about.
    pub message: String,
    /// The way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A finding that refuses the document.
    pub fn error(code: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), path: path.into(), message: message.into(), ..Self::default() }
    }

    /// A finding that does not refuse the document.
    pub fn warning(code: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, message) }
    }

    /// Adds the way out.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the place in the file, both counted from 1.
    #[must_use]
    pub fn at(mut self, line: u32, column: u32) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    /// Adds the file.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Whether it refuses the document.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: error[Code] path: message` and, on a second line, `hint: ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        if let Some(line) = self.line {
            write!(f, "{line}:{}:", self.column.unwrap_or(1))?;
        }
        if self.file.is_some() || self.line.is_some() {
            f.write_str(" ")?;
        }
        let severity = if self.is_error() { "error" } else { "warning" };
        write!(f, "{severity}[{}]", self.code)?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
            if let (None, Some(character)) = (self.line, self.column) {
                write!(f, ", character {character}")?;
            }
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_compiler_would_say_it() {
        let finding = Diagnostic::error("UnknownName", "spec.resources[0]", "`shema` is not a name here")
            .with_hint("did you mean `schema`?")
            .at(12, 7)
            .in_file("web.yaml");
        assert_eq!(
            finding.to_string(),
            "web.yaml:12:7: error[UnknownName] spec.resources[0]: `shema` is not a name here\n  hint: did you mean `schema`?"
        );
    }
}
