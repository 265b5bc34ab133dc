//! The real program on a data directory of its own: started, killed, started again; and what of it runs on this machine.
//!
//! Supervisors outlive the program by design. Dropping a [`Platform`] ends every process that belongs to its directory.

use kube::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a start may take in a debug build on a busy machine.
const START: Duration = Duration::from_secs(90);
/// Between two looks at what nobody tells.
const LOOK: Duration = Duration::from_millis(1);

/// See the module head.
pub(crate) struct Platform {
    root: tempfile::TempDir,
    child: Mutex<Option<Child>>,
    starts: u32,
}

/// A process of the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// The slot's directory that it belongs to.
    pub(crate) slot: PathBuf,
    /// The supervisor itself, not what it runs.
    pub(crate) is_supervisor: bool,
    /// Name of the program.
    pub(crate) program: String,
}

impl Platform {
    /// A directory in which nothing has ever run.
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a directory"), child: Mutex::default(), starts: 0 }
    }

    /// Where Windlass keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// A path beside the data.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// What the newest start wrote.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.beside(&format!("up-{}.log", self.starts))
    }

    /// Starts the program, and does not wait until it is ready.
    pub(crate) fn spawn(&mut self) {
        assert!(self.child().is_none(), "it runs already");
        self.starts += 1;
        let log = std::fs::File::create(self.log_path()).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(["up", "--listen", "127.0.0.1:0", "--no-browser", "--output", "json", "--data-dir"]).arg(self.data());
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        command.env_remove("WINDLASS_DATA_DIR").env_remove("WINDLASS_LISTEN").env_remove("KUBECONFIG");
        *self.child() = Some(command.spawn().expect("windlass starts"));
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client, once the program says that it is ready.
    pub(crate) async fn client(&self) -> Client {
        let until = Instant::now() + START;
        let mut tick = ticking(Duration::from_millis(10));
        loop {
            tick.tick().await;
            let log = self.log();
            if let Some(said) = log.lines().find(|line| line.starts_with('{') && line.contains("\"kubeconfig\"")) {
                let said: Value = serde_json::from_str(said).expect("JSON");
                let path = said["kubeconfig"].as_str().expect("a path");
                rustls::crypto::ring::default_provider().install_default().ok();
                return windlass_client::connect::from_kubeconfig(Path::new(path), None).await.expect("a usable kubeconfig");
            }
            let ended = self.child().as_mut().expect("it was started").try_wait().expect("its state");
            assert!(ended.is_none() && Instant::now() < until, "`windlass up` is not ready ({ended:?}):\n{log}");
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&self) {
        let Some(mut child) = self.child().take() else { return };
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Waits until the store's log on the disk has changed so often.
    pub(crate) async fn store_changes(&self, times: u32) {
        let log = self.data().join("store-wal");
        let look = || std::fs::metadata(&log).ok().and_then(|found| Some((found.len(), found.modified().ok()?)));
        let mut tick = ticking(LOOK);
        let (mut last, mut seen) = (look(), 0);
        while seen < times {
            tick.tick().await;
            let now = look();
            seen += u32::from(now != last);
            last = now;
        }
    }

    /// Waits until so many files of the target have come, changed or gone.
    pub(crate) async fn target_changes(&self, times: u32) {
        let local = self.data().join("local");
        let mut tick = ticking(LOOK);
        let (mut last, mut seen) = (stamps(&local), 0);
        while seen < times {
            tick.tick().await;
            let now = stamps(&local);
            seen += u32::from(now != last);
            last = now;
        }
    }

    /// What runs because of the data directory, but the program itself.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let local = self.data().join("local");
        numbers("/proc").filter_map(|pid| process(pid, &local)).collect()
    }

    /// Ports that the program listens on.
    pub(crate) fn ports(&self) -> BTreeSet<u16> {
        let pid = self.child().as_ref().expect("it runs").id();
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links: BTreeSet<String> =
            descriptors.filter_map(|fd| Some(std::fs::read_link(fd.path()).ok()?.to_string_lossy().into_owned())).collect();
        listening().into_iter().filter(|(inode, _)| links.contains(&format!("socket:[{inode}]"))).map(|(_, port)| port).collect()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.kill();
        // Supervisors first, so that nothing is started anew; then until nothing is left, as a program may just be starting.
        for _ in 0..50 {
            let mut left = self.processes();
            left.sort_by_key(|process| !process.is_supervisor);
            if left.is_empty() {
                return;
            }
            for pid in left.iter().filter_map(|process| Pid::from_raw(process.pid)) {
                // Gone already is what is wanted.
                kill_process(pid, Signal::KILL).ok();
            }
        }
    }
}

/// Ticks that are skipped, not made up for, where a look took longer.
pub(crate) fn ticking(period: Duration) -> tokio::time::Interval {
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick
}

fn numbers(directory: &str) -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process, if it belongs to a slot: a supervisor names it on its command line, what it runs has it in the environment.
fn process(pid: i32, local: &Path) -> Option<Process> {
    let words = |file: &str| -> Vec<String> {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    };
    let line = words("cmdline");
    let program = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned();
    let named = line.iter().position(|word| word == "--slot").and_then(|at| line.get(at + 1)).cloned();
    let is_supervisor = named.is_some() && !line.iter().any(|word| word == "--program");
    let marked = || words("environ").iter().find_map(|word| word.strip_prefix("WINDLASS_SLOT=").map(str::to_owned));
    let slot = PathBuf::from(named.or_else(marked)?);
    slot.starts_with(local).then_some(Process { pid, slot, is_supervisor, program })
}

/// Inode and port of every socket that listens, from `/proc/net/tcp` (state `0A`).
fn listening() -> Vec<(String, u16)> {
    let text = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    text.lines().filter_map(listener).collect()
}

fn listener(line: &str) -> Option<(String, u16)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let port = fields.get(1)?.rsplit_once(':')?.1;
    (*fields.get(3)? == "0A").then_some(((*fields.get(9)?).to_owned(), u16::from_str_radix(port, 16).ok()?))
}

/// Every configuration, record and mark of the target, with its inode: each is replaced as a whole when it changes.
fn stamps(local: &Path) -> BTreeMap<PathBuf, u64> {
    use std::os::unix::fs::DirEntryExt as _;
    let mut found = BTreeMap::new();
    let mut open = vec![local.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !matches!(name.to_str(), Some("log" | "tmp" | "work")) => open.push(entry.path()),
                Ok(kind) if kind.is_file() && name != "state.json" => drop(found.insert(entry.path(), entry.ino())),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}
