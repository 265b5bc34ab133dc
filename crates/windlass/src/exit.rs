//! Exit codes, and how errors are printed: what failed and why on one line, the way out last.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::fmt;
use std::process::ExitCode;
use windlass_api::{did_you_mean, nearest};

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
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody may be reading any more; then there is nobody to tell.
            error.print().ok();
            Exit::Success.into()
        }
        _ => {
            let words: Vec<String> = std::env::args().skip(1).collect();
            match wrong_use(error, &words) {
                Some(said) => crate::terminal::say(&said),
                // Help where a command is missing, and what is too rare for words of our own.
                None => drop(error.print()),
            }
            Exit::Usage.into()
        }
    }
}

/// What is said about words that are not understood, in our own form.
fn wrong_use(error: &clap::Error, words: &[String]) -> Option<String> {
    let text = |kind: ContextKind| texts(error, kind).into_iter().next();
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string().trim().trim_start_matches("Usage: ").to_owned(),
        _ => String::new(),
    };
    let command = command_in(words);
    let invalid = text(ContextKind::InvalidArg).unwrap_or_default();
    let mut said = match error.kind() {
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument => unknown_word(error, &command),
        ErrorKind::MissingRequiredArgument => {
            format!("error: `{command}` needs {}\n  hint: {usage}", texts(error, ContextKind::InvalidArg).join(" and "))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = text(ContextKind::InvalidValue).unwrap_or_default();
            let why = std::error::Error::source(error).map(|why| format!(": {}", plainly(&why.to_string()))).unwrap_or_default();
            let choices = texts(error, ContextKind::ValidValue);
            let what = if value.is_empty() { "has no value".to_owned() } else { format!("cannot be `{value}`{why}") };
            let hint = did_you_mean(&value, choices.iter().map(String::as_str)).map(|hint| format!("\n  hint: {hint}"));
            format!("error: `{invalid}` {what}{}", hint.unwrap_or_default())
        }
        ErrorKind::ArgumentConflict => {
            let others = texts(error, ContextKind::PriorArg).join(" and ");
            format!("error: `{invalid}` cannot stand beside {others}\n  hint: leave one of them out")
        }
        _ => return None,
    };
    said.push_str(&format!("\n  hint: `{command} --help` says what there is"));
    if error.kind() == ErrorKind::UnknownArgument && crate::kubectl::is_verb(words.first().map(String::as_str)) {
        said.push_str(
            "\n  hint: not every flag of kubectl is built in; kubectl itself works too, with the kubeconfig that `windlass up` prints",
        );
    }
    Some(said)
}

/// What the standard library says of a number, in words for whoever typed it.
fn plainly(why: &str) -> &str {
    if why == "invalid digit found in string" || why == "cannot parse integer from empty string" {
        "it must be a whole number"
    } else {
        why
    }
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// What is said about a command or a flag that is not there.
fn unknown_word(error: &clap::Error, command: &str) -> String {
    let is_command = error.kind() == ErrorKind::InvalidSubcommand;
    let (invalid, suggested) = if is_command {
        (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand)
    } else {
        (ContextKind::InvalidArg, ContextKind::SuggestedArg)
    };
    let word = texts(error, invalid).into_iter().next().unwrap_or_default();
    let what = match is_command {
        true => format!("`{command}` has no command `{word}`"),
        false if word.starts_with('-') => format!("`{command}` has no flag `{word}`"),
        false => format!("`{command}` takes no `{word}`"),
    };
    // clap names several that are alike, the likeliest last.
    let alike = texts(error, suggested);
    let near = nearest(&word, alike.iter().map(String::as_str)).or(alike.last().map(String::as_str));
    let near = near.map(|near| format!("\n  hint: did you mean `{near}`?")).unwrap_or_default();
    format!("error: {what}{near}")
}

/// `windlass run list`, of `run list --al`.
fn command_in(words: &[String]) -> String {
    let whole = <crate::arguments::Arguments as clap::CommandFactory>::command();
    let mut here = &whole;
    let mut named = "windlass".to_owned();
    for word in words {
        let Some(below) = here.find_subcommand(word) else { break };
        named = format!("{named} {}", below.get_name());
        here = below;
    }
    named
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
        let (what, ways) = windlass_api::hint::parts(&whole);
        hints.extend(missing_namespace(cause));
        if !what.is_empty() && !said.iter().any(|known| known.contains(what)) {
            said.push(what.to_owned());
        }
        hints.extend(ways.into_iter().map(str::to_owned));
        // The API's own message is whole; its cause is the same again.
        if matches!(cause.downcast_ref::<kube::Error>(), Some(kube::Error::Api(_))) {
            break;
        }
    }
    hints.dedup();
    let hints: String = hints.iter().map(|hint| format!("\n  hint: {hint}")).collect();
    format!("error: {}{hints}", said.join(": "))
}

/// The way out where a namespace is not there.
fn missing_namespace(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    let Some(kube::Error::Api(status)) = cause.downcast_ref::<kube::Error>() else { return None };
    let details = status.details.as_ref().filter(|details| status.code == 404 && details.kind == "namespaces")?;
    Some(format!("make it: `kubectl create namespace {}`; or name another one with -n", details.name))
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn words_that_are_not_understood_are_answered_with_the_way_out() {
        let said = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let all = ["windlass".to_owned()].into_iter().chain(words.clone());
            let error = <crate::arguments::Arguments as clap::Parser>::try_parse_from(all).expect_err(line);
            format!("$ windlass {line}\n{}\n", wrong_use(&error, &words).expect(line))
        };
        let lines = [
            "gett pods",
            "frobnicate",
            "run lst",
            "template chek",
            "new web-app --sizes L",
            "get pods --raw",
            "run resolve shop-1",
            "plan",
            "plan shop",
            "plan webapp/shop -f shop.yaml",
            "new web-app --set",
            "version -o jsn",
            "completion tcsh",
            "new web-app shop --timeout soon",
        ];
        insta::assert_snapshot!(lines.map(said).concat(), @r"
        $ windlass gett pods
        error: `windlass` has no command `gett`
          hint: did you mean `get`?
          hint: `windlass --help` says what there is
        $ windlass frobnicate
        error: `windlass` has no command `frobnicate`
          hint: `windlass --help` says what there is
        $ windlass run lst
        error: `windlass run` has no command `lst`
          hint: did you mean `list`?
          hint: `windlass run --help` says what there is
        $ windlass template chek
        error: `windlass template` has no command `chek`
          hint: did you mean `check`?
          hint: `windlass template --help` says what there is
        $ windlass new web-app --sizes L
        error: `windlass new` has no flag `--sizes`
          hint: did you mean `--size`?
          hint: `windlass new --help` says what there is
        $ windlass get pods --raw
        error: `windlass get` has no flag `--raw`
          hint: `windlass get --help` says what there is
          hint: not every flag of kubectl is built in; kubectl itself works too, with the kubeconfig that `windlass up` prints
        $ windlass run resolve shop-1
        error: `windlass run resolve` needs <--done|--retry>
          hint: windlass run resolve <--done|--retry> <RUN>
          hint: `windlass run resolve --help` says what there is
        $ windlass plan
        error: `windlass plan` needs <KIND/NAME>
          hint: windlass plan <KIND/NAME>
          hint: `windlass plan --help` says what there is
        $ windlass plan shop
        error: `[KIND/NAME]` cannot be `shop`: `shop` is not of the form KIND/NAME, as in `webapp/shop`
          hint: `windlass plan --help` says what there is
        $ windlass plan webapp/shop -f shop.yaml
        error: `[KIND/NAME]` cannot stand beside --filename <FILE>
          hint: leave one of them out
          hint: `windlass plan --help` says what there is
        $ windlass new web-app --set
        error: `--set <KEY=VALUE>` has no value
          hint: `windlass new --help` says what there is
        $ windlass version -o jsn
        error: `--output <OUTPUT>` cannot be `jsn`
          hint: did you mean `json`?
          hint: `windlass version --help` says what there is
        $ windlass completion tcsh
        error: `<SHELL>` cannot be `tcsh`
          hint: there are: bash, elvish, fish, powershell, zsh
          hint: `windlass completion --help` says what there is
        $ windlass new web-app shop --timeout soon
        error: `--timeout <SECONDS>` cannot be `soon`: it must be a whole number
          hint: `windlass new --help` says what there is
        ");
    }

    #[test]
    fn a_namespace_that_is_not_there_can_be_made() {
        let status = serde_json::json!({
            "status": "Failure", "reason": "NotFound", "code": 404, "message": "namespaces \"nope\" not found",
            "details": {"name": "nope", "kind": "namespaces"},
        });
        let error = anyhow::Error::new(kube::Error::Api(Box::new(serde_json::from_value(status).expect("a status"))));
        let wanted = "error: namespaces \"nope\" not found\n  hint: make it: `kubectl create namespace nope`; or name another one with -n";
        assert_eq!((text(&error).as_str(), code(&error)), (wanted, Exit::NotFound));
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
