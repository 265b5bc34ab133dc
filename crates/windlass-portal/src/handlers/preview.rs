//! Previews: a Run that only plans. It is made here, planned by the controllers, and shown at its address.

use crate::errors::Failure;
use crate::model::rows::run_path;
use crate::state::{self, Shared};
use kube::api::{DynamicObject, PostParams};
use rand::Rng as _;
use serde_json::{Value, json};
use std::time::Duration;
use windlass_api::names;
use windlass_api::plan::InstanceReference;
use windlass_client::objects::identity;

/// How long the answer waits for the plan, so that it is there when the page is drawn.
const PATIENCE: Duration = Duration::from_millis(900);
/// Names are cut so that the suffix still fits a DNS label.
const LONGEST_NAME: usize = 40;

/// What is to be planned.
pub(crate) struct Proposal {
    /// The object as it would be.
    pub(crate) object: Value,
    /// Its UID, where it exists.
    pub(crate) uid: String,
    /// Its generation as it was read; 0 where it does not exist.
    pub(crate) generation: i64,
    /// What changes, in a phrase.
    pub(crate) title: String,
    /// Whether it would be deleted.
    pub(crate) deletes: bool,
}

/// Asks for a plan; gives the address of its page.
pub(crate) async fn open(portal: &Shared, proposal: Proposal) -> Result<String, Failure> {
    let about = identity(&proposal.object);
    let namespace = about.namespace.clone().unwrap_or_else(|| names::SYSTEM_NAMESPACE.to_owned());
    let short: String = about.name.chars().take(LONGEST_NAME).collect();
    let name = format!("{}-preview-{:08x}", short.trim_end_matches(['-', '.']), rand::rng().random::<u32>());
    let instance = InstanceReference {
        api_version: about.api_version.unwrap_or_default(),
        kind: about.kind,
        namespace: about.namespace,
        name: about.name,
        uid: proposal.uid,
    };
    let mut spec = json!({
        "mode": "Plan", "instance": instance, "generation": proposal.generation, "title": proposal.title, "proposal": proposal.object,
    });
    if proposal.deletes {
        spec["deletes"] = true.into();
        spec["cause"] = "Delete".into();
    }
    let run = json!({"apiVersion": names::API_VERSION, "kind": "Run", "metadata": {"name": name, "namespace": namespace}, "spec": spec});
    let run: DynamicObject = serde_json::from_value(run).map_err(|error| Failure::Invalid { message: error.to_string() })?;
    let parameters = PostParams { field_manager: Some(names::MANAGER_PORTAL.into()), ..PostParams::default() };
    state::runs().api(&portal.client, Some(&namespace)).create(&parameters, &run).await.map_err(Failure::api("ask for a plan"))?;
    portal.cache.wait_for(PATIENCE, |cache| cache.run(&namespace, &name).is_some_and(|run| run.has_plan || run.state.is_finished())).await;
    Ok(run_path(&namespace, &name))
}

/// What changed between two specs, in a phrase: `size S → L`, `port 8080 → 80, image`, `4 values`.
pub(crate) fn difference(before: &Value, after: &Value) -> String {
    let keys = |value: &Value| value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let mut all = keys(after);
    all.extend(keys(before).into_iter().filter(|key| after.get(key).is_none()));
    let changed: Vec<&String> = all.iter().filter(|key| before.get(key) != after.get(key)).collect();
    let short = |value: Option<&Value>| match value {
        Some(Value::String(text)) if text.chars().count() <= 20 => Some(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
        _ => None,
    };
    match changed.as_slice() {
        [] => "no change of values".into(),
        few if few.len() <= 2 => few
            .iter()
            .map(|key| match (short(before.get(key)), short(after.get(key))) {
                (Some(old), Some(new)) => format!("{key} {old} → {new}"),
                (None, Some(new)) if before.get(key).is_none() => format!("{key} {new}"),
                _ if after.get(key).is_none() => format!("without {key}"),
                _ => (*key).clone(),
            })
            .collect::<Vec<_>>()
            .join(", "),
        many => format!("{} values", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_what_changes() {
        let title = |before: Value, after: Value| difference(&before, &after);
        assert_eq!(title(json!({"size": "S", "port": 1}), json!({"size": "L", "port": 1})), "size S → L");
        assert_eq!(title(json!({"port": 8080, "env": {}}), json!({"port": 80})), "port 8080 → 80, without env");
        assert_eq!(title(json!({}), json!({"a": 1, "b": 2, "c": 3})), "3 values");
        assert_eq!(title(json!({"a": 1}), json!({"a": 1})), "no change of values");
    }
}
