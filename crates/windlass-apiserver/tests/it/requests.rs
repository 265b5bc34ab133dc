//! Single requests: what is answered, refused, stored or not.

use serde_json::{Value, json};
use windlass_apiserver::{Caller, Options, Server, Status};
use windlass_store::Store;

use super::{MAPS, World, admission, key, map};

#[tokio::test]
async fn a_write_that_changes_nothing_moves_nothing() {
    let world = World::new().await;
    world.create(MAPS, map("a")).await;
    let path = format!("{MAPS}/a");
    let before = world.get(&path).await.1;
    let commits = world.server.store().commits();
    let (status, after) = world.json("PATCH", &path, &json!({"data": {"a": "1"}})).await;
    assert_eq!((status, &after), (200, &before));
    let (_, after) = world.json("PUT", &path, &before).await;
    assert_eq!(after, before);
    assert_eq!(world.server.store().commits(), commits);
}

#[tokio::test]
async fn dry_run_shows_and_stores_nothing() {
    let world = World::new().await;
    let (status, shown) = world.json("POST", &format!("{MAPS}?dryRun=All"), &map("a")).await;
    assert_eq!((status, shown["data"]["a"].as_str()), (201, Some("1")));
    assert_eq!(world.get(&format!("{MAPS}/a")).await.0, 404);
}

#[tokio::test]
async fn strict_validation_refuses_unknown_fields_and_warn_says_so() {
    let world = World::new().await;
    let body = json!({"metadata": {"name": "a"}, "dataa": {}});
    let (status, refusal) = world.json("POST", &format!("{MAPS}?fieldValidation=Strict"), &body).await;
    assert_eq!(status, 400);
    let message = "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dataa\"";
    assert_eq!(refusal["message"], message);
    let (status, stored) = world.json("POST", MAPS, &body).await;
    assert_eq!((status, stored.get("dataa")), (201, None));
}

#[tokio::test]
async fn pages_show_the_version_of_the_first() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.create(MAPS, map(name)).await;
    }
    let (_, first) = world.get(&format!("{MAPS}?limit=2")).await;
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    world.json("DELETE", &format!("{MAPS}/c"), &Value::Null).await;
    world.create(MAPS, map("d")).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (_, second) = world.get(&format!("{MAPS}?limit=2&continue={token}")).await;
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let names: Vec<&str> = second["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["c"], "as it was when the first page was read");
}

#[tokio::test]
async fn a_watch_sees_objects_come_into_its_selection_and_leave_it() {
    let world = World::new().await;
    let start = world.create(MAPS, map("a")).await["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let path = format!("{MAPS}/a");
    for labels in [json!({"x": "1"}), json!({"x": "1", "y": "2"}), json!({"x": null})] {
        world.json("PATCH", &path, &json!({"metadata": {"labels": labels}})).await;
    }
    let (_, lines) = world.send("GET", &format!("{MAPS}?watch=1&timeoutSeconds=1&labelSelector=x&resourceVersion={start}"), "", "").await;
    let kinds: Vec<String> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["ADDED", "MODIFIED", "DELETED"]);
}

#[tokio::test]
async fn both_forms_of_events_are_one_storage() {
    let world = World::new().await;
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "X", "name": "y", "namespace": "default"}, "reason": "R", "message": "M", "type": "Normal"});
    world.create("/api/v1/namespaces/default/events", event).await;
    let (_, shown) = world.get("/apis/events.k8s.io/v1/namespaces/default/events/e").await;
    assert_eq!((shown["note"].as_str(), shown["regarding"]["name"].as_str()), (Some("M"), Some("y")));
    let (_, list) = world.get("/api/v1/events?fieldSelector=involvedObject.name=y").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn secrets_are_stored_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path, &windlass_store::Options::default()).unwrap();
    let world = World { server: Server::open(store, Options::new(key())).await.unwrap() };
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"password": "c2xvdy1waWtl"}});
    world.create("/api/v1/namespaces/default/secrets", secret).await;
    let (_, read) = world.get("/api/v1/namespaces/default/secrets/s").await;
    assert_eq!(read["data"]["password"], "YzJ4dmR5MXdhV3Rs");
    let list = world.server.store().list("secrets", None);
    let raw = &list.items[0].value;
    assert!(!raw.windows(8).any(|window| window == b"YzJ4dmR5" || window == b"password"));
}

#[tokio::test]
async fn hooks_see_the_caller_and_can_refuse() {
    let world = World::with(admission(|request, object| {
        if request.name == "bad" {
            return Err(Status::forbidden(request.group, request.resource, request.name, "no"));
        }
        object["metadata"]["annotations"]["changed-by"] = request.caller.name.clone().into();
        Ok(())
    }))
    .await;
    let made = world.create(MAPS, map("good")).await;
    assert_eq!(made["metadata"]["annotations"]["changed-by"], "system:admin");
    let (status, refusal) = world.json("POST", MAPS, &map("bad")).await;
    assert_eq!((status, refusal["message"].as_str()), (403, Some("configmaps \"bad\" is forbidden: no")));
    // A write that changes nothing is nobody's change.
    let before = world.server.store().version();
    world.json("PATCH", &format!("{MAPS}/good"), &json!({"data": {"a": "1"}})).await;
    assert_eq!(world.server.store().version(), before);
}

#[tokio::test]
async fn the_caller_is_who_the_owner_of_the_router_says() {
    use tower::ServiceExt as _;
    let world = World::new().await;
    let mut request = http::Request::builder()
        .method("POST")
        .uri("/apis/authentication.k8s.io/v1/selfsubjectreviews")
        .header("content-type", "application/json")
        .body(axum::body::Body::from("{}"))
        .unwrap();
    request.extensions_mut().insert(Caller { name: "ann".to_owned(), groups: vec!["dev".to_owned()] });
    let response = world.server.router().oneshot(request).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let review: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(review["status"]["userInfo"], json!({"username": "ann", "groups": ["dev"]}));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let world = World::new().await;
    let big = json!({"metadata": {"name": "a"}, "data": {"a": "x".repeat(4 << 20)}});
    let (status, refusal) = world.json("POST", MAPS, &big).await;
    assert_eq!((status, refusal["reason"].as_str()), (413, Some("RequestEntityTooLarge")));
}

#[tokio::test]
async fn metrics_count_answers_open_watches_and_objects_and_name_nobody() {
    let world = World::new().await;
    world.create("/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": "secret-plan"}})).await;
    let (status, _) = world.get("/api/v1/namespaces/default/configmaps/absent").await;
    assert_eq!(status, 404);
    let request = http::Request::get("/api/v1/configmaps?watch=true").body(axum::body::Body::empty()).unwrap();
    let watch = tower::ServiceExt::oneshot(world.server.router(), request).await.unwrap();
    let (status, said) = world.send("GET", "/metrics", "", "").await;
    assert_eq!(status, 200);
    let has = |said: &str, line: &str| assert!(said.lines().any(|found| found == line), "no line `{line}` in\n{said}");
    let asked = r#"group="",version="v1",resource="configmaps",subresource="""#;
    has(&said, &format!("apiserver_request_total{{verb=\"create\",{asked},code=\"201\"}} 1"));
    has(&said, &format!("apiserver_request_total{{verb=\"get\",{asked},code=\"404\"}} 1"));
    has(&said, &format!("apiserver_request_duration_seconds_count{{verb=\"get\",{asked}}} 1"));
    has(&said, &format!("apiserver_longrunning_requests{{verb=\"watch\",{asked}}} 1"));
    has(&said, r#"apiserver_storage_objects{resource="configmaps"} 1"#);
    assert!(said.ends_with("# EOF\n") && !said.contains("secret-plan"), "{said}");
    drop(watch);
    let (_, said) = world.send("GET", "/metrics", "", "").await;
    has(&said, &format!("apiserver_longrunning_requests{{verb=\"watch\",{asked}}} 0"));
}
