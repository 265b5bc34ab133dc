//! A Plan for a terminal: what is lost first, then what changes and why, then what is made; quantities; warnings last.

use crate::terminal::{Ink, paint};
use crate::text::{planned, safe};
use std::fmt::Write as _;
use windlass_api::plan::{Action, FieldChange, NodePlan, Plan};

/// More fields of one node than this are counted, not listed.
const MOST_FIELDS: usize = 40;

/// The plan as text, without a closing line break.
pub(crate) fn text(plan: &Plan, colour: bool) -> String {
    let mut out = String::new();
    let revision = if plan.revision.is_empty() { String::new() } else { format!(" ({})", plan.revision) };
    line(&mut out, &paint(colour, Ink::Bold, &format!("{}{revision}", plan.instance)));
    for action in [Action::Replace, Action::Delete, Action::Update, Action::Adopt, Action::Create, Action::Deferred] {
        for node in plan.nodes.iter().filter(|node| node.action == action) {
            node_text(&mut out, node, colour);
        }
    }
    for quantity in &plan.quantities {
        let (before, after) = (quantity.before.as_deref().unwrap_or("-"), quantity.after.as_deref().unwrap_or("-"));
        let change = if before == after { after.to_owned() } else { format!("{before} → {after}") };
        line(&mut out, &format!("  {}: {}", quantity.name, safe(&change)));
    }
    for warning in &plan.warnings {
        line(&mut out, &paint(colour, Ink::Yellow, &safe(&warning.to_string())));
    }
    line(&mut out, &format!("Plan: {}", plan.summary()));
    out.trim_end().to_owned()
}

fn node_text(out: &mut String, node: &NodePlan, colour: bool) {
    let (sign, ink) = sign(node.action);
    let what: Vec<String> =
        node.effects.iter().filter(|effect| effect.action.changes()).map(|effect| effect.identity.to_string()).collect();
    let what = match what.as_slice() {
        [] => format!("{} on {}", node.block.name(), node.target),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    line(out, &paint(colour, ink, &format!("  {sign} {} {}: {what}", node.action.word(), node.key)));
    if let Some(note) = &node.note {
        line(out, &format!("      {}", safe(note)));
    }
    if node.action == Action::Update || node.action == Action::Replace {
        for change in node.changes.iter().take(MOST_FIELDS) {
            line(out, &format!("      {}", change_text(change)));
        }
        if node.changes.len() > MOST_FIELDS {
            line(out, &format!("      and {} more fields; see -o json", node.changes.len() - MOST_FIELDS));
        }
    }
    if let Some(envelope) = &node.envelope {
        let bounds = format!("at most {} of {} in {}", envelope.max_items, envelope.kinds.join(", "), envelope.namespaces.join(", "));
        line(out, &format!("      {bounds}, after {}", node.waits_for.join(", ")));
    } else if !node.waits_for.is_empty() {
        line(out, &format!("      after {}", node.waits_for.join(", ")));
    }
}

fn change_text(change: &FieldChange) -> String {
    let mut text = format!("{}: {} → {}", safe(&change.path), planned(change.before.as_ref()), planned(change.after.as_ref()));
    if change.forces_replacement {
        text.push_str("  forces replacement");
    }
    if !change.because.is_empty() {
        text.push_str(&format!("  because of {}", safe(&change.because.join(", "))));
    }
    if let Some(manager) = &change.drift_by {
        text.push_str(&format!("  changed by {}", safe(manager)));
    }
    text
}

fn sign(action: Action) -> (&'static str, Ink) {
    match action {
        Action::Replace => ("±", Ink::Red),
        Action::Delete => ("-", Ink::Red),
        Action::Update => ("~", Ink::Yellow),
        Action::Adopt => ("+", Ink::Yellow),
        Action::Create => ("+", Ink::Green),
        Action::Deferred => ("?", Ink::Yellow),
        Action::None | Action::Read => (" ", Ink::Dim),
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    writeln!(out, "{text}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan() -> Plan {
        serde_json::from_value(json!({
            "instance": {"apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp", "namespace": "dev", "name": "shop"},
            "revision": "web-app-2",
            "nodes": [
                {"key": "app", "node": "app", "block": "workload", "target": "local", "action": "update", "wave": 0, "desired": {},
                 "changes": [{"path": "replicas", "before": 1, "after": 4, "because": ["size L"]}]},
                {"key": "page", "node": "page", "block": "template", "target": "control-plane", "action": "create", "wave": 1, "desired": {},
                 "effects": [{"key": "page", "action": "create", "identity": {"kind": "ConfigMap", "namespace": "dev", "name": "page"}}]},
                {"key": "old", "node": "old", "block": "template", "target": "control-plane", "action": "delete", "wave": 2, "desired": {},
                 "effects": [{"key": "old", "action": "delete", "identity": {"kind": "Secret", "namespace": "dev", "name": "old"}}]},
                {"key": "same", "node": "same", "block": "template", "target": "control-plane", "action": "none", "wave": 2, "desired": {}},
            ],
            "quantities": [{"name": "price", "before": "5 EUR/month", "after": "110 EUR/month"}],
        }))
        .expect("a plan")
    }

    #[test]
    fn what_is_lost_comes_first_and_causes_are_named() {
        insta::assert_snapshot!(text(&plan(), false), @r"
        WebApp dev/shop (web-app-2)
          - delete old: Secret dev/old
          ~ change app: workload on local
              replicas: 1 → 4  because of size L
          + create page: ConfigMap dev/page
          price: 5 EUR/month → 110 EUR/month
        Plan: 1 delete · 1 change · 1 create
        ");
    }

    #[test]
    fn nothing_to_do_is_said_plainly() {
        let mut plan = plan();
        plan.nodes.retain(|node| node.action == Action::None);
        plan.quantities.clear();
        assert_eq!(text(&plan, false), "WebApp dev/shop (web-app-2)\nPlan: no changes");
    }
}
