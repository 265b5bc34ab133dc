//! windlass-schema: being built.

pub mod structural;
