//! Trims Kubernetes' OpenAPI v3 documents to the kinds that the embedded server has, and splits them so that a schema
//! used by several documents is stored once.
//!
//! Two files of tab-separated lines: `name, names it refers to, schema` and `group/version, path, item`; JSON is compact.
//! Parameters stand once, as `@, number, parameter`; an item has the text `"@number"` in their place.
//! Left out: deprecated watch paths, CBOR and protobuf media types. Start with [`generate`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::enums::Allowed;

/// Both files.
pub(super) struct Documents {
    pub(super) schemas: String,
    pub(super) paths: String,
}

/// A document's file, its group and version, and beginnings of paths (below the version) that are kept.
const SOURCES: [(&str, &str, &[&str]); 7] = [
    ("api__v1", "v1", &["", "namespaces", "configmaps", "secrets", "serviceaccounts", "events", "limitranges", "resourcequotas"]),
    ("apis__apps__v1", "apps/v1", &["", "deployments"]),
    ("apis__apiextensions.k8s.io__v1", "apiextensions.k8s.io/v1", &["", "customresourcedefinitions"]),
    ("apis__authentication.k8s.io__v1", "authentication.k8s.io/v1", &["", "selfsubjectreviews"]),
    ("apis__authorization.k8s.io__v1", "authorization.k8s.io/v1", &["", "selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
    ("apis__coordination.k8s.io__v1", "coordination.k8s.io/v1", &["", "leases"]),
    ("apis__events.k8s.io__v1", "events.k8s.io/v1", &["", "events"]),
];

/// Subresources that need more than storage.
const LEFT_OUT: [&str; 1] = ["token"];

/// Reads the documents in `folder`.
pub(super) fn generate(folder: &Path, version: &str, allowed: &Allowed) -> Result<Documents> {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut parameters: Vec<String> = Vec::new();
    let mut items = String::new();
    for (file, group_version, kept) in SOURCES {
        let path = folder.join(format!("{file}_openapi.json"));
        let document: Value = serde_json::from_str(&fs_err::read_to_string(&path)?).with_context(|| format!("`{}`", path.display()))?;
        for (name, schema) in document["components"]["schemas"].as_object().context("no schemas")? {
            // Kinds that delete options go with differ by document; the longest list has them all.
            let shorter = known.get(name).is_some_and(|other| other.to_string().len() >= schema.to_string().len());
            if !shorter {
                known.insert(name.clone(), schema.clone());
            }
        }
        for (path, item) in document["paths"].as_object().context("no paths")? {
            if !keeps(path, group_version, kept) {
                continue;
            }
            let mut item = trimmed(item);
            references(&item, &mut wanted);
            fold(&mut item, &mut parameters);
            items.push_str(&format!("{group_version}\t{path}\t{item}\n"));
        }
    }
    let mut paths = format!("#\t{version}\n");
    for (number, parameter) in parameters.iter().enumerate() {
        paths.push_str(&format!("@\t{number}\t{parameter}\n"));
    }
    paths.push_str(&items);
    let mut open: Vec<String> = wanted.iter().cloned().collect();
    while let Some(name) = open.pop() {
        let mut more = BTreeSet::new();
        references(known.get(&name).with_context(|| format!("no schema `{name}`"))?, &mut more);
        open.extend(more.into_iter().filter(|name| wanted.insert(name.clone())));
    }
    let mut schemas = String::new();
    for name in &wanted {
        let mut schema = known[name].clone();
        allowed.put_into(name, &mut schema);
        let mut refers = BTreeSet::new();
        references(&schema, &mut refers);
        let refers: Vec<String> = refers.into_iter().collect();
        let json = schema.to_string();
        if json.contains(['\t', '\n']) {
            bail!("schema `{name}` has a tab or line break outside of texts");
        }
        schemas.push_str(&format!("{name}\t{}\t{json}\n", refers.join(" ")));
    }
    Ok(Documents { schemas, paths })
}

fn keeps(path: &str, group_version: &str, kept: &[&str]) -> bool {
    let root = if group_version.contains('/') { format!("/apis/{group_version}/") } else { format!("/api/{group_version}/") };
    let Some(rest) = path.strip_prefix(&root) else { return false };
    let mut steps = rest.split('/');
    let first = steps.next().unwrap_or_default();
    if first == "watch" || LEFT_OUT.iter().any(|left_out| path.ends_with(&format!("/{left_out}"))) {
        return false;
    }
    let resource = match (first, rest.strip_prefix("namespaces/{namespace}/")) {
        (_, Some(below)) => below.split('/').next().unwrap_or_default(),
        (first, None) => first,
    };
    kept.contains(&resource)
}

/// Without media types that the server does not speak.
fn trimmed(item: &Value) -> Value {
    match item {
        Value::Object(map) => {
            let spoken = |key: &str| {
                !key.contains("cbor") && key != "application/vnd.kubernetes.protobuf" && !key.ends_with("protobuf;stream=watch")
            };
            Value::Object(map.iter().filter(|(key, _)| spoken(key)).map(|(key, value)| (key.clone(), trimmed(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(trimmed).collect()),
        other => other.clone(),
    }
}

/// Puts a number in the place of each parameter.
fn fold(value: &mut Value, parameters: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for parameter in map.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
                let text = parameter.to_string();
                let number = parameters.iter().position(|known| *known == text).unwrap_or_else(|| {
                    parameters.push(text);
                    parameters.len() - 1
                });
                *parameter = Value::String(format!("@{number}"));
            }
            map.values_mut().for_each(|value| fold(value, parameters));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| fold(value, parameters)),
        _ => {}
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/components/schemas/")) {
                found.insert(name.to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
