//! `windlass run ...`: what is done or will be done, and what people decide about it.

mod decide;
mod list;
mod logs;
mod resolve;
mod retry;
mod show;

use crate::connection::ConnectionArguments;
use crate::exit::Exit;

/// The verbs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RunCommand {
    /// List Runs, newest first
    List(list::ListArguments),
    /// Show one Run: its plan, its steps, and what it waits for
    Show(show::ShowArguments),
    /// Print what was done, step by step
    Logs(logs::LogsArguments),
    /// Approve the plan of a Run
    Approve(decide::DecideArguments),
    /// Reject the plan of a Run
    Reject(decide::DecideArguments),
    /// Stop a Run at the next node boundary
    Cancel(decide::CancelArguments),
    /// Try again: a new Run for the same instance
    Retry(retry::RetryArguments),
    /// Say what became of an effect that cannot be observed
    Resolve(resolve::ResolveArguments),
}

/// A Run by name.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OneRun {
    /// Name of the Run
    #[arg(value_name = "RUN")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// Runs a verb.
pub(crate) async fn run(command: &RunCommand) -> anyhow::Result<Exit> {
    match command {
        RunCommand::List(arguments) => list::run(arguments).await,
        RunCommand::Show(arguments) => show::run(arguments).await,
        RunCommand::Logs(arguments) => logs::run(arguments).await,
        RunCommand::Approve(arguments) => decide::run(arguments, windlass_api::run::Verdict::Approved).await,
        RunCommand::Reject(arguments) => decide::run(arguments, windlass_api::run::Verdict::Rejected).await,
        RunCommand::Cancel(arguments) => decide::cancel(arguments).await,
        RunCommand::Retry(arguments) => retry::run(arguments).await,
        RunCommand::Resolve(arguments) => resolve::run(arguments).await,
    }
}
