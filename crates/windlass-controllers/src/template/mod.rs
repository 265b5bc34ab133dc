//! The Template controller: compiles a Template, publishes its kind, keeps its revisions.
//!
//! A Template that is refused changes nothing that serves: the last good revision goes on. It must not touch instances.
//! Start with `reconcile`.

mod publish;
mod reconcile;
mod removal;

use crate::runtime::graphs::Graphs;
use crate::runtime::queue::Queue;
use crate::runtime::tasks::Tasks;
use futures::StreamExt as _;
use kube::{Api, Client, ResourceExt as _};
use std::collections::BTreeSet;
use std::sync::Arc;
use windlass_api::names;
use windlass_api::template::Template;
use windlass_client::watch::{self, Change};
use windlass_graph::nesting;

/// What a reconcile needs.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) graphs: Graphs,
}

/// Starts the controller.
pub(crate) fn start(client: &Client, graphs: &Graphs, tasks: &Tasks) {
    let context = Arc::new(Context { client: client.clone(), graphs: graphs.clone() });
    let queue: Queue<String> = Queue::default();
    let templates = watch::objects(Api::<Template>::all(client.clone()), None);
    let watched = queue.clone();
    // Whoever closes a circle is refused for what others make: they may be the ones that change.
    let mut in_circles = BTreeSet::new();
    tasks.spawn(templates.for_each(move |change| {
        if let Change::Applied(template) | Change::Deleted(template) = &change {
            let name = template.name_any();
            let closes_a_circle = template.status.as_ref().is_some_and(|status| status.diagnostics.iter().any(|d| d.code == nesting::CODE));
            if closes_a_circle && matches!(change, Change::Applied(_)) {
                in_circles.insert(name.clone());
            } else {
                in_circles.remove(&name);
                in_circles.iter().for_each(|refused| watched.add(String::clone(refused)));
            }
            watched.add(name);
        }
        std::future::ready(())
    }));
    // Somebody who changes or removes a published CRD wakes the Template that publishes it.
    let definitions = watch::metadata(client, &publish::definition_resource(), Some(names::LABEL_TEMPLATE_ID));
    let watched = queue.clone();
    tasks.spawn(definitions.for_each(move |change| {
        if let Change::Applied(definition) | Change::Deleted(definition) = change
            && let Some(template) = definition.metadata.labels.and_then(|labels| labels.get(names::LABEL_TEMPLATE).cloned())
        {
            watched.add(template);
        }
        std::future::ready(())
    }));
    // One after the other: two Templates that begin to use each other's kinds at the same time must not pass beside each other.
    tasks.spawn(queue.work(1, move |name| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &name).await }
    }));
}
