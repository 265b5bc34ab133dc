//! The objects that a Template makes for one instance, without a server: what `template render` shows. Nothing is applied.
//!
//! What stands in `observed` is taken to be there and ready; everything else is not there yet. Start with [`render`].

use crate::decide::{Answers, Context, Inputs, Need, Step, decide};
use crate::graph::Graph;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use windlass_api::Diagnostic;
use windlass_api::driver::{DesiredNode, Health, NodeAnswer, Observation};
use windlass_api::plan::{Action, Block, InstanceReference, Plan};
use windlass_api::planned::Planned;
use windlass_schema::structural::Schema;

/// How often answers are asked for: more often than a Template has nodes is a defect.
const MOST_ROUNDS: usize = 600;

/// One rendered item of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedNode {
    /// `id`, or `id[INDEX]`.
    pub key: String,
    /// Which building block.
    pub block: Block,
    /// The object or workload; what comes later is a text that says after what, what is secret one that says so.
    pub object: Value,
    /// What its values wait for, as `node.path`; empty where all is known.
    pub waits_for: Vec<String>,
    /// Whether it is only known later whether, or how often, it is made.
    pub deferred: bool,
}

/// Renders every node, in the order in which they are made. Skipped nodes are left out, as is what is only read.
///
/// # Errors
/// The instance does not fit the schema, or its values cannot be used.
pub fn render(graph: &Graph, instance: &Value, observed: &[Value]) -> Result<Vec<RenderedNode>, Vec<Diagnostic>> {
    let plan = plan(graph, instance, observed)?;
    let shown = plan.nodes.iter().filter(|node| !matches!(node.action, Action::Read | Action::Delete));
    let rendered = shown.map(|node| RenderedNode {
        key: node.key.clone(),
        block: node.block,
        object: plain(&node.desired),
        waits_for: node.waits_for.clone(),
        deferred: node.action == Action::Deferred,
    });
    Ok(rendered.collect())
}

/// The plan of an instance for which nothing but `observed` is there.
///
/// # Errors
/// As [`render`].
pub fn plan(graph: &Graph, instance: &Value, observed: &[Value]) -> Result<Plan, Vec<Diagnostic>> {
    let instance = completed(graph, instance)?;
    let reference = InstanceReference::of(&instance);
    let mut answers = Answers::default();
    for _ in 0..MOST_ROUNDS {
        let context = Context::default();
        let inputs = Inputs { instance: &instance, reference: &reference, revision: "", context, entries: &[], answers: &answers };
        match decide(graph, &inputs)? {
            Step::Decided(decision) => return Ok(decision.plan),
            Step::Needs(needs) => {
                for need in &needs {
                    let key = need.key().to_owned();
                    match need {
                        Need::Node(node) => drop(answers.nodes.insert(key, answer(node, observed))),
                        Need::External { reference, .. } => {
                            let kind = (reference.api_version.as_str(), reference.kind.as_str());
                            let namespace = reference.namespace.as_deref();
                            let found = match &reference.name {
                                Some(name) => find(observed, kind, namespace, name).cloned(),
                                None => Some(observed.iter().filter(|object| is_kind(object, kind)).cloned().collect()),
                            };
                            answers.externals.insert(key, found.map_or(Observation::Absent, present));
                        }
                    }
                }
            }
        }
    }
    Err(vec![Diagnostic::error("Endless", "", "the planner asks without end; this is a defect of Windlass")])
}

/// The instance with its defaults; an error where it does not fit the schema.
fn completed(graph: &Graph, instance: &Value) -> Result<Value, Vec<Diagnostic>> {
    let published = graph.published();
    let text = |key: &str| instance.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("kind") != published.kind || text("apiVersion") != published.api_version() {
        let message = format!(
            "the instance is a `{}` of `{}`, but the Template makes `{}` of `{}`",
            text("kind"),
            text("apiVersion"),
            published.kind,
            published.api_version()
        );
        return Err(vec![Diagnostic::error("WrongKind", "kind", message).with_hint(format!(
            "write `apiVersion: {}` and `kind: {}`",
            published.api_version(),
            published.kind
        ))]);
    }
    if instance.pointer("/metadata/name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(vec![
            Diagnostic::error("MissingField", "metadata.name", "the instance has no name").with_hint("add `metadata: {name: shop}`"),
        ]);
    }
    let mut instance = instance.clone();
    if published.namespaced && instance.pointer("/metadata/namespace").is_none() {
        instance["metadata"]["namespace"] = json!("default");
    }
    let whole = json!({"type": "object", "properties": {"spec": graph.openapi()}});
    let schema = Schema::from_openapi(&whole);
    let mut spec = json!({});
    if let Some(given) = instance.get("spec").filter(|given| !given.is_null()) {
        spec["spec"] = given.clone();
    }
    schema.apply_defaults(&mut spec);
    let mut findings: Vec<Diagnostic> = Vec::new();
    let unknown = schema.unknown_fields(&spec);
    findings.extend(
        unknown.into_iter().map(|path| Diagnostic::error("UnknownField", path.clone(), format!("unknown field: the kind has no `{path}`"))),
    );
    findings
        .extend(schema.validate(&spec, None).into_iter().map(|error| Diagnostic::error("InvalidValue", error.path.clone(), error.body())));
    if !findings.is_empty() {
        for finding in &mut findings {
            finding.hint = windlass_schema::way_out(&graph.openapi(), &finding.path, &finding.message);
        }
        return Err(findings);
    }
    instance["spec"] = spec.get("spec").cloned().unwrap_or_else(|| json!({}));
    Ok(instance)
}

fn answer(node: &DesiredNode, observed: &[Value]) -> NodeAnswer {
    let text = |keys: &[&str]| {
        let found = keys.iter().try_fold(node.body.clone(), |value, key| value.get(key))?;
        found.known().and_then(Value::as_str).map(str::to_owned)
    };
    let version = text(&["apiVersion"]).unwrap_or_default();
    let kind = text(&["kind"]).unwrap_or_default();
    let name = text(&["metadata", "name"]).unwrap_or_default();
    let namespace = text(&["metadata", "namespace"]);
    let found = (node.block == Block::Template).then(|| find(observed, (&version, &kind), namespace.as_deref(), &name)).flatten();
    NodeAnswer {
        observation: found.cloned().map_or(Observation::Absent, present),
        action: if found.is_some() { Action::None } else { Action::Create },
        effects: Vec::new(),
        changes: Vec::new(),
        staleness: BTreeMap::new(),
        note: None,
        warnings: Vec::new(),
        conflict: None,
    }
}

fn present(outputs: Value) -> Observation {
    Observation::Present { outputs, sensitive: Vec::new(), health: Health::ready(), uid: None }
}

fn is_kind(object: &Value, (version, kind): (&str, &str)) -> bool {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    text("apiVersion") == version && text("kind") == kind
}

fn find<'o>(observed: &'o [Value], kind: (&str, &str), namespace: Option<&str>, name: &str) -> Option<&'o Value> {
    observed.iter().find(|object| {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str);
        // An observed object without a namespace is beside the instance.
        let beside = text("/metadata/namespace").is_none_or(|known| namespace.is_none_or(|wanted| wanted == known));
        is_kind(object, kind) && text("/metadata/name") == Some(name) && beside
    })
}

/// The value with texts in place of what comes later or is secret.
fn plain(value: &Planned) -> Value {
    match value {
        Planned::Known(value) => value.clone(),
        Planned::List(items) => items.iter().map(plain).collect(),
        Planned::Map(fields) => Value::Object(fields.iter().map(|(key, field)| (key.clone(), plain(field))).collect()),
        Planned::Later(later) => Value::String(format!("<known after {}>", later.because.join(", "))),
        Planned::Secret(secret) => Value::String(match &secret.reference {
            Some(reference) => format!("<secret {reference}>"),
            None => "<secret>".to_owned(),
        }),
    }
}
