//! kro's own cases: which ResourceGraphDefinitions are accepted, the order of their nodes, and the definition of the kind
//! that they publish. What is not supported stands in `kro-not-supported.txt`, case by case with the reason.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use windlass_graph::compile::{SchemaEntry, Schemas, compile};
use windlass_graph::document::Document;

const SUITES: [&str; 4] = ["golden-builder", "golden-edge", "golden-examples", "golden-integration"];

/// The cases, from `WINDLASS_FIXTURES` or `../shared/fixtures` beside the project.
fn fixtures() -> Option<PathBuf> {
    let root = std::env::var_os("WINDLASS_FIXTURES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")), PathBuf::from);
    let kro = root.join("kro");
    if !kro.is_dir() {
        #[expect(clippy::print_stderr, reason = "whoever runs the test must see that there was nothing to run")]
        {
            eprintln!("nothing to run: there are no cases of kro; set WINDLASS_FIXTURES to the folder with conformance cases");
        }
        return None;
    }
    Some(kro)
}

fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let found = Document::read_all(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    found.into_iter().map(|document| document.value).collect()
}

/// Kubernetes' kinds and those of definitions.
#[derive(Default)]
struct Known<'a> {
    base: Option<&'a Known<'a>>,
    own: HashMap<(String, String), SchemaEntry>,
}

impl Schemas for Known<'_> {
    fn schema(&self, api_version: &str, kind: &str) -> Option<SchemaEntry> {
        self.own.get(&(api_version.to_owned(), kind.to_owned())).cloned().or_else(|| self.base?.schema(api_version, kind))
    }

    fn is_complete(&self) -> bool {
        true
    }
}

impl Known<'_> {
    fn kubernetes(kro: &Path) -> Self {
        let text = std::fs::read_to_string(kro.join("kubernetes-1.36-definitions.json")).expect("the definitions are there");
        let definitions: Map<String, Value> = serde_json::from_str(&text).expect("they are JSON");
        let cluster = [
            "Namespace",
            "Node",
            "PersistentVolume",
            "ClusterRole",
            "ClusterRoleBinding",
            "StorageClass",
            "CustomResourceDefinition",
            "PriorityClass",
            "IngressClass",
        ];
        let mut known = Self::default();
        for definition in definitions.values() {
            for kind in definition["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let text = |key: &str| kind[key].as_str().unwrap_or_default();
                let version =
                    if text("group").is_empty() { text("version").to_owned() } else { format!("{}/{}", text("group"), text("version")) };
                if definition["properties"].get("metadata").is_some() {
                    let entry = SchemaEntry {
                        openapi: resolved(definition, &definitions, &mut Vec::new()),
                        namespaced: !cluster.contains(&text("kind")),
                    };
                    known.own.insert((version, text("kind").to_owned()), entry);
                }
            }
        }
        known
    }

    fn define(&mut self, definition: &Value) {
        let spec = &definition["spec"];
        for version in spec["versions"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let key = (format!("{}/{}", text(&spec["group"]), text(&version["name"])), text(&spec["names"]["kind"]));
            self.own.insert(
                key,
                SchemaEntry { openapi: version["schema"]["openAPIV3Schema"].clone(), namespaced: spec["scope"] == "Namespaced" },
            );
        }
    }
}

/// The schema without references; what contains itself is left open there.
fn resolved<'d>(schema: &'d Value, definitions: &'d Map<String, Value>, open: &mut Vec<&'d str>) -> Value {
    match schema {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/definitions/")) {
                let Some(found) = definitions.get(name).filter(|_| !open.contains(&name)) else {
                    return serde_json::json!({"x-kubernetes-preserve-unknown-fields": true});
                };
                open.push(name);
                let found = resolved(found, definitions, open);
                open.pop();
                return found;
            }
            fields.iter().map(|(key, value)| (key.clone(), resolved(value, definitions, open))).collect()
        }
        Value::Array(items) => items.iter().map(|item| resolved(item, definitions, open)).collect(),
        scalar => scalar.clone(),
    }
}

/// Case → reason, of cases that are left out.
fn not_supported() -> BTreeMap<String, String> {
    let lines = include_str!("kro-not-supported.txt").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.filter_map(|line| line.split_once(": ")).map(|(case, reason)| (case.trim().to_owned(), reason.trim().to_owned())).collect()
}

/// What differs in one case.
fn differences(folder: &Path, kubernetes: &Known<'_>, others: &[Value]) -> Vec<String> {
    let mut known = Known { base: Some(kubernetes), ..Known::default() };
    others.iter().for_each(|definition| known.define(definition));
    let own = folder.join("crds.yaml");
    if own.is_file() {
        documents(&own).iter().for_each(|definition| known.define(definition));
    }
    let expected = documents(&folder.join("expected.yaml")).remove(0);
    let mut found = Vec::new();
    let graphs = documents(&folder.join("rgd.yaml"));
    for (graph, wanted) in graphs.iter().zip(expected["rgds"].as_array().into_iter().flatten()) {
        let name = graph["metadata"]["name"].as_str().unwrap_or_default();
        match (compile(graph, &known), wanted["accepted"] == true) {
            (Err(_), false) => {}
            (Ok(_), false) => found.push(format!("{name}: accepted, but kro refuses it: {}", wanted["error"])),
            (Err(findings), true) => {
                found.push(format!(
                    "{name}: refused, but kro accepts it: {}",
                    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
                ));
            }
            (Ok(compiled), true) => {
                let order: Value = compiled.graph.order().into();
                if order != wanted["topologicalOrder"] {
                    found.push(format!("{name}: order {order} instead of {}", wanted["topologicalOrder"]));
                }
                let definition = compiled.graph.definition();
                known.define(&definition);
                differ(&definition["spec"], &wanted["crd"]["spec"], "crd.spec", &mut found);
            }
        }
    }
    found
}

/// Where two values differ; what kro cannot type in a status is left out.
fn differ(found: &Value, wanted: &Value, at: &str, differences: &mut Vec<String>) {
    match (found, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            if at.contains(".status.properties.") && wanted.get("x-kubernetes-preserve-unknown-fields").is_some() {
                return;
            }
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differ(a, b, &format!("{at}.{key}"), differences),
                    (a, b) => {
                        differences.push(format!("{at}.{key}: {} instead of {}", a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null)))
                    }
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(index, (a, b))| differ(a, b, &format!("{at}[{index}]"), differences));
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (a, b) => differences.push(format!("{at}: {a} instead of {b}")),
    }
}

#[test]
fn definitions_are_accepted_ordered_and_published_as_kro_does() {
    let Some(kro) = fixtures() else { return };
    let kubernetes = Known::kubernetes(&kro);
    let cases = kro.join("cases");
    let left_out = not_supported();
    let mut used = Vec::new();
    let (mut summary, mut failures) = (String::new(), String::new());
    for suite in SUITES {
        let crds = if suite == "golden-builder" { "ack-fake-for-golden-builder.yaml" } else { "ack-for-other-suites.yaml" };
        let mut others = documents(&cases.join("crds").join(crds));
        others.extend(documents(&cases.join("crds/kro.run_resourcegraphdefinitions.yaml")));
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(cases.join(suite)).expect("a suite is a folder").filter_map(|entry| Some(entry.ok()?.path())).collect();
        folders.sort();
        for folder in folders {
            let case = format!("{suite}/{}", folder.file_name().unwrap_or_default().to_string_lossy());
            if left_out.contains_key(&case) {
                skipped += 1;
                used.push(case);
                continue;
            }
            let found = differences(&folder, &kubernetes, &others);
            if found.is_empty() {
                passed += 1;
            } else {
                failed += 1;
                writeln!(failures, "{case}\n    {}", found.join("\n    ")).expect("a text takes all");
            }
        }
        writeln!(summary, "kro/{suite}: {passed} passed, {failed} failed, {skipped} not supported").expect("a text takes all");
    }
    let unknown: Vec<&String> = left_out.keys().filter(|case| !used.contains(case)).collect();
    assert!(unknown.is_empty(), "kro-not-supported.txt names cases that do not exist: {unknown:?}");
    assert!(failures.is_empty(), "{summary}{failures}");
}
