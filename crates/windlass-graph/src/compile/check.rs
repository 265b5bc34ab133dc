//! Types: what every name is, and whether every expression fits where it stands.

use super::{Schemas, conform};
use crate::expression::{Formula, Names, Strictness, Type, any_type, is_condition, item_of, list_of, type_of_schema, with_secrets};
use crate::graph::{Node, Parts};
use crate::path;
use crate::sizes::{ColumnType, SizeTable};
use serde_json::{Map, Value, json};
use windlass_api::Diagnostic;
use windlass_api::plan::Block;
use windlass_api::planned::{Later, Planned};
use windlass_api::template::PublishedKind;

/// The names of a Template and their types.
#[derive(Debug)]
pub(super) struct Known {
    /// `schema`, `size`, `context`.
    base: Vec<(String, Type)>,
    /// Node ids; a collection is a list.
    nodes: Vec<(String, Type)>,
}

impl Known {
    pub(super) fn new(
        openapi: &Value,
        sizes: Option<&SizeTable>,
        nodes: &[Node],
        schemas: &dyn Schemas,
        published: &PublishedKind,
        strictness: Strictness,
    ) -> Self {
        let mut base = vec![
            ("schema".to_owned(), type_of_schema("schema", &instance_schema(openapi, published))),
            ("context".to_owned(), type_of_schema("context", &context_schema())),
        ];
        base.extend(sizes.map(|table| ("size".to_owned(), type_of_schema("size", &size_schema(table)))));
        let nodes = nodes.iter().map(|node| {
            let single = node_type(node, schemas, strictness);
            (node.id.clone(), if node.is_list() { list_of(single) } else { single })
        });
        Self { base, nodes: nodes.collect() }
    }

    /// Every name that an expression outside `forEach` items can use.
    pub(super) fn all(&self) -> Names {
        Names::new(self.base.iter().chain(&self.nodes).cloned().collect())
    }

    fn of(&self, id: &str) -> Type {
        self.nodes.iter().find(|(name, _)| name == id).map_or_else(any_type, |(_, type_)| type_.clone())
    }
}

/// The instance as expressions see it: without its status.
fn instance_schema(openapi: &Value, published: &PublishedKind) -> Value {
    let mut metadata = metadata_schema();
    if !published.namespaced
        && let Some(properties) = metadata["properties"].as_object_mut()
    {
        properties.remove("namespace");
    }
    json!({"type": "object", "properties": {
        "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata, "spec": openapi,
    }})
}

fn metadata_schema() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": text});
    json!({"type": "object", "properties": {
        "name": text, "namespace": text, "uid": text, "generateName": text, "resourceVersion": text, "selfLink": text,
        "creationTimestamp": {"type": "string", "format": "date-time"}, "deletionTimestamp": {"type": "string", "format": "date-time"},
        "deletionGracePeriodSeconds": {"type": "integer"}, "generation": {"type": "integer"},
        "labels": texts, "annotations": texts, "finalizers": {"type": "array", "items": text},
        "ownerReferences": {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        "managedFields": {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
    }})
}

fn context_schema() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": text});
    json!({"type": "object", "properties": {
        "target": {"type": "object", "properties": {"name": text}},
        "environment": {"type": "object", "properties": {"name": text, "type": text, "labels": texts}},
        "project": {"type": "object", "properties": {"name": text, "labels": texts}},
    }})
}

fn size_schema(table: &SizeTable) -> Value {
    let mut properties = Map::new();
    properties.insert("name".into(), json!({"type": "string"}));
    for (key, type_) in &table.columns {
        let schema = match type_ {
            ColumnType::Quantity | ColumnType::Text | ColumnType::Money => json!({"type": "string"}),
            ColumnType::Integer => json!({"type": "integer"}),
            ColumnType::Number => json!({"type": "number"}),
            ColumnType::Boolean => json!({"type": "boolean"}),
        };
        properties.insert(key.clone(), schema);
    }
    json!({"type": "object", "properties": properties})
}

/// What a workload gives to others.
fn workload_schema() -> Value {
    json!({"type": "object", "properties": {"outputs": {"type": "object", "properties": {
        "url": {"type": "string"}, "address": {"type": "string"},
        "ports": {"type": "object", "additionalProperties": {"type": "integer"}},
    }}}})
}

/// Type of one object or one item.
fn node_type(node: &Node, schemas: &dyn Schemas, strictness: Strictness) -> Type {
    match node.block {
        Block::Workload => type_of_schema(&node.id, &workload_schema()),
        Block::Template | Block::ExternalRef => {
            let Some(entry) = schemas.schema(&node.api_version, &node.kind) else { return any_type() };
            let type_ = type_of_schema(&node.id, &with_metadata(&entry.openapi));
            // With kro secrets are values like others.
            let guarded = node.kind == "Secret" && node.api_version == "v1" && strictness == Strictness::Windlass;
            if guarded { with_secrets(type_, &["data", "stringData"]) } else { type_ }
        }
    }
}

/// The schema with the fields that every object has: CustomResourceDefinitions leave them open or out.
fn with_metadata(openapi: &Value) -> Value {
    let mut schema = openapi.clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let named = properties.get("metadata").is_some_and(|metadata| metadata.get("properties").is_some());
        if !named {
            properties.insert("metadata".into(), metadata_schema());
        }
        for key in ["apiVersion", "kind"] {
            properties.entry(key).or_insert_with(|| json!({"type": "string"}));
        }
    }
    schema
}

/// Checks every expression of every node.
pub(super) fn check(nodes: &mut [Node], known: &Known, schemas: &dyn Schemas, findings: &mut Vec<Diagnostic>) {
    for node in nodes.iter_mut() {
        let outside = known.without(&node.id);
        for formula in &mut node.include_when {
            condition(formula, &outside, "includeWhen", findings);
        }
        let mut inside = outside.clone();
        for (variable, formula) in &mut node.for_each {
            match formula.check(&outside) {
                Ok(type_) => match item_of(&type_) {
                    Some(item) => inside = inside.with(variable, item),
                    None => {
                        let finding = formula.finding("WrongType", format!("`forEach` needs a list, but the expression gives {type_}"));
                        findings.push(finding.with_hint("for a map write `${map.map(key, key)}`"));
                        inside = inside.with(variable, any_type());
                    }
                },
                Err(found) => {
                    findings.extend(found);
                    inside = inside.with(variable, any_type());
                }
            }
        }
        if let Some(target) = &mut node.target {
            target.check(&inside, findings);
        }
        node.parts.bodies_mut().into_iter().for_each(|body| body.check(&inside, findings));
        let own = known.of(&node.id);
        let ready = match item_of(&own).filter(|_| node.is_list()) {
            Some(item) => Names::new(vec![("each".to_owned(), item)]),
            None => Names::new(vec![(node.id.clone(), own)]),
        };
        for formula in &mut node.ready_when {
            condition(formula, &ready, "readyWhen", findings);
        }
        conform_node(node, schemas, findings);
    }
}

impl Known {
    /// Every name but the node's own.
    fn without(&self, id: &str) -> Names {
        Names::new(self.base.iter().chain(self.nodes.iter().filter(|(name, _)| name != id)).cloned().collect())
    }
}

fn condition(formula: &mut Formula, names: &Names, word: &str, findings: &mut Vec<Diagnostic>) {
    match formula.check(names) {
        Ok(type_) if is_condition(&type_) => {}
        Ok(type_) => {
            let finding = formula.finding("WrongType", format!("`{word}` needs true or false, but the expression gives {type_}"));
            findings.push(finding.with_hint("compare it, as `${... == \"x\"}`"));
        }
        Err(mut found) => {
            if word == "readyWhen" {
                for finding in found.iter_mut().filter(|finding| finding.code == "UnknownName") {
                    finding.hint = Some("`readyWhen` sees only the node itself by its id, and `each` in a collection".into());
                }
            }
            findings.extend(found);
        }
    }
}

/// Whether what a node renders fits what it becomes.
fn conform_node(node: &Node, schemas: &dyn Schemas, findings: &mut Vec<Diagnostic>) {
    let at = path::child(&node.path, node.block.name());
    let text = json!({"type": "string"});
    match &node.parts {
        Parts::Object(body) => {
            if let Some(entry) = schemas.schema(&node.api_version, &node.kind) {
                conform::conform(body, &with_metadata(&entry.openapi), &at, findings);
            }
        }
        Parts::Reference { name, selector, namespace } => {
            let at = path::child(&at, "metadata");
            let selectors = json!({"type": "object", "properties": {
                "matchLabels": {"type": "object", "additionalProperties": text},
                "matchExpressions": {"type": "array", "items": {"type": "object", "properties": {
                    "key": text, "operator": text, "values": {"type": "array", "items": text}}}},
            }});
            for (key, part, schema) in [("name", name, &text), ("namespace", namespace, &text), ("selector", selector, &selectors)] {
                if let Some(part) = part {
                    conform::conform(part, schema, &path::child(&at, key), findings);
                }
            }
        }
        Parts::Workload { replicas, directory, score } => {
            if let Some(replicas) = replicas {
                conform::conform(replicas, &json!({"type": "integer"}), &path::child(&at, "replicas"), findings);
            }
            if let Some(directory) = directory {
                conform::conform(directory, &text, &path::child(&path::child(&at, "source"), "directory"), findings);
            }
            let score_at = path::child(&at, "score");
            let before = findings.len();
            conform::conform(score, &windlass_score::openapi(), &score_at, findings);
            if findings.len() == before {
                let document = sketch(score);
                let request = windlass_score::Request {
                    document: &document,
                    place: windlass_score::Place::Template,
                    path: &score_at,
                    name: "instance-node",
                    replicas: Planned::Known(json!(1)),
                    directory: directory.as_ref().map(sketch),
                };
                findings.extend(windlass_score::workload(&request).err().unwrap_or_default());
            }
        }
    }
    if let Some(target) = &node.target {
        conform::conform(target, &text, &path::child(&node.path, "target"), findings);
    }
}

/// A tree with a later value in place of every text with expressions.
fn sketch(body: &crate::body::Body) -> Planned {
    use crate::body::Body;
    match body {
        Body::Fixed(value) => Planned::Known(value.clone()),
        Body::Text(_) => Planned::Later(Later::default()),
        Body::List(items) => Planned::list(items.iter().map(sketch).collect()),
        Body::Object(fields) => Planned::map(fields.iter().map(|(key, field)| (key.clone(), sketch(field))).collect()),
    }
}
