//! Plans of deletion: made from the inventory alone, so that neither Template nor expression nor schema is needed.

use crate::refine;
use std::collections::BTreeMap;
use windlass_api::inventory::{Entry, EntryState};
use windlass_api::plan::{Action, Block, EffectPlan, InstanceReference, NodePlan, Plan};
use windlass_api::planned::Planned;
use windlass_api::template::DeletionPolicy;

/// The plan that takes away all that exists because of an instance: what was made last goes first. What was there before
/// us, and everything under the policy `Orphan`, is released: its node has the action `None`.
pub fn deletion_plan(reference: &InstanceReference, entries: &[Entry], policy: DeletionPolicy) -> Plan {
    let left: Vec<&Entry> = entries.iter().filter(|entry| entry.state != EntryState::Gone).collect();
    let mut plan = Plan {
        instance: reference.clone(),
        revision: String::new(),
        nodes: nodes(&left, policy),
        warnings: Vec::new(),
        quantities: Vec::new(),
        hash: String::new(),
    };
    plan.hash = refine::hash(&plan);
    plan
}

/// One node for each node key, in the order of deletion; `wave` counts from 0 for what goes first.
pub(crate) fn nodes(entries: &[&Entry], policy: DeletionPolicy) -> Vec<NodePlan> {
    let last = entries.iter().map(|entry| entry.wave).max().unwrap_or(0);
    let mut groups: BTreeMap<(usize, String), Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        let released = entry.adopted || policy == DeletionPolicy::Orphan;
        // A part that is released is a node of its own beside the parts that are deleted.
        let mixed = released && entries.iter().any(|other| other.node == entry.node && !other.adopted && policy != DeletionPolicy::Orphan);
        let key = if mixed { &entry.key } else { &entry.node };
        groups.entry((last - entry.wave, key.clone())).or_default().push(entry);
    }
    let mut before: Vec<String> = Vec::new();
    let mut nodes: Vec<NodePlan> = Vec::new();
    let mut here: (usize, Vec<String>) = (0, Vec::new());
    for ((wave, key), group) in groups {
        if wave != here.0 {
            before = std::mem::take(&mut here.1);
            here.0 = wave;
        }
        here.1.push(key.clone());
        nodes.push(node(key, wave, &group, policy, before.clone()));
    }
    nodes
}

fn node(key: String, wave: usize, entries: &[&Entry], policy: DeletionPolicy, depends_on: Vec<String>) -> NodePlan {
    let released = policy == DeletionPolicy::Orphan || entries.iter().all(|entry| entry.adopted);
    let action = if released { Action::None } else { Action::Delete };
    let last = entries.iter().map(|entry| entry.stage).max().unwrap_or(0);
    let mut effects: Vec<EffectPlan> = entries
        .iter()
        .map(|entry| EffectPlan {
            key: entry.key.clone(),
            action,
            identity: entry.identity.clone(),
            stage: last - entry.stage,
            detail: String::new(),
        })
        .collect();
    effects.sort_by(|a, b| (a.stage, &a.key).cmp(&(b.stage, &b.key)));
    let id = entries.first().map(|entry| node_id(&entry.node).to_owned()).unwrap_or_default();
    NodePlan {
        key,
        node: id,
        block: entries.iter().find_map(|entry| entry.block).unwrap_or(Block::Template),
        target: entries.first().map(|entry| entry.target.clone()).unwrap_or_default(),
        action,
        wave,
        depends_on,
        desired: Planned::Known(serde_json::Value::Null),
        effects,
        changes: Vec::new(),
        envelope: None,
        waits_for: Vec::new(),
        staleness: entries.iter().filter_map(|entry| Some((format!("{}.uid", entry.key), entry.uid.clone()?))).collect(),
        note: released.then(|| match policy {
            DeletionPolicy::Orphan => "it stays, without an owner: the deletion policy is `Orphan`".to_owned(),
            DeletionPolicy::Delete => "it stays: it was there before and was only adopted".to_owned(),
        }),
    }
}

/// `app` for `app[3]`.
pub(crate) fn node_id(key: &str) -> &str {
    key.split_once('[').map_or(key, |(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_api::plan::Identity;

    fn entry(key: &str, wave: usize, stage: u8, adopted: bool) -> Entry {
        Entry {
            key: key.into(),
            node: key.split('/').next().unwrap_or(key).into(),
            block: Some(Block::Template),
            target: "control-plane".into(),
            identity: Identity { kind: "ConfigMap".into(), api_version: Some("v1".into()), namespace: Some("n".into()), name: key.into() },
            wave,
            stage,
            adopted,
            state: EntryState::Present,
            ..Entry::default()
        }
    }

    fn check(entries: &[Entry], policy: DeletionPolicy) -> String {
        let plan = deletion_plan(&InstanceReference::default(), entries, policy);
        let lines = plan.nodes.iter().map(|node| {
            let effects: Vec<String> = node.effects.iter().map(|effect| format!("{}@{}", effect.key, effect.stage)).collect();
            format!("{} {} {:?} after {:?}: {}", node.wave, node.key, node.action, node.depends_on, effects.join(" "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn goes_backwards_and_releases_what_is_not_ours() {
        let mut entries = vec![
            entry("db", 0, 0, false),
            entry("app/files", 1, 0, false),
            entry("app/replica-0", 1, 1, false),
            entry("app/old", 1, 0, true),
            entry("there[0]", 0, 0, true),
            entry("gone", 0, 0, false),
        ];
        entries[5].state = EntryState::Gone;
        insta::assert_snapshot!(check(&entries, DeletionPolicy::Delete), @r#"
        0 app Delete after []: app/replica-0@0 app/files@1
        0 app/old None after []: app/old@0
        1 db Delete after ["app", "app/old"]: db@0
        1 there[0] None after ["app", "app/old"]: there[0]@0
        "#);
        insta::assert_snapshot!(check(&entries[..1], DeletionPolicy::Orphan), @"0 db None after []: db@0");
        assert_eq!(deletion_plan(&InstanceReference::default(), &[], DeletionPolicy::Delete).nodes, []);
    }
}
