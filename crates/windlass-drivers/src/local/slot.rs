//! A slot: the directory of one replica's process. What is wished stands in `config.json`, what is so in `state.json`.
//!
//! The target writes the configuration, the slot's shim the state; each is replaced as a whole, so that a reader never sees
//! half of one. The configuration holds the program's environment, secrets included: its mode is 0600 and it has no `Debug`.
//! Start with [`SlotConfig`] and [`SlotState`].

use super::process::ProcessIdentity;
use fs_err as fs;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use windlass_api::plan::InstanceReference;
use windlass_client::preview::canonical_hash;

/// Name of the datagram socket, in the target's directory, that shims tell changes to.
pub(super) const CHANGES_SOCKET: &str = "changes.sock";
/// Variable by which a slot's processes are known, whoever their parent is.
pub(super) const MARK: &str = "WINDLASS_SLOT";
const CONTROL_SOCKET: &str = "control.sock";
/// A file larger than this is none of ours.
const LARGEST_FILE: u64 = 4 << 20;

/// Which slot of which instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct SlotKey {
    /// UID of the instance.
    pub(super) uid: String,
    /// Node key in the Template's graph.
    pub(super) node: String,
    /// `replica-0`, or `replica-0.CONTAINER` where a replica has several.
    pub(super) part: String,
}

/// Directory of a node below the target's.
pub(super) fn node_directory(uid: &str, node: &str) -> PathBuf {
    PathBuf::from(path_segment(uid)).join(path_segment(node))
}

/// A name as one path segment: what is no letter, digit, `-`, `_` or inner `.` becomes `%XX`.
pub(super) fn path_segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || (byte == b'.' && index > 0) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    if segment.is_empty() { "%".to_owned() } else { segment }
}

/// What a slot shall run.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SlotConfig {
    /// Which slot.
    pub(super) key: SlotKey,
    /// UID of this replica: another one after it was deleted and made again.
    pub(super) uid: String,
    /// The operation that wrote it.
    pub(super) op_id: String,
    /// Whom it is for.
    pub(super) instance: InstanceReference,
    /// Counts from 0.
    pub(super) replica: u32,
    /// Name of the container.
    pub(super) container: String,
    /// Program and arguments.
    pub(super) program: Vec<String>,
    /// Where it runs.
    pub(super) directory: PathBuf,
    /// All of its environment.
    pub(super) environment: BTreeMap<String, String>,
    /// This replica's own port for each service port.
    pub(super) ports: BTreeMap<String, u16>,
    /// Whether a port that somebody else holds keeps the program from being started.
    pub(super) owns_ports: bool,
    /// When it is ready.
    pub(super) readiness: SlotProbe,
    /// When it has to be started anew.
    pub(super) liveness: Option<SlotProbe>,
    /// What it may use.
    pub(super) limits: Limits,
    /// How patient the shim is.
    pub(super) timings: Timings,
    /// The rendered node as far as it concerns this slot; the next plan is compared with it.
    pub(super) wish: Value,
    /// Values that must not be shown where the program's output is quoted.
    pub(super) secrets: Vec<String>,
}

impl SlotConfig {
    /// Equal for configurations that run alike, whoever wrote them.
    pub(super) fn hash(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            for field in ["opId", "wish", "secrets"] {
                fields.remove(field);
            }
        }
        canonical_hash(&value)
    }

    /// Text with this slot's secrets taken out.
    pub(super) fn redact(&self, text: &str) -> String {
        // Very short values would black out half of every text and are no secrets worth the name.
        self.secrets.iter().filter(|secret| secret.len() >= 4).fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// What a program may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Limits {
    /// In bytes.
    pub(super) memory: Option<u64>,
    /// In thousandths of a processor.
    pub(super) cpu: Option<u64>,
}

/// How it is found out whether a program works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SlotProbe {
    /// It runs.
    Started,
    /// Something accepts connections.
    Port {
        /// On this port.
        port: u16,
    },
    /// An HTTP GET is answered with 200-399.
    Http {
        /// On this port.
        port: u16,
        /// With this path.
        path: String,
        /// And this host.
        host: Option<String>,
        /// And these headers.
        headers: Vec<(String, String)>,
    },
    /// A program ends with 0.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
    },
}

/// How patient a shim is, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// Between the wish to end and the kill.
    pub grace_milliseconds: u64,
    /// Between being no longer ready and the wish to end, so that no new request comes while it ends.
    pub drain_milliseconds: u64,
    /// Before the first new start; doubled with each further one.
    pub restart_milliseconds: u64,
    /// Longest wait before a new start.
    pub longest_restart_milliseconds: u64,
    /// A program that ran this long counts as well: the next new start is quick again.
    pub settled_milliseconds: u64,
    /// A program without a probe and a port is ready once it ran this long; longer after it ended quickly some times.
    pub steady_milliseconds: u64,
    /// Between probes of a program that is not ready yet.
    pub starting_probe_milliseconds: u64,
    /// Between probes of a program that is ready.
    pub probe_milliseconds: u64,
    /// A probe without an answer fails.
    pub probe_timeout_milliseconds: u64,
    /// So many failures in a row count.
    pub probe_failures: u32,
    /// Size in bytes at which a log file is put aside.
    pub log_bytes: u64,
    /// How many log files are kept, the open one included.
    pub log_files: u32,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            grace_milliseconds: 10_000,
            drain_milliseconds: 150,
            restart_milliseconds: 500,
            longest_restart_milliseconds: 60_000,
            settled_milliseconds: 30_000,
            steady_milliseconds: 1_000,
            starting_probe_milliseconds: 250,
            probe_milliseconds: 10_000,
            probe_timeout_milliseconds: 2_000,
            probe_failures: 3,
            log_bytes: 5 << 20,
            log_files: 4,
        }
    }
}

impl Timings {
    /// Between the wish to end and the kill.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_milliseconds)
    }
}

/// What a slot's program does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Phase {
    /// It runs.
    #[default]
    Running,
    /// It ended and is started anew after a while.
    Waiting,
    /// It is being ended.
    Stopping,
    /// It was ended, and the shim with it.
    Stopped,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exit {
    /// The code, if it ended by itself.
    pub(super) code: Option<i32>,
    /// The signal, if it was killed.
    pub(super) signal: Option<i32>,
}

impl Exit {
    /// `exit code 3`, `signal 9`.
    pub(super) fn phrase(self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        }
    }
}

/// What is so, as the shim knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SlotState {
    /// The shim itself.
    pub(super) shim: ProcessIdentity,
    /// Hash of the configuration that it runs.
    pub(super) config_hash: String,
    /// What the program does.
    pub(super) phase: Phase,
    /// The program.
    pub(super) child: Option<ProcessIdentity>,
    /// Whether it is ready.
    pub(super) ready: bool,
    /// A constant for programs.
    pub(super) reason: String,
    /// A sentence with the way out; empty if ready.
    pub(super) message: String,
    /// How often it was started anew.
    pub(super) restarts: u32,
    /// How it ended last time.
    pub(super) last_exit: Option<Exit>,
    /// Its last words then.
    pub(super) last_line: Option<String>,
    /// For `memory` and `cpu`, where wished: whether the limit is enforced, and why not.
    pub(super) limits: BTreeMap<String, String>,
    /// The control group that holds all of its processes, where one can be made.
    pub(super) control_group: Option<PathBuf>,
    /// Where it accepts connections.
    pub(super) listens_on: Option<IpAddr>,
    /// The pipes of its output, by which what it left behind is found.
    #[serde(default)]
    pub(super) pipes: Vec<String>,
}

impl SlotState {
    /// Whether the shim that wrote it still runs.
    pub(super) fn is_held(&self) -> bool {
        self.phase != Phase::Stopped && self.shim.is_alive()
    }
}

/// The files of one slot.
#[derive(Clone, Debug)]
pub(super) struct SlotDirectory {
    path: PathBuf,
}

impl SlotDirectory {
    /// The slot in this directory.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// `NAME=VALUE` in the environment of everything that the slot runs.
    pub(super) fn mark(&self) -> String {
        format!("{MARK}={}", self.path.display())
    }

    /// Name of the slot's control group; another target on this machine has others.
    pub(super) fn group(&self) -> String {
        canonical_hash(&Value::String(self.path.to_string_lossy().into_owned())).chars().take(24).collect()
    }

    /// Temporary files of the program.
    pub(super) fn temporary(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// Where a program without a source directory runs.
    pub(super) fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// Log files.
    pub(super) fn logs(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Held, as a lock, by the one shim of this slot.
    pub(super) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Makes the directories that a program needs.
    pub(super) fn prepare(&self) -> io::Result<()> {
        for directory in [self.temporary(), self.work(), self.logs()] {
            make_directory(&directory)?;
        }
        Ok(())
    }

    /// What shall run.
    pub(super) fn read_config(&self) -> io::Result<SlotConfig> {
        read_json(&self.path.join("config.json"))
    }

    /// Replaces what shall run; durable on return.
    pub(super) fn write_config(&self, config: &SlotConfig) -> io::Result<()> {
        make_directory(&self.path)?;
        write_json(&self.path, "config.json", config, true)
    }

    /// What is so, as the last shim wrote it.
    pub(super) fn read_state(&self) -> Option<SlotState> {
        read_json(&self.path.join("state.json")).ok()
    }

    /// Replaces what is so.
    pub(super) fn write_state(&self, state: &SlotState) -> io::Result<()> {
        write_json(&self.path, "state.json", state, false)
    }

    /// Marks the slot as one that shall go: nobody starts it any more.
    pub(super) fn mark_deleted(&self) -> io::Result<()> {
        fs::write(self.path.join("deleted"), b"")
    }

    /// Whether it is marked.
    pub(super) fn is_marked_deleted(&self) -> bool {
        self.path.join("deleted").exists()
    }

    /// The control socket's place.
    pub(super) fn control(&self) -> io::Result<SocketPlace> {
        SocketPlace::open(&self.path, CONTROL_SOCKET)
    }
}

/// Where a socket is. A socket's address holds only some hundred bytes; a data directory may be deeper. The way through an
/// open descriptor is always short.
pub(super) struct SocketPlace {
    directory: fs::File,
    name: &'static str,
}

impl SocketPlace {
    /// The socket of this name in this directory.
    pub(super) fn open(directory: &Path, name: &'static str) -> io::Result<Self> {
        Ok(Self { directory: fs::File::open(directory)?, name })
    }

    /// A path that is valid while `self` lives.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{}", self.directory.as_raw_fd(), self.name))
    }
}

/// Makes a directory that only its owner may enter, with all above it.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| io::Error::new(error.kind(), format!("the directory `{}` cannot be made: {error}", path.display())))
}

/// Reads a JSON file of ours.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    if length > LARGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is too large", path.display())));
    }
    serde_json::from_reader(io::BufReader::new(file)).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Replaces a JSON file as a whole; `durable` waits until it is on the disk.
pub(super) fn write_json<T: Serialize>(directory: &Path, name: &str, value: &T, durable: bool) -> io::Result<()> {
    let bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
    let draft = directory.join(format!(".{name}.{}.draft", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&bytes)?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(&draft, directory.join(name))?;
    if durable {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_path_segment() {
        let check = |name: &str, expected: &str| assert_eq!(path_segment(name), expected);
        check("app", "app");
        check("app[3]", "app%5B3%5D");
        check("..", "%2E.");
        check("a/../b", "a%2F..%2Fb");
        check("", "%");
        check("replica-0.web", "replica-0.web");
    }

    #[test]
    fn a_socket_in_a_deep_directory_is_reached() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(90)).join("e".repeat(90));
        make_directory(&deep).unwrap();
        let place = SocketPlace::open(&deep, CONTROL_SOCKET).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(place.path()).unwrap();
        let other = SocketPlace::open(&deep, CONTROL_SOCKET).unwrap();
        std::os::unix::net::UnixStream::connect(other.path()).unwrap();
        listener.accept().unwrap();
        assert!(deep.join(CONTROL_SOCKET).exists());
    }
}
