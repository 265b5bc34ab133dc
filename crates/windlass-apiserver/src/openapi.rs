//! `/openapi/v3`: the index and one document for each group and version; `/openapi/v2`: one document of all (`v2.rs`).
//!
//! Documents are made when they are asked for and not kept: clients keep them on disk, by the hashes that are kept here.

mod gnostic;
mod v2;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::discovery::content_hash;
use crate::registry::{Registry, api_version};
use crate::{answer, builtin, crd};

pub(crate) use v2::document as v2;

/// The document's name in the index: `api/v1`, `apis/apps/v1`.
fn document_name(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// The hash of each document, found once for a registry.
fn hashes(registry: &Registry) -> &BTreeMap<String, String> {
    registry.documents.get_or_init(|| {
        registry
            .group_versions()
            .map(|(group, version)| (document_name(group, version), content_hash(document_of(registry, group, version).as_bytes())))
            .collect()
    })
}

fn document_of(registry: &Registry, group: &str, version: &str) -> String {
    if let Some(document) = builtin::openapi(&api_version(group, version)) {
        return document;
    }
    let resources = registry.resources(group, version).unwrap_or_default();
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for resource in resources {
        crd::document::describe(resource, &mut paths, &mut schemas);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
    .to_string()
}

/// `/openapi/v3`
pub(crate) async fn index(State(api): State<Arc<Api>>) -> Response {
    let registry = api.registry();
    let paths: Map<String, Value> = hashes(&registry)
        .iter()
        .map(|(name, hash)| (name.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{name}?hash={hash}")})))
        .collect();
    answer::json_bytes(StatusCode::OK, Bytes::from(json!({"paths": paths}).to_string()))
}

/// `/openapi/v3/DOCUMENT`
pub(crate) async fn document(State(api): State<Arc<Api>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let registry = api.registry();
    let name = name.trim_end_matches('/');
    let Some(hash) = hashes(&registry).get(name) else { return answer::no_such_page() };
    let tag = format!("\"{hash}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes()) {
        return tagged(answer::json_bytes(StatusCode::NOT_MODIFIED, Bytes::new()), &tag);
    }
    let found = registry.group_versions().find(|(group, version)| document_name(group, version) == name);
    let Some((group, version)) = found else { return answer::no_such_page() };
    tagged(answer::json_bytes(StatusCode::OK, Bytes::from(document_of(&registry, group, version))), &tag)
}

fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
