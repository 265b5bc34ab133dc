//! Which node depends on which: found in the expressions, never declared.

use crate::expression::{Strictness, Use};
use crate::graph::Node;
use crate::order::{Order, order};
use std::collections::{BTreeMap, BTreeSet};
use windlass_api::Diagnostic;

/// Finds the dependencies and the order; a ring is said with its nodes.
pub(super) fn link(nodes: &mut [Node], strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Option<Order> {
    let places: BTreeMap<String, usize> = nodes.iter().enumerate().map(|(index, node)| (node.id.clone(), index)).collect();
    let mut names: Vec<(BTreeSet<usize>, BTreeSet<usize>)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let (mut hard, mut soft) = (BTreeSet::new(), BTreeSet::new());
        for used in node.uses() {
            let Some(place) = places.get(&used.root).filter(|_| !node.for_each.iter().any(|(variable, _)| *variable == used.root)) else {
                continue;
            };
            if *place == index {
                findings.push(itself(node));
                continue;
            }
            // With kro a skipped node takes every node with it that mentions it, optionally or not.
            if used.optional && strictness == Strictness::Windlass {
                soft.insert(*place)
            } else {
                hard.insert(*place)
            };
        }
        soft.retain(|place| !hard.contains(place));
        names.push((hard, soft));
    }
    let ids: Vec<String> = nodes.iter().map(|node| node.id.clone()).collect();
    let named = |places: &BTreeSet<usize>| places.iter().filter_map(|place| ids.get(*place).cloned()).collect::<Vec<_>>();
    for (node, (hard, soft)) in nodes.iter_mut().zip(names) {
        node.needs = named(&hard);
        node.waits_for = named(&soft);
        node.hard = hard;
        node.soft = soft;
    }
    let all: Vec<BTreeSet<usize>> = nodes.iter().map(|node| node.hard.union(&node.soft).copied().collect()).collect();
    match order(&all) {
        Ok(order) => Some(order),
        Err(ring) => {
            let path = ring.first().and_then(|first| nodes.get(*first)).map(|node| node.path.clone()).unwrap_or_default();
            let names: Vec<&str> = ring.iter().filter_map(|index| nodes.get(*index)).map(|node| node.id.as_str()).collect();
            let finding = Diagnostic::error("Cycle", path, format!("nodes need each other in a ring: {}", names.join(" -> ")));
            findings.push(
                finding.with_hint("take one of these references out: a value that both need belongs into the schema or into a third node"),
            );
            None
        }
    }
}

fn itself(node: &Node) -> Diagnostic {
    let own = node.formulas().into_iter().find(|formula| formula.uses().iter().any(|used| used.root == node.id));
    let message = format!("the node `{}` refers to itself", node.id);
    let finding = match own {
        Some(formula) => formula.finding("Cycle", message),
        None => Diagnostic::error("Cycle", node.path.clone(), message),
    };
    finding.with_hint("only `readyWhen` can read the node itself")
}

/// Notes on each node what others read of it, so that a plan can say which of its values come later.
pub(super) fn note_reads(nodes: &mut [Node], status: &super::status::Status) {
    let mut read: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    let mut note = |used: &Use| {
        read.entry(used.root.clone()).or_default().insert(used.path.clone());
    };
    nodes.iter().for_each(|node| node.uses().for_each(&mut note));
    status.formulas().into_iter().flat_map(|formula| formula.uses()).for_each(&mut note);
    for node in nodes {
        node.read = read.remove(&node.id).unwrap_or_default().into_iter().collect();
    }
}
