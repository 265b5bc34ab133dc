//! What a new installation begins with: the Targets, and starter templates. A starter that somebody deleted stays deleted.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use windlass_api::condition::{self, Condition};
use windlass_api::names::{self, condition_type, reason};
use windlass_api::target::{CONTROL_PLANE, LOCAL, Target, TargetStatus};
use windlass_api::template::Template;
use windlass_client::objects::optional;

/// How long a starter may take to be served.
const PATIENCE: Duration = Duration::from_secs(2);
/// ConfigMap that says which starters were installed once.
const MARKER: &str = "windlass-starters";
/// The starters by name; their files are examples, too.
const STARTERS: [(&str, &str); 2] = [
    ("web-app", include_str!("../../../../examples/web-app.yaml")),
    ("static-site", include_str!("../../../../examples/static-site.yaml")),
];

/// Installs what is missing and was not installed before.
///
/// # Errors
/// The API does not answer, or refuses one of them.
pub(crate) async fn install(client: &Client) -> anyhow::Result<()> {
    for (name, kind) in [(CONTROL_PLANE, "control-plane"), (LOCAL, "local")] {
        target(client, name, kind).await?;
    }
    let markers: Api<ConfigMap> = Api::namespaced(client.clone(), names::SYSTEM_NAMESPACE);
    let known = optional(markers.get(MARKER).await)?.and_then(|marker| marker.data).unwrap_or_default();
    let missing: Vec<&(&str, &str)> = STARTERS.iter().filter(|(name, _)| !known.contains_key(*name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let templates: Api<Template> = Api::all(client.clone());
    for (name, text) in &missing {
        // One that is there already was put there by somebody, and stays.
        if optional(templates.get(name).await)?.is_none() {
            let mut object: Value = serde_saphyr::from_str(text)?;
            object["metadata"]["labels"][names::LABEL_STARTER] = json!("true");
            let template: Template = serde_json::from_value(object)?;
            templates.create(&PostParams { field_manager: Some(names::MANAGER_SYSTEM.into()), ..PostParams::default() }, &template).await?;
        }
    }
    for (name, _) in &missing {
        served(&templates, name).await?;
    }
    let installed: BTreeMap<&str, &str> = STARTERS.iter().map(|(name, _)| (*name, "installed")).collect();
    let marker = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": MARKER}, "data": installed});
    markers.patch(MARKER, &PatchParams::apply(names::MANAGER_SYSTEM).force(), &Patch::Apply(&marker)).await?;
    Ok(())
}

/// Waits until a Template was looked at, so that what is said to be ready can be asked for.
async fn served(templates: &Api<Template>, name: &str) -> anyhow::Result<()> {
    let looked_at = |template: Option<&Template>| {
        template.is_none_or(|template| {
            template.status.as_ref().is_some_and(|status| status.conditions.iter().any(|c| c.type_ == condition_type::READY && c.is_true()))
        })
    };
    match tokio::time::timeout(PATIENCE, await_condition(templates.clone(), name, looked_at)).await {
        Ok(found) => drop(found?),
        Err(_) => tracing::warn!(template = name, "the starter is not served yet; its conditions say why"),
    }
    Ok(())
}

async fn target(client: &Client, name: &str, kind: &str) -> anyhow::Result<()> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &kube::api::ApiResource::erase::<Target>(&()));
    let present = optional(api.get(name).await)?;
    if present.is_none() {
        let object = json!({"apiVersion": names::API_VERSION, "kind": "Target", "metadata": {"name": name}, "spec": {"type": kind}});
        api.patch(name, &PatchParams::apply(names::MANAGER_SYSTEM).force(), &Patch::Apply(&object)).await?;
    }
    let mut status: TargetStatus =
        present.and_then(|object| serde_json::from_value(object.data["status"].clone()).ok()).unwrap_or_default();
    let before = status.clone();
    condition::set(
        &mut status.conditions,
        Condition::new(condition_type::READY, true, reason::READY, "it is served by this installation"),
        &now(),
    );
    if status != before {
        let patch = json!({"apiVersion": names::API_VERSION, "kind": "Target", "status": status});
        api.patch_status(name, &PatchParams::apply(names::MANAGER_STATUS).force(), &Patch::Apply(&patch)).await?;
    }
    Ok(())
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
