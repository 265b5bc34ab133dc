//! A crash between every two driver calls: the same end, and every effect as often as without.

use crate::platform::{PATIENCE, Platform, workload};
use serde_json::json;
use std::collections::BTreeMap;
use windlass_testkit::fake_driver::CrashPoint;

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
