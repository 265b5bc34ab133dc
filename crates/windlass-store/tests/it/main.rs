//! The store from outside: a simple model beside it, processes that are killed, disks that are full.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod behaviour;
mod killed;
mod model;

use bytes::Bytes;
use windlass_store::{Body, Change, Expect, Key, Store, StoreError, Write};

fn key(name: &str) -> Key {
    Key::new("things", "default", name)
}

fn put(key: Key, expect: Expect, value: impl Into<String>) -> Write {
    let value = value.into();
    Write { key, expect, guards: Vec::new(), change: Change::Put(Body::new(move |_| Bytes::from(value))) }
}

fn remove(key: Key, version: u64) -> Write {
    Write { key, expect: Expect::Version(version), guards: Vec::new(), change: Change::Delete }
}

async fn create(store: &Store, name: &str, value: &str) -> Result<u64, StoreError> {
    store.write(put(key(name), Expect::Absent, value)).await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
