//! Running other programs: to the end with their output shown, to the end with it read, or beside us until dropped.
//!
//! The only place in `xtask` that waits. Nothing outlives its owner unless it is told to ([`Background::detach`]).

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Shows a heading, runs the program to its end, and fails when it fails. Returns how long it took.
pub(crate) fn stage(title: &str, command: &mut Command) -> Result<Duration> {
    println!("\n==> {title}");
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).status().with_context(|| cannot_start(command))?;
    let took = start.elapsed();
    if !status.success() {
        bail!("{title}: `{}` ended with {status}", shown(command));
    }
    println!("    {title}: {:.1} s", took.as_secs_f64());
    Ok(took)
}

/// Runs the program quietly and returns what it wrote on stdout.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` ended with {}: {}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` did not print text", shown(command)))
}

/// Runs the program, shows each line of stdout as it comes and hands it to `line`. Returns whether it succeeded.
pub(crate) fn follow(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).lines() {
            let text = text.context("the program's output could not be read")?;
            println!("{text}");
            line(&text);
        }
    }
    Ok(child.wait().context("the program's end could not be awaited")?.success())
}

/// A program that runs beside us. It is ended when this value is dropped.
pub(crate) struct Background {
    name: &'static str,
    child: Child,
    detached: bool,
}

impl Background {
    /// Starts the program with stdout and stderr going to `log`.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Background> {
        let file = fs_err::File::create(log)?.into_parts().0;
        let other = file.try_clone().context("the log's handle could not be copied")?;
        // A group of its own: an interrupt at the terminal reaches us first, and we stop things in order.
        command.stdin(Stdio::null()).stdout(file).stderr(other).process_group(0);
        let child = command.spawn().with_context(|| cannot_start(command))?;
        Ok(Background { name, child, detached: false })
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails when the program has already ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait().context("the program's state could not be read")? {
            None => Ok(()),
            Some(status) => bail!("`{}` ended with {status}", self.name),
        }
    }

    /// Lets the program live on after us.
    pub(crate) fn detach(mut self) {
        self.detached = true;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        terminate(self.child.id());
        let ended = until(Duration::from_secs(10), || Ok(self.child.try_wait().map(|status| status.is_some())?));
        if ended.is_err() {
            // It had its chance to end well; an error here means that it is already gone.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Asks a process to end.
pub(crate) fn terminate(id: u32) {
    if let Some(pid) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        // Gone already is what we want.
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
    }
}

/// Asks again and again until the answer is yes; fails when `limit` has passed or when asking fails.
#[expect(clippy::disallowed_methods, reason = "another program is awaited, and it tells nobody when it is ready")]
pub(crate) fn until(limit: Duration, mut ready: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !ready()? {
        if start.elapsed() > limit {
            bail!("not ready after {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The command line as a person would type it, without the environment (which may hold secrets).
pub(crate) fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

fn cannot_start(command: &Command) -> String {
    format!("`{}` could not be started\nhint: is it installed and on PATH?", command.get_program().to_string_lossy())
}

/// The last lines of a file, for messages.
pub(crate) fn tail(file: &Path, lines: usize) -> String {
    let text = fs_err::read_to_string(file).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
