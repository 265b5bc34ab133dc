//! windlass-api: being built.
