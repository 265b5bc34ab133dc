//! The data directory: made with mode 0700, held by one process at a time, with files that only its owner reads.

use crate::exit::{Exit, failed};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use windlass_drivers::local::processes_with_open;

/// Who holds the data, as the lock file says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Process id.
    pub(crate) pid: u32,
    /// Address that it was told to listen on.
    pub(crate) listen: String,
    /// Since when, RFC 3339.
    pub(crate) since: String,
}

/// A held data directory; let go when dropped, or when the process ends in any way.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: rustix::fd::OwnedFd,
}

/// The directory could be held, or somebody else does.
pub(crate) enum Hold {
    /// It is ours.
    Ours(DataDirectory),
    /// Another process has it; `None` where it has not said yet who it is.
    Theirs(Option<Holder>),
}

impl DataDirectory {
    /// Makes the directory where it is missing, and holds it.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub(crate) fn hold(path: &Path, listen: &str) -> anyhow::Result<Hold> {
        make_private(path)?;
        let lock_path = path.join("lock");
        let lock = open(&lock_path, OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)
            .map_err(|error| cannot_use(path, &error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Hold::Theirs(holder(path))),
            Err(error) => return Err(cannot_use(path, &error)),
        }
        let since = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let holder = Holder { pid: std::process::id(), listen: listen.to_owned(), since };
        write_private(&path.join("holder.json"), &serde_json::to_vec(&holder)?)?;
        Ok(Hold::Ours(Self { path: path.to_owned(), _lock: lock }))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A path in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Whether some process holds the directory.
///
/// # Errors
/// The lock cannot be looked at.
pub(crate) fn is_held(path: &Path) -> anyhow::Result<bool> {
    let lock = match open(path.join("lock"), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        Ok(lock) => lock,
        Err(rustix::io::Errno::NOENT) => return Ok(false),
        Err(error) => return Err(cannot_use(path, &error)),
    };
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(cannot_use(path, &error)),
    }
}

/// Who said last that it holds the directory.
pub(crate) fn holder(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs_err::read(path.join("holder.json")).ok()?).ok()
}

/// Name and process id of another process that has the lock open, where this user may see it.
pub(crate) fn process_at(path: &Path) -> Option<(String, u32)> {
    let lock = fs_err::canonicalize(path.join("lock")).ok()?;
    let own = std::process::id();
    processes_with_open(|link| link == lock).find(|(_, pid)| *pid != own)
}

fn cannot_use(path: &Path, error: &rustix::io::Errno) -> anyhow::Error {
    let hint = "say another one with --data-dir or WINDLASS_DATA_DIR";
    failed(Exit::Failure, format!("cannot use the data directory `{}`: {error}\n  hint: {hint}", path.display()))
}

/// Makes a directory that only its owner enters.
pub(crate) fn make_private(path: &Path) -> anyhow::Result<()> {
    let context =
        || format!("cannot make the directory `{}`\n  hint: say another one with --data-dir or WINDLASS_DATA_DIR", path.display());
    fs_err::create_dir_all(path).map_err(|error| anyhow::Error::new(error).context(context()))?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(|error| anyhow::Error::new(error).context(context()))
}

/// Writes a file that only its owner reads, whole or not at all, and on the disk when this returns.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options.options_mut().mode(0o600);
    let mut file = options.open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs_err::rename(&beside, path)?;
    if let Some(directory) = path.parent() {
        fs_err::File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_the_data_and_others_are_told_who() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data");
        assert!(!is_held(&path).expect("looked at"));
        let Ok(Hold::Ours(held)) = DataDirectory::hold(&path, "127.0.0.1:7400") else { panic!("nobody else has it") };
        assert!(is_held(&path).expect("looked at"));
        let Ok(Hold::Theirs(Some(holder))) = DataDirectory::hold(&path, "127.0.0.1:0") else { panic!("it is held") };
        assert_eq!((holder.pid, holder.listen.as_str()), (std::process::id(), "127.0.0.1:7400"));
        drop(held);
        assert!(matches!(DataDirectory::hold(&path, "127.0.0.1:0"), Ok(Hold::Ours(_))));
    }

    #[test]
    fn files_are_for_the_owner_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        write_private(&path, b"1").expect("written");
        write_private(&path, b"2").expect("written again");
        assert_eq!(fs_err::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs_err::read(&path).expect("read"), b"2");
    }
}
