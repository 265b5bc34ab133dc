//! How objects end: finalizers, owners, namespaces.

use serde_json::{Value, json};
use windlass_apiserver::{Options, Server};
use windlass_store::Store;

use super::{MAPS, World, key, map};

fn owned(name: &str, owner: &Value) -> Value {
    let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": true, "controller": true});
    json!({"metadata": {"name": name, "ownerReferences": [reference]}})
}

#[tokio::test]
async fn finalizers_keep_an_object_until_they_are_gone() {
    let world = World::new().await;
    world.create(MAPS, json!({"metadata": {"name": "a", "finalizers": ["example.com/x"]}})).await;
    let path = format!("{MAPS}/a");
    let (status, waiting) = world.json("DELETE", &path, &Value::Null).await;
    assert_eq!((status, waiting["kind"].as_str()), (200, Some("ConfigMap")));
    assert!(waiting["metadata"]["deletionTimestamp"].is_string());
    let (status, _) = world.json("PATCH", &path, &json!({"metadata": {"finalizers": ["example.com/x", "example.com/y"]}})).await;
    assert_eq!(status, 422, "no new finalizers");
    world.json("PATCH", &path, &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(world.get(&path).await.0, 404);
}

#[tokio::test]
async fn dependents_go_with_their_owner() {
    let world = World::new().await;
    let owner = world.create(MAPS, map("owner")).await;
    let child = world.create(MAPS, owned("child", &owner)).await;
    world.create(MAPS, owned("grandchild", &child)).await;
    world.json("DELETE", &format!("{MAPS}/owner"), &Value::Null).await;
    world.until(&format!("{MAPS}/grandchild"), |status, _| status == 404).await;
    assert_eq!(world.get(&format!("{MAPS}/child")).await.0, 404);
}

#[tokio::test]
async fn in_the_foreground_the_owner_goes_last() {
    let world = World::new().await;
    let owner = world.create(MAPS, map("owner")).await;
    let mut child = owned("child", &owner);
    child["metadata"]["finalizers"] = json!(["example.com/x"]);
    world.create(MAPS, child).await;
    world.json("DELETE", &format!("{MAPS}/owner"), &json!({"propagationPolicy": "Foreground"})).await;
    world.until(&format!("{MAPS}/child"), |_, child| child["metadata"]["deletionTimestamp"].is_string()).await;
    assert_eq!(world.get(&format!("{MAPS}/owner")).await.0, 200);
    world.json("PATCH", &format!("{MAPS}/child"), &json!({"metadata": {"finalizers": null}})).await;
    world.until(&format!("{MAPS}/owner"), |status, _| status == 404).await;
}

#[tokio::test]
async fn orphans_forget_their_owner() {
    let world = World::new().await;
    let owner = world.create(MAPS, map("owner")).await;
    world.create(MAPS, owned("child", &owner)).await;
    world.json("DELETE", &format!("{MAPS}/owner"), &json!({"propagationPolicy": "Orphan"})).await;
    world.until(&format!("{MAPS}/owner"), |status, _| status == 404).await;
    let (status, child) = world.get(&format!("{MAPS}/child")).await;
    assert_eq!((status, child["metadata"].get("ownerReferences")), (200, None));
}

#[tokio::test]
async fn an_object_whose_owner_never_was_is_collected() {
    let world = World::new().await;
    let ghost = json!({"metadata": {"name": "ghost", "uid": "00000000-0000-4000-8000-000000000000"}});
    world.create(MAPS, owned("child", &ghost)).await;
    world.until(&format!("{MAPS}/child"), |status, _| status == 404).await;
}

#[tokio::test]
async fn what_was_left_while_the_server_was_away_is_collected_at_its_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let open = || async {
        let store = Store::open(&path, &windlass_store::Options::default()).unwrap();
        World { server: Server::open(store, Options::new(key())).await.unwrap() }
    };
    let world = open().await;
    let owner = world.create(MAPS, map("owner")).await;
    world.create(MAPS, owned("child", &owner)).await;
    // The collector ends, then the owner goes.
    let (store, router) = (world.server.store().clone(), world.server.router());
    drop(world);
    let stored = store.get(&windlass_store::Key::new("configmaps", "default", "owner")).unwrap();
    let change = windlass_store::Change::Delete;
    let expect = windlass_store::Expect::Version(stored.version);
    store.write(windlass_store::Write { key: stored.key, expect, guards: Vec::new(), change }).await.unwrap();
    drop(router);
    // The loops let go of the store when they have seen the end.
    let mut store = Some(store);
    let world = loop {
        drop(store.take());
        match Store::open(&path, &windlass_store::Options::default()) {
            Ok(store) => break World { server: Server::open(store, Options::new(key())).await.unwrap() },
            Err(windlass_store::StoreError::Held { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    world.until(&format!("{MAPS}/child"), |status, _| status == 404).await;
}

#[tokio::test]
async fn a_namespace_takes_its_content_with_it() {
    let world = World::new().await;
    world.create("/api/v1/namespaces", json!({"metadata": {"name": "n"}})).await;
    world.until("/api/v1/namespaces/n/serviceaccounts/default", |status, _| status == 200).await;
    let held = json!({"metadata": {"name": "held", "finalizers": ["example.com/x"]}});
    world.create("/api/v1/namespaces/n/configmaps", held).await;
    let (status, _) = world.json("DELETE", "/api/v1/namespaces/n", &Value::Null).await;
    assert_eq!(status, 200);
    let (status, refusal) = world.json("POST", "/api/v1/namespaces/n/configmaps", &map("late")).await;
    let message = "configmaps \"late\" is forbidden: unable to create new content in namespace n because it is being terminated";
    assert_eq!((status, refusal["message"].as_str()), (403, Some(message)));
    let remaining = |value: &Value| {
        let conditions = value["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "NamespaceFinalizersRemaining" && condition["status"] == "True")
    };
    world.until("/api/v1/namespaces/n", |_, value| remaining(value)).await;
    world.json("PATCH", "/api/v1/namespaces/n/configmaps/held", &json!({"metadata": {"finalizers": null}})).await;
    world.until("/api/v1/namespaces/n", |status, _| status == 404).await;
    assert_eq!(world.server.store().list("configmaps", Some("n")).items, []);
    let (status, refusal) = world.json("DELETE", "/api/v1/namespaces/default", &Value::Null).await;
    assert_eq!(
        (status, refusal["message"].as_str()),
        (403, Some("namespaces \"default\" is forbidden: this namespace may not be deleted"))
    );
}
