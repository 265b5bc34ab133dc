//! Which fields hold a directory on this machine: the API runs elsewhere in the file system, so relative ones are made absolute here.

use serde_json::{Map, Value};
use std::path::{Component, Path, PathBuf};
use windlass_api::template::TemplateSpec;

/// Fields of `spec` that the form marks with `widget: directory`, and those that a workload's source is taken from.
pub(super) fn fields(spec: &TemplateSpec) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let wishes = spec.form.as_ref().and_then(|form| form["fields"].as_object());
    for (name, wish) in wishes.into_iter().flatten() {
        if wish["widget"] == "directory" {
            found.push(name.trim_start_matches("spec.").to_owned());
        }
    }
    for resource in &spec.resources {
        found.extend(resource["workload"]["source"]["directory"].as_str().and_then(named_field));
    }
    found.sort();
    found.dedup();
    found
}

/// The field in an expression such as `${schema.spec.?source.orValue("")}`.
fn named_field(expression: &str) -> Option<String> {
    let (_, rest) = expression.split_once("schema.spec.")?;
    let name: String = rest.trim_start_matches('?').chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Makes a relative directory absolute. Addresses of repositories stay as they are.
pub(super) fn make_absolute(values: &mut Map<String, Value>, field: &str, base: &Path) {
    let Some(Value::String(given)) = values.get_mut(field) else { return };
    if given.is_empty() || given.contains("://") || given.starts_with("git@") {
        return;
    }
    let joined = match (given.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => base.join(given.as_str()),
    };
    if let Some(text) = plain(&joined).to_str() {
        text.clone_into(given);
    }
}

/// Without `.` and `..`; links are left alone.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_source_of_a_workload_is_a_directory_without_being_marked() {
        let spec: TemplateSpec = serde_json::from_value(json!({
            "schema": {},
            "form": {"fields": {"data": {"widget": "directory"}, "note": {"widget": "paragraph"}}},
            "resources": [{"id": "app", "workload": {"source": {"directory": "${schema.spec.?source.orValue('')}"}}}],
        }))
        .expect("a spec");
        assert_eq!(fields(&spec), ["data", "source"]);
    }

    #[test]
    fn relative_ones_become_absolute() {
        let base = Path::new("/home/dev/shop");
        for (given, wanted) in [
            ("./web", "/home/dev/shop/web"),
            ("..", "/home/dev"),
            ("/srv", "/srv"),
            (".", "/home/dev/shop"),
            ("https://example.com/x", "https://example.com/x"),
        ] {
            let mut values = Map::from_iter([("source".to_owned(), json!(given))]);
            make_absolute(&mut values, "source", base);
            assert_eq!(values["source"], json!(wanted), "{given}");
        }
    }
}
