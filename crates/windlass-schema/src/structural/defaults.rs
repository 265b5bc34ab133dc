//! Defaults from the schema, and nulls that stand for "not set".
//!
//! A null of a field that is not nullable is replaced by the default or dropped. Start with [`Schema::apply_defaults`].

use super::{Node, Schema};
use serde_json::Value;

impl Schema {
    /// Fills in defaults and drops nulls that the schema does not allow.
    pub fn apply_defaults(&self, value: &mut Value) {
        self.drop_nulls(self.root(), value);
        self.fill(self.root(), value);
    }

    fn fill(&self, node: &Node, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, id) in &node.properties {
                    let property = self.node(*id);
                    let Some(default) = &property.default else { continue };
                    let unset = map.get(key).is_none_or(|value| value.is_null() && !property.nullable);
                    if unset {
                        map.insert(key.clone(), default.clone());
                    }
                }
                for (key, value) in map.iter_mut() {
                    let Some(child) = self.field(node, key) else { continue };
                    Self::fill_null(child, value);
                    self.fill(child, value);
                }
            }
            Value::Array(list) => {
                let Some(items) = node.items.map(|id| self.node(id)) else { return };
                for value in list {
                    Self::fill_null(items, value);
                    self.fill(items, value);
                }
            }
            _ => {}
        }
    }

    fn fill_null(node: &Node, value: &mut Value) {
        if let (Value::Null, false, Some(default)) = (&*value, node.nullable, &node.default) {
            *value = default.clone();
        }
    }

    fn drop_nulls(&self, node: &Node, value: &mut Value) {
        match value {
            Value::Object(map) => map.retain(|key, value| {
                let Some(child) = self.field(node, key) else { return true };
                if value.is_null() && !child.nullable && child.default.is_none() {
                    return false;
                }
                self.drop_nulls(child, value);
                true
            }),
            Value::Array(list) => {
                if let Some(items) = node.items.map(|id| self.node(id)) {
                    list.iter_mut().for_each(|value| self.drop_nulls(items, value));
                }
            }
            _ => {}
        }
    }
}
