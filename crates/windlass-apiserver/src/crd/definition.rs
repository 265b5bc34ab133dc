//! What a CustomResourceDefinition may say, and what is filled in where it says nothing.
//!
//! Source: `k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/{v1/defaults.go,validation}`, 1.35.

use serde_json::{Value, json};
use windlass_schema::structural::{FieldError, Schema};

use super::rules;
use crate::object;
use crate::registry::Registry;
use crate::status::qualified as qualified_name;
use crate::validation as names;

/// Defaults, and the status that a new definition begins with.
pub(crate) fn prepare(new: &mut Value, old: Option<&Value>) {
    let spec = object::child_mut(new, "spec");
    if spec["scope"].is_null() {
        spec["scope"] = "Namespaced".into();
    }
    let kind = spec["names"]["kind"].as_str().unwrap_or_default().to_owned();
    let defaults = [("singular", kind.to_ascii_lowercase()), ("listKind", format!("{kind}List"))];
    let given = object::child_mut(spec, "names");
    for (field, default) in defaults {
        if given[field].as_str().unwrap_or_default().is_empty() {
            given[field] = default.into();
        }
    }
    if spec["conversion"].is_null() {
        spec["conversion"] = json!({"strategy": "None"});
    }
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

/// The rules for definitions.
pub(crate) fn validate(_registry: &Registry, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &new["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    let expected = qualified_name(&plural, &group);
    if object::name(new) != expected {
        errors.push(FieldError::invalid("metadata.name", object::name(new), "must be spec.names.plural+\".\"+spec.group"));
    }
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", group.clone(), "should be a domain with at least one dot"));
    } else {
        errors.extend(names::subdomain(&group).into_iter().map(|problem| FieldError::invalid("spec.group", group.clone(), problem)));
    }
    if !["Namespaced", "Cluster"].contains(&text(&spec["scope"]).as_str()) {
        errors.push(FieldError::not_supported("spec.scope", spec["scope"].clone(), &["Cluster", "Namespaced"]));
    }
    check_names(&spec["names"], &mut errors);
    check_versions(new, &mut errors);
    if spec["conversion"]["strategy"] == "Webhook" {
        errors.push(FieldError::not_supported("spec.conversion.strategy", "Webhook", &["None"]));
    }
    if let Some(old) = old {
        check_update(new, old, &mut errors);
    }
    errors
}

fn check_names(given: &Value, errors: &mut Vec<FieldError>) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let path = format!("spec.names.{field}");
        let text = given[field].as_str().unwrap_or_default();
        if text.is_empty() {
            errors.push(FieldError::required(path, ""));
            continue;
        }
        // Kinds are checked as their lower-case form, as the real server does.
        let problems = names::dns_1035_label(&text.to_ascii_lowercase());
        let may_be_upper = field == "kind" || field == "listKind";
        let problems = if may_be_upper { problems } else { names::dns_1035_label(text) };
        errors.extend(problems.into_iter().map(|problem| FieldError::invalid(path.clone(), text, problem)));
    }
    if given["kind"] == given["listKind"] && !given["kind"].is_null() {
        errors.push(FieldError::invalid("spec.names.listKind", given["listKind"].clone(), "kind and listKind may not be the same"));
    }
    for field in ["shortNames", "categories"] {
        for (position, name) in given[field].as_array().into_iter().flatten().enumerate() {
            let text = name.as_str().unwrap_or_default();
            let path = format!("spec.names.{field}[{position}]");
            errors.extend(names::dns_1035_label(text).into_iter().map(|problem| FieldError::invalid(path.clone(), text, problem)));
        }
    }
}

fn check_versions(new: &Value, errors: &mut Vec<FieldError>) {
    let mut seen = Vec::new();
    for (position, version) in versions(new).enumerate() {
        let path = format!("spec.versions[{position}]");
        let name = version["name"].as_str().unwrap_or_default();
        if seen.contains(&name) {
            errors.push(FieldError::invalid("spec.versions", new["spec"]["versions"].clone(), "must contain unique version names"));
        }
        seen.push(name);
        let problems = names::dns_1035_label(name);
        errors.extend(problems.into_iter().map(|problem| FieldError::invalid(format!("{path}.name"), name, problem)));
        let schema = &version["schema"]["openAPIV3Schema"];
        let schema_path = format!("{path}.schema.openAPIV3Schema");
        if schema.is_null() {
            errors.push(FieldError::required(schema_path, "schemas are required"));
            continue;
        }
        match Schema::from_crd(schema, &schema_path) {
            Ok(_) => errors.extend(rules::problems(schema, &schema_path)),
            Err(problems) => errors.extend(problems),
        }
        check_scale(&version["subresources"]["scale"], &format!("{path}.subresources.scale"), errors);
    }
    let storing = versions(new).filter(|version| version["storage"] == true).count();
    if storing != 1 {
        let why = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", new["spec"]["versions"].clone(), why));
    }
}

fn check_scale(scale: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if scale.is_null() {
        return;
    }
    for (field, prefix) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let text = scale[field].as_str().unwrap_or_default();
        if text.is_empty() {
            errors.push(FieldError::required(format!("{path}.{field}"), ""));
        } else if !text.starts_with(prefix) || text.contains('[') {
            let why = format!("should be a json path under {}", prefix.trim_end_matches('.'));
            errors.push(FieldError::invalid(format!("{path}.{field}"), text, why));
        }
    }
}

/// What a definition that serves may not change.
fn check_update(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let (before, after) = (&old["spec"], &new["spec"]);
    for path in ["/group", "/scope", "/names/kind", "/names/plural"] {
        let established = super::has_condition(old, "Established") || path == "/group" || path == "/names/plural";
        if established && before.pointer(path) != after.pointer(path) {
            let field = format!("spec{}", path.replace('/', "."));
            errors.push(FieldError::invalid(field, after.pointer(path).cloned().unwrap_or(Value::Null), "field is immutable"));
        }
    }
    for (position, version) in new["status"]["storedVersions"].as_array().into_iter().flatten().enumerate() {
        if !versions(new).any(|served| served["name"] == *version) {
            let path = format!("status.storedVersions[{position}]");
            errors.push(FieldError::invalid(path, version.clone(), "missing from spec.versions; versions that were previously a storage version must remain in spec.versions until a storage migration ensures no data remains persisted in the removed version and removes it from status.storedVersions"));
        }
    }
}
