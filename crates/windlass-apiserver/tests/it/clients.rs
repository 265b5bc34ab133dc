//! kube-rs against the server: watchers of both sorts, server-side apply, finalizers, events, metadata, discovery.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use serde_json::json;

use super::{MAPS, World, map};

fn typed(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value}})).unwrap()
}

async fn watches(config: watcher::Config) {
    let world = World::new().await;
    world.create(MAPS, map("before")).await;
    let api: Api<ConfigMap> = Api::namespaced(world.client(), "default");
    let mut events = pin!(kube::runtime::watcher(api.clone(), config));
    let mut seen = Vec::new();
    let mut made = false;
    while seen.last().map(String::as_str) != Some("delete after") {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap().unwrap();
        let name = |object: ConfigMap| object.metadata.name.unwrap_or_default();
        seen.push(match event {
            Event::Init => "init".to_owned(),
            Event::InitApply(object) => format!("initial {}", name(object)),
            Event::InitDone => "done".to_owned(),
            Event::Apply(object) => format!("apply {}", name(object)),
            Event::Delete(object) => format!("delete {}", name(object)),
        });
        if seen.last().map(String::as_str) == Some("done") && !made {
            made = true;
            api.create(&PostParams::default(), &typed("after", "1")).await.unwrap();
            api.delete("after", &Default::default()).await.unwrap();
        }
    }
    assert_eq!(seen, ["init", "initial before", "done", "apply after", "delete after"]);
}

#[tokio::test]
async fn a_watcher_lists_and_watches() {
    watches(watcher::Config::default()).await;
}

#[tokio::test]
async fn a_watcher_streams_its_list() {
    watches(watcher::Config::default().streaming_lists()).await;
}

#[tokio::test]
async fn two_appliers_conflict_until_one_forces() {
    let world = World::new().await;
    let api: Api<ConfigMap> = Api::namespaced(world.client(), "default");
    api.patch("a", &PatchParams::apply("one"), &Patch::Apply(typed("a", "1"))).await.unwrap();
    let refused = api.patch("a", &PatchParams::apply("two"), &Patch::Apply(typed("a", "2"))).await.unwrap_err();
    assert!(refused.to_string().contains("conflict with \"one\": .data.a"), "{refused}");
    let forced = api.patch("a", &PatchParams::apply("two").force(), &Patch::Apply(typed("a", "2"))).await.unwrap();
    assert_eq!(forced.data.unwrap()["a"], "2");
    let before = world.server.store().version();
    api.patch("a", &PatchParams::apply("two"), &Patch::Apply(typed("a", "2"))).await.unwrap();
    assert_eq!(world.server.store().version(), before, "the same again is no write");
}

#[tokio::test]
async fn metadata_and_discovery_are_answered() {
    let world = World::new().await;
    world.create(MAPS, map("a")).await;
    let api: Api<ConfigMap> = Api::namespaced(world.client(), "default");
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items[0].metadata.name.as_deref(), Some("a"));
    let old = kube::Discovery::new(world.client()).run().await.unwrap();
    let new = kube::Discovery::new(world.client()).run_aggregated().await.unwrap();
    for discovery in [old, new] {
        assert!(discovery.has_group("apps"));
        let (resource, _) = discovery.get("").unwrap().recommended_kind("ConfigMap").unwrap();
        assert_eq!(resource.plural, "configmaps");
    }
}

#[tokio::test]
async fn many_writers_all_get_through() {
    let world = World::new().await;
    let api: Api<ConfigMap> = Api::namespaced(world.client(), "default");
    let parameters = PostParams::default();
    let writes = (0..64).map(|number| {
        let (api, parameters) = (&api, &parameters);
        async move { api.create(parameters, &typed(&format!("n{number}"), "1")).await.map(drop) }
    });
    futures::future::join_all(writes).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 64);
}

#[tokio::test]
async fn the_finalizer_of_kube_is_added_and_removed() {
    use kube::runtime::finalizer::{Event, finalizer};
    let world = World::new().await;
    world.create(MAPS, map("a")).await;
    let api: Api<ConfigMap> = Api::namespaced(world.client(), "default");
    let reconcile = async |event: Event<ConfigMap>| -> Result<kube::runtime::controller::Action, std::io::Error> {
        drop(event);
        Ok(kube::runtime::controller::Action::await_change())
    };
    let now = async || std::sync::Arc::new(api.get("a").await.unwrap());
    finalizer(&api, "example.com/x", now().await, &reconcile).await.unwrap();
    assert_eq!(now().await.metadata.finalizers.as_deref(), Some(&["example.com/x".to_owned()][..]));
    api.delete("a", &Default::default()).await.unwrap();
    finalizer(&api, "example.com/x", now().await, reconcile).await.unwrap();
    assert_eq!(world.get(&format!("{MAPS}/a")).await.0, 404);
}
