//! The compiled Template: typed nodes in order, and what it publishes.

use crate::body::Body;
use crate::expression::{Formula, Strictness, Use};
use crate::order::Order;
use crate::sizes::{Size, SizeTable};
use serde_json::Value;
use std::collections::BTreeSet;
use windlass_api::plan::Block;
use windlass_api::target::{CONTROL_PLANE, LOCAL};
use windlass_api::template::{PublishedKind, TemplateSpec};

/// A compiled Template.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) name: String,
    pub(crate) strictness: Strictness,
    pub(crate) published: PublishedKind,
    pub(crate) openapi: Value,
    pub(crate) definition: Value,
    pub(crate) sizes: Option<SizeTable>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) order: Order,
    /// Rules over several fields of the instance, each with its message.
    pub(crate) rules: Vec<(Formula, String)>,
    pub(crate) status: Vec<StatusField>,
    pub(crate) conditions: Vec<Formula>,
    pub(crate) spec: Option<TemplateSpec>,
}

/// A status field of the Template's author.
#[derive(Clone, Debug)]
pub(crate) struct StatusField {
    /// Keys from `status` to the value.
    pub(crate) keys: Vec<String>,
    /// Its value: a text, or a list of texts.
    pub(crate) body: Body,
}

/// A node of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Which building block.
    pub block: Block,
    /// Path in the Template, as `spec.resources[1]`.
    pub path: String,
    /// apiVersion of the object that it makes or reads; empty for other blocks.
    pub api_version: String,
    /// Kind of the object that it makes or reads; empty for other blocks.
    pub kind: String,
    /// Ids of nodes that must be there.
    pub needs: Vec<String>,
    /// Ids of nodes that are waited for, but may be skipped.
    pub waits_for: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) include_when: Vec<Formula>,
    pub(crate) ready_when: Vec<Formula>,
    pub(crate) for_each: Vec<(String, Formula)>,
    pub(crate) target: Option<Body>,
    pub(crate) max_items: Option<u32>,
    pub(crate) parts: Parts,
    pub(crate) hard: BTreeSet<usize>,
    pub(crate) soft: BTreeSet<usize>,
    /// What other expressions read of it, as keys below its variable.
    pub(crate) read: Vec<Vec<String>>,
}

/// What stands under a node's block.
#[derive(Clone, Debug)]
pub(crate) enum Parts {
    /// The object.
    Object(Body),
    /// The reference: name or selector, namespace.
    Reference { name: Option<Body>, selector: Option<Body>, namespace: Option<Body> },
    /// A workload.
    Workload { replicas: Option<Body>, directory: Option<Body>, score: Body },
}

impl Parts {
    /// The trees of expressions in it.
    pub(crate) fn bodies(&self) -> Vec<&Body> {
        match self {
            Self::Object(body) => vec![body],
            Self::Reference { name, selector, namespace } => [name, selector, namespace].into_iter().flatten().collect(),
            Self::Workload { replicas, directory, score } => {
                [replicas.as_ref(), directory.as_ref(), Some(score)].into_iter().flatten().collect()
            }
        }
    }

    /// The trees of expressions in it, to be checked.
    pub(crate) fn bodies_mut(&mut self) -> Vec<&mut Body> {
        match self {
            Self::Object(body) => vec![body],
            Self::Reference { name, selector, namespace } => [name, selector, namespace].into_iter().flatten().collect(),
            Self::Workload { replicas, directory, score } => {
                [replicas.as_mut(), directory.as_mut(), Some(score)].into_iter().flatten().collect()
            }
        }
    }
}

impl Node {
    /// Whether it makes several items.
    pub fn is_collection(&self) -> bool {
        !self.for_each.is_empty()
    }

    /// Whether its variable is a list.
    pub(crate) fn is_list(&self) -> bool {
        self.is_collection() || matches!(&self.parts, Parts::Reference { selector: Some(_), .. })
    }

    /// Where it goes if nothing else is said.
    pub(crate) fn default_target(&self) -> &'static str {
        match self.block {
            Block::Template | Block::ExternalRef => CONTROL_PLANE,
            Block::Workload => LOCAL,
        }
    }

    /// Every expression outside `readyWhen`.
    pub(crate) fn formulas(&self) -> Vec<&Formula> {
        let mut found: Vec<&Formula> = self.include_when.iter().chain(self.for_each.iter().map(|(_, formula)| formula)).collect();
        found.extend(self.target.iter().flat_map(Body::formulas));
        found.extend(self.parts.bodies().into_iter().flat_map(Body::formulas));
        found
    }

    /// The expressions of a node with the names that they use.
    pub(crate) fn uses(&self) -> impl Iterator<Item = &Use> {
        self.formulas().into_iter().flat_map(|formula| formula.uses())
    }
}

impl Graph {
    /// Name of the Template.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind that it publishes.
    pub fn published(&self) -> &PublishedKind {
        &self.published
    }

    /// The CustomResourceDefinition of that kind.
    pub fn definition(&self) -> Value {
        self.definition.clone()
    }

    /// The OpenAPI schema of an instance's `spec`, the field `size` included.
    pub fn openapi(&self) -> Value {
        self.openapi.clone()
    }

    /// The sizes, in the author's order; none where the Template has no table.
    pub fn sizes(&self) -> &[Size] {
        self.sizes.as_ref().map(|table| table.sizes.as_slice()).unwrap_or_default()
    }

    /// The size taken where an instance names none.
    pub fn default_size(&self) -> Option<&str> {
        self.sizes.as_ref().map(|table| table.default.as_str())
    }

    /// The nodes, in the author's order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Node ids in the order in which they are made.
    pub fn order(&self) -> Vec<String> {
        self.order.sequence.iter().filter_map(|index| self.nodes.get(*index)).map(|node| node.id.clone()).collect()
    }

    /// apiVersion and kind of every object that it makes or reads.
    pub fn kinds_used(&self) -> Vec<(String, String)> {
        let mut kinds = self.kinds_made();
        kinds.extend(self.kinds_read());
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// apiVersion and kind of every object that it makes.
    pub fn kinds_made(&self) -> Vec<(String, String)> {
        self.kinds_of(Block::Template)
    }

    /// apiVersion and kind of every object that it only reads.
    pub fn kinds_read(&self) -> Vec<(String, String)> {
        self.kinds_of(Block::ExternalRef)
    }

    fn kinds_of(&self, block: Block) -> Vec<(String, String)> {
        let mut kinds: Vec<(String, String)> =
            self.nodes.iter().filter(|node| node.block == block).map(|node| (node.api_version.clone(), node.kind.clone())).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// The Template's spec; `None` for kro's ResourceGraphDefinition.
    pub fn template_spec(&self) -> Option<&TemplateSpec> {
        self.spec.as_ref()
    }
}
