//! `x-kubernetes-validations`: the rules of a schema in CEL, compiled once with it.

use kube_cel::{CompiledSchema, RootContext, Validator, compile_schema};
use serde_json::Value;
use windlass_schema::structural::{ErrorKind, FieldError};

/// The rules of one schema; none where it has none.
pub(super) struct Rules(Option<(CompiledSchema, RootContext)>);

impl Rules {
    pub(super) fn compile(openapi: &Value, group: &str, version: &str, kind: &str) -> Rules {
        if !mentions_rules(openapi) {
            return Rules(None);
        }
        let context =
            RootContext { api_version: crate::registry::api_version(group, version), api_group: group.to_owned(), kind: kind.to_owned() };
        Rules(Some((compile_schema(openapi), context)))
    }

    /// Whether there are any.
    pub(super) fn exist(&self) -> bool {
        self.0.is_some()
    }

    /// What an object breaks.
    pub(super) fn check(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let Some((schema, context)) = &self.0 else { return Vec::new() };
        let Err(errors) = Validator::new().validate_compiled_with_context(schema, new, old, Some(context)) else { return Vec::new() };
        errors
            .into_vec()
            .into_iter()
            .map(|error| {
                let path = if error.field_path.is_empty() { "<nil>".to_owned() } else { error.field_path };
                match error.reason.as_deref() {
                    Some("FieldValueForbidden") => FieldError::forbidden(path, error.message),
                    Some("FieldValueRequired") => FieldError::required(path, error.message),
                    Some("FieldValueDuplicate") => FieldError { kind: ErrorKind::Duplicate, ..refused(path, error.message) },
                    _ => refused(path, error.message),
                }
            })
            .collect()
    }
}

/// The message is the rule's own; the value is not repeated.
fn refused(path: String, message: String) -> FieldError {
    FieldError { value: None, ..FieldError::invalid(path, Value::Null, message) }
}

fn mentions_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key("x-kubernetes-validations") || map.values().any(mentions_rules),
        Value::Array(list) => list.iter().any(mentions_rules),
        _ => false,
    }
}

/// What is wrong with the rules themselves.
pub(super) fn problems(openapi: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if mentions_rules(openapi) {
        collect(&compile_schema(openapi), openapi, path, &mut errors);
    }
    errors
}

fn collect(compiled: &CompiledSchema, openapi: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (position, rule) in compiled.validations.iter().enumerate() {
        if let Err(error) = rule {
            let text = openapi["x-kubernetes-validations"][position]["rule"].clone();
            errors.push(FieldError::invalid(format!("{path}.x-kubernetes-validations[{position}].rule"), text, error.to_string()));
        }
    }
    for (name, child) in &compiled.properties {
        collect(child, &openapi["properties"][name], &format!("{path}.properties[{name}]"), errors);
    }
    if let Some(items) = &compiled.items {
        collect(items, &openapi["items"], &format!("{path}.items"), errors);
    }
    if let Some(additional) = &compiled.additional_properties {
        collect(additional, &openapi["additionalProperties"], &format!("{path}.additionalProperties"), errors);
    }
}
