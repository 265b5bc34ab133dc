//! Examples below the help of every command: a line that can be copied, and what it does. A test reads each line as the shell
//! would, so that none names a flag that is not there.

use clap::Command;

/// Below the help of a command, named by its words.
type Examples = (&'static str, &'static [(&'static str, &'static str)]);

const EXAMPLES: &[Examples] = &[
    (
        "up",
        &[
            ("windlass up", "portal and API on 127.0.0.1:7400"),
            ("windlass up --detach --no-browser", "in the background"),
            ("windlass up --data-dir /tmp/try --listen 127.0.0.1:0 -o json", "a second one, on free ports, for a script"),
        ],
    ),
    ("down", &[("windlass down", "stops the platform and its apps"), ("windlass down --keep-apps", "apps go on without it")]),
    (
        "new",
        &[
            ("windlass new", "asks for everything"),
            ("windlass new web-app shop --set source=./shop --size S", "shows the plan, asks, and follows"),
            ("windlass new web-app shop --size L", "changes what is there"),
            ("windlass new web-app shop --set port=8080 --plan-only", "changes nothing"),
        ],
    ),
    (
        "plan",
        &[
            ("windlass plan webapp/shop", "what is not as it should be"),
            ("windlass plan webapp/shop --delete", "what deleting it would do"),
            ("windlass plan -f shop.yaml --detailed-exitcode", "exit 2 if applying it would change something"),
            ("windlass plan -f shop.yaml -o json", "the plan as a value"),
        ],
    ),
    (
        "run list",
        &[
            ("windlass run list", "in the namespace of the kubeconfig"),
            ("windlass run list webapp/shop", "of one instance"),
            ("windlass run list -A --previews", "of all namespaces, with those that only showed a plan"),
        ],
    ),
    ("run show", &[("windlass run show webapp-shop-2", ""), ("windlass run show webapp-shop-2 -o json", "")]),
    ("run logs", &[("windlass run logs -f webapp-shop-2", "until it has ended; exit 1 unless it succeeded")]),
    (
        "run approve",
        &[
            ("windlass run approve webapp-shop-2", "shows the plan and asks"),
            ("windlass run approve webapp-shop-2 --yes --reason 'agreed in the weekly'", ""),
            ("windlass run approve --delete webapp/shop", "where a deletion needs approval: before it is asked for"),
        ],
    ),
    ("run reject", &[("windlass run reject webapp-shop-2 --reason 'too large'", "")]),
    ("run cancel", &[("windlass run cancel webapp-shop-2", "what was done stays; nothing more is begun")]),
    ("run retry", &[("windlass run retry webapp-shop-2", "at once, without waiting for the next try")]),
    (
        "run resolve",
        &[
            ("windlass run resolve webapp-shop-2 --done", "it happened"),
            ("windlass run resolve webapp-shop-2 --retry --effect job", "this one did not; do it again"),
        ],
    ),
    (
        "rollback",
        &[
            ("windlass rollback webapp/shop", "to the last other values that worked"),
            ("windlass rollback webapp/shop --to 1 --plan-only", "what going back to Run number 1 would do"),
        ],
    ),
    ("inventory list", &[("windlass inventory list", "every instance"), ("windlass inventory list webapp/shop", "one, entry by entry")]),
    ("inventory adopt", &[("windlass inventory adopt webapp/shop v1/ConfigMap/settings", "")]),
    ("inventory delete", &[("windlass inventory delete webapp/shop", "what an instance left that is gone")]),
    (
        "template check",
        &[
            ("windlass template check web-app.yaml", "exit 1 if it is refused"),
            ("windlass template check templates/a.yaml templates/b.yaml -o json", ""),
            ("windlass template check web-app.yaml --schemas crds/", "with the schemas of other kinds"),
        ],
    ),
    ("template render", &[("windlass template render web-app.yaml --instance shop.yaml", "nothing is applied")]),
    ("template schema", &[("windlass template schema web-app.yaml", "the CustomResourceDefinition")]),
    ("files", &[("windlass files --directory ./site --port 8080", "")]),
    ("doctor", &[("windlass doctor", ""), ("windlass doctor -o json", "")]),
    (
        "get",
        &[
            ("windlass get webapps", ""),
            ("windlass get webapp shop -o yaml", ""),
            ("windlass get runs -A --sort-by=.metadata.creationTimestamp", ""),
        ],
    ),
    ("describe", &[("windlass describe webapp shop", ""), ("windlass describe template web-app", "")]),
    (
        "apply",
        &[
            ("windlass apply -f shop.yaml", "as kubectl; says on standard error if a Template is refused"),
            ("windlass apply -f shop.yaml --wait", "until it is ready; exit 1 if a Template is refused"),
            ("windlass apply -f shop.yaml --dry-run=server", ""),
        ],
    ),
    ("delete", &[("windlass delete webapp shop", "waits until it is gone"), ("windlass delete -f shop.yaml --ignore-not-found", "")]),
    (
        "wait",
        &[
            ("windlass wait webapp/shop --for=condition=Ready --timeout=5m", ""),
            ("windlass wait webapp/shop --for=delete", ""),
            ("windlass wait webapp/shop --for=jsonpath='{.status.url}'", ""),
        ],
    ),
    ("explain", &[("windlass explain webapp.spec", ""), ("windlass explain run --recursive", "")]),
    (
        "events",
        &[
            ("windlass events webapp/shop", "what its Runs waited for, why they failed, what was put back"),
            ("windlass events -A --types Warning -w", ""),
        ],
    ),
    (
        "logs",
        &[
            ("windlass logs webapp/shop", "of all its replicas, by time"),
            ("windlass logs -f webapp/shop --tail=20 --prefix", "go on with what comes; say which replica wrote it"),
            ("windlass logs webapp/shop --previous --replica=0", "what it wrote before it was started anew"),
            ("windlass logs webapp/shop -c web --since=5m --timestamps", ""),
        ],
    ),
    ("version", &[("windlass version -o json", "")]),
    (
        "completion",
        &[
            ("source <(windlass completion bash)", "in a running bash; for good: into ~/.bashrc"),
            ("windlass completion zsh > ~/.zfunc/_windlass", "with fpath+=~/.zfunc before compinit"),
            ("windlass completion fish > ~/.config/fish/completions/windlass.fish", ""),
        ],
    ),
];

/// The command line with its examples.
pub(crate) fn with_examples(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (path, lines)| {
        let words: Vec<&str> = path.split(' ').collect();
        below(command, &words, &text(lines))
    })
}

fn below(command: Command, path: &[&str], examples: &str) -> Command {
    match path.split_first() {
        None => command.after_help(format!("Examples:\n{examples}")),
        // One that is not there stays away; the test says so.
        Some((first, rest)) if command.find_subcommand(first).is_some() => {
            command.mut_subcommand(first, |inner| below(inner, rest, examples))
        }
        Some(_) => command,
    }
}

fn text(lines: &[(&str, &str)]) -> String {
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    let lines = lines.iter().map(|(line, what)| match *what {
        "" => format!("  {line}"),
        what => format!("  {line:<width$}  # {what}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use clap::{CommandFactory as _, Parser as _};

    /// Words as a shell takes them apart, as far as examples go.
    fn words(line: &str) -> Vec<String> {
        let line = line.trim_start_matches("source <(").trim_end_matches(')');
        let line = line.split(" > ").next().unwrap_or(line);
        let (mut words, mut quoted) = (vec![String::new()], false);
        for letter in line.chars() {
            match letter {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                letter => words.last_mut().expect("it begins with one").push(letter),
            }
        }
        words
    }

    fn leaves(command: &Command, path: &str, found: &mut Vec<(String, bool)>) {
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            let path = format!("{path} {}", inner.get_name()).trim().to_owned();
            if inner.has_subcommands() {
                leaves(inner, &path, found);
            } else {
                let has = inner.get_after_help().is_some_and(|help| help.to_string().starts_with("Examples:\n  "));
                found.push((path, has));
            }
        }
    }

    #[test]
    fn every_command_has_examples_and_each_is_understood() {
        let command = with_examples(Arguments::command());
        command.clone().debug_assert();
        let mut found = Vec::new();
        leaves(&command, "", &mut found);
        let without: Vec<&String> = found.iter().filter(|(_, has)| !has).map(|(path, _)| path).collect();
        assert!(without.is_empty(), "without examples: {without:?}");
        for (path, lines) in EXAMPLES {
            assert!(found.iter().any(|(known, _)| known == path), "there is no command `{path}`");
            for (line, _) in *lines {
                assert!(line.contains(&format!("windlass {path}")), "`{line}` is an example of another command");
                Arguments::try_parse_from(words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }
}
