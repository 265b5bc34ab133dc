//! Conflicts of server-side apply, in the words that clients know.
//!
//! Start with [`Conflicts::message`] and [`Conflicts::causes`].

use super::managed::{FieldOwner, Operation};
use super::path::FieldPath;
use super::set::FieldSet;
use std::fmt;
use windlass_schema::structural::error::quote;

/// A field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// Who owns it.
    pub manager: FieldOwner,
    /// Which field.
    pub path: FieldPath,
}

/// All conflicts of one apply; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts(pub Vec<Conflict>);

impl Conflict {
    fn owner(&self) -> String {
        let mut text = quote(&self.manager.name);
        if !self.manager.subresource.is_empty() {
            text.push_str(&format!(" with subresource {}", quote(&self.manager.subresource)));
        }
        if self.manager.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.manager.api_version));
        }
        text
    }
}

impl Conflicts {
    /// What the Status says: `Apply failed with 1 conflict: conflict with "x" using v1: .data.a`.
    pub fn message(&self) -> String {
        if let [only] = self.0.as_slice() {
            return format!("Apply failed with 1 conflict: conflict with {}: {}", only.owner(), only.path);
        }
        let mut lines = Vec::new();
        let mut last = None;
        for conflict in &self.0 {
            if last != Some(&conflict.manager) {
                lines.push(format!("conflicts with {}:", conflict.owner()));
                last = Some(&conflict.manager);
            }
            lines.push(format!("- {}", conflict.path));
        }
        format!("Apply failed with {} conflicts: {}", self.0.len(), lines.join("\n"))
    }

    /// `(message, field)` of each cause; its reason is `FieldManagerConflict`.
    pub fn causes(&self) -> Vec<(String, String)> {
        self.0.iter().map(|conflict| (format!("conflict with {}", conflict.owner()), conflict.path.to_string())).collect()
    }

    /// Conflicts about fields outside `allowed`.
    pub(super) fn beyond(&self, allowed: &FieldSet) -> Vec<Conflict> {
        self.0.iter().filter(|conflict| !allowed.has(&conflict.path.0)).cloned().collect()
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message())
    }
}

impl std::error::Error for Conflicts {}
