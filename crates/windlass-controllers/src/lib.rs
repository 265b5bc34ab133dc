//! windlass-controllers: being built.
