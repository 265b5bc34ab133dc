//! From JSON to [`Schema`]: follows references inside one document, keeps what matters, forgets descriptions.
//!
//! Never fails: what is not understood allows anything, because definitions are judged elsewhere ([`super::check`]).
//! Start with [`component`] and [`custom_resource`].

use super::{Additional, JsonType, ListType, MAX_DEPTH, Node, NodeId, PatchStrategy, Rules, Schema, meta, regular_expression};
use indexmap::IndexMap;
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// The component that stands for any JSON, owned as one value.
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

struct Parser<'a> {
    components: Option<&'a Map<String, Value>>,
    nodes: Vec<Node>,
    named: HashMap<&'a str, NodeId>,
    meta: Option<NodeId>,
    /// Nodes that stand for another one, whose content they get at the end.
    aliases: Vec<(NodeId, NodeId)>,
}

/// Parses component `name` and what it refers to.
pub(super) fn component(components: &Map<String, Value>, name: &str) -> Option<Schema> {
    let (name, _) = components.get_key_value(name)?;
    let mut parser = Parser::new(Some(components));
    let root = parser.named(name, 0);
    Some(parser.finish(root))
}

/// Parses a custom resource's schema; the root gets type and object meta.
pub(super) fn custom_resource(openapi: &Value) -> Schema {
    let mut parser = Parser::new(None);
    let root = parser.schema(openapi, 0);
    parser.nodes[root.0 as usize].json_type = Some(JsonType::Object);
    parser.embed(root);
    parser.finish(root)
}

/// The schema of `metadata` alone.
pub(super) fn object_meta() -> Schema {
    let mut parser = Parser::new(None);
    let root = parser.object_meta();
    parser.finish(root)
}

impl<'a> Parser<'a> {
    fn new(components: Option<&'a Map<String, Value>>) -> Self {
        Self { components, nodes: Vec::new(), named: HashMap::new(), meta: None, aliases: Vec::new() }
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    fn named(&mut self, name: &'a str, depth: usize) -> NodeId {
        if let Some(id) = self.named.get(name) {
            return *id;
        }
        let id = self.add(Node::default());
        self.named.insert(name, id);
        let Some(schema) = self.components.and_then(|components| components.get(name)) else { return id };
        if let Some(target) = reference(schema) {
            let target = self.named(target, depth + 1);
            self.aliases.push((id, target));
        } else {
            let mut node = self.content(schema, depth + 1);
            node.component = Some(name.into());
            node.opaque |= name == RAW_EXTENSION;
            // Types that decode themselves in Go (JSON, FieldsV1, ...): any content.
            let bare = node.properties.is_empty() && node.additional == Additional::Unsaid && node.items.is_none();
            node.preserve_unknown |= bare && matches!(node.json_type, None | Some(JsonType::Object));
            self.nodes[id.0 as usize] = node;
        }
        id
    }

    fn schema(&mut self, schema: &'a Value, depth: usize) -> NodeId {
        if depth > MAX_DEPTH {
            return self.add(Node { preserve_unknown: true, ..Node::default() });
        }
        if let Some(name) = reference(schema) {
            let target = self.named(name, depth + 1);
            let node = own_words(schema);
            if node.default.is_none() && node.patch == PatchStrategy::default() && !node.nullable && !node.atomic_map {
                return target;
            }
            let id = self.add(node);
            self.aliases.push((id, target));
            return id;
        }
        // Reserved first, so that a parent stands before its children.
        let id = self.add(Node::default());
        let node = self.content(schema, depth);
        let embedded = node.embedded_resource;
        self.nodes[id.0 as usize] = node;
        if embedded {
            self.embed(id);
        }
        id
    }

    fn content(&mut self, schema: &'a Value, depth: usize) -> Node {
        let mut node = own_words(schema);
        if let Some(properties) = schema["properties"].as_object() {
            node.properties = properties.iter().map(|(key, value)| (key.clone(), self.schema(value, depth + 1))).collect();
        }
        node.additional = match &schema["additionalProperties"] {
            Value::Bool(true) => Additional::Any,
            Value::Bool(false) => Additional::Nothing,
            value @ Value::Object(_) => Additional::Schema(self.schema(value, depth + 1)),
            _ => Additional::Unsaid,
        };
        if schema["items"].is_object() {
            node.items = Some(self.schema(&schema["items"], depth + 1));
        }
        let rules = self.rules(schema, depth);
        node.rules = (!rules.is_empty()).then(|| Box::new(rules));
        node
    }

    fn rules(&mut self, schema: &'a Value, depth: usize) -> Rules {
        let number = |key: &str| -> Option<Number> { schema[key].as_number().cloned() };
        let count = |key: &str| schema[key].as_u64();
        let pattern = schema["pattern"].as_str().filter(|pattern| !pattern.is_empty()).map(str::to_owned);
        Rules {
            allowed: schema["enum"].as_array().cloned().unwrap_or_default(),
            minimum: number("minimum"),
            exclusive_minimum: schema["exclusiveMinimum"] == true,
            maximum: number("maximum"),
            exclusive_maximum: schema["exclusiveMaximum"] == true,
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            expression: pattern.as_deref().and_then(|pattern| regular_expression::compile(pattern).ok()),
            pattern,
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: schema["uniqueItems"] == true,
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            required: texts(&schema["required"]),
            all_of: self.list(&schema["allOf"], depth),
            any_of: self.list(&schema["anyOf"], depth),
            one_of: self.list(&schema["oneOf"], depth),
            not: schema["not"].is_object().then(|| self.schema(&schema["not"], depth + 1)),
        }
    }

    fn list(&mut self, schemas: &'a Value, depth: usize) -> Vec<NodeId> {
        schemas.as_array().into_iter().flatten().map(|schema| self.schema(schema, depth + 1)).collect()
    }

    /// Gives a node the fields that every resource has.
    fn embed(&mut self, id: NodeId) {
        let text = |parser: &mut Self| parser.add(Node { json_type: Some(JsonType::String), ..Node::default() });
        for key in ["apiVersion", "kind"] {
            if !self.nodes[id.0 as usize].properties.contains_key(key) {
                let field = text(self);
                self.nodes[id.0 as usize].properties.insert(key.to_owned(), field);
            }
        }
        let meta = self.object_meta();
        let node = &mut self.nodes[id.0 as usize];
        node.embedded_resource = true;
        let Some(restricted) = node.properties.insert("metadata".to_owned(), meta) else { return };
        // A definition may restrict name and generateName: what it says is demanded on top.
        let Node { properties, .. } = self.nodes[restricted.0 as usize].clone();
        let mut own = self.nodes[meta.0 as usize].clone();
        for (key, rule) in properties.iter().filter(|(key, _)| *key == "name" || *key == "generateName") {
            self.nodes[rule.0 as usize].nullable = true;
            own.properties.insert(key.clone(), *rule);
        }
        let own = self.add(own);
        self.nodes[id.0 as usize].properties.insert("metadata".to_owned(), own);
    }

    fn object_meta(&mut self) -> NodeId {
        if let Some(id) = self.meta {
            return id;
        }
        let source = meta::schema();
        let parsed = {
            let mut parser = Parser::new(None);
            let root = parser.schema(source, 0);
            parser.finish(root)
        };
        let offset = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let moved = |id: NodeId| NodeId(id.0 + offset);
        let root = moved(parsed.root);
        self.nodes.extend(parsed.nodes.into_iter().map(|mut node| {
            node.nullable = true;
            node.properties.values_mut().for_each(|id| *id = moved(*id));
            node.items = node.items.map(moved);
            if let Additional::Schema(id) = node.additional {
                node.additional = Additional::Schema(moved(id));
            }
            node
        }));
        self.meta = Some(root);
        root
    }

    fn finish(mut self, root: NodeId) -> Schema {
        let targets: HashMap<NodeId, NodeId> = self.aliases.iter().copied().collect();
        for (id, first) in std::mem::take(&mut self.aliases) {
            let mut target = first;
            let mut steps = 0;
            while let Some(next) = targets.get(&target).filter(|_| steps < MAX_DEPTH) {
                target = *next;
                steps += 1;
            }
            let own = std::mem::take(&mut self.nodes[id.0 as usize]);
            self.nodes[id.0 as usize] = overlay(self.nodes[target.0 as usize].clone(), own);
        }
        Schema { nodes: self.nodes, root }
    }
}

/// What an alias says itself wins over what it stands for.
fn overlay(target: Node, own: Node) -> Node {
    Node {
        default: own.default.or(target.default),
        nullable: own.nullable || target.nullable,
        atomic_map: own.atomic_map || target.atomic_map,
        patch: if own.patch == PatchStrategy::default() { target.patch } else { own.patch },
        list_type: if own.list_type == ListType::Unsaid { target.list_type } else { own.list_type },
        ..target
    }
}

/// What a schema says without its children.
fn own_words(schema: &Value) -> Node {
    let flag = |key: &str| schema[key] == true;
    Node {
        component: None,
        json_type: schema["type"].as_str().and_then(JsonType::from_name),
        format: schema["format"].as_str().map(Into::into),
        nullable: flag("nullable"),
        int_or_string: flag("x-kubernetes-int-or-string"),
        preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
        embedded_resource: flag("x-kubernetes-embedded-resource"),
        opaque: false,
        default: schema.get("default").filter(|default| !default.is_null()).cloned(),
        properties: IndexMap::new(),
        additional: Additional::Unsaid,
        items: None,
        list_type: match schema["x-kubernetes-list-type"].as_str() {
            Some("atomic") => ListType::Atomic,
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(texts(&schema["x-kubernetes-list-map-keys"])),
            _ => ListType::Unsaid,
        },
        atomic_map: schema["x-kubernetes-map-type"] == "atomic",
        patch: patch_strategy(schema),
        rules: None,
    }
}

fn patch_strategy(schema: &Value) -> PatchStrategy {
    let mut strategy =
        PatchStrategy { merge_key: schema["x-kubernetes-patch-merge-key"].as_str().map(str::to_owned), ..PatchStrategy::default() };
    for word in schema["x-kubernetes-patch-strategy"].as_str().into_iter().flat_map(|words| words.split(',')) {
        match word {
            "merge" => strategy.merge = true,
            "retainKeys" => strategy.retain_keys = true,
            "replace" => strategy.replace = true,
            _ => {}
        }
    }
    strategy
}

/// The component that a schema stands for: a plain reference, or the only member of `allOf` as Kubernetes writes it
/// where a default accompanies the reference.
fn reference(schema: &Value) -> Option<&str> {
    let of = |schema: &'_ Value| -> Option<usize> { schema["$ref"].as_str().and_then(|path| path.rfind('/')).map(|at| at + 1) };
    if let Some(at) = of(schema) {
        return schema["$ref"].as_str().map(|path| &path[at..]);
    }
    let [only] = schema["allOf"].as_array()?.as_slice() else { return None };
    let at = of(only)?;
    only["$ref"].as_str().map(|path| &path[at..])
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
