//! Runs: what supersedes them, how many are kept, and what drift does.

use crate::platform::{Platform, config_maps};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::time::Duration;
use windlass_api::run::{Cause, KEPT_SUCCEEDED, State};
use windlass_testkit::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_one_run_that_names_what_and_who() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({"text": "one"})).await;
    platform.ready("a").await;
    platform.write("a", json!({"text": "two"})).await;
    platform.ready("a").await;
    let runs = platform.runs("a").await;
    let said: Vec<String> =
        runs.iter().map(|run| format!("{:?} {:?} {} by {}", run.spec.cause, run.state(), run.spec.title, run.spec.by)).collect();
    assert_eq!(said, ["Spec Succeeded new by ann", "Spec Succeeded text one → two by ann"]);
    let map = platform.config_maps().get("a-0").await.expect("made");
    assert_eq!(map.data.expect("data")["text"], "two");
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_newest_runs_are_kept() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    for number in 0..KEPT_SUCCEEDED + 3 {
        platform.write("a", json!({"text": format!("{number}")})).await;
        platform.ready("a").await;
    }
    until("old Runs are gone", Duration::from_secs(10), || async {
        let kept = platform.runs("a").await.len();
        if kept <= KEPT_SUCCEEDED { Ok(()) } else { Err(kept) }
    })
    .await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_put_back_once_and_then_reported_while_it_waits() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({"text": "ours"})).await;
    platform.ready("a").await;
    let meddle = |text: &'static str| {
        let maps = platform.config_maps();
        async move {
            let patch = json!({"data": {"text": text}});
            let parameters = PatchParams { field_manager: Some("meddler".into()), ..PatchParams::default() };
            maps.patch("a-0", &parameters, &Patch::Merge(&patch)).await.expect("changed");
        }
    };
    meddle("theirs").await;
    platform.run_is("a", "a Drift Run", |run| run.spec.cause == Cause::Drift && run.state() == State::Succeeded).await;
    let map = platform.config_maps().get("a-0").await.expect("there");
    assert_eq!(map.data.expect("data")["text"], "ours");
    // The second time it is named and waits for its time.
    meddle("theirs again").await;
    let object = platform
        .instance_is("a", "a Drifted condition", |object| {
            object["status"]["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == "Drifted" && c["status"] == "True")
        })
        .await;
    let said = object.data["status"]["conditions"].to_string();
    assert!(said.contains("meddler"), "{said}");
    let map = platform.config_maps().get("a-0").await.expect("there");
    assert_eq!(map.data.expect("data")["text"], "theirs again", "it is corrected with back-off");
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_somebody_else_is_a_conflict_and_stays() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    let foreign = serde_json::from_value(json!({"metadata": {"name": "a-0"}, "data": {"text": "mine"}})).expect("a map");
    platform.config_maps().create(&kube::api::PostParams::default(), &foreign).await.expect("made");
    platform.write("a", json!({"text": "ours"})).await;
    platform.instance_is("a", "a conflict", |object| object["status"].to_string().contains("exists already and was made by")).await;
    let map = platform.config_maps().get("a-0").await.expect("there");
    assert_eq!(map.data.expect("data")["text"], "mine");
    platform.delete("a").await;
    platform.config_maps().get("a-0").await.expect("it was never ours, so it stays");
    platform.finish().await;
}
