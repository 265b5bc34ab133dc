//! Deletions that a person must approve first: an admission hook refuses DELETE of an instance unless an approved request for
//! exactly this deletion is there, and says how to make one.
//!
//! A namespace that is going and the platform's own work are let through; their Delete Runs say that nobody was asked.

use super::authors::is_platform;
use serde_json::Value;
use std::sync::Arc;
use windlass_api::inventory::{Inventory, InventorySpec, name_of};
use windlass_api::names;
use windlass_api::plan::InstanceReference;
use windlass_api::run::Run;
use windlass_apiserver::{Admission, AdmissionRequest, Operation, Status, StoredObjects};
use windlass_graph::approval::{self, Standing};

/// The admission hook.
pub(crate) fn hook() -> Admission {
    Arc::new(|request, object| admit(request, object))
}

fn admit(request: &AdmissionRequest<'_>, object: &Value) -> Result<(), Status> {
    if request.operation != Operation::Delete || is_platform(request) || !may_need_approval(object) {
        return Ok(());
    }
    if is_going(request.stored.get("", "namespaces", "", request.namespace)?.as_ref()) {
        return Ok(());
    }
    let reference = InstanceReference::of(object);
    let Some(inventory) = inventory(request.stored, &reference.uid)? else { return Ok(()) };
    let annotation = |name: &str| object["metadata"]["annotations"][name].as_str().map(str::to_owned);
    let (plan, asked) = approval::deletion(&reference, &inventory, annotation);
    if approval::standing(&plan, asked, None) != Standing::Waits {
        return Ok(());
    }
    let place = if request.namespace.is_empty() { names::SYSTEM_NAMESPACE } else { request.namespace };
    let requests = request.stored.list(names::GROUP, "runs", place)?;
    let approved =
        requests.into_iter().filter_map(|run| serde_json::from_value::<Run>(run).ok()).any(|run| approval::approves_deletion(&run, &plan));
    if approved {
        return Ok(());
    }
    let at = if request.namespace.is_empty() { String::new() } else { format!(" -n {}", request.namespace) };
    let why = format!(
        "a person must approve its deletion first ({}), as the approval policy is `{}`\n  hint: `windlass run approve --delete {}/{}{at}`, then delete it; or leave what it made where it is: annotate it with `{}=Orphan`",
        plan.summary(),
        asked.name(),
        request.kind.to_lowercase(),
        request.name,
        names::ANNOTATION_DELETION_POLICY,
    );
    Err(Status::forbidden(request.group, request.resource, request.name, &why))
}

/// An instance that is there and has things to delete: only such ones carry the finalizer.
fn may_need_approval(object: &Value) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    !is_going(Some(object)) && finalizers.is_some_and(|names| names.iter().any(|name| name == names::FINALIZER_INVENTORY))
}

fn is_going(object: Option<&Value>) -> bool {
    object.is_some_and(|object| object["metadata"]["deletionTimestamp"].is_string())
}

/// What exists because of an instance, the entries of shards too.
fn inventory(stored: &dyn StoredObjects, uid: &str) -> Result<Option<InventorySpec>, Status> {
    let read = |name: &str| -> Result<Option<InventorySpec>, Status> {
        let found = stored.get(names::GROUP, "inventories", names::SYSTEM_NAMESPACE, name)?;
        let parsed = found.map(serde_json::from_value::<Inventory>).transpose();
        // What cannot be read must not be mistaken for nothing.
        let parsed =
            parsed.map_err(|error| Status::new(500, "InternalError", format!("the Inventory `{name}` cannot be read: {error}")))?;
        Ok(parsed.map(|inventory| inventory.spec))
    };
    let name = name_of(uid);
    let Some(mut head) = read(&name)? else { return Ok(None) };
    for number in 1..=head.shards {
        head.entries.extend(read(&format!("{name}-{number}"))?.unwrap_or_default().entries);
    }
    Ok(Some(head))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;
    use windlass_apiserver::Caller;
    use windlass_graph::deletion::deletion_plan;

    /// What hooks find stored: `PLURAL/NAMESPACE/NAME` and the object.
    #[derive(Default)]
    pub(in crate::up) struct Stored(BTreeMap<String, Value>);

    impl Stored {
        /// Stores an object.
        pub(in crate::up) fn put(&mut self, key: &str, object: Value) {
            self.0.insert(key.to_owned(), object);
        }
    }

    impl StoredObjects for Stored {
        fn get(&self, _: &str, resource: &str, namespace: &str, name: &str) -> Result<Option<Value>, Status> {
            Ok(self.0.get(&format!("{resource}/{namespace}/{name}")).cloned())
        }

        fn list(&self, _: &str, resource: &str, namespace: &str) -> Result<Vec<Value>, Status> {
            let place = if namespace.is_empty() { format!("{resource}/") } else { format!("{resource}/{namespace}/") };
            let all = self.0.iter().filter(|(key, _)| key.starts_with(&place));
            Ok(all.map(|(_, object)| object.clone()).collect())
        }
    }

    fn app() -> Value {
        json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "metadata": {"name": "shop", "namespace": "team",
            "uid": "u", "finalizers": [names::FINALIZER_INVENTORY]}})
    }

    /// An Inventory of 501 entries: the last one is in a shard.
    fn stored(approval: &str) -> Stored {
        let entry = |name: usize| {
            json!({"key": format!("c{name}"), "node": format!("c{name}"), "block": "template", "target": "control-plane",
            "identity": {"kind": "ConfigMap", "apiVersion": "v1", "namespace": "team", "name": format!("c{name}")}, "uid": "1", "state": "Present"})
        };
        let object = |name: &str, entries: Vec<Value>| {
            json!({"apiVersion": names::API_VERSION, "kind": "Inventory", "metadata": {"name": name},
            "spec": {"instance": {"apiVersion": "a/v1", "kind": "WebApp", "name": "shop", "uid": "u"}, "approval": approval, "shards": u8::from(name == "u"), "entries": entries}})
        };
        let mut stored = Stored::default();
        stored.0.insert("inventories/windlass-system/u".into(), object("u", (0..500).map(entry).collect()));
        stored.0.insert("inventories/windlass-system/u-1".into(), object("u-1", vec![entry(500)]));
        stored.0.insert("namespaces//team".into(), json!({"metadata": {"name": "team"}}));
        stored
    }

    fn ask(caller: &str, stored: &Stored, object: &Value) -> Result<(), String> {
        let caller = Caller::administrator(caller);
        let request = AdmissionRequest {
            caller: &caller,
            operation: Operation::Delete,
            group: names::GENERATED_GROUP,
            version: "v1alpha1",
            resource: "webapps",
            kind: "WebApp",
            subresource: "",
            namespace: "team",
            name: "shop",
            old: Some(object),
            dry_run: false,
            stored,
        };
        admit(&request, object).map_err(|status| status.message)
    }

    #[test]
    fn a_deletion_that_nobody_approved_is_refused_with_the_command_that_does() {
        insta::assert_snapshot!(ask("ann", &stored("always"), &app()).expect_err("refused"), @r#"
        webapps.platform.windlass.dev "shop" is forbidden: a person must approve its deletion first (501 delete), as the approval policy is `always`
          hint: `windlass run approve --delete webapp/shop -n team`, then delete it; or leave what it made where it is: annotate it with `windlass.dev/deletion-policy=Orphan`
        "#);
        assert_eq!(ask("ann", &stored("never"), &app()), Ok(()));
    }

    #[test]
    fn an_approved_request_lets_exactly_its_deletion_through() {
        let mut stored = stored("always");
        let entries = inventory(&stored, "u").expect("read").expect("there").entries;
        assert_eq!(entries.len(), 501);
        let plan = deletion_plan(&InstanceReference::of(&app()), &entries, windlass_api::template::DeletionPolicy::Delete);
        let request = json!({"apiVersion": names::API_VERSION, "kind": "Run",
            "metadata": {"name": "preview-a", "namespace": "team", "annotations": {names::ANNOTATION_CHANGED_BY: "bob"}},
            "spec": {"mode": "Plan", "deletes": true, "instance": plan.instance, "decision": {"verdict": "Approved", "planHash": plan.hash}},
            "status": {"state": "Succeeded", "plan": plan}});
        stored.0.insert("runs/team/preview-a".into(), request);
        assert_eq!(ask("ann", &stored, &app()), Ok(()));
        let shard = stored.0.get_mut("inventories/windlass-system/u-1").expect("the shard");
        shard["spec"]["entries"][0]["uid"] = json!("2");
        ask("ann", &stored, &app()).expect_err("an object of the same name that nobody looked at");
    }

    #[test]
    fn what_is_going_and_what_the_platform_does_is_let_through() {
        let mut stored = stored("always");
        assert_eq!(ask(crate::up::authors::SERVER, &stored, &app()), Ok(()));
        let mut going = app();
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(ask("ann", &stored, &going), Ok(()), "deleted already");
        let mut bare = app();
        bare["metadata"]["finalizers"] = json!([]);
        assert_eq!(ask("ann", &stored, &bare), Ok(()), "it made nothing");
        let mut orphaned = app();
        orphaned["metadata"]["annotations"] = json!({names::ANNOTATION_DELETION_POLICY: "Orphan"});
        assert_eq!(ask("ann", &stored, &orphaned), Ok(()), "nothing is deleted");
        stored.0.insert("namespaces//team".into(), json!({"metadata": {"name": "team", "deletionTimestamp": "2026-01-01T00:00:00Z"}}));
        assert_eq!(ask("ann", &stored, &app()), Ok(()), "the namespace goes");
    }
}
