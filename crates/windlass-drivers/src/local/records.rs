//! What the target's directory says about an instance: its slots, listeners, routes and files. Everything that is answered or
//! routed is read from here, so that it is the same after a restart.
//!
//! Layout: `UID/NODE/replica-0/` (see [`super::slot`]), `UID/NODE/port-web.json`, `UID/NODE/route-www.json`,
//! `UID/NODE/files-main/`, `UID/NODE/ports.json`. While a replica is replaced, its next generation stands beside it in
//! `UID/NODE/replica-0+1/`; the higher number is the newer one, and stays once the older is gone.

use super::part::Part;
use super::slot::{SlotConfig, SlotDirectory, SlotKey, SlotState, make_directory, node_directory, path_segment, read_json, write_json};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use windlass_api::plan::InstanceReference;

/// Which node of which instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct NodeKey {
    /// UID of the instance.
    pub(super) uid: String,
    /// Node key in the Template's graph.
    pub(super) node: String,
}

impl NodeKey {
    /// Its directory below the target's.
    pub(super) fn directory(&self, target: &Path) -> PathBuf {
        target.join(node_directory(&self.uid, &self.node))
    }

    /// The slot of a generation of a part.
    pub(super) fn slot(&self, target: &Path, part: &Part, generation: u32) -> SlotDirectory {
        SlotDirectory::new(self.directory(target).join(slot_name(part, generation)))
    }

    /// The key of a part's slot.
    pub(super) fn slot_key(&self, part: &Part) -> SlotKey {
        SlotKey { uid: self.uid.clone(), node: self.node.clone(), part: part.to_string() }
    }
}

/// Name of the directory of a part's generation. No part's own name has a `+` in it: see [`path_segment`].
fn slot_name(part: &Part, generation: u32) -> String {
    let segment = path_segment(&part.to_string());
    if generation == 0 { segment } else { format!("{segment}+{generation}") }
}

/// The generation that a slot's directory is named after.
fn generation_of(name: &str) -> u32 {
    name.rsplit_once('+').and_then(|(_, generation)| generation.parse().ok()).unwrap_or(0)
}

/// Every directory of a part, also those that cannot be read or are going; in the order of their generations.
pub(super) fn slot_directories(target: &Path, key: &NodeKey, part: &Part) -> Vec<(u32, SlotDirectory)> {
    let entries = std::fs::read_dir(key.directory(target)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let of_part = names.filter_map(|name| Some(generation_of(&name)).filter(|generation| slot_name(part, *generation) == name));
    let mut found: Vec<_> = of_part.map(|generation| (generation, key.slot(target, part, generation))).collect();
    found.sort_by_key(|(generation, _)| *generation);
    found
}

/// What is kept of a part that is no process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// Whose it is.
    pub(super) key: NodeKey,
    /// Which part.
    pub(super) part: String,
    /// Whom it is for.
    pub(super) instance: InstanceReference,
    /// The operation that wrote it.
    pub(super) op_id: String,
    /// The rendered node as far as it concerns this part; the next plan is compared with it.
    pub(super) wish: Value,
    /// What it is.
    pub(super) what: What,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum What {
    /// A stable listener.
    #[serde(rename_all = "camelCase")]
    Listener {
        /// Its port on 127.0.0.1.
        port: u16,
        /// Whether requests are told apart, or only bytes passed.
        http: bool,
        /// Whether the instance's address is this one.
        primary: bool,
    },
    /// A host and path on the shared gateway.
    #[serde(rename_all = "camelCase")]
    Route {
        /// Host, in lower case.
        host: String,
        /// Path prefix.
        path: String,
        /// Name of the service port.
        port: String,
        /// Since when, in milliseconds after 1970: the first holder of a host keeps it.
        since: i64,
    },
    /// Files of a container.
    #[serde(rename_all = "camelCase")]
    Files {
        /// Directory that holds the newest.
        digest: String,
    },
}

impl Record {
    /// Writes it; durable on return.
    pub(super) fn write(&self, target: &Path) -> io::Result<()> {
        let directory = self.key.directory(target);
        make_directory(&directory)?;
        write_json(&directory, &file_name(&self.part), self, true)
    }
}

fn file_name(part: &str) -> String {
    format!("{}.json", path_segment(part))
}

/// Removes a record; one that is gone already is no error.
pub(super) fn remove(target: &Path, key: &NodeKey, part: &Part) -> io::Result<()> {
    match fs::remove_file(key.directory(target).join(file_name(&part.to_string()))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A slot as it is.
#[derive(Clone)]
pub(super) struct SlotView {
    /// Which part.
    pub(super) part: Part,
    /// Higher for the newer one, where a replica is being replaced.
    pub(super) generation: u32,
    /// Its directory.
    pub(super) directory: SlotDirectory,
    /// What shall run.
    pub(super) config: SlotConfig,
    /// What is so, as far as a shim said it.
    pub(super) state: Option<SlotState>,
    /// Whether its shim runs.
    pub(super) held: bool,
}

impl SlotView {
    /// Whether it does its work.
    pub(super) fn is_ready(&self) -> bool {
        self.held && self.state.as_ref().is_some_and(|state| state.ready)
    }

    /// Whether its shim runs by another configuration than the written one.
    pub(super) fn is_outdated(&self) -> bool {
        self.held && self.state.as_ref().is_some_and(|state| state.config_hash != self.config.hash())
    }
}

/// Everything that is there of a node.
#[derive(Clone, Default)]
pub(super) struct NodeView {
    /// Its processes; of one part the newest last.
    pub(super) slots: Vec<SlotView>,
    /// Parts of which a slot is marked deleted and not gone yet.
    pub(super) ending: BTreeSet<Part>,
    /// The rest, by part.
    pub(super) records: BTreeMap<Part, Record>,
}

impl NodeView {
    /// Whether nothing is there.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.records.is_empty()
    }

    /// The newest slot of a part.
    pub(super) fn slot(&self, part: &Part) -> Option<&SlotView> {
        self.slots.iter().rfind(|slot| slot.part == *part)
    }

    /// The newest slot of each part.
    pub(super) fn newest(&self) -> impl Iterator<Item = &SlotView> {
        let is_last = |index: usize, slot: &SlotView| self.slots.get(index + 1).is_none_or(|next| next.part != slot.part);
        self.slots.iter().enumerate().filter(move |(index, slot)| is_last(*index, slot)).map(|(_, slot)| slot)
    }

    /// Whether an older slot of this part does the work while a newer one comes up.
    pub(super) fn is_served_by_older(&self, slot: &SlotView) -> bool {
        self.slots.iter().any(|other| other.part == slot.part && other.generation < slot.generation && other.is_ready())
    }

    /// Whether a part was being replaced and what was there before is not gone yet.
    pub(super) fn is_half_replaced(&self, part: &Part) -> bool {
        let count = self.slots.iter().filter(|slot| slot.part == *part).count();
        count > 1 || (count == 1 && self.ending.contains(part))
    }

    /// Whom it is for.
    pub(super) fn instance(&self) -> Option<&InstanceReference> {
        let of_slots = self.slots.iter().map(|slot| &slot.config.instance);
        of_slots.chain(self.records.values().map(|record| &record.instance)).next()
    }

    /// Reads a node's directory. What cannot be read is passed over: it is made anew, or deleted, by its key.
    pub(super) fn read(target: &Path, key: &NodeKey) -> Self {
        let mut view = Self::default();
        let directory = key.directory(target);
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            if name.starts_with("replica-") {
                view.take_slot(name, SlotDirectory::new(entry.path()));
            } else if name.ends_with(".json")
                && let Ok(record) = read_json::<Record>(&entry.path())
                && let Some(part) = Part::parse(&record.part)
            {
                view.records.insert(part, record);
            }
        }
        view.slots.sort_by(|a, b| (&a.part, a.generation).cmp(&(&b.part, b.generation)));
        view
    }

    fn take_slot(&mut self, name: &str, directory: SlotDirectory) {
        let config = directory.read_config().ok();
        if directory.is_marked_deleted() {
            let plain = name.rsplit_once('+').map_or(name, |(plain, _)| plain);
            let of_config = config.and_then(|config| Part::parse(&config.key.part));
            self.ending.extend(of_config.or_else(|| Part::parse(&name_of_segment(plain)?)));
            return;
        }
        let Some(config) = config else { return };
        let Some(part) = Part::parse(&config.key.part) else { return };
        let state = directory.read_state();
        let held = state.as_ref().is_some_and(SlotState::is_held);
        self.slots.push(SlotView { part, generation: generation_of(name), directory, config, state, held });
    }
}

/// Where the files of a container are; each version of them in a directory named by its digest.
pub(super) fn files_directory(target: &Path, key: &NodeKey, container: &str) -> PathBuf {
    key.directory(target).join(path_segment(&format!("files-{container}")))
}

/// Every node that anything is there of.
pub(super) fn nodes(target: &Path) -> Vec<NodeKey> {
    let directories = |path: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    };
    let mut found = Vec::new();
    for uid in directories(target).iter().filter_map(|segment| name_of_segment(segment)) {
        found.extend(nodes_of(target, &uid));
    }
    found
}

/// The directory of an instance below the target's.
pub(super) fn instance_directory(uid: &str) -> PathBuf {
    PathBuf::from(path_segment(uid))
}

/// The nodes of one instance.
pub(super) fn nodes_of(target: &Path, uid: &str) -> Vec<NodeKey> {
    let entries = std::fs::read_dir(target.join(instance_directory(uid))).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| name_of_segment(entry.file_name().to_str()?));
    named.map(|node| NodeKey { uid: uid.to_owned(), node }).collect()
}

/// The name behind a path segment; none of ours otherwise.
fn name_of_segment(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|name| path_segment(name) == segment)
}

/// The ports of a node's replicas: replica and generation (see [`ports_label`]), then service port.
pub(super) type ReplicaPorts = BTreeMap<String, BTreeMap<String, u16>>;

/// What a replica's ports are kept under: `0`, and `0+1` for its next generation.
pub(super) fn ports_label(replica: u32, generation: u32) -> String {
    if generation == 0 { replica.to_string() } else { format!("{replica}+{generation}") }
}

/// The labels of a replica's ports of which no slot is there any more.
pub(super) fn unused_labels(target: &Path, key: &NodeKey, replica: u32, known: &ReplicaPorts) -> Vec<String> {
    let prefix = format!("replica-{replica}");
    let entries = std::fs::read_dir(key.directory(target)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let of_replica = names.filter(|name| name.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '+'])));
    let used: BTreeSet<String> = of_replica.map(|name| ports_label(replica, generation_of(&name))).collect();
    let number = replica.to_string();
    let is_own = |label: &String| label.split_once('+').map_or(label.as_str(), |(own, _)| own) == number;
    known.keys().filter(|label| is_own(label) && !used.contains(*label)).cloned().collect()
}

/// Reads the ports of a node's replicas.
pub(super) fn replica_ports(target: &Path, key: &NodeKey) -> ReplicaPorts {
    read_json(&key.directory(target).join("ports.json")).unwrap_or_default()
}

/// Replaces the ports of a node's replicas; durable on return.
pub(super) fn write_replica_ports(target: &Path, key: &NodeKey, ports: &ReplicaPorts) -> io::Result<()> {
    let directory = key.directory(target);
    if ports.is_empty() {
        return match fs::remove_file(directory.join("ports.json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    make_directory(&directory)?;
    write_json(&directory, "ports.json", ports, true)
}

/// Removes the directories of a node and its instance once nothing is in them.
pub(super) fn tidy(target: &Path, key: &NodeKey) {
    let node = key.directory(target);
    remove_drafts(&node, ".");
    for directory in [Some(node.as_path()), node.parent()].into_iter().flatten() {
        // Refused while something is in it, which is what is wanted.
        drop(std::fs::remove_dir(directory));
    }
}

/// Removes what a crash left behind of writes and deletions that it cut off; to be called only while nobody writes.
pub(super) fn drop_remains(target: &Path) {
    for key in nodes(target) {
        drop_drafts(target, &key);
        let mut known = replica_ports(target, &key);
        let replicas: BTreeSet<u32> = known.keys().filter_map(|label| label.split('+').next()?.parse().ok()).collect();
        let unused: Vec<String> = replicas.iter().flat_map(|replica| unused_labels(target, &key, *replica, &known)).collect();
        if !unused.is_empty() {
            known.retain(|label, _| !unused.contains(label));
            // What cannot be written now is dropped at another start.
            drop(write_replica_ports(target, &key, &known));
        }
        tidy(target, &key);
    }
    for entry in std::fs::read_dir(target).into_iter().flatten().flatten() {
        // Of an instance; refused while something is in it.
        drop(std::fs::remove_dir(entry.path()));
    }
}

fn drop_drafts(target: &Path, key: &NodeKey) {
    let node = key.directory(target);
    remove_drafts(&node, ".");
    for entry in std::fs::read_dir(&node).into_iter().flatten().flatten() {
        // A slot's state is written by its supervisor, which goes on.
        remove_drafts(&entry.path(), ".config.json.");
        // A slot whose configuration was never written; refused while something is in it.
        drop(std::fs::remove_dir(entry.path()));
    }
}

fn remove_drafts(directory: &Path, prefix: &str) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(".draft")) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_segment_names_its_name(name in ".{1,20}") {
            prop_assert_eq!(name_of_segment(&path_segment(&name)), Some(name));
        }
    }

    #[test]
    fn what_a_cut_off_write_left_is_removed_and_nothing_else() {
        let target = tempfile::tempdir().unwrap();
        let key = NodeKey { uid: "uid".into(), node: "app".into() };
        let slot = key.slot(target.path(), &Part::parse("replica-0").unwrap(), 1);
        make_directory(slot.path()).unwrap();
        let node = key.directory(target.path());
        let kept = [node.join("ports.json"), slot.path().join("config.json"), slot.path().join(".state.json.7.draft")];
        let drafts = [node.join(".ports.json.7.draft"), slot.path().join(".config.json.7.draft")];
        kept.iter().chain(&drafts).for_each(|path| fs::write(path, b"{}").unwrap());
        let unwritten = key.slot(target.path(), &Part::parse("replica-1").unwrap(), 0);
        make_directory(unwritten.path()).unwrap();
        fs::write(unwritten.path().join(".config.json.7.draft"), b"{}").unwrap();
        let ports = |label: &str| BTreeMap::from([(label.to_owned(), BTreeMap::from([("http".to_owned(), 1)]))]);
        write_replica_ports(target.path(), &key, &[ports("0+1"), ports("3")].into_iter().flatten().collect()).unwrap();
        let gone = NodeKey { uid: "gone".into(), node: "app".into() };
        make_directory(&gone.directory(target.path())).unwrap();
        write_replica_ports(target.path(), &gone, &ports("0")).unwrap();
        drop_remains(target.path());
        assert_eq!(replica_ports(target.path(), &key), ports("0+1"));
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 1);
        assert!(kept.iter().all(|path| path.exists()));
        assert!(!drafts.iter().any(|path| path.exists()));
        assert!(!unwritten.path().exists());
    }

    #[test]
    fn our_own_directories_are_no_instances() {
        assert_eq!(name_of_segment("%bin"), None);
        assert_eq!(name_of_segment("a%2Fb").as_deref(), Some("a/b"));
    }
}
