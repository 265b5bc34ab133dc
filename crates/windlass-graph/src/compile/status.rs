//! The status fields of the Template's author: expressions over the nodes, and the schema that follows from their types.

use super::check::Known;
use super::read::Source;
use crate::body::{self, Body, Dialect};
use crate::expression::{Formula, Strictness};
use crate::graph::StatusField;
use crate::path;
use serde_json::{Map, Value, json};
use windlass_api::Diagnostic;

/// Status fields that the platform writes itself.
const OURS: [&str; 9] = ["state", "conditions", "observedGeneration", "revision", "lastRun", "waitingOn", "inventory", "url", "address"];

/// The status part of a Template.
#[derive(Debug, Default)]
pub(super) struct Status {
    pub(super) fields: Vec<StatusField>,
    /// kro's author conditions.
    pub(super) conditions: Vec<Formula>,
}

impl Status {
    pub(super) fn formulas(&self) -> Vec<&Formula> {
        self.fields.iter().flat_map(|field| field.body.formulas()).chain(&self.conditions).collect()
    }
}

/// Reads `spec.schema.status`.
pub(super) fn read(source: &Source<'_>, strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Status {
    let mut status = Status::default();
    let Some(tree) = source.schema.get("status") else { return status };
    let Some(tree) = tree.as_object() else {
        if !tree.is_null() {
            findings.push(Diagnostic::error("WrongType", "spec.schema.status", "`status` must be an object of expressions"));
        }
        return status;
    };
    for (key, value) in tree {
        let at = path::child("spec.schema.status", key);
        match (source.kro, key.as_str()) {
            (true, "conditions") => conditions(value, &at, strictness, &mut status, findings),
            // kro takes it and leaves it out.
            (true, "state") => {}
            (false, key) if OURS.contains(&key) && !matches!(key, "url" | "address") => {
                let finding = Diagnostic::error("ReservedName", at, format!("the status field `{key}` is written by the platform"));
                findings.push(finding.with_hint("choose another name"));
            }
            _ => leaf(value, &at, &mut vec![key.clone()], strictness, &mut status, findings),
        }
    }
    status
}

fn conditions(value: &Value, at: &str, strictness: Strictness, status: &mut Status, findings: &mut Vec<Diagnostic>) {
    let Some(items) = value.as_array() else {
        findings.push(Diagnostic::error("WrongType", at, "`conditions` must be a list of expressions"));
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let at = path::item(at, index);
        match item.as_str() {
            Some(text) => status.conditions.extend(Formula::whole(text, &at, strictness, findings)),
            None => findings.push(Diagnostic::error("WrongType", at, "a condition must be an expression")),
        }
    }
}

fn leaf(value: &Value, at: &str, keys: &mut Vec<String>, strictness: Strictness, status: &mut Status, findings: &mut Vec<Diagnostic>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                keys.push(key.clone());
                leaf(field, &path::child(at, key), keys, strictness, status, findings);
                keys.pop();
            }
        }
        Value::String(_) | Value::Array(_) => {
            let body = body::read(value, at, Dialect::Plain, strictness, findings);
            let items: Vec<&Body> = match &body {
                Body::List(items) => items.iter().collect(),
                other => vec![other],
            };
            if items.iter().any(|item| !matches!(item, Body::Text(_))) {
                findings.push(plain(at));
            } else if body.formulas().iter().all(|formula| formula.uses().is_empty()) {
                let finding = Diagnostic::error("ConstantStatus", at, "the expression refers to nothing: the field would never change");
                findings.push(finding.with_hint("refer to a node or to `schema`"));
            } else {
                status.fields.push(StatusField { keys: keys.clone(), body });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => findings.push(plain(at)),
    }
}

fn plain(at: &str) -> Diagnostic {
    let finding = Diagnostic::error("ConstantStatus", at, "a status field must be an expression");
    finding.with_hint("as `url: ${app.outputs.url}`; what never changes belongs into the docs")
}

/// Checks the expressions and gives the schema of the status fields.
pub(super) fn check(status: &mut Status, known: &Known, findings: &mut Vec<Diagnostic>) -> Value {
    let names = known.all();
    let mut schema = Map::new();
    for field in &mut status.fields {
        field.body.check(&names, findings);
        for formula in field.body.formulas() {
            if formula.result().is_some_and(|type_| type_.has_secret()) {
                let finding = formula.finding("SecretExposed", "a status field cannot show a secret".to_owned());
                findings.push(finding.with_hint("name the Secret object instead, as `${credentials.metadata.name}`"));
            }
        }
        put(&mut schema, &field.keys, leaf_schema(&field.body));
    }
    for condition in &mut status.conditions {
        if let Err(found) = condition.check(&names) {
            findings.extend(found);
        }
    }
    Value::Object(schema)
}

fn leaf_schema(body: &Body) -> Value {
    match body {
        Body::Text(text) => text.result().map_or_else(crate::expression::any_schema, |type_| crate::expression::schema_of(&type_)),
        Body::List(items) => match items.first() {
            Some(first) => json!({"type": "array", "items": leaf_schema(first)}),
            None => crate::expression::any_schema(),
        },
        Body::Fixed(_) | Body::Object(_) => crate::expression::any_schema(),
    }
}

/// Puts a field's schema at its keys into a map of properties.
fn put(properties: &mut Map<String, Value>, keys: &[String], leaf: Value) {
    match keys {
        [] => {}
        [last] => {
            properties.insert(last.clone(), leaf);
        }
        [first, rest @ ..] => {
            let entry = properties.entry(first.clone()).or_insert_with(|| json!({"type": "object", "properties": {}}));
            if let Some(below) = entry.get_mut("properties").and_then(Value::as_object_mut) {
                put(below, rest, leaf);
            }
        }
    }
}
