//! What can go wrong with the store. Values never appear in a message: they may be secret.

use std::path::PathBuf;
use std::sync::Arc;

use crate::Key;

/// A read or write was refused. After a refused write nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the database.
    #[error(
        "the database `{}` is held by another process\n  hint: stop the other windlass that uses this directory, or choose another one",
        path.display()
    )]
    Held {
        /// The database file.
        path: PathBuf,
    },
    /// The file was made by a newer version or is something else.
    #[error(
        "the database `{}` has format {found}, this version reads up to {known}\n  hint: use the version of windlass that wrote it",
        path.display()
    )]
    Format {
        /// The database file.
        path: PathBuf,
        /// Its format number.
        found: i64,
        /// The newest format that is understood.
        known: i64,
    },
    /// The database cannot be opened or read.
    #[error("cannot open the database `{}`", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The disk (or the size limit) is full. The write and all that shared its commit are undone.
    #[error("the database is full; the write was not taken\n  hint: free space on the disk of the data directory")]
    Full,
    /// The disk refused the write, which is undone.
    #[error("the disk refused the write, which was not taken")]
    Disk {
        /// Why.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The writer has ended; the store is closing.
    #[error("the store is closed")]
    Closed,
    /// A create found the key taken.
    #[error("`{key}` already exists")]
    Exists {
        /// Which.
        key: Key,
    },
    /// An update or delete found nothing.
    #[error("`{key}` does not exist")]
    Missing {
        /// Which.
        key: Key,
    },
    /// The object has changed since it was read.
    #[error("`{key}` is at version {found}, not {expected}")]
    Conflict {
        /// Which.
        key: Key,
        /// What the caller had read.
        expected: u64,
        /// What is stored.
        found: u64,
    },
    /// Another object that the write depends on has changed or is gone.
    #[error("`{key}`, which the write depends on, has changed")]
    GuardChanged {
        /// Which.
        key: Key,
    },
    /// The history does not reach back that far.
    #[error("version {version} is no longer kept; the oldest is {oldest}")]
    Expired {
        /// What was asked for.
        version: u64,
        /// The oldest version that can be asked for.
        oldest: u64,
    },
    /// The version has not been given out yet.
    #[error("version {version} is newer than the newest, {newest}")]
    Future {
        /// What was asked for.
        version: u64,
        /// The newest version.
        newest: u64,
    },
    /// A watcher read too slowly and has lost events.
    #[error("the watch fell behind and has lost events\n  hint: list again and watch from there")]
    Lagged,
}
