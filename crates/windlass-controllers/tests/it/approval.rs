//! A person's word: approval, rejection, a stale decision, a newer wish, a preview and a write that is bound to it.

use crate::platform::{Platform, config_maps};
use kube::api::PostParams;
use serde_json::json;
use windlass_api::names;
use windlass_api::run::{Cause, Mode, Run, RunSpec, State};
use windlass_api::template::{Approval, DeletionPolicy};
use windlass_client::preview;

async fn with_approval() -> Platform {
    let platform = Platform::start().await;
    let mut template = config_maps(1);
    template["policy"] = json!({"approval": "always"});
    platform.template(template).await;
    platform
}

fn decision(run: &Run, verdict: &str, author: Option<&str>) -> serde_json::Value {
    let hash = run.plan().expect("a plan").hash;
    let mut patch = json!({"spec": {"decision": {"verdict": verdict, "planHash": hash, "reason": "because"}}});
    if let Some(author) = author {
        patch["metadata"] = json!({"annotations": {names::ANNOTATION_CHANGED_BY: author}});
    }
    patch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_happens_before_a_person_approves() {
    let platform = with_approval().await;
    platform.write("a", json!({})).await;
    let run = platform.run_in("a", State::AwaitingApproval).await;
    platform.in_state("a", "AwaitingApproval").await;
    assert!(platform.config_maps().get_opt("a-0").await.expect("read").is_none());
    platform.patch_run(&run, decision(&run, "Approved", Some("bob"))).await;
    platform.ready("a").await;
    assert_eq!(platform.runs("a").await.len(), 1);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_without_an_author_does_not_count() {
    let platform = with_approval().await;
    platform.write("a", json!({})).await;
    let run = platform.run_in("a", State::AwaitingApproval).await;
    platform.patch_run(&run, decision(&run, "Approved", None)).await;
    // A second wish supersedes the Run; only then is it certain that the decision was looked at.
    platform.write("a", json!({"text": "two"})).await;
    platform.run_is("a", "the second Run waits", |run| run.spec.number == 2 && run.state() == State::AwaitingApproval).await;
    let runs = platform.runs("a").await;
    assert_eq!(runs[0].state(), State::Superseded);
    assert!(platform.config_maps().get_opt("a-0").await.expect("read").is_none());
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_plan_is_not_tried_again_until_the_wish_changes() {
    let platform = with_approval().await;
    platform.write("a", json!({})).await;
    let run = platform.run_in("a", State::AwaitingApproval).await;
    platform.patch_run(&run, decision(&run, "Rejected", Some("bob"))).await;
    platform.run_in("a", State::Rejected).await;
    platform.in_state("a", "Failed").await;
    let rejected = platform.runs("a").await.remove(0);
    assert!(rejected.status.unwrap_or_default().message.starts_with("the plan was rejected"), "it says what became of it");
    platform.write("a", json!({"text": "two"})).await;
    platform.run_is("a", "another Run", |run| run.spec.number == 2 && run.state() == State::AwaitingApproval).await;
    platform.finish().await;
}

async fn previewed(platform: &Platform, name: &str, spec: serde_json::Value) -> Run {
    let proposal = json!({"apiVersion": platform.kind().resource.api_version, "kind": platform.kind, "metadata": {"name": name, "namespace": platform.namespace}, "spec": spec});
    let mut run = Run { spec: RunSpec { mode: Mode::Plan, proposal: Some(proposal), ..RunSpec::default() }, ..Run::default() };
    run.metadata.name = Some(format!("preview-{name}"));
    run.spec.instance.name = name.into();
    platform.run_api().create(&PostParams::default(), &run).await.expect("made");
    windlass_testkit::wait::until("a preview", crate::platform::PATIENCE, || async {
        let run = platform.run_api().get(&format!("preview-{name}")).await.map_err(|error| error.to_string())?;
        if run.state().is_finished() { Ok(run) } else { Err(format!("{:?}", run.status)) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_changes_nothing_and_binds_the_write_that_names_it() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    let run = previewed(&platform, "a", json!({"text": "x"})).await;
    assert_eq!(run.state(), State::Succeeded, "{:?}", run.status);
    let plan = run.plan().expect("a plan");
    assert_eq!(plan.summary().to_string(), "1 create");
    assert!(windlass_client::objects::get(&platform.instances(), "a").await.expect("read").is_none());
    // The write that names the plan runs at once; one that names another plan stops and shows the difference.
    let bound = preview::expected_plan(&json!({"spec": {"text": "x"}}), &plan.hash);
    let object = |name: &str, expected: &str| {
        serde_json::from_value(json!({"apiVersion": platform.kind().resource.api_version, "kind": platform.kind,
            "metadata": {"name": name, "annotations": {names::ANNOTATION_EXPECTED_PLAN: expected}}, "spec": {"text": "x"}}))
        .expect("an object")
    };
    platform.instances().create(&PostParams::default(), &object("a", &bound)).await.expect("made");
    platform.ready("a").await;
    let other = preview::expected_plan(&json!({"spec": {"text": "x"}}), "another");
    platform.instances().create(&PostParams::default(), &object("b", &other)).await.expect("made");
    platform.in_state("b", "AwaitingApproval").await;
    platform.finish().await;
}

/// A request for the deletion of an instance, as soon as it stands where `state` says.
async fn deletion_request(platform: &Platform, name: &str, request: &str, state: State) -> Run {
    let live = platform.instances().get(name).await.expect("there");
    let proposal = json!({"apiVersion": platform.kind().resource.api_version, "kind": platform.kind,
        "metadata": {"name": name, "namespace": platform.namespace, "uid": live.metadata.uid}});
    let spec = RunSpec { mode: Mode::Plan, deletes: true, proposal: Some(proposal), ..RunSpec::default() };
    let mut run = Run { spec, ..Run::default() };
    run.metadata.name = Some(request.to_owned());
    platform.run_api().create(&PostParams::default(), &run).await.expect("made");
    request_in(platform, request, state).await
}

async fn request_in(platform: &Platform, request: &str, state: State) -> Run {
    windlass_testkit::wait::until("the request", crate::platform::PATIENCE, || async {
        let run = platform.run_api().get(request).await.map_err(|error| error.to_string())?;
        if run.status.is_some() && run.state() == state { Ok(run) } else { Err(format!("{:?}", run.status)) }
    })
    .await
}

fn delete_run(runs: &[Run]) -> &Run {
    runs.iter().find(|run| run.spec.cause == Cause::Delete && run.spec.mode == Mode::Execute).expect("a Delete Run")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_a_deletion_waits_for_a_person_and_its_delete_run_carries_the_word() {
    let platform = Platform::start().await;
    let mut template = config_maps(1);
    template["policy"] = json!({"approval": "destructive"});
    platform.template(template).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    let request = deletion_request(&platform, "a", "bin-it", State::AwaitingApproval).await;
    assert_eq!(request.plan().expect("a plan").summary().to_string(), "1 delete");
    platform.patch_run(&request, decision(&request, "Approved", Some("bob"))).await;
    request_in(&platform, "bin-it", State::Succeeded).await;
    platform.config_maps().get("a-0").await.expect("an approval by itself deletes nothing");
    platform.delete("a").await;
    let runs = platform.runs("a").await;
    let carried = delete_run(&runs).spec.decision.clone().expect("the decision");
    assert_eq!((carried.reason.as_str(), delete_run(&runs).state()), ("because", State::Succeeded));
    assert!(platform.run_api().get_opt("bin-it").await.expect("read").is_none(), "nobody needs to decide any more");
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_request_is_over_and_a_deletion_that_nobody_approved_says_so() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    platform.annotate("a", json!({names::ANNOTATION_APPROVAL: "always"})).await;
    let request = deletion_request(&platform, "a", "bin-it", State::AwaitingApproval).await;
    platform.patch_run(&request, decision(&request, "Rejected", Some("bob"))).await;
    request_in(&platform, "bin-it", State::Rejected).await;
    // No admission stands before this API: what comes through unasked is done, and the record says it.
    platform.delete("a").await;
    let runs = platform.runs("a").await;
    let said = delete_run(&runs).status.clone().unwrap_or_default().conditions;
    let said = said.iter().find(|condition| condition.type_ == "Approved").expect("said");
    assert_eq!((said.status.as_str(), said.reason.as_str()), ("False", "NotAsked"));
    assert_eq!(said.message, "the approval policy is `always`, and nobody approved this plan");
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_says_which_policies_are_in_force_now() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    let is = |approval, deletion| {
        let platform = &platform;
        windlass_testkit::wait::until("the record", crate::platform::PATIENCE, move || async move {
            let spec = platform.inventory("a").await.ok_or("none")?.spec;
            if (spec.approval, spec.deletion_policy) == (approval, deletion) { Ok(()) } else { Err(format!("{spec:?}")) }
        })
    };
    is(Approval::Never, DeletionPolicy::Delete).await;
    platform.annotate("a", json!({names::ANNOTATION_APPROVAL: "always", names::ANNOTATION_DELETION_POLICY: "Orphan"})).await;
    is(Approval::Always, DeletionPolicy::Orphan).await;
    platform.annotate("a", json!({names::ANNOTATION_APPROVAL: null, names::ANNOTATION_DELETION_POLICY: null})).await;
    is(Approval::Never, DeletionPolicy::Delete).await;
    platform.finish().await;
}
