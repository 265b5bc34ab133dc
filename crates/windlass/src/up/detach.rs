//! `--detach`: starts the same program again in a session of its own, waits until it is ready, and leaves it alone.

use super::announce::Addresses;
use crate::exit::{Exit, failed};
use crate::settings::Settings;
use std::io::BufRead as _;
use std::process::{Command, Stdio};

/// Starts the platform in the background; returns when it is ready.
///
/// # Errors
/// It ends before it is ready; what it said is in the message.
pub(crate) fn start(settings: &Settings) -> anyhow::Result<Addresses> {
    super::directory::make_private(&settings.data_dir)?;
    let complaints = settings.data_dir.join("start.log");
    let mut child = Command::new(std::env::current_exe()?)
        .args(["up", "--detached", "--no-browser", "-o", "json", "--data-dir"])
        .arg(&settings.data_dir)
        .args(["--listen", &settings.listen.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs_err::File::create(&complaints)?.into_parts().0)
        .spawn()?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        std::io::BufReader::new(output).read_line(&mut line)?;
    }
    if let Ok(addresses) = serde_json::from_str(&line) {
        return Ok(addresses);
    }
    let status = child.wait()?;
    let said = fs_err::read_to_string(&complaints).unwrap_or_default();
    let said = said.trim().strip_prefix("error: ").unwrap_or(said.trim()).to_owned();
    let said = if said.is_empty() {
        format!("it ended with {status} and said nothing\n  hint: see `{}`", settings.data_dir.join("windlass.log").display())
    } else {
        said
    };
    Err(failed(Exit::Failure, format!("the platform did not start: {said}")))
}

/// Leaves the terminal's session, so that closing it does not end the platform.
pub(crate) fn leave_terminal() {
    // It fails only where this is a session leader already, which is as good.
    rustix::process::setsid().ok();
}
