//! `windlass down`: stops the platform that holds a data directory, and says what becomes of the apps.

use crate::exit::{Exit, failed};
use crate::terminal::say;
use crate::up::control::{Answer, Question, ask};
use crate::up::directory;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the platform may take to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct DownArguments {
    /// Where the data is [default: $XDG_DATA_HOME/windlass]
    #[arg(long, value_name = "DIR", env = crate::settings::DATA_DIR)]
    data_dir: Option<PathBuf>,
    /// Let apps go on; they are taken up again by the next `windlass up`
    #[arg(long)]
    keep_apps: bool,
}

/// Stops it.
pub(crate) async fn run(arguments: &DownArguments) -> anyhow::Result<Exit> {
    let data_dir = crate::settings::directory(arguments.data_dir.as_deref())?;
    if !directory::is_held(&data_dir)? {
        say(&format!("nothing to stop: no platform runs on `{}`", data_dir.display()));
        return Ok(Exit::Success);
    }
    let answer = ask(&data_dir, Question::Stop { keep_apps: arguments.keep_apps }).await.map_err(|error| {
        let holds = directory::process_at(&data_dir).map(|(_, pid)| pid).or(directory::holder(&data_dir).map(|holder| holder.pid));
        let pid = holds.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
        error.context(format!("the platform on `{}` does not answer\n  hint: `kill {pid}` stops it, apps go on", data_dir.display()))
    })?;
    match answer {
        Answer::Stopping { apps, kept } => say(&spoken(&apps, kept)),
        Answer::Here(_) => {
            return Err(failed(
                Exit::Failure,
                "the platform gave an answer to another question\n  hint: it is of another version; stop it with `kill`",
            ));
        }
        Answer::Refused(message) => return Err(failed(Exit::Failure, message)),
    }
    let gone = tokio::time::timeout(PATIENCE, until_released(&data_dir)).await;
    match gone {
        Ok(released) => released?,
        Err(_) => {
            return Err(failed(
                Exit::TimedOut,
                format!(
                    "the platform has not stopped within {} s\n  hint: see `{}`",
                    PATIENCE.as_secs(),
                    data_dir.join("windlass.log").display()
                ),
            ));
        }
    }
    say("Windlass has stopped");
    Ok(Exit::Success)
}

async fn until_released(data_dir: &Path) -> anyhow::Result<()> {
    while directory::is_held(data_dir)? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// What becomes of the apps, always said.
fn spoken(apps: &[String], kept: bool) -> String {
    match (apps.len(), kept) {
        (0, _) => "no apps were running".into(),
        (1, true) => format!("1 app goes on: {}; the next `windlass up` takes it up again", apps.join(", ")),
        (1, false) => format!("1 app was stopped: {}; the next `windlass up` starts it again", apps.join(", ")),
        (count, true) => format!("{count} apps go on: {}; the next `windlass up` takes them up again", apps.join(", ")),
        (count, false) => format!("{count} apps were stopped: {}; the next `windlass up` starts them again", apps.join(", ")),
    }
}
