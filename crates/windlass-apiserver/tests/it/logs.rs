//! The `log` subresource, over a source that is made up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use http::Request;
use serde_json::json;
use tower::ServiceExt as _;
use windlass_apiserver::{LogLine, LogLines, LogRequest, LogSource, Options, Status};

use super::{MAPS, World, key, map};

/// ConfigMaps write two lines, and with `follow` never end; one called `silent` is refused, Secrets are unknown.
#[derive(Default)]
struct Maps {
    open: Arc<AtomicUsize>,
}

/// Counts streams that are open.
struct Opened(Arc<AtomicUsize>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl LogSource for Maps {
    fn open(&self, request: LogRequest) -> BoxFuture<'static, Result<Option<LogLines>, Status>> {
        self.open.fetch_add(1, Ordering::SeqCst);
        let opened = Opened(Arc::clone(&self.open));
        Box::pin(async move {
            if request.kind != "ConfigMap" {
                return Ok(None);
            }
            if request.name == "silent" {
                return Err(Status::new(400, "BadRequest", "it says nothing\n  hint: ask another"));
            }
            let line = |text: String| LogLine { origin: "app/replica-0".into(), time: "2026-01-01T00:00:00.000Z".into(), text };
            let said = line(format!("{:?}", request.options.others));
            let past = futures::stream::iter([vec![line(request.uid), said]]);
            let rest =
                if request.options.follow { futures::stream::pending().left_stream() } else { futures::stream::empty().right_stream() };
            let lines = past.chain(rest).map(move |batch| {
                // It lives as long as the stream.
                let _held = &opened;
                batch
            });
            Ok(Some(lines.boxed()))
        })
    }
}

async fn world() -> (World, Arc<Maps>) {
    let source = Arc::new(Maps::default());
    let world = World::with(Options { logs: Some(Arc::clone(&source) as Arc<dyn LogSource>), ..Options::new(key()) }).await;
    (world, source)
}

#[tokio::test]
async fn output_is_text_with_what_was_asked_for() {
    let (world, _) = world().await;
    let uid = world.create(MAPS, map("a")).await["metadata"]["uid"].as_str().unwrap().to_owned();
    let path = format!("{MAPS}/a/log");
    let text = world.send("GET", &path, "", "").await;
    assert_eq!(text, (200, format!("{uid}\n{{}}\n")));
    let (_, text) = world.send("GET", &format!("{path}?prefix=true&timestamps=true&replica=1&limitBytes=46"), "", "").await;
    assert_eq!(text, format!("[app/replica-0] 2026-01-01T00:00:00.000Z {}", &uid[..5]));
}

#[tokio::test]
async fn who_has_no_output_is_told_so() {
    let (world, _) = world().await;
    world.create(MAPS, map("silent")).await;
    let secrets = "/api/v1/namespaces/default/secrets";
    world.create(secrets, json!({"metadata": {"name": "s"}})).await;
    let check = async |method: &str, path: &str, expected: (u16, &str)| {
        let (code, status) = world.json(method, path, &serde_json::Value::Null).await;
        assert_eq!((code, status["message"].as_str().unwrap()), expected, "{path}");
    };
    check("GET", &format!("{MAPS}/silent/log"), (400, "it says nothing\n  hint: ask another")).await;
    check("GET", &format!("{MAPS}/none/log"), (404, "configmaps \"none\" not found")).await;
    check("GET", &format!("{secrets}/s/log"), (404, "objects of secrets have no logs, and so \"s\" has none")).await;
    check("POST", &format!("{MAPS}/silent/log"), (405, "the server does not allow this method on the requested resource")).await;
    let nothing = "the server could not find the requested resource";
    check("GET", "/apis/authentication.k8s.io/v1/selfsubjectreviews/x/log", (404, nothing)).await;
    // As a server that was given no source.
    let world = World::new().await;
    world.create(MAPS, map("a")).await;
    let (code, status) = world.get(&format!("{MAPS}/a/log")).await;
    assert_eq!((code, status["message"].as_str()), (404, Some(nothing)));
}

#[tokio::test]
async fn following_ends_with_the_client_or_the_object() {
    let (world, source) = world().await;
    world.create(MAPS, map("a")).await;
    let open = async || {
        let request = Request::get(format!("{MAPS}/a/log?follow=true")).body(Body::empty()).unwrap();
        let mut body = world.server.router().oneshot(request).await.unwrap().into_body().into_data_stream();
        assert!(body.next().await.unwrap().is_ok());
        body
    };
    let (first, mut second) = (open().await, open().await);
    assert_eq!(source.open.load(Ordering::SeqCst), 2);
    drop(first);
    assert_eq!(source.open.load(Ordering::SeqCst), 1, "the client is gone");
    world.json("DELETE", &format!("{MAPS}/a"), &serde_json::Value::Null).await;
    assert!(second.next().await.is_none());
    drop(second);
    assert_eq!(source.open.load(Ordering::SeqCst), 0);
}
