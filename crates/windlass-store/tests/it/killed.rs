//! A process that writes and is killed: what was acknowledged is there afterwards.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use windlass_store::{Options, Store};

use super::{block_on, create, key};

/// Set for the process that is to be killed: the database file.
const CHILD: &str = "WINDLASS_STORE_KILLED";

/// Not a test of its own: the body of the child, which says on its output what was acknowledged.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    block_on(async {
        let store = Store::open(Path::new(&path), &Options::default()).unwrap();
        let start = store.version();
        let writer = |writer: u32| {
            let store = &store;
            async move {
                for number in 0.. {
                    let name = format!("w{start}-{writer}-{number}");
                    let version = create(store, &name, "x").await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "\nacknowledged {name} {version}").unwrap();
                    out.flush().unwrap();
                }
            }
        };
        futures::future::join_all((0..8).map(writer)).await;
    });
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let mut acknowledged: Vec<(String, u64)> = Vec::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut take = |line: String| {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["acknowledged", name, version] = words[..] {
                acknowledged.push((name.to_owned(), version.parse().unwrap()));
                return true;
            }
            false
        };
        let mut seen = 0;
        while seen < round * 100 {
            seen += usize::from(take(lines.next().unwrap().unwrap()));
        }
        child.kill().unwrap();
        // What it had said before it died counts too; its last line may be cut off, and then it ends without a number.
        for line in lines.map_while(Result::ok).filter(|line| line.ends_with(|last: char| last.is_ascii_digit())) {
            take(line);
        }
        child.wait().unwrap();
    }
    let store = Store::open(&path, &Options::default()).unwrap();
    let mut versions: Vec<u64> = acknowledged.iter().map(|(_, version)| *version).collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), acknowledged.len(), "a version was given out twice");
    assert!(store.version() >= *versions.last().unwrap());
    for (name, version) in &acknowledged {
        // A cut-off last line may end inside the number.
        let stored = store.get(&key(name)).unwrap_or_else(|| panic!("`{name}` is lost"));
        assert!(stored.version.to_string().starts_with(&version.to_string()));
    }
}
