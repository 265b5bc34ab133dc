//! How everything stands: health of nodes, what can be done now, what is waited for, and the author's status.

use super::planner::{Decided, Planner, Truth, Verdict, is_done, truth};
use super::rendering::{self, Fingerprints};
use super::{NodeStanding, NodeState};
use crate::expression::{Outcome, Scope, Strictness};
use crate::graph::Node;
use crate::value::Rendered;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use windlass_api::Diagnostic;
use windlass_api::condition::Condition;
use windlass_api::driver::{Observation, PartHealth};
use windlass_api::hint;
use windlass_api::instance::WaitingOn;
use windlass_api::plan::{Action, Block, NodePlan, Plan};

/// Whether an item is there and does its work; else reason and message.
pub(super) fn health(
    strictness: Strictness,
    node: &Node,
    list: bool,
    item: &Decided,
    fingerprints: &Fingerprints<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Result<(), (String, String)> {
    if let Some(conflict) = &item.conflict {
        return Err(("Conflict".into(), conflict.clone()));
    }
    let health = match &item.observation {
        Observation::Present { health, .. } => health,
        Observation::Absent if node.block == Block::ExternalRef => {
            return Err(("NotFound".into(), format!("the {} that it reads does not exist yet", node.kind)));
        }
        Observation::Absent => return Err(("NotThere".into(), "it is not there yet".into())),
        Observation::InProgress { message, .. } => return Err(("InProgress".into(), message.clone())),
        Observation::Unknown { message } => return Err(("Unknown".into(), message.clone())),
    };
    if !node.ready_when.is_empty() {
        let present = rendering::present_value(node, item, fingerprints);
        let values: Vec<Rendered> = match present {
            Rendered::Known(Value::Array(items)) if node.block == Block::ExternalRef && list => {
                items.into_iter().map(Rendered::Known).collect()
            }
            Rendered::List(items) if node.block == Block::ExternalRef && list => items,
            one => vec![one],
        };
        for value in values {
            let mut scope = Scope::default();
            scope.bind_node(if list { "each" } else { &node.id }, &value);
            for formula in &node.ready_when {
                if !matches!(truth(formula, &scope, findings), Truth::Yes) {
                    return Err(("NotReady".into(), format!("`readyWhen` is not met: {}", formula.source())));
                }
            }
        }
        return Ok(());
    }
    if health.ready || strictness == Strictness::Kro { Ok(()) } else { Err((health.reason.clone(), health.message.clone())) }
}

/// Keys of nodes with work that can be done now: all of it is known, and everything it needs is ready.
pub(super) fn runnable(planner: &Planner<'_>, nodes: &[NodePlan], bodies: &BTreeMap<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (index, verdict) in &planner.verdicts {
        let (Some(node), Verdict::Items(items)) = (planner.graph.nodes.get(*index), verdict) else { continue };
        if !unready(planner, node).is_empty() {
            continue;
        }
        let due = items.iter().filter(|item| {
            let undecided = matches!(item.observation, Observation::Unknown { .. } | Observation::InProgress { .. });
            item.plan.action.changes() && item.conflict.is_none() && !undecided && bodies.contains_key(&item.plan.key)
        });
        found.extend(due.map(|item| item.plan.key.clone()));
    }
    // In the order of the plan.
    nodes.iter().filter(|node| found.contains(&node.key)).map(|node| node.key.clone()).collect()
}

/// Nodes that a node needs and that are not ready, each with the reason.
fn unready(planner: &Planner<'_>, node: &Node) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for index in node.hard.union(&node.soft) {
        let (Some(other), Some(verdict)) = (planner.graph.nodes.get(*index), planner.verdicts.get(index)) else { continue };
        if is_done(verdict) {
            continue;
        }
        let why = match verdict {
            Verdict::Items(items) => items.iter().find_map(|item| item.health.as_ref().err().map(|(_, message)| message.clone())),
            Verdict::Open | Verdict::Skipped(_) | Verdict::Deferred(_) | Verdict::Kept(_) => None,
        };
        found.push((other.id.clone(), why.unwrap_or_default()));
    }
    found
}

/// How every node stands, in the order of execution.
pub(super) fn states(planner: &Planner<'_>, plan: &Plan) -> Vec<NodeState> {
    let mut states = Vec::new();
    for index in &planner.graph.order.sequence {
        let (Some(node), Some(verdict)) = (planner.graph.nodes.get(*index), planner.verdicts.get(index)) else { continue };
        let state = |state: NodeStanding, reason: &str, message: String| NodeState {
            key: node.id.clone(),
            node: node.id.clone(),
            block: node.block,
            target: node.default_target().to_owned(),
            state,
            reason: reason.to_owned(),
            message,
            action: Action::None,
            parts: Vec::new(),
        };
        match verdict {
            Verdict::Open => {}
            Verdict::Skipped(why) => states.push(state(NodeStanding::Skipped, "Skipped", why.clone())),
            Verdict::Deferred(because) => {
                let message = format!("it is decided when {} is known", because.join(", "));
                states.push(NodeState { action: Action::Deferred, ..state(NodeStanding::Deferred, "Deferred", message) });
            }
            Verdict::Kept(because) => {
                let message = format!("it stays as it is until {} is ready", because.join(", "));
                states.push(state(NodeStanding::Waiting, "DependencyNotReady", message));
            }
            Verdict::Items(items) => {
                let unready = unready(planner, node);
                states.extend(items.iter().map(|item| item_state(node, item, &unready)));
            }
        }
    }
    let known: Vec<String> = states.iter().map(|state: &NodeState| state.key.clone()).collect();
    for node in plan.nodes.iter().filter(|node| node.action == Action::Delete && !known.contains(&node.key)) {
        states.push(NodeState {
            key: node.key.clone(),
            node: node.node.clone(),
            block: node.block,
            target: node.target.clone(),
            state: NodeStanding::NotReady,
            reason: "NoLongerWanted".into(),
            message: "it is no longer wanted and is deleted when everything else is in place".into(),
            action: Action::Delete,
            parts: Vec::new(),
        });
    }
    states
}

fn item_state(node: &Node, item: &Decided, unready: &[(String, String)]) -> NodeState {
    let (state, reason, message) = match (&item.health, &item.observation) {
        _ if item.conflict.is_some() => (NodeStanding::Conflict, "Conflict".to_owned(), item.conflict.clone().unwrap_or_default()),
        (Err((reason, message)), Observation::Unknown { .. }) => (NodeStanding::Unknown, reason.clone(), message.clone()),
        (_, _) if item.plan.action.changes() => match unready {
            [] => (NodeStanding::NotReady, "Progressing".to_owned(), format!("to {}", item.plan.action.word())),
            several => {
                // The way out belongs to the node that is waited for, and is said there.
                let why = |why: &str| if why.is_empty() { String::new() } else { format!(" ({})", hint::parts(why).0) };
                let names: Vec<String> = several.iter().map(|(id, reason)| format!("`{id}`{}", why(reason))).collect();
                (NodeStanding::Waiting, "DependencyNotReady".to_owned(), format!("it waits for {}", names.join(", ")))
            }
        },
        (Ok(()), _) => (NodeStanding::Ready, "Ready".to_owned(), String::new()),
        (Err((reason, message)), Observation::Absent) if node.block == Block::ExternalRef => {
            (NodeStanding::Waiting, reason.clone(), message.clone())
        }
        (Err((reason, message)), _) => (NodeStanding::NotReady, reason.clone(), message.clone()),
    };
    let parts: Vec<PartHealth> = match &item.observation {
        Observation::Present { health, .. } => health.parts.clone(),
        Observation::Absent | Observation::InProgress { .. } | Observation::Unknown { .. } => Vec::new(),
    };
    NodeState {
        key: item.plan.key.clone(),
        node: node.id.clone(),
        block: node.block,
        target: item.plan.target.clone(),
        state,
        reason,
        message,
        action: item.plan.action,
        parts,
    }
}

/// What is waited for: every node that is wanted and not ready.
pub(super) fn waiting_on(states: &[NodeState]) -> Vec<WaitingOn> {
    let unready = states.iter().filter(|state| !matches!(state.state, NodeStanding::Ready | NodeStanding::Skipped));
    unready
        .map(|state| WaitingOn {
            node: state.key.clone(),
            reason: state.reason.clone(),
            message: state.message.clone(),
            since: String::new(),
        })
        .collect()
}

/// The author's status fields and conditions, where they are known. What is secret never gets here.
pub(super) fn status(planner: &Planner<'_>) -> (Value, Vec<Condition>) {
    let mut status = Rendered::Known(Value::Object(Map::new()));
    let skipped: Vec<&str> = planner
        .verdicts
        .iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Skipped(_)))
        .filter_map(|(index, _)| planner.graph.nodes.get(*index))
        .map(|node| node.id.as_str())
        .collect();
    for field in &planner.graph.status {
        let reads_skipped =
            || field.body.formulas().iter().any(|formula| formula.uses().iter().any(|used| skipped.contains(&used.root.as_str())));
        if planner.graph.strictness == Strictness::Kro && reads_skipped() {
            continue;
        }
        let mut findings = Vec::new();
        let value = field.body.render(&planner.present, &mut findings);
        // A field that cannot be had now disappears; the others stay.
        if let (Rendered::Known(value), true) = (value, findings.is_empty())
            && !value.is_null()
        {
            let keys: Vec<&str> = field.keys.iter().map(String::as_str).collect();
            status.put(&keys, Rendered::Known(value));
        }
    }
    let mut conditions = Vec::new();
    for formula in &planner.graph.conditions {
        if let Outcome::Value(Rendered::Known(value)) = formula.evaluate(&planner.present) {
            let items = if let Value::Array(items) = value { items } else { vec![value] };
            conditions.extend(items.into_iter().filter_map(|item| serde_json::from_value::<Condition>(item).ok()));
        }
    }
    let status = match status {
        Rendered::Known(status) => status,
        Rendered::List(_) | Rendered::Map(_) | Rendered::Later(_) | Rendered::Secret(_) => Value::Object(Map::new()),
    };
    (status, conditions)
}

/// Where the instance answers: as its author says, else as its first workload says.
pub(super) fn addresses(planner: &Planner<'_>, status: &Value) -> (Option<String>, Option<String>) {
    let said = |key: &str| status.get(key).and_then(Value::as_str).map(str::to_owned);
    let observed = |key: &str| {
        planner.graph.order.sequence.iter().find_map(|index| {
            let Verdict::Items(items) = planner.verdicts.get(index)? else { return None };
            items.iter().filter(|item| item.plan.block == Block::Workload).find_map(|item| match &item.observation {
                Observation::Present { outputs, .. } => outputs.get(key).and_then(Value::as_str).map(str::to_owned),
                Observation::Absent | Observation::InProgress { .. } | Observation::Unknown { .. } => None,
            })
        })
    };
    (said("url").or_else(|| observed("url")), said("address").or_else(|| observed("address")))
}
