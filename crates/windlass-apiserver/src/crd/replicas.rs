//! What stands at the paths of a custom resource's `scale`: counts that `/scale` can show, whatever the schema says.
//!
//! Start with [`check`]. Source: `apiextensions-apiserver/pkg/registry/customresource/validator.go`, and
//! `NestedInt64` of `apimachinery/pkg/apis/meta/v1/unstructured`, whose words these are.

use serde_json::Value;
use windlass_schema::structural::FieldError;

use crate::fields::go_print as shown;
use crate::registry::Scale;

/// Everything wrong with the replicas of an object; of its status alone where only that is written.
pub(super) fn check(scale: &Scale, object: &Value, status_only: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !status_only {
        errors.extend(count(object, &scale.spec_replicas));
    }
    errors.extend(count(object, &scale.status_replicas));
    if let Some(path) = &scale.selector {
        match at(object, path) {
            Ok(None | Some(Value::String(_))) => {}
            Ok(Some(other)) => {
                let why = format!(".{path} accessor error: {} is of the type {}, expected string", shown(other), type_name(other));
                errors.push(FieldError::invalid(format!(".{path}"), "", why));
            }
            Err(why) => errors.push(FieldError::invalid(format!(".{path}"), "", why)),
        }
    }
    errors
}

fn count(object: &Value, path: &str) -> Option<FieldError> {
    let refused = |value: i64, why: String| Some(FieldError::invalid(format!(".{path}"), value, why));
    let found = match at(object, path) {
        Ok(found) => found?,
        Err(why) => return refused(0, why),
    };
    match found.as_i64() {
        None => refused(0, format!(".{path} accessor error: {} is of the type {}, expected int64", shown(found), type_name(found))),
        Some(value) if value < 0 => refused(value, "should be a non-negative integer".to_owned()),
        Some(value) if value > i64::from(i32::MAX) => refused(value, format!("should be less than or equal to {}", i32::MAX)),
        Some(_) => None,
    }
}

/// The value at a dotted path; an error where the path leads through something that has no fields.
fn at<'a>(object: &'a Value, path: &str) -> Result<Option<&'a Value>, String> {
    let mut place = object;
    let mut walked = String::new();
    for step in path.split('.') {
        match place {
            Value::Null => return Ok(None),
            Value::Object(map) => match map.get(step) {
                Some(value) => place = value,
                None => return Ok(None),
            },
            other => {
                let (value, kind) = (shown(other), type_name(other));
                return Err(format!("{walked}.{step} accessor error: {value} is of the type {kind}, expected map[string]interface{{}}"));
            }
        }
        walked = format!("{walked}.{step}");
    }
    Ok(Some(place))
}

/// The Go type of a decoded JSON value.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    //! Counts that no `/scale` can show.

    use super::*;
    use serde_json::json;

    fn said(object: &Value) -> Vec<String> {
        let scale = Scale {
            spec_replicas: "spec.count".to_owned(),
            status_replicas: "status.count".to_owned(),
            selector: Some("status.selector".to_owned()),
        };
        check(&scale, object, false).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        assert!(said(&json!({"spec": {"count": 3}, "status": null})).is_empty());
        assert_eq!(said(&json!({"spec": {"count": -1}})), [".spec.count: Invalid value: -1: should be a non-negative integer"]);
        assert_eq!(
            said(&json!({"spec": {"count": "many"}, "status": {"count": 3_000_000_000_i64, "selector": 1}})),
            [
                ".spec.count: Invalid value: 0: .spec.count accessor error: many is of the type string, expected int64",
                ".status.count: Invalid value: 3000000000: should be less than or equal to 2147483647",
                ".status.selector: Invalid value: \"\": .status.selector accessor error: 1 is of the type int64, expected string",
            ]
        );
        assert_eq!(
            said(&json!({"spec": [{"a": 1.5}]})),
            [
                ".spec.count: Invalid value: 0: .spec.count accessor error: [map[a:1.5]] is of the type []interface {}, expected map[string]interface{}"
            ]
        );
    }
}
