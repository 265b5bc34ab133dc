//! Whether a plan keeps what another one promised. What people approved bounds what is done: execution may only refine it.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use windlass_api::plan::{Action, EffectPlan, Envelope, NodePlan, Plan};

/// Where a plan goes beyond the approved one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Node key.
    pub key: String,
    /// One sentence.
    pub message: String,
}

/// sha256 in hex over actions, identities, rendered fields and fingerprints. Staleness keys, uids, causes and details for
/// people do not count.
pub fn hash(plan: &Plan) -> String {
    let nodes: Vec<Value> = plan
        .nodes
        .iter()
        .map(|node| {
            let effects: Vec<Value> = node.effects.iter().map(|effect| json!([effect.key, effect.action, effect.identity])).collect();
            json!([node.key, node.block, node.target, node.action, node.desired, effects, node.envelope])
        })
        .collect();
    let instance = &plan.instance;
    let whole = json!([instance.api_version, instance.kind, instance.namespace, instance.name, nodes]);
    let digest = Sha256::digest(sorted(&whole).to_string().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value with the keys of every object in order, so that equal values are equal texts.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let ordered: BTreeMap<&String, &Value> = fields.iter().collect();
            Value::Object(ordered.into_iter().map(|(key, field)| (key.clone(), sorted(field))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}

/// Whether all that `next` would do was promised by `approved`: the same actions on the same things, known fields equal,
/// deferred nodes inside their envelope. Doing less is always allowed.
///
/// # Errors
/// Every difference, by node.
pub fn refines(approved: &Plan, next: &Plan) -> Result<(), Vec<Difference>> {
    let mut differences = Vec::new();
    let promised: BTreeMap<&str, &NodePlan> = approved.nodes.iter().map(|node| (node.key.as_str(), node)).collect();
    let mut used: BTreeMap<&str, u32> = BTreeMap::new();
    for node in next.nodes.iter().filter(|node| acts(node)) {
        let same = promised.get(node.key.as_str()).copied();
        let envelope_of = |node: &NodePlan| -> Option<&NodePlan> {
            approved.nodes.iter().find(|known| known.action == Action::Deferred && known.node == node.node)
        };
        match same {
            Some(known) if known.action != Action::Deferred => compare(known, node, &mut differences),
            Some(_) | None => match envelope_of(node) {
                Some(known) => {
                    let count = used.entry(known.key.as_str()).or_default();
                    *count += 1;
                    inside(known, node, *count, &mut differences);
                }
                None => differences.push(difference(node, format!("{} was not in the plan", said(node)))),
            },
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

/// Whether a node does anything, also where only some of its effects do.
fn acts(node: &NodePlan) -> bool {
    node.action.changes() || node.effects.iter().any(|effect| effect.action.changes())
}

fn said(node: &NodePlan) -> String {
    format!("to {} it", node.action.word())
}

fn difference(node: &NodePlan, message: String) -> Difference {
    Difference { key: node.key.clone(), message: format!("{}: {message}", node.key) }
}

fn compare(promised: &NodePlan, node: &NodePlan, differences: &mut Vec<Difference>) {
    if node.action == Action::Deferred {
        differences.push(difference(node, format!("what is done was to {}, and is now only known later", promised.action.word())));
        return;
    }
    if promised.block != node.block || promised.target != node.target {
        differences.push(difference(node, format!("it was planned for the target `{}`, not `{}`", promised.target, node.target)));
        return;
    }
    for effect in node.effects.iter().filter(|effect| effect.action.changes()) {
        match promised.effects.iter().find(|known| known.key == effect.key) {
            None => differences.push(difference(node, format!("{} was not in the plan: {}", effect.identity, effect.action.word()))),
            Some(known) => differences.extend(effect_difference(known, effect).map(|message| difference(node, message))),
        }
    }
    if node.effects.is_empty() && !allows(promised.action, node.action) {
        differences.push(difference(node, format!("the plan was to {}, not to {}", promised.action.word(), node.action.word())));
    }
    if node.action != Action::Delete && !promised.desired.admits(&node.desired) {
        let fields = changed_fields(&promised.desired.to_json(), &node.desired.to_json());
        differences.push(difference(node, format!("another value than planned at {}", fields.join(", "))));
    }
}

fn effect_difference(promised: &EffectPlan, effect: &EffectPlan) -> Option<String> {
    if promised.identity != effect.identity {
        return Some(format!("{} was planned, not {}", promised.identity, effect.identity));
    }
    (!allows(promised.action, effect.action))
        .then(|| format!("the plan for {} was to {}, not to {}", effect.identity, promised.action.word(), effect.action.word()))
}

/// Whether an action is the promised one or a part of it. A replacement that is half done is a creation.
fn allows(promised: Action, action: Action) -> bool {
    promised == action || !action.changes() || (promised == Action::Replace && matches!(action, Action::Delete | Action::Create))
}

/// Whether a node stays within what a deferred one allowed.
fn inside(deferred: &NodePlan, node: &NodePlan, count: u32, differences: &mut Vec<Difference>) {
    let Some(envelope) = &deferred.envelope else {
        differences.push(difference(node, format!("{} was not in the plan", said(node))));
        return;
    };
    let mut beyond = Vec::new();
    if !envelope.targets.contains(&node.target) {
        beyond.push(format!("the target `{}`", node.target));
    }
    if count > envelope.max_items {
        beyond.push(format!("more than {} items", envelope.max_items));
    }
    match (&node.envelope, node.action) {
        (Some(narrower), Action::Deferred) => beyond.extend(wider(envelope, narrower)),
        _ => {
            for effect in node.effects.iter().filter(|effect| effect.action.changes()) {
                if !envelope.kinds.contains(&effect.identity.kind) && envelope_is_by_kind(deferred) {
                    beyond.push(format!("the kind `{}`", effect.identity.kind));
                }
                if let Some(namespace) = effect.identity.namespace.as_ref().filter(|namespace| !envelope.namespaces.contains(namespace)) {
                    beyond.push(format!("the namespace `{namespace}`"));
                }
                if !envelope.actions.contains(&effect.action) {
                    beyond.push(format!("the action `{}`", effect.action.word()));
                }
            }
        }
    }
    beyond.dedup();
    if !beyond.is_empty() {
        differences.push(difference(node, format!("it goes beyond what the plan left open: {}", beyond.join(", "))));
    }
}

/// A workload's envelope names the workload; the effects behind it are the target's own kinds.
fn envelope_is_by_kind(deferred: &NodePlan) -> bool {
    deferred.block != windlass_api::plan::Block::Workload
}

fn wider(envelope: &Envelope, other: &Envelope) -> Vec<String> {
    let mut beyond = Vec::new();
    let names = [
        ("kind", &envelope.kinds, &other.kinds),
        ("namespace", &envelope.namespaces, &other.namespaces),
        ("target", &envelope.targets, &other.targets),
    ];
    for (word, allowed, wanted) in names {
        beyond.extend(wanted.iter().filter(|name| !allowed.contains(name)).map(|name| format!("the {word} `{name}`")));
    }
    beyond.extend(
        other.actions.iter().filter(|action| !envelope.actions.contains(action)).map(|action| format!("the action `{}`", action.word())),
    );
    if other.max_items > envelope.max_items {
        beyond.push(format!("more than {} items", envelope.max_items));
    }
    beyond
}

/// Where two values differ, at most three paths.
fn changed_fields(promised: &Value, found: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    collect_changes(promised, found, "", &mut paths);
    paths.truncate(3);
    paths
}

fn collect_changes(promised: &Value, found: &Value, path: &str, paths: &mut Vec<String>) {
    match (promised, found) {
        _ if promised == found || promised.get("$later").is_some() => {}
        (Value::Object(a), Value::Object(b)) if found.get("$secret").is_none() => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let at = crate::path::child(path, key);
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => collect_changes(a, b, &at, paths),
                    _ => paths.push(format!("`{at}`")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(index, (a, b))| collect_changes(a, b, &crate::path::item(path, index), paths));
        }
        _ => paths.push(format!("`{}`", if path.is_empty() { "its whole" } else { path })),
    }
}

#[cfg(test)]
mod tests;
