//! Reads the blocks of nodes: what stands under `template`, `externalRef` and `workload`.

use super::Schemas;
use super::read::{RawNode, unknown_fields};
use crate::body::{self, Body, Dialect};
use crate::expression::{Formula, Strictness};
use crate::graph::{Node, Parts};
use crate::path;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use windlass_api::Diagnostic;
use windlass_api::plan::Block;
use windlass_api::target::{CONTROL_PLANE, LOCAL};
use windlass_api::template::PublishedKind;

/// Kinds without a namespace that everybody knows, for when there is no schema.
const CLUSTER_KINDS: [&str; 18] = [
    "APIService",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CSIDriver",
    "CustomResourceDefinition",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "ResourceGraphDefinition",
    "RuntimeClass",
    "StorageClass",
    "Target",
    "Template",
    "ValidatingWebhookConfiguration",
];

/// Reads one node; `None` where it cannot be told what it is.
pub(super) fn read(
    raw: &RawNode<'_>,
    published: &PublishedKind,
    schemas: &dyn Schemas,
    strictness: Strictness,
    findings: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let at = path::child(&raw.at, raw.block.name());
    let include_when = formulas(&raw.include_when, strictness, findings);
    let ready_when = formulas(&raw.ready_when, strictness, findings);
    let mut for_each = Vec::new();
    for (variable, at, text) in &raw.for_each {
        for_each.extend(Formula::whole(text, at, strictness, findings).map(|formula| (variable.clone(), formula)));
    }
    let target = raw.target.map(|value| body::read(value, &path::child(&raw.at, "target"), Dialect::Plain, strictness, findings));
    if let Some(Body::Fixed(value)) = &target {
        check_target(raw.block, value, &path::child(&raw.at, "target"), findings);
    }
    let (api_version, kind) = match raw.block {
        Block::Template | Block::ExternalRef => identity(raw.body, &at, findings)?,
        Block::Workload => (String::new(), String::new()),
    };
    let parts = match raw.block {
        Block::Template => object(raw, &at, &kind, strictness, findings),
        Block::ExternalRef => reference(raw, &at, strictness, findings)?,
        Block::Workload => workload(raw, &at, strictness, findings)?,
    };
    let namespaced = match raw.block {
        Block::Workload => true,
        Block::Template | Block::ExternalRef => match schemas.schema(&api_version, &kind) {
            Some(entry) => entry.namespaced,
            None => {
                unknown_kind(&api_version, &kind, &at, schemas, findings);
                !CLUSTER_KINDS.contains(&kind.as_str())
            }
        },
    };
    let node = Node {
        id: raw.id.clone(),
        block: raw.block,
        path: raw.at.clone(),
        api_version,
        kind,
        needs: Vec::new(),
        waits_for: Vec::new(),
        namespaced,
        include_when,
        ready_when,
        for_each,
        target,
        max_items: raw.max_items,
        parts,
        hard: BTreeSet::new(),
        soft: BTreeSet::new(),
        read: Vec::new(),
    };
    check_namespace(&node, &at, published, findings);
    check_iterators(&node, &at, findings);
    Some(node)
}

fn formulas(texts: &[(String, &str)], strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Vec<Formula> {
    let mut found = Vec::new();
    for (at, text) in texts {
        found.extend(Formula::whole(text, at, strictness, findings));
    }
    found
}

/// Which block can go where: the one table of this release.
fn check_target(block: Block, target: &Value, at: &str, findings: &mut Vec<Diagnostic>) {
    let (possible, what) = match block {
        Block::Template => (CONTROL_PLANE, "objects are made"),
        Block::ExternalRef => (CONTROL_PLANE, "objects are read"),
        Block::Workload => (LOCAL, "workloads run"),
    };
    match target.as_str() {
        Some(target) if target == possible => {}
        Some(target) => {
            let finding = Diagnostic::error("TargetNotSupported", at, format!("`{}` cannot go to the target `{target}` yet", block.name()));
            findings.push(finding.with_hint(format!("leave `target` out: {what} on `{possible}`")));
        }
        None => findings.push(
            Diagnostic::error("WrongType", at, "`target` must be the name of a Target").with_hint(format!("as `target: {possible}`")),
        ),
    }
}

/// apiVersion and kind, which must be written out.
fn identity(fields: &Map<String, Value>, at: &str, findings: &mut Vec<Diagnostic>) -> Option<(String, String)> {
    let mut read = |key: &str| match fields.get(key) {
        Some(Value::String(text)) if text.contains("${") => {
            let finding = Diagnostic::error(
                "NotStatic",
                path::child(at, key),
                format!("`{key}` cannot be computed: what a Template makes is known before anyone asks"),
            );
            findings.push(finding.with_hint("make a node for each kind, with `includeWhen`"));
            None
        }
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => {
            findings.push(Diagnostic::error("MissingField", path::child(at, key), format!("the object has no `{key}`")));
            None
        }
    };
    let (version, kind) = (read("apiVersion"), read("kind"));
    Some((version?, kind?))
}

fn unknown_kind(api_version: &str, kind: &str, at: &str, schemas: &dyn Schemas, findings: &mut Vec<Diagnostic>) {
    let at = path::child(at, "kind");
    findings.push(if schemas.is_complete() {
        let finding = Diagnostic::error("UnknownKind", at, format!("there is no kind `{kind}` in `{api_version}`"));
        finding.with_hint("install its CustomResourceDefinition first")
    } else {
        let finding =
            Diagnostic::warning("UnknownKind", at, format!("no schema is known for `{api_version}` `{kind}`: its fields are not checked"));
        finding.with_hint("install its CustomResourceDefinition first, or give its schema with `--schemas`")
    });
}

fn object(raw: &RawNode<'_>, at: &str, kind: &str, strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Parts {
    let value = Value::Object(raw.body.clone());
    let metadata_at = path::child(at, "metadata");
    let metadata = raw.body.get("metadata");
    if metadata.and_then(|metadata| metadata.get("name")).is_none_or(Value::is_null) {
        let finding = Diagnostic::error("MissingField", path::child(&metadata_at, "name"), "the object has no name");
        findings.push(finding.with_hint("as `metadata: {name: \"${schema.metadata.name}\"}`"));
    }
    for key in ["labels", "annotations"] {
        let given = metadata.and_then(|metadata| metadata.get(key)).and_then(Value::as_object);
        for name in given.into_iter().flat_map(Map::keys) {
            let prefix = name.split('/').next().unwrap_or_default();
            if name.contains('/') && ["windlass.dev", "kro.run", "internal.kro.run"].contains(&prefix) {
                let at = path::child(&path::child(&metadata_at, key), name);
                let finding =
                    Diagnostic::error("ReservedName", at, format!("`{name}` is set by the platform and cannot stand in a Template"));
                findings.push(finding.with_hint("use a prefix of your own"));
            }
        }
    }
    let body = body::read(&value, at, Dialect::Plain, strictness, findings);
    if kind == "CustomResourceDefinition" {
        let outside = body.formulas().into_iter().find(|formula| !formula.at().starts_with(&format!("{metadata_at}.")));
        if let Some(formula) = outside {
            let finding = formula.finding("NotStatic", "in a CustomResourceDefinition only `metadata` can be computed".to_owned());
            findings.push(finding.with_hint("write its schema out"));
        }
    }
    Parts::Object(body)
}

fn reference(raw: &RawNode<'_>, at: &str, strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Option<Parts> {
    unknown_fields(raw.body, &["apiVersion", "kind", "metadata"], at, "`externalRef`", findings);
    let at = path::child(at, "metadata");
    let Some(metadata) = raw.body.get("metadata").and_then(Value::as_object) else {
        findings.push(
            Diagnostic::error("MissingField", at, "`externalRef` has no `metadata`")
                .with_hint("as `metadata: {name: settings}` or `metadata: {selector: {matchLabels: {app: shop}}}`"),
        );
        return None;
    };
    unknown_fields(metadata, &["name", "namespace", "selector"], &at, "`externalRef.metadata`", findings);
    let mut part =
        |key: &str| metadata.get(key).map(|value| body::read(value, &path::child(&at, key), Dialect::Plain, strictness, findings));
    let (name, selector, namespace) = (part("name"), part("selector"), part("namespace"));
    if name.is_some() == selector.is_some() {
        let message = if name.is_some() {
            "`name` and `selector` exclude each other"
        } else {
            "neither `name` nor `selector` says which object is read"
        };
        findings.push(Diagnostic::error("InvalidNode", &at, message).with_hint("give exactly one of them"));
        return None;
    }
    if let Some(selector) = metadata.get("selector") {
        match selector.as_object() {
            Some(fields) => {
                unknown_fields(fields, &["matchLabels", "matchExpressions"], &path::child(&at, "selector"), "a selector", findings)
            }
            None => findings.push(
                Diagnostic::error("WrongType", path::child(&at, "selector"), "a selector must be an object")
                    .with_hint("as `{matchLabels: {app: shop}}`"),
            ),
        }
    }
    Some(Parts::Reference { name, selector, namespace })
}

fn workload(raw: &RawNode<'_>, at: &str, strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Option<Parts> {
    unknown_fields(raw.body, &["replicas", "source", "score"], at, "`workload`", findings);
    let replicas =
        raw.body.get("replicas").map(|value| body::read(value, &path::child(at, "replicas"), Dialect::Plain, strictness, findings));
    let source_at = path::child(at, "source");
    let directory = match raw.body.get("source") {
        None | Some(Value::Null) => None,
        Some(Value::Object(source)) => {
            if source.contains_key("git") {
                let finding =
                    Diagnostic::error("NotSupported", path::child(&source_at, "git"), "a Git repository as source is not supported yet");
                findings.push(finding.with_hint("clone it and name the directory, or give an image"));
            } else {
                unknown_fields(source, &["directory"], &source_at, "`source`", findings);
            }
            source
                .get("directory")
                .map(|value| body::read(value, &path::child(&source_at, "directory"), Dialect::Plain, strictness, findings))
        }
        Some(_) => {
            findings.push(
                Diagnostic::error("WrongType", source_at, "`source` must be an object")
                    .with_hint("as `source: {directory: \"${schema.spec.source}\"}`"),
            );
            None
        }
    };
    let score_at = path::child(at, "score");
    let Some(score) = raw.body.get("score").filter(|score| score.is_object()) else {
        findings.push(
            Diagnostic::error("MissingField", score_at, "the workload has no `score`")
                .with_hint("as `score: {containers: {web: {image: nginx}}}`"),
        );
        return None;
    };
    let score = body::read(score, &score_at, Dialect::Score, strictness, findings);
    Some(Parts::Workload { replicas, directory, score })
}

fn check_namespace(node: &Node, at: &str, published: &PublishedKind, findings: &mut Vec<Diagnostic>) {
    let Parts::Object(body) = &node.parts else { return };
    let namespace = body.get("metadata").and_then(|metadata| metadata.get("namespace"));
    let at = path::child(&path::child(at, "metadata"), "namespace");
    match namespace {
        Some(_) if !node.namespaced => {
            let finding =
                Diagnostic::error("InvalidNode", at, format!("`{}` has no namespace: its objects belong to the whole cluster", node.kind));
            findings.push(finding.with_hint("leave `namespace` out"));
        }
        None if node.namespaced && !published.namespaced => {
            let finding = Diagnostic::error(
                "MissingField",
                at,
                format!("`{}` needs a namespace, and an instance of `{}` has none to give", node.kind, published.kind),
            );
            findings.push(finding.with_hint("name one, or leave `scope: Cluster` out"));
        }
        _ => {}
    }
}

/// Every item of a collection of objects must have a name or namespace of its own.
fn check_iterators(node: &Node, at: &str, findings: &mut Vec<Diagnostic>) {
    let Parts::Object(body) = &node.parts else { return };
    let metadata = body.get("metadata");
    let part = |key: &str| metadata.as_ref().and_then(|metadata| metadata.get(key));
    let identities: Vec<Body> = [part("name"), part("namespace")].into_iter().flatten().collect();
    let used =
        |variable: &str| identities.iter().flat_map(Body::formulas).any(|formula| formula.uses().iter().any(|used| used.root == variable));
    for (variable, _) in &node.for_each {
        if !used(variable) {
            let at = path::child(&path::child(at, "metadata"), "name");
            let finding = Diagnostic::error("SameIdentity", at, format!("`{variable}` is not in the name: all items would be one object"));
            findings.push(finding.with_hint(format!("as `${{schema.metadata.name}}-${{{variable}}}`")));
        }
    }
}
