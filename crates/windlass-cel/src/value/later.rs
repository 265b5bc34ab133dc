//! A value that is known once other nodes are there.

use crate::types::Type;

/// Stands for a value until the nodes that it comes from are there.
#[derive(Clone, Debug, PartialEq)]
pub struct Later {
    /// The type it will have.
    pub ty: Type,
    /// What it comes from, as `node.path`; sorted, each once.
    pub because: Vec<String>,
    /// Whether it is the value at that one path, rather than computed from it.
    direct: bool,
}

impl Later {
    /// The value at a path such as `db.status.endpoint`, or a whole node.
    pub fn at(path: impl Into<String>, ty: Type) -> Self {
        Self { ty, because: vec![path.into()], direct: true }
    }

    /// Computed from values at these paths.
    pub fn from_all(because: impl IntoIterator<Item = String>, ty: Type) -> Self {
        let mut because: Vec<String> = because.into_iter().collect();
        because.sort();
        because.dedup();
        Self { ty, because, direct: false }
    }

    /// A field or item of this.
    pub(crate) fn step(&self, step: &str, ty: Type) -> Self {
        match self.because.as_slice() {
            [path] if self.direct => Self::at(format!("{path}{step}"), ty),
            _ => Self { ty, because: self.because.clone(), direct: false },
        }
    }

    /// The same source with another type.
    pub(crate) fn of_type(&self, ty: Type) -> Self {
        Self { ty, because: self.because.clone(), direct: false }
    }
}
