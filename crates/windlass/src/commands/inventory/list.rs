//! `windlass inventory list [KIND/NAME]`.

use crate::commands::instances::Named;
use crate::connection::{ConnectionArguments, connect};
use crate::exit::Exit;
use crate::terminal::{put, say};
use crate::text::{safe, table};
use crate::up::announce::Form;
use windlass_api::hint::one_line;
use windlass_api::inventory::{EntryState, Inventory};

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Only this instance, entry by entry
    #[arg(value_name = "KIND/NAME")]
    instance: Option<Named>,
    /// How they are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Lists them.
pub(super) async fn run(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.connection).await?;
    let found = match &arguments.instance {
        Some(named) => super::of(&connection, named).await?,
        None => super::all(&connection).await?,
    };
    if arguments.output == Form::Json {
        put(&serde_json::to_string_pretty(&found)?)?;
    } else if arguments.instance.is_some() {
        put(&entries(&found))?;
    } else if found.is_empty() {
        say("Nothing exists because of Windlass.");
    } else {
        put(&heads(&found))?;
    }
    Ok(Exit::Success)
}

fn entries(found: &[Inventory]) -> String {
    let rows: Vec<Vec<String>> = found
        .iter()
        .flat_map(|inventory| &inventory.spec.entries)
        .map(|entry| {
            let how = if entry.adopted { "adopted" } else { "made" };
            vec![
                entry.key.clone(),
                entry.identity.to_string(),
                entry.target.clone(),
                format!("{:?}", entry.state),
                how.into(),
                safe(&one_line(entry.message.as_deref().unwrap_or_default())),
            ]
        })
        .collect();
    table(&["KEY", "WHAT", "TARGET", "STATE", "HOW", "MESSAGE"], &rows)
}

fn heads(found: &[Inventory]) -> String {
    let rows: Vec<Vec<String>> = found
        .iter()
        .filter(|inventory| inventory.metadata.name.as_deref() == Some(inventory.spec.instance.uid.as_str()))
        .map(|head| {
            let entries: Vec<_> = found
                .iter()
                .filter(|other| other.spec.instance.uid == head.spec.instance.uid)
                .flat_map(|part| &part.spec.entries)
                .collect();
            let unknown = entries.iter().filter(|entry| entry.state == EntryState::Unknown).count();
            let instance = &head.spec.instance;
            vec![
                instance.namespace.clone().unwrap_or_else(|| "-".into()),
                instance.kind.clone(),
                instance.name.clone(),
                head.spec.template.clone(),
                entries.len().to_string(),
                unknown.to_string(),
                head.metadata.name.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(&["NAMESPACE", "KIND", "INSTANCE", "TEMPLATE", "ENTRIES", "UNKNOWN", "NAME"], &rows)
}
