//! Deletion: by the inventory alone, also of a namespace, a Template in use, and a kind that was removed by force.

use crate::platform::{PATIENCE, Platform, config_maps, workload};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use windlass_api::names;
use windlass_api::run::{Cause, State};
use windlass_testkit::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_leaves_nothing_but_the_last_delete_run() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.write("a", json!({"replicas": 3})).await;
    platform.ready("a").await;
    assert_eq!(platform.fake.world().things().len(), 3);
    platform.delete("a").await;
    assert!(platform.fake.world().things().is_empty());
    assert!(platform.config_maps().get_opt("a-page").await.expect("read").is_none());
    assert!(platform.inventory("a").await.is_none());
    let runs = platform.runs("a").await;
    let left: Vec<_> = runs.iter().map(|run| (run.spec.cause, run.state())).collect();
    assert_eq!(left, [(Cause::Delete, State::Succeeded)]);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphaned_effects_stay() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    platform.annotate("a", json!({names::ANNOTATION_DELETION_POLICY: "Orphan"})).await;
    platform.delete("a").await;
    platform.config_maps().get("a-0").await.expect("it stays");
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_goes_with_its_instances() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    for name in ["a", "b", "c"] {
        platform.write(name, json!({})).await;
    }
    for name in ["a", "b", "c"] {
        platform.ready(name).await;
    }
    assert_eq!(platform.fake.world().things().len(), 6);
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(platform.client.clone());
    namespaces.delete(&platform.namespace, &DeleteParams::default()).await.expect("taken");
    until("the namespace is gone", PATIENCE, || async {
        match namespaces.get_opt(&platform.namespace).await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(platform.fake.world().things().is_empty());
    platform.create_namespace(&platform.namespace).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_in_use_stays_until_its_instances_are_gone() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    let name = platform.kind.to_lowercase();
    platform.templates().delete(&name, &DeleteParams::default()).await.expect("taken");
    let blocked = platform.template_is(|template| {
        template.status.as_ref().is_some_and(|status| status.conditions.iter().any(|c| c.type_ == "DeletionBlocked" && c.is_true()))
    });
    let said = format!("{:?}", blocked.await.status);
    assert!(said.contains("used by 1 instances") && said.contains("hint"), "{said}");
    platform.delete("a").await;
    until("the Template is gone", PATIENCE, || async {
        match platform.templates().get_opt(&name).await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    // Applied again, so that the end of the test finds what it takes away.
    platform.template(config_maps(1)).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_removed_by_force_leaves_an_inventory_that_can_be_deleted() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    // By force: the finalizers are taken off, so that the instance vanishes without us.
    let patch = json!({"metadata": {"finalizers": null}});
    platform.instances().patch("a", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
    platform.instances().delete("a", &DeleteParams::default()).await.expect("taken");
    platform.gone("a").await;
    let inventory = platform.inventory("a").await.expect("the memory stays");
    assert_eq!(inventory.spec.entries.len(), 3);
    assert_eq!(platform.fake.world().things().len(), 2);
    let name = inventory.metadata.name.expect("named");
    platform.inventories().delete(&name, &DeleteParams::default()).await.expect("taken");
    until("the inventory is gone", PATIENCE, || async {
        match platform.inventories().get_opt(&name).await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(platform.fake.world().things().is_empty());
    assert!(platform.config_maps().get_opt("a-page").await.expect("read").is_none());
    platform.finish().await;
}
