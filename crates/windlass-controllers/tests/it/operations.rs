//! Operations that are pending, unknown, failing or too late to be cancelled.

use crate::platform::{PATIENCE, Platform, workload};
use serde_json::json;
use windlass_api::names;
use windlass_api::run::{Cause, State};
use windlass_testkit::fake_driver::Behaviour;
use windlass_testkit::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pending_is_followed_over_a_restart_and_not_started_twice() {
    let mut platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Pending { looks: 30 });
    platform.write("a", json!({"replicas": 1})).await;
    until("the operation is pending", PATIENCE, || async {
        let entry = platform
            .inventory("a")
            .await
            .and_then(|inventory| inventory.spec.entries.into_iter().find(|entry| entry.key == "app/replica-0"));
        match entry.as_ref().and_then(|entry| entry.operation.as_ref()?.token.clone()) {
            Some(token) => Ok(token),
            None => Err(entry),
        }
    })
    .await;
    platform.resume().await;
    platform.ready("a").await;
    assert_eq!(platform.fake.world().effects().len(), 1, "{:?}", platform.fake.world().effects());
    assert_eq!(platform.runs("a").await.len(), 1);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_looked_at_and_not_repeated() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Unknown { happened: true, observable: true });
    platform.fake.next("app/replica-1", Behaviour::Unknown { happened: false, observable: true });
    platform.write("a", json!({"replicas": 2})).await;
    platform.ready("a").await;
    assert_eq!(platform.fake.world().effects().len(), 2, "{:?}", platform.fake.world().effects());
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_see_waits_for_a_person() {
    for (verdict, effects) in [("Done", 1), ("Retry", 1)] {
        let platform = Platform::start().await;
        platform.template(workload()).await;
        let happened = verdict == "Done";
        platform.fake.next("app/replica-0", Behaviour::Unknown { happened, observable: false });
        platform.write("a", json!({"replicas": 1})).await;
        let run = platform
            .run_is("a", "a Run that waits for a word", |run| {
                run.state() == State::Waiting && run.status.as_ref().is_some_and(|s| s.message.contains("resolve"))
            })
            .await;
        platform.fake.world().reveal_all();
        platform.patch_run(&run, json!({"spec": {"resolutions": [{"key": "app/replica-0", "verdict": verdict}]}})).await;
        platform.ready("a").await;
        assert_eq!(platform.fake.world().effects().len(), effects, "{verdict}");
        platform.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_may_pass_is_tried_again_in_the_same_run() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Fail { retry: true });
    platform.write("a", json!({"replicas": 1})).await;
    platform.ready("a").await;
    let runs = platform.runs("a").await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].status.as_ref().map(|status| status.attempt), Some(2));
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_stays_ends_the_run_and_a_person_opens_another() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Fail { retry: false });
    platform.write("a", json!({"replicas": 1})).await;
    platform.run_in("a", State::Failed).await;
    platform.in_state("a", "Failed").await;
    let wish = jiff::Timestamp::now().to_string();
    platform.annotate("a", json!({names::ANNOTATION_RETRY: wish})).await;
    platform.ready("a").await;
    let runs = platform.runs("a").await;
    assert_eq!((runs.len(), runs[1].state()), (2, State::Succeeded));
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_on_is_cancelled_with_its_run() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Pending { looks: 10_000 });
    platform.write("a", json!({"replicas": 1})).await;
    let run = platform.run_in("a", State::Waiting).await;
    platform.patch_run(&run, json!({"spec": {"cancel": true}})).await;
    platform.run_in("a", State::Cancelled).await;
    assert!(platform.fake.world().things().is_empty());
    platform.delete("a").await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_wish_supersedes_a_run_and_inherits_what_goes_on() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Pending { looks: 20 });
    platform.write("a", json!({"replicas": 1, "text": "one"})).await;
    platform.run_in("a", State::Waiting).await;
    platform.write("a", json!({"replicas": 1, "text": "two"})).await;
    platform.ready("a").await;
    let runs = platform.runs("a").await;
    assert!(runs.iter().any(|run| run.state() == State::Superseded), "{runs:#?}");
    assert_eq!(runs.last().map(|run| (run.state(), run.spec.cause)), Some((State::Succeeded, Cause::Spec)));
    assert_eq!(platform.fake.world().effects().len(), 2, "{:?}", platform.fake.world().effects());
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_went_is_not_deleted_again() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.write("a", json!({"replicas": 3})).await;
    platform.ready("a").await;
    platform.write("a", json!({"replicas": 1})).await;
    platform.ready("a").await;
    assert_eq!(platform.fake.world().effects().len(), 5, "{:?}", platform.fake.world().effects());
    assert_eq!(platform.inventory("a").await.expect("an inventory").spec.entries.len(), 2);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_that_comes_too_late_records_the_effect_as_done() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.cancel_too_late();
    platform.fake.next("app/replica-0", Behaviour::Pending { looks: 5 });
    platform.write("a", json!({"replicas": 1})).await;
    let run = platform.run_in("a", State::Waiting).await;
    platform.patch_run(&run, json!({"spec": {"cancel": true}})).await;
    let cancelled = platform.run_in("a", State::Cancelled).await;
    let said = cancelled.status.map(|status| status.message).unwrap_or_default();
    assert!(said.contains("too late for: app/replica-0"), "{said}");
    until("the effect is recorded as done", PATIENCE, || async {
        let entries = platform.inventory("a").await.map(|inventory| inventory.spec.entries).unwrap_or_default();
        let state = entries.iter().find(|entry| entry.key == "app/replica-0").map(|entry| entry.state);
        if state == Some(windlass_api::inventory::EntryState::Present) { Ok(()) } else { Err(state) }
    })
    .await;
    assert_eq!(platform.fake.world().effects().len(), 1, "{:?}", platform.fake.world().effects());
    // What was cancelled is not gone on with by itself.
    assert!(platform.config_maps().get_opt("a-page").await.expect("read").is_none());
    platform.delete("a").await;
    assert!(platform.fake.world().things().is_empty());
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_see_is_not_repeated_over_a_restart() {
    let mut platform = Platform::start().await;
    platform.counts_every_call = true;
    platform.resume().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Unknown { happened: true, observable: false });
    platform.write("a", json!({"replicas": 1})).await;
    let unknown =
        |run: &windlass_api::run::Run| run.state() == State::Waiting && run.status.as_ref().is_some_and(|s| s.message.contains("resolve"));
    platform.run_is("a", "a Run that waits for a word", unknown).await;
    for _ in 0..2 {
        platform.resume().await;
        // A wish that comes meanwhile is looked at, and nothing is done for it.
        let before = platform.recorder.reads("a");
        platform.annotate("a", json!({"example.org/note": jiff::Timestamp::now().to_string()})).await;
        until("it was looked at", PATIENCE, || async { if platform.recorder.reads("a") > before + 1 { Ok(()) } else { Err("not yet") } })
            .await;
    }
    assert_eq!(platform.fake.world().effects().len(), 1, "{:?}", platform.fake.world().effects());
    platform.fake.world().reveal_all();
    let run = platform.run_is("a", "the Run still waits", unknown).await;
    platform.patch_run(&run, json!({"spec": {"resolutions": [{"key": "app/replica-0", "verdict": "Done"}]}})).await;
    platform.ready("a").await;
    assert_eq!(platform.fake.world().effects().len(), 1, "{:?}", platform.fake.world().effects());
    platform.finish().await;
}
