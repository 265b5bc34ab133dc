//! Lists whose elements must be unique: `x-kubernetes-list-type` set and map.
//!
//! Start with [`Schema::duplicates`]; [`item_key`] is the identity of an element of a map.

use super::error::{FieldError, child, index, key};
use super::{Additional, ListType, Node, Schema};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The keys of a list's element with their values; a key that is absent takes its default.
pub(super) fn item_key(schema: &Schema, list: &Node, keys: &[String], item: &Value) -> Map<String, Value> {
    let default =
        |name: &str| list.items.and_then(|id| schema.node(id).properties.get(name)).and_then(|id| schema.node(*id).default.clone());
    keys.iter().filter_map(|name| item.get(name).cloned().or_else(|| default(name)).map(|value| (name.clone(), value))).collect()
}

impl Schema {
    /// Elements that occur twice in lists of type set or map: the second occurrence of each.
    pub fn duplicates(&self, value: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.find_duplicates(self.root(), value, "", &mut errors);
        errors
    }

    fn find_duplicates(&self, node: &Node, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    if let Some(id) = node.properties.get(name) {
                        self.find_duplicates(self.node(*id), value, &child(path, name), errors);
                    } else if let Additional::Schema(id) = node.additional {
                        self.find_duplicates(self.node(id), value, &key(path, name), errors);
                    }
                }
            }
            Value::Array(list) => {
                match &node.list_type {
                    ListType::Set => twice(list.iter().cloned(), path, errors),
                    ListType::Map(keys) => Self::find_equal_keys(keys, list, path, errors),
                    ListType::Unsaid | ListType::Atomic => {}
                }
                if let Some(items) = node.items {
                    for (position, item) in list.iter().enumerate() {
                        self.find_duplicates(self.node(items), item, &index(path, position), errors);
                    }
                }
            }
            _ => {}
        }
    }

    fn find_equal_keys(keys: &[String], list: &[Value], path: &str, errors: &mut Vec<FieldError>) {
        let misfit = list.iter().position(|item| !item.is_object() && !item.is_null());
        if let Some(position) = misfit {
            let detail = "must be an object for an array of list-type map";
            errors.push(FieldError::invalid(index(path, position), list[position].clone(), detail));
            return;
        }
        let identity = |item: &Value| {
            let present = keys.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone())));
            Value::Object(present.collect())
        };
        twice(list.iter().map(identity), path, errors);
    }
}

/// Reports the second occurrence of each value.
fn twice(values: impl Iterator<Item = Value>, path: &str, errors: &mut Vec<FieldError>) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (position, value) in values.enumerate() {
        let count = seen.entry(value.to_string()).or_default();
        *count += 1;
        if *count == 2 {
            errors.push(FieldError::duplicate(index(path, position), value));
        }
    }
}
