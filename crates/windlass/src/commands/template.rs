//! `windlass template ...`: what a Template's author needs; without a server.

mod check;
mod given;
mod render;
mod schema;

use crate::exit::Exit;

/// The verbs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TemplateCommand {
    /// Compile Templates and say what is wrong with them
    Check(check::CheckArguments),
    /// Print the objects that an instance would make
    Render(render::RenderArguments),
    /// Print the API that a Template publishes, as a CustomResourceDefinition
    Schema(schema::SchemaArguments),
}

/// Runs a verb.
pub(crate) async fn run(command: &TemplateCommand) -> anyhow::Result<Exit> {
    match command {
        TemplateCommand::Check(arguments) => check::run(arguments).await,
        TemplateCommand::Render(arguments) => render::run(arguments).await,
        TemplateCommand::Schema(arguments) => schema::run(arguments).await,
    }
}
