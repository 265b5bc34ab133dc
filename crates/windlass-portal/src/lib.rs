//! windlass-portal: being built.
