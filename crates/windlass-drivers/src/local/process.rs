//! Processes of this machine: who they are, who descends from whom, and ending a whole tree.
//!
//! A process is named by (boot, pid, start time): a pid alone may be somebody else's by now. Nothing here waits for long.

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

/// A process, told apart from every other that ever had its pid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProcessIdentity {
    /// Which start of the machine.
    pub(super) boot: String,
    /// Process id.
    pub(super) pid: i32,
    /// When it began, in clock ticks after the boot.
    pub(super) start_time: u64,
}

impl ProcessIdentity {
    /// The process that has this pid now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        Some(Self { boot: boot_id().to_owned(), pid, start_time: stat.start_time })
    }

    /// Whether it still runs; one that ended and was not waited for does not.
    pub(super) fn is_alive(&self) -> bool {
        self.boot == boot_id() && Stat::read(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.ended)
    }
}

/// Whether this process, and what it starts, may get pages of 2 MB. Below a heap of small objects they are mostly air, so
/// our own processes do without; programs get the machine's own way. A kernel without the switch costs memory, nothing else.
pub fn use_huge_pages(wanted: bool) {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(!wanted) {
        tracing::debug!(%error, "huge pages stay as they are");
    }
}

fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default())
}

/// What `/proc/PID/stat` says, as far as it is needed.
struct Stat {
    parent: i32,
    session: i32,
    start_time: u64,
    ended: bool,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The program's name stands in parentheses and may itself hold spaces and parentheses: fields count from the last one.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        let ended = matches!(fields.next()?, "Z" | "X" | "x");
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let start_time = fields.nth(15)?.parse().ok()?;
        Some(Self { parent, session, start_time, ended })
    }
}

/// Everything that descends from these processes, themselves not included, ended ones left out.
pub(super) fn descendants(roots: &[i32]) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let mut ended = BTreeSet::new();
    for (pid, stat) in all() {
        children.entry(stat.parent).or_default().push(pid);
        if stat.ended {
            ended.insert(pid);
        }
    }
    let mut found = BTreeSet::new();
    let mut left = roots.to_vec();
    while let Some(parent) = left.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            left.push(child);
            found.insert(child);
        }
    }
    found.retain(|pid| !ended.contains(pid) && !roots.contains(pid));
    found
}

/// Everything in the session that this process leads or led.
fn session_members(leader: &ProcessIdentity) -> BTreeSet<i32> {
    if leader.boot != boot_id() {
        return BTreeSet::new();
    }
    // The leader's pid cannot be given away while its session has members, but a later process may have made it its own session.
    all()
        .filter(|(_, stat)| stat.session == leader.pid && !stat.ended && stat.start_time >= leader.start_time)
        .map(|(pid, _)| pid)
        .collect()
}

fn all() -> impl Iterator<Item = (i32, Stat)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, Stat::read(pid)?))
    })
}

/// What is known of the processes that a shim started, for when it died and they have to be found without it.
#[derive(Clone, Debug, Default)]
pub(super) struct Traces<'a> {
    /// The program itself.
    pub(super) child: Option<&'a ProcessIdentity>,
    /// The control group that holds all of them.
    pub(super) control_group: Option<&'a Path>,
    /// `NAME=VALUE` that stands in the environment of each, unless it was cleared.
    pub(super) mark: &'a str,
    /// The pipes for their output, as `/proc/PID/fd` shows them.
    pub(super) pipes: &'a [String],
}

/// What a dead shim left behind. One that left its session, cleared its environment, closed its output and lost its parent is
/// found only by the control group; where none can be made it is found only while the shim lives.
pub(super) fn left_behind(traces: &Traces<'_>) -> BTreeSet<i32> {
    let mut found = traces.control_group.map(members).unwrap_or_default();
    if let Some(child) = traces.child {
        found.extend(session_members(child));
        if child.is_alive() {
            found.insert(child.pid);
        }
    }
    let marked = all().filter(|(pid, stat)| !stat.ended && (has_mark(*pid, traces.mark) || writes_to(*pid, traces.pipes)));
    found.extend(marked.map(|(pid, _)| pid));
    let roots: Vec<i32> = found.iter().copied().collect();
    found.extend(descendants(&roots));
    found.remove(&own_pid());
    found
}

/// Our own pid.
pub(super) fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap_or_default()
}

fn has_mark(pid: i32, mark: &str) -> bool {
    let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
    !mark.is_empty() && environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}

fn writes_to(pid: i32, pipes: &[String]) -> bool {
    [1, 2].iter().any(|descriptor| {
        std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}"))
            .is_ok_and(|found| found.to_str().is_some_and(|found| pipes.iter().any(|pipe| pipe == found)))
    })
}

/// The processes of a control group and of those below it.
pub(super) fn members(control_group: &Path) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    let mut left = vec![control_group.to_owned()];
    while let Some(directory) = left.pop() {
        let text = std::fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
        found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        left.extend(entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()));
    }
    found.retain(|pid| Stat::read(*pid).is_some_and(|stat| !stat.ended));
    found
}

/// Sends a signal to each; one that is gone already is no error.
pub(super) fn signal_all(pids: &BTreeSet<i32>, signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        if let Err(error) = kill_process(pid, signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::debug!(pid = pid.as_raw_nonzero().get(), %error, "a process could not be signalled");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_past_a_hostile_name() {
        let text = "71 (a) b) R (x) S 7 71 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 8675309 1 2";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.session, stat.start_time, stat.ended), (7, 9, 8_675_309, false));
        assert!(Stat::parse("71 (").is_none());
        assert!(Stat::parse("").is_none());
    }

    #[test]
    fn a_process_is_itself_and_no_other() {
        let own = ProcessIdentity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.is_alive());
        assert!(!ProcessIdentity { start_time: own.start_time + 1, ..own.clone() }.is_alive());
        assert!(!ProcessIdentity { boot: "another".into(), ..own }.is_alive());
    }
}
