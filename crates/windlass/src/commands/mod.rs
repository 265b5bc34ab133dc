//! One file a command: its flags, and what it does with them. A command prints data to standard output and talk to standard error.

mod change;
pub(crate) mod completion;
pub(crate) mod doctor;
mod documents;
pub(crate) mod down;
pub(crate) mod files;
mod follow;
mod instances;
pub(crate) mod inventory;
pub(crate) mod new;
pub(crate) mod plan;
mod plan_text;
mod preview;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod shim;
pub(crate) mod template;
pub(crate) mod up;
pub(crate) mod version;

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;
use crate::kubectl::{self, Verb};

/// Runs what the command line says.
///
/// # Errors
/// The command failed; the error says how the program ends.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Down(arguments) => wait_for(down::run(&arguments)),
        Command::New(arguments) => wait_for(new::run(&arguments)),
        Command::Plan(arguments) => wait_for(plan::run(&arguments)),
        Command::Run(command) => wait_for(run::run(&command)),
        Command::Rollback(arguments) => wait_for(rollback::run(&arguments)),
        Command::Inventory(command) => wait_for(inventory::run(&command)),
        Command::Template(command) => wait_for(template::run(&command)),
        Command::Files(arguments) => wait_for(files::run(&arguments)),
        // It is started in `main`, before any thread.
        Command::Shim(_) => Ok(Exit::Usage),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Get(arguments) => wait_for(kubectl::run(Verb::Get(&arguments))),
        Command::Describe(arguments) => wait_for(kubectl::run(Verb::Describe(&arguments))),
        Command::Apply(arguments) => wait_for(kubectl::run(Verb::Apply(&arguments))),
        Command::Delete(arguments) => wait_for(kubectl::run(Verb::Delete(&arguments))),
        Command::Wait(arguments) => wait_for(kubectl::run(Verb::Wait(&arguments))),
        Command::Explain(arguments) => wait_for(kubectl::run(Verb::Explain(&arguments))),
        Command::Events(arguments) => wait_for(kubectl::run(Verb::Events(&arguments))),
        Command::Logs(arguments) => wait_for(kubectl::run(Verb::Logs(&arguments))),
        Command::Version(arguments) => version::run(&arguments),
        Command::Completion(arguments) => completion::run(&arguments),
    }
}

/// Runs a command that speaks to something; one thread is enough for it.
fn wait_for(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}
