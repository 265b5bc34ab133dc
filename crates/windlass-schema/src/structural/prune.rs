//! Fields that the schema does not know: removed, or only listed.
//!
//! Values under `x-kubernetes-preserve-unknown-fields` stay, but specified fields inside are still looked into.
//! Start with [`Schema::prune`].

use super::{Additional, Node, Schema};
use serde_json::Value;

impl Schema {
    /// Removes fields that the schema does not know.
    pub fn prune(&self, value: &mut Value) {
        self.walk(Some(self.root()), value, &mut |_| ());
    }

    /// Removes them and lists their paths (`spec.imagee`, `spec.list[0].x`), sorted.
    pub fn prune_listing(&self, value: &mut Value) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(Some(self.root()), value, &mut |path: &Steps<'_>| found.push(path.to_string()));
        found.sort();
        found
    }

    /// Lists the paths of fields that the schema does not know, sorted; the value stays as it is.
    pub fn unknown_fields(&self, value: &Value) -> Vec<String> {
        self.prune_listing(&mut value.clone())
    }

    /// Removes from a value at `node` what that node does not know.
    pub(super) fn prune_at(&self, node: &Node, value: &mut Value) {
        self.walk(Some(node), value, &mut |_| ());
    }

    fn walk(&self, node: Option<&Node>, value: &mut Value, report: &mut dyn FnMut(&Steps<'_>)) {
        Pruning { schema: self, report }.visit(node, value, &Steps::Root);
    }
}

struct Pruning<'a> {
    schema: &'a Schema,
    report: &'a mut dyn FnMut(&Steps<'_>),
}

impl Pruning<'_> {
    fn visit(&mut self, node: Option<&Node>, value: &mut Value, path: &Steps<'_>) {
        match value {
            Value::Object(map) => map.retain(|key, value| self.keep(node, key, value, path)),
            Value::Array(list) => {
                let keeps_all = node.is_some_and(keeps_all);
                let items = node.and_then(|node| node.items).map(|id| self.schema.node(id));
                if keeps_all && items.is_none() {
                    return;
                }
                for (position, item) in list.iter_mut().enumerate() {
                    self.visit(items, item, &Steps::Index(path, position));
                }
            }
            _ => {}
        }
    }

    /// Looks into one field; false when it has to go.
    fn keep(&mut self, node: Option<&Node>, key: &str, value: &mut Value, path: &Steps<'_>) -> bool {
        let Some(node) = node else {
            (self.report)(&Steps::Key(path, key));
            return false;
        };
        if let Some(child) = self.schema.field(node, key) {
            self.visit(Some(child), value, &Steps::Key(path, key));
            return true;
        }
        if keeps_all(node) || node.additional == Additional::Any {
            return true;
        }
        (self.report)(&Steps::Key(path, key));
        false
    }
}

/// Whether unknown fields of this node stay: it says so, or it is any JSON (built-in kinds).
fn keeps_all(node: &Node) -> bool {
    node.preserve_unknown || node.opaque
}

/// Where the walk stands, as a list that lives on the stack.
enum Steps<'a> {
    Root,
    Key(&'a Steps<'a>, &'a str),
    Index(&'a Steps<'a>, usize),
}

impl std::fmt::Display for Steps<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => formatter.write_str(key),
            Self::Key(parent, key) => write!(formatter, "{parent}.{key}"),
            Self::Index(parent, position) => write!(formatter, "{parent}[{position}]"),
        }
    }
}
