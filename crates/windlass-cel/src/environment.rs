//! The names that an expression may use, with their types.

use crate::types::Type;
use std::collections::BTreeMap;

/// Names and their types. The functions of the libraries are always there.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    names: BTreeMap<String, Type>,
}

impl Environment {
    /// An environment with these names.
    pub fn new(names: impl IntoIterator<Item = (String, Type)>) -> Self {
        Self { names: names.into_iter().collect() }
    }

    /// The same with another name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, ty: Type) -> Self {
        self.names.insert(name.into(), ty);
        self
    }

    /// The type of a name.
    pub fn get(&self, name: &str) -> Option<&Type> {
        self.names.get(name)
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
}
