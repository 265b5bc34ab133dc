//! windlass-score: being built.
