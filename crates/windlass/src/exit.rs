//! Exit codes, and how errors are printed: what failed and why on one line, the way out last.

use clap::error::{ContextKind, ContextValue, ErrorKind};
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
    match error.kind() {
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument => {
            let words: Vec<String> = std::env::args().skip(1).collect();
            crate::terminal::say(&unknown_word(error, &words));
            Exit::Usage.into()
        }
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody may be reading any more; then there is nobody to tell.
            error.print().ok();
            Exit::Success.into()
        }
        _ => {
            error.print().ok();
            Exit::Usage.into()
        }
    }
}

/// What is said about a command or a flag that is not there.
fn unknown_word(error: &clap::Error, words: &[String]) -> String {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    // clap's usage line begins with the command that did not understand.
    let command = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => command_in(&usage.to_string()),
        _ => "windlass".to_owned(),
    };
    let (what, near) = if error.kind() == ErrorKind::InvalidSubcommand {
        let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
        (format!("`{command}` has no command `{word}`"), text(ContextKind::SuggestedSubcommand))
    } else {
        let word = text(ContextKind::InvalidArg).unwrap_or_default();
        let what =
            if word.starts_with('-') { format!("`{command}` has no flag `{word}`") } else { format!("`{command}` takes no `{word}`") };
        (what, text(ContextKind::SuggestedArg))
    };
    let mut said = format!("error: {what}");
    if let Some(near) = near {
        said.push_str(&format!("\n  hint: did you mean `{near}`?"));
    }
    said.push_str(&format!("\n  hint: `{command} --help` says what there is"));
    if error.kind() == ErrorKind::UnknownArgument && crate::kubectl::is_verb(words.first().map(String::as_str)) {
        said.push_str(
            "\n  hint: not every flag of kubectl is built in; kubectl itself works too, with the kubeconfig that `windlass up` prints",
        );
    }
    said
}

/// `windlass run list` in `Usage: windlass run list [OPTIONS] [KIND/NAME]`.
fn command_in(usage: &str) -> String {
    let words = usage.split_whitespace().skip_while(|word| *word != "windlass");
    let named: Vec<&str> = words.take_while(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase())).collect();
    if named.is_empty() { "windlass".to_owned() } else { named.join(" ") }
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
            Some(error @ kube::Error::Api(_)) => windlass_client::errors::message(error),
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
    fn a_word_that_is_not_there_is_named_with_the_nearest() {
        let check = |line: &str, expected: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let all = ["windlass".to_owned()].into_iter().chain(words.clone());
            let error = <crate::arguments::Arguments as clap::Parser>::try_parse_from(all).expect_err(line);
            assert_eq!(unknown_word(&error, &words), expected, "{line}");
        };
        check(
            "gett pods",
            "error: `windlass` has no command `gett`\n  hint: did you mean `get`?\n  hint: `windlass --help` says what there is",
        );
        check("frobnicate", "error: `windlass` has no command `frobnicate`\n  hint: `windlass --help` says what there is");
        check(
            "run lst",
            "error: `windlass run` has no command `lst`\n  hint: did you mean `list`?\n  hint: `windlass run --help` says what there is",
        );
        check(
            "new web-app --sizes L",
            "error: `windlass new` has no flag `--sizes`\n  hint: did you mean `--size`?\n  hint: `windlass new --help` says what there is",
        );
    }

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
