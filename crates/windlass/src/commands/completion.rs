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

/// Prints it.
pub(crate) fn run(arguments: &CompletionArguments) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "windlass", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(Exit::Success)
}
