//! windlass-apiserver: being built.

pub mod builtin;
pub mod fields;
