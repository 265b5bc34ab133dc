//! Any object: its fields as words, in the order of their names.

use super::super::go_json;
use super::{Page, labels};
use serde_json::{Map, Value};

/// Fields that stand at the top already, or that nobody wants to read.
const SKIPPED: [&str; 5] =
    [".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];
/// How deep fields are shown.
const DEPTH: usize = 64;

/// Writes an object.
pub(super) fn object(page: &mut Page, object: &Value) {
    let metadata = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    page.write(0, &format!("Name:\t{}\n", text(&metadata["name"])));
    page.write(0, &format!("Namespace:\t{}\n", text(&metadata["namespace"])));
    page.labels("Labels", &metadata["labels"]);
    page.annotations(&metadata["annotations"]);
    if let Some(fields) = object.as_object() {
        content(page, 0, fields, "");
    }
}

fn content(page: &mut Page, level: usize, fields: &Map<String, Value>, path: &str) {
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        if SKIPPED.contains(&path.as_str()) || level > DEPTH {
            continue;
        }
        let label = labels::of_field(name);
        match value {
            Value::Object(inner) => {
                page.write(level, &format!("{label}:\n"));
                content(page, level + 1, inner, &path);
            }
            Value::Array(items) => {
                page.write(level, &format!("{label}:\n"));
                for item in items {
                    match item {
                        Value::Object(inner) => content(page, level + 1, inner, &path),
                        other => page.write(level + 1, &format!("{}\n", go_json::display(other))),
                    }
                }
            }
            other => page.write(level, &format!("{label}:\t{}\n", go_json::display(other))),
        }
    }
}
