//! CustomResourceDefinitions and the kinds that they define.

use serde_json::{Value, json};

use super::World;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

pub(super) fn definition() -> Value {
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
                 "selectableFields": [{"jsonPath": ".spec.color"}],
                 "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                 "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {
                        "size": {"type": "integer", "maximum": 10}, "replicas": {"type": "integer", "default": 1}, "color": {"type": "string"}},
                        "x-kubernetes-validations": [{"rule": "self.size >= self.replicas", "message": "too many replicas"}]},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}},
                {"name": "v1beta1", "served": true, "storage": false,
                 "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}},
            ],
        },
    })
}

async fn established(world: &World) {
    world.create(DEFINITIONS, definition()).await;
    let done = |_, value: &Value| {
        let conditions = value["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    };
    world.until(&format!("{DEFINITIONS}/widgets.example.com"), done).await;
}

fn widget(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn a_kind_is_served_as_its_schema_says() {
    let world = World::new().await;
    established(&world).await;
    let made = world.create(WIDGETS, widget("a", json!({"size": 3, "colour": "x"}))).await;
    assert_eq!(made["spec"], json!({"size": 3, "replicas": 1}), "pruned and defaulted");
    let (status, refusal) = world.json("POST", WIDGETS, &widget("b", json!({"size": 11}))).await;
    assert_eq!(status, 422);
    assert!(refusal["message"].as_str().unwrap().contains("spec.size in body should be less than or equal to 10"), "{refusal}");
    let (_, refusal) = world.json("POST", WIDGETS, &widget("b", json!({"size": 3, "replicas": 4}))).await;
    assert_eq!(refusal["message"], "Widget.example.com \"b\" is invalid: spec: Invalid value: too many replicas");
    let (_, other) = world.get("/apis/example.com/v1beta1/namespaces/default/widgets/a").await;
    assert_eq!(other["apiVersion"], "example.com/v1beta1");
}

#[tokio::test]
async fn status_and_scale_are_apart() {
    let world = World::new().await;
    established(&world).await;
    world.create(WIDGETS, widget("a", json!({"size": 3}))).await;
    let path = format!("{WIDGETS}/a");
    let (_, changed) = world.json("PATCH", &format!("{path}/status"), &json!({"spec": {"size": 9}, "status": {"ready": true}})).await;
    assert_eq!((changed["spec"]["size"].as_i64(), changed["metadata"]["generation"].as_i64()), (Some(3), Some(1)));
    let (_, changed) = world.json("PATCH", &path, &json!({"spec": {"size": 5}, "status": {"ready": false}})).await;
    assert_eq!((&changed["status"]["ready"], changed["metadata"]["generation"].as_i64()), (&json!(true), Some(2)));
    let (_, scale) = world.json("PATCH", &format!("{path}/scale"), &json!({"spec": {"replicas": 4}})).await;
    assert_eq!((scale["kind"].as_str(), scale["spec"]["replicas"].as_i64()), (Some("Scale"), Some(4)));
    let (status, _) = world.json("PATCH", &format!("{path}/scale"), &json!({"spec": {"replicas": 6}})).await;
    assert_eq!(status, 422, "the rule holds for every door");
}

#[tokio::test]
async fn selectable_fields_select() {
    let world = World::new().await;
    established(&world).await;
    for (name, color) in [("a", "red"), ("b", "blue")] {
        world.create(WIDGETS, widget(name, json!({"size": 1, "color": color}))).await;
    }
    let (_, list) = world.get(&format!("{WIDGETS}?fieldSelector=spec.color=blue")).await;
    assert_eq!(list["items"][0]["metadata"]["name"], "b");
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_changed_schema_holds_for_what_is_stored() {
    let world = World::new().await;
    established(&world).await;
    world.create(WIDGETS, widget("a", json!({"size": 3}))).await;
    let path = format!("{DEFINITIONS}/widgets.example.com");
    let mut new = world.get(&path).await.1;
    new["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["color"]["default"] = "green".into();
    let (status, answer) = world.json("PUT", &path, &new).await;
    assert_eq!(status, 200, "{answer}");
    let shown = world.until(&format!("{WIDGETS}/a"), |_, value| value["spec"]["color"] == "green").await;
    assert_eq!(shown["spec"]["size"], 3);
}

#[tokio::test]
async fn two_definitions_cannot_have_one_name() {
    let world = World::new().await;
    established(&world).await;
    let mut second = definition();
    second["metadata"]["name"] = "gadgets.example.com".into();
    second["spec"]["names"]["plural"] = "gadgets".into();
    second["spec"]["names"]["singular"] = "gadget".into();
    world.create(DEFINITIONS, second).await;
    let judged = |_, value: &Value| value["status"]["conditions"].as_array().is_some_and(|conditions| !conditions.is_empty());
    let value = world.until(&format!("{DEFINITIONS}/gadgets.example.com"), judged).await;
    let condition = &value["status"]["conditions"][0];
    assert_eq!((condition["type"].as_str(), condition["reason"].as_str()), (Some("NamesAccepted"), Some("KindConflict")));
    assert_eq!(condition["message"], "\"Widget\" is already in use");
}

#[tokio::test]
async fn a_definition_takes_its_objects_with_it() {
    let world = World::new().await;
    established(&world).await;
    world.create(WIDGETS, json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "finalizers": ["example.com/x"]}, "spec": {"size": 1}})).await;
    world.json("DELETE", &format!("{DEFINITIONS}/widgets.example.com"), &Value::Null).await;
    world.until(&format!("{WIDGETS}/a"), |_, value| value["metadata"]["deletionTimestamp"].is_string()).await;
    world.json("PATCH", &format!("{WIDGETS}/a"), &json!({"metadata": {"finalizers": null}})).await;
    world.until(&format!("{DEFINITIONS}/widgets.example.com"), |status, _| status == 404).await;
    world.until(WIDGETS, |status, _| status == 404).await;
}
