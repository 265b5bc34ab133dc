//! Control groups (version 2): all processes of a slot together, and the limits that the kernel keeps for them.
//!
//! They are used where they can be: not every user may make one, and not every machine offers every controller. What cannot
//! be enforced is said, with the reason; nothing here fails a program. Source: Linux, Documentation/admin-guide/cgroup-v2.rst.

use super::slot::Limits;
use fs_err as fs;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The control group of one slot.
#[derive(Debug)]
pub(super) struct ControlGroup {
    path: PathBuf,
}

impl ControlGroup {
    /// Makes, or finds, the group of this name below our own. `None` where this user may not.
    pub(super) fn make(name: &str) -> Option<Self> {
        let path = own_group()?.join(format!("windlass-{name}"));
        if !path.is_dir() {
            std::fs::create_dir(&path).ok()?;
        }
        let writable = std::fs::OpenOptions::new().write(true).open(path.join("cgroup.procs")).is_ok();
        writable.then_some(Self { path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Sets the limits; answers for each wished one `enforced`, or why it is not.
    pub(super) fn limit(&self, limits: &Limits) -> BTreeMap<String, String> {
        let wishes = [
            ("memory", limits.memory.map(|bytes| ("memory.max", bytes.to_string()))),
            ("cpu", limits.cpu.map(|thousandths| ("cpu.max", format!("{} 100000", (thousandths * 100).max(1000))))),
        ];
        let wished = wishes.into_iter().filter_map(|(controller, wish)| Some((controller, wish?)));
        wished.map(|(controller, (file, value))| (controller.to_owned(), self.set(controller, file, &value))).collect()
    }

    fn set(&self, controller: &str, file: &str, value: &str) -> String {
        let Some(parent) = self.path.parent() else { return "not enforced: the control group has no parent".into() };
        let offered = std::fs::read_to_string(parent.join("cgroup.controllers")).unwrap_or_default();
        if !offered.split_whitespace().any(|name| name == controller) {
            return "not enforced: control groups (version 2) of this machine do not offer it to this user".into();
        }
        // Refused where the parent itself holds processes; then the file below does not exist, which is what decides.
        let enabled = fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}"));
        match fs::write(self.path.join(file), value) {
            Ok(()) => "enforced".into(),
            Err(error) => {
                let cause = enabled.err().unwrap_or(error).kind();
                format!(
                    "not enforced: the control group does not take it ({cause}); start windlass in a group of its own, as a service does"
                )
            }
        }
    }

    /// Kills everything in it at once, where the kernel can (5.14).
    pub(super) fn kill(&self) {
        if let Err(error) = std::fs::write(self.path.join("cgroup.kill"), "1") {
            tracing::debug!(%error, "the control group cannot be killed as a whole");
        }
    }
}

/// What is said of limits where no group can be made.
pub(super) fn without_group(limits: &Limits) -> BTreeMap<String, String> {
    let why = "not enforced: this user may not make control groups (version 2) on this machine";
    let wished = [("memory", limits.memory.is_some()), ("cpu", limits.cpu.is_some())];
    wished.into_iter().filter(|(_, wished)| *wished).map(|(name, _)| (name.to_owned(), why.to_owned())).collect()
}

/// Removes an empty group; one that is gone already is no error.
pub(super) fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::debug!(%error, path = %path.display(), "a control group could not be removed");
    }
}

/// The directory of the group that we are in.
fn own_group() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let mount = mount_of(&mounts)?;
    let relative = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(mount.join(relative))
}

/// Where the second version is mounted.
fn mount_of(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        right.starts_with("cgroup2 ").then(|| left.split(' ').nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_among_others() {
        let text =
            "25 30 0:23 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n31 25 0:27 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n";
        assert_eq!(mount_of(text), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(mount_of("25 30 0:23 / /sys/fs/cgroup rw - tmpfs tmpfs rw"), None);
    }

    #[test]
    fn limits_that_nobody_keeps_are_said() {
        let said = without_group(&Limits { memory: Some(1), cpu: None });
        assert!(said["memory"].starts_with("not enforced: "));
        assert_eq!(said.len(), 1);
    }
}
