//! What a Template publishes: its kind, the schema of its spec, and the CustomResourceDefinition.
//!
//! Labels that say whose definition it is are put on by whoever applies it. Source of the shapes: kro's `pkg/graph/crd`.

use super::read::{Source, unknown_fields};
use crate::expression::{Formula, Names, is_condition, type_of_schema};
use crate::path;
use crate::sizes::SizeTable;
use serde_json::{Map, Value, json};
use windlass_api::Diagnostic;
use windlass_api::names;
use windlass_api::template::PublishedKind;
use windlass_schema::plural::plural;
use windlass_schema::{form, simple};

const AT: &str = "spec.schema";
/// Group of ResourceGraphDefinitions that name none.
const KRO_GROUP: &str = "kro.run";
const KRO_SCHEMA: [&str; 11] =
    ["kind", "apiVersion", "group", "scope", "spec", "types", "status", "additionalPrinterColumns", "shortNames", "categories", "metadata"];
const SCHEMA: [&str; 13] = [
    "kind",
    "apiVersion",
    "group",
    "scope",
    "plural",
    "spec",
    "types",
    "validations",
    "status",
    "additionalPrinterColumns",
    "shortNames",
    "categories",
    "metadata",
];

/// Reads names, group, version and scope.
pub(super) fn kind(source: &Source<'_>, findings: &mut Vec<Diagnostic>) -> Option<PublishedKind> {
    let before = findings.len();
    unknown_fields(source.schema, if source.kro { &KRO_SCHEMA } else { &SCHEMA }, AT, "`schema`", findings);
    let mut text = |key: &str, default: Option<&str>, is_right: &dyn Fn(&str) -> bool, hint: &str| -> String {
        let at = path::child(AT, key);
        match (source.schema.get(key), default) {
            (None | Some(Value::Null), Some(default)) => default.to_owned(),
            (None | Some(Value::Null), None) => {
                findings.push(Diagnostic::error("MissingField", at, format!("`{key}` is missing")).with_hint(hint));
                String::new()
            }
            (Some(Value::String(text)), _) if is_right(text) => text.clone(),
            (Some(other), _) => {
                let shown = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                findings.push(Diagnostic::error("InvalidName", at, format!("`{shown}` cannot be `{key}` of a kind")).with_hint(hint));
                String::new()
            }
        }
    };
    let kind = text("kind", None, &is_kind, "a kind begins with a capital letter and has letters and digits, as `WebApp`");
    let version = text("apiVersion", None, &is_version, "as `v1alpha1`, `v1beta2` or `v1`, without a group");
    let default_group = if source.kro { KRO_GROUP } else { names::GENERATED_GROUP };
    let group = text("group", Some(default_group), &is_domain, "a group is a DNS name, as `platform.acme.example`");
    let scope = text("scope", Some("Namespaced"), &|scope| matches!(scope, "Namespaced" | "Cluster"), "write `Namespaced` or `Cluster`");
    let default_plural = plural(&kind);
    let plural = text("plural", Some(&default_plural), &is_label, "lower-case letters and digits, as `webapps`");
    let reserved = group == names::GROUP || group.ends_with(".k8s.io") || group == "k8s.io";
    if reserved && !source.kro {
        let finding = Diagnostic::error("ReservedName", path::child(AT, "group"), format!("the group `{group}` is not yours"));
        findings.push(finding.with_hint(format!("leave it out, for `{}`, or take a domain of your own", names::GENERATED_GROUP)));
    }
    (findings.len() == before).then(|| PublishedKind { group, version, kind, plural, namespaced: scope == "Namespaced" })
}

fn is_kind(text: &str) -> bool {
    text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_version(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let Some(rest) = text.strip_prefix('v') else { return false };
    let stage = rest.split_once("alpha").or_else(|| rest.split_once("beta"));
    stage.map_or_else(|| digits(rest), |(major, minor)| digits(major) && digits(minor))
}

fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&text.len()) && text.chars().all(|c| plain(c) || c == '-') && text.starts_with(plain) && text.ends_with(plain)
}

fn is_domain(text: &str) -> bool {
    text.len() <= 200 && text.contains('.') && text.split('.').all(is_label)
}

/// The schema of `spec`: the author's fields, `size` where there are sizes, and the rules over all of it.
pub(super) fn spec_schema(source: &Source<'_>, sizes: Option<&SizeTable>, findings: &mut Vec<Diagnostic>) -> Option<Value> {
    let at = path::child(AT, "spec");
    let found = simple::openapi(source.schema.get("spec"), source.schema.get("types"), &at, &path::child(AT, "types"));
    let mut openapi = match found {
        Ok(found) => {
            findings.extend(found.warnings);
            found.openapi
        }
        Err(found) => {
            findings.extend(found);
            return None;
        }
    };
    if let Some(sizes) = sizes {
        let fields = openapi.as_object_mut()?;
        let properties = fields.entry("properties").or_insert_with(|| json!({})).as_object_mut()?;
        if properties.contains_key("size") {
            let finding = Diagnostic::error("DuplicateField", path::child(&at, "size"), "the field `size` is added by `sizes`");
            findings.push(finding.with_hint("leave this one out, or call it otherwise"));
            return None;
        }
        properties.insert("size".into(), sizes.field_schema());
        if !fields.contains_key("required") {
            fields.insert("default".into(), json!({}));
        }
    }
    let rules = rules(source, findings);
    if !rules.is_empty() {
        openapi["x-kubernetes-validations"] = Value::Array(rules);
    }
    if let Some(wishes) = source.form {
        findings.extend(form::check(wishes, &openapi, "spec.form"));
    }
    Some(openapi)
}

/// `validations`: rules over several fields, as `x-kubernetes-validations` has them.
fn rules(source: &Source<'_>, findings: &mut Vec<Diagnostic>) -> Vec<Value> {
    let at = path::child(AT, "validations");
    let items = match source.schema.get("validations").filter(|_| !source.kro) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            findings.push(Diagnostic::error("WrongType", at, "`validations` must be a list of rules"));
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = path::item(&at, index);
        let Some(fields) = item.as_object() else {
            findings.push(
                Diagnostic::error("WrongType", at, "a rule must be an object")
                    .with_hint("as `{rule: \"self.a < self.b\", message: \"a must be below b\"}`"),
            );
            continue;
        };
        unknown_fields(fields, &["rule", "message"], &at, "a rule", findings);
        let text = |key: &str| fields.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        match (text("rule"), text("message")) {
            (Some(rule), Some(message)) => rules.push(json!({"rule": rule, "message": message})),
            _ => findings.push(
                Diagnostic::error("MissingField", at, "a rule needs `rule` and `message`")
                    .with_hint("the message says the way out to whoever asks"),
            ),
        }
    }
    rules
}

/// Checks the author's rules: over several fields, and of single fields. Gives those over several fields, to be evaluated.
pub(super) fn checked_rules(source: &Source<'_>, openapi: &Value, findings: &mut Vec<Diagnostic>) -> Vec<(Formula, String)> {
    if source.kro {
        return Vec::new();
    }
    let mut found = Vec::new();
    let spec_at = path::child(AT, "spec");
    let own = path::child(AT, "validations");
    let mut open = vec![(spec_at.clone(), openapi)];
    while let Some((at, schema)) = open.pop() {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
        for (index, rule) in rules.enumerate() {
            let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
            let is_own = at == spec_at;
            let rule_at = if is_own { path::child(&path::item(&own, index), "rule") } else { at.clone() };
            let Some(mut formula) = Formula::rule(text("rule"), &rule_at, findings) else { continue };
            let type_ = type_of_schema("self", schema);
            let names = Names::new(vec![("self".to_owned(), type_.clone()), ("oldSelf".to_owned(), type_)]);
            match formula.check(&names) {
                Ok(type_) if is_condition(&type_) => {
                    if is_own && !formula.uses().iter().any(|used| used.root == "oldSelf") {
                        found.push((formula, text("message").to_owned()));
                    }
                }
                Ok(type_) => findings.push(formula.finding("WrongType", format!("a rule must give true or false, but this gives {type_}"))),
                Err(wrong) => {
                    findings.extend(wrong.into_iter().map(|wrong| if is_own { wrong } else { Diagnostic { column: None, ..wrong } }))
                }
            }
        }
        let below = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        open.extend(below.map(|(key, below)| (path::child(&at, key), below)));
        open.extend(
            ["items", "additionalProperties"]
                .iter()
                .filter_map(|key| Some((at.clone(), schema.get(key).filter(|below| below.is_object())?))),
        );
    }
    found
}

/// The CustomResourceDefinition.
pub(super) fn definition(
    source: &Source<'_>,
    published: &PublishedKind,
    openapi: &Value,
    status_fields: &Value,
    findings: &mut Vec<Diagnostic>,
) -> Value {
    let mut status = if source.kro { kro_status() } else { our_status() };
    for (key, schema) in status_fields.as_object().into_iter().flatten() {
        status.insert(key.clone(), schema.clone());
    }
    let mut root = json!({
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
            "spec": openapi, "status": {"type": "object", "properties": status},
        },
    });
    if !source.kro && openapi.get("required").is_some() {
        root["required"] = json!(["spec"]);
    }
    let mut names = json!({
        "kind": published.kind, "listKind": format!("{}List", published.kind), "plural": published.plural, "singular": published.kind.to_lowercase(),
    });
    for key in ["shortNames", "categories"] {
        let words = words(source, key, findings);
        if !words.is_empty() {
            names[key] = json!(words);
        }
    }
    let mut metadata = json!({"name": format!("{}.{}", published.plural, published.group)});
    for key in ["labels", "annotations"] {
        if let Some(given) = source.schema.get("metadata").and_then(|given| given.get(key)).filter(|given| given.is_object()) {
            metadata[key] = given.clone();
        }
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": published.group,
            "names": names,
            "scope": if published.namespaced { "Namespaced" } else { "Cluster" },
            "versions": [{
                "name": published.version, "served": true, "storage": true, "subresources": {"status": {}},
                "additionalPrinterColumns": columns(source, findings),
                "schema": {"openAPIV3Schema": root},
            }],
        },
    })
}

fn words(source: &Source<'_>, key: &str, findings: &mut Vec<Diagnostic>) -> Vec<String> {
    let at = path::child(AT, key);
    let items = match source.schema.get(key) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= 32 => items,
        Some(_) => {
            findings.push(Diagnostic::error("WrongType", at, format!("`{key}` must be a list of at most 32 words")));
            return Vec::new();
        }
    };
    let mut words = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item.as_str().filter(|word| is_label(word)) {
            Some(word) => words.push(word.to_owned()),
            None => findings.push(Diagnostic::error("InvalidName", path::item(&at, index), format!("{item} must be a word in lower case"))),
        }
    }
    words
}

fn columns(source: &Source<'_>, findings: &mut Vec<Diagnostic>) -> Value {
    match source.schema.get("additionalPrinterColumns") {
        None | Some(Value::Null) => {}
        Some(Value::Array(columns)) => {
            for (index, column) in columns.iter().enumerate() {
                let text = |key: &str| column.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
                if !(text("name") && text("type") && text("jsonPath")) {
                    let at = path::item(&path::child(AT, "additionalPrinterColumns"), index);
                    findings.push(
                        Diagnostic::error("MissingField", at, "a column needs `name`, `type` and `jsonPath`")
                            .with_hint("as `{name: URL, type: string, jsonPath: .status.url}`"),
                    );
                }
            }
            return Value::Array(columns.clone());
        }
        Some(_) => {
            findings.push(Diagnostic::error("WrongType", path::child(AT, "additionalPrinterColumns"), "it must be a list of columns"))
        }
    }
    let ready = r#".status.conditions[?(@.type=="Ready")].status"#;
    if source.kro {
        return json!([
            {"name": "State", "type": "string", "jsonPath": ".status.state", "description": "The state of a ResourceGraphDefinition instance"},
            {"name": "Ready", "type": "string", "jsonPath": ready, "description": "Whether a ResourceGraphDefinition instance is ready"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Age of the resource"},
        ]);
    }
    json!([
        {"name": "State", "type": "string", "jsonPath": ".status.state", "description": "How it stands, in one word"},
        {"name": "Ready", "type": "string", "jsonPath": ready, "description": "Whether it does its work"},
        {"name": "URL", "type": "string", "jsonPath": ".status.url", "description": "Where it answers"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "How long it has been there"},
    ])
}

fn kro_status() -> Map<String, Value> {
    let text = json!({"type": "string"});
    let condition = json!({"type": "object", "properties": {
        "type": text, "status": text, "reason": text, "message": text, "lastTransitionTime": text, "observedGeneration": {"type": "integer"},
    }});
    let mut status = Map::new();
    status.insert("state".into(), text);
    status.insert("conditions".into(), json!({"type": "array", "items": condition}));
    status
}

/// Status fields that the platform writes; see [`windlass_api::instance::InstanceStatus`].
fn our_status() -> Map<String, Value> {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer", "format": "int64"});
    let fields = json!({
        "state": {"type": "string", "description": "How it stands, in one word."},
        "conditions": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
            "items": {"type": "object", "required": ["type", "status"], "properties": {
                "type": text, "status": text, "reason": text, "message": text, "lastTransitionTime": text, "observedGeneration": number,
            }},
        },
        "observedGeneration": number,
        "revision": {"type": "string", "description": "The TemplateRevision that it was rendered from."},
        "lastRun": {"type": "string", "description": "Name of the newest Run."},
        "waitingOn": {"type": "array", "description": "What it waits for; empty when ready.", "items": {"type": "object", "properties": {
            "node": text, "reason": text, "message": text, "since": text,
        }}},
        "inventory": {"type": "object", "description": "What exists because of it, in numbers.", "properties": {"present": number, "unknown": number}},
        "url": {"type": "string", "description": "Where it answers."},
        "address": {"type": "string", "description": "Where programs reach it."},
    });
    if let Value::Object(fields) = fields { fields } else { Map::new() }
}
