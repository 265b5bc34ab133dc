//! Outputs that decide about a later wave: inside what the plan left open the Run goes on, outside of it the next stage is a
//! Run of its own that stops where the policy says so.

use crate::platform::{PATIENCE, Platform, expect_gone};
use serde_json::{Value, json};
use windlass_api::names;
use windlass_api::plan::Action;
use windlass_api::run::{Run, State};
use windlass_testkit::fake_driver::Behaviour;
use windlass_testkit::wait::until;

/// A workload, and a page for each part of the address that it gets; at most two.
async fn with_pages(approval: &str, address: &str) -> Platform {
    let platform = Platform::start().await;
    platform.fake.set_outputs("app", json!({"address": address, "url": "http://app"}));
    let page = json!({
        "id": "page", "forEach": [{"part": "${app.outputs.address.split(',')}"}], "maxItems": 2,
        "template": {
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "${schema.metadata.name}-${part}"}, "data": {"text": "${part}"},
        },
    });
    let app = json!({"id": "app", "workload": {"replicas": 1, "score": {
        "containers": {"web": {"image": "example/app", "variables": {"TEXT": "${schema.spec.text}"}}},
    }}});
    platform
        .template(json!({
            "schema": {"apiVersion": "v1alpha1", "spec": {"text": "string | default=hello"}},
            "policy": {"approval": approval},
            "resources": [app, page],
        }))
        .await;
    platform
}

async fn approve(platform: &Platform, run: &Run) {
    let decision = json!({"verdict": "Approved", "planHash": run.plan().expect("a plan").hash, "reason": "fine"});
    let patch = json!({"metadata": {"annotations": {names::ANNOTATION_CHANGED_BY: "bob"}}, "spec": {"decision": decision}});
    platform.patch_run(run, patch).await;
}

async fn states(platform: &Platform) -> Vec<State> {
    platform.runs("a").await.iter().map(Run::state).collect()
}

/// Changes the workload, whose address becomes another one while it is changed.
async fn address_becomes(platform: &Platform, address: &str, approve_first: bool) {
    platform.fake.next("app/replica-0", Behaviour::Slow);
    platform.write("a", json!({"text": "two"})).await;
    if approve_first {
        approve(platform, &platform.run_in("a", State::AwaitingApproval).await).await;
    }
    until("the change is on its way", PATIENCE, || async { if platform.fake.in_flight() == 1 { Ok(()) } else { Err("not yet") } }).await;
    platform.fake.set_outputs("app", json!({"address": address, "url": "http://app"}));
    until("the change is done", PATIENCE, || async {
        platform.fake.release();
        if platform.fake.in_flight() == 0 { Ok(()) } else { Err("not yet") }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deferred_node_inside_its_envelope_goes_on_under_the_first_approval() {
    let platform = with_pages("always", "x,y").await;
    platform.write("a", json!({})).await;
    let run = platform.run_in("a", State::AwaitingApproval).await;
    let plan = run.plan().expect("a plan");
    let page = plan.nodes.iter().find(|node| node.key == "page").expect("the page");
    assert_eq!((page.action, page.envelope.as_ref().map(|envelope| envelope.max_items)), (Action::Deferred, Some(2)));
    approve(&platform, &run).await;
    platform.ready("a").await;
    assert_eq!(states(&platform).await, [State::Succeeded]);
    platform.config_maps().get("a-x").await.expect("made");
    platform.config_maps().get("a-y").await.expect("made");
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_envelope_the_next_stage_approves_itself_where_nobody_is_asked_and_says_so() {
    for policy in ["never", "destructive"] {
        let platform = with_pages(policy, "x,y,z").await;
        platform.write("a", json!({})).await;
        platform.ready("a").await;
        assert_eq!(states(&platform).await, [State::Superseded, State::Succeeded], "{policy}");
        let runs = platform.runs("a").await;
        let ended = runs[0].status.as_ref().map(|status| status.message.clone()).unwrap_or_default();
        assert!(ended.contains("goes beyond what the plan left open: more than 2 items"), "{ended}");
        assert_eq!(runs[1].spec.cause, runs[0].spec.cause);
        let conditions = runs[1].status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
        let approved = conditions.iter().find(|condition| condition.type_ == "Approved").expect("it is recorded");
        assert!(approved.is_true() && approved.message.contains(policy) && approved.message.contains("more than 2 items"), "{approved:?}");
        platform.config_maps().get("a-z").await.expect("made");
        platform.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_envelope_the_next_stage_stops_where_everything_is_asked() {
    let platform = with_pages("always", "x,y,z").await;
    platform.write("a", json!({})).await;
    approve(&platform, &platform.run_in("a", State::AwaitingApproval).await).await;
    let second = platform.run_is("a", "the next stage waits", |run| run.spec.number == 2 && run.state() == State::AwaitingApproval).await;
    assert!(platform.config_maps().get_opt("a-x").await.expect("read").is_none());
    approve(&platform, &second).await;
    platform.ready("a").await;
    assert_eq!(states(&platform).await, [State::Superseded, State::Succeeded]);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_next_stage_that_deletes_stops_under_destructive_and_goes_on_under_never() {
    for policy in ["destructive", "never"] {
        let platform = with_pages(policy, "x,y").await;
        platform.write("a", json!({})).await;
        platform.ready("a").await;
        address_becomes(&platform, "x", false).await;
        if policy == "destructive" {
            let waits = platform.run_in("a", State::AwaitingApproval).await;
            let plan: Value = waits.spec.plan.clone().unwrap_or_default();
            assert!(waits.plan().is_some_and(|plan| plan.is_destructive()), "{plan:#}");
            platform.config_maps().get("a-y").await.expect("nobody agreed that it goes");
            approve(&platform, &waits).await;
        }
        until("the second page is gone", PATIENCE, || async { expect_gone(platform.config_maps().get_opt("a-y").await) }).await;
        platform.ready("a").await;
        platform.config_maps().get("a-x").await.expect("it stays");
        platform.finish().await;
    }
}
