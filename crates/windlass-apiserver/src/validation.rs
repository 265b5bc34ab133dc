//! Rules for `metadata`, the same for every kind. Schemas and rules of single kinds are elsewhere.
//!
//! Source: `k8s.io/apimachinery/pkg/api/validation/objectmeta.go` and `pkg/util/validation`, 1.35; messages are theirs.

use serde_json::Value;
use windlass_schema::structural::FieldError;
use windlass_schema::structural::error::{index, key};

use crate::object;
use crate::registry::Resource;

/// The most bytes that all annotations together may have.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
     alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end \
     with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_1035_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end \
     with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART_RULE: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
     (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const QUALIFIED_RULE: &str = "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
     character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an \
     optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end \
     with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn is_lower_label(text: &str) -> bool {
    let edge = |character: Option<char>| character.is_some_and(|character| character.is_ascii_lowercase() || character.is_ascii_digit());
    edge(text.chars().next()) && edge(text.chars().next_back()) && text.chars().all(|character| character == '-' || edge(Some(character)))
}

/// Problems of a DNS label (namespaces).
pub(crate) fn dns_label(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push("must be no more than 63 bytes".to_owned());
    }
    if !is_lower_label(text) {
        problems.push(LABEL_RULE.to_owned());
    }
    problems
}

/// Problems of a DNS label that begins with a letter (names of kinds and versions).
pub(crate) fn dns_1035_label(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push("must be no more than 63 bytes".to_owned());
    }
    if !is_lower_label(text) || !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        problems.push(DNS_1035_RULE.to_owned());
    }
    problems
}

/// Problems of a DNS subdomain (most names).
pub(crate) fn subdomain(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 253 {
        problems.push("must be no more than 253 bytes".to_owned());
    }
    if !text.split('.').all(is_lower_label) {
        problems.push(SUBDOMAIN_RULE.to_owned());
    }
    problems
}

fn is_name_part(text: &str) -> bool {
    let edge = |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphanumeric());
    edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.chars().all(|character| "-_.".contains(character) || edge(Some(character)))
}

/// Problems of a key of labels and annotations.
fn qualified_name(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if name.contains('/') {
        return vec![QUALIFIED_RULE.to_owned()];
    }
    match prefix {
        Some("") => problems.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => problems.extend(subdomain(prefix).into_iter().map(|problem| format!("prefix part {problem}"))),
        None => {}
    }
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        problems.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_name_part(name) {
        problems.push(NAME_PART_RULE.to_owned());
    }
    problems
}

fn label_value(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push("must be no more than 63 bytes".to_owned());
    }
    if !text.is_empty() && !is_name_part(text) {
        problems.push(LABEL_VALUE_RULE.to_owned());
    }
    problems
}

/// The rules for a new object's `metadata`, and those that hold for every object.
pub(crate) fn metadata(resource: &Resource, value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let check = if resource.is("", "namespaces") { dns_label } else { subdomain };
    let name = object::name(value);
    let generate = object::meta(value, "generateName");
    if !generate.is_empty() {
        let problems = check(generate.trim_end_matches(['-', '.']));
        errors.extend(problems.into_iter().map(|problem| FieldError::invalid("metadata.generateName", generate, problem)));
    }
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        errors.extend(check(name).into_iter().map(|problem| FieldError::invalid("metadata.name", name, problem)));
    }
    labels_and_annotations(value, &mut errors);
    finalizers(value, &mut errors);
    owner_references(value, &mut errors);
    errors
}

fn labels_and_annotations(value: &Value, errors: &mut Vec<FieldError>) {
    for (name, label) in value["metadata"]["labels"].as_object().into_iter().flatten() {
        let label = label.as_str().unwrap_or_default();
        errors.extend(qualified_name(name).into_iter().map(|problem| FieldError::invalid("metadata.labels", name.as_str(), problem)));
        let path = key("metadata.labels", name);
        errors.extend(label_value(label).into_iter().map(|problem| FieldError::invalid(path.clone(), label, problem)));
    }
    let mut size = 0;
    for (name, text) in value["metadata"]["annotations"].as_object().into_iter().flatten() {
        let problems = qualified_name(&name.to_ascii_lowercase());
        errors.extend(problems.into_iter().map(|problem| FieldError::invalid("metadata.annotations", name.as_str(), problem)));
        size += name.len() + text.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(FieldError::too_long("metadata.annotations", ANNOTATIONS_LIMIT as u64));
    }
}

fn finalizers(value: &Value, errors: &mut Vec<FieldError>) {
    let finalizers = object::finalizers(value);
    for name in &finalizers {
        errors.extend(qualified_name(name).into_iter().map(|problem| FieldError::invalid("metadata.finalizers", *name, problem)));
    }
    if finalizers.contains(&"orphan") && finalizers.contains(&"foregroundDeletion") {
        let both = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid("metadata.finalizers", finalizers.clone(), both));
    }
}

fn owner_references(value: &Value, errors: &mut Vec<FieldError>) {
    let mut controller: Option<String> = None;
    for (position, reference) in value["metadata"]["ownerReferences"].as_array().into_iter().flatten().enumerate() {
        let path = index("metadata.ownerReferences", position);
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        let (_, version) = text("apiVersion").rsplit_once('/').unwrap_or(("", text("apiVersion")));
        if version.is_empty() {
            errors.push(FieldError::invalid(format!("{path}.apiVersion"), text("apiVersion"), "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if text(field).is_empty() {
                errors.push(FieldError::invalid(format!("{path}.{field}"), "", "must not be empty"));
            }
        }
        if reference["controller"] == true {
            if let Some(first) = &controller {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {}/{}",
                    text("kind"),
                    text("name")
                );
                errors.push(FieldError::invalid("metadata.ownerReferences", value["metadata"]["ownerReferences"].clone(), detail));
            }
            controller.get_or_insert_with(|| format!("{}/{}", text("kind"), text("name")));
        }
    }
}

/// What may not change in `metadata`.
pub(crate) fn metadata_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        let (before, after) = (&old["metadata"][field], &new["metadata"][field]);
        if before != after && !(before.is_null() && after.as_str() == Some("")) {
            errors.push(FieldError::invalid(format!("metadata.{field}"), after.clone(), "field is immutable"));
        }
    }
    if object::is_terminating(old) {
        let before = object::finalizers(old);
        let added: Vec<&str> = object::finalizers(new).into_iter().filter(|name| !before.contains(name)).collect();
        if !added.is_empty() {
            let shown: Vec<String> = added.iter().map(|name| format!("\"{name}\"")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                shown.join(", ")
            );
            errors.push(FieldError::forbidden("metadata.finalizers", detail));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    //! Names that are taken and refused.

    use super::*;

    #[test]
    fn names_follow_dns() {
        for name in ["a", "a.b", "a-b.c1", "0"] {
            assert!(subdomain(name).is_empty(), "{name}");
        }
        for name in ["", "A", "-a", "a-", "a..b", ".a", "a_b"] {
            assert_eq!(subdomain(name), [SUBDOMAIN_RULE], "{name}");
        }
        assert_eq!(dns_label("a.b"), [LABEL_RULE]);
        assert_eq!(dns_label(&"a".repeat(64)), ["must be no more than 63 bytes"]);
    }

    #[test]
    fn label_keys_have_an_optional_prefix() {
        assert!(qualified_name("example.com/A_b").is_empty());
        assert_eq!(qualified_name("a/b/c"), [QUALIFIED_RULE]);
        assert_eq!(qualified_name("/b"), ["prefix part must be non-empty"]);
        assert_eq!(qualified_name("-b"), [NAME_PART_RULE]);
    }

    #[test]
    fn terminating_objects_take_no_new_finalizers() {
        let old = serde_json::json!({"metadata": {"deletionTimestamp": "x", "finalizers": ["a/b"]}});
        let new = serde_json::json!({"metadata": {"deletionTimestamp": "x", "finalizers": ["a/b", "c/d"]}});
        let errors = metadata_update(&new, &old);
        assert_eq!(
            errors[0].to_string(),
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"c/d\"}"
        );
        assert!(metadata_update(&old, &new).is_empty());
    }
}
