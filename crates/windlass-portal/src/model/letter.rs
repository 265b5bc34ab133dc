//! A plan as a letter: what is lost first, then what changes, then what is new; what stays is folded; secrets never.

use serde_json::Value;
use windlass_api::plan::{Action, EffectPlan, FieldChange, NodePlan, Plan, QuantityChange};
use windlass_api::planned::Planned;

/// Longer values are cut.
const LONGEST: usize = 240;
/// More fields of one node than this are folded away.
const FIELDS: usize = 200;

/// A plan in the order in which it is read.
pub(crate) struct Letter {
    /// One sentence on what is lost; absent where nothing is.
    pub(crate) warning: Option<String>,
    /// The plan in a phrase.
    pub(crate) summary: String,
    /// What is done, worst first.
    pub(crate) changing: Vec<Item>,
    /// What stays as it is.
    pub(crate) unchanged: Vec<Item>,
    /// Price and quantities that change, the price first.
    pub(crate) quantities: Vec<QuantityChange>,
    /// What may surprise.
    pub(crate) warnings: Vec<String>,
}

/// One node.
pub(crate) struct Item {
    /// Node key.
    pub(crate) key: String,
    /// What is done.
    pub(crate) action: Action,
    /// Block, identity and target.
    pub(crate) place: String,
    /// From where it comes, in a phrase.
    pub(crate) cause: String,
    /// One sentence of the planner.
    pub(crate) note: String,
    /// Field by field.
    pub(crate) fields: Vec<Field>,
    /// How many more fields there are.
    pub(crate) more: usize,
    /// Its parts, where there is more than one or it says more.
    pub(crate) parts: Vec<Part>,
    /// The whole rendered block, secrets left out; empty where it is told by the fields.
    pub(crate) rendered: String,
}

/// One part of a node.
pub(crate) struct Part {
    /// What is done.
    pub(crate) action: Action,
    /// What it is.
    pub(crate) what: String,
    /// A phrase more.
    pub(crate) detail: String,
}

/// One field.
pub(crate) struct Field {
    /// Where.
    pub(crate) path: String,
    /// As it is.
    pub(crate) before: Option<Shown>,
    /// As it will be.
    pub(crate) after: Option<Shown>,
    /// From where the new value comes.
    pub(crate) cause: String,
}

/// A value as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Its text.
    Text(String),
    /// Known once these are there.
    After(String),
    /// Never shown.
    Secret,
}

/// Reads a plan as a letter.
pub(crate) fn write(plan: &Plan) -> Letter {
    let mut nodes: Vec<&NodePlan> = plan.nodes.iter().collect();
    nodes.sort_by_key(|node| (rank(node), node.wave));
    let (changing, unchanged): (Vec<&NodePlan>, Vec<&NodePlan>) = nodes.into_iter().partition(|node| node.action.changes());
    let mut quantities: Vec<QuantityChange> =
        plan.quantities.iter().filter(|quantity| quantity.before != quantity.after).cloned().collect();
    quantities.sort_by_key(|quantity| quantity.name != "price");
    Letter {
        warning: warning(plan),
        summary: plan.summary().to_string(),
        changing: changing.into_iter().map(item).collect(),
        unchanged: unchanged.into_iter().map(item).collect(),
        quantities,
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
    }
}

fn rank(node: &NodePlan) -> u8 {
    // A change that takes parts away stands with what is lost.
    let loses = node.effects.iter().any(|effect| effect.action.is_destructive());
    match node.action {
        Action::Replace => 0,
        Action::Delete => 1,
        Action::Update if loses => 2,
        Action::Update => 3,
        Action::Adopt => 4,
        Action::Create => 5,
        Action::Deferred => 6,
        Action::None | Action::Read => 7,
    }
}

fn warning(plan: &Plan) -> Option<String> {
    let of = |action: Action| -> Vec<String> {
        plan.nodes.iter().filter(|node| node.action == action).map(|node| format!("`{}`", node.key)).collect()
    };
    let parts: Vec<String> = plan
        .nodes
        .iter()
        .filter(|node| !node.action.is_destructive())
        .flat_map(|node| &node.effects)
        .filter(|effect| effect.action.is_destructive())
        .map(|effect| format!("`{}`", effect.key))
        .collect();
    let may =
        plan.nodes.iter().any(|node| node.envelope.as_ref().is_some_and(|envelope| envelope.actions.iter().any(|a| a.is_destructive())));
    let said = |verb: &str, names: &[String]| if names.is_empty() { None } else { Some(format!("{verb} {}.", listed(names))) };
    let sentences: Vec<String> = [
        said("Replaces", &of(Action::Replace)),
        said("Deletes", &of(Action::Delete)),
        said("Takes away", &parts),
        may.then(|| "What is known later may delete or replace, within the bounds named below.".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
    }
}

fn item(node: &NodePlan) -> Item {
    let is_secret = node.effects.iter().any(is_kubernetes_secret);
    let changes = node.changes.iter().take(FIELDS).map(|change| field(change, is_secret)).collect();
    let identity = node.effects.first().filter(|_| node.effects.len() == 1).map(|effect| effect.identity.to_string());
    let place: Vec<String> =
        [Some(node.block.name().to_owned()), identity, Some(format!("on {}", node.target))].into_iter().flatten().collect();
    let parts = node.effects.iter().filter(|effect| node.effects.len() > 1 || !effect.detail.is_empty()).map(part).collect();
    Item {
        key: node.key.clone(),
        action: node.action,
        place: place.join(" · "),
        cause: cause_of(node),
        note: note(node),
        fields: changes,
        more: node.changes.len().saturating_sub(FIELDS),
        parts,
        rendered: if node.changes.is_empty() && node.action == Action::Create { rendered(&node.desired, is_secret) } else { String::new() },
    }
}

fn note(node: &NodePlan) -> String {
    let mut sentences: Vec<String> = node.note.iter().cloned().collect();
    if let Some(envelope) = &node.envelope {
        let actions: Vec<String> = envelope.actions.iter().map(|action| action.word().to_owned()).collect();
        let kinds = if envelope.kinds.is_empty() { "anything".to_owned() } else { listed(&envelope.kinds) };
        let places = if envelope.namespaces.is_empty() { String::new() } else { format!(" in {}", listed(&envelope.namespaces)) };
        let after = if node.waits_for.is_empty() { String::new() } else { format!(" after {}", listed(&node.waits_for)) };
        sentences.push(format!("Decided{after}; at most {} of {kinds}{places}: {}.", envelope.max_items, actions.join(", ")));
    }
    sentences.join(" ")
}

fn cause_of(node: &NodePlan) -> String {
    if let Some(manager) = node.changes.iter().find_map(|change| change.drift_by.as_deref()) {
        return format!("set by {manager}");
    }
    let first = node.changes.iter().find_map(|change| change.because.first().cloned());
    let waits = || (!node.waits_for.is_empty()).then(|| format!("after {}", listed(&node.waits_for)));
    first.or_else(waits).unwrap_or_default()
}

fn part(effect: &EffectPlan) -> Part {
    Part { action: effect.action, what: effect.identity.to_string(), detail: effect.detail.clone() }
}

fn is_kubernetes_secret(effect: &EffectPlan) -> bool {
    effect.identity.kind == "Secret" && effect.identity.api_version.as_deref().is_none_or(|version| version == "v1")
}

fn field(change: &FieldChange, is_secret: bool) -> Field {
    let hides = is_secret && ["data", "stringData"].iter().any(|root| change.path.split(['.', '[']).any(|part| part == *root));
    let value = |planned: &Planned| if hides { Shown::Secret } else { shown(planned) };
    let mut causes = change.because.clone();
    causes.extend(change.drift_by.iter().map(|manager| format!("now set by {manager}")));
    causes.extend(change.forces_replacement.then(|| "forces replacement".to_owned()));
    Field {
        path: change.path.clone(),
        before: change.before.as_ref().map(value),
        after: change.after.as_ref().map(value),
        cause: causes.join(", "),
    }
}

/// A planned value as it may be shown.
pub(crate) fn shown(planned: &Planned) -> Shown {
    match planned {
        Planned::Secret(_) => Shown::Secret,
        Planned::Later(later) => Shown::After(nodes(&later.because)),
        Planned::Known(Value::String(text)) if text.is_empty() => Shown::Text("\"\"".into()),
        Planned::Known(Value::String(text)) => Shown::Text(cut(text)),
        other => Shown::Text(cut(&plain(other).to_string())),
    }
}

/// The nodes that a later value waits for, each once.
fn nodes(because: &[String]) -> String {
    let mut names: Vec<String> = because.iter().map(|path| path.split('.').next().unwrap_or_default().to_owned()).collect();
    names.dedup();
    if names.is_empty() { "another node".into() } else { listed(&names) }
}

/// Without secrets, and with words where a value is known later.
fn plain(planned: &Planned) -> Value {
    match planned {
        Planned::Known(value) => value.clone(),
        Planned::List(items) => items.iter().map(plain).collect(),
        Planned::Map(fields) => Value::Object(fields.iter().map(|(key, field)| (key.clone(), plain(field))).collect()),
        Planned::Later(later) => Value::String(format!("(known after {})", nodes(&later.because))),
        Planned::Secret(_) => Value::String("(secret)".into()),
    }
}

fn rendered(desired: &Planned, is_secret: bool) -> String {
    let mut value = plain(desired);
    if is_secret {
        for root in ["/data", "/stringData", "/template/data", "/template/stringData"] {
            for (_, entry) in value.pointer_mut(root).and_then(Value::as_object_mut).into_iter().flatten() {
                *entry = Value::String("(secret)".into());
            }
        }
    }
    match value {
        Value::Null => String::new(),
        value => super::commands::yaml(&value),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(nodes: Value) -> Plan {
        serde_json::from_value(json!({"instance": {"apiVersion": "a/v1", "kind": "WebApp", "name": "web"}, "nodes": nodes}))
            .expect("a plan")
    }

    fn node(key: &str, action: &str, more: Value) -> Value {
        let mut node =
            json!({"key": key, "node": key, "block": "template", "target": "control-plane", "action": action, "wave": 0, "desired": {}});
        let fields = node.as_object_mut().expect("an object");
        fields.extend(more.as_object().cloned().unwrap_or_default());
        node
    }

    #[test]
    fn what_is_lost_stands_first_and_what_stays_is_folded() {
        let plan = plan(json!([
            node("a", "none", json!({})),
            node("b", "create", json!({})),
            node("c", "delete", json!({})),
            node("d", "replace", json!({}))
        ]));
        let letter = write(&plan);
        let order: Vec<&str> = letter.changing.iter().map(|item| item.key.as_str()).collect();
        assert_eq!(order, ["d", "c", "b"]);
        assert_eq!(letter.unchanged.len(), 1);
        assert_eq!(letter.warning.as_deref(), Some("Replaces `d`. Deletes `c`."));
        assert_eq!(letter.summary, "1 replace · 1 delete · 1 create");
    }

    #[test]
    fn secrets_are_never_written_out() {
        let secret = json!({"$secret": {"fingerprint": "abcdef"}});
        let identity = json!([{"key": "s", "action": "create", "identity": {"kind": "Secret", "apiVersion": "v1", "name": "s"}}]);
        let plan = plan(json!([
            node("a", "update", json!({"changes": [{"path": "spec.password", "before": secret, "after": secret}]})),
            node("s", "create", json!({"effects": identity, "desired": {"kind": "Secret", "stringData": {"key": "hunter2"}}})),
            node("t", "update", json!({"effects": identity, "changes": [{"path": "stringData.key", "after": "hunter2"}]})),
        ]));
        let letter = write(&plan);
        for item in &letter.changing {
            assert!(!item.rendered.contains("hunter2"), "{}", item.rendered);
            assert!(item.fields.iter().all(|field| field.after == Some(Shown::Secret)));
        }
    }

    #[test]
    fn a_later_value_names_what_it_waits_for() {
        let later = Planned::from_json(&json!({"$later": {"type": "string", "because": ["db.outputs.host", "db.outputs.port"]}}));
        assert_eq!(shown(&later), Shown::After("db".into()));
        let mixed = Planned::from_json(&json!({"url": {"$later": {"because": ["db.outputs.host"]}}, "n": 1}));
        assert_eq!(shown(&mixed), Shown::Text(r#"{"url":"(known after db)","n":1}"#.into()));
    }
}
