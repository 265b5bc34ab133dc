//! Templates that use kinds of other Templates. No instance may make another of its own kind, at any remove: it would never end.
//!
//! A condition that ends such a chain is not looked at; what it reads may change at any time. Start with [`endless`].

use crate::graph::{Graph, Node};
use std::collections::{BTreeMap, VecDeque};
use windlass_api::Diagnostic;
use windlass_api::plan::Block;
use windlass_api::template::PublishedKind;

/// What such a finding is called.
pub const CODE: &str = "TemplateCycle";

/// Group and kind: versions of a kind are the same objects.
pub type GroupKind = (String, String);

/// What is wrong with a Template whose instances would make each other without end. `makes` says which kinds the instances
/// of a kind make, where another Template publishes it.
pub fn endless(graph: &Graph, makes: impl Fn(&GroupKind) -> Vec<GroupKind>) -> Option<Diagnostic> {
    between(graph.published(), graph.nodes(), makes)
}

/// As [`endless`], of a Template that is being compiled.
pub(crate) fn between(published: &PublishedKind, nodes: &[Node], makes: impl Fn(&GroupKind) -> Vec<GroupKind>) -> Option<Diagnostic> {
    let own = (published.group.clone(), published.kind.clone());
    let (node, way) = made(nodes).find_map(|node| Some((node, way(&of_node(node), &own, &makes)?)))?;
    let kinds: Vec<&str> = std::iter::once(&own).chain(&way).map(|(_, kind)| kind.as_str()).collect();
    let message = format!("an instance of `{}` would make another of its own kind, and so without end: {}", own.1, kinds.join(" → "));
    let hint = "take this resource out, or let one of these Templates read the other's object with `externalRef`";
    Some(Diagnostic::error(CODE, format!("{}.template", node.path), message).with_hint(hint))
}

fn made(nodes: &[Node]) -> impl Iterator<Item = &Node> {
    nodes.iter().filter(|node| node.block == Block::Template)
}

/// Group and kind of what a node makes or reads.
fn of_node(node: &Node) -> GroupKind {
    let group = node.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (group.to_owned(), node.kind.clone())
}

impl Graph {
    /// Group and kind of every object that it makes.
    pub fn makes(&self) -> Vec<GroupKind> {
        made(self.nodes()).map(of_node).collect()
    }
}

/// The shortest way from one kind to another, both ends named.
fn way(from: &GroupKind, to: &GroupKind, makes: impl Fn(&GroupKind) -> Vec<GroupKind>) -> Option<Vec<GroupKind>> {
    let mut came_from: BTreeMap<GroupKind, Option<GroupKind>> = BTreeMap::from([(from.clone(), None)]);
    let mut next = VecDeque::from([from.clone()]);
    while let Some(kind) = next.pop_front() {
        if kind == *to {
            let mut way: Vec<GroupKind> = std::iter::successors(Some(kind), |kind| came_from.get(kind)?.clone()).collect();
            way.reverse();
            return Some(way);
        }
        for made in makes(&kind) {
            if !came_from.contains_key(&made) {
                came_from.insert(made.clone(), Some(kind.clone()));
                next.push_back(made);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{NoSchemas, compile};
    use serde_json::{Value, json};

    fn template(kind: &str, makes: &[&str]) -> Value {
        let resources: Vec<Value> = makes
            .iter()
            .enumerate()
            .map(|(index, made)| {
                let name = format!("${{schema.metadata.name}}-{index}");
                json!({"id": format!("r{index}"), "template": {"apiVersion": "platform.windlass.dev/v1alpha1", "kind": made, "metadata": {"name": name}}})
            })
            .collect();
        json!({"apiVersion": "windlass.dev/v1alpha1", "kind": "Template", "metadata": {"name": kind.to_lowercase()},
            "spec": {"schema": {"apiVersion": "v1alpha1", "kind": kind, "spec": {"text": "string"}}, "resources": resources}})
    }

    /// What is said of a Template `App` beside others, of which each is a kind and what it makes.
    fn said(app: &[&str], others: &[(&str, &[&str])]) -> Option<String> {
        let graph = compile(&template("App", app), &NoSchemas).expect("it compiles").graph;
        let named = |kind: &str| ("platform.windlass.dev".to_owned(), kind.to_owned());
        let makes = |kind: &GroupKind| {
            let found = others.iter().filter(|(name, _)| named(name) == *kind);
            found.flat_map(|(_, made)| made.iter().map(|made| named(made))).collect()
        };
        endless(&graph, makes).map(|found| format!("{}: {}", found.path, found.message))
    }

    #[test]
    fn a_chain_that_comes_back_is_found_and_named() {
        let others: &[(&str, &[&str])] = &[("Db", &["Disk", "Cache"]), ("Cache", &["App"]), ("Disk", &[])];
        let expected = "spec.resources[1].template: an instance of `App` would make another of its own kind, and so without end: App → Db → Cache → App";
        assert_eq!(said(&["Disk", "Db"], others).as_deref(), Some(expected));
    }

    #[test]
    fn a_chain_that_ends_is_fine_even_where_others_go_round() {
        let others: &[(&str, &[&str])] = &[("Db", &["Disk"]), ("Disk", &[]), ("Ring", &["Round"]), ("Round", &["Ring"])];
        assert_eq!(said(&["Db", "Disk", "Ring"], others), None);
        assert_eq!(said(&[], others), None);
    }

    #[test]
    fn its_own_kind_is_refused_without_knowing_any_other_template() {
        let refused = compile(&template("App", &["App"]), &NoSchemas).expect_err("it never ends");
        assert_eq!(refused.iter().map(|found| found.code.as_str()).collect::<Vec<_>>(), ["TemplateCycle"]);
    }

    #[test]
    fn the_same_kind_of_another_group_is_another_kind() {
        let mut other = template("App", &["App"]);
        other["spec"]["resources"][0]["template"]["apiVersion"] = json!("apps.example.com/v1");
        compile(&other, &NoSchemas).expect("it ends");
    }
}
