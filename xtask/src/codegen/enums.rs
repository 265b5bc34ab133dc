//! Allowed values of built-in fields, which the published files leave out and the running server tells.
//!
//! Read line by line from the generated Go (`pkg/generated/openapi/zz_generated.openapi.go`), whose form is fixed.
//! Start with [`read`], then [`Allowed::put_into`].

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// What one field may be.
struct Values {
    description: Value,
    values: Value,
    /// They are those of the list's items.
    of_items: bool,
}

/// All of them, by the name of the Go function that describes the type, and field.
pub(super) struct Allowed(BTreeMap<(String, String), Values>);

/// Reads the module's generated file.
pub(super) fn read(kubernetes: &Path) -> Result<Allowed> {
    let path = kubernetes.join("pkg/generated/openapi/zz_generated.openapi.go");
    parse(&fs_err::read_to_string(&path)?).with_context(|| format!("`{}`", path.display()))
}

fn parse(text: &str) -> Result<Allowed> {
    let mut found = BTreeMap::new();
    let (mut function, mut field, mut description, mut of_items) = (String::new(), String::new(), Value::Null, false);
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("func schema_") {
            function = rest.split('(').next().unwrap_or_default().to_owned();
        } else if let Some(name) = line.strip_prefix('"').and_then(|rest| rest.strip_suffix("\": {")) {
            (field, description, of_items) = (name.to_owned(), Value::Null, false);
        } else if line.starts_with("Items:") {
            of_items = true;
        } else if let Some(text) = line.strip_prefix("Description:").filter(|_| !of_items) {
            description = serde_json::from_str(text.trim().trim_end_matches(',')).unwrap_or_default();
        } else if let Some(list) = line.strip_prefix("Enum:") {
            let list = list.trim().trim_start_matches("[]interface{}{").trim_end_matches("},");
            let values = serde_json::from_str(&format!("[{list}]")).with_context(|| format!("values of `{field}` in `{function}`"))?;
            found.insert((function.clone(), field.clone()), Values { description: description.clone(), values, of_items });
        }
    }
    Ok(Allowed(found))
}

/// The Go function's name for a component: `io.k8s.api.apps.v1.X` is `k8sio_api_apps_v1_X`.
fn function(component: &str) -> String {
    let plain = component.strip_prefix("io.k8s.").unwrap_or(component).replace('-', "");
    let path = plain.replace('.', "_");
    path.strip_prefix("apimachinery_").map_or_else(|| format!("k8sio_{path}"), str::to_owned)
}

impl Allowed {
    /// Says in a component's schema what its fields may be.
    pub(super) fn put_into(&self, component: &str, schema: &mut Value) {
        let function = function(component);
        for (name, property) in schema["properties"].as_object_mut().into_iter().flatten() {
            let Some(values) = self.0.get(&(function.clone(), name.clone())) else { continue };
            let place = if values.of_items { &mut property["items"] } else { &mut *property };
            place["enum"] = values.values.clone();
            if values.description.is_string() {
                property["description"] = values.description.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn values_are_put_where_they_belong() {
        let text = "func schema_k8sio_api_apps_v1_Thing(ref X) Y {\n\t\"type\": {\n\tDescription: \"One \\\"of\\\".\",\n\tEnum: []interface{}{\"A\", \"B\"},\n\t\"modes\": {\n\tDescription: \"Some.\",\n\tItems: &spec.SchemaOrArray{\n\tDescription: \"\",\n\tEnum: []interface{}{\"C\"},\n";
        let allowed = parse(text).expect("the text has the form of the generated file");
        let mut schema = json!({"properties": {"type": {"type": "string"}, "modes": {"items": {}}, "other": {}}});
        allowed.put_into("io.k8s.api.apps.v1.Thing", &mut schema);
        assert_eq!(
            schema,
            json!({"properties": {
                "type": {"type": "string", "enum": ["A", "B"], "description": "One \"of\"."},
                "modes": {"items": {"enum": ["C"]}, "description": "Some."},
                "other": {},
            }})
        );
    }
}
