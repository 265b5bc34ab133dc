//! A Kubernetes API of a few lines: objects in a map, list, watch, get, create, replace, merge patch, delete.
//!
//! It checks nothing. What the portal needs from a real one is shown by the end-to-end suite.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;

/// The API; clones share their objects.
#[derive(Clone)]
pub(crate) struct Fake {
    inner: Arc<Mutex<Inner>>,
    changes: broadcast::Sender<(String, Value)>,
}

#[derive(Default)]
struct Inner {
    /// By plural, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    version: u64,
    refusal: Option<Value>,
    forbidden: Option<String>,
    fails: bool,
}

impl Default for Fake {
    fn default() -> Self {
        Self { inner: Arc::default(), changes: broadcast::channel(4096).0 }
    }
}

impl Fake {
    pub(crate) fn router(&self) -> axum::Router {
        let fake = self.clone();
        axum::Router::new().fallback(move |request: Request<Body>| {
            let fake = fake.clone();
            async move { fake.answer(request).await }
        })
    }

    /// Stores an object, as if somebody had written it.
    pub(crate) fn put(&self, mut object: Value) -> Value {
        let mut inner = self.inner.lock().expect("no test panics while holding it");
        inner.version += 1;
        let plural = plural(&object);
        object["metadata"]["resourceVersion"] = inner.version.to_string().into();
        if object["metadata"]["creationTimestamp"].is_null() {
            object["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z".into();
        }
        let key = (plural.clone(), text(&object, "/metadata/namespace"), text(&object, "/metadata/name"));
        let type_ = if inner.objects.insert(key, object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
        self.changes.send((plural, json!({"type": type_, "object": object}))).ok();
        object
    }

    pub(crate) fn object(&self, plural: &str, name: &str) -> Option<Value> {
        let inner = self.inner.lock().expect("no test panics while holding it");
        inner.objects.iter().find(|((kind, _, known), _)| kind == plural && known == name).map(|(_, object)| object.clone())
    }

    /// Answers dry runs with these causes.
    pub(crate) fn refuse(&self, causes: Value) {
        self.inner.lock().expect("no test panics while holding it").refusal = Some(causes);
    }

    pub(crate) fn forbid_deletes(&self, message: &str) {
        self.inner.lock().expect("no test panics while holding it").forbidden = Some(message.to_owned());
    }

    /// From now on every answer is an error.
    pub(crate) fn fail(&self) {
        self.inner.lock().expect("no test panics while holding it").fails = true;
    }

    async fn answer(&self, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        let (plural, namespace, name) = place(parts.uri.path());
        if self.inner.lock().expect("no test panics while holding it").fails {
            return failure(500, "InternalError", "the disk is full", json!([]));
        }
        if query.contains("watch=true") {
            return self.watch(plural);
        }
        match (parts.method, name) {
            (Method::GET, None) => self.list(&plural, &namespace),
            (Method::GET, Some(name)) => self.find(&plural, &namespace, &name, |object| object),
            (Method::POST, _) => self.write(body, query, true),
            (Method::PUT, _) => self.write(body, query, false),
            (Method::PATCH, Some(name)) => self.find(&plural, &namespace, &name, |mut object| {
                merge(&mut object, &body);
                self.put(object)
            }),
            (Method::DELETE, Some(name)) => self.delete(&plural, &namespace, &name),
            _ => failure(405, "MethodNotAllowed", "not here", json!([])),
        }
    }

    fn watch(&self, plural: String) -> Response {
        let changes = tokio_stream::wrappers::BroadcastStream::new(self.changes.subscribe());
        let lines = changes.filter_map(move |change| {
            let line = change.ok().filter(|(kind, _)| *kind == plural).map(|(_, event)| Ok::<_, Infallible>(format!("{event}\n")));
            std::future::ready(line)
        });
        Body::from_stream(lines).into_response()
    }

    fn list(&self, plural: &str, namespace: &str) -> Response {
        let inner = self.inner.lock().expect("no test panics while holding it");
        let wanted = |(kind, place, _): &(String, String, String)| kind == plural && (namespace.is_empty() || place == namespace);
        let items: Vec<&Value> = inner.objects.iter().filter(|(key, _)| wanted(key)).map(|(_, object)| object).collect();
        axum::Json(json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": inner.version.to_string()}, "items": items}))
            .into_response()
    }

    fn find(&self, plural: &str, namespace: &str, name: &str, then: impl FnOnce(Value) -> Value) -> Response {
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        let found = self.inner.lock().expect("no test panics while holding it").objects.get(&key).cloned();
        match found {
            Some(object) => axum::Json(then(object)).into_response(),
            None => failure(404, "NotFound", &format!("{plural} \"{name}\" not found"), json!([])),
        }
    }

    fn write(&self, mut body: Value, query: &str, is_new: bool) -> Response {
        let (plural, name) = (plural(&body), text(&body, "/metadata/name"));
        if is_new && self.object(&plural, &name).is_some() {
            return failure(409, "AlreadyExists", &format!("{plural} \"{name}\" already exists"), json!([]));
        }
        if plural == "webapps" && body["spec"]["port"].is_null() {
            body["spec"]["port"] = 8080.into();
        }
        if query.contains("dryRun=All") {
            return match self.inner.lock().expect("no test panics while holding it").refusal.clone() {
                Some(causes) => failure(422, "Invalid", "it is invalid", causes),
                None => axum::Json(body).into_response(),
            };
        }
        axum::Json(self.put(body)).into_response()
    }

    fn delete(&self, plural: &str, namespace: &str, name: &str) -> Response {
        let mut inner = self.inner.lock().expect("no test panics while holding it");
        if let Some(message) = &inner.forbidden {
            return failure(403, "Forbidden", message, json!([]));
        }
        inner.objects.remove(&(plural.to_owned(), namespace.to_owned(), name.to_owned()));
        axum::Json(json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})).into_response()
    }
}

/// Plural, namespace and name in a path.
fn place(path: &str) -> (String, String, Option<String>) {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let rest = if parts.first() == Some(&"api") { parts.get(2..) } else { parts.get(3..) }.unwrap_or_default();
    let owned = |text: &&str| (*text).to_owned();
    match rest {
        ["namespaces", namespace, plural, rest @ ..] => ((*plural).to_owned(), (*namespace).to_owned(), rest.first().map(owned)),
        [plural, rest @ ..] => ((*plural).to_owned(), String::new(), rest.first().map(owned)),
        [] => (String::new(), String::new(), None),
    }
}

fn plural(object: &Value) -> String {
    format!("{}s", text(object, "/kind").to_lowercase())
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in fields {
        merge(&mut into[key.as_str()], value);
    }
}

fn failure(code: u16, reason: &str, message: &str, causes: Value) -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason, "message": message, "details": {"causes": causes}});
    (StatusCode::from_u16(code).expect("a status"), axum::Json(status)).into_response()
}

/// A Template that serves `WebApp`.
pub(crate) fn template() -> Value {
    let sizes = json!({"S": {"replicas": 1, "memory": "128Mi", "price": "5 EUR/month"}, "M": {"replicas": 2, "memory": "512Mi", "price": "25 EUR/month"}});
    json!({
        "apiVersion": "windlass.dev/v1alpha1", "kind": "Template", "metadata": {"name": "web-app", "uid": "t"},
        "spec": {"title": "Web application", "owner": "group:platform", "schema": {"kind": "WebApp"}, "sizes": {"values": sizes}},
        "status": {"revision": "web-app-1", "kind": {"group": "platform.windlass.dev", "version": "v1alpha1", "kind": "WebApp", "plural": "webapps", "namespaced": true},
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "KindReady", "status": "True"}]},
    })
}

/// The generated kind.
pub(crate) fn definition() -> Value {
    let spec = json!({"type": "object", "properties": {
        "source": {"type": "string", "description": "Directory with a Procfile"},
        "port": {"type": "integer", "default": 8080, "minimum": 1, "maximum": 65535},
        "size": {"type": "string", "enum": ["S", "M"], "default": "S"},
    }});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "webapps.platform.windlass.dev"},
        "spec": {"versions": [{"name": "v1alpha1", "schema": {"openAPIV3Schema": {"properties": {"spec": spec}}}}]},
    })
}

/// A `WebApp` in namespace `shop`.
pub(crate) fn instance(name: &str, status: Value) -> Value {
    json!({
        "apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 1},
        "spec": {"source": "/srv"}, "status": status,
    })
}

/// A Run in namespace `shop`; its instance is what stands before the first `-` of its name.
pub(crate) fn run(name: &str, spec: Value, status: Value) -> Value {
    let about = name.split('-').next().unwrap_or_default();
    let mut run = json!({
        "apiVersion": "windlass.dev/v1alpha1", "kind": "Run", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"instance": {"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "namespace": "shop", "name": about, "uid": format!("uid-{about}")}},
        "status": status,
    });
    merge(&mut run["spec"], &spec);
    run
}
