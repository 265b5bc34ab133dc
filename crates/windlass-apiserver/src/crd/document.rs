//! The OpenAPI of custom resources: paths and schemas as the real server publishes them, as far as clients read them.

use serde_json::{Map, Value, json};

use crate::builtin::component_json;
use crate::registry::Resource;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// The component's name: the group backwards, version, kind.
fn component(resource: &Resource) -> String {
    let mut parts: Vec<&str> = resource.group.split('.').rev().collect();
    parts.extend([resource.version.as_str(), resource.kind.as_str()]);
    parts.join(".")
}

/// Adds what one resource contributes to its document.
pub(crate) fn describe(resource: &Resource, paths: &mut Map<String, Value>, schemas: &mut Map<String, Value>) {
    let name = component(resource);
    let list = format!("{name}List");
    let gvk = json!([{"group": resource.group, "version": resource.version, "kind": resource.kind}]);
    schemas.insert(name.clone(), schema(resource, &gvk));
    let item = reference(&name);
    schemas.insert(
        list.clone(),
        json!({
            "description": format!("{} is a list of {}", resource.list_kind, resource.kind),
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"allOf": [reference(LIST_META)]},
                "items": {"type": "array", "items": item},
            },
            "x-kubernetes-group-version-kind": [{"group": resource.group, "version": resource.version, "kind": resource.list_kind}],
        }),
    );
    for component in [META, LIST_META] {
        let Some((_, others)) = component_json(component) else { continue };
        for name in others.into_iter().chain([component]) {
            let parsed =
                component_json(name).and_then(|(text, _)| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({"type": "object"}));
            schemas.entry(name).or_insert(parsed);
        }
    }
    let root = if resource.group.is_empty() {
        format!("/api/{}", resource.version)
    } else {
        format!("/apis/{}/{}", resource.group, resource.version)
    };
    let plural = &resource.plural;
    let base = if resource.namespaced { format!("{root}/namespaces/{{namespace}}/{plural}") } else { format!("{root}/{plural}") };
    if resource.namespaced {
        paths.insert(format!("{root}/{plural}"), json!({"get": operation(resource, "list", &list)}));
    }
    let item = format!("{base}/{{name}}");
    paths.insert(
        base,
        json!({
            "get": operation(resource, "list", &list),
            "post": operation(resource, "post", &name),
            "delete": operation(resource, "deletecollection", &name),
        }),
    );
    let change = json!({
        "get": operation(resource, "get", &name),
        "put": operation(resource, "put", &name),
        "patch": operation(resource, "patch", &name),
    });
    let mut whole = change.clone();
    whole["delete"] = operation(resource, "delete", &name);
    paths.insert(item.clone(), whole);
    if resource.has_status {
        paths.insert(format!("{item}/status"), change.clone());
    }
}

fn reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{component}")})
}

/// The author's schema with the fields that every object has.
fn schema(resource: &Resource, gvk: &Value) -> Value {
    let given = resource.custom.as_ref().map(|custom| custom.openapi.clone()).filter(Value::is_object);
    let mut schema = given.unwrap_or_else(|| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    let whole = schema["x-kubernetes-preserve-unknown-fields"] == true && schema.get("properties").is_none();
    let mut properties = Map::new();
    properties.insert("apiVersion".to_owned(), json!({"type": "string", "description": "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"}));
    properties.insert("kind".to_owned(), json!({"type": "string", "description": "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"}));
    properties.insert("metadata".to_owned(), json!({"description": "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata", "allOf": [reference(META)]}));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if !properties.contains_key(name) {
            properties.insert(name.clone(), property.clone());
        }
    }
    if !whole || resource.custom.is_some() {
        schema["properties"] = properties.into();
    }
    schema["x-kubernetes-group-version-kind"] = gvk.clone();
    schema
}

fn operation(resource: &Resource, action: &str, component: &str) -> Value {
    let kind = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
    let answer = json!({"200": {"description": "OK", "content": {"application/json": {"schema": reference(component)}}}});
    let mut operation = json!({"responses": answer, "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind});
    if ["post", "put", "patch"].contains(&action) {
        let names = ["dryRun", "fieldManager", "fieldValidation"];
        let parameters: Vec<Value> =
            names.iter().map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}})).collect();
        operation["parameters"] = parameters.into();
        let body = if action == "patch" { json!({"type": "object"}) } else { reference(component) };
        operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
    }
    operation
}
