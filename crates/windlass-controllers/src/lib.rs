//! Controllers: they watch, decide by pure functions, and act. Each has a folder; none uses another; they meet through objects.
//!
//! Level-triggered throughout: a watch event only puts a key in a queue, and a reconcile reads everything anew. Start with
//! [`start()`], then [`instance`].

pub mod instance;
pub mod runtime;
pub mod start;
pub mod template;

pub use start::{Controllers, FingerprintKey, Settings, install_kinds, start};
