//! CustomResourceDefinitions: names, versions, columns and schemas.
//!
//! What one version's schema may say is judged by [`Schema::from_crd`]. Start with [`check`].
//! Source: `apiextensions-apiserver/pkg/apis/apiextensions/validation`.

use super::text;
use crate::builtin::{JsonPath, names};
use serde_json::Value;
use windlass_schema::structural::error::{child, index};
use windlass_schema::structural::{FieldError, Schema};

/// Everything wrong with a definition.
pub(super) fn check(object: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    let wanted = format!("{}.{}", text(&spec["names"]["plural"]), text(&spec["group"]));
    let name = text(&object["metadata"]["name"]);
    if name != wanted {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", name, detail));
    }
    group(text(&spec["group"]), errors);
    let scope = text(&spec["scope"]);
    match scope {
        "" => errors.push(FieldError::required("spec.scope", "")),
        "Cluster" | "Namespaced" => {}
        other => errors.push(FieldError::not_supported("spec.scope", other, &["Cluster", "Namespaced"])),
    }
    versions(spec, errors);
    resource_names(&spec["names"], errors);
    conversion(&spec["conversion"], errors);
    if spec["preserveUnknownFields"] == true {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", true, detail));
    }
    if let Some(old) = old {
        let established = old["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True");
        let fixed: &[&str] = if established { &["group", "scope"] } else { &["group"] };
        for field in fixed {
            super::unchanged(spec, &old["spec"], field, &child("spec", field), errors);
        }
        if established {
            for field in ["kind", "plural"] {
                super::unchanged(&spec["names"], &old["spec"]["names"], field, &child("spec.names", field), errors);
            }
        }
        stored(&object["status"]["storedVersions"], spec, errors);
    }
}

fn group(group: &str, errors: &mut Vec<FieldError>) {
    let problems = names::subdomain(group);
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !problems.is_empty() {
        errors.push(FieldError::invalid("spec.group", group, problems.join(",")));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
}

fn versions(spec: &Value, errors: &mut Vec<FieldError>) {
    let list = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let storage = list.iter().filter(|version| version["storage"] == true).count();
    let mut seen: Vec<&str> = Vec::new();
    let same_schema = list.iter().all(|version| version["schema"] == list[0]["schema"]);
    for (position, version) in list.iter().enumerate() {
        let path = index("spec.versions", position);
        let name = text(&version["name"]);
        let problems = names::dns_1035_label(name);
        if !problems.is_empty() {
            errors.push(FieldError::invalid(child(&path, "name"), name, problems.join(",")));
        }
        seen.push(name);
        let schema = &version["schema"]["openAPIV3Schema"];
        // The internal form has one schema for all versions when they do not differ, and messages show its place.
        let place = if same_schema { "spec.validation.openAPIV3Schema".to_owned() } else { format!("{path}.schema.openAPIV3Schema") };
        if schema.is_null() {
            errors.push(FieldError::required(format!("{path}.schema.openAPIV3Schema"), ""));
        } else if !(same_schema && position > 0)
            && let Err(problems) = Schema::from_crd(schema, &place)
        {
            errors.extend(problems);
        }
        columns(&version["additionalPrinterColumns"], &child(&path, "additionalPrinterColumns"), errors);
        scale(&version["subresources"]["scale"], &child(&path, "subresources.scale"), errors);
    }
    let all = || spec["versions"].clone();
    if (1..seen.len()).any(|position| seen[..position].contains(&seen[position])) {
        errors.push(FieldError::invalid("spec.versions", all(), "must contain unique version names"));
    }
    if storage != 1 {
        errors.push(FieldError::invalid("spec.versions", all(), "must have exactly one version marked as storage version"));
    }
}

fn resource_names(names_of: &Value, errors: &mut Vec<FieldError>) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let value = text(&names_of[field]);
        let path = child("spec.names", field);
        if value.is_empty() {
            errors.push(FieldError::required(path, ""));
            continue;
        }
        let problems = names::dns_1035_label(&value.to_lowercase()).join(",");
        let is_kind = field.to_lowercase().ends_with("kind");
        let exact = if is_kind { problems } else { names::dns_1035_label(value).join(",") };
        if !exact.is_empty() {
            let detail = if is_kind { format!("may have mixed case, but should otherwise match: {exact}") } else { exact };
            errors.push(FieldError::invalid(path, value, detail));
        }
    }
    for list in ["shortNames", "categories"] {
        for (position, name) in names_of[list].as_array().into_iter().flatten().map(text).enumerate() {
            let problems = names::dns_1035_label(name);
            if !problems.is_empty() {
                let path = index(&child("spec.names", list), position);
                errors.push(FieldError::invalid(path, name, problems.join(",")));
            }
        }
    }
    if !text(&names_of["kind"]).is_empty() && names_of["kind"] == names_of["listKind"] {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid("spec.names.listKind", text(&names_of["listKind"]), detail));
    }
}

fn conversion(conversion: &Value, errors: &mut Vec<FieldError>) {
    match text(&conversion["strategy"]) {
        "None" if !conversion["webhook"].is_null() => {
            let detail = "should not be set when strategy is not set to Webhook";
            errors.push(FieldError::forbidden("spec.conversion.webhook", detail));
        }
        "None" | "" => {}
        // Named here, because accepting it would silently serve unconverted objects.
        "Webhook" => {
            let detail = "conversion webhooks are not supported by this server";
            errors.push(FieldError::forbidden("spec.conversion.strategy", detail));
        }
        other => errors.push(FieldError::not_supported("spec.conversion.strategy", other, &["None", "Webhook"])),
    }
}

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 9] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "name", "password"];

fn columns(list: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (position, column) in list.as_array().into_iter().flatten().enumerate() {
        let path = index(path, position);
        if text(&column["name"]).is_empty() {
            errors.push(FieldError::required(child(&path, "name"), ""));
        }
        let must = |words: &[&str]| format!("must be one of {}", words.join(","));
        match text(&column["type"]) {
            "" => errors.push(FieldError::required(child(&path, "type"), must(&COLUMN_TYPES))),
            known if COLUMN_TYPES.contains(&known) => {}
            other => errors.push(FieldError::invalid(child(&path, "type"), other, must(&COLUMN_TYPES))),
        }
        let format = text(&column["format"]);
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            errors.push(FieldError::invalid(child(&path, "format"), format, must(&COLUMN_FORMATS)));
        }
        let json_path = text(&column["jsonPath"]);
        if json_path.is_empty() {
            errors.push(FieldError::required(child(&path, "JSONPath"), ""));
        } else if let Some(problem) = simple_path(json_path) {
            errors.push(FieldError::invalid(child(&path, "jsonPath"), json_path, problem));
        }
    }
}

fn simple_path(path: &str) -> Option<String> {
    if !path.starts_with('.') {
        return Some("must be a simple json path starting with .".to_owned());
    }
    JsonPath::parse(path).err().map(|problem| format!("is an invalid path: {problem}"))
}

fn scale(scale: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if scale.is_null() {
        return;
    }
    for (field, root) in [("specReplicasPath", "spec"), ("statusReplicasPath", "status")] {
        let value = text(&scale[field]);
        if value.is_empty() {
            errors.push(FieldError::required(child(path, field), ""));
        } else if !value.starts_with(&format!(".{root}.")) {
            errors.push(FieldError::invalid(child(path, field), value, format!("should be a json path under .{root}")));
        }
    }
    let labels = text(&scale["labelSelectorPath"]);
    if !labels.is_empty() && !labels.starts_with(".spec.") && !labels.starts_with(".status.") {
        let detail = "should be a json path under either .spec or .status";
        errors.push(FieldError::invalid(child(path, "labelSelectorPath"), labels, detail));
    }
}

/// Versions in which objects may be stored cannot go.
fn stored(list: &Value, spec: &Value, errors: &mut Vec<FieldError>) {
    let exists = |name: &Value| spec["versions"].as_array().into_iter().flatten().any(|version| version["name"] == *name);
    for (position, name) in list.as_array().into_iter().flatten().enumerate().filter(|(_, name)| !exists(name)) {
        let name = text(name);
        let detail = format!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
        );
        errors.push(FieldError::invalid(index("status.storedVersions", position), name, detail));
    }
}
