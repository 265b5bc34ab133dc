//! The server from outside, in process, through `kube::Client` and plain requests: what clients and controllers rely on.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod clients;
mod definitions;
mod lifecycle;
mod logs;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use windlass_apiserver::{EncryptionKey, Options, Server};
use windlass_store::Store;

/// A server over a store in memory.
struct World {
    server: Server,
}

impl World {
    async fn new() -> World {
        World::with(Options::new(key())).await
    }

    async fn with(options: Options) -> World {
        let store = Store::in_memory(&windlass_store::Options::default()).unwrap();
        World { server: Server::open(store, options).await.unwrap() }
    }

    fn client(&self) -> kube::Client {
        kube::Client::new(self.server.router().map_request(|request: Request<kube::client::Body>| request.map(Body::new)), "default")
    }

    /// Status and body of a request.
    async fn send(&self, method: &str, path: &str, media: &str, body: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).header("content-type", media).header("user-agent", "test/1");
        let response = self.server.router().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) = self.send(method, path, media, &text).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.json("GET", path, &Value::Null).await
    }

    async fn create(&self, path: &str, body: Value) -> Value {
        let (status, value) = self.json("POST", path, &body).await;
        assert_eq!(status, 201, "{value}");
        value
    }

    /// Waits until a request answers as wished.
    async fn until(&self, path: &str, done: impl Fn(u16, &Value) -> bool) -> Value {
        let wait = async {
            let mut changes = self.server.store().follow();
            loop {
                let (status, value) = self.get(path).await;
                if done(status, &value) {
                    return value;
                }
                // Most things that are waited for are written; a new schema is only served.
                drop(tokio::time::timeout(Duration::from_millis(20), changes.next()).await);
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("`{path}` does not come to be as wished"))
    }
}

fn key() -> EncryptionKey {
    EncryptionKey::new(&[7; 32])
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"a": "1"}})
}

fn admission(
    hook: impl Fn(&windlass_apiserver::AdmissionRequest<'_>, &mut Value) -> Result<(), windlass_apiserver::Status> + Send + Sync + 'static,
) -> Options {
    let mut options = Options::new(key());
    options.admission.push(Arc::new(hook));
    options
}
