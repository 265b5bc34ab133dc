//! Starting a slot's program. The shim starts itself once more, and that second one makes the session, joins the control
//! group, and then becomes the program: nothing has to run between fork and exec.

use crate::local::process;
use crate::local::slot::SlotConfig;
use crate::local::slot::SlotDirectory;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, PipeWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Starts the program of this slot; answers its pid.
pub(super) fn start(
    executable: &Path,
    slot: &SlotDirectory,
    control_group: Option<&Path>,
    out: PipeWriter,
    err: PipeWriter,
) -> io::Result<i32> {
    let mut command = Command::new(executable);
    command.arg("shim").arg("--slot").arg(slot.path()).arg("--program");
    if let Some(group) = control_group {
        command.arg("--control-group").arg(group);
    }
    command.env_clear().stdin(Stdio::null()).stdout(out).stderr(err);
    let child = command.spawn()?;
    Ok(i32::try_from(child.id()).unwrap_or_default())
}

/// The second one: becomes the program. Returns only if that failed.
pub(super) fn become_program(slot: &SlotDirectory, control_group: Option<&Path>) -> ExitCode {
    // What suits a supervisor is not put on the program: it gets the machine's own way with huge pages.
    process::use_huge_pages(true);
    let complain = |text: String| {
        // The program's own error output is the place where people look; if even that is closed, nobody listens.
        drop(writeln!(io::stderr(), "windlass: {text}"));
        ExitCode::from(127)
    };
    let config = match slot.read_config() {
        Ok(config) => config,
        Err(error) => return complain(format!("the configuration cannot be read: {error}")),
    };
    if let Err(error) = rustix::process::setsid() {
        // It leads a session already, which is what is wanted.
        tracing::debug!(%error, "no new session");
    }
    if let Some(group) = control_group {
        drop(std::fs::write(group.join("cgroup.procs"), std::process::id().to_string()));
    }
    match resolve(&config.program, &config.directory, &config.environment) {
        Ok(program) => {
            let mut command = Command::new(&program);
            if let Some(name) = config.program.first() {
                command.arg0(name);
            }
            command.args(config.program.iter().skip(1)).env_clear().envs(&config.environment).current_dir(&config.directory);
            let error = command.exec();
            complain(format!("`{}` cannot be started: {error}", program.display()))
        }
        Err(error) => complain(error),
    }
}

/// Runs a probe's program beside the slot's; answers its pid.
pub(super) fn start_probe(config: &SlotConfig, command: &[String]) -> io::Result<i32> {
    let program = resolve(command, &config.directory, &config.environment).map_err(io::Error::other)?;
    let mut child = Command::new(program);
    child.args(command.iter().skip(1)).env_clear().envs(&config.environment).current_dir(&config.directory);
    child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    Ok(i32::try_from(child.spawn()?.id()).unwrap_or_default())
}

/// The file of a program: a path as it is, seen from the directory; a name by the environment's `PATH`.
pub(in crate::local) fn resolve(command: &[String], directory: &Path, environment: &BTreeMap<String, String>) -> Result<PathBuf, String> {
    let Some(name) = command.first().filter(|name| !name.is_empty()) else {
        return Err("there is no program to run\n  hint: give a command".into());
    };
    if !directory.is_dir() {
        return Err(format!("the directory `{}` does not exist\n  hint: correct the path, or make the directory", directory.display()));
    }
    if name.contains('/') {
        let path = directory.join(name);
        return if is_executable(&path) {
            Ok(path)
        } else if path.exists() {
            Err(format!("`{}` is not executable\n  hint: run `chmod +x {}`", path.display(), path.display()))
        } else {
            Err(format!(
                "the program `{}` does not exist\n  hint: correct the path; it counts from the directory the program runs in",
                path.display()
            ))
        };
    }
    let search: OsString = environment.get("PATH").map(OsString::from).unwrap_or_default();
    let found = std::env::split_paths(&search).map(|entry| directory.join(entry).join(name)).find(|path| is_executable(path));
    found.ok_or_else(|| {
        format!("the program `{name}` is not found in PATH (`{}`)\n  hint: install it, or give its whole path", search.to_string_lossy())
    })
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
