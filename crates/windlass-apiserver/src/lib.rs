//! windlass-apiserver: being built.
