//! Variables of comprehensions and bindings, the innermost first.

use crate::types::Type;

/// Variables that hide the names of the environment.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    variables: Vec<(String, Type)>,
}

impl Scopes {
    pub(super) fn get(&self, name: &str) -> Option<&Type> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, ty)| ty)
    }

    pub(super) fn push(&mut self, name: &str, ty: Type) {
        self.variables.push((name.to_owned(), ty));
    }

    pub(super) fn depth(&self) -> usize {
        self.variables.len()
    }

    pub(super) fn truncate(&mut self, depth: usize) {
        self.variables.truncate(depth);
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }
}
