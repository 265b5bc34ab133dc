//! Procfiles: which command a source directory runs, as `TYPE: COMMAND` lines. Source: Heroku, "The Procfile".

use std::collections::BTreeMap;
use std::path::Path;

/// A larger one is none.
const LARGEST: u64 = 256 << 10;

/// Why a directory cannot be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcfileError {
    /// There is none.
    #[error(
        "the directory `{0}` has no Procfile\n  hint: add a file `Procfile` with the line `web: COMMAND`, or give the workload a command"
    )]
    Missing(String),
    /// It says nothing about `web`.
    #[error("the Procfile in `{directory}` has no line `web: COMMAND`; it has: {found}\n  hint: add one, or give the workload a command")]
    NoWeb {
        /// Where.
        directory: String,
        /// The process types that it has.
        found: String,
    },
    /// It cannot be read.
    #[error("the Procfile in `{directory}` cannot be read\n  hint: it has to be a text file of at most 256 KiB that this user may read")]
    Unreadable {
        /// Where.
        directory: String,
    },
}

/// The `web` command of the Procfile in this directory.
pub(super) fn web(directory: &Path) -> Result<String, ProcfileError> {
    let shown = directory.display().to_string();
    let path = directory.join("Procfile");
    let length = match std::fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(_) => return Err(ProcfileError::Missing(shown)),
    };
    let text = std::fs::read_to_string(&path).ok().filter(|_| length <= LARGEST);
    let Some(text) = text else { return Err(ProcfileError::Unreadable { directory: shown }) };
    let mut types = parse(&text);
    types.remove("web").ok_or_else(|| {
        let found: Vec<String> = types.into_keys().collect();
        ProcfileError::NoWeb { directory: shown, found: if found.is_empty() { "nothing".into() } else { found.join(", ") } }
    })
}

/// The process types of a Procfile; lines that are none are passed over, the last of a type counts.
fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let named = lines.map(|(name, command)| (name.trim(), command.trim()));
    let valid = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    named
        .filter(|(name, command)| valid(name) && !command.is_empty())
        .map(|(name, command)| (name.to_owned(), command.to_owned()))
        .collect()
}

/// The command for a shell. A single program takes the shell's place, so that signals reach it.
pub(super) fn shell(command: &str) -> Vec<String> {
    let alone = !command.replace("${", "$").contains([';', '&', '|', '(', '{', '\n', '`']);
    let first = command.split_whitespace().next().unwrap_or_default();
    let command = if alone && first != "exec" && !first.contains('=') { format!("exec {command}") } else { command.to_owned() };
    vec!["/bin/sh".into(), "-c".into(), command]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_types_and_commands() {
        let found = parse("# comment: no\nweb: python3 -m http.server $PORT\n\nworker:run: all\nbad name: x\nempty:\n");
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("web".into(), "python3 -m http.server $PORT".to_owned()), ("worker".into(), "run: all".into())]
        );
    }

    #[test]
    fn only_a_single_program_takes_the_shells_place() {
        let check = |command: &str, expected: &str| assert_eq!(shell(command)[2], expected);
        check("python3 -m http.server $PORT", "exec python3 -m http.server $PORT");
        check("serve --port ${PORT}", "exec serve --port ${PORT}");
        check("A=1 serve", "A=1 serve");
        check("prepare && serve", "prepare && serve");
        check("exec serve", "exec serve");
    }

    #[test]
    fn what_is_missing_is_said() {
        let root = tempfile::tempdir().unwrap();
        assert!(web(root.path()).unwrap_err().to_string().contains("has no Procfile\n  hint: add a file"));
        fs_err::write(root.path().join("Procfile"), "worker: x\n").unwrap();
        assert!(web(root.path()).unwrap_err().to_string().contains("it has: worker\n  hint:"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            for (name, command) in parse(&text) {
                prop_assert!(!name.is_empty() && !command.is_empty());
            }
        }
    }
}
