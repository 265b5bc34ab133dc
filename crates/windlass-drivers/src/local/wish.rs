//! What was wished and what is wished now: the part of a rendered node that concerns one effect, compared field by field.
//!
//! A wish is the plan's own JSON (see `windlass_api::planned`), so a secret stands in it as its fingerprint. Where an effect was
//! taken without its plan at hand (after a restart), values that may be secret stand as `{"$hidden": value}`: compared, never
//! shown. Everything here is pure.

use super::part::Part;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use windlass_api::plan::FieldChange;
use windlass_api::planned::{Planned, SecretReference};

/// The fields of a node that concern a program, and the line of the Procfile that it was read from, where it was: a change of
/// that line is a change of the program.
pub(super) fn of_process(body: &Value, container: &str, procfile: Option<&String>) -> Value {
    let ports = body["ports"].as_object().into_iter().flatten();
    let ports: Map<String, Value> = ports.map(|(name, port)| (name.clone(), json!({"targetPort": port["targetPort"]}))).collect();
    let mut wish = json!({"directory": body["directory"], "containers": {container: body["containers"][container]}, "ports": ports});
    if let Some(line) = procfile {
        wish[PROCFILE] = json!({"web": line});
    }
    wish
}

/// The field of a wish, and the path of a change, that is about the Procfile.
pub(super) const PROCFILE: &str = "Procfile";

/// The line of the Procfile behind a wish.
pub(super) fn procfile_line(wish: &Value) -> Option<&str> {
    wish[PROCFILE]["web"].as_str()
}

/// The fields of a node that concern one part that is no program.
pub(super) fn of_part(body: &Value, part: &Part) -> Value {
    match part {
        Part::Process(_, container) => of_process(body, container.as_deref().unwrap_or_default(), None),
        Part::Files(container) => json!({"containers": {container: {"files": body["containers"][container]["files"]}}}),
        Part::Listener(name) => json!({"ports": {name: body["ports"][name]}}),
        Part::Route(name) => json!({"routes": {name: body["routes"][name]}}),
    }
}

/// The wish behind a value that has its secrets filled in. Without its plan, variables and contents of files are hidden.
pub(super) fn masked(planned: Option<&Planned>, value: &Value) -> Value {
    match planned {
        Some(planned) => mask_as_planned(planned, value),
        None => {
            let mut value = value.clone();
            for container in value["containers"].as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                for field in ["variables", "files"] {
                    for hidden in container.get_mut(field).and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
                        *hidden = json!({"$hidden": hidden.take()});
                    }
                }
            }
            value
        }
    }
}

fn mask_as_planned(planned: &Planned, value: &Value) -> Value {
    match (planned, value) {
        (Planned::Secret(_), _) => planned.to_json(),
        (Planned::List(items), Value::Array(values)) if items.len() == values.len() => {
            items.iter().zip(values).map(|(item, value)| mask_as_planned(item, value)).collect()
        }
        (Planned::Map(fields), Value::Object(values)) => {
            let masked = values.iter().map(|(name, value)| {
                let field = fields.iter().find(|(field, _)| field == name).map(|(_, field)| field);
                (name.clone(), field.map_or_else(|| json!({"$hidden": value}), |field| mask_as_planned(field, value)))
            });
            Value::Object(masked.collect())
        }
        (Planned::Known(_) | Planned::Later(_) | Planned::List(_) | Planned::Map(_), _) => value.clone(),
    }
}

/// The secret texts of a value; without its plan, every variable.
pub(super) fn secrets(planned: Option<&Planned>, value: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    match planned {
        Some(planned) => collect_secrets(planned, value, &mut found),
        None => {
            let containers = value["containers"].as_object().into_iter().flat_map(|map| map.values());
            let variables = containers.flat_map(|container| container["variables"].as_object().into_iter().flat_map(|map| map.values()));
            found.extend(variables.filter_map(Value::as_str).filter(|text| text.len() >= 8).map(str::to_owned));
        }
    }
    found.into_iter().collect()
}

fn collect_secrets(planned: &Planned, value: &Value, found: &mut BTreeSet<String>) {
    match (planned, value) {
        (Planned::Secret(_), Value::String(text)) => {
            found.insert(text.clone());
            // A secret of several lines is printed line by line.
            found.extend(text.lines().filter(|line| line.len() >= 8).map(str::to_owned));
        }
        (Planned::List(items), Value::Array(values)) => {
            items.iter().zip(values).for_each(|(item, value)| collect_secrets(item, value, found))
        }
        (Planned::Map(fields), Value::Object(values)) => {
            for (name, field) in fields {
                if let Some(value) = values.get(name) {
                    collect_secrets(field, value, found);
                }
            }
        }
        _ => {}
    }
}

/// A value to look at where not all is known: what is open stands as an empty text, and where.
pub(super) fn lookable(planned: &Planned) -> (Value, BTreeSet<String>) {
    let mut open = BTreeSet::new();
    let value = look(planned, "", &mut open);
    (value, open)
}

fn look(planned: &Planned, path: &str, open: &mut BTreeSet<String>) -> Value {
    match planned {
        Planned::Known(value) => value.clone(),
        Planned::Later(_) | Planned::Secret(_) => {
            open.insert(path.to_owned());
            Value::String(String::new())
        }
        Planned::List(items) => items.iter().enumerate().map(|(index, item)| look(item, &format!("{path}[{index}]"), open)).collect(),
        Planned::Map(fields) => {
            let looked = fields.iter().map(|(name, field)| (name.clone(), look(field, &child(path, name), open)));
            Value::Object(looked.collect())
        }
    }
}

/// What differs between two wishes.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Field by field.
    pub(super) changes: Vec<FieldChange>,
    /// Secrets of which it cannot be told whether they changed.
    pub(super) uncertain: Vec<FieldChange>,
}

/// Compares what was wished with what is wished now. A value that comes later counts as a change, because it may be one.
pub(super) fn differences(before: &Value, after: &Value) -> Differences {
    let mut found = Differences::default();
    compare(before, after, "", &mut found);
    found
}

fn compare(before: &Value, after: &Value, path: &str, found: &mut Differences) {
    if before == after && marker(after) != Some("$later") {
        return;
    }
    match (marker(before), marker(after)) {
        (Some("$hidden"), None) if before["$hidden"] == *after => {}
        (Some("$hidden"), Some("$secret")) => found.uncertain.push(change(before, after, path)),
        (None, None) => match (before, after) {
            (Value::Object(old), Value::Object(new)) => {
                for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
                    let absent = Value::Null;
                    compare(old.get(name).unwrap_or(&absent), new.get(name).unwrap_or(&absent), &child(path, name), found);
                }
            }
            _ => found.changes.push(change(before, after, path)),
        },
        _ => found.changes.push(change(before, after, path)),
    }
}

fn change(before: &Value, after: &Value, path: &str) -> FieldChange {
    let shown = |value: &Value| match marker(value) {
        _ if value.is_null() => None,
        Some("$hidden") => Some(Planned::Secret(SecretReference::default())),
        _ => Some(without_hidden(value)),
    };
    FieldChange {
        path: path.to_owned(),
        before: shown(before),
        after: shown(after),
        because: Vec::new(),
        drift_by: None,
        forces_replacement: false,
    }
}

/// A whole object that goes or comes may hold hidden values further down.
fn without_hidden(value: &Value) -> Planned {
    match value {
        _ if marker(value) == Some("$hidden") => Planned::Secret(SecretReference::default()),
        Value::Object(fields) if marker(value).is_none() => {
            Planned::map(fields.iter().map(|(name, field)| (name.clone(), without_hidden(field))).collect())
        }
        Value::Array(items) => Planned::list(items.iter().map(without_hidden).collect()),
        _ => Planned::from_json(value),
    }
}

/// `$secret`, `$later` or `$hidden`, where the value is one of these.
fn marker(value: &Value) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.keys().next().map(String::as_str).filter(|name| matches!(*name, "$secret" | "$later" | "$hidden"))
}

fn child(path: &str, name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (plain, path.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{name:?}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_api::planned::Later;

    fn secret(fingerprint: &str) -> Planned {
        Planned::Secret(SecretReference { reference: None, fingerprint: fingerprint.into() })
    }

    fn body(password: Planned) -> Planned {
        let variables = Planned::map(vec![("PASSWORD".into(), password), ("COLOR".into(), Planned::Known(json!("blue")))]);
        Planned::map(vec![("containers".into(), Planned::map(vec![("main".into(), Planned::map(vec![("variables".into(), variables)]))]))])
    }

    fn value(password: &str) -> Value {
        json!({"containers": {"main": {"variables": {"PASSWORD": password, "COLOR": "blue"}}}})
    }

    #[test]
    fn a_secret_is_compared_by_its_fingerprint_and_kept_nowhere() {
        let planned = body(secret("f1"));
        let wish = masked(Some(&planned), &value("hunter2-hunter2"));
        assert!(!wish.to_string().contains("hunter2"));
        assert_eq!(secrets(Some(&planned), &value("hunter2-hunter2")), ["hunter2-hunter2"]);
        assert!(differences(&wish, &body(secret("f1")).to_json()).changes.is_empty());
        let changes = differences(&wish, &body(secret("f2")).to_json()).changes;
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].path, "containers.main.variables.PASSWORD");
    }

    #[test]
    fn without_a_plan_values_are_compared_and_not_shown() {
        let wish = masked(None, &value("hunter2-hunter2"));
        assert!(differences(&wish, &value("hunter2-hunter2")).changes.is_empty());
        let found = differences(&wish, &json!({}));
        let shown = serde_json::to_string(&found.changes).unwrap();
        assert!(!shown.contains("hunter2") && !shown.contains("blue"), "{shown}");
        assert_eq!(differences(&wish, &body(secret("f1")).to_json()).uncertain.len(), 1);
    }

    #[test]
    fn a_later_value_may_be_a_change() {
        let later = body(Planned::Later(Later { type_: "string".into(), because: vec!["db.url".into()] }));
        assert_eq!(differences(&value("x"), &later.to_json()).changes.len(), 1);
        let (plain, open) = lookable(&later);
        assert_eq!(plain["containers"]["main"]["variables"]["PASSWORD"], "");
        assert!(open.contains("containers.main.variables.PASSWORD"));
    }
}
