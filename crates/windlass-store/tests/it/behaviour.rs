//! What the store promises, one promise a test.

use std::time::Duration;

use bytes::Bytes;
use windlass_store::{Body, Change, EventKind, Expect, Guard, Key, Options, Store, StoreError, Write};

use super::{block_on, create, key, put, remove};

fn open() -> Store {
    Store::in_memory(&Options::default()).unwrap()
}

fn names(list: &windlass_store::List) -> Vec<&str> {
    list.items.iter().map(|item| item.key.as_path()).collect()
}

#[test]
fn every_change_has_a_number_of_its_own() {
    block_on(async {
        let store = open();
        let start = store.version();
        let first = create(&store, "a", "1").await.unwrap();
        let second = store.write(put(key("a"), Expect::Version(first), "2")).await.unwrap();
        let third = store.write(remove(key("a"), second)).await.unwrap();
        assert_eq!([first, second, third], [start + 1, start + 2, start + 3]);
        assert_eq!(store.version(), third);
        assert_eq!(store.get(&key("a")), None);
    });
}

#[test]
fn a_body_can_hold_its_own_version() {
    block_on(async {
        let store = open();
        let body = Body::new(|version| Bytes::from(format!("v{version}")));
        let write = Write { key: key("a"), expect: Expect::Absent, guards: Vec::new(), change: Change::Put(body) };
        let version = store.write(write).await.unwrap();
        assert_eq!(store.get(&key("a")).unwrap().value, format!("v{version}"));
    });
}

#[test]
fn what_does_not_hold_is_refused_and_changes_nothing() {
    block_on(async {
        let store = open();
        let version = create(&store, "a", "1").await.unwrap();
        let commits = store.commits();
        assert!(matches!(create(&store, "a", "2").await, Err(StoreError::Exists { .. })));
        let stale = store.write(put(key("a"), Expect::Version(version - 1), "2")).await;
        assert!(matches!(stale, Err(StoreError::Conflict { expected, found, .. }) if (expected, found) == (version - 1, version)));
        assert!(matches!(store.write(remove(key("b"), 1)).await, Err(StoreError::Missing { .. })));
        let blind = Write { key: key("b"), expect: Expect::Absent, guards: Vec::new(), change: Change::Delete };
        assert!(matches!(store.write(blind).await, Err(StoreError::Missing { .. })));
        assert_eq!((store.version(), store.commits()), (version, commits));
        assert_eq!(store.get(&key("a")).unwrap().value, "1");
    });
}

#[test]
fn a_guard_that_changed_refuses_the_write() {
    block_on(async {
        let store = open();
        let home = Key::new("homes", "", "default");
        let version = store.write(put(home.clone(), Expect::Absent, "open")).await.unwrap();
        let guarded =
            |name: &str, version| Write { guards: vec![Guard { key: home.clone(), version }], ..put(key(name), Expect::Absent, "x") };
        store.write(guarded("a", version)).await.unwrap();
        store.write(put(home.clone(), Expect::Version(version), "closing")).await.unwrap();
        assert!(matches!(store.write(guarded("b", version)).await, Err(StoreError::GuardChanged { .. })));
        assert_eq!(store.get(&key("b")), None);
    });
}

#[test]
fn writes_that_wait_together_share_a_commit() {
    block_on(async {
        let store = open();
        let names: Vec<String> = (0..500).map(|number| format!("n{number:03}")).collect();
        let results = futures::future::join_all(names.iter().map(|name| create(&store, name, "x"))).await;
        assert!(results.iter().all(Result::is_ok));
        assert!(store.commits() < 250, "{} commits for 500 writes", store.commits());
        assert_eq!(store.list("things", Some("default")).items.len(), 500);
    });
}

#[test]
fn lists_are_ordered_and_cut_by_namespace() {
    block_on(async {
        let store = open();
        for (namespace, name) in [("b", "1"), ("a", "2"), ("a", "1"), ("a-b", "1")] {
            store.write(put(Key::new("things", namespace, name), Expect::Absent, "x")).await.unwrap();
        }
        assert_eq!(names(&store.list("things", None)), ["a-b/1", "a/1", "a/2", "b/1"]);
        assert_eq!(names(&store.list("things", Some("a"))), ["a/1", "a/2"]);
        assert_eq!(names(&store.list("others", None)), [""; 0]);
    });
}

#[test]
fn a_watch_starts_in_the_past_and_goes_on() {
    block_on(async {
        let store = open();
        let first = create(&store, "a", "1").await.unwrap();
        let second = store.write(put(key("a"), Expect::Version(first), "2")).await.unwrap();
        let mut watch = store.watch("things", first).unwrap();
        assert_eq!(watch.progress(), None);
        let event = watch.next().await.unwrap();
        assert_eq!((event.version, event.kind), (second, EventKind::Modified));
        assert_eq!(event.previous, Some((first, Bytes::from("1"))));
        assert_eq!(watch.progress(), Some(second));
        let third = store.write(remove(key("a"), second)).await.unwrap();
        let event = watch.next().await.unwrap();
        assert_eq!((event.version, event.kind, &event.value[..]), (third, EventKind::Deleted, &b"2"[..]));
        assert!(tokio::time::timeout(Duration::from_millis(5), watch.next()).await.is_err());
    });
}

#[test]
fn everything_can_be_followed_at_once() {
    block_on(async {
        let store = open();
        create(&store, "before", "x").await.unwrap();
        let mut all = store.follow();
        assert_eq!(all.try_next().unwrap(), None);
        create(&store, "a", "x").await.unwrap();
        store.write(put(Key::new("others", "", "b"), Expect::Absent, "x")).await.unwrap();
        let seen = [all.try_next().unwrap().unwrap().key.clone(), all.next().await.unwrap().key.clone()];
        assert_eq!(seen.map(|key| key.to_string()), ["things:default/a", "others:b"]);
    });
}

#[test]
fn a_slow_watcher_is_told_that_it_lost_events() {
    block_on(async {
        let store = Store::in_memory(&Options { watch_buffer: 2, ..Options::default() }).unwrap();
        let mut watch = store.watch("things", store.version()).unwrap();
        for name in ["a", "b", "c", "d"] {
            create(&store, name, "x").await.unwrap();
        }
        assert!(matches!(watch.next().await, Err(StoreError::Lagged)));
    });
}

#[test]
fn history_is_bounded_and_says_so() {
    block_on(async {
        let store = Store::in_memory(&Options { history_events: 8, ..Options::default() }).unwrap();
        let start = store.version();
        for number in 0..20 {
            create(&store, &format!("n{number}"), "x").await.unwrap();
        }
        assert!(matches!(store.watch("things", start), Err(StoreError::Expired { oldest, .. }) if oldest > start));
        assert!(matches!(store.list_at("things", None, start), Err(StoreError::Expired { .. })));
        assert!(matches!(store.watch("things", store.version() + 1), Err(StoreError::Future { .. })));
        // Another resource has its own history.
        assert!(store.watch("others", start).is_ok());
        let mut watch = store.watch("things", store.version() - 3).unwrap();
        assert_eq!(watch.next().await.unwrap().key.name(), "n17");
    });
}

#[test]
fn large_values_shorten_the_history() {
    block_on(async {
        let store = Store::in_memory(&Options { history_bytes: 10_000, ..Options::default() }).unwrap();
        let start = create(&store, "a", "").await.unwrap();
        let mut version = start;
        for _ in 0..20 {
            version = store.write(put(key("a"), Expect::Version(version), "x".repeat(1000))).await.unwrap();
        }
        assert!(matches!(store.watch("things", start), Err(StoreError::Expired { .. })));
        assert!(store.watch("things", version - 2).is_ok());
    });
}

#[test]
fn a_second_opener_is_told_who_is_in_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path, &Options::default()).unwrap();
    let error = Store::open(&path, &Options::default()).err().unwrap();
    assert!(matches!(error, StoreError::Held { .. }), "{error}");
    assert!(error.to_string().contains("held by another process"));
    drop(store);
    Store::open(&path, &Options::default()).unwrap();
}

#[test]
fn a_foreign_file_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    fs_err::write(&path, "this is a letter, not a database, and longer than a header of a hundred bytes, which is what is read first")
        .unwrap();
    assert!(matches!(Store::open(&path, &Options::default()), Err(StoreError::Open { .. })));
    assert!(fs_err::read_to_string(&path).unwrap().starts_with("this is a letter"));
}

#[test]
fn a_full_disk_refuses_the_write_and_keeps_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let big = "x".repeat(200_000);
    block_on(async {
        let store = Store::open(&path, &Options { max_bytes: Some(1 << 20), ..Options::default() }).unwrap();
        let mut written = Vec::new();
        let refusal = loop {
            let name = format!("n{}", written.len());
            match create(&store, &name, &big).await {
                Ok(version) => written.push((name, version)),
                Err(error) => break error,
            }
        };
        assert!(matches!(refusal, StoreError::Full), "{refusal}");
        assert!(!written.is_empty());
        assert_eq!(store.list("things", None).items.len(), written.len());
        assert_eq!(store.version(), written.last().unwrap().1);
        // Small things still go in, and what was there can be removed.
        create(&store, "small", "x").await.unwrap();
        let (name, version) = &written[0];
        store.write(remove(key(name), *version)).await.unwrap();
        let before = store.list("things", None);
        drop(store);
        let store = Store::open(&path, &Options::default()).unwrap();
        assert_eq!(store.list("things", None), before);
    });
}

#[test]
fn a_watch_resumes_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    block_on(async {
        let store = Store::open(&path, &Options::default()).unwrap();
        let start = store.version();
        let first = create(&store, "a", "1").await.unwrap();
        let second = store.write(put(key("a"), Expect::Version(first), "2")).await.unwrap();
        store.write(remove(key("a"), second)).await.unwrap();
        create(&store, "a", "4").await.unwrap();
        let mut seen = Vec::new();
        let mut watch = store.watch("things", start).unwrap();
        for _ in 0..4 {
            seen.push(watch.next().await.unwrap());
        }
        drop((watch, store));
        let store = Store::open(&path, &Options::default()).unwrap();
        let mut watch = store.watch("things", start).unwrap();
        for expected in seen {
            assert_eq!(watch.next().await.unwrap(), expected);
        }
        assert_eq!(store.commits(), 0);
    });
}

#[test]
fn forgotten_history_stays_forgotten_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    block_on(async {
        let options = Options { history_events: 8, ..Options::default() };
        let store = Store::open(&path, &options).unwrap();
        let start = store.version();
        for number in 0..40 {
            create(&store, &format!("n{number}"), "x").await.unwrap();
        }
        drop(store);
        // A later start with wider bounds cannot bring back what was dropped from the disk.
        let store = Store::open(&path, &Options::default()).unwrap();
        assert!(matches!(store.watch("things", start), Err(StoreError::Expired { .. })));
        assert_eq!(store.list("things", None).items.len(), 40);
    });
}

#[test]
fn dropping_the_store_finishes_what_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    block_on(async {
        let store = Store::open(&path, &Options::default()).unwrap();
        let mut writing = Box::pin(create(&store, "a", "1"));
        // Asked for, answer not awaited.
        assert!(futures::poll!(&mut writing).is_pending());
        drop(writing);
        drop(store);
        let store = Store::open(&path, &Options::default()).unwrap();
        assert!(store.get(&key("a")).is_some());
    });
}
