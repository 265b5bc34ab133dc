//! `windlass doctor`: what is missing for which building block, and how to get it. Looks only; changes nothing.

use crate::exit::Exit;
use crate::terminal::{Ink, Stream, has_colour, paint, put};
use crate::up::announce::Form;
use serde::Serialize;
use std::path::PathBuf;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArguments {
    /// Where the data is [default: $XDG_DATA_HOME/windlass]
    #[arg(long, value_name = "DIR", env = crate::settings::DATA_DIR)]
    data_dir: Option<PathBuf>,
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    /// What needs it.
    needed_for: &'static str,
    /// What was looked for.
    what: String,
    /// Whether it is there.
    found: bool,
    /// Whether the platform works without it.
    optional: bool,
    /// What is there, or how to get it.
    note: String,
}

/// Looks. Exit 1 if something is missing that the platform cannot do without.
pub(crate) fn run(arguments: &DoctorArguments) -> anyhow::Result<Exit> {
    let data_dir = crate::settings::directory(arguments.data_dir.as_deref())?;
    let findings = vec![data(&data_dir), session(), resolver(), limits(), platform(&data_dir)];
    match arguments.output {
        Form::Json => put(&serde_json::to_string(&findings)?)?,
        Form::Text => {
            let colour = has_colour(Stream::Out);
            for finding in &findings {
                put(&line(finding, colour))?;
            }
        }
    }
    let broken = findings.iter().any(|finding| !finding.found && !finding.optional);
    Ok(if broken { Exit::Failure } else { Exit::Success })
}

fn line(finding: &Finding, colour: bool) -> String {
    let (word, ink) = match (finding.found, finding.optional) {
        (true, _) => ("ok", Ink::Green),
        (false, true) => ("missing", Ink::Yellow),
        (false, false) => ("broken", Ink::Red),
    };
    let padding = " ".repeat(8 - word.len());
    format!("{}{padding}{} ({}): {}", paint(colour, ink, word), finding.what, finding.needed_for, finding.note)
}

fn data(data_dir: &std::path::Path) -> Finding {
    let existing = data_dir.ancestors().find(|path| path.exists()).unwrap_or(data_dir);
    let writable = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_ok();
    let note = if writable {
        format!("`{}` can be written", data_dir.display())
    } else {
        format!("`{}` cannot be written; say another one with --data-dir", existing.display())
    };
    Finding { needed_for: "windlass up", what: "data directory".into(), found: writable, optional: false, note }
}

fn session() -> Finding {
    let found = std::path::Path::new("/proc/self/stat").exists();
    let note = if found { "processes can be followed" } else { "mount /proc; apps cannot be told from other processes without it" };
    Finding { needed_for: "workload on local", what: "/proc".into(), found, optional: false, note: note.into() }
}

fn resolver() -> Finding {
    use std::net::ToSocketAddrs as _;
    let found =
        ("windlass-doctor.localhost", 80).to_socket_addrs().is_ok_and(|mut addresses| addresses.all(|address| address.ip().is_loopback()));
    let note = if found {
        "names below .localhost lead to this machine"
    } else {
        "programs other than browsers cannot resolve http://NAME.NAMESPACE.localhost; use `status.address`, or `apt install libnss-myhostname`"
    };
    Finding { needed_for: "app addresses", what: "*.localhost".into(), found, optional: true, note: note.into() }
}

fn limits() -> Finding {
    let controllers = fs_err::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    let found = controllers.split_whitespace().any(|name| name == "memory")
        && rustix::fs::access("/sys/fs/cgroup/cgroup.subtree_control", rustix::fs::Access::WRITE_OK).is_ok();
    let note = if found {
        "cgroup v2 can be used"
    } else {
        "cgroup v2 is not writable here, so CPU shares of apps are not enforced; status says which limits are"
    };
    Finding { needed_for: "workload limits on local", what: "cgroup v2".into(), found, optional: true, note: note.into() }
}

fn platform(data_dir: &std::path::Path) -> Finding {
    let held = crate::up::directory::is_held(data_dir).unwrap_or_default();
    let note = match crate::up::directory::holder(data_dir).filter(|_| held) {
        Some(holder) => format!("process {} since {}", holder.pid, holder.since),
        None => "not running; start it with `windlass up`".into(),
    };
    Finding { needed_for: "everything", what: "platform on this machine".into(), found: held, optional: true, note }
}
