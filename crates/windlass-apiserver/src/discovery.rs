//! What is served: `/api` and `/apis` in the aggregated form (v2) and in the older one, group by group.
//!
//! Source: KEP-3352 and `k8s.io/api/apidiscovery/v2`. Clients that ask for the beta of the aggregated form get the older one.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::answer::{self, json_bytes};
use crate::api::Api;
use crate::registry::{Registry, Resource, api_version};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

fn wants_aggregated(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).any(|offer| {
        let parts: Vec<&str> = offer.split(';').map(str::trim).collect();
        parts.contains(&"v=v2") && parts.contains(&"as=APIGroupDiscoveryList") && parts.contains(&"g=apidiscovery.k8s.io")
    })
}

/// A hash that names a document's content.
pub(crate) fn content_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect()
}

fn aggregated(headers: &HeaderMap, document: &Bytes) -> Response {
    let tag = format!("\"{}\"", content_hash(document));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = if known {
        answer::with_type(StatusCode::NOT_MODIFIED, AGGREGATED, Bytes::new())
    } else {
        answer::with_type(StatusCode::OK, AGGREGATED, document.clone())
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// `/api`
pub(crate) async fn core(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    if wants_aggregated(&headers) {
        return aggregated(&headers, &documents(&api.registry()).0);
    }
    answer_json(&json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))
}

/// `/apis`
pub(crate) async fn all(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let registry = api.registry();
    if wants_aggregated(&headers) {
        return aggregated(&headers, &documents(&registry).1);
    }
    let groups: Vec<Value> = registry.groups().filter_map(|group| group_value(&registry, group)).collect();
    answer_json(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `/apis/GROUP`
pub(crate) async fn group(State(api): State<Arc<Api>>, Path(group): Path<String>) -> Response {
    match group_value(&api.registry(), &group).filter(|_| !group.is_empty()) {
        Some(mut value) => {
            let mut out = json!({"kind": "APIGroup", "apiVersion": "v1"});
            if let (Some(out), Some(value)) = (out.as_object_mut(), value.as_object_mut()) {
                out.append(value);
            }
            answer_json(&out)
        }
        None => answer::no_such_page(),
    }
}

/// `/api/VERSION`
pub(crate) async fn core_version(State(api): State<Arc<Api>>, Path(version): Path<String>) -> Response {
    resources(&api.registry(), "", &version)
}

/// `/apis/GROUP/VERSION`
pub(crate) async fn group_version(State(api): State<Arc<Api>>, Path((group, version)): Path<(String, String)>) -> Response {
    resources(&api.registry(), &group, &version)
}

/// `/`: every path at which something begins.
pub(crate) async fn paths(State(api): State<Arc<Api>>) -> Response {
    let registry = api.registry();
    let mut paths: Vec<String> = ["/api", "/api/v1", "/apis", "/apis/"].map(str::to_owned).to_vec();
    for group in registry.groups() {
        paths.push(format!("/apis/{group}"));
        paths.extend(registry.versions(group).into_iter().flatten().map(|version| format!("/apis/{group}/{version}")));
    }
    paths.extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/readyz", "/version"].map(str::to_owned));
    answer_json(&json!({"paths": paths}))
}

fn answer_json(value: &Value) -> Response {
    json_bytes(StatusCode::OK, Bytes::from(value.to_string()))
}

fn group_value(registry: &Registry, group: &str) -> Option<Value> {
    let versions: Vec<Value> =
        registry.versions(group)?.iter().map(|version| json!({"groupVersion": api_version(group, version), "version": version})).collect();
    let preferred = versions.first().cloned();
    Some(json!({"name": group, "versions": versions, "preferredVersion": preferred}))
}

fn resources(registry: &Registry, group: &str, version: &str) -> Response {
    let Some(resources) = registry.resources(group, version) else { return answer::no_such_page() };
    let mut list = Vec::new();
    for resource in resources {
        let mut value = json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": resource.verbs,
        });
        for (field, texts) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
            if !texts.is_empty() {
                value[field] = texts.clone().into();
            }
        }
        if resource.is_stored() {
            value["storageVersionHash"] = storage_hash(resource).into();
        }
        list.push(value);
        for (name, verbs) in resource.subresources() {
            let (group, version, kind) = subresource_kind(resource, name);
            let mut value = json!({"name": format!("{}/{name}", resource.plural), "singularName": "", "namespaced": resource.namespaced});
            if !group.is_empty() {
                value["group"] = group.into();
                value["version"] = version.into();
            }
            value["kind"] = kind.into();
            value["verbs"] = verbs.to_vec().into();
            list.push(value);
        }
    }
    answer_json(&json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version(group, version), "resources": list}))
}

/// Changes when objects are stored in another form; clients compare it and read nothing out of it.
fn storage_hash(resource: &Resource) -> String {
    let digest = Sha256::digest(format!("{}/{}", resource.stored_as, resource.kind));
    base64::engine::general_purpose::STANDARD.encode(&digest[..8])
}

fn subresource_kind<'a>(resource: &'a Resource, subresource: &str) -> (&'a str, &'a str, &'a str) {
    if subresource == "scale" { ("autoscaling", "v1", "Scale") } else { ("", "", &resource.kind) }
}

/// The aggregated documents for `/api` and `/apis`, made once for a registry.
fn documents(registry: &Registry) -> &(Bytes, Bytes) {
    registry.discovery.get_or_init(|| {
        let core = group_discovery(registry, "");
        let rest: Vec<Value> = registry.groups().filter_map(|group| group_discovery(registry, group)).collect();
        (list(core.into_iter().collect()), list(rest))
    })
}

fn list(items: Vec<Value>) -> Bytes {
    Bytes::from(
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}).to_string(),
    )
}

fn group_discovery(registry: &Registry, group: &str) -> Option<Value> {
    let versions: Vec<Value> = registry
        .versions(group)?
        .into_iter()
        .filter_map(|version| {
            let resources: Vec<Value> = registry.resources(group, version)?.iter().map(|resource| resource_discovery(resource)).collect();
            Some(json!({"version": version, "resources": resources, "freshness": "Current"}))
        })
        .collect();
    let meta = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    Some(json!({"metadata": meta, "versions": versions}))
}

fn resource_discovery(resource: &Resource) -> Value {
    let mut value = json!({
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    for (field, texts) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !texts.is_empty() {
            value[field] = texts.clone().into();
        }
    }
    let subresources: Vec<Value> = resource
        .subresources()
        .into_iter()
        .map(|(name, verbs)| {
            let (group, version, kind) = match subresource_kind(resource, name) {
                ("", _, kind) => (resource.group.as_str(), resource.version.as_str(), kind),
                other => other,
            };
            json!({"subresource": name, "responseKind": {"group": group, "version": version, "kind": kind}, "verbs": verbs})
        })
        .collect();
    if !subresources.is_empty() {
        value["subresources"] = subresources.into();
    }
    value
}
