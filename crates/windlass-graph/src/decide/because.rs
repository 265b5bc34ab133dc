//! Where a changed value comes from, in words that people know: `size M`, `spec.port`, the place in the Template.

use crate::body::Body;
use crate::graph::{Graph, Node, Parts};
use crate::path::{self, Step};
use windlass_api::plan::FieldChange;

/// Fills in the cause of every change that has none yet.
pub(super) fn explain(changes: &mut [FieldChange], graph: &Graph, node: &Node, size: Option<&str>) {
    for change in changes.iter_mut().filter(|change| change.because.is_empty() && change.after.is_some()) {
        let steps: Vec<Step> = path::steps(&change.path).into_iter().map(|(step, _)| step).collect();
        let Some((body, place)) = origin(node, &steps) else { continue };
        let found = body.formulas().into_iter().flat_map(|formula| formula.uses());
        let mut because: Vec<String> = Vec::new();
        for used in found {
            let cause = match used.root.as_str() {
                "size" => size.map(|size| format!("size {size}")),
                "schema" => Some(used.path.join(".")).filter(|path| !path.is_empty()),
                root if graph.nodes.iter().any(|other| other.id == root) => {
                    Some(std::iter::once(root).chain(used.path.iter().map(String::as_str)).collect::<Vec<_>>().join("."))
                }
                "context" => Some(format!("context.{}", used.path.join("."))),
                _ => None,
            };
            because.extend(cause.filter(|cause| !because.contains(cause)));
        }
        if because.is_empty() {
            because.push(format!("template {place}"));
        }
        change.because = because;
    }
}

/// The part of the Template that a path of the rendered node comes from, and its place.
fn origin(node: &Node, steps: &[Step]) -> Option<(Body, String)> {
    let at = path::child(&node.path, node.block.name());
    let named: Vec<&str> = steps.iter().map(|step| if let Step::Field(key) = step { key.as_str() } else { "" }).collect();
    let (body, inner, root): (&Body, Vec<Step>, String) = match (&node.parts, named.as_slice()) {
        (Parts::Object(body), _) => (body, steps.to_vec(), at),
        (Parts::Workload { replicas, .. }, ["replicas", ..]) => (replicas.as_ref()?, Vec::new(), path::child(&at, "replicas")),
        (Parts::Workload { directory, .. }, ["directory", ..]) => {
            (directory.as_ref()?, Vec::new(), path::child(&path::child(&at, "source"), "directory"))
        }
        (Parts::Workload { score, .. }, _) => (score, score_steps(steps), path::child(&at, "score")),
        (Parts::Reference { .. }, _) => return None,
    };
    let exists = exists(body, &inner);
    let place = inner.iter().fold(root, |place, step| match step {
        Step::Field(key) => path::child(&place, key),
        Step::Item(index) => path::item(&place, *index),
    });
    exists.then(|| (body.nearest(&inner), place))
}

/// Whether the Template says anything at these steps.
fn exists(body: &Body, steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    match (body, step) {
        (Body::Text(_), _) => true,
        (_, Step::Field(key)) => body.get(key).is_some_and(|below| exists(&below, rest)),
        (Body::List(items), Step::Item(index)) => items.get(*index).is_some_and(|below| exists(below, rest)),
        (Body::Fixed(value), Step::Item(index)) => value.get(*index).is_some_and(|below| exists(&Body::Fixed(below.clone()), rest)),
        (Body::Object(_), Step::Item(_)) => false,
    }
}

/// The steps in the Score document that a workload's field comes from.
fn score_steps(steps: &[Step]) -> Vec<Step> {
    let field = |name: &str| Step::Field(name.to_owned());
    let mut found = Vec::new();
    match steps {
        [Step::Field(first), name, Step::Field(third), rest @ ..]
            if first == "containers" && (third == "limits" || third == "requests") =>
        {
            found.extend([field("containers"), name.clone(), field("resources"), field(third)]);
            found.extend(rest.iter().cloned());
        }
        [Step::Field(first), rest @ ..] if first == "ports" => {
            found.extend([field("service"), field("ports")]);
            found.extend(rest.iter().cloned());
        }
        [Step::Field(first), name, rest @ ..] if first == "routes" => {
            found.extend([field("resources"), name.clone(), field("params")]);
            found.extend(rest.iter().cloned());
        }
        other => found.extend(other.iter().cloned()),
    }
    found
}
