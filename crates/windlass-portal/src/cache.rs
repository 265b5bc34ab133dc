//! What the watches saw, as small rows: enough for every list, without bodies. Bounded.
//!
//! Each change raises the sequence number and is told to the open event streams as a topic:
//! `templates/NAME`, `runs/NAMESPACE/NAME`, `runs-of/GROUP/KIND/NAMESPACE/NAME`, `instances/GROUP/KIND/NAMESPACE/NAME`.

use crate::model::rows::{InstanceRow, RunRow, TemplateRow};
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use windlass_client::objects::Kind;

/// At most so many rows are kept of one kind; pages say that there are more.
const KEPT: usize = 20_000;
/// How many changes an event stream may lag behind before it reads everything again.
const BACKLOG: usize = 1024;

/// Group and kind.
pub(crate) type KindKey = (String, String);
/// Namespace (empty where there is none) and name.
pub(crate) type Place = (String, String);

/// What the watches saw.
pub(crate) struct Cache {
    inner: RwLock<Inner>,
    changes: broadcast::Sender<Arc<str>>,
    sequence: AtomicU64,
}

#[derive(Default)]
struct Inner {
    templates: Rows<String, TemplateRow>,
    runs: Rows<Place, RunRow>,
    kinds: BTreeMap<KindKey, Rows<Place, InstanceRow>>,
}

impl Inner {
    fn published(&self) -> impl Iterator<Item = (KindKey, Kind)> {
        let served = self.templates.rows.values().filter(|row| row.is_served);
        served.filter_map(|row| Some((row.key()?, Kind::from(row.kind.as_ref()?))))
    }
}

struct Rows<K, R> {
    rows: BTreeMap<K, Arc<R>>,
    /// Keys seen since a list began; what is not among them at its end is gone.
    listing: Option<BTreeSet<K>>,
    listed: bool,
    more: bool,
}

impl<K, R> Default for Rows<K, R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), listing: None, listed: false, more: false }
    }
}

impl<K: Ord + Clone, R> Rows<K, R> {
    fn begin(&mut self) {
        self.listing = Some(BTreeSet::new());
    }

    fn put(&mut self, key: K, row: R) {
        if let Some(seen) = &mut self.listing {
            seen.insert(key.clone());
        }
        if self.rows.len() >= KEPT && !self.rows.contains_key(&key) {
            self.more = true;
        } else {
            self.rows.insert(key, Arc::new(row));
        }
    }

    fn end(&mut self) {
        if let Some(seen) = self.listing.take() {
            self.rows.retain(|key, _| seen.contains(key));
        }
        self.listed = true;
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self { inner: RwLock::default(), changes: broadcast::channel(BACKLOG).0, sequence: AtomicU64::new(1) }
    }
}

impl Cache {
    /// How many changes there were; a page carries it, so that its stream can tell whether it missed one.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Topics of changes from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.changes.subscribe()
    }

    /// Waits until something holds, or the time is over; says which.
    pub(crate) async fn wait_for(&self, longest: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let mut changes = self.subscribe();
        let wait = async {
            while !holds(self) {
                // A gap only means that more than one thing changed.
                if let Err(RecvError::Closed) = changes.recv().await {
                    return;
                }
            }
        };
        tokio::time::timeout(longest, wait).await.is_ok()
    }

    /// Whether a first list of everything was read; until then pages say that they are still reading.
    pub(crate) fn is_complete(&self) -> bool {
        let inner = self.read();
        let read = |key: &KindKey| inner.kinds.get(key).is_some_and(|kind| kind.listed);
        inner.templates.listed && inner.runs.listed && inner.published().all(|(key, _)| read(&key))
    }

    /// Whether some rows were left out because there are too many.
    pub(crate) fn has_more(&self) -> bool {
        let inner = self.read();
        inner.templates.more || inner.runs.more || inner.kinds.values().any(|kind| kind.more)
    }

    /// Whether the first list of Templates was read.
    pub(crate) fn templates_known(&self) -> bool {
        self.read().templates.listed
    }

    /// All Templates, by name.
    pub(crate) fn templates(&self) -> Vec<Arc<TemplateRow>> {
        self.read().templates.rows.values().cloned().collect()
    }

    /// A Template.
    pub(crate) fn template(&self, name: &str) -> Option<Arc<TemplateRow>> {
        self.read().templates.rows.get(name).cloned()
    }

    /// The Template that publishes a kind.
    pub(crate) fn template_of(&self, key: &KindKey) -> Option<Arc<TemplateRow>> {
        self.read().templates.rows.values().find(|row| row.key().as_ref() == Some(key)).cloned()
    }

    /// The kinds that Templates publish and the API serves.
    pub(crate) fn published(&self) -> BTreeMap<KindKey, Kind> {
        self.read().published().collect()
    }

    /// All Runs, newest first.
    pub(crate) fn runs(&self) -> Vec<Arc<RunRow>> {
        let mut runs: Vec<_> = self.read().runs.rows.values().cloned().collect();
        runs.sort_by(|a, b| b.order().cmp(&a.order()));
        runs
    }

    /// A Run.
    pub(crate) fn run(&self, namespace: &str, name: &str) -> Option<Arc<RunRow>> {
        self.read().runs.rows.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// All instances of all kinds.
    pub(crate) fn instances(&self) -> Vec<Arc<InstanceRow>> {
        self.read().kinds.values().flat_map(|kind| kind.rows.values().cloned()).collect()
    }

    /// How many instances there are of a kind.
    pub(crate) fn count_of(&self, key: &KindKey) -> usize {
        self.read().kinds.get(key).map_or(0, |kind| kind.rows.len())
    }

    pub(crate) fn begin_templates(&self) {
        self.write().templates.begin();
    }

    pub(crate) fn put_template(&self, object: &DynamicObject, tell: bool) {
        let Some(row) = TemplateRow::read(object) else { return };
        self.write().templates.put(row.name.clone(), row);
        self.tell(tell, || format!("templates/{}", object.name_any()));
    }

    pub(crate) fn end_templates(&self) {
        self.write().templates.end();
        self.tell(true, || "templates".into());
    }

    pub(crate) fn drop_template(&self, object: &DynamicObject) {
        self.write().templates.rows.remove(&object.name_any());
        self.tell(true, || format!("templates/{}", object.name_any()));
    }

    pub(crate) fn begin_runs(&self) {
        self.write().runs.begin();
    }

    pub(crate) fn put_run(&self, object: &DynamicObject, tell: bool) {
        let Some(row) = RunRow::read(object) else { return };
        let topic = row.instance_topic();
        self.write().runs.put(place(object), row);
        self.tell(tell, || topic);
        self.tell(tell, || run_topic(object));
    }

    pub(crate) fn end_runs(&self) {
        self.write().runs.end();
        self.tell(true, || "runs".into());
    }

    pub(crate) fn drop_run(&self, object: &DynamicObject) {
        self.write().runs.rows.remove(&place(object));
        self.tell(true, || run_topic(object));
    }

    pub(crate) fn begin_kind(&self, key: &KindKey) {
        self.write().kinds.entry(key.clone()).or_default().begin();
    }

    pub(crate) fn put_instance(&self, key: &KindKey, object: &DynamicObject, tell: bool) {
        let row = InstanceRow::read(key, object);
        let topic = row.topic();
        self.write().kinds.entry(key.clone()).or_default().put(place(object), row);
        self.tell(tell, || topic);
    }

    pub(crate) fn end_kind(&self, key: &KindKey) {
        self.write().kinds.entry(key.clone()).or_default().end();
        self.tell(true, || format!("instances/{}/{}", key.0, key.1));
    }

    pub(crate) fn drop_instance(&self, key: &KindKey, object: &DynamicObject) {
        if let Some(kind) = self.write().kinds.get_mut(key) {
            kind.rows.remove(&place(object));
        }
        self.tell(true, || InstanceRow::read(key, object).topic());
    }

    pub(crate) fn forget_kind(&self, key: &KindKey) {
        self.write().kinds.remove(key);
        self.tell(true, || format!("instances/{}/{}", key.0, key.1));
    }

    fn tell(&self, tell: bool, topic: impl FnOnce() -> String) {
        if tell {
            self.sequence.fetch_add(1, Ordering::AcqRel);
            // Nobody listening is no error.
            self.changes.send(topic().into()).ok();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        // A panic elsewhere cannot leave these maps half-written: each change is one call.
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(object: &DynamicObject) -> Place {
    (object.namespace().unwrap_or_default(), object.name_any())
}

fn run_topic(object: &DynamicObject) -> String {
    format!("runs/{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(name: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "windlass.dev/v1alpha1", "kind": "Run", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"instance": {"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "namespace": "shop", "name": "web"}},
        }))
        .expect("a Run")
    }

    #[test]
    fn what_a_new_list_lacks_is_gone() {
        let cache = Cache::default();
        cache.begin_runs();
        cache.put_run(&run("a"), false);
        cache.put_run(&run("b"), false);
        cache.end_runs();
        cache.begin_runs();
        cache.put_run(&run("b"), false);
        assert_eq!(cache.runs().len(), 2, "the old state is shown until the new list is complete");
        cache.end_runs();
        assert_eq!(cache.runs().iter().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    /// A page that was drawn in between had no open Run to follow.
    #[test]
    fn it_is_complete_once_every_published_kind_was_listed() {
        let cache = Cache::default();
        let template: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "windlass.dev/v1alpha1", "kind": "Template", "metadata": {"name": "web-app"},
            "spec": {"schema": {"kind": "WebApp"}, "resources": []},
            "status": {"kind": {"group": "platform.windlass.dev", "version": "v1alpha1", "kind": "WebApp", "plural": "webapps", "namespaced": true}},
        }))
        .expect("a Template");
        let kind = ("platform.windlass.dev".to_owned(), "WebApp".to_owned());
        cache.begin_templates();
        cache.put_template(&template, false);
        cache.end_templates();
        assert!(!cache.is_complete(), "the Runs are missing");
        cache.begin_runs();
        cache.end_runs();
        assert!(!cache.is_complete(), "nobody has begun to read the kind that the Template publishes");
        cache.begin_kind(&kind);
        assert!(!cache.is_complete(), "its instances are missing");
        cache.end_kind(&kind);
        assert!(cache.is_complete());
    }

    #[test]
    fn a_change_names_the_run_and_its_instance() {
        let cache = Cache::default();
        let mut changes = cache.subscribe();
        let before = cache.sequence();
        cache.put_run(&run("a"), true);
        assert!(cache.sequence() > before);
        assert_eq!(&*changes.try_recv().expect("the instance"), "runs-of/platform.windlass.dev/WebApp/shop/web");
        assert_eq!(&*changes.try_recv().expect("the run"), "runs/shop/a");
    }
}
