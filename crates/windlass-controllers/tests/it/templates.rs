//! Templates: refused ones, broken new ones, and two that claim one kind.

use crate::platform::{Platform, config_maps};
use serde_json::json;
use windlass_testkit::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_new_revision_is_stored_and_the_last_good_one_serves() {
    let platform = Platform::start().await;
    let good = platform.template(config_maps(1)).await;
    let revision = good.status.expect("a status").revision;
    let mut broken = config_maps(1);
    broken["resources"][0]["template"]["data"]["text"] = json!("${shema.spec.text}");
    platform.apply_template(&platform.kind.to_lowercase(), broken).await;
    let refused = platform
        .template_is(|template| {
            template.status.as_ref().is_some_and(|status| status.conditions.iter().any(|c| c.type_ == "GraphAccepted" && !c.is_true()))
        })
        .await;
    let status = refused.status.expect("a status");
    assert_eq!(status.revision, revision);
    let finding = &status.diagnostics[0];
    assert!(finding.path.starts_with("spec.resources[0]") && finding.message.contains("shema") && finding.hint.is_some(), "{finding:?}");
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_template_of_a_kind_is_told_who_has_it() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    let second = format!("{}-second", platform.kind.to_lowercase());
    platform.apply_template(&second, config_maps(1)).await;
    let message = until("KindTaken", crate::platform::PATIENCE, || async {
        let template = platform.templates().get(&second).await.map_err(|error| error.to_string())?;
        let status = template.status.unwrap_or_default();
        let taken = status.conditions.iter().find(|c| c.type_ == "KindTaken" && c.is_true()).cloned();
        taken.map(|condition| condition.message).ok_or_else(|| format!("{status:?}"))
    })
    .await;
    assert!(message.contains(&platform.kind.to_lowercase()) && message.contains("hint"), "{message}");
    platform.templates().delete(&second, &kube::api::DeleteParams::default()).await.expect("taken");
    platform.finish().await;
}

/// Each of the two was made for the other without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_closes_a_circle_with_another_is_refused_until_the_other_changes() {
    let platform = Platform::start().await;
    let outer = format!("{}Outer", platform.kind);
    let making = |kind: &str| {
        let mut spec = config_maps(1);
        spec["resources"][0]["template"] = json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": kind,
            "metadata": {"name": "${schema.metadata.name}-inner"}, "spec": {"text": "${schema.spec.text}"}});
        spec
    };
    let good = platform.template(config_maps(1)).await;
    platform.second_template(&outer, making(&platform.kind)).await;
    platform.apply_template(&platform.kind.to_lowercase(), making(&outer)).await;
    let refused = platform
        .template_is(|template| template.status.as_ref().is_some_and(|status| status.diagnostics.iter().any(|d| d.code == "TemplateCycle")))
        .await;
    let status = refused.status.expect("a status");
    let way = format!("{0} → {outer} → {0}", platform.kind);
    assert!(status.diagnostics[0].message.ends_with(&way), "{:?}", status.diagnostics);
    assert_eq!(status.revision, good.status.expect("a status").revision, "what served goes on serving");
    platform.second_template(&outer, config_maps(1)).await;
    platform
        .template_is(|template| template.status.as_ref().is_some_and(|status| status.diagnostics.iter().all(|d| d.code != "TemplateCycle")))
        .await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_revision_reaches_instances_by_a_run_of_their_own() {
    let platform = Platform::start().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    let mut next = config_maps(2);
    next["resources"][0]["template"]["data"]["more"] = json!("yes");
    platform.template(next).await;
    platform
        .run_is("a", "a Revision Run", |run| {
            run.spec.cause == windlass_api::run::Cause::Revision && run.state() == windlass_api::run::State::Succeeded
        })
        .await;
    platform.config_maps().get("a-1").await.expect("the second object is made");
    platform.template(config_maps(1)).await;
    until("the second object is gone", crate::platform::PATIENCE, || async {
        match platform.config_maps().get_opt("a-1").await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    platform.finish().await;
}
