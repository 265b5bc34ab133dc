//! The OpenAPI of custom resources: paths and schemas as the real server publishes them, in the form of version 3.
//!
//! Options of requests are those of a built-in kind that has nothing of its own (Lease): they are the same for all kinds.
//! Start with [`describe`]. Source: `apiextensions-apiserver/pkg/controller/openapi/builder`.

use serde_json::{Map, Value, json};

use crate::builtin::{self, component_json};
use crate::registry::{Resource, api_version};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";
const BODIES: &[&str] = &["application/json", "application/yaml"];
const PATCHES: &[&str] = &["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/// The component's name: the group backwards, version, kind.
pub(crate) fn component(resource: &Resource) -> String {
    let mut parts: Vec<&str> = resource.group.split('.').rev().collect();
    parts.extend([resource.version.as_str(), resource.kind.as_str()]);
    parts.join(".")
}

fn list_component(resource: &Resource) -> String {
    let own = component(resource);
    format!("{}{}", &own[..own.len() - resource.kind.len()], resource.list_kind)
}

/// Adds what one resource contributes to its document.
pub(crate) fn describe(resource: &Resource, paths: &mut Map<String, Value>, schemas: &mut Map<String, Value>) {
    schemas.insert(component(resource), schema(resource));
    schemas.insert(list_component(resource), list_schema(resource));
    let scale = resource.scale.is_some().then_some(SCALE);
    for component in [META, LIST_META, OPTIONS, PATCH, STATUS].into_iter().chain(scale) {
        let Some((_, others)) = component_json(component) else { continue };
        for name in others.into_iter().chain([component]) {
            let parsed =
                component_json(name).and_then(|(text, _)| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({"type": "object"}));
            schemas.entry(name).or_insert(parsed);
        }
    }
    paths.extend(path_items(resource));
}

fn reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{component}")})
}

/// What the documents say about a field that every kind has.
fn type_meta(field: &str) -> Value {
    let lease = component_json("io.k8s.api.coordination.v1.Lease").and_then(|(text, _)| serde_json::from_str::<Value>(text).ok());
    lease.map_or_else(|| json!({"type": "string"}), |lease| lease["properties"][field].clone())
}

fn metadata() -> Value {
    json!({
        "description": "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
        "allOf": [reference(META)],
    })
}

fn kinds(resource: &Resource, kind: &str) -> Value {
    json!([{"group": resource.group, "kind": kind, "version": resource.version}])
}

fn selectable(resource: &Resource, schema: &mut Value) {
    if !resource.selectable.is_empty() {
        schema["x-kubernetes-selectable-fields"] = resource.selectable.iter().map(|path| json!({"fieldPath": path})).collect();
    }
}

fn list_schema(resource: &Resource) -> Value {
    let more = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
    let mut schema = json!({
        "description": format!("{} is a list of {}", resource.list_kind, resource.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": type_meta("apiVersion"),
            "items": {
                "description": format!("List of {}. More info: {more}", resource.plural),
                "type": "array",
                "items": reference(&component(resource)),
            },
            "kind": type_meta("kind"),
            "metadata": {"description": format!("Standard list metadata. More info: {more}#types-kinds"), "allOf": [reference(LIST_META)]},
        },
        "x-kubernetes-group-version-kind": kinds(resource, &resource.list_kind),
    });
    selectable(resource, &mut schema);
    schema
}

/// The author's schema with the fields that every object has.
fn schema(resource: &Resource) -> Value {
    let given = resource.custom.as_ref().map(|custom| custom.openapi.clone()).filter(Value::is_object);
    let mut schema = given.unwrap_or_else(|| json!({"type": "object"}));
    complete(&mut schema);
    if resource.custom.as_ref().is_some_and(|custom| custom.openapi.is_object()) {
        let mut properties = Map::new();
        for (name, value) in [("apiVersion", type_meta("apiVersion")), ("kind", type_meta("kind")), ("metadata", metadata())] {
            properties.insert(name.to_owned(), value);
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            properties.entry(name.as_str()).or_insert_with(|| property.clone());
        }
        schema["properties"] = properties.into();
    }
    schema["x-kubernetes-group-version-kind"] = kinds(resource, &resource.kind);
    selectable(resource, &mut schema);
    schema
}

/// What some words of a schema stand for: whole objects inside, and numbers or texts.
fn complete(schema: &mut Value) {
    if schema["x-kubernetes-int-or-string"] == true && schema["anyOf"].is_null() && schema["allOf"].is_null() {
        schema["anyOf"] = json!([{"type": "integer"}, {"type": "string"}]);
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(complete);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(inner).filter(|inner| inner.is_object()) {
            complete(inner);
        }
    }
    if schema["x-kubernetes-embedded-resource"] == true {
        let more = "More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
        let text = |words: &str| json!({"description": format!("{words} {more}"), "type": "string"});
        let mut properties = schema["properties"].as_object().cloned().unwrap_or_default();
        properties.insert(
            "apiVersion".to_owned(),
            json!({"description": format!("apiVersion defines the versioned schema of this representation of an object. {more}#resources"), "type": "string"}),
        );
        let mut kind = text("kind is a string value representing the type of this object. In CamelCase.");
        kind["description"] = format!("{}#types-kinds", kind["description"].as_str().unwrap_or_default()).into();
        properties.insert("kind".to_owned(), kind);
        properties.insert("metadata".to_owned(), metadata());
        schema["properties"] = properties.into();
        let mut required = schema["required"].as_array().cloned().unwrap_or_default();
        for name in ["kind", "apiVersion"] {
            if !required.iter().any(|known| known == name) {
                required.push(name.into());
            }
        }
        schema["required"] = required.into();
    }
}

/// The parameters of a built-in kind's operations, which are those of every kind.
struct Parameters {
    collection: Value,
    object: Value,
}

impl Parameters {
    fn read() -> Parameters {
        let root = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases";
        let items = builtin::path_items("coordination.k8s.io/v1");
        let find = |path: &str| items.iter().find(|(found, _)| *found == path).and_then(|(_, item)| serde_json::from_str(item).ok());
        Parameters { collection: find(root).unwrap_or_default(), object: find(&format!("{root}/{{name}}")).unwrap_or_default() }
    }

    fn of(&self, action: &str) -> Vec<Value> {
        let place = match action {
            "list" | "deletecollection" => &self.collection["get"],
            "post" => &self.collection["post"],
            "get" => {
                let list = self.collection["get"]["parameters"].as_array().into_iter().flatten();
                return list.filter(|parameter| parameter["name"] == "resourceVersion").cloned().collect();
            }
            other => &self.object[other],
        };
        place["parameters"].as_array().cloned().unwrap_or_default()
    }

    /// The parameters of a whole path.
    fn of_path(&self, resource: &Resource, path: &str) -> Vec<Value> {
        let list = self.object["parameters"].as_array().into_iter().flatten();
        list.filter(|parameter| match parameter["name"].as_str() {
            Some(name @ ("namespace" | "name")) => path.contains(&format!("{{{name}}}")),
            _ => true,
        })
        .map(|parameter| {
            let mut parameter = parameter.clone();
            if parameter["name"] == "name" {
                parameter["description"] = format!("name of the {}", resource.kind).into();
            }
            parameter
        })
        .collect()
    }
}

fn path_items(resource: &Resource) -> Map<String, Value> {
    let parameters = Parameters::read();
    let version = api_version(&resource.group, &resource.version);
    let root = if resource.group.is_empty() { format!("/api/{version}") } else { format!("/apis/{version}") };
    let plural = &resource.plural;
    let mut paths = Map::new();
    let mut add = |path: &str, subresource: &str, actions: &[(&str, &str, &str)]| {
        let mut item = json!({"parameters": parameters.of_path(resource, path)});
        for (method, action, verb) in actions {
            let everywhere = resource.namespaced && !path.contains("{namespace}");
            item[*method] = operation(resource, &parameters, action, verb, subresource, everywhere);
        }
        if let [(method, ..)] = actions {
            shared_by_all(&mut item, method);
        }
        paths.insert(path.to_owned(), item);
    };
    let list = ("get", "list", "list");
    if resource.namespaced {
        add(&format!("{root}/{plural}"), "", &[list]);
    }
    let base = if resource.namespaced { format!("{root}/namespaces/{{namespace}}/{plural}") } else { format!("{root}/{plural}") };
    add(&base, "", &[list, ("post", "post", "create"), ("delete", "deletecollection", "deletecollection")]);
    let change = [("get", "get", "read"), ("put", "put", "replace"), ("patch", "patch", "patch")];
    let item = format!("{base}/{{name}}");
    let whole: Vec<(&str, &str, &str)> = change.into_iter().chain([("delete", "delete", "delete")]).collect();
    add(&item, "", &whole);
    if resource.has_status {
        add(&format!("{item}/status"), "status", &change);
    }
    if resource.scale.is_some() {
        add(&format!("{item}/scale"), "scale", &change);
    }
    paths
}

/// With one operation all parameters are those of the path.
fn shared_by_all(item: &mut Value, method: &str) {
    let own = item[method].as_object_mut().and_then(|operation| operation.shift_remove("parameters"));
    let Some(parameters) = item["parameters"].as_array_mut() else { return };
    parameters.extend(own.iter().flat_map(|own| own.as_array().into_iter().flatten().cloned()));
    parameters.sort_by_key(|parameter| parameter["name"].as_str().unwrap_or_default().to_owned());
}

/// Letters and digits of a text, each part beginning with a capital; the first only where `first` says so.
fn identifier(text: &str, first: bool) -> String {
    let mut capital = first;
    let mut out = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            if capital {
                out.extend(letter.to_uppercase())
            } else {
                out.push(letter)
            }
            capital = false;
        } else {
            capital = true;
        }
    }
    out
}

/// What a person reads about an operation.
fn words(resource: &Resource, verb: &str, subresource: &str) -> String {
    let kind = &resource.kind;
    let of = if subresource.is_empty() { String::new() } else { format!(" {subresource} of") };
    let article = match kind.chars().next() {
        _ if kind.ends_with('s') && !kind.ends_with("ss") => " ",
        Some('a' | 'e' | 'i' | 'o' | 'u' | 'A' | 'E' | 'I' | 'O' | 'U') => " an ",
        _ => " a ",
    };
    match verb {
        "patch" => format!("partially update{of} the specified {kind}"),
        "deletecollection" => format!("delete collection of {kind}"),
        "list" => format!("list objects of kind {kind}"),
        "read" | "replace" => format!("{verb}{of} the specified {kind}"),
        _ => format!("{verb}{of}{article}{kind}"),
    }
}

fn operation(resource: &Resource, parameters: &Parameters, action: &str, verb: &str, subresource: &str, everywhere: bool) -> Value {
    let own = component(resource);
    let of_scale = subresource == "scale";
    let shown = match action {
        "list" => list_component(resource),
        "delete" | "deletecollection" => STATUS.to_owned(),
        _ if of_scale => SCALE.to_owned(),
        _ => own.clone(),
    };
    let content = |media: &[&str], component: &str| -> Value {
        media.iter().map(|media| ((*media).to_owned(), json!({"schema": reference(component)}))).collect::<Map<_, _>>().into()
    };
    let mut responses = Map::new();
    let more: &[(&str, &str)] = match action {
        "post" => &[("201", "Created"), ("202", "Accepted")],
        "delete" => &[("202", "Accepted")],
        "put" => &[("201", "Created")],
        _ => &[],
    };
    for (code, word) in [("200", "OK")].iter().chain(more) {
        responses.insert((*code).to_owned(), json!({"description": word, "content": content(BODIES, &shown)}));
    }
    responses.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    let group = resource.group.trim_end_matches(".k8s.io");
    let scope = if resource.namespaced && !everywhere { "Namespaced" } else { "" };
    let (prefix, of_collection) = if action == "deletecollection" { ("delete", "Collection") } else { (verb, "") };
    let id = format!(
        "{prefix}{}{}{of_collection}{scope}{}{}{}",
        identifier(group, true),
        identifier(&resource.version, true),
        resource.kind,
        identifier(subresource, true),
        if everywhere { "ForAllNamespaces" } else { "" }
    );
    let mut operation = json!({
        "tags": [format!("{}_{}", identifier(group, false), identifier(&resource.version, false))],
        "description": words(resource, verb, subresource),
        "operationId": id,
        "parameters": parameters.of(action),
        "responses": responses,
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
    });
    match action {
        "post" | "put" => {
            operation["requestBody"] = json!({"content": content(BODIES, if of_scale { SCALE } else { &own }), "required": true})
        }
        "patch" => operation["requestBody"] = json!({"content": content(PATCHES, PATCH), "required": true}),
        "delete" => operation["requestBody"] = json!({"content": content(BODIES, OPTIONS)}),
        _ => {}
    }
    operation
}
