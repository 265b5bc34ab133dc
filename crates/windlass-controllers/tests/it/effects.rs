//! The recorder itself: a driver that does more than its plan says is caught. Every other test's end relies on it.

use crate::platform::{Platform, config_maps, workload};
use async_trait::async_trait;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::sync::Arc;
use windlass_api::driver::{Cancellation, DesiredNode, NodeAnswer, Observation, Operation, Outcome};
use windlass_api::inventory::Entry;
use windlass_api::names;
use windlass_api::plan::Action;
use windlass_api::run::State;
use windlass_drivers::kubernetes_object::KubernetesObjects;
use windlass_drivers::{Driver, DriverError, Scope};
use windlass_testkit::fake_driver::Behaviour;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_does_more_outside_than_was_planned_is_caught() {
    let platform = Platform::start().await;
    platform.template(workload()).await;
    platform.fake.next("app/replica-0", Behaviour::More);
    platform.write("a", json!({"replicas": 1})).await;
    platform.ready("a").await;
    let said = platform.recorder.violations();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("create `app/replica-0-more` outside") && said[0].contains("it is not in its plan"), "{said:?}");
    platform.finish_after_violations().await;
}

/// Makes every object twice, the second time under another name, and says nothing of it.
struct Greedy {
    inner: Arc<KubernetesObjects>,
    client: kube::Client,
}

#[async_trait]
impl Driver for Greedy {
    async fn plan(&self, scope: &Scope, desired: &DesiredNode) -> Result<NodeAnswer, DriverError> {
        self.inner.plan(scope, desired).await
    }

    async fn apply(&self, scope: &Scope, operation: &Operation) -> Outcome {
        let maps: Api<k8s_openapi::api::core::v1::ConfigMap> =
            Api::namespaced(self.client.clone(), scope.instance.namespace.as_deref().expect("a namespace"));
        let name = format!("{}-more", operation.effect.identity.name);
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        maps.patch(&name, &PatchParams::apply(&names::instance_manager(&scope.instance.uid)), &Patch::Apply(&object)).await.expect("made");
        self.inner.apply(scope, operation).await
    }

    async fn observe(&self, scope: &Scope, entry: &Entry) -> Observation {
        self.inner.observe(scope, entry).await
    }

    async fn cancel(&self, scope: &Scope, entry: &Entry) -> Cancellation {
        self.inner.cancel(scope, entry).await
    }

    async fn delete(&self, scope: &Scope, op_id: &str, entry: &Entry) -> Outcome {
        self.inner.delete(scope, op_id, entry).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_writes_an_object_that_no_plan_names_is_caught() {
    let mut platform = Platform::start().await;
    platform.objects =
        Some(Arc::new(Greedy { inner: KubernetesObjects::new(platform.windlass.clone()), client: platform.windlass.clone() }));
    platform.resume().await;
    platform.template(config_maps(1)).await;
    platform.write("a", json!({})).await;
    platform.ready("a").await;
    let said = platform.recorder.violations();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(&format!("create ConfigMap {}/a-0-more", platform.namespace)), "{said:?}");
    platform.finish_after_violations().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_before_approval_or_after_the_end_of_its_run_is_caught() {
    let platform = Platform::start().await;
    let mut template = workload();
    template["policy"] = json!({"approval": "always"});
    platform.template(template).await;
    let uid = platform.write("a", json!({"replicas": 1})).await.metadata.uid.expect("a UID");
    let run = platform.run_in("a", State::AwaitingApproval).await;
    platform.recorder.outside(&uid, "app/replica-0", Action::Create);
    let decision = json!({"verdict": "Approved", "planHash": run.plan().expect("a plan").hash, "reason": "fine"});
    let author = json!({names::ANNOTATION_CHANGED_BY: "bob"});
    platform.patch_run(&run, json!({"metadata": {"annotations": author}, "spec": {"decision": decision}})).await;
    platform.ready("a").await;
    platform.run_in("a", State::Succeeded).await;
    platform.recorder.outside(&uid, "app/replica-0", Action::Create);
    let said = platform.recorder.violations();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("nobody approved it") && said[1].contains("it has ended"), "{said:?}");
    // What was really done is known, too.
    let done: Vec<String> = platform.recorder.effects().iter().map(|effect| effect.place.to_string()).collect();
    assert!(done.iter().any(|place| place.contains("a-page")), "{done:?}");
    platform.finish_after_violations().await;
}
