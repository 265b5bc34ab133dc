//! The SQLite file: its tables, one transaction a commit, reading everything at the start.
//!
//! The history stores of each change only what was there before: what was there after is the next change's "before" or the
//! object itself. So a create costs no second copy, and both sides of every change can be had again after a restart.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use crate::memory::{Entry, Event, EventKind, State};
use crate::{Key, Options, StoreError};

/// The number of the table layout below.
const FORMAT: i64 = 1;
/// Marks the file as ours (`PRAGMA application_id`): "WndL".
const APPLICATION: i64 = 0x576e_644c;
/// The version of a store that has never been written: clients read 0 as "any", so numbers start at 1.
const FIRST: u64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS sequence (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    id INTEGER PRIMARY KEY, resource TEXT NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL,
    UNIQUE (resource, path));
CREATE TABLE IF NOT EXISTS history (
    version INTEGER PRIMARY KEY, resource TEXT NOT NULL, path TEXT NOT NULL, kind INTEGER NOT NULL,
    previous_version INTEGER, previous BLOB);
CREATE INDEX IF NOT EXISTS history_by_resource ON history (resource, version);
CREATE TABLE IF NOT EXISTS floors (resource TEXT PRIMARY KEY, version INTEGER NOT NULL);
";

pub(crate) struct Disk {
    connection: Connection,
    path: PathBuf,
}

impl Disk {
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Disk, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|source| failed(path, source))?;
        Disk { connection, path: path.to_owned() }.prepare(options)
    }

    pub(crate) fn in_memory(options: &Options) -> Result<Disk, StoreError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|source| failed(&path, source))?;
        Disk { connection, path }.prepare(options)
    }

    fn prepare(self, options: &Options) -> Result<Disk, StoreError> {
        self.refuse_foreign()?;
        self.set_up(options).map_err(|source| failed(&self.path, source))?;
        Ok(self)
    }

    fn refuse_foreign(&self) -> Result<(), StoreError> {
        let read = |pragma: &str| {
            self.connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(|source| failed(&self.path, source))
        };
        // The holder keeps it until it closes: waiting would only delay the answer.
        self.connection.busy_timeout(Duration::ZERO).map_err(|source| failed(&self.path, source))?;
        // Held until closing: a second opener fails here instead of reading what the first is about to change.
        self.connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(|source| failed(&self.path, source))?;
        let found = read("user_version")?;
        let application = read("application_id")?;
        if found > FORMAT || (application != APPLICATION && (found != 0 || application != 0)) {
            return Err(StoreError::Format { path: self.path.clone(), found, known: FORMAT });
        }
        Ok(())
    }

    fn set_up(&self, options: &Options) -> rusqlite::Result<()> {
        let connection = &self.connection;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // In KiB: reads come from our own memory, so a page cache helps the writer only.
        connection.pragma_update(None, "cache_size", -512)?;
        connection.set_prepared_statement_cache_capacity(32);
        // In one transaction that writes: the exclusive lock is taken now, also where the tables are there already.
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(TABLES)?;
        connection.execute("INSERT OR IGNORE INTO sequence VALUES (1, ?1)", [signed(FIRST)])?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", FORMAT)?;
        connection.execute_batch("COMMIT")?;
        if let Some(bytes) = options.max_bytes {
            let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            // The pragma answers with the limit in force, which is never below the present size.
            connection.pragma_update_and_check(None, "max_page_count", i64::try_from(bytes).unwrap_or(i64::MAX) / page, |_| Ok(()))?;
        }
        Ok(())
    }

    /// One transaction: the changes, the new version, and the history that is forgotten.
    pub(crate) fn commit(&mut self, version: u64, events: &[Arc<Event>], forgotten: &HashMap<Arc<str>, u64>) -> Result<(), StoreError> {
        // Dropping the transaction on any error rolls it back.
        self.try_commit(version, events, forgotten).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            _ => StoreError::Disk { source: Arc::new(error) },
        })
    }

    fn try_commit(&mut self, version: u64, events: &[Arc<Event>], forgotten: &HashMap<Arc<str>, u64>) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT INTO objects (resource, path, version, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (resource, path) DO UPDATE SET version = excluded.version, value = excluded.value",
            )?;
            let mut remove = transaction.prepare_cached("DELETE FROM objects WHERE resource = ?1 AND path = ?2")?;
            let mut remember = transaction.prepare_cached(
                "INSERT INTO history (version, resource, path, kind, previous_version, previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for event in events {
                let (resource, path) = (event.key.resource(), event.key.as_path());
                match event.kind {
                    EventKind::Deleted => remove.execute(params![resource, path])?,
                    EventKind::Created | EventKind::Modified => {
                        put.execute(params![resource, path, signed(event.version), &event.value[..]])?
                    }
                };
                let previous = event.previous.as_ref();
                remember.execute(params![
                    signed(event.version),
                    resource,
                    path,
                    number(event.kind),
                    previous.map(|(version, _)| signed(*version)),
                    previous.map(|(_, value)| &value[..]),
                ])?;
            }
            for (resource, floor) in forgotten {
                transaction.execute("DELETE FROM history WHERE resource = ?1 AND version <= ?2", params![&**resource, signed(*floor)])?;
                transaction.execute("INSERT OR REPLACE INTO floors VALUES (?1, ?2)", params![&**resource, signed(*floor)])?;
            }
            transaction.prepare_cached("UPDATE sequence SET version = ?1")?.execute([signed(version)])?;
        }
        transaction.commit()
    }

    /// Everything that is stored.
    pub(crate) fn load(&self, options: &Options) -> Result<State, StoreError> {
        self.try_load(options).map_err(|source| failed(&self.path, source))
    }

    fn try_load(&self, options: &Options) -> rusqlite::Result<State> {
        let version = self.connection.query_row("SELECT version FROM sequence", [], |row| row.get::<_, i64>(0))?;
        let mut state = State::new(unsigned(version), options.watch_buffer);
        let mut names = Names::default();
        let mut objects = self.connection.prepare("SELECT resource, path, version, value FROM objects")?;
        let mut rows = objects.query([])?;
        while let Some(row) = rows.next()? {
            let resource = names.shared(row.get_ref(0)?.as_str()?);
            let entry = Entry { version: unsigned(row.get(2)?), value: Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?) };
            state.collection(&resource).objects.insert(Arc::from(row.get_ref(1)?.as_str()?), entry);
        }
        let mut floors = self.connection.prepare("SELECT resource, version FROM floors")?;
        let mut rows = floors.query([])?;
        while let Some(row) = rows.next()? {
            let resource = names.shared(row.get_ref(0)?.as_str()?);
            state.collection(&resource).floor = unsigned(row.get(1)?);
        }
        self.load_history(&mut state, &mut names)?;
        for collection in state.collections.values_mut() {
            collection.compact(options.history_events, options.history_bytes);
        }
        Ok(state)
    }

    /// Walks the history from the newest change to the oldest; what a change led to is what the one after it found.
    fn load_history(&self, state: &mut State, names: &mut Names) -> rusqlite::Result<()> {
        let mut after: HashMap<Key, Option<Bytes>> = HashMap::new();
        let mut events = Vec::new();
        let mut statement = self
            .connection
            .prepare("SELECT version, resource, path, kind, previous_version, previous FROM history ORDER BY version DESC")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let version = unsigned(row.get(0)?);
            let resource = names.shared(row.get_ref(1)?.as_str()?);
            let collection = state.collection(&resource);
            if version <= collection.floor {
                continue;
            }
            let key = Key::from_path(resource, Arc::from(row.get_ref(2)?.as_str()?));
            let previous = match row.get_ref(5)?.as_blob_or_null()? {
                Some(blob) => Some((unsigned(row.get(4)?), Bytes::copy_from_slice(blob))),
                None => None,
            };
            let kind = kind(row.get(3)?);
            let value = match (kind, after.get(&key)) {
                (EventKind::Deleted, _) => previous.as_ref().map(|(_, value)| value.clone()),
                (_, Some(value)) => value.clone(),
                (_, None) => collection.objects.get(key.path()).map(|entry| entry.value.clone()),
            };
            after.insert(key.clone(), previous.as_ref().map(|(_, value)| value.clone()));
            match value {
                Some(value) => events.push(Event { key, version, kind, value, previous }),
                // Not to be told whole: neither this change nor any before it is offered.
                None => collection.floor = version,
            }
        }
        for event in events.into_iter().rev() {
            let collection = state.collection(event.key.shared_resource());
            if event.version > collection.floor {
                collection.remember(Arc::new(event));
            }
        }
        Ok(())
    }
}

/// Resource names, each kept once.
#[derive(Default)]
struct Names(HashMap<String, Arc<str>>);

impl Names {
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(shared) = self.0.get(name) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(name);
        self.0.insert(name.to_owned(), Arc::clone(&shared));
        shared
    }
}

fn failed(path: &Path, source: rusqlite::Error) -> StoreError {
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Held { path: path.to_owned() },
        _ => StoreError::Open { path: path.to_owned(), source: Arc::new(source) },
    }
}

/// SQLite's integers are signed; versions start at 1 and never reach the sign.
fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn unsigned(version: i64) -> u64 {
    u64::try_from(version).unwrap_or(0)
}

fn number(kind: EventKind) -> i64 {
    match kind {
        EventKind::Created => 1,
        EventKind::Modified => 2,
        EventKind::Deleted => 3,
    }
}

fn kind(number: i64) -> EventKind {
    match number {
        1 => EventKind::Created,
        2 => EventKind::Modified,
        _ => EventKind::Deleted,
    }
}
