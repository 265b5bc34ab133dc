//! An API server, the controllers over it, and a building block that misbehaves on demand; stopped and started at will.

use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{Mutex, OwnedMutexGuard};
use windlass_api::inventory::Inventory;
use windlass_api::names;
use windlass_api::plan::Block;
use windlass_api::run::{Run, State};
use windlass_api::target::{CONTROL_PLANE, LOCAL};
use windlass_api::template::Template;
use windlass_client::objects::Kind;
use windlass_controllers::{Controllers, Settings};
use windlass_drivers::kubernetes_object::KubernetesObjects;
use windlass_drivers::{Driver, Drivers};
use windlass_testkit::fake_driver::{FakeDriver, World};
use windlass_testkit::recorder::{Hand, Recorder};
use windlass_testkit::wait::until;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One real server is shared by all tests, which then take turns.
static TURN: std::sync::LazyLock<Arc<Mutex<()>>> = std::sync::LazyLock::new(Arc::default);
static COUNT: AtomicU32 = AtomicU32::new(0);

/// See the module head.
pub(crate) struct Platform {
    /// What people use.
    pub(crate) client: Client,
    /// What controllers and drivers use.
    pub(crate) windlass: Client,
    /// What really happened; looked at when the test finishes.
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) fake: Arc<FakeDriver>,
    /// Serves `template` blocks in place of the real driver.
    pub(crate) objects: Option<Arc<dyn Driver>>,
    /// Whether the outside takes every call anew, also one that it has taken already.
    pub(crate) counts_every_call: bool,
    pub(crate) namespace: String,
    /// Kind of this test's Template; no other test uses it.
    pub(crate) kind: String,
    pub(crate) resync: Duration,
    controllers: Option<Controllers>,
    server: Option<windlass_apiserver::Server>,
    world: TempDir,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Platform {
    /// A platform with one namespace and no Template.
    pub(crate) async fn start() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (client, server, turn) = match std::env::var_os("WINDLASS_TEST_KUBECONFIG") {
            Some(path) => {
                let turn = TURN.clone().lock_owned().await;
                rustls::crypto::ring::default_provider().install_default().ok();
                (windlass_client::connect::from_kubeconfig(path.as_ref(), None).await.expect("a usable kubeconfig"), None, Some(turn))
            }
            None => {
                let store = windlass_store::Store::in_memory(&windlass_store::Options::default()).expect("a store in memory");
                let options = windlass_apiserver::Options::new(windlass_apiserver::EncryptionKey::new(&[7; 32]));
                let server = windlass_apiserver::Server::open(store, options).await.expect("an API");
                (windlass_client::connect::in_process(server.router()), Some(server), None)
            }
        };
        let world = tempfile::tempdir().expect("a directory");
        let unique = format!("{}{number}", std::process::id());
        let recorder = Recorder::new();
        let mut platform = Self {
            windlass: recorder.client(&client, Hand::Windlass),
            client: recorder.client(&client, Hand::Person),
            recorder,
            fake: FakeDriver::new(world.path()).expect("a world"),
            objects: None,
            counts_every_call: false,
            namespace: format!("test-{unique}"),
            kind: format!("Thing{unique}"),
            resync: Duration::from_secs(600),
            controllers: None,
            server,
            world,
            _turn: turn,
        };
        platform.resume().await;
        platform.create_namespace(&platform.namespace.clone()).await;
        platform
    }

    /// As if Windlass was killed: nothing of it goes on.
    pub(crate) fn crash(&mut self) {
        self.controllers = None;
    }

    /// Starts the controllers; what the outside had in memory is forgotten, what it has on disk is not.
    pub(crate) async fn resume(&mut self) {
        self.controllers = None;
        // A killed process is gone at once; here its last calls must have ended before the next one begins.
        let (fake, recorder) = (self.fake.clone(), self.recorder.clone());
        until("the old calls have ended", PATIENCE, || async {
            let left = fake.in_flight() + recorder.in_flight();
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
        let world = World::open(self.world.path()).expect("a world").recorded(self.recorder.clone());
        self.fake = FakeDriver::over(if self.counts_every_call { world.counting_every_call() } else { world });
        self.start_controllers().await;
    }

    /// Starts the controllers over the present outside.
    pub(crate) async fn start_controllers(&mut self) {
        let objects = self.objects.clone().unwrap_or_else(|| KubernetesObjects::new(self.windlass.clone()));
        let drivers = Drivers::default()
            .with(Block::Template, CONTROL_PLANE, objects.clone())
            .with(Block::ExternalRef, CONTROL_PLANE, objects)
            .with(Block::Workload, LOCAL, self.fake.clone());
        let settings = Settings { resync: self.resync, ..Settings::default() };
        windlass_controllers::install_kinds(&self.windlass).await.expect("the kinds are taken");
        self.controllers = Some(windlass_controllers::start(&self.windlass, &drivers, settings));
    }

    /// Commits to the store so far; `None` on a real server.
    pub(crate) fn commits(&self) -> Option<u64> {
        self.server.as_ref().map(|server| server.store().commits())
    }

    pub(crate) async fn create_namespace(&self, name: &str) {
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client.clone());
        let namespace =
            serde_json::from_value(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).expect("a namespace");
        api.create(&PostParams::default(), &namespace).await.expect("made");
    }

    /// Applies a Template whose schema gets this test's kind, and waits until it serves.
    pub(crate) async fn template(&self, spec: Value) -> Template {
        self.apply_template(&self.kind.to_lowercase(), spec).await;
        self.template_is(|template| {
            template.status.as_ref().is_some_and(|status| {
                status.observed_generation == template.metadata.generation
                    && status.conditions.iter().any(|c| c.type_ == "Ready" && c.is_true())
            })
        })
        .await
    }

    pub(crate) async fn apply_template(&self, name: &str, spec: Value) {
        self.apply_template_of(&self.kind, name, spec).await;
    }

    /// Applies a Template of another kind, and waits until it serves; its name is the kind's.
    pub(crate) async fn second_template(&self, kind: &str, spec: Value) {
        let name = kind.to_lowercase();
        self.apply_template_of(kind, &name, spec).await;
        until("the second Template", PATIENCE, || async {
            let template = self.templates().get(&name).await.map_err(|error| error.to_string())?;
            let conditions = template.status.map(|status| status.conditions).unwrap_or_default();
            if conditions.iter().any(|c| c.type_ == "Ready" && c.is_true()) { Ok(()) } else { Err(format!("{conditions:#?}")) }
        })
        .await;
    }

    async fn apply_template_of(&self, kind: &str, name: &str, mut spec: Value) {
        spec["schema"]["kind"] = json!(kind);
        let object = json!({"apiVersion": names::API_VERSION, "kind": "Template", "metadata": {"name": name}, "spec": spec});
        self.templates().patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.expect("the Template is stored");
    }

    pub(crate) fn templates(&self) -> Api<Template> {
        Api::all(self.client.clone())
    }

    pub(crate) async fn template_is(&self, holds: impl Fn(&Template) -> bool) -> Template {
        let name = self.kind.to_lowercase();
        until("the Template", PATIENCE, || async {
            let template = self.templates().get(&name).await.map_err(|error| error.to_string())?;
            if holds(&template) { Ok(template) } else { Err(format!("{:#?}", template.status)) }
        })
        .await
    }

    pub(crate) fn instances(&self) -> Api<DynamicObject> {
        self.kind().api(&self.client, Some(&self.namespace))
    }

    pub(crate) fn kind(&self) -> Kind {
        kind_of(&self.kind)
    }

    /// Instances of another kind.
    pub(crate) fn instances_of(&self, kind: &str) -> Api<DynamicObject> {
        kind_of(kind).api(&self.client, Some(&self.namespace))
    }

    /// Makes many instances at once.
    pub(crate) async fn write_many(&self, names: &[String], spec: &Value) {
        use futures::StreamExt as _;
        futures::stream::iter(names).for_each_concurrent(16, |name| async move { drop(self.write(name, spec.clone()).await) }).await;
    }

    /// Waits until all of so many instances are ready.
    pub(crate) async fn all_ready(&self, count: usize) -> Vec<DynamicObject> {
        until("all instances are ready", PATIENCE * 20, || async {
            // A long list is read only once it may be right.
            let busy = self.controllers.as_ref().map_or(0, Controllers::busy);
            if busy > 0 {
                return Err(format!("{busy} are worked on"));
            }
            let found = self.instances().list(&ListParams::default()).await.map_err(|error| error.to_string())?.items;
            let ready = found.iter().filter(|object| object.data["status"]["state"] == "Ready").count();
            if ready == count { Ok(found) } else { Err(format!("{ready} of {count}")) }
        })
        .await
    }

    /// Waits until no instance is worked on.
    pub(crate) async fn idle(&self) {
        until("nothing is worked on", PATIENCE, || async {
            let busy = self.controllers.as_ref().map_or(0, Controllers::busy);
            if busy == 0 { Ok(()) } else { Err(busy) }
        })
        .await;
    }

    /// Writes an instance as its owner.
    pub(crate) async fn write(&self, name: &str, spec: Value) -> DynamicObject {
        let object = json!({"apiVersion": self.kind().resource.api_version, "kind": self.kind, "metadata": {"name": name, "annotations": {names::ANNOTATION_CHANGED_BY: "ann"}}, "spec": spec});
        self.instances().patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.expect("the instance is stored")
    }

    pub(crate) async fn annotate(&self, name: &str, annotations: Value) {
        let patch = json!({"metadata": {"annotations": annotations}});
        self.instances().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("annotated");
    }

    pub(crate) async fn instance_is(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> DynamicObject {
        until(what, PATIENCE, || async {
            let object = self.instances().get(name).await.map_err(|error| error.to_string())?;
            if holds(&json!({"metadata": object.metadata, "status": object.data["status"]})) {
                Ok(object)
            } else {
                Err(format!("{:#}\n{}", object.data["status"], self.described(name).await))
            }
        })
        .await
    }

    /// Ready, and of the newest generation.
    pub(crate) async fn ready(&self, name: &str) -> DynamicObject {
        self.instance_is(name, "a ready instance", |object| {
            object["status"]["state"] == "Ready" && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await
    }

    pub(crate) async fn in_state(&self, name: &str, state: &str) -> DynamicObject {
        self.instance_is(name, state, |object| object["status"]["state"] == state).await
    }

    async fn described(&self, name: &str) -> String {
        let runs = self.runs(name).await;
        runs.iter()
            .map(|run| format!("{:?} {:?} {:?}\n", run.metadata.name, run.spec.cause, run.status.as_ref().map(|s| (&s.state, &s.message))))
            .collect()
    }

    pub(crate) fn run_api(&self) -> Api<Run> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Runs of an instance, oldest first.
    pub(crate) async fn runs(&self, name: &str) -> Vec<Run> {
        let mut runs = self.run_api().list(&ListParams::default()).await.expect("listed").items;
        runs.retain(|run| run.spec.instance.name == name && run.spec.number > 0);
        runs.sort_by_key(|run| run.spec.number);
        runs
    }

    pub(crate) async fn run_is(&self, name: &str, what: &str, holds: impl Fn(&Run) -> bool) -> Run {
        until(what, PATIENCE, || async {
            let runs = self.runs(name).await;
            match runs.iter().rev().find(|run| holds(run)) {
                Some(run) => Ok(run.clone()),
                None => Err(self.described(name).await),
            }
        })
        .await
    }

    pub(crate) async fn run_in(&self, name: &str, state: State) -> Run {
        self.run_is(name, &format!("a Run in {state:?}"), |run| run.state() == state).await
    }

    pub(crate) async fn patch_run(&self, run: &Run, patch: Value) {
        let name = run.metadata.name.as_deref().expect("named");
        self.run_api().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
    }

    pub(crate) fn inventories(&self) -> Api<Inventory> {
        Api::namespaced(self.client.clone(), names::SYSTEM_NAMESPACE)
    }

    pub(crate) async fn inventory(&self, name: &str) -> Option<Inventory> {
        let all = self.inventories().list(&ListParams::default()).await.expect("listed").items;
        all.into_iter().find(|inventory| inventory.spec.instance.name == name && inventory.spec.instance.kind == self.kind)
    }

    pub(crate) fn config_maps(&self) -> Api<k8s_openapi::api::core::v1::ConfigMap> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Deletes an instance and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) {
        self.instances().delete(name, &DeleteParams::default()).await.expect("deletion is taken");
        self.gone(name).await;
    }

    pub(crate) async fn gone(&self, name: &str) {
        until("the instance is gone", PATIENCE, || async {
            match windlass_client::objects::get(&self.instances(), name).await {
                Ok(None) => Ok(()),
                Ok(Some(object)) => Err(format!("{:#}\n{}", object.data["status"], self.described(name).await)),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// The Runs that were made in `windlass-system` because this test's namespace was going.
    pub(crate) async fn system_runs(&self) -> Vec<Run> {
        let api: Api<Run> = Api::namespaced(self.client.clone(), names::SYSTEM_NAMESPACE);
        let mut runs = api.list(&ListParams::default()).await.expect("listed").items;
        runs.retain(|run| run.spec.instance.namespace.as_deref() == Some(&self.namespace));
        runs
    }

    /// Leaves nothing behind on a server that others use, too. Everything that happened must stand in an approved plan.
    pub(crate) async fn finish(self) {
        let recorder = self.recorder.clone();
        self.finish_after_violations().await;
        let violations = recorder.violations();
        assert!(violations.is_empty(), "effects outside every approved plan:\n{}", violations.join("\n"));
    }

    /// Ends without taking anything away; what happened is judged.
    pub(crate) fn end_here(mut self) {
        self.crash();
        let violations = self.recorder.violations();
        assert!(violations.is_empty(), "effects outside every approved plan:\n{}", violations.join("\n"));
    }

    /// As [`Self::finish`], where the test itself had something forbidden done.
    pub(crate) async fn finish_after_violations(mut self) {
        if self.server.is_none() {
            let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client.clone());
            api.delete(&self.namespace, &DeleteParams::default()).await.expect("deletion is taken");
            until("the namespace is gone", PATIENCE * 2, || async { expect_gone(api.get_opt(&self.namespace).await) }).await;
            let ours = |template: &Template| template.metadata.name.clone().filter(|name| name.starts_with(&self.kind.to_lowercase()));
            for name in self.templates().list(&ListParams::default()).await.expect("listed").items.iter().filter_map(ours) {
                self.templates().delete(&name, &DeleteParams::default()).await.ok();
                until("the Template is gone", PATIENCE, || async { expect_gone(self.templates().get_opt(&name).await) }).await;
            }
            for run in self.system_runs().await {
                let api: Api<Run> = Api::namespaced(self.client.clone(), names::SYSTEM_NAMESPACE);
                api.delete(&run.metadata.name.unwrap_or_default(), &DeleteParams::default()).await.expect("taken");
            }
        }
        self.crash();
    }
}

fn kind_of(kind: &str) -> Kind {
    Kind {
        resource: kube::api::ApiResource {
            group: names::GENERATED_GROUP.into(),
            version: "v1alpha1".into(),
            api_version: format!("{}/v1alpha1", names::GENERATED_GROUP),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
        },
        namespaced: true,
    }
}

pub(crate) fn expect_gone<K: Debug>(found: Result<Option<K>, kube::Error>) -> Result<(), String> {
    match found {
        Ok(None) => Ok(()),
        Ok(Some(left)) => Err(format!("{left:#?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// A Template of `count` ConfigMaps, each with the instance's `text`.
pub(crate) fn config_maps(count: usize) -> Value {
    let resources: Vec<Value> = (0..count)
        .map(|index| {
            json!({"id": format!("map{index}"), "template": {
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("${{schema.metadata.name}}-{index}")},
                "data": {"text": "${schema.spec.text}"},
            }})
        })
        .collect();
    json!({"schema": {"apiVersion": "v1alpha1", "spec": {"text": "string | default=hello"}}, "resources": resources})
}

/// A Template of a workload with replicas, and a ConfigMap that waits for its address.
pub(crate) fn workload() -> Value {
    json!({
        "schema": {"apiVersion": "v1alpha1", "spec": {"replicas": "integer | default=2", "text": "string | default=hello"}},
        "resources": [
            {"id": "app", "workload": {"replicas": "${schema.spec.replicas}", "score": {
                "containers": {"web": {"image": "example/app", "variables": {"TEXT": "${schema.spec.text}"}}},
            }}},
            {"id": "page", "template": {
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "${schema.metadata.name}-page"},
                "data": {"address": "${app.outputs.address}"},
            }},
        ],
    })
}
