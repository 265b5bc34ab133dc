//! Who wrote an object last: the annotation `windlass.dev/changed-by`, stamped by admission on Windlass' own kinds and those
//! that Templates publish, whatever a client sends. The platform's own writes leave it as it was.

use super::api::PLATFORM;
use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ApiResource;
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use windlass_api::names;
use windlass_apiserver::{Admission, AdmissionRequest, Operation};
use windlass_client::watch::{self, Change};

/// Under which name the API server does its own work.
pub(crate) const SERVER: &str = "system:windlass";

/// Which kinds are stamped.
#[derive(Clone, Default)]
pub(crate) struct Authors {
    /// `PLURAL.GROUP` of what Templates publish.
    published: Arc<RwLock<HashSet<String>>>,
}

impl Authors {
    /// Of a fixed list of published kinds.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(published: [&str; N]) -> Self {
        Self { published: Arc::new(RwLock::new(published.map(str::to_owned).into())) }
    }

    /// The admission hook.
    pub(crate) fn hook(&self) -> Admission {
        let authors = self.clone();
        Arc::new(move |request, object| {
            authors.stamp(request, object);
            Ok(())
        })
    }

    /// Follows which kinds Templates publish, as long as the client's server lives.
    pub(crate) fn follow(&self, client: &Client) {
        let published = self.published.clone();
        let definitions = watch::metadata(client, &ApiResource::erase::<CustomResourceDefinition>(&()), Some(names::LABEL_TEMPLATE_ID));
        tokio::spawn(definitions.for_each(move |change| {
            let mut published = published.write().unwrap_or_else(PoisonError::into_inner);
            match change {
                Change::Applied(definition) => drop(published.insert(definition.name_any())),
                Change::Deleted(definition) => drop(published.remove(&definition.name_any())),
                Change::Listed => {}
            }
            std::future::ready(())
        }));
    }

    /// What Templates publish, as `PLURAL.GROUP`.
    pub(crate) fn published(&self) -> Vec<String> {
        let mut published: Vec<String> = self.published.read().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        published.sort();
        published
    }

    fn is_stamped(&self, request: &AdmissionRequest<'_>) -> bool {
        let name = format!("{}.{}", request.resource, request.group);
        request.group == names::GROUP || self.published.read().unwrap_or_else(PoisonError::into_inner).contains(&name)
    }

    fn stamp(&self, request: &AdmissionRequest<'_>, object: &mut Value) {
        if request.operation == Operation::Delete || !self.is_stamped(request) {
            return;
        }
        let by_platform = is_platform(request);
        let before = request.old.and_then(|old| old["metadata"]["annotations"][names::ANNOTATION_CHANGED_BY].as_str());
        let author = match before {
            Some(before) if by_platform || !request.subresource.is_empty() => before,
            Some(_) | None => request.caller.name.as_str(),
        };
        object["metadata"]["annotations"][names::ANNOTATION_CHANGED_BY] = json!(author);
        if request.group == names::GROUP && request.resource == "runs" && !by_platform {
            stamp_asker(request, object);
            stamp_decision(request, object);
        }
    }
}

/// Who asked for a Run is who makes it, through whatever door; of those that the platform opens, it says so itself.
fn stamp_asker(request: &AdmissionRequest<'_>, object: &mut Value) {
    let asker = match request.old {
        Some(old) => old["spec"]["by"].clone(),
        None => json!(request.caller.name),
    };
    if object["spec"].is_object() && !asker.is_null() {
        object["spec"]["by"] = asker;
    }
}

/// Whether the platform itself asks: its controllers, or the API server for its own work.
pub(super) fn is_platform(request: &AdmissionRequest<'_>) -> bool {
    request.caller.name == PLATFORM || request.caller.name == SERVER
}

/// Who decided about a Run is who sends the decision, not whom it names. The platform decides nothing: what it writes is a
/// decision that somebody made about a request, carried over to the Run that follows it.
fn stamp_decision(request: &AdmissionRequest<'_>, object: &mut Value) {
    if !object["spec"]["decision"].is_object() {
        return;
    }
    let before = request.old.map(|old| &old["spec"]["decision"]);
    let mut undecided = object["spec"]["decision"].clone();
    undecided["by"] = json!(before.and_then(|before| before["by"].as_str()).unwrap_or_default());
    let author = if before == Some(&undecided) { undecided["by"].clone() } else { json!(request.caller.name) };
    object["spec"]["decision"]["by"] = author;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::deletions::tests::Stored;
    use windlass_apiserver::Caller;

    fn stamped(caller: &str, old: Option<Value>, mut object: Value) -> Value {
        let caller = Caller::administrator(caller);
        let request = AdmissionRequest {
            caller: &caller,
            operation: if old.is_some() { Operation::Update } else { Operation::Create },
            group: names::GROUP,
            version: names::VERSION,
            resource: "runs",
            kind: "Run",
            subresource: "",
            namespace: "default",
            name: "r",
            old: old.as_ref(),
            dry_run: false,
            stored: &Stored::default(),
        };
        Authors::default().stamp(&request, &mut object);
        object
    }

    #[test]
    fn who_asks_for_a_preview_is_said_whatever_the_door() {
        let asked = stamped("ann", None, json!({"metadata": {}, "spec": {"mode": "Plan", "by": "root"}}));
        assert_eq!(asked["spec"]["by"], "ann");
        let stolen = json!({"metadata": {}, "spec": {"mode": "Plan", "by": "bob", "cancel": true}});
        assert_eq!(stamped("bob", Some(asked), stolen)["spec"]["by"], "ann");
        let opened = stamped(PLATFORM, None, json!({"metadata": {}, "spec": {"by": "ann"}}));
        assert_eq!(opened["spec"]["by"], "ann", "the platform says for whom it opens one");
    }

    #[test]
    fn a_client_cannot_choose_the_author() {
        let forged = json!({"metadata": {"annotations": {names::ANNOTATION_CHANGED_BY: "root"}}, "spec": {"decision": {"verdict": "Approved", "by": "root"}}});
        let made = stamped("ann", None, forged);
        assert_eq!(made["metadata"]["annotations"][names::ANNOTATION_CHANGED_BY], "ann");
        assert_eq!(made["spec"]["decision"]["by"], "ann");
        let kept = stamped(PLATFORM, Some(made.clone()), made.clone());
        assert_eq!(kept, made);
        let forged_again = json!({"metadata": {}, "spec": {"decision": {"verdict": "Rejected", "by": "ann"}}});
        assert_eq!(stamped("bob", Some(made), forged_again)["spec"]["decision"]["by"], "bob");
    }
}
