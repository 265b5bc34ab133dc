//! What wakes the controller: published kinds and their instances, children, Runs, Inventories, Templates, drivers.

use super::registry::Published;
use super::{Context, Key, Work};
use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ApiResource;
use kube::{Api, ResourceExt as _};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::AbortHandle;
use windlass_api::inventory::Inventory;
use windlass_api::names;
use windlass_api::run::{Mode, Run};
use windlass_api::template::Template;
use windlass_client::objects::{self, Kind};
use windlass_client::watch::{self, Change};

/// Starts the watches that are always there; those of single kinds follow when the kinds appear.
pub(super) fn start(context: &Context) {
    watch_definitions(context);
    watch_templates(context);
    watch_runs(context);
    watch_inventories(context);
    for driver in context.drivers.all() {
        let Some(mut changes) = driver.changes() else { continue };
        let context = context.clone();
        context.tasks.clone().spawn(async move {
            use tokio::sync::broadcast::error::RecvError;
            loop {
                match changes.recv().await {
                    Ok(uid) => wake_instance(&context, &uid),
                    // What was missed is found by the next resync.
                    Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "a driver reported more changes than could be taken"),
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }
}

fn wake_instance(context: &Context, uid: &str) {
    if let Some(key) = context.registry.instance(uid) {
        context.queue.add(Work::Instance(key));
    }
}

fn watch_definitions(context: &Context) {
    let definitions = watch::objects(Api::<CustomResourceDefinition>::all(context.client.clone()), Some(names::LABEL_TEMPLATE_ID));
    let watches: Arc<Mutex<HashMap<String, AbortHandle>>> = Arc::default();
    let context = context.clone();
    context.tasks.clone().spawn(definitions.for_each(move |change| {
        let mut watches = watches.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Applied(definition) => {
                let name = definition.name_any();
                if let Some(published) = published(&definition) {
                    let kind = published.kind.clone();
                    context.registry.add_kind(published);
                    watches.entry(name).or_insert_with(|| watch_instances(&context, kind));
                }
            }
            Change::Deleted(definition) => {
                context.registry.remove_kind(&definition.spec.group, &definition.spec.names.kind);
                if let Some(watch) = watches.remove(&definition.name_any()) {
                    watch.abort();
                }
            }
            Change::Listed => {}
        }
        std::future::ready(())
    }));
}

fn published(definition: &CustomResourceDefinition) -> Option<Published> {
    let established = definition.status.as_ref()?.conditions.as_ref()?.iter().any(|c| c.type_ == "Established" && c.status == "True");
    let version = definition.spec.versions.iter().find(|version| version.served)?;
    let resource = ApiResource {
        group: definition.spec.group.clone(),
        version: version.name.clone(),
        api_version: format!("{}/{}", definition.spec.group, version.name),
        kind: definition.spec.names.kind.clone(),
        plural: definition.spec.names.plural.clone(),
    };
    let template = definition.labels().get(names::LABEL_TEMPLATE).cloned()?;
    established.then(|| Published { kind: Kind { resource, namespaced: definition.spec.scope == "Namespaced" }, template })
}

fn watch_instances(context: &Context, kind: Kind) -> AbortHandle {
    let instances = watch::metadata(&context.client, &kind.resource, None);
    let context = context.clone();
    context.tasks.clone().spawn(instances.for_each(move |change| {
        if let Change::Applied(instance) | Change::Deleted(instance) = &change {
            let key = Key {
                group: kind.resource.group.clone(),
                kind: kind.resource.kind.clone(),
                namespace: instance.metadata.namespace.clone(),
                name: instance.name_any(),
            };
            let uid = instance.metadata.uid.clone().unwrap_or_default();
            if matches!(change, Change::Applied(_)) {
                context.registry.add_instance(uid, key.clone());
            } else {
                context.registry.remove_instance(&uid);
                // Its inventory may still have entries: a namespace or a CRD was removed by force.
                context.queue.add(Work::Inventory(windlass_api::inventory::name_of(&uid)));
            }
            context.queue.add(Work::Instance(key));
        }
        std::future::ready(())
    }))
}

fn watch_templates(context: &Context) {
    let templates = watch::objects(Api::<Template>::all(context.client.clone()), None);
    let context = context.clone();
    context.tasks.clone().spawn(templates.for_each(move |change| {
        if let Change::Applied(template) = change
            && let Some(revision) = template.status.as_ref().and_then(|status| status.revision.as_ref())
        {
            for key in context.registry.set_revision(&template.name_any(), revision) {
                context.queue.add(Work::Instance(key));
            }
        }
        std::future::ready(())
    }));
}

fn watch_runs(context: &Context) {
    let runs = watch::objects(Api::<Run>::all(context.client.clone()), None);
    let context = context.clone();
    context.tasks.clone().spawn(runs.for_each(move |change| {
        if let Change::Applied(run) = change {
            if run.spec.mode == Mode::Plan {
                context.queue.add(Work::Preview(run.namespace().unwrap_or_default(), run.name_any()));
            } else if !run.state().is_finished() {
                // Somebody decided, cancelled or resolved; or it is our own write, which then finds nothing to do.
                wake_instance(&context, &run.spec.instance.uid);
            }
        }
        std::future::ready(())
    }));
}

fn watch_inventories(context: &Context) {
    let inventories = watch::metadata(&context.client, &ApiResource::erase::<Inventory>(&()), None);
    let context = context.clone();
    context.tasks.clone().spawn(inventories.for_each(move |change| {
        if let Change::Applied(inventory) = change
            && inventory.metadata.deletion_timestamp.is_some()
        {
            context.queue.add(Work::Inventory(inventory.name_any()));
        }
        std::future::ready(())
    }));
}

/// Watches the kinds that an instance makes (ours only) and reads (all), each once.
pub(super) fn follow(context: &Context, key: &Key, made: &[(String, String)], read: &[(String, String)]) {
    for (api_version, kind) in made {
        follow_kind(context, api_version, kind, false);
    }
    for (api_version, kind) in read {
        context.registry.add_reader(api_version, kind, key.clone());
        follow_kind(context, api_version, kind, true);
    }
}

fn follow_kind(context: &Context, api_version: &str, kind: &str, all: bool) {
    if !context.registry.claim_watch(api_version, kind, all) {
        return;
    }
    let (context, api_version, kind) = (context.clone(), api_version.to_owned(), kind.to_owned());
    context.tasks.clone().spawn(async move {
        let found = match objects::discover(&context.client, &api_version, &kind).await {
            Ok(found) => found,
            Err(_) => {
                // The kind is not served yet; the next reconcile of an instance that needs it tries again.
                context.registry.release_watch(&api_version, &kind, all);
                return;
            }
        };
        let selector = (!all).then_some(names::LABEL_INSTANCE_ID);
        let changes = watch::metadata(&context.client, &found.resource, selector);
        changes
            .for_each(|change| {
                if let Change::Applied(object) | Change::Deleted(object) = change {
                    if all {
                        for reader in context.registry.readers(&api_version, &kind) {
                            context.queue.add(Work::Instance(reader));
                        }
                    } else if let Some(uid) = object.metadata.labels.as_ref().and_then(|labels| labels.get(names::LABEL_INSTANCE_ID)) {
                        wake_instance(&context, uid);
                    }
                }
                std::future::ready(())
            })
            .await;
    });
}
