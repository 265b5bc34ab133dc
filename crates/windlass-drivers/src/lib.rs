//! windlass-drivers: being built.
