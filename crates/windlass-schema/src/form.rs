//! What a Template says about its form, checked against the schema of the kind: `order`, `first`, and per field title,
//! hint, placeholder and widget.
//!
//! The form itself is drawn by whoever shows it; here a wish that would come to nothing is found while the Template is
//! written. Start with [`check`].

use crate::simple::child;
use serde_json::{Map, Value};
use windlass_api::Diagnostic;

/// Fields of `form`.
const FORM: [&str; 3] = ["order", "first", "fields"];
/// What can be said of one field.
const FIELD: [&str; 4] = ["title", "hint", "placeholder", "widget"];
/// Widgets that can be asked for; the others follow from the type.
const WIDGETS: [&str; 1] = ["paragraph"];
/// How deep objects are laid out field by field.
const DEEPEST: usize = 4;

/// Checks `form` against the OpenAPI schema of an instance's `spec`; `at` is its path. Fields are named as `port` or
/// `database.size`, with or without `spec.` before them.
pub fn check(form: &Value, openapi: &Value, at: &str) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let Some(wishes) = form.as_object() else {
        let finding = Diagnostic::error("WrongType", at, "`form` must be an object");
        return vec![finding.with_hint("as `form: {order: [image, size], fields: {image: {title: Container image}}}`")];
    };
    unknown(wishes, &FORM, at, "`form`", &mut findings);
    let fields = field_names(openapi);
    for key in ["order", "first"] {
        let at = child(at, key);
        match wishes.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::Array(names)) => {
                for (index, name) in names.iter().enumerate() {
                    let at = format!("{at}[{index}]");
                    match name.as_str() {
                        Some(name) => known_field(name, &fields, &at, &mut findings),
                        None => findings.push(Diagnostic::error("WrongType", at, "it must be the name of a field")),
                    }
                }
            }
            Some(_) => findings.push(Diagnostic::error("WrongType", at, format!("`{key}` must be a list of field names"))),
        }
    }
    let at = child(at, "fields");
    match wishes.get("fields") {
        None | Some(Value::Null) => {}
        Some(Value::Object(dressed)) => {
            for (name, wish) in dressed {
                let at = child(&at, name);
                known_field(name, &fields, &at, &mut findings);
                field(wish, &at, &mut findings);
            }
        }
        Some(_) => {
            findings.push(Diagnostic::error("WrongType", at, "`fields` must be an object: field name → title, hint, placeholder, widget"))
        }
    }
    findings
}

fn field(wish: &Value, at: &str, findings: &mut Vec<Diagnostic>) {
    let Some(wish) = wish.as_object() else {
        findings.push(
            Diagnostic::error("WrongType", at, "it must be an object").with_hint("as `{title: Container image, placeholder: nginx}`"),
        );
        return;
    };
    unknown(wish, &FIELD, at, "a field of a form", findings);
    for key in FIELD {
        match wish.get(key) {
            None => {}
            Some(Value::String(widget)) if key == "widget" && !WIDGETS.contains(&widget.as_str()) => {
                let finding = Diagnostic::error("UnknownName", child(at, key), format!("there is no widget `{widget}`"));
                findings.push(finding.with_hint(format!("leave it out: the widget follows from the type; others: {}", WIDGETS.join(", "))));
            }
            Some(Value::String(_)) => {}
            Some(_) => findings.push(Diagnostic::error("WrongType", child(at, key), format!("`{key}` must be a text"))),
        }
    }
}

/// Names of all fields, objects and what is in them.
fn field_names(openapi: &Value) -> Vec<String> {
    fn collect(schema: &Value, before: &str, depth: usize, names: &mut Vec<String>) {
        for (key, below) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let name = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
            if depth < DEEPEST {
                collect(below, &name, depth + 1, names);
            }
            names.push(name);
        }
    }
    let mut names = Vec::new();
    collect(openapi, "", 0, &mut names);
    names
}

fn known_field(name: &str, fields: &[String], at: &str, findings: &mut Vec<Diagnostic>) {
    let name = name.trim_start_matches("spec.");
    if fields.iter().any(|known| known == name) {
        return;
    }
    let finding = Diagnostic::error("UnknownField", at, format!("the schema has no field `{name}`"));
    findings.push(finding.with_hint(match fields.iter().find(|known| crate::simple::near(name, known)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the fields are: {}", fields.join(", ")),
    }));
}

fn unknown(fields: &Map<String, Value>, known: &[&str], at: &str, whole: &str, findings: &mut Vec<Diagnostic>) {
    for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
        let hint = match known.iter().find(|known| crate::simple::near(key, known)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its fields are: {}", known.join(", ")),
        };
        findings.push(Diagnostic::error("UnknownField", child(at, key), format!("{whole} has no field `{key}`")).with_hint(hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wishes_that_come_to_nothing_are_found() {
        let openapi = json!({"type": "object", "properties": {"image": {"type": "string"}, "db": {"type": "object", "properties": {"size": {"type": "string"}}}}});
        let right = json!({"order": ["image", "spec.db.size"], "first": ["db"], "fields": {"image": {"title": "Container image", "widget": "paragraph"}}});
        assert_eq!(check(&right, &openapi, "spec.form"), []);
        let wrong =
            json!({"oder": [], "first": ["imge", 3], "fields": {"image": {"titel": "x", "hint": 3, "widget": "slider"}, "zone": {}}});
        let said: Vec<String> = check(&wrong, &openapi, "spec.form")
            .iter()
            .map(|found| format!("{}: {}; {}", found.path, found.message, found.hint.clone().unwrap_or_default()))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        spec.form.oder: `form` has no field `oder`; did you mean `order`?
        spec.form.first[0]: the schema has no field `imge`; did you mean `image`?
        spec.form.first[1]: it must be the name of a field; 
        spec.form.fields.image.titel: a field of a form has no field `titel`; did you mean `title`?
        spec.form.fields.image.hint: `hint` must be a text; 
        spec.form.fields.image.widget: there is no widget `slider`; leave it out: the widget follows from the type; others: paragraph
        spec.form.fields.zone: the schema has no field `zone`; the fields are: image, db.size, db
        ");
    }
}
