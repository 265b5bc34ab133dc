//! windlass-apiserver: being built.

pub mod fields;
