//! windlass-testkit: being built.
