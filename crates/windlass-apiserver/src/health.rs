//! `/version` and the health endpoints with their single checks.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::answer::{self, json_bytes};
use crate::api::Api;

/// The Kubernetes API that is served.
const MINOR: &str = "35";

/// A named check; true is good.
type Check = (&'static str, fn(&Api) -> bool);

const CHECKS: &[Check] = &[
    ("ping", |_| true),
    ("log", |_| true),
    ("etcd", store_answers),
    ("poststarthook/start-apiextensions-controllers", is_running),
    ("poststarthook/crd-informer-synced", is_running),
    ("poststarthook/start-system-namespaces-controller", is_running),
];
/// Only for readiness: a server that shuts down is alive and not ready.
const READY: &[Check] = &[("etcd-readiness", store_answers), ("informer-sync", is_running), ("shutdown", is_running)];

/// The store takes the place of etcd, and the name that people look for.
fn store_answers(api: &Api) -> bool {
    api.store.version() > 0
}

fn is_running(api: &Api) -> bool {
    !api.stop.is_cancelled()
}

fn checks(endpoint: &str) -> Option<Vec<Check>> {
    match endpoint {
        "healthz" | "livez" => Some(CHECKS.to_vec()),
        "readyz" => Some(CHECKS.iter().chain(READY).copied().collect()),
        _ => None,
    }
}

/// `/version`
pub(crate) async fn version(State(api): State<Arc<Api>>) -> Response {
    let build = &api.options.build;
    let info = json!({
        "major": "1", "minor": MINOR, "emulationMajor": "1", "emulationMinor": MINOR, "minCompatibilityMajor": "1", "minCompatibilityMinor": "34",
        "gitVersion": format!("v1.{MINOR}.0+{build}"), "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "", "platform": format!("{}/{}", std::env::consts::OS, platform()),
    });
    json_bytes(StatusCode::OK, Bytes::from(info.to_string()))
}

fn platform() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// `/healthz`
pub(crate) async fn healthz(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Response {
    run(&api, "healthz", query.as_deref().unwrap_or_default())
}

/// `/livez`
pub(crate) async fn livez(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Response {
    run(&api, "livez", query.as_deref().unwrap_or_default())
}

/// `/readyz`
pub(crate) async fn readyz(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Response {
    run(&api, "readyz", query.as_deref().unwrap_or_default())
}

/// `/readyz/CHECK` and its sisters.
pub(crate) async fn check(State(api): State<Arc<Api>>, Path((endpoint, name)): Path<(String, String)>) -> Response {
    let found = checks(&endpoint).and_then(|checks| checks.into_iter().find(|(known, _)| *known == name));
    match found {
        Some((_, check)) if check(&api) => answer::text(StatusCode::OK, "ok"),
        Some(_) => answer::text(StatusCode::INTERNAL_SERVER_ERROR, "internal server error: not ok\n"),
        None => answer::no_such_page(),
    }
}

fn run(api: &Api, endpoint: &str, query: &str) -> Response {
    let options: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let verbose = options.iter().any(|(name, _)| *name == "verbose");
    let mut lines = String::new();
    let mut failed = false;
    for (name, check) in checks(endpoint).unwrap_or_default() {
        if options.contains(&("exclude", name)) {
            lines.push_str(&format!("[+]{name} excluded: ok\n"));
        } else if check(api) {
            lines.push_str(&format!("[+]{name} ok\n"));
        } else {
            failed = true;
            lines.push_str(&format!("[-]{name} failed: reason withheld\n"));
        }
    }
    if failed {
        return answer::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{lines}{endpoint} check failed\n"));
    }
    answer::text(StatusCode::OK, if verbose { format!("{lines}{endpoint} check passed\n") } else { "ok".to_owned() })
}
