//! Events on an instance: what its Runs waited for, why they failed, and what was put back; counted, and gone with it.

use crate::platform::{PATIENCE, Platform, config_maps, workload};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;
use windlass_api::names;
use windlass_api::run::State;
use windlass_testkit::fake_driver::Behaviour;
use windlass_testkit::wait::until;

fn events(platform: &Platform) -> Api<Event> {
    Api::namespaced(platform.client.clone(), &platform.namespace)
}

/// Waits until the instance has an event of this reason that came about so often.
async fn told(platform: &Platform, name: &str, reason: &str, count: i32) -> Event {
    until(&format!("{reason} ×{count}"), PATIENCE, || async {
        let selector = format!("involvedObject.kind={},involvedObject.name={name},reason={reason}", platform.kind);
        let found = events(platform).list(&ListParams::default().fields(&selector)).await.map_err(|error| error.to_string())?.items;
        match found.as_slice() {
            [event] if event.count == Some(count) => Ok(event.clone()),
            found => Err(format!("{found:#?}")),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_failed_is_told_once_a_reason_and_counted() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Fail { retry: false });
    platform.write("a", json!({"replicas": 1})).await;
    platform.run_in("a", State::Failed).await;
    let event = told(&platform, "a", "RunFailed", 1).await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    let (kind, message) = (platform.kind.to_lowercase(), event.message.unwrap_or_default());
    assert!(message.starts_with(&format!("{kind}-a-1 failed: ")), "{message}");
    platform.fake.next("app/replica-0", Behaviour::Fail { retry: false });
    platform.annotate("a", json!({names::ANNOTATION_RETRY: jiff::Timestamp::now().to_string()})).await;
    let message = told(&platform, "a", "RunFailed", 2).await.message.unwrap_or_default();
    assert!(message.starts_with(&format!("{kind}-a-2 failed: ")), "the newest is said: {message}");
    // They go with their instance.
    platform.delete("a").await;
    until("its events are gone", PATIENCE, || async {
        let left = events(&platform).list(&ListParams::default()).await.map_err(|error| error.to_string())?.items;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:#?}")) }
    })
    .await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_person_and_being_superseded_are_told() {
    let platform = Platform::start().await;
    let mut template = config_maps(1);
    template["policy"] = json!({"approval": "always"});
    platform.template(template).await;
    platform.write("a", json!({})).await;
    platform.run_in("a", State::AwaitingApproval).await;
    told(&platform, "a", "AwaitingApproval", 1).await;
    platform.write("a", json!({"text": "two"})).await;
    told(&platform, "a", "RunSuperseded", 1).await;
    told(&platform, "a", "AwaitingApproval", 2).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_see_is_told() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::Unknown { happened: true, observable: false });
    platform.write("a", json!({"replicas": 1})).await;
    let event = told(&platform, "a", "RunUnknown", 1).await;
    assert!(event.message.as_deref().is_some_and(|message| message.contains("windlass run resolve")), "{event:?}");
    platform.end_here();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_is_told_and_what_goes_well_is_not() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    let found = events(&platform).list(&ListParams::default()).await.expect("listed").items;
    assert!(found.is_empty(), "{found:#?}");
    platform.config_maps().delete("a-0", &DeleteParams::default()).await.expect("taken");
    let event = told(&platform, "a", "DriftCorrected", 1).await;
    let expected = format!("{}-a-2 put back what somebody else changed: map0 was gone", platform.kind.to_lowercase());
    assert_eq!(event.message.as_deref(), Some(expected.as_str()));
    platform.finish().await;
}
