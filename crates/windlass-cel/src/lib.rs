//! windlass-cel: being built.
