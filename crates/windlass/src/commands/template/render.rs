//! `windlass template render FILE --instance FILE`: the objects that an instance would make. Pure: nothing is asked or applied.
//!
//! What only exists after an effect is shown as a text that says after what, unless `--observed` gives the objects that are there.

use super::given::SchemaSources;
use super::schema::one;
use crate::commands::documents;
use crate::exit::{Exit, failed};
use crate::terminal::{put, say};
use windlass_api::plan::Block;
use windlass_graph::render::render;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct RenderArguments {
    /// The file with the Template
    #[arg(value_name = "FILE")]
    file: String,
    /// The file with the instance
    #[arg(long, value_name = "FILE")]
    instance: String,
    /// Objects that are there already, as the API would show them
    #[arg(long, value_name = "FILE")]
    observed: Vec<String>,
    #[command(flatten)]
    sources: SchemaSources,
}

/// Prints them.
pub(super) async fn run(arguments: &RenderArguments) -> anyhow::Result<Exit> {
    let compiled = one(&arguments.file, &arguments.sources).await?;
    let published = compiled.graph.published().clone();
    let instances = documents::objects(&arguments.instance)?;
    let instance = instances.into_iter().find(|object| object["kind"] == published.kind.as_str());
    let instance = instance.ok_or_else(|| {
        let hint = format!("the Template publishes the kind {} in {}", published.kind, published.api_version());
        failed(Exit::Usage, format!("`{}` holds no {}\n  hint: {hint}", arguments.instance, published.kind))
    })?;
    let mut observed = Vec::new();
    for file in &arguments.observed {
        observed.extend(documents::objects(file)?);
    }
    let nodes = render(&compiled.graph, &instance, &observed).map_err(|findings| {
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        failed(Exit::Failure, format!("the instance is refused:\n{}", said.join("\n")))
    })?;
    for node in nodes {
        if node.deferred {
            say(&format!("{} is known after {}", node.key, node.waits_for.join(", ")));
            continue;
        }
        let what = if node.block == Block::Workload { ": a workload" } else { "" };
        put(&format!("---\n# {}{what}", node.key))?;
        put(serde_saphyr::to_string(&node.object)?.trim_end())?;
    }
    Ok(Exit::Success)
}
