//! Processes on this machine: being built.
