//! From text to tree: words ([`lexer`]), quoted text ([`literal`]), grammar ([`parser`]), tree ([`node`]).
//!
//! Knows no types, no variables, no functions. Input is hostile: its length, its number of nodes and its depth are bounded.

mod lexer;
mod literal;
pub(crate) mod node;
mod parser;

pub(crate) use parser::parse_tree;
pub use parser::{MAXIMUM_HEIGHT, MAXIMUM_LENGTH, is_reserved};

use crate::place::Place;

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Byte in the source.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl SyntaxError {
    pub(crate) fn at(source: &str, offset: usize, message: impl Into<String>) -> Self {
        let Place { line, column } = Place::of(source, offset);
        Self { offset, line, column, message: message.into() }
    }
}
