//! What client-side `apply` sends: the difference between what is there and what is wanted, with what was applied before
//! and is wanted no more. As a JSON merge patch, or as a strategic merge patch where the schema says how lists merge.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// How deep objects are compared.
const DEPTH: usize = 64;

/// The schema of a value within an `OpenAPI` v3 document; none where it is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema<'a> {
    document: &'a Value,
    /// With the extensions of the field.
    own: &'a Value,
}

impl<'a> Schema<'a> {
    /// The schema of a kind in a group's document, where its objects take strategic merge patches.
    pub(crate) fn of(document: &'a Value, group: &str, version: &str, kind: &str) -> Option<Self> {
        let names =
            |value: &Value| value["kind"] == kind && value["version"] == version && value["group"].as_str().unwrap_or_default() == group;
        let takes = |path: &Value| {
            let patch = &path["patch"];
            names(&patch["x-kubernetes-group-version-kind"])
                && !patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_null()
        };
        document["paths"].as_object()?.values().find(|path| takes(path))?;
        let schemas = document["components"]["schemas"].as_object()?;
        let own = schemas
            .values()
            .find(|schema| schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|kinds| kinds.iter().any(names)))?;
        Some(Self { document, own })
    }

    /// Through `$ref` and a single `allOf`.
    fn resolved(self) -> &'a Value {
        let mut schema = self.own;
        for _ in 0..8 {
            let next = match (&schema["$ref"], schema["allOf"].as_array().map(Vec::as_slice)) {
                (Value::String(reference), _) => {
                    let name = reference.rsplit('/').next().unwrap_or_default();
                    &self.document["components"]["schemas"][name]
                }
                (_, Some([only])) => only,
                _ => return schema,
            };
            schema = next;
        }
        schema
    }

    fn field(self, name: &str) -> Option<Self> {
        let resolved = self.resolved();
        let own = match &resolved["properties"][name] {
            Value::Null => &resolved["additionalProperties"],
            found => found,
        };
        own.is_object().then_some(Self { own, ..self })
    }

    fn item(self) -> Option<Self> {
        let own = &self.resolved()["items"];
        own.is_object().then_some(Self { own, ..self })
    }

    fn has_strategy(self, strategy: &str) -> bool {
        self.own["x-kubernetes-patch-strategy"].as_str().is_some_and(|text| text.split(',').any(|part| part == strategy))
    }

    fn merge_key(self) -> Option<&'a str> {
        self.own["x-kubernetes-patch-merge-key"].as_str()
    }
}

/// The patch; empty when there is nothing to change.
pub(crate) fn patch(original: &Value, modified: &Value, current: &Value, schema: Option<Schema<'_>>) -> Value {
    Value::Object(maps(object(original), object(modified), object(current), schema, 0))
}

fn object(value: &Value) -> &Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&EMPTY)
}

fn maps(
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    current: &Map<String, Value>,
    schema: Option<Schema<'_>>,
    depth: usize,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, wanted) in modified {
        let field = schema.and_then(|schema| schema.field(key));
        let before = original.get(key).unwrap_or(&Value::Null);
        match (wanted, current.get(key)) {
            (Value::Null, None) => {}
            (Value::Null, Some(_)) => drop(patch.insert(key.clone(), Value::Null)),
            (_, None) => drop(patch.insert(key.clone(), wanted.clone())),
            (Value::Object(wanted), Some(Value::Object(there))) if depth < DEPTH => {
                let mut inner = maps(object(before), wanted, there, field, depth + 1);
                if !inner.is_empty() {
                    if field.is_some_and(|field| field.has_strategy("retainKeys")) {
                        let keys: BTreeSet<&String> = wanted.keys().collect();
                        inner.insert("$retainKeys".into(), json!(keys));
                    }
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Value::Array(wanted), Some(Value::Array(there))) => {
                let empty = Vec::new();
                let before = before.as_array().unwrap_or(&empty);
                lists(key, (before, wanted, there), field, depth, &mut patch);
            }
            (wanted, Some(there)) => {
                if !equal(wanted, there) {
                    patch.insert(key.clone(), wanted.clone());
                }
            }
        }
    }
    for key in original.keys().filter(|key| !modified.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

fn lists(
    key: &str,
    (original, modified, current): (&[Value], &[Value], &[Value]),
    field: Option<Schema<'_>>,
    depth: usize,
    patch: &mut Map<String, Value>,
) {
    let merges = field.filter(|field| field.has_strategy("merge"));
    match merges.map(|field| (field, field.merge_key())) {
        Some((field, Some(merge_key))) if depth < DEPTH => {
            let item = |items: &'_ [Value], id: &Value| items.iter().find(|item| item[merge_key] == *id).cloned();
            let mut changes = Vec::new();
            for wanted in modified {
                let id = &wanted[merge_key];
                let Some(there) = item(current, id) else {
                    changes.push(wanted.clone());
                    continue;
                };
                let before = item(original, id).unwrap_or_default();
                let mut inner = maps(object(&before), object(wanted), object(&there), field.item(), depth + 1);
                if !inner.is_empty() {
                    inner.insert(merge_key.to_owned(), id.clone());
                    changes.push(Value::Object(inner));
                }
            }
            for before in original {
                let id = &before[merge_key];
                if item(modified, id).is_none() {
                    changes.push(json!({"$patch": "delete", merge_key: id}));
                }
            }
            let order = |items: &[Value]| -> Vec<Value> { items.iter().map(|item| item[merge_key].clone()).collect() };
            let wanted = order(modified);
            let there: Vec<Value> = order(current).into_iter().filter(|id| wanted.contains(id)).collect();
            if !changes.is_empty() || there != wanted {
                let ids: Vec<Value> = wanted.iter().map(|id| json!({merge_key: id})).collect();
                patch.insert(format!("$setElementOrder/{key}"), Value::Array(ids));
            }
            if !changes.is_empty() {
                patch.insert(key.to_owned(), Value::Array(changes));
            }
        }
        Some((_, None)) => {
            let added: Vec<Value> = modified.iter().filter(|item| !current.contains(item)).cloned().collect();
            let gone: Vec<Value> = original.iter().filter(|item| !modified.contains(item)).cloned().collect();
            if !added.is_empty() || !gone.is_empty() {
                patch.insert(format!("$setElementOrder/{key}"), Value::Array(modified.to_vec()));
            }
            if !added.is_empty() {
                patch.insert(key.to_owned(), Value::Array(added));
            }
            if !gone.is_empty() {
                patch.insert(format!("$deleteFromPrimitiveList/{key}"), Value::Array(gone));
            }
        }
        _ => {
            if modified.len() != current.len() || !modified.iter().zip(current).all(|(a, b)| equal(a, b)) {
                patch.insert(key.to_owned(), Value::Array(modified.to_vec()));
            }
        }
    }
}

/// Equal values; 1 and 1.0 are.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_schema_lists_are_replaced() {
        let check = |original: Value, modified: Value, current: Value, expected: Value| {
            assert_eq!(patch(&original, &modified, &current, None), expected);
        };
        check(json!({"a": 1}), json!({"a": 1}), json!({"a": 1, "b": 2}), json!({}));
        check(json!({"a": 1, "b": 1}), json!({"a": 2}), json!({"a": 1, "b": 1}), json!({"a": 2, "b": null}));
        check(json!({}), json!({"l": [1, 2]}), json!({"l": [1]}), json!({"l": [1, 2]}));
        check(json!({"m": {"x": 1}}), json!({"m": {}}), json!({"m": {"x": 1, "y": 1}}), json!({"m": {"x": null}}));
    }

    #[test]
    fn with_a_schema_lists_merge_by_key() {
        let document = json!({
            "paths": {"/x": {"patch": {
                "x-kubernetes-group-version-kind": {"group": "g", "version": "v1", "kind": "K"},
                "requestBody": {"content": {"application/strategic-merge-patch+json": {}}}
            }}},
            "components": {"schemas": {
                "K": {
                    "x-kubernetes-group-version-kind": [{"group": "g", "version": "v1", "kind": "K"}],
                    "properties": {"list": {
                        "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name",
                        "items": {"allOf": [{"$ref": "#/components/schemas/I"}]}
                    }}
                },
                "I": {"properties": {"value": {"type": "string"}}}
            }}
        });
        let schema = Schema::of(&document, "g", "v1", "K").expect("the kind is there");
        let list = |items: Value| json!({"list": items});
        let original = list(json!([{"name": "a", "value": "1"}, {"name": "gone"}]));
        let modified = list(json!([{"name": "a", "value": "2"}]));
        let current = list(json!([{"name": "a", "value": "1"}, {"name": "gone"}, {"name": "other"}]));
        assert_eq!(
            patch(&original, &modified, &current, Some(schema)),
            json!({"$setElementOrder/list": [{"name": "a"}], "list": [{"value": "2", "name": "a"}, {"$patch": "delete", "name": "gone"}]})
        );
        assert_eq!(patch(&modified, &modified, &list(json!([{"name": "a", "value": "2"}, {"name": "b"}])), Some(schema)), json!({}));
    }
}
