//! `windlass shim`: one small process per slot. It runs the slot's program, starts it anew, asks whether it works, keeps its
//! output and exit code, and ends everything that descends from it. It outlives Windlass and is found again by its lock.
//!
//! One thread and one `poll`; no runtime, so that hundreds of them cost little. Start with [`run`], then `supervisor`.

mod output;
pub(super) mod probe;
pub(super) mod program;
mod supervisor;

use super::process;
use super::slot::SlotDirectory;
use std::ffi::OsString;
use std::fs::TryLockError;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// How the shim's note begins that says that its program ended: what separates one start's output from the next one's.
pub(super) const PROGRAM_ENDED: &str = "the program ended with ";

/// What the command line of a shim says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    slot: PathBuf,
    executable: Option<PathBuf>,
    program: bool,
    control_group: Option<PathBuf>,
}

/// Runs a shim until its slot is stopped. `arguments` are those after `shim`: `--slot DIR [--executable PATH]`; the executable
/// is the one that understands `shim`, by default this one. To be called before any runtime or thread is started.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let arguments = match parse(arguments) {
        Ok(arguments) => arguments,
        Err(message) => return fail(&message),
    };
    let slot = SlotDirectory::new(&arguments.slot);
    if arguments.program {
        return program::become_program(&slot, arguments.control_group.as_deref());
    }
    match supervise(&slot, arguments.executable) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("the slot `{}` cannot be run: {error}", arguments.slot.display())),
    }
}

fn fail(message: &str) -> ExitCode {
    // Nobody may be listening; the exit code says it too.
    drop(writeln!(io::stderr(), "windlass shim: {message}"));
    ExitCode::FAILURE
}

fn parse(arguments: &[OsString]) -> Result<Arguments, String> {
    let mut found = Arguments::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--program" {
            found.program = true;
            continue;
        }
        let name = argument.to_string_lossy();
        let Some(value) = rest.next() else { return Err(format!("`{name}` is no option, or lacks its value")) };
        match name.as_ref() {
            "--slot" => found.slot = value.into(),
            "--executable" => found.executable = Some(value.into()),
            "--control-group" => found.control_group = Some(value.into()),
            _ => return Err(format!("`{name}` is no option of a shim\n  hint: shims are started by `windlass up`, not by hand")),
        }
    }
    if found.slot.is_absolute() { Ok(found) } else { Err("`--slot` needs an absolute directory".into()) }
}

fn supervise(slot: &SlotDirectory, executable: Option<PathBuf>) -> io::Result<()> {
    // There is one of us for each replica.
    process::use_huge_pages(false);
    if let Err(error) = rustix::process::setsid() {
        // We lead a session already, which is what is wanted.
        tracing::debug!(%error, "no new session");
    }
    let Some(lock) = hold(slot)? else { return Ok(()) };
    rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1))?;
    let executable = executable.map_or_else(std::env::current_exe, Ok)?;
    let result = supervisor::Supervisor::new(slot.clone(), executable).and_then(supervisor::Supervisor::run);
    drop(lock);
    result
}

/// Takes the slot's lock; `None` where another shim has it or the slot is going.
fn hold(slot: &SlotDirectory) -> io::Result<Option<std::fs::File>> {
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(slot.lock())?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Between opening and locking, the slot may have been deleted, and even made again.
    let same = std::fs::metadata(slot.lock()).is_ok_and(|found| file.metadata().is_ok_and(|own| found.ino() == own.ino()));
    Ok((same && !slot.is_marked_deleted()).then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_understood_or_refused() {
        let parse = |text: &str| parse(&text.split(' ').map(OsString::from).collect::<Vec<_>>());
        let found = parse("--slot /a --executable /w").unwrap();
        assert_eq!(found, Arguments { slot: "/a".into(), executable: Some("/w".into()), program: false, control_group: None });
        assert!(parse("--slot /a --program").unwrap().program);
        for wrong in ["--slot", "--slot relative", "--what /a", "x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
