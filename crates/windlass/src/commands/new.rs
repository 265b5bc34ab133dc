//! `windlass new TEMPLATE [NAME]`: ask for something, or change the values of what is there. On a terminal it asks for what is missing.

mod directories;
mod refused;
mod values;

use super::change::{self, ChangeArguments, Wish};
use super::instances;
use crate::connection::{Connection, ConnectionArguments, connect};
use crate::exit::{Exit, failed};
use crate::terminal::{ask, can_ask, say};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use serde_json::{Map, Value, json};
use windlass_api::names;
use windlass_api::template::{PublishedKind, Template};
use windlass_client::objects::{self, Kind};
use windlass_client::schemas;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArguments {
    /// Name of the Template, or of its kind
    #[arg(value_name = "TEMPLATE")]
    template: Option<String>,
    /// Name of the instance
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A value, as `port=8080`; dots go into objects; what is no text is written as JSON
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The size
    #[arg(long, value_name = "SIZE")]
    size: Option<String>,
    #[command(flatten)]
    change: ChangeArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Asks for it.
pub(crate) async fn run(arguments: &NewArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.connection).await?;
    let template = match &arguments.template {
        Some(word) => instances::template(&connection, word).await?,
        None => choose(&connection).await?,
    };
    let published = instances::published(&template)?;
    let kind = Kind::from(&published);
    let asked_for_all = arguments.template.is_none() || arguments.name.is_none();
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None if can_ask() => ask("Name", Some(&template.name_any()))?,
        None => return Err(failed(Exit::Usage, format!("the instance has no name\n  hint: windlass new {} NAME", template.name_any()))),
    };
    let api = kind.api(&connection.client, Some(&connection.namespace));
    let present = objects::get(&api, &name).await?;
    let pair = (published.api_version(), published.kind.clone());
    let schema = schemas::read(&connection.client, std::slice::from_ref(&pair)).await?.remove(&pair);
    let schema = schema.map(|schema| schema.openapi["properties"]["spec"].clone()).unwrap_or_default();
    let mut given = values::read(&schema, &arguments.set, arguments.size.as_deref())?;
    if asked_for_all && can_ask() && present.is_none() {
        let described = described(&connection, &published).await.unwrap_or_else(|| schema.clone());
        values::ask_for_missing(&described, &mut given)?;
        ask_for_refused(&kind, &connection, &name, &described, &mut given).await?;
    }
    let base = std::env::current_dir()?;
    for field in directories::fields(&template.spec) {
        directories::make_absolute(&mut given, &field, &base);
    }
    let wanted = wanted(&kind, &connection, &name, present.as_ref().map(|object| &object.data["spec"]), given);
    if let Some(present) = &present {
        change::say_changes(present, &wanted);
        if present.data["spec"] == wanted["spec"] && !arguments.change.plan_only {
            return change::unchanged(&connection, &kind, present, &arguments.change).await;
        }
    }
    let done = change::carry_out(&connection, Wish { kind: &kind, present, wanted }, &arguments.change).await;
    done.map_err(|error| match refused::hint(&error, &schema, &kind.resource.kind, &name) {
        Some(hint) => error.context(format!("\n  hint: {hint}")),
        None => error,
    })
}

/// The schema of the values with their descriptions, which stand in the definition of the kind alone; none where this person
/// may not read it.
async fn described(connection: &Connection, published: &PublishedKind) -> Option<Value> {
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}.{}", published.plural, published.group);
    let definition: Value = connection.client.request(http::Request::get(path).body(Vec::new()).ok()?).await.ok()?;
    schemas::spec_in_definition(&definition, &published.version).cloned()
}

/// Asks for what a rule over several values wants, one value after the other, until the API takes them.
async fn ask_for_refused(
    kind: &Kind,
    connection: &Connection,
    name: &str,
    schema: &Value,
    given: &mut Map<String, Value>,
) -> anyhow::Result<()> {
    loop {
        let object = wanted(kind, connection, name, None, given.clone());
        let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        let answer = objects::dry_run(&connection.client, kind, namespace.as_deref(), &object, false, names::MANAGER_COMMAND_LINE).await;
        // What is no question of values is said where the change is carried out.
        let Err(error) = answer else { return Ok(()) };
        let open: Vec<String> = refused::about(&error, schema).into_iter().filter(|field| !given.contains_key(field)).collect();
        let mut answered = false;
        for field in open {
            answered = values::ask_for(schema, &field, given)?;
            if answered {
                break;
            }
        }
        if !answered {
            return Ok(());
        }
    }
}

fn wanted(kind: &Kind, connection: &Connection, name: &str, before: Option<&Value>, given: Map<String, Value>) -> Value {
    let mut spec = before.cloned().unwrap_or_else(|| json!({}));
    values::merge(&mut spec, Value::Object(given));
    let mut metadata = json!({"name": name});
    if kind.namespaced {
        metadata["namespace"] = json!(connection.namespace);
    }
    json!({"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, "metadata": metadata, "spec": spec})
}

async fn choose(connection: &Connection) -> anyhow::Result<Template> {
    if !can_ask() {
        return Err(failed(
            Exit::Usage,
            "no Template is named\n  hint: windlass new TEMPLATE NAME --set KEY=VALUE; `windlass get templates` lists them",
        ));
    }
    let templates: Vec<Template> = Api::all(connection.client.clone()).list(&ListParams::default()).await?.items;
    for (number, template) in templates.iter().enumerate() {
        let about = template.spec.summary.as_deref().or(template.spec.title.as_deref()).unwrap_or_default();
        say(&format!("  {}  {}  {}", number + 1, template.name_any(), crate::text::safe(about)));
    }
    let answer = ask("Which one (number or name)", None)?;
    let by_number = answer.parse::<usize>().ok().and_then(|number| templates.get(number.checked_sub(1)?));
    match by_number {
        Some(template) => Ok(template.clone()),
        None => instances::template(connection, &answer).await,
    }
}
