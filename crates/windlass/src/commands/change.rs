//! Carrying out a change of one instance: dry run, plan, question, write bound to the plan, follow. `new` and `rollback` share it.

use super::{follow, plan_text, preview};
use crate::connection::Connection;
use crate::exit::{Exit, failed};
use crate::terminal::{Stream, can_ask, confirm, has_colour, put, say};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams, ValidationDirective};
use serde_json::{Value, json};
use std::time::Duration;
use windlass_api::names;
use windlass_client::objects::{self, Kind, Seen};
use windlass_client::preview as binding;

/// Flags that such commands share.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ChangeArguments {
    /// Show the plan and change nothing
    #[arg(long)]
    pub(crate) plan_only: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Do not wait until it is ready
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) timeout: u64,
}

/// A wanted state of an instance.
pub(crate) struct Wish<'a> {
    /// Its kind.
    pub(crate) kind: &'a Kind,
    /// The object as it is, if it is there.
    pub(crate) present: Option<DynamicObject>,
    /// The object as it should be: apiVersion, kind, metadata, spec.
    pub(crate) wanted: Value,
}

/// Carries it out, or shows what it would do.
///
/// # Errors
/// The API refuses it, a person says no, or it does not come about.
pub(crate) async fn carry_out(connection: &Connection, wish: Wish<'_>, arguments: &ChangeArguments) -> anyhow::Result<Exit> {
    let namespace = wish.wanted["metadata"]["namespace"].as_str().map(str::to_owned);
    let api = wish.kind.api(&connection.client, namespace.as_deref());
    // The API's own answer first: defaults filled in, or what is wrong with the values.
    let checked = write(&api, &wish, true).await?;
    let run_namespace = namespace.as_deref().unwrap_or(names::SYSTEM_NAMESPACE);
    let shown = preview::make(&connection.client, run_namespace, &wish.wanted, false).await?;
    if arguments.plan_only {
        put(&plan_text::text(&shown.plan, has_colour(Stream::Out)))?;
        return Ok(Exit::Success);
    }
    say(&plan_text::text(&shown.plan, has_colour(Stream::Error)));
    if shown.approval_needed {
        say("A person must approve this plan before it is carried out.");
    }
    agree(&shown.plan, arguments)?;
    let mut bound = wish;
    bound.wanted["metadata"]["annotations"][names::ANNOTATION_EXPECTED_PLAN] =
        json!(binding::expected_plan(&serde_json::to_value(&checked)?, &shown.plan.hash));
    let written = write(&api, &bound, false).await?;
    put(&format!(
        "{}/{} {}",
        bound.kind.resource.kind.to_lowercase(),
        written.metadata.name.as_deref().unwrap_or_default(),
        verb(&bound, &written)
    ))?;
    if arguments.no_wait {
        return Ok(Exit::Success);
    }
    settled(connection, bound.kind, &written, arguments).await
}

/// Says that nothing changes, and how the instance stands.
///
/// # Errors
/// It is not ready and does not become so.
pub(crate) async fn unchanged(
    connection: &Connection,
    kind: &Kind,
    present: &DynamicObject,
    arguments: &ChangeArguments,
) -> anyhow::Result<Exit> {
    put(&format!("{}/{} unchanged", kind.resource.kind.to_lowercase(), present.metadata.name.as_deref().unwrap_or_default()))?;
    if arguments.no_wait {
        return Ok(Exit::Success);
    }
    settled(connection, kind, present, arguments).await
}

/// Follows until it is ready, and says what can be done next.
async fn settled(connection: &Connection, kind: &Kind, written: &DynamicObject, arguments: &ChangeArguments) -> anyhow::Result<Exit> {
    let api = kind.api(&connection.client, written.metadata.namespace.as_deref());
    let exit = follow::until_settled(connection, &api, written, Duration::from_secs(arguments.timeout)).await?;
    if exit == Exit::Success {
        let named = format!("{}/{}", kind.resource.kind.to_lowercase(), written.metadata.name.as_deref().unwrap_or_default());
        let place = match &written.metadata.namespace {
            Some(namespace) if connection.namespace_is_asked => format!(" -n {namespace}"),
            Some(_) | None => String::new(),
        };
        say(&format!("Next: windlass describe {named}{place}; windlass run list {named}{place}; windlass delete {named}{place}"));
    }
    Ok(exit)
}

fn agree(plan: &windlass_api::plan::Plan, arguments: &ChangeArguments) -> anyhow::Result<()> {
    if arguments.yes || !plan.has_changes() {
        return Ok(());
    }
    if !can_ask() {
        // A script that makes something is clear enough; one that loses something must say that it means it.
        return if plan.is_destructive() {
            Err(failed(Exit::Usage, "the plan deletes or replaces something, and there is no terminal to ask\n  hint: say --yes"))
        } else {
            Ok(())
        };
    }
    if confirm("Carry it out?")? { Ok(()) } else { Err(failed(Exit::Refused, "nothing was changed")) }
}

/// A new object is applied, so that its fields are ours; a present one is patched, so that fields of others stay theirs.
async fn write(api: &Api<DynamicObject>, wish: &Wish<'_>, dry_run: bool) -> anyhow::Result<DynamicObject> {
    let name = wish.wanted["metadata"]["name"].as_str().unwrap_or_default();
    let Some(present) = &wish.present else {
        let object: DynamicObject = serde_json::from_value(wish.wanted.clone()).map_err(kube::Error::SerdeError)?;
        let parameters = PostParams { dry_run, field_manager: Some(names::MANAGER_COMMAND_LINE.into()) };
        return Ok(api.create(&parameters, &object).await?);
    };
    let mut patch = json!({"spec": difference(&present.data["spec"], &wish.wanted["spec"])});
    if let Some(annotations) = wish.wanted["metadata"].get("annotations") {
        patch["metadata"]["annotations"] = annotations.clone();
    }
    let parameters = PatchParams {
        dry_run,
        field_manager: Some(names::MANAGER_COMMAND_LINE.into()),
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::default()
    };
    let parameters = &parameters;
    let seen = Seen {
        name,
        uid: present.metadata.uid.as_deref().unwrap_or_default(),
        generation: present.metadata.generation.unwrap_or_default(),
    };
    let over = |live: DynamicObject| {
        let mut patch = patch.clone();
        patch["metadata"]["resourceVersion"] = json!(live.metadata.resource_version);
        async move { api.patch(name, parameters, &Patch::Merge(&patch)).await }
    };
    let changed = || {
        let hint = "run the command again: it plans from what is there now";
        failed(Exit::Conflict, format!("`{name}` was changed by somebody else meanwhile, and nothing was written\n  hint: {hint}"))
    };
    objects::write_over(api, seen, over).await?.ok_or_else(changed)
}

/// The merge patch (RFC 7386) that turns one value into the other: what went is null.
pub(crate) fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return after.clone() };
    let mut patch = serde_json::Map::new();
    for (key, value) in new {
        match old.get(key) {
            Some(known) if known == value => {}
            Some(known) => drop(patch.insert(key.clone(), difference(known, value))),
            None => drop(patch.insert(key.clone(), value.clone())),
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

fn verb(wish: &Wish<'_>, written: &DynamicObject) -> &'static str {
    match &wish.present {
        None => "created",
        Some(present) if present.metadata.generation == written.metadata.generation => "unchanged",
        Some(_) => "configured",
    }
}

/// Says which values of a present instance change.
pub(crate) fn say_changes(present: &DynamicObject, wanted: &Value) {
    let before = &present.data["spec"];
    let Value::Object(changed) = difference(before, &wanted["spec"]) else { return };
    let name = present.metadata.name.as_deref().unwrap_or_default();
    if changed.is_empty() {
        say(&format!("{name} has these values already"));
        return;
    }
    let said: Vec<String> = changed
        .keys()
        .map(|key| {
            let text = |value: Option<&Value>| value.map_or_else(|| "(default)".to_owned(), crate::text::json);
            format!("{key} {} → {}", text(before.get(key)), text(wanted["spec"].get(key)))
        })
        .collect();
    say(&format!("{name} is there already; it changes: {}", said.join(", ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_only_what_changes() {
        let before = json!({"size": "S", "port": 8080, "limits": {"a": 1, "b": 2}, "gone": true});
        let after = json!({"size": "L", "port": 8080, "limits": {"a": 1, "b": 3}});
        assert_eq!(difference(&before, &after), json!({"size": "L", "limits": {"b": 3}, "gone": null}));
        assert_eq!(difference(&after, &after), json!({}));
    }
}
