//! Kubernetes objects on the control plane: the blocks `template` and `externalRef`.
//!
//! Objects are applied server-side by the manager `windlass:UID`. An object that does not carry our label is never
//! touched: the node is a conflict that names the holder. Start with [`KubernetesObjects`].

mod compare;
mod health;

use crate::driver::{Driver, DriverError, Scope};
use async_trait::async_trait;
use kube::Client;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use windlass_api::driver::{Cancellation, DesiredNode, NodeAnswer, Observation, Operation, Outcome};
use windlass_api::inventory::Entry;
use windlass_api::names;
use windlass_api::plan::{Action, EffectPlan, FieldChange, Identity, InstanceReference};
use windlass_api::planned::Planned;
use windlass_client::objects::{self, Kind};
use windlass_client::{errors, preview};

/// How long a deletion waits before it is looked at again.
const POLL_MILLISECONDS: u64 = 500;

/// The driver of `template` nodes.
pub struct KubernetesObjects {
    client: Client,
    kinds: Mutex<HashMap<(String, String), Kind>>,
}

impl KubernetesObjects {
    /// A driver over this API.
    pub fn new(client: Client) -> Arc<Self> {
        Arc::new(Self { client, kinds: Mutex::default() })
    }

    /// The kind behind an apiVersion and kind, by discovery, remembered until it is not found.
    ///
    /// # Errors
    /// The API does not serve it, or does not answer.
    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, kube::Error> {
        let key = (api_version.to_owned(), kind.to_owned());
        let known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = objects::discover(&self.client, api_version, kind).await?;
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        Ok(found)
    }

    async fn read(&self, identity: &Identity) -> Result<Option<DynamicObject>, kube::Error> {
        let api_version = identity.api_version.as_deref().unwrap_or("v1");
        let kind = match self.kind(api_version, &identity.kind).await {
            Ok(kind) => kind,
            // A kind that is not served has no objects.
            Err(error) if errors::is_not_found(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        objects::get(&kind.api(&self.client, identity.namespace.as_deref()), &identity.name).await
    }

    async fn apply_object(&self, scope: &Scope, body: &Value, force: bool, dry_run: bool) -> Result<DynamicObject, kube::Error> {
        let identity = objects::identity(body);
        let kind = self.kind(identity.api_version.as_deref().unwrap_or("v1"), &identity.kind).await?;
        let api = kind.api(&self.client, identity.namespace.as_deref());
        objects::apply(&api, &identity.name, body, &names::instance_manager(&scope.instance.uid), force, dry_run).await
    }

    async fn remove(&self, identity: &Identity, uid: Option<&str>) -> Outcome {
        let kind = match self.kind(identity.api_version.as_deref().unwrap_or("v1"), &identity.kind).await {
            Ok(kind) => kind,
            Err(error) if errors::is_not_found(&error) => return Outcome::Done { uid: None },
            Err(error) => return outcome_of(&error),
        };
        let api = kind.api(&self.client, identity.namespace.as_deref());
        if let Err(error) = objects::delete_exactly(&api, &identity.name, uid).await {
            return outcome_of(&error);
        }
        match objects::get(&api, &identity.name).await {
            Ok(Some(left)) if uid.is_none() || left.metadata.uid.as_deref() == uid => {
                let held = left.metadata.finalizers.unwrap_or_default().join(", ");
                Outcome::Pending {
                    token: "deleting".into(),
                    poll_after_milliseconds: POLL_MILLISECONDS,
                    message: format!("{identity} is being deleted and is still held by: {held}"),
                }
            }
            Ok(_) => Outcome::Done { uid: None },
            Err(error) => outcome_of(&error),
        }
    }

    async fn answer_for_present(
        &self,
        scope: &Scope,
        desired: &DesiredNode,
        live: &DynamicObject,
        known: &Value,
    ) -> Result<NodeAnswer, DriverError> {
        let live_value = serde_json::to_value(live).unwrap_or_default();
        let mut answer = NodeAnswer {
            observation: present(live, &live_value),
            action: Action::None,
            effects: vec![effect(desired, Action::None, known)],
            changes: Vec::new(),
            staleness: BTreeMap::from([("resourceVersion".into(), live.metadata.resource_version.clone().unwrap_or_default())]),
            note: None,
            warnings: Vec::new(),
            conflict: None,
        };
        if let Some(holder) = foreign_holder(live, &scope.instance) {
            answer.conflict = Some(format!("{} {holder}", objects::identity(known)));
            return Ok(answer);
        }
        let hash = preview::canonical_hash(&desired.body.to_json());
        let same_as_before = desired.entries.iter().any(|entry| entry.desired_hash == hash);
        if same_as_before && compare::covers(&live_value, known) {
            return Ok(answer);
        }
        match self.apply_object(scope, &labelled(scope, known, &desired.key), true, true).await {
            Ok(result) => {
                let result = serde_json::to_value(result).unwrap_or_default();
                answer.changes = compare::changes(&live_value, &result);
                compare::name_foreign_managers(
                    &mut answer.changes,
                    &live_value,
                    &names::instance_manager(&scope.instance.uid),
                    same_as_before,
                );
            }
            Err(error) if errors::is_refused(&error) && errors::message(&error).contains("immutable") => {
                answer.action = Action::Replace;
                answer.note = Some(format!("a field of it cannot be changed in place: {}", errors::message(&error)));
                answer.changes = compare::changes(&live_value, known);
            }
            Err(error) => return Err(driver_error(&error)),
        }
        answer.changes.extend(later_changes(&desired.body));
        if answer.action == Action::None && !answer.changes.is_empty() {
            answer.action = Action::Update;
        }
        answer.effects = vec![effect(desired, answer.action, known)];
        Ok(answer)
    }
}

#[async_trait]
impl Driver for KubernetesObjects {
    async fn plan(&self, scope: &Scope, desired: &DesiredNode) -> Result<NodeAnswer, DriverError> {
        let known = compare::known_part(&desired.body);
        let identity = objects::identity(&known);
        match self.read(&identity).await {
            Ok(Some(live)) if live.metadata.deletion_timestamp.is_some() && foreign_holder(&live, &scope.instance).is_none() => {
                Ok(NodeAnswer {
                    observation: Observation::InProgress { token: "deleting".into(), message: format!("{identity} is being deleted") },
                    action: Action::None,
                    effects: vec![effect(desired, Action::None, &known)],
                    changes: Vec::new(),
                    staleness: BTreeMap::new(),
                    note: Some("it is being deleted and is made again afterwards".into()),
                    warnings: Vec::new(),
                    conflict: None,
                })
            }
            Ok(Some(live)) => self.answer_for_present(scope, desired, &live, &known).await,
            Ok(None) => Ok(NodeAnswer {
                observation: Observation::Absent,
                action: Action::Create,
                effects: vec![effect(desired, Action::Create, &known)],
                changes: Vec::new(),
                staleness: BTreeMap::from([("resourceVersion".into(), String::new())]),
                note: None,
                warnings: Vec::new(),
                conflict: None,
            }),
            Err(error) => Err(driver_error(&error)),
        }
    }

    async fn apply(&self, scope: &Scope, operation: &Operation) -> Outcome {
        if operation.effect.action == Action::Replace {
            match self.remove(&operation.effect.identity, None).await {
                Outcome::Done { .. } => {}
                other => return other,
            }
        }
        let body = labelled(scope, &operation.desired, &operation.key);
        // A new object is applied unforced, so that of two claimants the second one gets a conflict from the API.
        let ours = operation.effect.action == Action::Update;
        match self.apply_object(scope, &body, ours, false).await {
            Ok(object) => Outcome::Done { uid: object.metadata.uid },
            Err(error) if errors::is_not_found(&error) => {
                self.kinds.lock().unwrap_or_else(PoisonError::into_inner).clear();
                Outcome::Failed { reason: "NotServed".into(), message: errors::message(&error), retry: true }
            }
            Err(error) => outcome_of(&error),
        }
    }

    async fn observe(&self, scope: &Scope, entry: &Entry) -> Observation {
        match self.read(&entry.identity).await {
            Ok(Some(object)) if foreign_holder(&object, &scope.instance).is_some() && !entry.adopted => Observation::Absent,
            Ok(Some(object)) => present(&object, &serde_json::to_value(&object).unwrap_or_default()),
            Ok(None) => Observation::Absent,
            Err(error) => Observation::Unknown { message: errors::message(&error) },
        }
    }

    async fn cancel(&self, _scope: &Scope, _entry: &Entry) -> Cancellation {
        // A write to the API is done when it is answered; there is nothing to stop.
        Cancellation::TooLate
    }

    async fn delete(&self, scope: &Scope, _op_id: &str, entry: &Entry) -> Outcome {
        match self.observe(scope, entry).await {
            Observation::Absent => Outcome::Done { uid: None },
            Observation::Present { uid, .. } => self.remove(&entry.identity, entry.uid.as_deref().or(uid.as_deref())).await,
            Observation::InProgress { token, message } => Outcome::Pending { token, poll_after_milliseconds: POLL_MILLISECONDS, message },
            Observation::Unknown { message } => Outcome::Unknown { message },
        }
    }
}

fn present(object: &DynamicObject, value: &Value) -> Observation {
    let sensitive =
        if value["kind"] == "Secret" && value["apiVersion"] == "v1" { vec!["data".into(), "stringData".into()] } else { Vec::new() };
    Observation::Present { outputs: value.clone(), sensitive, health: health::of(value), uid: object.metadata.uid.clone() }
}

fn effect(desired: &DesiredNode, action: Action, known: &Value) -> EffectPlan {
    EffectPlan { key: desired.key.clone(), action, identity: objects::identity(known), stage: 0, detail: String::new() }
}

/// Fields whose new value is known only later.
fn later_changes(body: &Planned) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare::later_fields(body, &mut String::new(), &mut found);
    found
}

/// The object with the labels by which it is found again. The `op_id` is not put on it: a write to the API is done when it is
/// answered, and an object is found by its identity; an annotation that changes with every operation would be a change by itself.
fn labelled(scope: &Scope, body: &Value, key: &str) -> Value {
    let mut body = body.clone();
    let instance = &scope.instance;
    let labels = [
        (names::LABEL_MANAGED_BY, names::MANAGED_BY),
        (names::LABEL_INSTANCE_ID, &instance.uid),
        (names::LABEL_INSTANCE_KIND, &instance.kind),
        (names::LABEL_INSTANCE_NAME, &instance.name),
        (names::LABEL_INSTANCE_NAMESPACE, instance.namespace.as_deref().unwrap_or_default()),
        (names::LABEL_TEMPLATE, &scope.template),
        (names::LABEL_REVISION, &scope.revision),
    ];
    if !body["metadata"]["labels"].is_object() {
        body["metadata"]["labels"] = json!({});
    }
    for (label, value) in labels {
        // A label's value holds at most 63 characters; a longer name is still found by the instance's UID.
        if !value.is_empty() && value.len() <= 63 {
            body["metadata"]["labels"][label] = json!(value);
        }
    }
    body["metadata"]["labels"][names::LABEL_NODE] = json!(key.replace(['[', ']', '/'], "-").trim_matches('-'));
    body
}

/// Why the object is not this instance's, naming the holder; `None` if it is.
fn foreign_holder(object: &DynamicObject, instance: &InstanceReference) -> Option<String> {
    let labels = object.metadata.labels.as_ref();
    let label = |name: &str| labels.and_then(|labels| labels.get(name)).map(String::as_str);
    match label(names::LABEL_INSTANCE_ID) {
        Some(holder) if holder == instance.uid => None,
        Some(_) => Some(format!(
            "is held by {} {}/{}\n  hint: give one of the two another name",
            label(names::LABEL_INSTANCE_KIND).unwrap_or("another instance"),
            label(names::LABEL_INSTANCE_NAMESPACE).unwrap_or_default(),
            label(names::LABEL_INSTANCE_NAME).unwrap_or_default(),
        )),
        None => {
            let managers = object.metadata.managed_fields.iter().flatten().filter_map(|entry| entry.manager.clone());
            let managers: std::collections::BTreeSet<String> = managers.collect();
            let managers: Vec<String> = managers.into_iter().collect();
            let by = if managers.is_empty() { "somebody else".to_owned() } else { managers.join(", ") };
            let types = object.types.clone().unwrap_or_default();
            let name = object.metadata.name.as_deref().unwrap_or_default();
            let adopt = format!(
                "windlass inventory adopt {}/{} {}/{}/{name}",
                instance.kind.to_lowercase(),
                instance.name,
                types.api_version,
                types.kind
            );
            Some(format!("exists already and was made by {by}\n  hint: give it another name, delete it, or take it over: `{adopt}`"))
        }
    }
}

fn outcome_of(error: &kube::Error) -> Outcome {
    let message = errors::message(error);
    if errors::is_conflict(error) {
        Outcome::Failed { reason: "Conflict".into(), message, retry: true }
    } else if errors::is_refused(error) {
        Outcome::Failed { reason: errors::reason(error).unwrap_or("Refused").to_owned(), message, retry: false }
    } else {
        Outcome::Unknown { message }
    }
}

fn driver_error(error: &kube::Error) -> DriverError {
    let message = errors::message(error);
    if errors::is_refused(error) { DriverError::Refused { reason: "Refused", message } } else { DriverError::Unavailable { message } }
}
