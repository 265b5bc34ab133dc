//! windlass-store: being built.
