//! An instance's page.

use crate::errors::Failure;
use crate::handlers::{Answer, Asked};
use crate::model::commands;
use crate::model::rows::{InstanceRow, RunRow, instance_path, reference_path};
use crate::state::{self, Portal};
use crate::views::{self, instance::EventRow, instance::Tab};
use axum::extract::Path;
use http::StatusCode;
use kube::api::{DynamicObject, ListParams};
use serde_json::Value;
use std::sync::Arc;
use windlass_api::instance::InstanceStatus;
use windlass_api::inventory::{self, Entry, Inventory};
use windlass_api::names;
use windlass_api::run::Run;
use windlass_client::errors::message;
use windlass_client::objects::{Kind, optional};

/// How many Events are shown.
const EVENTS: usize = 50;

/// `GET /instances/{group}/{kind}/{namespace}/{name}`; `-` stands for no namespace.
pub(crate) async fn show(Path((group, kind, namespace, name)): Path<(String, String, String, String)>, asked: Asked) -> Answer {
    let portal = &asked.portal;
    let frame = asked.frame();
    let key = (group, kind);
    let namespace = if namespace == "-" { String::new() } else { namespace };
    let runs = runs_of(portal, &instance_path(&key.0, &key.1, &namespace, &name));
    let found = portal.kind(&key.0, &key.1);
    let object = match &found {
        Ok(kind) => {
            let api = kind.api(&portal.client, Some(&namespace).filter(|namespace| !namespace.is_empty()).map(String::as_str));
            optional(api.get(&name).await).map_err(Failure::api(format!("read {} `{name}`", key.1)))?
        }
        Err(_) => None,
    };
    let Some(object) = object else {
        // The kind may be gone with its Template; what is known of the instance is still shown.
        if let (Err(failure), true) = (found, runs.is_empty()) {
            return Err(failure);
        }
        let topic = format!("instances/{}/{}/{}/{name}", key.0, key.1, if namespace.is_empty() { "-" } else { &namespace });
        let page = views::instance::gone(&frame, &key.1, &namespace, &name, &runs, &topic);
        return Ok(asked.render_as(StatusCode::NOT_FOUND, &frame, &page));
    };
    let row = InstanceRow::read(&key, &object);
    let status: InstanceStatus = object.data.get("status").and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default();
    let uid = object.metadata.uid.clone().unwrap_or_default();
    let (entries, run, events) = futures::join!(entries(portal, &uid), last_run(portal, &row), events(portal, &row));
    let template = portal.cache.template_of(&key);
    let object = commands::tidy(serde_json::to_value(&object).unwrap_or_default());
    let shown = views::instance::Shown {
        row: &row,
        object: &object,
        status: &status,
        entries: &entries,
        run: run.as_ref(),
        runs: &runs,
        events: &events,
        template: template.as_deref(),
        tab: Tab::read(asked.query.word("tab")),
    };
    Ok(asked.render(&frame, &views::instance::page(&frame, &shown)))
}

fn runs_of(portal: &Portal, path: &str) -> Vec<Arc<RunRow>> {
    let runs = portal.cache.runs().into_iter();
    runs.filter(|run| run.mode == windlass_api::run::Mode::Execute && reference_path(&run.instance) == path).collect()
}

/// Effects from the inventory's head and its shards.
async fn entries(portal: &Portal, uid: &str) -> Result<Vec<Entry>, String> {
    let api = state::inventories().api(&portal.client, Some(names::SYSTEM_NAMESPACE));
    let head = optional(api.get(&inventory::name_of(uid)).await).map_err(|error| message(&error))?;
    let Some(head) = head.and_then(|head: DynamicObject| head.try_parse::<Inventory>().ok()) else { return Ok(Vec::new()) };
    let mut entries = head.spec.entries;
    for shard in 1..=head.spec.shards.min(20) {
        let object = optional(api.get(&format!("{}-{shard}", inventory::name_of(uid))).await).map_err(|error| message(&error))?;
        let shard = object.and_then(|object| object.try_parse::<Inventory>().ok());
        entries.extend(shard.into_iter().flat_map(|shard| shard.spec.entries));
    }
    Ok(entries)
}

/// The newest Run, whose steps say more about parts than the inventory does. Without it the page says less, not nothing.
async fn last_run(portal: &Portal, row: &InstanceRow) -> Option<Run> {
    let namespace = if row.namespace.is_empty() { names::SYSTEM_NAMESPACE } else { &row.namespace };
    if row.last_run.is_empty() {
        return None;
    }
    state::runs().api(&portal.client, Some(namespace)).get(&row.last_run).await.ok()?.try_parse().ok()
}

async fn events(portal: &Portal, row: &InstanceRow) -> Result<Vec<EventRow>, String> {
    let resource = kube::api::ApiResource {
        group: String::new(),
        version: "v1".into(),
        api_version: "v1".into(),
        kind: "Event".into(),
        plural: "events".into(),
    };
    let namespace = if row.namespace.is_empty() { names::NAMESPACE_OF_CLUSTER_EVENTS } else { &row.namespace };
    let selector = format!("involvedObject.kind={},involvedObject.name={}", row.key.1, row.name);
    let api = Kind { resource, namespaced: true }.api(&portal.client, Some(namespace));
    let list = api.list(&ListParams::default().fields(&selector).limit(500)).await.map_err(|error| message(&error))?;
    let mut rows: Vec<EventRow> = list.items.iter().map(event).collect();
    rows.sort_by(|a, b| b.last.cmp(&a.last));
    rows.truncate(EVENTS);
    Ok(rows)
}

fn event(object: &DynamicObject) -> EventRow {
    let text = |key: &str| object.data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let created = object.metadata.creation_timestamp.as_ref().map(|time| time.0.to_string());
    let last = [text("lastTimestamp"), text("eventTime"), created.unwrap_or_default()].into_iter().find(|time| !time.is_empty());
    EventRow {
        is_warning: text("type") == "Warning",
        reason: text("reason"),
        message: text("message"),
        last: last.unwrap_or_default(),
        count: object.data.get("count").and_then(Value::as_i64).unwrap_or(1),
    }
}
