//! Cost and quantities, summed over the graph, before and after.

use super::Inputs;
use super::planner::{Planner, Verdict};
use crate::quantity::{Money, Quantity};
use crate::value::Rendered;
use serde_json::Value;
use std::collections::BTreeMap;
use windlass_api::inventory::EntryState;
use windlass_api::plan::{Block, QuantityChange};

/// Order in which quantities are shown.
const NAMES: [&str; 3] = ["price", "cpu", "memory"];

/// What the instance costs and takes, before and after.
pub(super) fn quantities(planner: &Planner<'_>) -> Vec<QuantityChange> {
    let after = totals(planner);
    let before = before(planner);
    let mut found = Vec::new();
    for name in NAMES {
        let (before, after) = (before.get(name).cloned(), after.get(name).cloned());
        if before.is_some() || after.is_some() {
            found.push(QuantityChange { name: name.to_owned(), before, after });
        }
    }
    found
}

/// The same sums for the values that were carried out last.
fn before(planner: &Planner<'_>) -> BTreeMap<&'static str, String> {
    let inputs = planner.inputs;
    let exists = inputs.entries.iter().any(|entry| entry.state != EntryState::Gone);
    let Some(previous) = inputs.context.previous_spec.as_ref().filter(|_| exists) else { return BTreeMap::new() };
    if inputs.instance.get("spec") == Some(previous) {
        return totals(planner);
    }
    let mut instance = inputs.instance.clone();
    if let Some(fields) = instance.as_object_mut() {
        fields.insert("spec".into(), previous.clone());
    }
    let inputs = Inputs { instance: &instance, ..inputs.clone() };
    let Ok(mut earlier) = Planner::new(planner.graph, &inputs) else { return BTreeMap::new() };
    for index in &planner.graph.order.sequence {
        earlier.visit(*index);
    }
    totals(&earlier)
}

fn totals(planner: &Planner<'_>) -> BTreeMap<&'static str, String> {
    let mut amounts: BTreeMap<&'static str, Quantity> = BTreeMap::new();
    for verdict in planner.verdicts.values() {
        let Verdict::Items(items) = verdict else { continue };
        for item in items {
            let (count, containers) = match item.plan.block {
                Block::Workload => (count(item.body.get("replicas")), workload_limits(&item.body)),
                Block::Template => object_limits(&item.body),
                Block::ExternalRef => continue,
            };
            for (name, text) in containers {
                let amount = Quantity::parse(&text).and_then(|amount| amount.times(count));
                let total = match (amounts.get(name), amount) {
                    (Some(total), Some(amount)) => total.plus(amount),
                    (None, amount) => amount,
                    (Some(total), None) => Some(*total),
                };
                if let Some(total) = total {
                    amounts.insert(name, total);
                }
            }
        }
    }
    let mut found: BTreeMap<&'static str, String> = amounts.into_iter().map(|(name, amount)| (name, amount.to_string())).collect();
    let price = planner.size_name().and_then(|name| planner.graph.sizes.as_ref()?.get(name)?.price.clone());
    if let Some(price) = price.as_deref().and_then(Money::parse) {
        found.insert("price", price.to_string());
    }
    found
}

/// A number of replicas; one where it is not given or not known.
fn count(replicas: Option<Rendered>) -> u32 {
    match replicas {
        Some(Rendered::Known(Value::Number(number))) => number.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(1),
        _ => 1,
    }
}

fn workload_limits(body: &Rendered) -> Vec<(&'static str, String)> {
    let Some(Value::Object(containers)) = body.get("containers").map(|containers| containers.planned().to_json()) else {
        return Vec::new();
    };
    containers.values().flat_map(|container| amounts(&container["limits"], &container["requests"])).collect()
}

/// What the pods of a Deployment and its like may use.
fn object_limits(body: &Rendered) -> (u32, Vec<(&'static str, String)>) {
    let kind = body.text(&["kind"]).unwrap_or_default();
    let spec = body.get("spec");
    let (count, pod) = match kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            let pod = spec.as_ref().and_then(|spec| spec.get("template")?.get("spec"));
            (count(spec.as_ref().and_then(|spec| spec.get("replicas"))), pod)
        }
        "Pod" => (1, spec),
        _ => return (0, Vec::new()),
    };
    let Some(Value::Array(containers)) = pod.and_then(|pod| pod.get("containers")).map(|containers| containers.planned().to_json()) else {
        return (count, Vec::new());
    };
    (
        count,
        containers.iter().flat_map(|container| amounts(&container["resources"]["limits"], &container["resources"]["requests"])).collect(),
    )
}

fn amounts(limits: &Value, requests: &Value) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for name in ["cpu", "memory"] {
        let given = limits.get(name).or_else(|| requests.get(name));
        let text = match given {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        found.extend(text.map(|text| (name, text)));
    }
    found
}
