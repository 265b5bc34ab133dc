//! Queries over log files that are laid down by hand, and a follower while they grow.

use super::*;
use crate::local::slot::Timings;
use serde_json::json;
use std::io::Write as _;

/// A target's directory with the slots of one instance.
struct Target(tempfile::TempDir);

impl Target {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn slot(&self, node: &str, part: &str, generation: u32) -> SlotDirectory {
        let key = NodeKey { uid: "uid-1".into(), node: node.into() };
        let part = Part::parse(part).unwrap();
        let Part::Process(replica, container) = &part else { panic!("no process") };
        let slot = key.slot(self.0.path(), &part, generation);
        let config = json!({
            "key": {"uid": "uid-1", "node": node, "part": part.to_string()}, "uid": "u", "opId": "o",
            "instance": {"apiVersion": "x/v1", "kind": "X", "name": "x", "uid": "uid-1"},
            "replica": replica, "container": container.clone().unwrap_or_else(|| "main".into()), "program": [], "directory": "/",
            "environment": {}, "ports": {}, "ownsPorts": false, "readiness": "started", "limits": {},
            "timings": Timings::default(), "wish": null, "secrets": ["hunter22"],
        });
        slot.write_config(&serde_json::from_value(config).unwrap()).unwrap();
        slot.prepare().unwrap();
        slot
    }

    fn open(&self, query: LogQuery) -> Result<Reading, LogError> {
        Reading::open(self.0.path().to_owned(), LogQuery { uid: "uid-1".into(), ..query })
    }

    /// `PART TEXT` of each line.
    fn read(&self, query: LogQuery) -> Vec<String> {
        shown(self.open(query).unwrap().batch())
    }
}

fn shown(lines: Vec<LogLine>) -> Vec<String> {
    lines.into_iter().map(|line| format!("{} {}", line.part, line.text)).collect()
}

/// Writes lines, each as `SECOND SOURCE TEXT`.
fn write(slot: &SlotDirectory, lines: &[&str]) {
    let mut file = std::fs::File::options().create(true).append(true).open(slot.logs().join("output.log")).unwrap();
    for line in lines {
        let (second, rest) = line.split_once(' ').unwrap();
        writeln!(file, "2026-01-01T00:00:{second}.000Z {rest}").unwrap();
    }
}

fn two_replicas() -> Target {
    let target = Target::new();
    write(&target.slot("app", "replica-0", 0), &["01 out a", "04 out d", "05 err e"]);
    write(&target.slot("app", "replica-1", 0), &["02 out b", "03 shim the program ended with exit code 3", "06 out f hunter22"]);
    target
}

#[test]
fn replicas_are_merged_by_time_and_secrets_are_taken_out() {
    let read = two_replicas().read(LogQuery::default());
    assert_eq!(read, ["app/replica-0 a", "app/replica-1 b", "app/replica-0 d", "app/replica-0 e", "app/replica-1 f ***"]);
}

#[test]
fn the_newest_lines_are_counted_over_all_replicas() {
    let target = two_replicas();
    let tail = |tail| target.read(LogQuery { tail: Some(tail), ..LogQuery::default() });
    assert_eq!(tail(2), ["app/replica-0 e", "app/replica-1 f ***"]);
    assert_eq!(tail(3), ["app/replica-0 d", "app/replica-0 e", "app/replica-1 f ***"]);
    assert_eq!(tail(0), Vec::<String>::new());
    assert_eq!(tail(usize::MAX).len(), 5);
}

#[test]
fn nothing_older_than_asked_for_is_read() {
    let target = two_replicas();
    let since = |second: u8, tail| {
        let since = format!("2026-01-01T00:00:{second:02}Z").parse().unwrap();
        target.read(LogQuery { since: Some(since), tail, ..LogQuery::default() })
    };
    assert_eq!(since(4, None), ["app/replica-0 d", "app/replica-0 e", "app/replica-1 f ***"]);
    assert_eq!(since(4, Some(1)), ["app/replica-1 f ***"]);
    assert_eq!(since(59, None), Vec::<String>::new());
}

#[test]
fn what_the_shim_says_is_read_where_it_is_wanted() {
    let read = two_replicas().read(LogQuery { notes: true, replica: Some(1), ..LogQuery::default() });
    assert_eq!(read[1], "app/replica-1 the program ended with exit code 3");
}

#[test]
fn previous_is_what_was_written_between_the_last_two_ends() {
    let target = Target::new();
    let slot = target.slot("app", "replica-0", 0);
    let previous = |tail| target.open(LogQuery { previous: true, tail, ..LogQuery::default() });
    write(&slot, &["01 out first"]);
    assert_eq!(previous(None).map(drop), Err(LogError::NoPrevious));
    write(&slot, &["02 shim the program ended with exit code 1"]);
    assert_eq!(shown(previous(None).unwrap().batch()), ["app/replica-0 first"]);
    write(&slot, &["03 out second", "04 out second too", "05 out the program ended with a lie"]);
    write(&slot, &["06 shim the program ended with signal 9", "07 out third"]);
    let all = ["app/replica-0 second", "app/replica-0 second too", "app/replica-0 the program ended with a lie"];
    assert_eq!(shown(previous(None).unwrap().batch()), all);
    assert_eq!(shown(previous(Some(1)).unwrap().batch()), all[2..]);
    // One that was never started anew has none, and does not hide those that were.
    write(&target.slot("app", "replica-1", 0), &["01 out other"]);
    assert_eq!(shown(previous(None).unwrap().batch()), all);
}

#[test]
fn a_name_that_is_not_there_is_said_with_those_that_are() {
    let target = two_replicas();
    target.slot("worker", "replica-0.web", 0);
    let check = |query: LogQuery, expected: &str| {
        let error = target.open(query).map(drop).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let query = LogQuery::default;
    check(LogQuery { node: Some("x".into()), ..query() }, "it has no node `x` on this machine\n  hint: there is `app`, `worker`");
    check(LogQuery { container: Some("x".into()), ..query() }, "it has no container `x` on this machine\n  hint: there is `main`, `web`");
    check(
        LogQuery { replica: Some(7), container: Some("main".into()), ..query() },
        "it has no replica `7` on this machine\n  hint: there is `0`, `1`",
    );
    let other = LogQuery { uid: "uid-2".into(), replica: Some(7), ..query() };
    assert_eq!(Reading::open(target.0.path().to_owned(), other).map(drop), Err(LogError::Absent));
}

#[test]
fn an_effect_names_its_program() {
    let check = |key: &str, expected: (&str, Option<u32>, Option<&str>)| {
        let query = LogQuery::default().of_effect(key);
        assert_eq!((query.node.as_deref().unwrap(), query.replica, query.container.as_deref()), expected, "{key}");
    };
    check("app/replica-3", ("app", Some(3), None));
    check("app/replica-3.web", ("app", Some(3), Some("web")));
    check("app/port-http", ("app", None, None));
    check("app", ("app", None, None));
}

#[test]
fn one_that_is_not_followed_ends_however_fast_its_program_writes() {
    let target = two_replicas();
    let mut reading = target.open(LogQuery { replica: Some(0), ..LogQuery::default() }).unwrap();
    let slot = target.slot("app", "replica-0", 0);
    let mut file = std::fs::File::options().append(true).open(slot.logs().join("output.log")).unwrap();
    writeln!(file, "9999-01-01T00:00:00.000Z out later").unwrap();
    assert_eq!(shown(reading.batch()).len(), 3);
    assert!(reading.batch().is_empty() && reading.is_over());
}

#[test]
fn the_newest_lines_are_read_while_a_program_writes_as_fast_as_it_can() {
    let target = Target::new();
    let slot = target.slot("app", "replica-0", 0);
    let mut file = std::fs::File::options().create(true).append(true).open(slot.logs().join("output.log")).unwrap();
    let mut line = move || writeln!(file, "{:.3} out line", Timestamp::now()).unwrap();
    (0..10).for_each(|_| line());
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            line();
        }
    });
    for _ in 0..50 {
        let read = target.read(LogQuery { tail: Some(3), ..LogQuery::default() });
        assert!(read.len() >= 3, "{read:?}");
    }
    drop(stop);
    writer.join().unwrap();
}

#[tokio::test]
async fn following_takes_up_replicas_that_come_and_ends_with_the_instance() {
    let target = Target::new();
    let query = LogQuery { uid: "uid-1".into(), follow: true, ..LogQuery::default() };
    let mut lines = open(target.0.path().to_owned(), query).await.unwrap().flat_map(stream::iter).boxed();
    let mut next = async || tokio::time::timeout(Duration::from_secs(20), lines.next()).await.unwrap().map(|line| line.text);
    let first = target.slot("app", "replica-0", 0);
    write(&first, &["01 out one"]);
    assert_eq!(next().await.as_deref(), Some("one"));
    // Its next generation stands in another directory, and its own goes.
    write(&target.slot("app", "replica-0", 1), &["02 out two"]);
    fs_err::remove_dir_all(first.path()).unwrap();
    assert_eq!(next().await.as_deref(), Some("two"));
    fs_err::remove_dir_all(target.0.path().join("uid-1")).unwrap();
    assert_eq!(next().await, None);
}

#[test]
fn a_batch_is_bounded() {
    let target = Target::new();
    let slot = target.slot("app", "replica-0", 0);
    let long = format!("01 out {}", "x".repeat(16 << 10));
    write(&slot, &vec![long.as_str(); 100]);
    let mut reading = target.open(LogQuery::default()).unwrap();
    let mut sizes = Vec::new();
    while let Some(size) = Some(reading.batch().len()).filter(|size| *size > 0) {
        sizes.push(size);
    }
    assert_eq!(sizes.iter().sum::<usize>(), 100);
    assert!(sizes.iter().all(|size| *size <= 9), "{sizes:?}");
}
