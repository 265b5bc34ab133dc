//! windlass-graph: being built.
