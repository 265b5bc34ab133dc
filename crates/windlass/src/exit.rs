//! Exit codes, and how errors are printed: what failed and why on one line, the way out last.

use clap::error::ErrorKind;
use std::fmt;
use std::process::ExitCode;

/// What the shell is told. The numbers are a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Success = 0,
    /// It failed; for `plan`: there are changes.
    Failure = 1,
    /// A wrong flag or argument; for `plan`: it failed (or, with `--detailed-exitcode`, there are changes).
    Usage = 2,
    /// The API asks who one is.
    Authentication = 4,
    /// The API refuses it to this person.
    Forbidden = 5,
    /// It is not there.
    NotFound = 6,
    /// Somebody else wrote first, or the plan is stale.
    Conflict = 7,
    /// It did not come about in time.
    TimedOut = 8,
    /// A policy or a person refused it.
    Refused = 9,
    /// Somebody pressed Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that says how the program ends.
#[derive(Debug)]
pub(crate) struct Failed {
    exit: Exit,
    message: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}

/// An error with an exit code; the way out stands in the message as `\n  hint: ...`.
pub(crate) fn failed(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Failed { exit, message: message.into() }.into()
}

/// Prints what clap says; help and version are no errors.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    match error.print() {
        Ok(()) | Err(_) if help => Exit::Success.into(),
        Ok(()) | Err(_) => {
            if error.kind() == ErrorKind::UnknownArgument && crate::kubectl::is_verb(std::env::args().nth(1).as_deref()) {
                crate::terminal::say(
                    "  hint: not every flag of kubectl is built in; kubectl itself works too, with the kubeconfig that `windlass up` prints",
                );
            }
            Exit::Usage.into()
        }
    }
}

/// Prints an error and says how the program ends.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_closed_pipe) {
        return Exit::Success.into();
    }
    crate::terminal::say(&text(error));
    code(error).into()
}

/// How the program ends with this error.
pub(crate) fn code(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if let Some(failed) = cause.downcast_ref::<Failed>() {
            return failed.exit;
        }
        if let Some(kube::Error::Api(status)) = cause.downcast_ref::<kube::Error>() {
            return match (status.code, status.reason.as_str()) {
                (401, _) => Exit::Authentication,
                (403, _) => Exit::Forbidden,
                (404, _) => Exit::NotFound,
                (409, _) => Exit::Conflict,
                (504, _) => Exit::TimedOut,
                _ => Exit::Failure,
            };
        }
    }
    Exit::Failure
}

/// `error: what: why` and, below, each way out once.
pub(crate) fn text(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut hints: Vec<String> = Vec::new();
    for cause in error.chain() {
        let whole = match cause.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => status.message.clone(),
            _ => cause.to_string(),
        };
        let mut parts = whole.split("\n  hint: ");
        let what = parts.next().unwrap_or_default().trim_end().to_owned();
        if !what.is_empty() && !said.iter().any(|known| known.contains(&what)) {
            said.push(what);
        }
        hints.extend(parts.map(|hint| hint.trim_end().to_owned()));
        // The API's own message is whole; its cause is the same again.
        if matches!(cause.downcast_ref::<kube::Error>(), Some(kube::Error::Api(_))) {
            break;
        }
    }
    hints.dedup();
    let hints: String = hints.iter().map(|hint| format!("\n  hint: {hint}")).collect();
    format!("error: {}{hints}", said.join(": "))
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_way_out_comes_last_and_nothing_twice() {
        let error = Err::<(), _>(failed(Exit::Conflict, "port `7400` is taken\n  hint: use --listen"))
            .context("cannot start on `127.0.0.1:7400`\n  hint: see `windlass doctor`")
            .expect_err("it is an error");
        assert_eq!(
            text(&error),
            "error: cannot start on `127.0.0.1:7400`: port `7400` is taken\n  hint: see `windlass doctor`\n  hint: use --listen"
        );
        assert_eq!(code(&error), Exit::Conflict);
    }
}
