//! Who owns whom, by uid. Pure: it is told about objects and answers questions.

use std::collections::{BTreeSet, HashMap};

use windlass_store::Key;

use crate::object::OutlineMeta;

/// What is known of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    uid: String,
    owners: Vec<String>,
}

/// All objects and their owners.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: HashMap<Key, Node>,
    keys: HashMap<String, Key>,
    /// Owner's uid to dependents.
    dependents: HashMap<String, BTreeSet<Key>>,
}

impl Graph {
    /// Takes an object in; whether what it says about owners is new and there are any.
    pub(super) fn put(&mut self, key: &Key, meta: &OutlineMeta) -> bool {
        let owners = meta.owner_references.iter().flatten().map(|reference| reference.uid.clone()).collect();
        let node = Node { uid: meta.uid.clone(), owners };
        if self.nodes.get(key) == Some(&node) {
            return false;
        }
        self.take_out(key);
        for owner in &node.owners {
            self.dependents.entry(owner.clone()).or_default().insert(key.clone());
        }
        self.keys.insert(node.uid.clone(), key.clone());
        let owned = !node.owners.is_empty();
        self.nodes.insert(key.clone(), node);
        owned
    }

    /// Takes an object out; tells whom that concerns: its dependents, and its owners that may wait for it.
    pub(super) fn remove(&mut self, key: &Key) -> Vec<Key> {
        let mut concerned = self.owners(key);
        if let Some(uid) = self.take_out(key) {
            concerned.extend(self.dependents(&uid));
        }
        concerned
    }

    fn take_out(&mut self, key: &Key) -> Option<String> {
        let node = self.nodes.remove(key)?;
        self.keys.remove(&node.uid);
        for owner in &node.owners {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(key);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        Some(node.uid)
    }

    pub(super) fn key_of(&self, uid: &str) -> Option<&Key> {
        self.keys.get(uid)
    }

    pub(super) fn dependents(&self, uid: &str) -> Vec<Key> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    pub(super) fn has_dependents(&self, uid: &str) -> bool {
        self.dependents.contains_key(uid)
    }

    /// The owners of an object that are there.
    pub(super) fn owners(&self, key: &Key) -> Vec<Key> {
        let owners = self.nodes.get(key).map(|node| node.owners.as_slice()).unwrap_or_default();
        owners.iter().filter_map(|uid| self.keys.get(uid).cloned()).collect()
    }

    /// What has to be looked at after reading everything: dependents, and owners, which may wait.
    pub(super) fn questionable(&self) -> BTreeSet<Key> {
        self.nodes
            .iter()
            .filter(|(_, node)| !node.owners.is_empty())
            .flat_map(|(key, node)| std::iter::once(key.clone()).chain(node.owners.iter().filter_map(|uid| self.keys.get(uid).cloned())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    //! The graph keeps both directions true.

    use super::*;
    use crate::object::OwnerReference;

    fn meta(uid: &str, owners: &[&str]) -> OutlineMeta {
        let reference = |uid: &&str| OwnerReference {
            api_version: String::new(),
            kind: String::new(),
            name: String::new(),
            uid: (*uid).to_owned(),
            block_owner_deletion: None,
        };
        OutlineMeta { uid: uid.to_owned(), owner_references: Some(owners.iter().map(reference).collect()), ..OutlineMeta::default() }
    }

    fn key(name: &str) -> Key {
        Key::new("things", "default", name)
    }

    #[test]
    fn removal_concerns_dependents_and_owners() {
        let mut graph = Graph::default();
        assert!(!graph.put(&key("a"), &meta("ua", &[])));
        assert!(graph.put(&key("b"), &meta("ub", &["ua"])));
        assert!(graph.put(&key("c"), &meta("uc", &["ub"])));
        assert!(!graph.put(&key("c"), &meta("uc", &["ub"])), "nothing new");
        assert_eq!(graph.remove(&key("b")), [key("a"), key("c")]);
        assert!(graph.has_dependents("ub"), "c still names its lost owner");
        assert_eq!(graph.key_of("ub"), None);
        assert!(!graph.put(&key("c"), &meta("uc", &[])));
        assert!(!graph.has_dependents("ub"));
    }
}
