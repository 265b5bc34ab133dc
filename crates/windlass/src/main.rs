//! The `windlass` binary: being built.
fn main() {}
