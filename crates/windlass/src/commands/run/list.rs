//! `windlass run list`: Runs, newest first; previews, which change nothing, only where they are asked for or wait for a person.

use crate::commands::instances::{self, Named};
use crate::connection::{ConnectionArguments, connect};
use crate::exit::Exit;
use crate::terminal::{put, say};
use crate::text::{age, table};
use crate::up::announce::Form;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use windlass_api::names;
use windlass_api::run::{Mode, Run, State};
use windlass_api::template::PublishedKind;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Only those of this instance
    #[arg(value_name = "KIND/NAME")]
    instance: Option<Named>,
    /// Also the previews: Runs that only show a plan, and are kept for an hour
    #[arg(long)]
    previews: bool,
    /// Of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// How they are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Lists them.
pub(super) async fn run(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.connection).await?;
    let published = match &arguments.instance {
        // Runs outlive the Template that their kind came from: an unknown word is compared as it is.
        Some(named) => instances::template(&connection, &named.kind).await.and_then(|template| instances::published(&template)).ok(),
        None => None,
    };
    let api: Api<Run> = if arguments.all_namespaces {
        Api::all(connection.client.clone())
    } else if published.as_ref().is_some_and(|kind| !kind.namespaced) {
        Api::namespaced(connection.client.clone(), names::SYSTEM_NAMESPACE)
    } else {
        Api::namespaced(connection.client.clone(), &connection.namespace)
    };
    let mut runs = api.list(&ListParams::default()).await?.items;
    runs.retain(|run| {
        (arguments.previews || run.spec.mode == Mode::Execute || run.state() == State::AwaitingApproval)
            && arguments.instance.as_ref().is_none_or(|named| is_of(run, named, published.as_ref()))
    });
    runs.sort_by_key(|run| std::cmp::Reverse((run.metadata.creation_timestamp.clone(), run.spec.number)));
    if arguments.output == Form::Json {
        put(&serde_json::to_string_pretty(&runs)?)?;
        return Ok(Exit::Success);
    }
    if runs.is_empty() {
        if let Some(named) = arguments.instance.as_ref().filter(|_| !arguments.all_namespaces) {
            // A mistyped name is not an instance without Runs.
            instances::find(&connection, named).await?;
        }
        say("No Runs found.");
        return Ok(Exit::Success);
    }
    let now = jiff::Timestamp::now();
    let rows: Vec<Vec<String>> = runs.iter().map(|run| row(run, now, arguments.all_namespaces)).collect();
    let mut headers = vec!["NAME", "KIND", "INSTANCE", "MODE", "CAUSE", "STATE", "PLAN", "BY", "AGE"];
    if arguments.all_namespaces {
        headers.insert(0, "NAMESPACE");
    }
    put(&table(&headers, &rows))?;
    Ok(Exit::Success)
}

fn is_of(run: &Run, named: &Named, published: Option<&PublishedKind>) -> bool {
    let asked = published.map_or(&named.kind, |published| &published.kind);
    run.spec.instance.name == named.name && run.spec.instance.kind.eq_ignore_ascii_case(asked)
}

fn row(run: &Run, now: jiff::Timestamp, with_namespace: bool) -> Vec<String> {
    let status = run.status.clone().unwrap_or_default();
    let made = run.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second());
    let mut cells = vec![
        run.name_any(),
        run.spec.instance.kind.clone(),
        run.spec.instance.name.clone(),
        format!("{:?}", run.spec.mode),
        format!("{:?}", run.spec.cause),
        format!("{:?}", status.state),
        if status.planned.is_empty() { "-".into() } else { status.planned },
        if run.spec.by.is_empty() { "unknown".into() } else { run.spec.by.clone() },
        age(now.as_second() - made),
    ];
    if with_namespace {
        cells.insert(0, run.namespace().unwrap_or_default());
    }
    cells
}
