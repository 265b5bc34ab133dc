//! The store against a model that keeps every state it ever had.

use std::collections::BTreeMap;

use proptest::prelude::*;
use windlass_store::{EventKind, Expect, Key, Options, Store, StoreError};

use super::{block_on, put, remove};

#[derive(Clone, Debug)]
enum Step {
    Put { name: u8, value: u8, stale: bool },
    Remove { name: u8, stale: bool },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u8, any::<u8>(), prop::bool::weighted(0.1)).prop_map(|(name, value, stale)| Step::Put { name, value, stale }),
        3 => (0..6_u8, prop::bool::weighted(0.1)).prop_map(|(name, stale)| Step::Remove { name, stale }),
        1 => Just(Step::Reopen),
    ]
}

type State = BTreeMap<String, (u64, String)>;

fn place(name: u8) -> Key {
    Key::new("things", if name.is_multiple_of(2) { "even" } else { "odd" }, &name.to_string())
}

fn listed(list: &windlass_store::List) -> State {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    list.items.iter().map(|item| (item.key.as_path().to_owned(), (item.version, text(&item.value)))).collect()
}

fn run(steps: Vec<Step>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let options = Options { history_events: 24, ..Options::default() };
    block_on(async {
        let mut store = Store::open(&path, &options).unwrap();
        let mut past: BTreeMap<u64, State> = BTreeMap::from([(store.version(), State::new())]);
        for step in steps {
            let (newest, mut state) = past.last_key_value().map(|(version, state)| (*version, state.clone())).unwrap();
            let (key, stale, value) = match step {
                Step::Reopen => {
                    drop(store);
                    store = Store::open(&path, &options).unwrap();
                    continue;
                }
                Step::Put { name, value, stale } => (place(name), stale, Some(value.to_string())),
                Step::Remove { name, stale } => (place(name), stale, None),
            };
            let found = state.get(key.as_path()).map(|(version, _)| *version);
            let expect = match (found, stale) {
                (Some(version), false) => Expect::Version(version),
                (Some(version), true) => Expect::Version(version - 1),
                (None, false) => Expect::Absent,
                (None, true) => Expect::Version(newest),
            };
            let write = match (&value, expect) {
                (Some(value), expect) => put(key.clone(), expect, value.clone()),
                (None, Expect::Version(version)) => remove(key.clone(), version),
                (None, Expect::Absent) => remove(key.clone(), newest),
            };
            let result = store.write(write).await;
            let holds = !stale && (value.is_some() || found.is_some());
            assert_eq!(result.is_ok(), holds, "{result:?}");
            if let Ok(version) = result {
                assert_eq!(version, newest + 1);
                match value {
                    Some(value) => state.insert(key.as_path().to_owned(), (version, value)),
                    None => state.remove(key.as_path()),
                };
                past.insert(version, state);
            }
        }
        compare(&store, &past).await;
    });
}

/// Every version that is still kept reads as it was, and a watch from it leads to the present.
async fn compare(store: &Store, past: &BTreeMap<u64, State>) {
    let (newest, present) = past.last_key_value().unwrap();
    assert_eq!(store.version(), *newest);
    assert_eq!(listed(&store.list("things", None)), *present);
    for (version, state) in past {
        let list = match store.list_at("things", None, *version) {
            Ok(list) => list,
            Err(StoreError::Expired { oldest, .. }) => {
                assert!(oldest > *version);
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(listed(&list), *state, "at {version}");
        let even = listed(&store.list_at("things", Some("even"), *version).unwrap());
        assert!(even.iter().all(|(path, value)| path.starts_with("even/") && state.get(path) == Some(value)));
        let mut state = state.clone();
        let mut watch = store.watch("things", *version).unwrap();
        while watch.progress().is_none() {
            let event = watch.next().await.unwrap();
            let path = event.key.as_path().to_owned();
            let before = state.get(&path).map(|(version, value)| (*version, value.clone().into()));
            assert_eq!(event.previous, before);
            match event.kind {
                EventKind::Deleted => drop(state.remove(&path)),
                EventKind::Created | EventKind::Modified => {
                    state.insert(path, (event.version, String::from_utf8(event.value.to_vec()).unwrap()));
                }
            }
        }
        assert_eq!(state, *present, "watched from {version}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_the_model(steps in prop::collection::vec(step(), 0..60)) {
        run(steps);
    }
}
