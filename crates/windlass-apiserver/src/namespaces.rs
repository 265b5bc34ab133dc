//! Namespaces: those that are always there, what each one holds from its start, and how one is emptied before it goes.
//!
//! Source: `k8s.io/kubernetes/pkg/controller/namespace/deletion`; condition types and messages are its.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use windlass_store::{EventKind, Guard, StoreError, Watch};

use crate::api::Api;
use crate::registry::{Registry, Resource};
use crate::verbs::delete::DeleteOptions;
use crate::verbs::write::{Ownership, Writer};
use crate::{Caller, Status, object};

/// Namespaces that cannot be deleted.
pub(crate) const PROTECTED: &[&str] = &["default", "kube-public", "kube-system"];
const FIRST: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];
const COLLECTION: &str = "namespaces";
const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

/// Who does the server's own work.
pub(crate) fn server_itself() -> Caller {
    Caller { name: "system:windlass".to_owned(), groups: vec!["system:masters".to_owned()] }
}

/// The namespace as it must still be when an object is stored in it.
pub(crate) fn guard(api: &Api, registry: &Registry, resource: &Resource, namespace: &str, name: &str) -> Result<Guard, Status> {
    let namespaces = registry.find("", "v1", COLLECTION).ok_or_else(Status::no_such_resource)?;
    let key = namespaces.key("", namespace);
    let (version, found) = api.read(namespaces, &key)?.ok_or_else(|| Status::object_missing("", COLLECTION, namespace))?;
    if object::is_terminating(&found) {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = format!("namespace {namespace} is being terminated");
        return Err(Status::forbidden(&resource.group, &resource.plural, name, &why).with_cause(
            "NamespaceTerminating",
            cause,
            "metadata.namespace",
        ));
    }
    Ok(Guard { key, version })
}

/// Work of the server itself on one resource.
struct Work<'a> {
    api: &'a Api,
    registry: &'a Registry,
    caller: &'a Caller,
}

impl Work<'_> {
    fn writer<'a>(&'a self, resource: &'a Resource, namespace: &'a str, subresource: &'a str) -> Writer<'a> {
        let Work { api, registry, caller } = self;
        Writer { api, registry, resource, caller, namespace, subresource, manager: "windlass", dry_run: false }
    }

    async fn ensure(&self, plural: &str, namespace: &str, wanted: Value) -> Result<(), Status> {
        let Some(resource) = self.registry.find("", "v1", plural) else { return Ok(()) };
        if self.api.store.get(&resource.key(namespace, object::name(&wanted))).is_some() {
            return Ok(());
        }
        match self.writer(resource, namespace, "").create(wanted, Ownership::Track).await {
            Ok(_) => Ok(()),
            Err(status) if status.reason == "AlreadyExists" => Ok(()),
            Err(status) => Err(status),
        }
    }

    /// What every namespace holds.
    async fn furnish(&self, namespace: &str) -> Result<(), Status> {
        self.ensure("serviceaccounts", namespace, json!({"metadata": {"name": "default"}})).await?;
        let Some(certificate) = &self.api.options.root_certificate else { return Ok(()) };
        let description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
        let config = json!({
            "metadata": {"name": ROOT_CERTIFICATE, "annotations": {"kubernetes.io/description": description}},
            "data": {"ca.crt": certificate},
        });
        self.ensure("configmaps", namespace, config).await
    }
}

/// Makes the first namespaces.
pub(crate) async fn prepare(api: &Api) -> Result<(), Status> {
    let (registry, caller) = (api.registry(), server_itself());
    let work = Work { api, registry: &registry, caller: &caller };
    for name in FIRST {
        work.ensure(COLLECTION, "", json!({"metadata": {"name": name}})).await?;
    }
    Ok(())
}

/// Starts the loop that furnishes and empties namespaces.
pub(crate) fn start(api: &Arc<Api>) {
    let api = Arc::clone(api);
    tokio::spawn(async move {
        let stop = api.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = run(&api) => {}
        }
    });
}

async fn run(api: &Api) {
    let mut watch = api.store.follow();
    let mut due: BTreeSet<String> = all(api);
    loop {
        for name in std::mem::take(&mut due) {
            if let Err(status) = attend(api, &name).await
                && status.reason != "NotFound"
            {
                tracing::warn!(namespace = name, error = %status, "a namespace could not be attended to and is tried again with its next change");
            }
        }
        match wait(&mut watch).await {
            Ok(names) => due = names,
            Err(StoreError::Lagged) => due = all(api),
            Err(_) => return,
        }
    }
}

fn all(api: &Api) -> BTreeSet<String> {
    api.store.list(COLLECTION, None).items.iter().map(|item| item.key.name().to_owned()).collect()
}

/// Waits for changes and tells which namespaces they concern.
async fn wait(watch: &mut Watch) -> Result<BTreeSet<String>, StoreError> {
    let mut names = BTreeSet::new();
    let mut next = Some(watch.next().await?);
    while let Some(event) = next {
        if event.key.resource() == COLLECTION && event.kind != EventKind::Deleted {
            names.insert(event.key.name().to_owned());
        } else if !event.key.namespace().is_empty() && event.kind == EventKind::Deleted {
            names.insert(event.key.namespace().to_owned());
        }
        next = match watch.try_next()? {
            Some(event) => Some(event),
            None if names.is_empty() => Some(watch.next().await?),
            None => None,
        };
    }
    Ok(names)
}

async fn attend(api: &Api, name: &str) -> Result<(), Status> {
    let (registry, caller) = (api.registry(), server_itself());
    let work = Work { api, registry: &registry, caller: &caller };
    let Some(namespaces) = registry.find("", "v1", COLLECTION) else { return Ok(()) };
    let Some((_, namespace)) = api.read(namespaces, &namespaces.key("", name))? else { return Ok(()) };
    if !object::is_terminating(&namespace) {
        return work.furnish(name).await;
    }
    let held =
        namespace["spec"]["finalizers"].as_array().is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == "kubernetes"));
    if !held {
        return Ok(());
    }
    let remaining = work.empty(name).await?;
    if remaining.is_empty() {
        let writer = work.writer(namespaces, "", "finalize");
        writer
            .update(name, |live| {
                let mut new = live.clone();
                if let Some(finalizers) = new["spec"]["finalizers"].as_array_mut() {
                    finalizers.retain(|finalizer| finalizer != "kubernetes");
                }
                Ok((new, Ownership::Track))
            })
            .await?;
        return Ok(());
    }
    let writer = work.writer(namespaces, "", "status");
    writer
        .update(name, |live| {
            let mut new = live.clone();
            new["status"]["conditions"] = conditions(&live["status"]["conditions"], &remaining);
            Ok((new, Ownership::Track))
        })
        .await?;
    Ok(())
}

/// What is left in a namespace: for each resource how many objects, and their finalizers with how many objects each holds.
#[derive(Default)]
struct Remaining {
    objects: BTreeMap<String, usize>,
    finalizers: BTreeMap<String, usize>,
}

impl Remaining {
    fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

impl Work<'_> {
    /// Deletes everything in a namespace; tells what its finalizers still hold.
    async fn empty(&self, namespace: &str) -> Result<Remaining, Status> {
        let mut remaining = Remaining::default();
        for resource in self.registry.stored().into_iter().filter(|resource| resource.namespaced) {
            let writer = self.writer(resource, namespace, "");
            for item in self.api.store.list(&resource.collection, Some(namespace)).items {
                let value = self.api.value(resource, &item.key, item.version, &item.value)?;
                if !object::is_terminating(&value) {
                    match writer.delete(item.key.name(), &DeleteOptions::default()).await {
                        Ok(_) => {}
                        Err(status) if status.reason == "NotFound" => {}
                        Err(status) => return Err(status),
                    }
                }
                let Some((_, left)) = self.api.read(resource, &item.key)? else { continue };
                *remaining.objects.entry(resource.qualified_for_people()).or_default() += 1;
                for finalizer in object::finalizers(&left) {
                    *remaining.finalizers.entry(finalizer.to_owned()).or_default() += 1;
                }
            }
        }
        Ok(remaining)
    }
}

fn conditions(before: &Value, remaining: &Remaining) -> Value {
    let counted = |counts: &BTreeMap<String, usize>, word: &str| {
        let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {word} {count} resource instances")).collect();
        parts.join(", ")
    };
    let content = format!("Some resources are remaining: {}", counted(&remaining.objects, "has"));
    let mut wanted = vec![
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered".to_owned()),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", content),
    ];
    if remaining.finalizers.is_empty() {
        wanted.push((
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished".to_owned(),
        ));
    } else {
        let message = format!("Some content in the namespace has finalizers remaining: {}", counted(&remaining.finalizers, "in"));
        wanted.push(("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message));
    }
    let same = |old: &Value, (kind, status, _, _): &(&str, &str, &str, String)| old["type"] == *kind && old["status"] == *status;
    wanted
        .iter()
        .map(|condition| {
            let (kind, status, reason, message) = condition;
            let old = before.as_array().into_iter().flatten().find(|old| same(old, condition));
            let since = old.map_or_else(|| object::now().into(), |old| old["lastTransitionTime"].clone());
            json!({"type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message})
        })
        .collect()
}
