//! `/openapi/v2`: the document of all groups in the older form, as JSON and as protobuf.
//!
//! Made from the documents of version 3 piece by piece, so that only the answer itself is ever held. Start with [`document`].
//! Sources: `kube-openapi/pkg/builder`, and `openapi/v2/conversion.go` of `apiextensions-apiserver` for what
//! kubectl of old cannot read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{gnostic, tagged};
use crate::api::Api;
use crate::discovery::content_hash;
use crate::registry::{Registry, Resource, api_version};
use crate::{answer, builtin, crd};

const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// The same under the name that clients ask for.
const PROTOBUF_ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Protobuf,
}

/// The first form that the client takes and that there is.
fn form(headers: &HeaderMap) -> Option<Form> {
    let offers: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if offers.iter().all(|offer| offer.trim().is_empty()) {
        return Some(Form::Json);
    }
    offers.iter().flat_map(|text| text.split(',')).find_map(|offer| match offer.split(';').next().unwrap_or_default().trim() {
        "application/json" | "*/*" | "application/*" => Some(Form::Json),
        PROTOBUF | PROTOBUF_ASKED => Some(Form::Protobuf),
        _ => None,
    })
}

/// `/openapi/v2`
pub(crate) async fn document(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let Some(form) = form(&headers) else { return answer::with_type(StatusCode::NOT_ACCEPTABLE, "text/plain", Bytes::new()) };
    let bytes = written(&api.registry(), form);
    let tag = format!("\"{}\"", content_hash(&bytes));
    let media = if form == Form::Json { "application/json" } else { PROTOBUF };
    if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes()) {
        return tagged(answer::with_type(StatusCode::NOT_MODIFIED, media, Bytes::new()), &tag);
    }
    tagged(answer::with_type(StatusCode::OK, media, Bytes::from(bytes)), &tag)
}

/// A map of the document that is written entry by entry.
struct Entries {
    form: Form,
    /// The message of one value, where it is protobuf.
    message: &'static str,
    bytes: Vec<u8>,
}

impl Entries {
    fn new(form: Form, message: &'static str) -> Entries {
        Entries { form, message, bytes: Vec::new() }
    }

    fn push(&mut self, name: &str, value: &Value) {
        match self.form {
            Form::Protobuf => gnostic::named(&mut self.bytes, self.message, name, value),
            Form::Json => {
                if !self.bytes.is_empty() {
                    self.bytes.push(b',');
                }
                self.bytes.extend_from_slice(format!("{}:{value}", Value::from(name)).as_bytes());
            }
        }
    }
}

/// What is collected while paths are written.
struct Shared {
    /// Parameters that many operations have, under the names that stand in their place.
    parameters: BTreeMap<String, Value>,
    /// Names of schemas that were referred to.
    schemas: BTreeSet<String>,
}

fn written(registry: &Registry, form: Form) -> Vec<u8> {
    let mut shared = Shared { parameters: BTreeMap::new(), schemas: BTreeSet::new() };
    let (mut paths, mut definitions) = (Entries::new(form, "PathItem"), Entries::new(form, "Schema"));
    let mut custom: Vec<&Arc<Resource>> = Vec::new();
    for (group, version) in registry.group_versions() {
        let items = builtin::path_items(&api_version(group, version));
        for (path, item) in &items {
            if let Ok(item) = serde_json::from_str::<Value>(item) {
                paths.push(path, &path_item(&item, &mut shared));
            }
        }
        if items.is_empty() {
            custom.extend(registry.resources(group, version).into_iter().flatten());
        }
    }
    for resource in custom {
        let (mut items, mut schemas) = (Map::new(), Map::new());
        crd::document::describe(resource, &mut items, &mut schemas);
        for (path, item) in &items {
            paths.push(path, &path_item(item, &mut shared));
        }
        let own = crd::document::component(resource);
        for (name, schema) in schemas {
            let is_own = schema["x-kubernetes-group-version-kind"][0]["group"] == *resource.group;
            if name == own {
                definitions.push(&name, &root(resource, schema));
            } else if is_own {
                definitions.push(&name, &published(schema));
            } else {
                shared.schemas.insert(name);
            }
        }
    }
    for (name, text) in builtin::components(shared.schemas.iter().map(String::as_str)) {
        if let Ok(schema) = serde_json::from_str::<Value>(text) {
            definitions.push(name, &published(schema));
        }
    }
    let mut parameters = Entries::new(form, "Parameter");
    shared.parameters.iter().for_each(|(name, parameter)| parameters.push(name, parameter));
    assembled(form, &paths.bytes, &definitions.bytes, &parameters.bytes)
}

fn assembled(form: Form, paths: &[u8], definitions: &[u8], parameters: &[u8]) -> Vec<u8> {
    let release = builtin::info().trim_start_matches('v');
    let minor = release.rsplit_once('.').map_or(release, |(minor, _)| minor);
    let info = json!({"title": "Kubernetes", "version": minor});
    let key = json!({"description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header"});
    if form == Form::Protobuf {
        return gnostic::document(&info, paths, definitions, parameters, &key);
    }
    let head = format!("{{\"swagger\":\"2.0\",\"info\":{info},\"paths\":{{");
    let tail = format!("}},\"securityDefinitions\":{{\"BearerToken\":{key}}},\"security\":[{{\"BearerToken\":[]}}]}}");
    let parts: [&[u8]; 7] =
        [head.as_bytes(), paths, b"},\"definitions\":{", definitions, b"},\"parameters\":{", parameters, tail.as_bytes()];
    parts.concat()
}

/// A path of version 3 in the form of version 2.
fn path_item(item: &Value, shared: &mut Shared) -> Value {
    let mut out = Map::new();
    for (key, value) in item.as_object().into_iter().flatten() {
        if key == "parameters" {
            out.insert(key.clone(), value.as_array().into_iter().flatten().map(|one| parameter(one, shared)).collect());
        } else if value.is_object() {
            out.insert(key.clone(), operation(value, shared));
        }
    }
    out.into()
}

fn operation(given: &Value, shared: &mut Shared) -> Value {
    let mut out = Map::new();
    let mut produces: Vec<&String> = Vec::new();
    let mut responses = Map::new();
    for (code, response) in given["responses"].as_object().into_iter().flatten() {
        let mut answer = json!({"description": response["description"]});
        for (media, content) in response["content"].as_object().into_iter().flatten() {
            answer["schema"] = schema(content["schema"].clone(), shared);
            if !produces.contains(&media) {
                produces.push(media);
            }
        }
        responses.insert(code.clone(), answer);
    }
    let body = &given["requestBody"];
    let mut parameters = Vec::new();
    let mut consumes = vec!["*/*"];
    if let Some(content) = body["content"].as_object() {
        consumes = content.keys().map(String::as_str).collect();
        // Forms of patches stand in the order in which they came to be.
        consumes.sort_by_key(|media| (media.ends_with("+yaml"), media.starts_with("application/strategic")));
        let mut one = json!({"name": "body", "in": "body"});
        if body["required"] == true {
            one["required"] = true.into();
        }
        one["schema"] = schema(content.values().next().map(|content| content["schema"].clone()).unwrap_or_default(), shared);
        let common = one["schema"]["$ref"].as_str().is_some_and(|name| name.contains(".meta.v1."));
        parameters.push(if common { share("body", one, shared) } else { one });
    }
    parameters.extend(given["parameters"].as_array().into_iter().flatten().map(|one| parameter(one, shared)));
    for key in ["description", "tags", "operationId", "deprecated"] {
        if let Some(value) = given.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    out.insert("consumes".to_owned(), consumes.into());
    out.insert("produces".to_owned(), json!(produces));
    out.insert("schemes".to_owned(), json!(["https"]));
    if !parameters.is_empty() {
        out.insert("parameters".to_owned(), parameters.into());
    }
    out.insert("responses".to_owned(), responses.into());
    let extensions = given.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-"));
    out.extend(extensions.map(|(key, value)| (key.clone(), value.clone())));
    out.into()
}

fn parameter(given: &Value, shared: &mut Shared) -> Value {
    let mut out = Map::new();
    for (key, value) in given.as_object().into_iter().flatten() {
        match value {
            Value::Object(schema) if key == "schema" => out.extend(schema.iter().map(|(key, value)| (key.clone(), value.clone()))),
            other => drop(out.insert(key.clone(), other.clone())),
        }
    }
    match given["name"].as_str().unwrap_or_default() {
        // Old clients look for these two in the operation itself; the name's description names the kind.
        "dryRun" | "fieldValidation" | "name" => out.into(),
        name => share(name, out.into(), shared),
    }
}

/// Puts a parameter among the common ones; what stands in its place.
fn share(name: &str, parameter: Value, shared: &mut Shared) -> Value {
    let hash = content_hash(parameter.to_string().as_bytes());
    let key = format!("{name}-{}", hash[..8].to_ascii_lowercase());
    let place = json!({"$ref": format!("#/parameters/{key}")});
    shared.parameters.insert(key, parameter);
    place
}

/// A schema in a path; notes what it refers to.
fn schema(given: Value, shared: &mut Shared) -> Value {
    let name = given["$ref"].as_str().and_then(|path| path.rsplit('/').next()).filter(|name| name.starts_with("io.k8s."));
    shared.schemas.extend(name.map(str::to_owned));
    published(given)
}

/// The schema of a custom resource itself.
fn root(resource: &Resource, schema: Value) -> Value {
    let described = resource.custom.as_ref().is_some_and(|custom| custom.openapi.is_object());
    if !described || schema["x-kubernetes-preserve-unknown-fields"] == true {
        // With fields, kubectl would refuse all that are not among them.
        let mut out = json!({"type": "object"});
        for key in ["x-kubernetes-group-version-kind", "x-kubernetes-selectable-fields"] {
            if let Some(value) = schema.get(key) {
                out[key] = value.clone();
            }
        }
        return out;
    }
    let mut out = published(readable(schema));
    // What these say is never the author's.
    if let Some(properties) = out.get_mut("properties").and_then(Value::as_object_mut) {
        properties.sort_keys();
    }
    out
}

/// Leaves out of an author's schema what old clients misunderstand.
fn readable(mut schema: Value) -> Value {
    let Some(map) = schema.as_object_mut() else { return schema };
    let flag = |map: &Map<String, Value>, key: &str| map.get(key).is_some_and(|value| *value == true);
    let without = |keys: &[&str], map: &mut Map<String, Value>| map.retain(|key, _| !keys.contains(&key.as_str()));
    // References to metadata stand in such a list, too.
    let refers = map.get("allOf").is_some_and(|all| all[0].get("$ref").is_some());
    without(if refers { &["oneOf", "anyOf", "not"] } else { &["allOf", "oneOf", "anyOf", "not"] }, map);
    if flag(map, "nullable") {
        without(&["type", "nullable", "items", "properties"], map);
    }
    let open = flag(map, "x-kubernetes-preserve-unknown-fields");
    if open {
        without(&["items", "properties"], map);
        if flag(map, "x-kubernetes-embedded-resource") {
            without(&["required"], map);
        }
    }
    let typed = |map: &Map<String, Value>, name: &str| map.get("type").is_some_and(|value| value == name);
    if (typed(map, "array") && !map.contains_key("items")) || (open && typed(map, "object")) {
        without(&["type"], map);
    }
    let nullable: Vec<String> = map
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, property)| property["nullable"] == true)
        .map(|(name, _)| name.clone())
        .collect();
    if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !nullable.iter().any(|nullable| name == nullable));
        if required.is_empty() {
            without(&["required"], map);
        }
    }
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(|property| *property = readable(property.take()));
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(inner).filter(|inner| inner.is_object()) {
            *inner = readable(inner.take());
        }
    }
    schema
}

/// A schema of version 3 in the form of version 2: references beside other words, no choices, no defaults.
fn published(mut schema: Value) -> Value {
    let Some(map) = schema.as_object_mut() else { return schema };
    if let Some(Value::Array(all)) = map.get("allOf")
        && let [Value::Object(only)] = all.as_slice()
        && only.contains_key("$ref")
    {
        let only = only.clone();
        map.shift_remove("allOf");
        map.extend(only);
    }
    if let Some(Value::String(path)) = map.get_mut("$ref") {
        *path = path.replace("#/components/schemas/", "#/definitions/");
    }
    let chosen = map.shift_remove("oneOf").is_some_and(|choices| choices.as_array().is_some_and(|all| !all.is_empty()));
    if chosen && !map.contains_key("type") {
        map.insert("type".to_owned(), "string".into());
    }
    map.shift_remove("anyOf");
    map.shift_remove("default");
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(|property| *property = published(property.take()));
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(inner).filter(|inner| inner.is_object()) {
            *inner = published(inner.take());
        }
    }
    if let Some(all) = map.get_mut("allOf").and_then(Value::as_array_mut) {
        all.iter_mut().for_each(|one| *one = published(one.take()));
    }
    schema
}

#[cfg(test)]
mod tests {
    //! What old clients cannot read is not published.

    use super::*;

    #[test]
    fn an_authors_schema_is_made_readable() {
        let schema = json!({
            "type": "object", "required": ["a", "n"],
            "properties": {
                "a": {"type": "string", "default": "x", "oneOf": [{"pattern": "x"}]},
                "n": {"type": "object", "nullable": true, "properties": {"b": {"type": "string"}}},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"b": {"type": "string"}}},
                "either": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "list": {"type": "array", "x-kubernetes-preserve-unknown-fields": true, "items": {"type": "string"}},
            },
        });
        assert_eq!(
            published(readable(schema)),
            json!({
                "type": "object", "required": ["a"],
                "properties": {
                    "a": {"type": "string"}, "n": {}, "open": {"x-kubernetes-preserve-unknown-fields": true},
                    "either": {"x-kubernetes-int-or-string": true}, "list": {"x-kubernetes-preserve-unknown-fields": true},
                },
            })
        );
    }
}
