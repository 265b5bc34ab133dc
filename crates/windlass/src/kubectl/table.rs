//! Rows as the server gives them, with kubectl's own columns: NAMESPACE before, EVENT first, labels after.

use serde_json::Value;
use std::collections::BTreeMap;

/// What is shown beside the server's columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// Less important columns.
    pub(crate) wide: bool,
    /// NAMESPACE first.
    pub(crate) with_namespace: bool,
    /// All labels last.
    pub(crate) labels: bool,
    /// These labels before them.
    pub(crate) label_columns: Vec<String>,
    /// No headers.
    pub(crate) no_headers: bool,
    /// `kind.group` before each name.
    pub(crate) kind: Option<String>,
    /// EVENT first.
    pub(crate) event: bool,
}

/// Columns of the table that was printed last: headers are printed once for the same columns, and a watch sends them once.
#[derive(Debug, Default)]
pub(crate) struct Printer {
    columns: Vec<Value>,
    printed: Option<Vec<String>>,
}

impl Printer {
    /// Lines of a table, their cells apart by tabs; nothing for a table without rows.
    pub(crate) fn lines(&mut self, table: &Value, shown: &Shown, event: &str) -> String {
        if let Some(columns) = table["columnDefinitions"].as_array().filter(|columns| !columns.is_empty()) {
            self.columns.clone_from(columns);
        }
        let mut out = String::new();
        let rows = table["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() {
            return out;
        }
        let visible: Vec<usize> =
            (0..self.columns.len()).filter(|index| shown.wide || self.columns[*index]["priority"].as_i64().unwrap_or(0) == 0).collect();
        let headers = self.headers(&visible, shown);
        if !shown.no_headers && self.printed.as_ref() != Some(&headers) {
            out.push_str(&headers.join("\t"));
            out.push('\n');
        }
        self.printed = Some(headers);
        for row in rows {
            let cells = self.cells(row, &visible, shown, event);
            out.push_str(&cells.join("\t"));
            out.push('\n');
        }
        out
    }

    fn headers(&self, visible: &[usize], shown: &Shown) -> Vec<String> {
        let mut headers = Vec::new();
        if shown.event {
            headers.push("EVENT".to_owned());
        }
        if shown.with_namespace {
            headers.push("NAMESPACE".to_owned());
        }
        headers.extend(visible.iter().map(|index| self.columns[*index]["name"].as_str().unwrap_or_default().to_uppercase()));
        headers.extend(shown.label_columns.iter().map(|label| label.rsplit('/').next().unwrap_or_default().to_uppercase()));
        if shown.labels {
            headers.push("LABELS".to_owned());
        }
        headers
    }

    fn cells(&self, row: &Value, visible: &[usize], shown: &Shown, event: &str) -> Vec<String> {
        let metadata = &row["object"]["metadata"];
        let mut cells = Vec::new();
        if shown.event {
            cells.push(event.to_owned());
        }
        if shown.with_namespace {
            cells.push(metadata["namespace"].as_str().unwrap_or_default().to_owned());
        }
        for index in visible {
            let text = cell(&row["cells"][*index]);
            let is_name = self.columns[*index]["format"] == "name";
            match &shown.kind {
                Some(kind) if is_name => cells.push(format!("{kind}/{text}")),
                _ => cells.push(text),
            }
        }
        let labels: BTreeMap<&str, &str> =
            metadata["labels"].as_object().into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
        for label in &shown.label_columns {
            let value = labels.get(label.as_str()).copied().unwrap_or_default();
            cells.push(value.to_owned());
        }
        if shown.labels {
            cells.push(joined(&labels));
        }
        cells
    }
}

fn joined(labels: &BTreeMap<&str, &str>) -> String {
    if labels.is_empty() {
        return "<none>".into();
    }
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "<none>".into(),
        Value::String(text) => {
            let end = text.find(['\u{c}', '\n', '\r']);
            let text = end.map_or_else(|| text.clone(), |end| format!("{}...", &text[..end]));
            safe(&text)
        }
        other => super::go_json::display(other),
    }
}

/// Without what could move a terminal's cursor.
pub(crate) fn safe(text: &str) -> String {
    text.replace('\u{1b}', "^[").replace('\r', "\\r")
}

/// A table of objects for a server that makes none: name and age.
pub(crate) fn plain(objects: &[Value]) -> Value {
    let now = jiff::Timestamp::now();
    let row = |object: &Value| {
        let metadata = &object["metadata"];
        let age = super::age::since(metadata["creationTimestamp"].as_str(), now);
        serde_json::json!({"cells": [metadata["name"], age], "object": object})
    };
    serde_json::json!({
        "kind": "Table",
        "columnDefinitions": [{"name": "Name", "format": "name", "priority": 0}, {"name": "Age", "priority": 0}],
        "rows": objects.iter().map(row).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
fn aligned(lines: &str) -> String {
    let mut writer = super::tabwriter::TabWriter::table();
    writer.write(lines);
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_of_kubectl_stand_around_those_of_the_server() {
        let object = json!({"metadata": {"name": "a", "namespace": "n", "labels": {"x": "1"}, "creationTimestamp": null}});
        let shown = Shown {
            with_namespace: true,
            labels: true,
            kind: Some("configmap".into()),
            label_columns: vec!["a/y".into()],
            ..Shown::default()
        };
        let mut printer = Printer::default();
        let lines = printer.lines(&plain(std::slice::from_ref(&object)), &shown, "");
        assert_eq!(
            aligned(&lines),
            "NAMESPACE   NAME          AGE         Y     LABELS\nn           configmap/a   <unknown>         x=1\n"
        );
        assert_eq!(printer.lines(&plain(&[object]), &shown, ""), "n\tconfigmap/a\t<unknown>\t\tx=1\n");
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(cell(&json!("a\nb")), "a...");
        assert_eq!(cell(&json!(null)), "<none>");
    }
}
