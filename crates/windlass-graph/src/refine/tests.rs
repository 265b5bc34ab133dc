//! Which plans refine which.

use super::*;
use proptest::prelude::*;
use windlass_api::plan::{Block, Identity, InstanceReference};
use windlass_api::planned::{Later, Planned};

fn node(key: &str, action: Action, desired: Planned) -> NodePlan {
    let id = key.split('[').next().unwrap_or(key).to_owned();
    let identity = Identity { kind: "ConfigMap".into(), api_version: Some("v1".into()), namespace: Some("n".into()), name: key.into() };
    let deferred = action == Action::Deferred;
    NodePlan {
        key: key.into(),
        node: id,
        block: Block::Template,
        target: "control-plane".into(),
        action,
        wave: 0,
        depends_on: Vec::new(),
        desired,
        effects: if deferred {
            Vec::new()
        } else {
            vec![EffectPlan { key: key.into(), action, identity, stage: 0, detail: String::new() }]
        },
        changes: Vec::new(),
        envelope: deferred.then(|| Envelope {
            kinds: vec!["ConfigMap".into()],
            namespaces: vec!["n".into()],
            targets: vec!["control-plane".into()],
            actions: vec![Action::Create, Action::Update],
            max_items: 2,
        }),
        waits_for: Vec::new(),
        staleness: BTreeMap::new(),
        note: None,
    }
}

fn plan(nodes: Vec<NodePlan>) -> Plan {
    Plan {
        instance: InstanceReference::default(),
        revision: String::new(),
        nodes,
        warnings: Vec::new(),
        quantities: Vec::new(),
        hash: String::new(),
    }
}

fn known(value: i64) -> Planned {
    Planned::Known(json!({ "a": value }))
}

fn later() -> Planned {
    Planned::map(vec![("a".into(), Planned::Later(Later { type_: "int".into(), because: vec!["db.a".into()] }))])
}

fn check(approved: Vec<NodePlan>, next: Vec<NodePlan>) -> String {
    match refines(&plan(approved), &plan(next)) {
        Ok(()) => "refines".into(),
        Err(found) => found.into_iter().map(|difference| difference.message).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn doing_less_or_what_was_left_open() {
    let create = |key: &str| node(key, Action::Create, known(1));
    assert_eq!(check(vec![create("a")], vec![node("a", Action::None, known(1))]), "refines");
    assert_eq!(check(vec![create("a")], vec![]), "refines");
    assert_eq!(check(vec![node("a", Action::Create, later())], vec![create("a")]), "refines");
    assert_eq!(check(vec![node("a", Action::Replace, known(1))], vec![create("a")]), "refines");
    assert_eq!(check(vec![node("a", Action::Deferred, later())], vec![create("a[0]"), create("a[1]")]), "refines");
}

#[test]
fn going_beyond() {
    let create = |key: &str| node(key, Action::Create, known(1));
    let elsewhere = |mut node: NodePlan| {
        node.effects[0].identity.namespace = Some("other".into());
        node.effects[0].identity.kind = "Secret".into();
        node
    };
    let said = [
        check(vec![], vec![create("a")]),
        check(vec![create("a")], vec![node("a", Action::Create, known(2))]),
        check(vec![create("a")], vec![node("a", Action::Replace, known(1))]),
        check(vec![create("a")], vec![elsewhere(create("a"))]),
        check(vec![create("a")], vec![node("a", Action::Deferred, later())]),
        check(vec![node("a", Action::Deferred, later())], vec![create("a[0]"), create("a[1]"), create("a[2]")]),
        check(vec![node("a", Action::Deferred, later())], vec![elsewhere(node("a", Action::Delete, known(1)))]),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    a: to create it was not in the plan
    a: another value than planned at `a`
    a: the plan for ConfigMap n/a was to create, not to replace
    a: ConfigMap n/a was planned, not Secret other/a
    a: what is done was to create, and is now only known later
    a[2]: it goes beyond what the plan left open: more than 2 items
    a: it goes beyond what the plan left open: the kind `Secret`, the namespace `other`, the action `delete`
    "#);
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::None),
        Just(Action::Create),
        Just(Action::Update),
        Just(Action::Replace),
        Just(Action::Delete),
        Just(Action::Deferred)
    ]
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let nodes = proptest::collection::btree_map("[a-e]", (any_action(), 0_i64..3, any::<bool>()), 0..5);
    nodes.prop_map(|nodes| {
        let nodes = nodes.into_iter().map(|(key, (action, value, open))| node(&key, action, if open { later() } else { known(value) }));
        plan(nodes.collect())
    })
}

proptest! {
    #[test]
    fn a_plan_refines_itself(plan in any_plan()) {
        prop_assert_eq!(refines(&plan, &plan), Ok(()));
    }

    #[test]
    fn what_was_not_planned_is_found(mut plan in any_plan(), action in any_action()) {
        let approved = plan.clone();
        plan.nodes.push(node("new", action, known(1)));
        prop_assert_eq!(refines(&approved, &plan).is_err(), action.changes());
        prop_assert_eq!(refines(&plan, &approved), Ok(()));
        prop_assert_ne!(hash(&plan), hash(&approved));
    }

    #[test]
    fn another_action_is_found(plan in any_plan(), action in any_action()) {
        for index in 0..plan.nodes.len() {
            let mut other = plan.clone();
            let before = other.nodes[index].clone();
            other.nodes[index] = node(&before.key, action, before.desired.clone());
            let allowed = !action.changes()
                || action == before.action
                || (before.action == Action::Replace && matches!(action, Action::Create | Action::Delete))
                || (before.action == Action::Deferred && matches!(action, Action::Create | Action::Update));
            prop_assert_eq!(refines(&plan, &other).is_ok(), allowed);
        }
    }

    #[test]
    fn what_does_not_count_does_not_change_the_hash(plan in any_plan()) {
        let mut other = plan.clone();
        other.instance.uid = "another".into();
        for node in &mut other.nodes {
            node.staleness.insert("resourceVersion".into(), "7".into());
            node.note = Some("note".into());
        }
        prop_assert_eq!(hash(&plan), hash(&other));
    }
}
