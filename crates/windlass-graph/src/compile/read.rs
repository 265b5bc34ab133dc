//! Reads a Template object: its fields, its nodes and their blocks, before any expression is looked at.

use crate::identifier;
use crate::path;
use serde_json::{Map, Value};
use windlass_api::plan::Block;
use windlass_api::{Diagnostic, nearest};

/// How many nodes a Template may have.
const MOST_NODES: usize = 500;
/// Blocks of other releases, so that the message does not take them for a typing error.
const PLANNED_BLOCKS: [&str; 7] = ["helm", "terraform", "ansible", "script", "repository", "manual", "http"];

/// Field names of `spec`.
const SPEC: [&str; 9] = ["title", "summary", "owner", "docs", "schema", "sizes", "form", "resources", "policy"];
const KRO_SPEC: [&str; 2] = ["schema", "resources"];
const NODE: [&str; 9] = ["id", "includeWhen", "readyWhen", "forEach", "target", "maxItems", "template", "externalRef", "workload"];
const KRO_NODE: [&str; 6] = ["id", "includeWhen", "readyWhen", "forEach", "template", "externalRef"];

/// A Template as it is written.
#[derive(Debug)]
pub(super) struct Source<'v> {
    /// Whether it is kro's ResourceGraphDefinition.
    pub(super) kro: bool,
    /// Name of the Template.
    pub(super) name: String,
    /// `spec.schema`.
    pub(super) schema: &'v Map<String, Value>,
    /// `spec.sizes`.
    pub(super) sizes: Option<&'v Value>,
    /// `spec.form`.
    pub(super) form: Option<&'v Value>,
    /// `spec`.
    pub(super) spec: &'v Map<String, Value>,
    /// The nodes, in the author's order.
    pub(super) nodes: Vec<RawNode<'v>>,
}

/// A node as it is written.
#[derive(Debug)]
pub(super) struct RawNode<'v> {
    pub(super) id: String,
    /// Path of the node.
    pub(super) at: String,
    pub(super) block: Block,
    /// What stands under the block's key.
    pub(super) body: &'v Map<String, Value>,
    pub(super) include_when: Vec<(String, &'v str)>,
    pub(super) ready_when: Vec<(String, &'v str)>,
    /// Variable, path, expression.
    pub(super) for_each: Vec<(String, String, &'v str)>,
    pub(super) target: Option<&'v Value>,
    pub(super) max_items: Option<u32>,
}

/// Reads a Template. What is found wrong is added to `findings`; `None` where nothing more can be said.
pub(super) fn read<'v>(template: &'v Value, findings: &mut Vec<Diagnostic>) -> Option<Source<'v>> {
    let text = |key: &str| template.get(key).and_then(Value::as_str).unwrap_or_default();
    let kro = match (text("apiVersion"), text("kind")) {
        ("windlass.dev/v1alpha1", "Template") => false,
        ("kro.run/v1alpha1", "ResourceGraphDefinition") => true,
        (version, kind) => {
            let finding = Diagnostic::error("NotATemplate", "kind", format!("`{version}` `{kind}` is no Template"));
            findings.push(finding.with_hint("a Template begins with `apiVersion: windlass.dev/v1alpha1` and `kind: Template`"));
            return None;
        }
    };
    let name = template.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if name.is_empty() {
        findings.push(
            Diagnostic::error("MissingField", "metadata.name", "the Template has no name").with_hint("add `metadata: {name: web-app}`"),
        );
    }
    if let Some(top) = template.as_object() {
        unknown_fields(top, &["apiVersion", "kind", "metadata", "spec", "status"], "", "a Template", findings);
    }
    let Some(spec) = template.get("spec").and_then(Value::as_object) else {
        findings.push(Diagnostic::error("MissingField", "spec", "the Template has no `spec`"));
        return None;
    };
    unknown_fields(spec, if kro { &KRO_SPEC } else { &SPEC }, "spec", "`spec`", findings);
    for key in ["title", "summary", "owner", "docs"] {
        if spec.get(key).is_some_and(|value| !value.is_string()) {
            findings.push(Diagnostic::error("WrongType", path::child("spec", key), format!("`{key}` must be a text")));
        }
    }
    let Some(schema) = spec.get("schema").and_then(Value::as_object) else {
        let finding = Diagnostic::error("MissingField", "spec.schema", "the Template has no `spec.schema`: what can people ask for?");
        findings.push(finding.with_hint("as `schema: {apiVersion: v1alpha1, kind: WebApp, spec: {port: integer}}`"));
        return None;
    };
    let nodes = nodes(spec.get("resources"), kro, spec.contains_key("sizes"), findings);
    Some(Source { kro, name, schema, sizes: spec.get("sizes"), form: spec.get("form"), spec, nodes })
}

/// Refuses fields that nobody knows, each with the nearest known one.
pub(super) fn unknown_fields(fields: &Map<String, Value>, known: &[&str], at: &str, whole: &str, findings: &mut Vec<Diagnostic>) {
    for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
        let hint = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its fields are: {}", known.join(", ")),
        };
        findings.push(Diagnostic::error("UnknownField", path::child(at, key), format!("{whole} has no field `{key}`")).with_hint(hint));
    }
}

fn nodes<'v>(resources: Option<&'v Value>, kro: bool, has_sizes: bool, findings: &mut Vec<Diagnostic>) -> Vec<RawNode<'v>> {
    let items = match resources {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            findings.push(Diagnostic::error("WrongType", "spec.resources", "`spec.resources` must be a list of nodes"));
            return Vec::new();
        }
    };
    if items.len() > MOST_NODES {
        findings.push(Diagnostic::error(
            "TooMany",
            "spec.resources",
            format!("there are {} nodes; at most {MOST_NODES} are possible", items.len()),
        ));
        return Vec::new();
    }
    let mut found: Vec<RawNode<'v>> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = path::item("spec.resources", index);
        let Some(fields) = item.as_object() else {
            findings.push(Diagnostic::error("WrongType", at, "a node must be an object with `id` and a block"));
            continue;
        };
        let Some(node) = node(fields, at, kro, has_sizes, findings) else { continue };
        if let Some(first) = found.iter().find(|known| known.id == node.id) {
            let message = format!("the id `{}` is taken by {}", node.id, first.at);
            findings
                .push(Diagnostic::error("DuplicateId", path::child(&node.at, "id"), message).with_hint("every node has an id of its own"));
            continue;
        }
        found.push(node);
    }
    found
}

fn node<'v>(fields: &'v Map<String, Value>, at: String, kro: bool, has_sizes: bool, findings: &mut Vec<Diagnostic>) -> Option<RawNode<'v>> {
    let known: &[&str] = if kro { &KRO_NODE } else { &NODE };
    for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
        let path = path::child(&at, key);
        findings.push(if PLANNED_BLOCKS.contains(&key.as_str()) && !kro {
            let blocks: Vec<&str> = Block::ALL.iter().map(|block| block.name()).collect();
            let finding = Diagnostic::error("UnknownBlock", path, format!("the block `{key}` is not there yet"));
            finding.with_hint(format!("the blocks are: {}", blocks.join(", ")))
        } else {
            let hint = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its fields are: {}", known.join(", ")),
            };
            Diagnostic::error("UnknownField", path, format!("a node has no field `{key}`")).with_hint(hint)
        });
    }
    let id_at = path::child(&at, "id");
    let Some(id) = fields.get("id").and_then(Value::as_str) else {
        findings.push(
            Diagnostic::error("MissingField", id_at, "the node has no `id`").with_hint("as `id: app`; expressions read it as `${app...}`"),
        );
        return None;
    };
    findings.extend(identifier::check(id, has_sizes, kro, &id_at));
    let (block, body) = block(fields, id, &at, findings)?;
    let for_each = for_each(fields.get("forEach"), &path::child(&at, "forEach"), kro, has_sizes, findings);
    if block == Block::ExternalRef && !for_each.is_empty() {
        let finding = Diagnostic::error("InvalidNode", path::child(&at, "forEach"), "an `externalRef` cannot have `forEach`");
        findings.push(finding.with_hint("read several objects with `metadata.selector`"));
    }
    let max_items = fields.get("maxItems").and_then(|value| {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| (1..=1000).contains(number));
        if number.is_none() {
            findings.push(Diagnostic::error("WrongType", path::child(&at, "maxItems"), "`maxItems` must be a number from 1 to 1000"));
        }
        number
    });
    Some(RawNode {
        id: id.to_owned(),
        block,
        body,
        include_when: texts(fields.get("includeWhen"), &path::child(&at, "includeWhen"), findings),
        ready_when: texts(fields.get("readyWhen"), &path::child(&at, "readyWhen"), findings),
        for_each,
        target: fields.get("target"),
        max_items,
        at,
    })
}

fn block<'v>(
    fields: &'v Map<String, Value>,
    id: &str,
    at: &str,
    findings: &mut Vec<Diagnostic>,
) -> Option<(Block, &'v Map<String, Value>)> {
    let given: Vec<Block> = Block::ALL.into_iter().filter(|block| fields.contains_key(block.name())).collect();
    match given.as_slice() {
        [block] => {
            let at = path::child(at, block.name());
            let body = fields.get(block.name()).and_then(Value::as_object);
            if body.is_none() {
                findings.push(Diagnostic::error("WrongType", at, format!("`{}` must be an object", block.name())));
            }
            body.map(|body| (*block, body))
        }
        [] => {
            let blocks: Vec<&str> = Block::ALL.iter().map(|block| block.name()).collect();
            let finding = Diagnostic::error("MissingBlock", at, format!("the node `{id}` has no block: nothing says what it is"));
            findings.push(finding.with_hint(format!("give it exactly one of: {}", blocks.join(", "))));
            None
        }
        several => {
            let blocks: Vec<&str> = several.iter().map(|block| block.name()).collect();
            let finding = Diagnostic::error("SeveralBlocks", at, format!("the node `{id}` has several blocks: {}", blocks.join(", ")));
            findings.push(finding.with_hint("make each a node of its own"));
            None
        }
    }
}

/// A list of texts, such as `includeWhen`.
fn texts<'v>(value: Option<&'v Value>, at: &str, findings: &mut Vec<Diagnostic>) -> Vec<(String, &'v str)> {
    let items = match value {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            findings.push(
                Diagnostic::error("WrongType", at, "it must be a list of expressions").with_hint("as `[\"${schema.spec.database}\"]`"),
            );
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item.as_str() {
            Some(text) => found.push((path::item(at, index), text)),
            None => findings.push(Diagnostic::error("WrongType", path::item(at, index), "it must be an expression, as `\"${...}\"`")),
        }
    }
    found
}

fn for_each<'v>(
    value: Option<&'v Value>,
    at: &str,
    kro: bool,
    has_sizes: bool,
    findings: &mut Vec<Diagnostic>,
) -> Vec<(String, String, &'v str)> {
    let items = match value {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= 10 => items,
        Some(Value::Array(items)) => {
            findings.push(Diagnostic::error("TooMany", at, format!("`forEach` has {} variables; at most 10 are possible", items.len())));
            return Vec::new();
        }
        Some(_) => {
            findings.push(
                Diagnostic::error("WrongType", at, "`forEach` must be a list").with_hint("as `[{region: \"${schema.spec.regions}\"}]`"),
            );
            return Vec::new();
        }
    };
    let mut found: Vec<(String, String, &'v str)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = path::item(at, index);
        let entry = item.as_object().filter(|entry| entry.len() == 1).and_then(|entry| entry.iter().next());
        let Some((variable, expression)) = entry.and_then(|(variable, value)| Some((variable, value.as_str()?))) else {
            findings.push(
                Diagnostic::error("WrongType", at, "each item of `forEach` is one variable with a list")
                    .with_hint("as `{region: \"${schema.spec.regions}\"}`"),
            );
            continue;
        };
        let at = path::child(&at, variable);
        findings.extend(identifier::check(variable, has_sizes, kro, &at));
        if found.iter().any(|(known, _, _)| known == variable) {
            findings.push(Diagnostic::error("DuplicateId", at, format!("the variable `{variable}` stands here twice")));
            continue;
        }
        found.push((variable.clone(), at, expression));
    }
    found
}
