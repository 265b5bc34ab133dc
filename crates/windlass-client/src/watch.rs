//! Watches that survive: one object that cannot be read never stops the others, a lost connection is taken up again with back-off.

use futures::{Stream, StreamExt as _};
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};

/// Objects in one page of a first list: a page is held as text and as values at once, and nobody waits for a large one.
pub const PAGE: u32 = 100;

/// A change of one object; the initial list arrives as `Applied`, too.
#[derive(Clone, Debug)]
pub enum Change<K> {
    /// It is there, or was changed.
    Applied(K),
    /// It is gone.
    Deleted(K),
    /// The whole list was read once; everything before it is the state at the start.
    Listed,
}

/// Watches metadata only: names, labels, versions, no bodies.
pub fn metadata(
    client: &Client,
    resource: &ApiResource,
    selector: Option<&str>,
) -> impl Stream<Item = Change<PartialObjectMeta<DynamicObject>>> + Send + use<> {
    objects(Api::<PartialObjectMeta<DynamicObject>>::all_with(client.clone(), resource), selector)
}

/// Watches whole objects.
pub fn objects<K>(api: Api<K>, selector: Option<&str>) -> impl Stream<Item = Change<K>> + Send + use<K>
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let what = api.resource_url().to_owned();
    guard(watcher(api, configuration(selector)), what)
}

fn configuration(selector: Option<&str>) -> watcher::Config {
    let configuration = watcher::Config::default().page_size(PAGE);
    match selector {
        Some(selector) => configuration.labels(selector),
        None => configuration,
    }
}

fn guard<K: Send + 'static>(
    events: impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static,
    what: String,
) -> impl Stream<Item = Change<K>> + Send {
    events.default_backoff().filter_map(move |event| {
        let change = match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => Some(Change::Applied(object)),
            Ok(watcher::Event::Delete(object)) => Some(Change::Deleted(object)),
            Ok(watcher::Event::InitDone) => Some(Change::Listed),
            Ok(watcher::Event::Init) => None,
            Err(error) => {
                tracing::debug!(watch = %what, error = %crate::errors::chain(&error), "the watch was interrupted and is taken up again");
                None
            }
        };
        std::future::ready(change)
    })
}
