//! windlass-schema: being built.
