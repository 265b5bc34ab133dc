//! Decisions over answers that a test gives: plans, later values, deferred nodes, secrets, removals.

use super::*;
use crate::compile::{NoSchemas, compile};
use crate::document::Document;
use crate::refine::refines;
use serde_json::json;
use windlass_api::driver::Health;
use windlass_api::inventory::{Entry, EntryState};
use windlass_api::plan::{EffectPlan, FieldChange, Identity};

const TEMPLATE: &str = r#"
apiVersion: windlass.dev/v1alpha1
kind: Template
metadata: {name: t}
spec:
  schema: {apiVersion: v1, kind: Thing, spec: {database: boolean | default=false, zones: "[]string | default=[]"}}
  sizes: {default: S, values: {S: {replicas: 1}, L: {replicas: 4}}}
  resources:
  - {id: db, includeWhen: ["${schema.spec.database}"], template: {apiVersion: v1, kind: ConfigMap, metadata: {name: db}, data: {x: v}}}
  - id: app
    template: {apiVersion: v1, kind: ConfigMap, metadata: {name: app}, data: {url: '${db.?status.?url.orValue("none")}', count: "${string(size.replicas)}"}}
  - {id: extra, includeWhen: ["${app.status.ok}"], template: {apiVersion: v1, kind: ConfigMap, metadata: {name: extra}}}
  - id: zone
    forEach: [{z: "${schema.spec.zones}"}]
    template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "zone-${z}"}}
  - {id: key, template: {apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {password: hunter2}}}
"#;

fn graph() -> Graph {
    let document = Document::read_all(TEMPLATE).expect("the Template is YAML").remove(0);
    compile(&document.value, &NoSchemas).expect("the Template is right").graph
}

/// What is there, by node key.
type There = BTreeMap<String, Value>;

fn decided(spec: &Value, uid: &str, there: &There, entries: &[Entry]) -> Decision {
    let instance = json!({"apiVersion": "platform.windlass.dev/v1", "kind": "Thing", "metadata": {"name": "i", "namespace": "n", "uid": uid}, "spec": spec});
    let reference = InstanceReference {
        api_version: "platform.windlass.dev/v1".into(),
        kind: "Thing".into(),
        namespace: Some("n".into()),
        name: "i".into(),
        uid: uid.into(),
    };
    let graph = graph();
    let mut answers = Answers::default();
    for _ in 0..20 {
        let context = Context { fingerprint_key: b"key".to_vec(), ..Context::default() };
        let inputs = Inputs { instance: &instance, reference: &reference, revision: "t-1", context, entries, answers: &answers };
        match decide(&graph, &inputs).expect("the instance is right") {
            Step::Decided(decision) => return *decision,
            Step::Needs(needs) => {
                for need in needs {
                    let Need::Node(node) = &need else { continue };
                    answers.nodes.insert(node.key.clone(), answer(node, there.get(&node.key)));
                }
            }
        }
    }
    panic!("the planner asks without end");
}

fn answer(node: &DesiredNode, there: Option<&Value>) -> NodeAnswer {
    let name =
        node.body.get("metadata").and_then(|metadata| metadata.get("name")?.known()?.as_str().map(str::to_owned)).unwrap_or_default();
    let wanted = node.body.get("data").map(|data| data.to_json());
    let action = match there {
        None => Action::Create,
        Some(object) if wanted.as_ref().is_none_or(|wanted| object.get("data") == Some(wanted)) => Action::None,
        Some(_) => Action::Update,
    };
    let after = Some(windlass_api::planned::Planned::Known(json!("x")));
    let change =
        FieldChange { path: "data.count".into(), before: None, after, because: Vec::new(), drift_by: None, forces_replacement: false };
    let identity = Identity { kind: "ConfigMap".into(), api_version: Some("v1".into()), namespace: Some("n".into()), name };
    NodeAnswer {
        observation: there.map_or(Observation::Absent, |object| Observation::Present {
            outputs: object.clone(),
            sensitive: Vec::new(),
            health: Health::ready(),
            uid: None,
        }),
        effects: vec![EffectPlan { key: node.key.clone(), action, identity, stage: 0, detail: String::new() }],
        changes: if action == Action::Update { vec![change] } else { Vec::new() },
        action,
        staleness: BTreeMap::new(),
        note: None,
        warnings: Vec::new(),
        conflict: there.and_then(|object| object["conflict"].as_str()).map(str::to_owned),
    }
}

fn summary(decision: &Decision) -> Vec<String> {
    decision.plan.nodes.iter().map(|node| format!("{} {}", node.key, node.action.word())).collect()
}

#[test]
fn a_skipped_node_gives_an_optional_reference_nothing() {
    let decision = decided(&json!({"database": false, "zones": []}), "u", &There::new(), &[]);
    let app = decision.plan.nodes.iter().find(|node| node.key == "app").expect("app is planned");
    assert_eq!(app.desired.to_json()["data"], json!({"url": "none", "count": "1"}));
    assert!(decision.nodes.iter().any(|node| node.key == "db" && node.state == NodeStanding::Skipped));
}

#[test]
fn what_is_not_there_yet_comes_later_and_a_choice_is_deferred() {
    let decision = decided(&json!({"database": true, "zones": ["a", "b"]}), "u", &There::new(), &[]);
    let node = |key: &str| decision.plan.nodes.iter().find(|node| node.key == key).cloned().expect("the node is planned");
    assert_eq!(node("app").waits_for, ["db.status"]);
    assert!(node("app").desired.to_json()["data"]["url"].get("$later").is_some());
    let extra = node("extra");
    assert_eq!(extra.action, Action::Deferred);
    assert_eq!(extra.envelope.map(|envelope| envelope.kinds), Some(vec!["ConfigMap".to_owned()]));
    assert_eq!(node("zone[1]").desired.to_json()["metadata"]["name"], "zone-b");
    assert!(!decision.runnable.contains(&"app".to_owned()) && decision.runnable.contains(&"db".to_owned()));
}

#[test]
fn what_somebody_else_has_is_a_warning_of_the_plan() {
    let there: There = [("app".to_owned(), json!({"conflict": "ConfigMap n/app exists already\n  hint: take it over"}))].into();
    let plan = decided(&json!({"database": false, "zones": []}), "u", &there, &[]).plan;
    let said: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["warning[Conflict] app: ConfigMap n/app exists already\n  hint: take it over"]);
}

#[test]
fn secrets_are_in_no_plan_and_another_size_says_why() {
    let spec = json!({"database": false, "zones": []});
    let there: There = [("app".to_owned(), json!({"data": {"url": "none", "count": "1"}, "status": {"ok": false}}))].into();
    let large = decided(&json!({"database": false, "zones": [], "size": "L"}), "u", &there, &[]);
    let app = large.plan.nodes.iter().find(|node| node.key == "app").expect("app is planned");
    assert_eq!((app.action, app.changes[0].because.clone()), (Action::Update, vec!["size L".to_owned()]));
    let plan = serde_json::to_string(&decided(&spec, "u", &there, &[]).plan).expect("a plan is JSON");
    assert!(!plan.contains("hunter2") && plan.contains("$secret"), "{plan}");
}

#[test]
fn what_is_no_longer_wanted_is_deleted() {
    let entry = Entry {
        key: "old".into(),
        node: "old".into(),
        block: Some(Block::Template),
        target: "control-plane".into(),
        identity: Identity { kind: "ConfigMap".into(), api_version: Some("v1".into()), namespace: Some("n".into()), name: "old".into() },
        state: EntryState::Present,
        ..Entry::default()
    };
    assert!(summary(&decided(&json!({"database": false, "zones": []}), "u", &There::new(), &[entry])).contains(&"old delete".to_owned()));
}

#[test]
fn plans_are_stable_and_refine_themselves() {
    let spec = json!({"database": true, "zones": ["a"]});
    let first = decided(&spec, "u", &There::new(), &[]).plan;
    let turned = decided(&json!({"zones": ["a"], "database": true}), "other", &There::new(), &[]).plan;
    assert_eq!(first.hash, turned.hash);
    assert_eq!(refines(&first, &first), Ok(()));
    let there: There = [("db".to_owned(), json!({"data": {"x": "v"}, "status": {"url": "u"}}))].into();
    let next = decided(&spec, "u", &there, &[]).plan;
    assert_eq!(refines(&first, &next), Ok(()), "doing less and knowing more refines");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn rendering_twice_gives_equal_plans(database: bool, zones in proptest::collection::btree_set("[a-z]{1,4}", 0..4), large: bool) {
        let spec = json!({"database": database, "zones": zones, "size": if large { "L" } else { "S" }});
        let plans = [decided(&spec, "u", &There::new(), &[]).plan, decided(&spec, "u", &There::new(), &[]).plan];
        proptest::prop_assert_eq!(&plans[0], &plans[1]);
        proptest::prop_assert_eq!(refines(&plans[0], &plans[1]), Ok(()));
    }
}
