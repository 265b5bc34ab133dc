//! What costs nothing: a thousand settled instances. And what is cheap: the first Ready.

use crate::platform::{PATIENCE, Platform, config_maps, workload};
use futures::StreamExt as _;
use kube::Api;
use serde_json::json;
use std::time::Duration;
use windlass_api::run::{Run, State};
use windlass_testkit::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_ready_of_n_objects_costs_at_most_n_and_six_writes() {
    let platform = Platform::start().await;
    for count in [1, 2, 7, 40] {
        let kind = format!("{}c{count}", platform.kind);
        platform.second_template(&kind, config_maps(count)).await;
        // What made the Template ready is seen before its answer is noted.
        until("the Template's writes are noted", PATIENCE, || async {
            let left = platform.recorder.in_flight();
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
        let (before, committed) = (platform.recorder.writes().len(), platform.commits());
        let object = serde_json::from_value(
            json!({"apiVersion": platform.kind().resource.api_version, "kind": kind, "metadata": {"name": "first"}, "spec": {}}),
        )
        .expect("an instance");
        platform.instances_of(&kind).create(&kube::api::PostParams::default(), &object).await.expect("made");
        until("a ready instance", PATIENCE, || async {
            let object = platform.instances_of(&kind).get("first").await.map_err(|error| error.to_string())?;
            if object.data["status"]["state"] == "Ready" { Ok(()) } else { Err(object.data["status"].to_string()) }
        })
        .await;
        // What follows the last status, if anything, is written by now.
        let of_kind = |run: &Run| run.spec.instance.kind == kind && run.state() == State::Succeeded;
        platform.run_is("first", "a Run that succeeded", of_kind).await;
        let allowed = count as u64 + 6;
        let written = platform.recorder.writes().split_off(before);
        assert!(written.len() as u64 <= allowed, "{} writes for {count} objects: {written:#?}", written.len());
        if let (Some(before), Some(after)) = (committed, platform.commits()) {
            // One of them is the person's own.
            let committed = after - before - 1;
            assert!(committed <= allowed, "{committed} commits for {count} objects");
        }
        platform.instances_of(&kind).delete("first", &kube::api::DeleteParams::default()).await.expect("taken");
        until("it is gone", PATIENCE, || async { crate::platform::expect_gone(platform.instances_of(&kind).get_opt("first").await) }).await;
    }
    platform.finish().await;
}

/// A thousand where a server of our own runs in this process; fewer on one that is slower and shared.
fn how_many(platform: &Platform) -> usize {
    if platform.commits().is_some() { 1000 } else { 100 }
}

/// Waits until each instance and its object was looked at from now on, and the probed one was told of a probe that says
/// what it said before.
async fn all_looked_at(platform: &Platform, names: &[String], probed_uid: &str) {
    platform.recorder.forget_reads();
    until("each was looked at", PATIENCE * 10, || async {
        platform.fake.probe(probed_uid);
        let looked_at = |name: &String| platform.recorder.reads(name) >= 2 && platform.recorder.reads(&format!("{name}-0")) >= 1;
        let left = names.iter().filter(|name| !looked_at(name)).count() + usize::from(platform.recorder.reads("probed") < 2);
        if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_settled_instances_cost_no_write_with_resync_drift_check_probes_and_an_open_stream() {
    let mut platform = Platform::start().await;
    let count = how_many(&platform);
    platform.template(config_maps(1)).await;
    let probed = format!("{}Probed", platform.kind);
    platform.second_template(&probed, workload()).await;
    let names: Vec<String> = (0..count).map(|number| format!("i{number}")).collect();
    platform.write_many(&names, &json!({})).await;
    let object = serde_json::from_value(
        json!({"apiVersion": platform.kind().resource.api_version, "kind": probed, "metadata": {"name": "probed"}, "spec": {}}),
    )
    .expect("an instance");
    let probed_uid =
        platform.instances_of(&probed).create(&kube::api::PostParams::default(), &object).await.expect("made").metadata.uid.expect("a UID");
    platform.all_ready(count).await;
    until("the probed one is ready", PATIENCE, || async {
        let object = platform.instances_of(&probed).get("probed").await.map_err(|error| error.to_string())?;
        if object.data["status"]["state"] == "Ready" { Ok(()) } else { Err(object.data["status"].to_string()) }
    })
    .await;
    // Forced: each is looked at again and again, its object compared with what the Template says.
    platform.resync = Duration::from_millis(500);
    platform.resume().await;
    // Open streams, as a portal and `kubectl get -w` hold them.
    let instances = windlass_client::watch::objects(platform.instances(), None);
    let runs = windlass_client::watch::objects(Api::<Run>::all(platform.client.clone()), None);
    let streams = tokio::spawn(async move { tokio::join!(instances.for_each(|_| async {}), runs.for_each(|_| async {})) });
    // The start, which looks at Templates once more, is over when each was looked at.
    all_looked_at(&platform, &names, &probed_uid).await;
    let (before, committed) = (platform.recorder.writes(), platform.commits());
    all_looked_at(&platform, &names, &probed_uid).await;
    let written = platform.recorder.writes().split_off(before.len());
    assert!(written.is_empty(), "settled instances are written: {written:?}");
    assert_eq!(platform.commits(), committed, "something was committed");
    streams.abort();
    if platform.commits().is_some() {
        // The server ends with the test; taking a thousand instances away one by one shows nothing more.
        platform.end_here();
    } else {
        platform.finish().await;
    }
}
