//! The rules of `score.dev/v1b1`, as a table, and the check against it. Values that come later or are secret pass: they are
//! checked when they are known.

use crate::shape::{self, Shape};
use crate::text;
use serde_json::{Value, json};
use windlass_api::Diagnostic;
use windlass_api::planned::Planned;

/// Where a Score document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of its own.
    File,
    /// Inside a Template's `workload`, where `apiVersion` and `metadata` may be left out.
    Template,
}

/// What a value must be.
enum Rule {
    Any,
    Boolean,
    Integer(i64, i64),
    Text,
    /// A text of a form, which is described in words.
    Form(fn(&str) -> bool, &'static str),
    OneOf(&'static [&'static str]),
    List(&'static Rule),
    /// Named fields; anything else is unknown.
    Object(&'static [Field]),
    /// Named fields; anything else is free.
    Open(&'static [Field]),
    /// Free keys of a form.
    Map(fn(&str) -> bool, &'static str, &'static Rule),
    /// The present form is a map by target; the old one a list whose items name theirs.
    ByTarget(&'static Rule, &'static Rule),
}

struct Field {
    name: &'static str,
    required: bool,
    rule: &'static Rule,
}

const fn need(name: &'static str, rule: &'static Rule) -> Field {
    Field { name, required: true, rule }
}

const fn may(name: &'static str, rule: &'static Rule) -> Field {
    Field { name, required: false, rule }
}

const LABEL: &str = "2 to 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit";
const PORT: Rule = Rule::Integer(1, 65535);
const NOT_EMPTY: Rule = Rule::Form(|text| !text.is_empty(), "a text that is not empty");
const ANNOTATIONS: Rule = Rule::Map(text::annotation, "`name` or `prefix/name`", &Rule::Text);

const FILE: Rule = Rule::Object(&[
    may("mode", &Rule::Form(text::mode, "three octal digits, such as `644`")),
    may("source", &NOT_EMPTY),
    may("content", &Rule::Text),
    may("binaryContent", &Rule::Form(text::base64, "base64")),
    may("noExpand", &Rule::Boolean),
]);
const OLD_FILE: Rule = Rule::Object(&[
    need("target", &NOT_EMPTY),
    may("mode", &Rule::Form(text::mode, "three octal digits, such as `644`")),
    may("source", &NOT_EMPTY),
    may("content", &Rule::Any),
    may("binaryContent", &Rule::Form(text::base64, "base64")),
    may("noExpand", &Rule::Boolean),
]);
const VOLUME: Rule = Rule::Object(&[need("source", &Rule::Text), may("path", &Rule::Text), may("readOnly", &Rule::Boolean)]);
const OLD_VOLUME: Rule =
    Rule::Object(&[need("source", &Rule::Text), need("target", &Rule::Text), may("path", &Rule::Text), may("readOnly", &Rule::Boolean)]);

const AMOUNTS: Rule = Rule::Object(&[
    may("cpu", &Rule::Form(text::cpu, "a number of processors such as `2`, `0.5` or `500m`")),
    may("memory", &Rule::Form(text::memory, "an amount of memory such as `128Mi` or `1.5G`")),
]);

const PROBE: Rule = Rule::Object(&[
    may(
        "httpGet",
        &Rule::Object(&[
            need("path", &Rule::Text),
            need("port", &PORT),
            may("host", &NOT_EMPTY),
            may("scheme", &Rule::OneOf(&["HTTP", "HTTPS"])),
            may(
                "httpHeaders",
                &Rule::List(&Rule::Object(&[
                    need("name", &Rule::Form(text::header, "letters, digits, `_` and `-`")),
                    need("value", &NOT_EMPTY),
                ])),
            ),
        ]),
    ),
    may("exec", &Rule::Object(&[need("command", &Rule::List(&Rule::Text))])),
]);

const CONTAINER: Rule = Rule::Object(&[
    need("image", &NOT_EMPTY),
    may("command", &Rule::List(&Rule::Text)),
    may("args", &Rule::List(&Rule::Text)),
    may("variables", &Rule::Map(text::variable, "a name without `=`", &Rule::Text)),
    may("files", &Rule::ByTarget(&FILE, &OLD_FILE)),
    may("volumes", &Rule::ByTarget(&VOLUME, &OLD_VOLUME)),
    may("before", &Rule::Map(text::label, LABEL, &Rule::Object(&[need("ready", &Rule::OneOf(&["started", "healthy", "complete"]))]))),
    may("resources", &Rule::Object(&[may("limits", &AMOUNTS), may("requests", &AMOUNTS)])),
    may("livenessProbe", &PROBE),
    may("readinessProbe", &PROBE),
]);

const RESOURCE: Rule = Rule::Object(&[
    need("type", &Rule::Form(text::word, "2 to 63 letters, digits and `-`")),
    may("class", &Rule::Form(text::word, "2 to 63 letters, digits and `-`")),
    may("id", &Rule::Form(text::id, "lower-case letters, digits, `-` and `.`")),
    may("metadata", &Rule::Open(&[may("annotations", &ANNOTATIONS)])),
    may("params", &Rule::Open(&[])),
]);

const METADATA: Rule = Rule::Open(&[need("name", &Rule::Form(text::label, LABEL)), may("annotations", &ANNOTATIONS)]);
const LOOSE_METADATA: Rule = Rule::Open(&[may("name", &Rule::Form(text::label, LABEL)), may("annotations", &ANNOTATIONS)]);
const SERVICE: Rule = Rule::Object(&[may(
    "ports",
    &Rule::Map(
        text::label,
        LABEL,
        &Rule::Object(&[need("port", &PORT), may("protocol", &Rule::OneOf(&["TCP", "UDP"])), may("targetPort", &PORT)]),
    ),
)]);
const VERSION: Rule = Rule::OneOf(&["score.dev/v1b1"]);
const CONTAINERS: Rule = Rule::Map(text::label, LABEL, &CONTAINER);
const RESOURCES: Rule = Rule::Map(text::label, LABEL, &RESOURCE);

const DOCUMENT: Rule = Rule::Object(&[
    need("apiVersion", &VERSION),
    need("metadata", &METADATA),
    may("service", &SERVICE),
    need("containers", &CONTAINERS),
    may("resources", &RESOURCES),
]);
const IN_TEMPLATE: Rule = Rule::Object(&[
    may("apiVersion", &VERSION),
    may("metadata", &LOOSE_METADATA),
    may("service", &SERVICE),
    need("containers", &CONTAINERS),
    may("resources", &RESOURCES),
]);

/// The format as an OpenAPI schema, as far as types go: for checking expressions that stand in a document.
pub fn openapi() -> Value {
    schema(&IN_TEMPLATE)
}

fn schema(rule: &Rule) -> Value {
    match rule {
        Rule::Any => json!({}),
        Rule::Boolean => json!({"type": "boolean"}),
        Rule::Integer(..) => json!({"type": "integer"}),
        Rule::Text | Rule::Form(..) | Rule::OneOf(_) => json!({"type": "string"}),
        Rule::List(item) => json!({"type": "array", "items": schema(item)}),
        Rule::Object(fields) => json!({"type": "object", "properties": properties(fields)}),
        Rule::Open(fields) => json!({"type": "object", "properties": properties(fields), "x-kubernetes-preserve-unknown-fields": true}),
        // The old list form has no expressions of its own to check; it is read when it is rendered.
        Rule::ByTarget(item, _) => json!({"anyOf": [{"type": "object", "additionalProperties": schema(item)}, {"type": "array"}]}),
        Rule::Map(_, _, item) => json!({"type": "object", "additionalProperties": schema(item)}),
    }
}

fn properties(fields: &[Field]) -> Value {
    fields.iter().map(|field| (field.name.to_owned(), schema(field.rule))).collect::<serde_json::Map<_, _>>().into()
}

/// What is wrong with a Score document. `path` is where it stands in the file.
pub fn check(document: &Planned, place: Place, path: &str) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let rule = match place {
        Place::File => &DOCUMENT,
        Place::Template => &IN_TEMPLATE,
    };
    walk(document, rule, path, &mut findings);
    let containers = document.get("containers");
    let no_container = containers.as_ref().is_some_and(|found| matches!(shape::open(found), Shape::Object(fields) if fields.is_empty()));
    if no_container {
        findings.push(error(&shape::child(path, "containers"), "it is empty; a workload has at least one container"));
    }
    for (name, container) in containers.as_ref().map(shape::fields).unwrap_or_default() {
        check_container(&container, &shape::child(&shape::child(path, "containers"), &name), &mut findings);
    }
    findings
}

/// The rules that speak of several fields at once.
fn check_container(container: &Planned, path: &str, findings: &mut Vec<Diagnostic>) {
    for key in ["livenessProbe", "readinessProbe"] {
        let Some(probe) = container.get(key) else { continue };
        if matches!(shape::open(&probe), Shape::Object(_)) && probe.get("httpGet").is_none() && probe.get("exec").is_none() {
            findings.push(error(&shape::child(path, key), "it asks for nothing; give it `httpGet` or `exec`"));
        }
    }
    let Some(files) = container.get("files") else { return };
    let path = shape::child(path, "files");
    let named = shape::fields(&files).into_iter().map(|(target, file)| (shape::child(&path, &target), file));
    let listed = shape::items(&files).into_iter().enumerate().map(|(index, file)| (format!("{path}[{index}]"), file));
    for (path, file) in named.chain(listed) {
        let given = ["source", "content", "binaryContent"].iter().filter(|key| file.get(key).is_some()).count();
        if matches!(shape::open(&file), Shape::Object(_)) && given != 1 {
            findings.push(error(&path, "a file has exactly one of `content`, `source` and `binaryContent`"));
        }
    }
}

fn walk(value: &Planned, rule: &Rule, path: &str, findings: &mut Vec<Diagnostic>) {
    let shape = shape::open(value);
    if matches!(shape, Shape::Later(_) | Shape::Secret) {
        return;
    }
    match (rule, shape) {
        (Rule::Any, _) | (Rule::Boolean, Shape::Scalar(Value::Bool(_))) | (Rule::Text, Shape::Scalar(Value::String(_))) => {}
        (Rule::Integer(least, most), Shape::Scalar(Value::Number(number))) => {
            if !number.as_i64().is_some_and(|number| (*least..=*most).contains(&number)) {
                findings.push(error(path, format!("`{number}` is not a whole number from {least} to {most}")));
            }
        }
        (Rule::Form(form, words), Shape::Scalar(Value::String(text))) => {
            if !form(&text) {
                findings.push(error(path, format!("`{text}` is not {words}")));
            }
        }
        (Rule::OneOf(words), Shape::Scalar(Value::String(text))) => {
            if !words.contains(&text.as_str()) {
                findings.push(error(path, format!("`{text}` is not one of: {}", words.join(", "))));
            }
        }
        (Rule::List(item), Shape::List(items)) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, item, &format!("{path}[{index}]"), findings);
            }
        }
        (Rule::Object(known), Shape::Object(fields)) => walk_object(&fields, known, false, path, findings),
        (Rule::Open(known), Shape::Object(fields)) => walk_object(&fields, known, true, path, findings),
        (Rule::Map(form, words, item), Shape::Object(fields)) => {
            for (key, value) in &fields {
                let path = shape::child(path, key);
                if !form(key) {
                    findings.push(error(&path, format!("the name `{key}` is not {words}")));
                }
                walk(value, item, &path, findings);
            }
        }
        (Rule::ByTarget(item, _), Shape::Object(fields)) => {
            fields.iter().for_each(|(key, value)| walk(value, item, &shape::child(path, key), findings));
        }
        (Rule::ByTarget(_, item), Shape::List(items)) => {
            items.iter().enumerate().for_each(|(index, value)| walk(value, item, &format!("{path}[{index}]"), findings));
        }
        (rule, shape) => findings.push(wrong_type(rule, &shape, path)),
    }
}

fn walk_object(fields: &[(String, Planned)], known: &[Field], open: bool, path: &str, findings: &mut Vec<Diagnostic>) {
    for field in known.iter().filter(|field| field.required) {
        if !fields.iter().any(|(key, _)| key == field.name) {
            let finding = error(path, format!("`{}` is missing", field.name));
            findings.push(finding.with_hint(format!("add `{}`", field.name)));
        }
    }
    for (key, value) in fields {
        let path = shape::child(path, key);
        match known.iter().find(|field| field.name == key) {
            Some(field) => walk(value, field.rule, &path, findings),
            None if open => {}
            None => {
                let names: Vec<&str> = known.iter().map(|field| field.name).collect();
                let finding = Diagnostic::error("UnknownField", path, format!("Score has no field `{key}` here"));
                findings.push(finding.with_hint(format!("the fields are: {}", names.join(", "))));
            }
        }
    }
}

fn wrong_type(rule: &Rule, found: &Shape, path: &str) -> Diagnostic {
    let wanted = match rule {
        Rule::Any => "anything",
        Rule::Boolean => "true or false",
        Rule::Integer(..) => "a whole number",
        Rule::Text | Rule::Form(..) | Rule::OneOf(_) => "a text",
        Rule::List(_) => "a list",
        Rule::Object(_) | Rule::Open(_) | Rule::Map(..) | Rule::ByTarget(..) => "an object",
    };
    let given = match found {
        Shape::Scalar(Value::Null) => "it is empty".to_owned(),
        Shape::Scalar(Value::String(_)) => "it is a text".to_owned(),
        Shape::Scalar(scalar) => format!("it is `{scalar}`"),
        Shape::List(_) => "it is a list".to_owned(),
        Shape::Object(_) => "it is an object".to_owned(),
        Shape::Later(_) | Shape::Secret => "it is not known yet".to_owned(),
    };
    let finding = error(path, format!("it must be {wanted}, but {given}"));
    match (rule, found) {
        (Rule::Text | Rule::Form(..) | Rule::OneOf(_), Shape::Scalar(scalar @ (Value::Number(_) | Value::Bool(_)))) => {
            finding.with_hint(format!("put it in quotes: `\"{scalar}\"`"))
        }
        _ => finding,
    }
}

fn error(path: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("InvalidScore", path, message)
}
