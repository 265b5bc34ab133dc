//! `windlass template schema FILE`: the API that a Template publishes.

use super::given::{self, Given, SchemaSources};
use crate::commands::documents;
use crate::exit::{Exit, failed};
use crate::terminal::put;
use crate::up::announce::Form;
use windlass_api::Diagnostic;
use windlass_graph::compile::Compiled;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArguments {
    /// The file with the Template
    #[arg(value_name = "FILE")]
    file: String,
    /// YAML, or JSON
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    sources: SchemaSources,
}

/// Prints it.
pub(super) async fn run(arguments: &SchemaArguments) -> anyhow::Result<Exit> {
    let compiled = one(&arguments.file, &arguments.sources).await?;
    let definition = compiled.graph.definition();
    match arguments.output {
        Form::Json => put(&serde_json::to_string_pretty(&definition)?)?,
        Form::Text => put(serde_saphyr::to_string(&definition)?.trim_end())?,
    }
    Ok(Exit::Success)
}

/// The first Template in a file, compiled.
///
/// # Errors
/// There is none, or it is refused; all findings are in the message.
pub(super) async fn one(file: &str, sources: &SchemaSources) -> anyhow::Result<Compiled> {
    let documents = documents::documents(file)?;
    let templates = documents.into_iter().filter(|document| given::is_template(&document.value));
    let given: Vec<Given> = templates.map(|document| Given { file: file.to_owned(), document }).collect();
    let verdicts = given::compile_all(&given, sources).await?;
    match given.first().zip(verdicts.into_iter().next()) {
        None => Err(failed(
            Exit::Usage,
            format!("`{file}` holds no Template\n  hint: a Template begins with `apiVersion: windlass.dev/v1alpha1` and `kind: Template`"),
        )),
        Some((_, Ok(compiled))) => Ok(compiled),
        Some((given, Err(findings))) => {
            let located = given.document.locate_all(findings).into_iter().filter(Diagnostic::is_error);
            let said: Vec<String> = located.map(|finding| finding.in_file(file).to_string()).collect();
            Err(failed(Exit::Failure, format!("`{file}` is refused:\n{}", said.join("\n"))))
        }
    }
}
