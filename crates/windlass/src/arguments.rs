//! The command line, as clap reads it. Each command's flags stand in its own file; here is only the list.

use crate::{commands, kubectl};
use clap::{CommandFactory as _, FromArgMatches as _};

/// An internal developer platform in one program: templates, plans, runs, on one machine or on a cluster.
#[derive(Debug, clap::Parser)]
#[command(
    name = "windlass",
    version,
    disable_help_subcommand = true,
    after_help = "First steps:\n  windlass up                        start the platform on this machine\n  windlass new web-app shop --set source=./shop\n  windlass get webapps\n\nEnvironment: WINDLASS_DATA_DIR, WINDLASS_LISTEN, KUBECONFIG, NO_COLOR.\nExit codes: 0 done, 1 failed, 2 wrong usage, 4 log in, 5 forbidden, 6 not found, 7 conflict, 8 timed out, 9 refused."
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads the command line.
///
/// # Errors
/// It is not understood, or asks for help.
pub(crate) fn read() -> Result<Arguments, clap::Error> {
    let mut command = crate::examples::with_examples(Arguments::command());
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Start the platform on this machine, or say where it runs
    Up(commands::up::UpArguments),
    /// Stop the platform on this machine
    Down(commands::down::DownArguments),
    /// Ask for something that a Template describes, or change what is there
    New(Box<commands::new::NewArguments>),
    /// Show what would change
    Plan(commands::plan::PlanArguments),
    /// Look at Runs, and decide about them
    #[command(subcommand)]
    Run(commands::run::RunCommand),
    /// Go back to the values of an earlier Run
    Rollback(commands::rollback::RollbackArguments),
    /// See, adopt or delete what exists because of Windlass
    #[command(subcommand)]
    Inventory(commands::inventory::InventoryCommand),
    /// Check, render and look at Templates
    #[command(subcommand)]
    Template(Box<commands::template::TemplateCommand>),
    /// Serve a directory over HTTP on loopback
    Files(commands::files::FilesArguments),
    /// Supervise one slot; started by the platform
    #[command(hide = true)]
    Shim(commands::shim::ShimArguments),
    /// Say what is missing for which building block, and how to get it
    Doctor(commands::doctor::DoctorArguments),
    /// Print objects
    Get(Box<kubectl::arguments::GetArguments>),
    /// Print an object for a person, with its events
    Describe(Box<kubectl::arguments::DescribeArguments>),
    /// Create or change what files say
    Apply(Box<kubectl::arguments::ApplyArguments>),
    /// Delete objects
    Delete(Box<kubectl::arguments::DeleteArguments>),
    /// Wait until something holds
    Wait(Box<kubectl::arguments::WaitArguments>),
    /// Print what a kind's fields mean
    Explain(Box<kubectl::arguments::ExplainArguments>),
    /// Print events
    Events(Box<kubectl::arguments::EventsArguments>),
    /// Print what the programs of an instance wrote
    Logs(Box<kubectl::logs::LogsArguments>),
    /// Print the version
    Version(commands::version::VersionArguments),
    /// Print a completion script for a shell
    Completion(commands::completion::CompletionArguments),
}
