//! A crash between every two driver calls: the same end, and every effect as often as without.

use crate::platform::{PATIENCE, Platform, config_maps, workload};
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::collections::BTreeMap;
use windlass_api::run::{Cause, State};
use windlass_testkit::fake_driver::CrashPoint;
use windlass_testkit::wait::until;

/// Makes an instance, changes it, deletes it; gives the effects, and how many driver calls there were.
async fn life(platform: &mut Platform, crash: Option<(u64, CrashPoint)>) -> (BTreeMap<String, usize>, u64) {
    // An effect that is not idempotent: a call that is made twice counts twice.
    platform.counts_every_call = true;
    platform.resume().await;
    platform.template(workload()).await;
    if let Some((call, point)) = crash {
        platform.fake.crash_at(call, point);
    }
    platform.write("a", json!({"replicas": 2, "text": "one"})).await;
    survive(platform, crash.is_some(), |platform| Box::pin(async move { drop(platform.ready("a").await) })).await;
    platform.write("a", json!({"replicas": 3, "text": "two"})).await;
    survive(platform, crash.is_some(), |platform| Box::pin(async move { drop(platform.ready("a").await) })).await;
    platform.instances().delete("a", &kube::api::DeleteParams::default()).await.expect("taken");
    survive(platform, crash.is_some(), |platform| Box::pin(async move { platform.gone("a").await })).await;
    let mut counted = BTreeMap::new();
    for line in platform.fake.world().effects() {
        let mut words = line.split(' ');
        let (verb, place) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let key = place.split_once('/').map_or(place, |(_, key)| key);
        *counted.entry(format!("{verb} {key}")).or_insert(0) += 1;
    }
    (counted, platform.fake.calls())
}

/// Waits for something; if the outside crashes meanwhile, everything is started anew.
async fn survive<F>(platform: &mut Platform, may_crash: bool, wait: F)
where
    F: for<'p> Fn(&'p Platform) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'p>>,
{
    if may_crash {
        let fake = platform.fake.clone();
        let crashed = tokio::select! {
            () = fake.crashed() => true,
            () = wait(platform) => false,
        };
        if !crashed {
            return;
        }
        platform.resume().await;
    }
    tokio::time::timeout(PATIENCE, wait(platform)).await.expect("it goes on after the crash");
}

fn platform_is_real() -> bool {
    std::env::var_os("WINDLASS_TEST_KUBECONFIG").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_any_two_calls_neither_loses_nor_doubles_an_effect() {
    let mut platform = Platform::start().await;
    let (expected, calls) = life(&mut platform, None).await;
    platform.finish().await;
    assert!(calls >= 8, "{calls} calls: {expected:?}");
    // A server that is slower and shared sees some of them; all are tried on the embedded one.
    let step = if platform_is_real() { 4 } else { 1 };
    for call in (1..=calls).step_by(step) {
        for point in [CrashPoint::Before, CrashPoint::After] {
            let mut platform = Platform::start().await;
            let (counted, _) = life(&mut platform, Some((call, point))).await;
            assert_eq!(counted, expected, "a crash {point:?} call {call}");
            platform.finish().await;
        }
    }
}

/// As if a crash came between the write of the record and that of the Run that it names: its end, or its beginning.
async fn name_as_open(platform: &Platform, name: &str, run: i64) {
    let inventory = platform.inventory(name).await.expect("an inventory");
    let open = format!("{}/{}-{name}-{run}", platform.namespace, platform.kind.to_lowercase());
    let patch = json!({"spec": {"openRun": open, "lastRun": run}});
    let of = inventory.metadata.name.expect("named");
    platform.inventories().patch(&of, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_end_was_written_before_a_crash_is_not_open_after_it() {
    let mut platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({"text": "one"})).await;
    platform.ready("a").await;
    platform.write("b", json!({"text": "one"})).await;
    platform.ready("b").await;
    platform.crash();
    for name in ["a", "b"] {
        name_as_open(&platform, name, 1).await;
    }
    let ended = platform.runs("b").await.remove(0);
    platform.write("b", json!({"text": "two"})).await;
    platform.resume().await;
    platform.ready("b").await;
    until("no record names an open Run", PATIENCE, || async {
        let mut open = Vec::new();
        for name in ["a", "b"] {
            open.extend(platform.inventory(name).await.and_then(|inventory| inventory.spec.open_run));
        }
        if open.is_empty() { Ok(()) } else { Err(open) }
    })
    .await;
    // The finished one stands as it ended; what came after it is a Run of its own.
    assert_eq!(platform.runs("a").await.len(), 1);
    let runs = platform.runs("b").await;
    assert_eq!(runs[0].status, ended.status);
    assert_eq!(runs.iter().map(|run| (run.spec.number, run.state())).collect::<Vec<_>>(), [(1, State::Succeeded), (2, State::Succeeded)]);

    platform.crash();
    name_as_open(&platform, "b", 2).await;
    platform.instances().delete("b", &kube::api::DeleteParams::default()).await.expect("taken");
    platform.resume().await;
    platform.gone("b").await;
    let left: Vec<(Cause, State)> = platform.runs("b").await.iter().map(|run| (run.spec.cause, run.state())).collect();
    assert_eq!(left, [(Cause::Delete, State::Succeeded)]);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_reserved_before_a_crash_says_after_it_what_it_changes() {
    let mut platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({"text": "one"})).await;
    platform.ready("a").await;
    platform.crash();
    platform.write("a", json!({"text": "two"})).await;
    name_as_open(&platform, "a", 2).await;
    platform.resume().await;
    platform.ready("a").await;
    let said: Vec<String> = platform.runs("a").await.iter().map(|run| format!("{} {}", run.spec.number, run.spec.title)).collect();
    assert_eq!(said, ["1 new", "2 text one → two"]);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_says_nothing_new_of_what_is_settled() {
    let mut platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    let names: Vec<String> = (0..10).map(|number| format!("i{number}")).collect();
    platform.write_many(&names, &json!({})).await;
    let versions = |objects: Vec<kube::api::DynamicObject>| -> BTreeMap<String, String> {
        objects.into_iter().map(|object| (object.name_any(), object.resource_version().expect("a version"))).collect()
    };
    let before = versions(platform.all_ready(names.len()).await);
    let reads: Vec<u64> = names.iter().map(|name| platform.recorder.reads(name)).collect();
    // Instances are seen before Templates.
    let (open, gate) = tokio::sync::watch::channel(false);
    platform.windlass = windlass_testkit::gate::client(&platform.windlass, "/templates", gate);
    platform.resume().await;
    until("all were looked at", PATIENCE, || async {
        let is_unread = |(name, reads): &(&String, &u64)| platform.recorder.reads(name) <= **reads;
        let unread: Vec<&String> = names.iter().zip(&reads).filter(is_unread).map(|(name, _)| name).collect();
        if unread.is_empty() { Ok(()) } else { Err(format!("{unread:?}")) }
    })
    .await;
    platform.idle().await;
    open.send_replace(true);
    assert_eq!(versions(platform.all_ready(names.len()).await), before);
    platform.finish().await;
}
