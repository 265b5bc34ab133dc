//! What is known of published kinds and live instances, kept by watches and read by reconciles. A cache: it can be thrown away.

use super::Key;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use windlass_client::objects::Kind;

/// A kind that a Template publishes.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// How its objects are addressed.
    pub(super) kind: Kind,
    /// Name of its Template.
    pub(super) template: String,
}

#[derive(Default)]
struct Known {
    kinds: HashMap<(String, String), Published>,
    revisions: HashMap<String, String>,
    instances: HashMap<String, Key>,
    readers: HashMap<(String, String), HashSet<Key>>,
    watched: HashSet<(String, String, bool)>,
}

/// See the module head.
#[derive(Default)]
pub(crate) struct Registry {
    known: Mutex<Known>,
}

impl Registry {
    /// Takes up a kind; says whether it is new.
    pub(super) fn add_kind(&self, published: Published) -> bool {
        let key = (published.kind.resource.group.clone(), published.kind.resource.kind.clone());
        self.lock().kinds.insert(key, published).is_none()
    }

    /// Drops a kind that is gone, with its instances.
    pub(super) fn remove_kind(&self, group: &str, kind: &str) {
        let mut known = self.lock();
        known.kinds.remove(&(group.to_owned(), kind.to_owned()));
        known.instances.retain(|_, key| key.group != group || key.kind != kind);
    }

    /// A published kind.
    pub(super) fn kind(&self, group: &str, kind: &str) -> Option<Published> {
        self.lock().kinds.get(&(group.to_owned(), kind.to_owned())).cloned()
    }

    /// Notes which revision of a Template serves; says whether that is new, and if so whose instances it concerns.
    pub(super) fn set_revision(&self, template: &str, revision: &str) -> Vec<Key> {
        let mut known = self.lock();
        if known.revisions.insert(template.to_owned(), revision.to_owned()).as_deref() == Some(revision) {
            return Vec::new();
        }
        let kinds: HashSet<(String, String)> =
            known.kinds.iter().filter(|(_, published)| published.template == template).map(|(kind, _)| kind.clone()).collect();
        known.instances.values().filter(|key| kinds.contains(&(key.group.clone(), key.kind.clone()))).cloned().collect()
    }

    /// The revision of a Template that serves.
    pub(super) fn revision(&self, template: &str) -> Option<String> {
        self.lock().revisions.get(template).cloned()
    }

    /// Notes a live instance.
    pub(super) fn add_instance(&self, uid: String, key: Key) {
        self.lock().instances.insert(uid, key);
    }

    /// Forgets an instance that is gone.
    pub(super) fn remove_instance(&self, uid: &str) {
        let mut known = self.lock();
        if let Some(key) = known.instances.remove(uid) {
            known.readers.values_mut().for_each(|readers| {
                readers.remove(&key);
            });
        }
    }

    /// The instance with this UID.
    pub(super) fn instance(&self, uid: &str) -> Option<Key> {
        self.lock().instances.get(uid).cloned()
    }

    /// Notes that an instance reads objects of a kind.
    pub(super) fn add_reader(&self, api_version: &str, kind: &str, reader: Key) {
        self.lock().readers.entry((api_version.to_owned(), kind.to_owned())).or_default().insert(reader);
    }

    /// Who reads objects of a kind.
    pub(super) fn readers(&self, api_version: &str, kind: &str) -> Vec<Key> {
        self.lock().readers.get(&(api_version.to_owned(), kind.to_owned())).into_iter().flatten().cloned().collect()
    }

    /// Whether a watch of this kind is to be started now; `all` also sees objects that are not ours.
    pub(super) fn claim_watch(&self, api_version: &str, kind: &str, all: bool) -> bool {
        self.lock().watched.insert((api_version.to_owned(), kind.to_owned(), all))
    }

    /// Lets a watch be started again.
    pub(super) fn release_watch(&self, api_version: &str, kind: &str, all: bool) {
        self.lock().watched.remove(&(api_version.to_owned(), kind.to_owned(), all));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
