//! The garbage collector: objects whose owners are gone go too; owners that are deleted in the foreground wait for their
//! dependents; orphaned dependents forget their owner.
//!
//! Source: `k8s.io/kubernetes/pkg/controller/garbagecollector` and the page "Garbage Collection".

mod graph;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use windlass_store::{Event, EventKind, Key, StoreError};

use crate::api::Api;
use crate::namespaces::server_itself;
use crate::object::{self, OwnerReference};
use crate::registry::{Registry, Resource};
use crate::verbs::delete::{DeleteOptions, FOREGROUND, ORPHAN, Propagation};
use crate::verbs::write::{Ownership, Writer};
use crate::{Caller, Status};

use graph::Graph;

/// Starts the loop.
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
    let caller = server_itself();
    loop {
        // Followed before reading: what changes meanwhile is seen twice, never missed.
        let mut watch = api.store.follow();
        let mut graph = Graph::default();
        for collection in api.store.resources() {
            for item in api.store.list(&collection, None).items {
                graph.put(&item.key, &outline(api, &item.key, &item.value));
            }
        }
        let mut due: BTreeSet<Key> = graph.questionable();
        loop {
            let registry = api.registry();
            let work = Work { api, registry: &registry, caller: &caller };
            for key in std::mem::take(&mut due) {
                if let Err(status) = work.attend(&key, &graph).await
                    && status.reason != "NotFound"
                    && status.reason != "Conflict"
                {
                    tracing::warn!(object = %key, error = %status, "an object could not be collected and is tried again when it or its owners change");
                }
            }
            let mut next = match watch.next().await {
                Ok(event) => Some(event),
                Err(StoreError::Lagged) => break,
                Err(_) => return,
            };
            while let Some(event) = next {
                due.extend(seen(api, &mut graph, &event));
                next = match watch.try_next() {
                    Ok(event) => event,
                    Err(_) => break,
                };
            }
        }
    }
}

fn outline(api: &Api, key: &Key, bytes: &bytes::Bytes) -> object::OutlineMeta {
    let registry = api.registry();
    let plain = match registry.by_collection(key.resource()) {
        Some(resource) => api.plain(resource, key, bytes).unwrap_or_default(),
        None => bytes.clone(),
    };
    serde_json::from_slice::<object::Outline>(&plain).unwrap_or_default().metadata
}

/// Takes a change into the graph; tells which objects have to be looked at.
fn seen(api: &Api, graph: &mut Graph, event: &Event) -> Vec<Key> {
    if event.kind == EventKind::Deleted {
        return graph.remove(&event.key);
    }
    let meta = outline(api, &event.key, &event.value);
    let waits = meta.deletion_timestamp.is_some();
    let changed = graph.put(&event.key, &meta);
    let mut due = Vec::new();
    if changed || waits {
        due.push(event.key.clone());
    }
    if waits {
        // A dependent that is marked may be what its owner waits for, and an owner that waits concerns its dependents.
        due.extend(graph.owners(&event.key));
    }
    due
}

struct Work<'a> {
    api: &'a Api,
    registry: &'a Registry,
    caller: &'a Caller,
}

impl Work<'_> {
    fn writer<'a>(&'a self, resource: &'a Resource, key: &'a Key) -> Writer<'a> {
        let Work { api, registry, caller } = self;
        Writer { api, registry, resource, caller, namespace: key.namespace(), subresource: "", manager: "windlass", dry_run: false }
    }

    async fn attend(&self, key: &Key, graph: &Graph) -> Result<(), Status> {
        let Some(resource) = self.registry.by_collection(key.resource()) else { return Ok(()) };
        let Some((_, object)) = self.api.read(resource, key)? else { return Ok(()) };
        if object::is_terminating(&object) {
            let finalizers = object::finalizers(&object);
            if finalizers.contains(&ORPHAN) {
                return self.orphan(resource, key, &object, graph).await;
            }
            if finalizers.contains(&FOREGROUND) {
                return self.foreground(resource, key, &object, graph).await;
            }
            return Ok(());
        }
        self.check_owners(resource, key, &object, graph).await
    }

    /// Deletes an object that has lost all its owners; forgets those that are gone where others remain.
    async fn check_owners(&self, resource: &Resource, key: &Key, object: &Value, graph: &Graph) -> Result<(), Status> {
        let references: Vec<OwnerReference> = serde_json::from_value(object["metadata"]["ownerReferences"].clone()).unwrap_or_default();
        if references.is_empty() {
            return Ok(());
        }
        let (mut alive, mut waiting, mut lost) = (0, 0, Vec::new());
        for reference in &references {
            match self.owner(reference, key, graph)? {
                None => lost.push(reference.uid.clone()),
                Some(owner) if object::is_terminating(&owner) && object::finalizers(&owner).contains(&FOREGROUND) => waiting += 1,
                Some(_) => alive += 1,
            }
        }
        let writer = self.writer(resource, key);
        if alive > 0 {
            if lost.is_empty() && waiting == 0 {
                return Ok(());
            }
            return self.forget(&writer, key, &lost).await;
        }
        let options = DeleteOptions {
            uid: Some(object::uid(object).to_owned()),
            // Dependents of something that goes in the foreground go in the foreground themselves if they have any.
            propagation: Some(if waiting > 0 && graph.has_dependents(object::uid(object)) {
                Propagation::Foreground
            } else {
                Propagation::Background
            }),
            ..DeleteOptions::default()
        };
        writer.delete(key.name(), &options).await.map(drop)
    }

    /// The owner, if it is there: the graph knows every object, so one that it does not know is gone or never was.
    fn owner(&self, reference: &OwnerReference, dependent: &Key, graph: &Graph) -> Result<Option<Value>, Status> {
        let Some(key) = graph.key_of(&reference.uid) else {
            return self.owner_by_name(reference, dependent);
        };
        // Owners live in the same namespace or in none.
        if !key.namespace().is_empty() && key.namespace() != dependent.namespace() {
            return Ok(None);
        }
        let Some(resource) = self.registry.by_collection(key.resource()) else { return Ok(None) };
        let found = self.api.read(resource, key)?.map(|(_, owner)| owner);
        Ok(found.filter(|owner| object::uid(owner) == reference.uid))
    }

    /// Looks an owner up that the graph has not seen yet.
    fn owner_by_name(&self, reference: &OwnerReference, dependent: &Key) -> Result<Option<Value>, Status> {
        let Some(resource) = self.registry.find_kind(&reference.api_version, &reference.kind) else { return Ok(None) };
        let found = self.api.read(resource, &resource.key(dependent.namespace(), &reference.name))?.map(|(_, owner)| owner);
        Ok(found.filter(|owner| object::uid(owner) == reference.uid))
    }

    async fn forget(&self, writer: &Writer<'_>, key: &Key, uids: &[String]) -> Result<(), Status> {
        if uids.is_empty() {
            return Ok(());
        }
        let without = |live: &Value| {
            let mut new = live.clone();
            if let Some(references) = new["metadata"]["ownerReferences"].as_array_mut() {
                references.retain(|reference| !uids.iter().any(|uid| reference["uid"] == **uid));
                if references.is_empty() {
                    object::meta_mut(&mut new).shift_remove("ownerReferences");
                }
            }
            Ok((new, Ownership::Track))
        };
        writer.update(key.name(), without).await.map(drop)
    }

    /// Dependents forget the owner, then the owner may go.
    async fn orphan(&self, resource: &Resource, key: &Key, owner: &Value, graph: &Graph) -> Result<(), Status> {
        for dependent in graph.dependents(object::uid(owner)) {
            let Some(resource) = self.registry.by_collection(dependent.resource()) else { continue };
            let forgotten = self.forget(&self.writer(resource, &dependent), &dependent, &[object::uid(owner).to_owned()]).await;
            if let Err(status) = forgotten
                && status.code != 404
            {
                return Err(status);
            }
        }
        self.release(resource, key, ORPHAN).await
    }

    /// Dependents go first; those that block keep the owner.
    async fn foreground(&self, resource: &Resource, key: &Key, owner: &Value, graph: &Graph) -> Result<(), Status> {
        let uid = object::uid(owner);
        let mut blocked = false;
        for dependent in graph.dependents(uid) {
            let Some(resource) = self.registry.by_collection(dependent.resource()) else { continue };
            let Some((_, found)) = self.api.read(resource, &dependent)? else { continue };
            if !object::is_terminating(&found) {
                self.check_owners(resource, &dependent, &found, graph)
                    .await
                    .or_else(|status| if status.code == 404 { Ok(()) } else { Err(status) })?;
            }
            let blocks = |object: &Value| {
                let references: Vec<OwnerReference> =
                    serde_json::from_value(object["metadata"]["ownerReferences"].clone()).unwrap_or_default();
                references.iter().any(|reference| reference.uid == uid && reference.block_owner_deletion == Some(true))
            };
            blocked |= self.api.read(resource, &dependent)?.is_some_and(|(_, left)| blocks(&left));
        }
        if blocked { Ok(()) } else { self.release(resource, key, FOREGROUND).await }
    }

    async fn release(&self, resource: &Resource, key: &Key, finalizer: &str) -> Result<(), Status> {
        let without = |live: &Value| {
            let mut new = live.clone();
            if let Some(finalizers) = new["metadata"]["finalizers"].as_array_mut() {
                finalizers.retain(|name| name != finalizer);
            }
            Ok((new, Ownership::Track))
        };
        self.writer(resource, key).update(key.name(), without).await.map(drop)
    }
}
