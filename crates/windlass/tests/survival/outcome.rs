//! The end state of a trial in words that are the same wherever and whenever it ran: objects, processes, files, ports, counts.
//!
//! UIDs become the instance's name, ports and times are left out. Start with [`standing`] and [`left`].

use crate::audit::Audit;
use crate::platform::Platform;
use crate::snapshot::{Snapshot, text};
use crate::wishes::{KINDS, NAMESPACE};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Everything that stands, as lines; and what stands there without being named in an Inventory or a plan.
pub(crate) fn standing(platform: &Platform, snapshot: &Snapshot, audit: &Audit) -> (BTreeSet<String>, Vec<String>) {
    let names: BTreeMap<&str, &str> = KINDS
        .iter()
        .flat_map(|(kind, _)| snapshot.all(kind))
        .map(|object| (text(object, "/metadata/uid"), text(object, "/metadata/name")))
        .collect();
    let inventories: BTreeMap<&str, BTreeSet<&str>> = snapshot
        .all("Inventory")
        .map(|object| {
            let entries = object["spec"]["entries"].as_array().into_iter().flatten();
            (text(object, "/metadata/name"), entries.map(|entry| text(entry, "/key")).collect())
        })
        .collect();
    let mut strangers = audit.violations.clone();
    for (uid, keys) in &inventories {
        let planned = audit.planned.get(*uid);
        let unplanned = keys.iter().filter(|key| planned.is_none_or(|planned| !planned.contains(**key)));
        strangers.extend(unplanned.map(|key| format!("`{key}` of {uid} stands in no plan")));
    }
    let mut lines: BTreeSet<String> = objects(snapshot).into_iter().map(|line| anonymous(&line, &names)).collect();
    let local = platform.data().join("local");
    let is_named = |uid: &str, key: &str| inventories.get(uid).is_some_and(|keys| keys.contains(key));
    let mut ports = BTreeSet::new();
    for path in files(&local) {
        let relative = path.strip_prefix(&local).unwrap_or(&path).to_string_lossy().into_owned();
        let parts: Vec<&str> = relative.split('/').collect();
        let [uid, node, part, rest @ ..] = parts.as_slice() else {
            if !relative.starts_with("%bin/") && relative != "changes.sock" {
                strangers.push(format!("the file {relative} is nobody's"));
            }
            continue;
        };
        let key = format!("{node}/{}", part_of(part));
        if *part != "ports.json" && !is_named(uid, &key) {
            strangers.push(format!("the file {relative} stands in no Inventory"));
        }
        if part.starts_with("port-") {
            let record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap_or_default()).unwrap_or_default();
            ports.extend(record.pointer("/what/listener/port").and_then(Value::as_u64));
        }
        if !matches!(rest.first(), Some(&("log" | "tmp" | "work"))) {
            lines.insert(format!("file {}/{key} {}", names.get(uid).unwrap_or(uid), rest.join("/")));
        }
    }
    for (slot, programs) in programs(platform) {
        let relative = slot.strip_prefix(&local).unwrap_or(&slot).to_string_lossy().into_owned();
        let parts: Vec<&str> = relative.split('/').collect();
        let [uid, node, part] = parts.as_slice() else { continue };
        let key = format!("{node}/{}", part_of(part));
        if !is_named(uid, &key) {
            strangers.push(format!("{programs:?} of {relative} stand in no Inventory"));
        }
        lines.insert(format!("processes {}/{key} {programs:?}", names.get(uid).unwrap_or(uid)));
    }
    // Two more than the instances have: the portal's with the API, and the gateway's.
    let open: BTreeSet<u64> = platform.ports().into_iter().map(u64::from).collect();
    lines.insert(format!("{} listeners of instances, {} open", ports.len(), ports.intersection(&open).count()));
    if open.difference(&ports).count() != 2 {
        strangers.push(format!("it listens on {open:?}; instances have {ports:?}"));
    }
    (lines, strangers)
}

/// What is left once everything was deleted; there must be nothing but the record of each deletion.
pub(crate) fn left(platform: &Platform, snapshot: &Snapshot) -> Vec<String> {
    let local = platform.data().join("local");
    let mut left: Vec<String> = Vec::new();
    let own = |path: &PathBuf| path.starts_with(local.join("%bin")) || path.ends_with("changes.sock");
    left.extend(files(&local).iter().filter(|path| !own(path)).map(|path| format!("file {}", path.display())));
    left.extend(platform.processes().iter().map(|process| format!("process {process:?}")));
    let extra = platform.ports().len();
    if extra != 2 {
        left.push(format!("{extra} ports are open"));
    }
    for kind in KINDS.iter().map(|(kind, _)| *kind).chain(["Inventory"]) {
        left.extend(snapshot.all(kind).map(|object| format!("{kind} {}", text(object, "/metadata/name"))));
    }
    let ours = |map: &&Value| map["metadata"]["labels"]["windlass.dev/instance-id"].is_string();
    left.extend(snapshot.all("ConfigMap").filter(ours).map(|map| format!("ConfigMap {}", text(map, "/metadata/name"))));
    left
}

/// The Delete Runs that stay as the record.
pub(crate) fn deletions(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.all("Run").map(|run| format!("{} {}", text(run, "/spec/instance/name"), of_run(run))).collect()
}

fn objects(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for object in KINDS.iter().flat_map(|(kind, _)| snapshot.all(kind)) {
        let (name, status) = (text(object, "/metadata/name"), &object["status"]);
        lines.push(format!("instance {name} spec {} finalizers {}", object["spec"], object["metadata"]["finalizers"]));
        let conditions = status["conditions"].as_array().into_iter().flatten();
        for condition in conditions {
            let word = |field: &str| text(condition, &format!("/{field}")).to_owned();
            lines.push(format!("instance {name} {}={} {}: {}", word("type"), word("status"), word("reason"), word("message")));
        }
        let mut rest = status.clone();
        for volatile in ["conditions", "lastRun", "revision"] {
            rest.as_object_mut().map(|fields| fields.remove(volatile));
        }
        lines.push(format!("instance {name} status {rest}"));
    }
    for inventory in snapshot.all("Inventory") {
        let name = text(inventory, "/spec/instance/name");
        lines.push(format!("inventory {name} open {}", inventory["spec"]["openRun"]));
        for entry in inventory["spec"]["entries"].as_array().into_iter().flatten() {
            let shown = json!({"identity": entry["identity"], "wave": entry["wave"], "stage": entry["stage"], "state": entry["state"],
                "adopted": entry["adopted"], "operation": entry["operation"], "message": entry["message"], "bound": entry["uid"].is_string()});
            lines.push(format!("inventory {name} {} {shown}", text(entry, "/key")));
        }
    }
    for run in snapshot.all("Run") {
        lines.push(format!("run {} generation {} {}", text(run, "/spec/instance/name"), run["spec"]["generation"], of_run(run)));
    }
    let ours = |map: &&Value| text(map, "/metadata/namespace") == NAMESPACE && map["metadata"]["labels"].is_object();
    lines.extend(snapshot.all("ConfigMap").filter(ours).map(|map| format!("map {} {}", text(map, "/metadata/name"), map["data"])));
    lines
}

fn of_run(run: &Value) -> String {
    let steps = run["status"]["steps"].as_array().into_iter().flatten();
    let steps: Vec<String> = steps.map(|step| format!("{} {}", text(step, "/key"), text(step, "/state"))).collect();
    format!("{} {} `{}`: {}", text(run, "/spec/cause"), text(run, "/status/state"), text(run, "/spec/title"), steps.join(", "))
}

/// Without UIDs, and with `PORT` for the number of a port.
fn anonymous(line: &str, names: &BTreeMap<&str, &str>) -> String {
    let line = names.iter().fold(line.to_owned(), |line, (uid, name)| line.replace(uid, name));
    let mut words = line.split(':');
    let mut result = words.next().unwrap_or_default().to_owned();
    for word in words {
        let digits = word.chars().take_while(char::is_ascii_digit).count();
        result.push(':');
        result.push_str(if digits >= 4 { "PORT" } else { &word[..digits] });
        result.push_str(&word[digits..]);
    }
    result
}

/// `replica-0+1` is the replica 0, `port-http.json` the port `http`.
fn part_of(name: &str) -> &str {
    let name = name.strip_suffix(".json").unwrap_or(name);
    name.split_once('+').map_or(name, |(part, _)| part)
}

/// Directories of all slots.
pub(crate) fn slots(local: &Path) -> Vec<PathBuf> {
    let below = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let nodes = below(local.to_owned()).flat_map(below);
    nodes.flat_map(below).filter(|path| path.join("config.json").exists()).collect()
}

fn files(local: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![local.to_owned()]);
    while let Some(directory) = open.pop() {
        let entries: Vec<_> = std::fs::read_dir(&directory).into_iter().flatten().flatten().collect();
        if entries.is_empty() {
            found.push(directory);
            continue;
        }
        for entry in entries {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found
}

/// What runs in each slot.
fn programs(platform: &Platform) -> BTreeMap<PathBuf, Vec<String>> {
    let mut found: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for process in platform.processes() {
        let word = if process.is_supervisor { "supervisor".to_owned() } else { process.program };
        found.entry(process.slot).or_default().push(word);
    }
    found.values_mut().for_each(|programs| programs.sort());
    found
}
