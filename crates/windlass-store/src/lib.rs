//! A durable, versioned object log on SQLite: what the embedded API server keeps its objects in.
//!
//! It stores opaque bytes under (resource, namespace, name), gives every change one number out of one sequence, and tells
//! watchers about changes in that order. It knows nothing of JSON, kinds or HTTP.
//!
//! - A write is answered after the `fsync` that covers it. One thread writes; writes that arrive while it waits for the disk
//!   share the next commit ([`Store::write`]).
//! - Reads come from memory and see every write that was answered. Objects and history are kept as bytes, shared, never parsed.
//! - The history of each resource is kept up to a bound, over restarts too. It feeds watches ([`Store::watch`]) and reads of an
//!   earlier version ([`Store::list_at`]); what is older answers [`StoreError::Expired`].
//!
//! Start at [`Store`]; `writer.rs` holds the one thread that changes anything.

mod disk;
mod error;
mod key;
mod memory;
mod store;
mod watch;
mod writer;

pub use error::StoreError;
pub use key::Key;
pub use memory::{Event, EventKind, List, Stored};
pub use store::{Options, Store};
pub use watch::Watch;
pub use writer::{Body, Change, Expect, Guard, Write};
