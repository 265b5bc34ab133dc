//! What expressions see besides nodes, the rules over an instance, and which objects are only read.

use super::planner::{Truth, truth};
use super::{ExternalReference, Inputs};
use crate::expression::Scope;
use crate::graph::{Graph, Node};
use crate::value::Rendered;
use serde_json::{Map, Value, json};
use windlass_api::Diagnostic;

/// The author's rules that the instance does not meet. The API refuses these before; what does not come through it is
/// refused here.
pub(super) fn broken_rules(graph: &Graph, instance: &Value) -> Vec<Diagnostic> {
    let mut scope = Scope::default();
    scope.bind("self", &Rendered::Known(instance.get("spec").cloned().unwrap_or_else(|| json!({}))));
    let mut findings = Vec::new();
    for (rule, message) in &graph.rules {
        let mut failed = Vec::new();
        let holds = matches!(truth(rule, &scope, &mut failed), Truth::Yes);
        match failed.pop() {
            Some(finding) => findings.push(Diagnostic { column: None, path: "spec".into(), ..finding }),
            None if holds => {}
            None => {
                findings.push(Diagnostic::error("RuleNotMet", "spec", message.clone()).with_hint(format!("the rule is: {}", rule.source())))
            }
        }
    }
    findings
}

/// The instance as expressions see it.
pub(super) fn schema_value(instance: &Value) -> Value {
    let mut value = Map::new();
    for key in ["apiVersion", "kind", "metadata", "spec"] {
        value.insert(
            key.into(),
            instance.get(key).cloned().unwrap_or_else(|| if matches!(key, "metadata" | "spec") { json!({}) } else { Value::Null }),
        );
    }
    Value::Object(value)
}

pub(super) fn context_value(inputs: &Inputs<'_>) -> Value {
    let mut value = Map::new();
    if let Some(target) = &inputs.context.target {
        value.insert("target".into(), json!({ "name": target }));
    }
    for (key, given) in [("environment", &inputs.context.environment), ("project", &inputs.context.project)] {
        if let Some(given) = given {
            value.insert(key.into(), given.clone());
        }
    }
    Value::Object(value)
}

/// A label selector in the text form of the API.
fn selector_text(selector: &Value) -> String {
    let mut parts = Vec::new();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        parts.push(format!("{key}={}", text(value)));
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = expression.get("key").map(text).unwrap_or_default();
        let values: Vec<String> = expression.get("values").and_then(Value::as_array).into_iter().flatten().map(text).collect();
        parts.push(match expression.get("operator").and_then(Value::as_str) {
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("Exists") => key,
            Some("DoesNotExist") => format!("!{key}"),
            _ => format!("{key} in ({})", values.join(",")),
        });
    }
    parts.join(",")
}

/// Which object an `externalRef` reads, once that is known.
pub(super) fn external_reference(
    node: &Node,
    name: Option<String>,
    selector: Option<&Value>,
    namespace: Option<String>,
) -> ExternalReference {
    ExternalReference {
        api_version: node.api_version.clone(),
        kind: node.kind.clone(),
        namespace: namespace.filter(|_| node.namespaced),
        name,
        selector: selector.map(selector_text),
    }
}
