//! `windlass completion SHELL`: a script that completes commands and flags.

use crate::arguments::Arguments;
use crate::exit::Exit;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// The commands without those that only the platform itself uses.
fn for_people(whole: &clap::Command) -> clap::Command {
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    clap::Command::new("windlass").version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true).subcommands(shown)
}

/// Prints it.
pub(crate) fn run(arguments: &CompletionArguments) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut for_people(&Arguments::command()), "windlass", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_platform_uses_is_not_offered() {
        let offered = |shell: Shell| {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut for_people(&Arguments::command()), "windlass", &mut script);
            String::from_utf8(script).expect("text")
        };
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = offered(shell);
            assert!(script.contains("rollback") && !script.contains("shim"), "{shell}");
        }
    }
}
