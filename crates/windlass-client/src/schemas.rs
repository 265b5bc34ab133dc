//! Schemas of other kinds, read from the API's OpenAPI v3 documents, so that compiling a Template stays pure.
//!
//! References are written out, so that an entry stands alone; a schema that refers to itself ends in a free object.

use kube::Client;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How deep references are written out before a free object takes their place.
const DEPTH: usize = 24;

/// A kind's schema as it stands in OpenAPI, and its scope.
#[derive(Clone, Debug, PartialEq)]
pub struct KindSchema {
    /// OpenAPI v3 schema without references.
    pub openapi: Value,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Reads the schemas of these `(apiVersion, kind)` pairs; a pair that the API does not serve is left out.
///
/// # Errors
/// The API does not answer.
pub async fn read(client: &Client, kinds: &[(String, String)]) -> Result<BTreeMap<(String, String), KindSchema>, kube::Error> {
    let mut documents: BTreeMap<String, Option<Value>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for (api_version, kind) in kinds {
        if !documents.contains_key(api_version) {
            let document = crate::objects::optional(document(client, api_version).await)?;
            documents.insert(api_version.clone(), document);
        }
        let Some(Some(document)) = documents.get(api_version) else { continue };
        if let Some(schema) = in_document(document, api_version, kind) {
            found.insert((api_version.clone(), kind.clone()), schema);
        }
    }
    Ok(found)
}

/// The pairs of apiVersion and kind that a Template's nodes name literally.
pub fn kinds_named(template: &Value) -> Vec<(String, String)> {
    let mut kinds: Vec<(String, String)> = template["spec"]["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|node| [&node["template"], &node["externalRef"]])
        .filter_map(|object| Some((object["apiVersion"].as_str()?.to_owned(), object["kind"].as_str()?.to_owned())))
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

async fn document(client: &Client, api_version: &str) -> Result<Value, kube::Error> {
    let path = if api_version.contains('/') { format!("/openapi/v3/apis/{api_version}") } else { format!("/openapi/v3/api/{api_version}") };
    client.request(http::Request::get(path).header("Accept", "application/json").body(Vec::new()).map_err(kube::Error::HttpError)?).await
}

/// The schema of `spec`, with descriptions, in a CustomResourceDefinition that has this version.
pub fn spec_in_definition<'d>(definition: &'d Value, version: &str) -> Option<&'d Value> {
    let version = definition["spec"]["versions"].as_array()?.iter().find(|known| known["name"] == version)?;
    version.pointer("/schema/openAPIV3Schema/properties/spec")
}

/// The schema of a kind in an OpenAPI v3 document.
pub fn in_document(document: &Value, api_version: &str, kind: &str) -> Option<KindSchema> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let schemas = document["components"]["schemas"].as_object()?;
    let wanted = json!({"group": group, "version": version, "kind": kind});
    let schema =
        schemas.values().find(|schema| schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|list| list.contains(&wanted)))?;
    let namespaced = document["paths"].as_object().into_iter().flatten().any(|(path, item)| {
        path.contains("/namespaces/{namespace}/")
            && item.as_object().into_iter().flatten().any(|(_, operation)| operation["x-kubernetes-group-version-kind"] == wanted)
    });
    Some(KindSchema { openapi: write_out(schema, schemas, DEPTH), namespaced })
}

fn write_out(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
    if depth == 0 {
        return json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    }
    match schema {
        Value::Object(fields) => {
            if let Some(target) = reference(fields).and_then(|name| schemas.get(name)) {
                return write_out(target, schemas, depth - 1);
            }
            // Descriptions are for `explain`; here they would only cost memory.
            let kept = fields.iter().filter(|(key, value)| !(key.as_str() == "description" && value.is_string()));
            kept.map(|(key, value)| (key.clone(), write_out(value, schemas, depth))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| write_out(item, schemas, depth)).collect(),
        scalar => scalar.clone(),
    }
}

/// The name that `$ref`, or a lone `allOf: [{$ref}]` (as Kubernetes writes it beside a default), points to.
fn reference(fields: &Map<String, Value>) -> Option<&str> {
    let direct = fields.get("$ref").and_then(Value::as_str);
    let wrapped = || match fields.get("allOf")?.as_array()?.as_slice() {
        [only] if !fields.contains_key("properties") => only["$ref"].as_str(),
        _ => None,
    };
    direct.or_else(wrapped)?.strip_prefix("#/components/schemas/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_written_out_and_recursion_ends() {
        let kind = json!([{"group": "", "version": "v1", "kind": "Tree"}]);
        let document = json!({
            "paths": {"/api/v1/namespaces/{namespace}/trees": {"get": {"x-kubernetes-group-version-kind": {"group": "", "version": "v1", "kind": "Tree"}}}},
            "components": {"schemas": {
                "Tree": {"type": "object", "x-kubernetes-group-version-kind": kind, "properties": {
                    "leaf": {"allOf": [{"$ref": "#/components/schemas/Leaf"}], "default": {}},
                    "child": {"$ref": "#/components/schemas/Tree"},
                }},
                "Leaf": {"type": "string", "description": "a leaf"},
            }},
        });
        let found = in_document(&document, "v1", "Tree").expect("the kind is in the document");
        assert!(found.namespaced);
        assert_eq!(found.openapi["properties"]["leaf"], json!({"type": "string"}));
        assert_eq!(found.openapi["properties"]["child"]["properties"]["leaf"], json!({"type": "string"}));
    }

    #[test]
    fn kinds_are_named_once() {
        let template = json!({"spec": {"resources": [
            {"template": {"apiVersion": "v1", "kind": "ConfigMap"}},
            {"template": {"apiVersion": "v1", "kind": "ConfigMap"}},
            {"externalRef": {"apiVersion": "v1", "kind": "Secret"}},
            {"workload": {}},
        ]}});
        assert_eq!(kinds_named(&template), [("v1".into(), "ConfigMap".into()), ("v1".into(), "Secret".into())]);
    }
}
