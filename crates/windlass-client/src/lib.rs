//! windlass-client: being built.
