//! What controllers rely on, through kube-rs: lists with watches, a controller with what it owns, metadata alone,
//! server-side apply, discovery. Every test has a namespace of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PartialObjectMeta, Patch, PatchParams, PostParams, PropagationPolicy};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::finalizer::{self, finalizer};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, wait};
use kube::{Client, Resource as _, ResourceExt as _};
use windlass_e2e::Settings;

/// How long one test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A test: a client, and the namespace that is its own.
pub(crate) type Test = fn(Client, String) -> futures::future::BoxFuture<'static, anyhow::Result<()>>;

/// All of them.
pub(crate) const TESTS: [(&str, Test); 8] = [
    ("list_and_watch", |client, namespace| Box::pin(watch(client, namespace, watcher::Config::default().page_size(2)))),
    ("streaming_list", |client, namespace| Box::pin(watch(client, namespace, watcher::Config::default().streaming_lists()))),
    ("controller_with_owned_object_and_finalizer", |client, namespace| Box::pin(controller(client, namespace))),
    ("metadata_alone", |client, namespace| Box::pin(metadata(client, namespace))),
    ("server_side_apply", |client, namespace| Box::pin(server_side_apply(client, namespace))),
    ("optimistic_locking", |client, namespace| Box::pin(locking(client, namespace))),
    ("discovery", |client, _| Box::pin(discovery(client))),
    ("collection_delete_with_preconditions", |client, namespace| Box::pin(deletion(client, namespace))),
];

/// Runs one.
pub(crate) fn run(settings: &Settings, name: &str, test: Test, marker: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(async {
        let kubeconfig = kube::config::Kubeconfig::read_from(&settings.kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        let namespace = format!("client-{}-{marker}", name.replace('_', "-"));
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
        namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await?;
        let result = tokio::time::timeout(LIMIT, test(client, namespace.clone())).await;
        // What cannot be removed does no harm: names are never used twice.
        drop(namespaces.delete(&namespace, &DeleteParams::default()).await);
        result.context("it took too long")?
    });
    outcome.map_err(|error| format!("{error:?}"))
}

fn config_map(name: &str, value: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some(BTreeMap::from([("k".to_owned(), value.to_owned())])),
        ..ConfigMap::default()
    }
}

/// What is there is seen first, then each change, and nothing else.
async fn watch(client: Client, namespace: String, config: watcher::Config) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    for name in ["a", "b", "c"] {
        maps.create(&PostParams::default(), &config_map(name, "1")).await?;
    }
    let mut events = watcher::watcher(maps.clone(), config.labels("!ignored").fields("metadata.name!=kube-root-ca.crt")).boxed();
    let mut seen = Vec::new();
    loop {
        match events.try_next().await?.context("the watch ended")? {
            Event::Init => {}
            Event::InitApply(object) => seen.push(object.name_any()),
            Event::InitDone => break,
            other => anyhow::bail!("{other:?} before the list was complete"),
        }
    }
    // A list may be served from a cache that is a little behind: what it lacks follows as a change, and nothing comes twice.
    while seen.len() < 3 {
        match events.try_next().await?.context("the watch ended")? {
            Event::Apply(object) => seen.push(object.name_any()),
            other => anyhow::bail!("{other:?} before all was seen"),
        }
    }
    seen.sort();
    ensure!(seen == ["a", "b", "c"], "listed {seen:?}");
    maps.patch("a", &PatchParams::default(), &Patch::Merge(serde_json::json!({"data": {"k": "2"}}))).await?;
    maps.delete("b", &DeleteParams::default()).await?;
    maps.create(&PostParams::default(), &config_map("d", "1")).await?;
    let mut changes = Vec::new();
    while changes.len() < 3 {
        changes.push(match events.try_next().await?.context("the watch ended")? {
            Event::Apply(object) => format!("+{}", object.name_any()),
            Event::Delete(object) => format!("-{}", object.name_any()),
            other => anyhow::bail!("{other:?} after the list"),
        });
    }
    ensure!(changes == ["+a", "-b", "+d"], "saw {changes:?}");
    Ok(())
}

struct Context {
    maps: Api<ConfigMap>,
}

async fn reconcile(parent: Arc<ConfigMap>, context: Arc<Context>) -> Result<Action, finalizer::Error<kube::Error>> {
    if !parent.labels().contains_key("parent") {
        return Ok(Action::await_change());
    }
    finalizer(&context.maps, "example.com/e2e", parent, |event| async {
        if let finalizer::Event::Apply(parent) = event {
            let mut child = config_map(&format!("{}-child", parent.name_any()), "1");
            child.metadata.owner_references = parent.controller_owner_ref(&()).map(|owner| vec![owner]);
            let patch = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": child.metadata, "data": child.data});
            context.maps.patch(&child.name_any(), &PatchParams::apply("e2e").force(), &Patch::Apply(patch)).await?;
        }
        Ok(Action::await_change())
    })
    .await
}

/// A controller makes what it owns, makes it again when it is taken away, and lets go at the end.
async fn controller(client: Client, namespace: String) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let labelled = watcher::Config::default().labels("parent=yes");
    let running = Controller::new(maps.clone(), labelled)
        .owns(maps.clone(), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(100)), Arc::new(Context { maps: maps.clone() }))
        .for_each(|_| futures::future::ready(()));
    let story = async {
        let mut parent = config_map("p", "1");
        parent.metadata.labels = Some(BTreeMap::from([("parent".to_owned(), "yes".to_owned())]));
        maps.create(&PostParams::default(), &parent).await?;
        wait::await_condition(maps.clone(), "p-child", |object: Option<&ConfigMap>| object.is_some()).await?;
        let first = maps.get("p-child").await?.uid().context("a child has a UID")?;
        maps.delete("p-child", &DeleteParams::default()).await?;
        let again = move |object: Option<&ConfigMap>| object.is_some_and(|object| object.uid().as_deref() != Some(first.as_str()));
        wait::await_condition(maps.clone(), "p-child", again).await?;
        ensure!(maps.get("p").await?.finalizers() == ["example.com/e2e"], "the parent is held");
        maps.delete("p", &DeleteParams::default()).await?;
        wait::await_condition(maps.clone(), "p", |object: Option<&ConfigMap>| object.is_none()).await?;
        wait::await_condition(maps.clone(), "p-child", |object: Option<&ConfigMap>| object.is_none()).await?;
        Ok(())
    };
    tokio::select! {
        () = running => anyhow::bail!("the controller ended"),
        result = story => result,
    }
}

async fn metadata(client: Client, namespace: String) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    maps.create(&PostParams::default(), &config_map("a", "1")).await?;
    let one: PartialObjectMeta<ConfigMap> = maps.get_metadata("a").await?;
    ensure!(one.name_any() == "a" && one.metadata.uid.is_some(), "got {one:?}");
    let list = maps.list_metadata(&ListParams::default().fields("metadata.name=a")).await?;
    ensure!(list.items.len() == 1, "listed {}", list.items.len());
    let metadata: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(client, &namespace);
    let mut events = watcher::watcher(metadata, watcher::Config::default().fields("metadata.name=a")).applied_objects().boxed();
    let seen = events.try_next().await?.context("the watch ended")?;
    ensure!(seen.name_any() == "a", "saw {seen:?}");
    Ok(())
}

async fn server_side_apply(client: Client, namespace: String) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let with = |value: &str| serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": value}});
    maps.patch("a", &PatchParams::apply("one"), &Patch::Apply(with("1"))).await?;
    let before = maps.get("a").await?.resource_version();
    maps.patch("a", &PatchParams::apply("one"), &Patch::Apply(with("1"))).await?;
    ensure!(maps.get("a").await?.resource_version() == before, "the same apply changed the object");
    match maps.patch("a", &PatchParams::apply("two"), &Patch::Apply(with("2"))).await {
        Err(kube::Error::Api(status)) => ensure!(status.code == 409 && status.reason == "Conflict", "{status:?}"),
        other => anyhow::bail!("no conflict: {other:?}"),
    }
    let taken = maps.patch("a", &PatchParams::apply("two").force(), &Patch::Apply(with("2"))).await?;
    ensure!(taken.data.is_some_and(|data| data["k"] == "2"), "the field was not taken over");
    Ok(())
}

async fn locking(client: Client, namespace: String) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let old = maps.create(&PostParams::default(), &config_map("a", "1")).await?;
    let mut changed = old.clone();
    changed.data = Some(BTreeMap::from([("k".to_owned(), "2".to_owned())]));
    maps.replace("a", &PostParams::default(), &changed).await?;
    match maps.replace("a", &PostParams::default(), &old).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        other => anyhow::bail!("an old version was taken: {other:?}"),
    }
}

async fn discovery(client: Client) -> anyhow::Result<()> {
    let found = kube::Discovery::new(client.clone()).run_aggregated().await?;
    let group = found.get("apiextensions.k8s.io").context("the group of definitions")?;
    let (resource, capabilities) = group.recommended_kind("CustomResourceDefinition").context("the kind of definitions")?;
    ensure!(resource.plural == "customresourcedefinitions" && capabilities.supports_operation("watch"), "found {resource:?}");
    let legacy = kube::Discovery::new(client).run().await?;
    ensure!(legacy.has_group("apps"), "the group apps is missing without aggregation");
    Ok(())
}

async fn deletion(client: Client, namespace: String) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    for name in ["a", "b"] {
        let mut object = config_map(name, "1");
        object.metadata.labels = Some(BTreeMap::from([("doomed".to_owned(), "yes".to_owned())]));
        maps.create(&PostParams::default(), &object).await?;
    }
    let wrong = kube::api::Preconditions { uid: Some("00000000-0000-0000-0000-000000000000".into()), resource_version: None };
    let careful =
        DeleteParams { preconditions: Some(wrong), propagation_policy: Some(PropagationPolicy::Background), ..DeleteParams::default() };
    match maps.delete("a", &careful).await {
        Err(kube::Error::Api(status)) => ensure!(status.code == 409, "{status:?}"),
        other => anyhow::bail!("another object was deleted: {other:?}"),
    }
    maps.delete_collection(&DeleteParams::default(), &ListParams::default().labels("doomed=yes")).await?;
    let left = maps.list(&ListParams::default().labels("doomed=yes")).await?;
    ensure!(left.items.is_empty(), "{} are left", left.items.len());
    Ok(())
}
