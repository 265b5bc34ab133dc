//! `windlass plan`: what would change. Exit 0 none, 1 changes, 2 and above an error; with `--detailed-exitcode` 0, 2 and 1.

use super::instances::{self, Named};
use super::{plan_text, preview};
use crate::connection::{Connection, ConnectionArguments, connect};
use crate::exit::{self, Exit, failed};
use crate::terminal::{self, Stream, has_colour, put};
use crate::up::announce::Form;
use serde_json::Value;
use windlass_api::names;
use windlass_client::objects;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArguments {
    /// An instance as it is: what is not as it should be
    #[arg(value_name = "KIND/NAME", required_unless_present = "filename", conflicts_with = "filename")]
    instance: Option<Named>,
    /// Objects that would be applied; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    filename: Vec<String>,
    /// Show what deleting it would do
    #[arg(long)]
    delete: bool,
    /// Exit 0 for none, 2 for changes, 1 for an error
    #[arg(long)]
    detailed_exitcode: bool,
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Prints the plan.
pub(crate) async fn run(arguments: &PlanArguments) -> anyhow::Result<Exit> {
    let detailed = arguments.detailed_exitcode;
    match plans(arguments).await {
        Ok(false) => Ok(Exit::Success),
        Ok(true) => Ok(if detailed { Exit::Usage } else { Exit::Failure }),
        Err(error) => {
            terminal::say(&exit::text(&error));
            Ok(match exit::code(&error) {
                _ if detailed => Exit::Failure,
                // 1 says "changes" here.
                Exit::Failure => Exit::Usage,
                other => other,
            })
        }
    }
}

async fn plans(arguments: &PlanArguments) -> anyhow::Result<bool> {
    let connection = connect(&arguments.connection).await?;
    let mut plans = Vec::new();
    for object in wanted(arguments, &connection).await? {
        let namespace = namespace_of(&connection, &object).await?;
        plans.push(preview::make(&connection.client, &namespace, &object, arguments.delete).await?.plan);
    }
    match (arguments.output, plans.as_slice()) {
        (Form::Json, [only]) => put(&serde_json::to_string_pretty(only)?)?,
        (Form::Json, all) => put(&serde_json::to_string_pretty(all)?)?,
        (Form::Text, all) => {
            let colour = has_colour(Stream::Out);
            for plan in all {
                put(&plan_text::text(plan, colour))?;
            }
        }
    }
    Ok(plans.iter().any(windlass_api::plan::Plan::has_changes))
}

async fn wanted(arguments: &PlanArguments, connection: &Connection) -> anyhow::Result<Vec<Value>> {
    if let Some(named) = &arguments.instance {
        let (_, object) = instances::find(connection, named).await?;
        return Ok(vec![proposal(&serde_json::to_value(&object)?)]);
    }
    let mut objects = Vec::new();
    for name in &arguments.filename {
        objects.extend(super::documents::objects(name)?);
    }
    if objects.is_empty() {
        return Err(failed(Exit::Usage, "the files hold no object\n  hint: each object needs apiVersion, kind and metadata.name"));
    }
    for object in &mut objects {
        let has = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if let Some(missing) = ["/apiVersion", "/kind", "/metadata/name"].into_iter().find(|pointer| !has(pointer)) {
            let missing = missing.trim_start_matches('/').replace('/', ".");
            let text = format!("an object in the files has no `{missing}`\n  hint: each object needs apiVersion, kind and metadata.name");
            return Err(failed(Exit::Usage, text));
        }
        if object["metadata"]["namespace"].is_null() || connection.namespace_is_asked {
            object["metadata"]["namespace"] = Value::String(connection.namespace.clone());
        }
    }
    Ok(objects)
}

/// Where the preview is made: beside the object, or in the system's namespace for a cluster-scoped kind.
pub(crate) async fn namespace_of(connection: &Connection, object: &Value) -> anyhow::Result<String> {
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let kind = objects::discover(&connection.client, &text("apiVersion"), &text("kind")).await?;
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or(&connection.namespace);
    Ok(if kind.namespaced { namespace.to_owned() } else { names::SYSTEM_NAMESPACE.to_owned() })
}

/// An object as somebody would write it: what only the server writes is left out.
pub(crate) fn proposal(object: &Value) -> Value {
    let mut metadata = serde_json::Map::new();
    for key in ["name", "namespace", "labels", "annotations"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata.insert(key.into(), value.clone());
        }
    }
    let mut proposal = serde_json::json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata});
    if let Some(spec) = object.get("spec") {
        proposal["spec"] = spec.clone();
    }
    proposal
}
