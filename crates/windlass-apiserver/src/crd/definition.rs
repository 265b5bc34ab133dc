//! What the server keeps account of in a CustomResourceDefinition, and the CEL rules in its schemas.
//!
//! Source: `k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/{v1/defaults.go,validation}`, 1.35. Names, versions and schemas are judged in `builtin/validate/definition.rs`.

use serde_json::{Value, json};
use windlass_schema::structural::FieldError;

use super::rules;
use crate::object;

/// The status that a new definition begins with, and the versions that objects may be stored in.
pub(crate) fn prepare(new: &mut Value, old: Option<&Value>) {
    if old.is_none() {
        let stored: Vec<Value> =
            versions(new).filter(|version| version["storage"] == true).map(|version| version["name"].clone()).collect();
        new["status"] = json!({"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored});
    } else if let Some(current) = storage(new).map(str::to_owned) {
        let stored = object::child_mut(object::child_mut(new, "status"), "storedVersions");
        let mut all = stored.as_array().cloned().unwrap_or_default();
        if !all.iter().any(|version| *version == *current) {
            all.push(current.into());
        }
        *stored = all.into();
    }
}

pub(super) fn versions(definition: &Value) -> impl Iterator<Item = &Value> {
    definition["spec"]["versions"].as_array().into_iter().flatten()
}

/// The version that objects are stored in.
pub(super) fn storage(definition: &Value) -> Option<&str> {
    versions(definition).find(|version| version["storage"] == true).and_then(|version| version["name"].as_str())
}

/// The rules in its schemas; everything else is judged with the built-in kinds.
pub(crate) fn validate(new: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (position, version) in versions(new).enumerate() {
        errors.extend(rules::problems(&version["schema"]["openAPIV3Schema"], &format!("spec.versions[{position}].schema.openAPIV3Schema")));
    }
    errors
}
