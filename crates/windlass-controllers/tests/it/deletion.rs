//! Deletion: by the inventory alone, also of a namespace, a Template in use, and a kind that was removed by force.

use crate::platform::{PATIENCE, Platform, config_maps, expect_gone, workload};
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
async fn the_record_of_a_deletion_outlives_a_new_instance_of_the_same_name() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    platform.delete("a").await;
    let record = platform.runs("a").await.remove(0);
    assert_eq!((record.spec.number, record.spec.cause), (2, Cause::Delete));
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    platform.write("a", json!({"text": "two"})).await;
    platform.run_is("a", "the second change of the new one", |run| run.spec.number == 3 && run.state() == State::Succeeded).await;
    let kept = platform.runs("a").await.into_iter().find(|run| run.spec.instance.uid == record.spec.instance.uid);
    assert_eq!(kept.map(|kept| kept.metadata.resource_version), Some(record.metadata.resource_version));
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_slow_to_go_keeps_what_it_stands_on_after_a_crash_too() {
    let mut platform = Platform::start().await;
    platform.template(workload()).await;
    platform.write("a", json!({"replicas": 2})).await;
    platform.ready("a").await;
    let maps = platform.config_maps();
    let hold = |holders: serde_json::Value| {
        let maps = maps.clone();
        async move {
            let patch = Patch::Merge(json!({"metadata": {"finalizers": holders}}));
            maps.patch("a-page", &PatchParams::default(), &patch).await.expect("patched");
        }
    };
    hold(json!(["example.com/hold"])).await;
    let place = |inventory: windlass_api::inventory::Inventory| -> Vec<(String, usize, u8)> {
        inventory.spec.entries.into_iter().map(|entry| (entry.key, entry.wave, entry.stage)).collect()
    };
    let made = place(platform.inventory("a").await.expect("an inventory"));
    platform.instances().delete("a", &DeleteParams::default()).await.expect("taken");
    for _ in 0..2 {
        platform.run_in("a", State::Waiting).await;
        assert_eq!(place(platform.inventory("a").await.expect("an inventory")), made);
        assert_eq!(platform.fake.world().things().len(), 2, "the page waits, and needs the app meanwhile");
        platform.resume().await;
    }
    hold(json!([])).await;
    platform.gone("a").await;
    assert!(platform.fake.world().things().is_empty());
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
async fn a_namespace_goes_with_twenty_instances_and_their_delete_runs_stay() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    let names: Vec<String> = (0..20).map(|number| format!("i{number}")).collect();
    platform.write_many(&names, &json!({})).await;
    platform.all_ready(names.len()).await;
    assert_eq!(platform.fake.world().things().len(), 40);
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(platform.client.clone());
    namespaces.delete(&platform.namespace, &DeleteParams::default()).await.expect("taken");
    until("the namespace is gone", PATIENCE * 2, || async { expect_gone(namespaces.get_opt(&platform.namespace).await) }).await;
    assert!(platform.fake.world().things().is_empty());
    let runs = platform.system_runs().await;
    let done = |run: &&windlass_api::run::Run| run.spec.cause == Cause::Delete && run.state() == State::Succeeded;
    assert_eq!((runs.len(), runs.iter().filter(done).count()), (20, 20), "{runs:#?}");
    for name in &names {
        assert!(platform.inventory(name).await.is_none(), "the inventory of `{name}` is left");
    }
    platform.create_namespace(&platform.namespace).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_template_that_makes_the_same_object_is_told_who_holds_it() {
    let platform = Platform::start().await;
    let mut first = config_maps(1);
    first["resources"][0]["template"]["metadata"]["name"] = json!("settings");
    platform.template(first.clone()).await;
    let second = format!("{}Second", platform.kind);
    platform.second_template(&second, first).await;
    platform.write("a", json!({"text": "first"})).await;
    platform.ready("a").await;
    let uid = platform.config_maps().get("settings").await.expect("made").metadata.uid;
    let object = serde_json::from_value(
        json!({"apiVersion": platform.kind().resource.api_version, "kind": second, "metadata": {"name": "b"}, "spec": {"text": "second"}}),
    )
    .expect("an instance");
    platform.instances_of(&second).create(&kube::api::PostParams::default(), &object).await.expect("made");
    let holder = format!("{} {}/a", platform.kind, platform.namespace);
    let said = until("a conflict that names the holder", PATIENCE, || async {
        let object = platform.instances_of(&second).get("b").await.map_err(|error| error.to_string())?;
        let said = object.data["status"].to_string();
        if said.contains("Conflict") && said.contains(&holder) { Ok(said) } else { Err(said) }
    })
    .await;
    assert!(said.contains("hint"), "{said}");
    // The second one goes without taking what it never had.
    platform.instances_of(&second).delete("b", &DeleteParams::default()).await.expect("taken");
    until("the second is gone", PATIENCE, || async { expect_gone(platform.instances_of(&second).get_opt("b").await) }).await;
    let left = platform.config_maps().get("settings").await.expect("it is the first one's");
    assert_eq!((left.metadata.uid, left.data.expect("data")["text"].as_str()), (uid, "first"));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_removed_by_force_leaves_inventories_that_can_be_deleted() {
    let mut platform = Platform::start().await;
    platform.template(workload()).await;
    for name in ["a", "b"] {
        platform.write(name, json!({})).await;
        platform.ready(name).await;
    }
    // While nobody looks: finalizers off, the definition with all its instances away.
    platform.crash();
    for name in ["a", "b"] {
        let patch = json!({"metadata": {"finalizers": null}});
        platform.instances().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
    }
    let definitions: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(platform.client.clone());
    let definition = format!("{}.{}", platform.kind().resource.plural, names::GENERATED_GROUP);
    definitions.delete(&definition, &DeleteParams::default()).await.expect("taken");
    until("the definition is gone", PATIENCE, || async { expect_gone(definitions.get_opt(&definition).await) }).await;
    platform.resume().await;
    // The Template publishes its kind again; nothing of what exists was touched, and it is still known.
    platform.template_is(|template| template.status.as_ref().is_some_and(|status| status.state.as_deref() == Some("Active"))).await;
    until("the kind is served again", PATIENCE, || async {
        definitions.get(&definition).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    for name in ["a", "b"] {
        assert_eq!(platform.inventory(name).await.expect("the memory stays").spec.entries.len(), 3);
    }
    assert_eq!(platform.fake.world().things().len(), 4);
    let inventory = platform.inventory("a").await.and_then(|inventory| inventory.metadata.name).expect("named");
    platform.inventories().delete(&inventory, &DeleteParams::default()).await.expect("taken");
    until("the inventory is gone", PATIENCE, || async { expect_gone(platform.inventories().get_opt(&inventory).await) }).await;
    assert_eq!(platform.fake.world().things().len(), 2);
    assert!(platform.config_maps().get_opt("a-page").await.expect("read").is_none());
    platform.config_maps().get("b-page").await.expect("the other one's stays");
    let inventory = platform.inventory("b").await.and_then(|inventory| inventory.metadata.name).expect("named");
    platform.inventories().delete(&inventory, &DeleteParams::default()).await.expect("taken");
    until("the inventory is gone", PATIENCE, || async { expect_gone(platform.inventories().get_opt(&inventory).await) }).await;
    assert!(platform.fake.world().things().is_empty());
    platform.finish().await;
}
