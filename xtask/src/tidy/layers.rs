//! Which crate may use which: the arrows of ARCHITECTURE.md, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process;

/// The crates of the workspace from the lowest layer to the highest. A crate may use those of lower layers, and of its own
/// layer only those named in [`BESIDE`].
const LAYERS: [(&str, &[&str]); 6] = [
    ("words", &["windlass-api"]),
    ("thinking", &["windlass-schema", "windlass-cel", "windlass-score", "windlass-graph"]),
    ("touching", &["windlass-store", "windlass-client", "windlass-apiserver", "windlass-drivers"]),
    ("acting", &["windlass-controllers", "windlass-portal"]),
    ("wiring", &["windlass"]),
    ("helpers", &["windlass-testkit", "windlass-e2e", "xtask"]),
];

/// Arrows inside one layer.
const BESIDE: [(&str, &str); 5] = [
    ("windlass-graph", "windlass-schema"),
    ("windlass-graph", "windlass-cel"),
    ("windlass-graph", "windlass-score"),
    ("windlass-apiserver", "windlass-store"),
    ("windlass-drivers", "windlass-client"),
];

/// What the embedded API server may know: it knows no Windlass kind, so it must not even see the words.
const NOT: [(&str, &str); 2] = [("windlass-apiserver", "windlass-api"), ("windlass-store", "windlass-api")];

/// Libraries that only these crates may use.
const ONLY: [(&str, &[&str]); 4] = [
    ("rusqlite", &["windlass-store"]),
    (
        "kube",
        &["windlass-client", "windlass-drivers", "windlass-controllers", "windlass-portal", "windlass", "windlass-testkit", "windlass-e2e"],
    ),
    ("cel", &[]),
    ("maud", &["windlass-portal"]),
];

/// What no thinking crate may reach, however far away.
const IMPURE: [&str; 8] = ["tokio", "kube", "kube-client", "hyper", "rusqlite", "reqwest", "fs-err", "rustix"];

pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root);
    let metadata: Value = serde_json::from_str(&process::read(&mut command)?).context("`cargo metadata` is not understood")?;
    let graph = Graph::read(&metadata);
    let mut findings = Vec::new();
    for name in &graph.members {
        let Some(layer) = layer_of(name) else {
            findings.push(format!("{name}: in no layer\n  hint: add it to xtask/src/tidy/layers.rs and to ARCHITECTURE.md"));
            continue;
        };
        for used in graph.direct.get(name).into_iter().flatten() {
            findings.extend(arrow(name, layer, used));
            findings.extend(restricted(name, used));
        }
        if LAYERS[layer].0 == "thinking" {
            findings.extend(impurities(name, &graph));
        }
    }
    findings.extend(unlisted(root, &graph)?);
    Ok(findings)
}

fn layer_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, names)| names.contains(&name))
}

fn arrow(name: &str, layer: usize, used: &str) -> Option<String> {
    let below = layer_of(used)?;
    let beside = below == layer && (BESIDE.contains(&(name, used)) || LAYERS[layer].0 == "helpers");
    if NOT.contains(&(name, used)) {
        return Some(format!("{name} uses {used}: it must know no Windlass kind"));
    }
    (below > layer || (below == layer && !beside))
        .then(|| format!("{name} uses {used}: against the layers\n  hint: the order is words, thinking, touching, acting, wiring"))
}

fn restricted(name: &str, used: &str) -> Option<String> {
    let (_, allowed) = ONLY.iter().find(|(library, _)| *library == used)?;
    (!allowed.contains(&name)).then(|| format!("{name} uses {used}: only {} may", allowed.join(", ")))
}

fn impurities(name: &str, graph: &Graph) -> Vec<String> {
    let reached = graph.reach(name);
    let found = IMPURE.iter().filter(|library| reached.contains(**library));
    found
        .map(|library| format!("{name} reaches {library}: thinking crates are pure\n  hint: `cargo tree -i {library} -p {name} -e normal`"))
        .collect()
}

/// Every direct dependency has its line in the record of decisions.
fn unlisted(root: &Path, graph: &Graph) -> Result<Vec<String>> {
    let file = "docs/adr/0002-dependencies.md";
    let text = fs_err::read_to_string(root.join(file))?;
    let used: BTreeSet<&String> = graph.direct_all.values().flatten().filter(|name| layer_of(name).is_none()).collect();
    let missing = used.into_iter().filter(|name| !text.contains(&format!("`{name}`")));
    Ok(missing
        .map(|name| {
            format!("{file}: the dependency `{name}` has no line\n  hint: say why it and not another, its build seconds and licence")
        })
        .collect())
}

/// Who uses whom. Normal dependencies only, but for `direct_all`.
struct Graph {
    members: Vec<String>,
    direct: BTreeMap<String, BTreeSet<String>>,
    direct_all: BTreeMap<String, BTreeSet<String>>,
    by_id: BTreeMap<String, (String, Vec<String>)>,
}

impl Graph {
    fn read(metadata: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let members: BTreeSet<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
        let mut graph = Self { members: Vec::new(), direct: BTreeMap::new(), direct_all: BTreeMap::new(), by_id: BTreeMap::new() };
        for package in list(&metadata["packages"]).iter().filter(|package| members.contains(&text(&package["id"]))) {
            let name = text(&package["name"]);
            let dependencies = list(&package["dependencies"]);
            let named = |normal_only: bool| -> BTreeSet<String> {
                dependencies.iter().filter(|d| !normal_only || d["kind"].is_null()).map(|d| text(&d["name"])).collect()
            };
            graph.direct.insert(name.clone(), named(true));
            graph.direct_all.insert(name.clone(), named(false));
            graph.members.push(name);
        }
        let names: BTreeMap<String, String> =
            list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        for node in list(&metadata["resolve"]["nodes"]) {
            let normal = list(&node["deps"])
                .into_iter()
                .filter(|dependency| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()));
            let id = text(&node["id"]);
            let name = names.get(&id).cloned().unwrap_or_default();
            graph.by_id.insert(id, (name, normal.map(|dependency| text(&dependency["pkg"])).collect()));
        }
        graph
    }

    /// Names of everything that a crate needs at run time.
    fn reach(&self, name: &str) -> BTreeSet<String> {
        let mut waiting: Vec<&String> = self.by_id.iter().filter(|(_, (known, _))| known == name).map(|(id, _)| id).collect();
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                waiting.extend(self.by_id.get(id).into_iter().flat_map(|(_, needs)| needs));
            }
        }
        seen.into_iter().filter_map(|id| self.by_id.get(id)).map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{arrow, layer_of, restricted};

    #[test]
    fn arrows_go_down_only() {
        let of = |name: &str| layer_of(name).expect("it is in a layer");
        assert_eq!(arrow("windlass-portal", of("windlass-portal"), "windlass-client"), None);
        assert_eq!(arrow("windlass-graph", of("windlass-graph"), "windlass-cel"), None);
        assert!(arrow("windlass-graph", of("windlass-graph"), "windlass-client").is_some());
        assert!(arrow("windlass-portal", of("windlass-portal"), "windlass-controllers").is_some());
        assert!(arrow("windlass-apiserver", of("windlass-apiserver"), "windlass-api").is_some());
        assert!(arrow("windlass-client", of("windlass-client"), "windlass-store").is_some());
    }

    #[test]
    fn some_libraries_have_one_home() {
        assert!(restricted("windlass-portal", "rusqlite").is_some());
        assert_eq!(restricted("windlass-store", "rusqlite"), None);
    }
}
