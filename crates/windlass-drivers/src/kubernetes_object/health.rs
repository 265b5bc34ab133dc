//! Whether an object does its work, from its own status. Pure.

use serde_json::Value;
use windlass_api::driver::Health;

/// Health of an object. One that reports nothing is taken as it is: there means ready.
pub(super) fn of(object: &Value) -> Health {
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    if let (Some(generation), Some(observed)) = (generation, observed)
        && observed < generation
    {
        return Health::not_ready("Progressing", "its controller has not seen the newest values yet");
    }
    if object["kind"] == "Deployment" && object["apiVersion"] == "apps/v1" {
        return deployment(object);
    }
    let published = object["apiVersion"].as_str().is_some_and(|v| v.starts_with(&format!("{}/", windlass_api::names::GENERATED_GROUP)));
    let ready = object.pointer("/status/conditions").and_then(Value::as_array).and_then(|all| all.iter().find(|c| c["type"] == "Ready"));
    match ready {
        Some(condition) if condition["status"] == "True" => Health::ready(),
        Some(condition) => Health::not_ready(
            condition["reason"].as_str().filter(|reason| !reason.is_empty()).unwrap_or("NotReady"),
            condition["message"].as_str().unwrap_or("its condition Ready is not True"),
        ),
        None if published => Health::not_ready("Progressing", "it has not reported yet"),
        None => Health::ready(),
    }
}

fn deployment(object: &Value) -> Health {
    let count = |pointer: &str, default: i64| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(default);
    let wanted = count("/spec/replicas", 1);
    let (updated, available) = (count("/status/updatedReplicas", 0), count("/status/availableReplicas", 0));
    if updated >= wanted && available >= wanted {
        return Health::ready();
    }
    Health::not_ready("Progressing", format!("{available} of {wanted} replicas are available, {updated} of them new"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_that_reports_nothing_is_ready() {
        assert!(of(&json!({"apiVersion": "v1", "kind": "ConfigMap"})).ready);
    }

    #[test]
    fn a_published_kind_is_ready_only_when_it_says_so() {
        let mut object = json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "metadata": {"generation": 2}});
        assert!(!of(&object).ready);
        object["status"] = json!({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]});
        assert_eq!(of(&object).reason, "Progressing");
        object["status"]["observedGeneration"] = json!(2);
        assert!(of(&object).ready);
    }

    #[test]
    fn a_deployment_needs_its_replicas() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2}, "status": {"updatedReplicas": 2, "availableReplicas": 1}});
        assert_eq!(of(&object).message, "1 of 2 replicas are available, 2 of them new");
    }
}
