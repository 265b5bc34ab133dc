//! Functions and operators over values that may come later or be secret.

use super::{Evaluated, Evaluator, fail, from_failure};
use crate::library::{self, Outcome, operators};
use crate::syntax::node::{Node, Operator};
use crate::value::{Key, Secret, Value};
use std::sync::Arc;

impl Evaluator<'_> {
    pub(super) fn call(&mut self, node: &Node, target: Option<&Node>, function: &str, arguments: &[Node]) -> Evaluated {
        let variable =
            |root: &str| self.variables.iter().any(|(name, _)| name == root) || self.bindings.get(root.trim_start_matches('.')).is_some();
        let namespaced =
            target.filter(|target| !target.root().is_some_and(variable)).and_then(|target| library::namespaced(target, function));
        let (found, name, target) = match namespaced {
            Some((found, name)) => (found, name, None),
            None => match library::find(function, target.is_some()) {
                Some(found) => (found, function.to_owned(), target),
                None => return Err(fail(node, format!("there is no function `{function}`"))),
            },
        };
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in target.into_iter().chain(arguments) {
            values.push(self.eval(argument)?);
        }
        // An optional that is there or not decides without what comes later in the other one.
        let shallow = matches!(name.as_str(), "optional.of" | "orValue" | "or" | "hasValue" | "value" | "dyn" | "size");
        self.strict(node, &name, values, shallow, found.body)
    }

    pub(super) fn binary(&mut self, node: &Node, operator: Operator, left: &Node, right: &Node) -> Evaluated {
        let values = vec![self.eval(left)?, self.eval(right)?];
        // Lists are put together whatever is in them.
        let shallow = operator == Operator::Add && values.iter().all(|value| matches!(value, Value::List(_)));
        let body = move |values: &[Value]| match values {
            [left, right] => operators::apply(operator, left, right),
            _ => Err(library::Failure::NoOverload),
        };
        self.strict(node, operator.symbol(), values, shallow, body)
    }

    pub(super) fn negate(&mut self, node: &Node, operand: &Node) -> Evaluated {
        let values = vec![self.eval(operand)?];
        self.strict(node, "-", values, false, |values| values.first().map_or(Err(library::Failure::NoOverload), operators::negate))
    }

    /// Calls a function that needs all of its arguments.
    fn strict(&mut self, node: &Node, name: &str, values: Vec<Value>, shallow: bool, body: impl Fn(&[Value]) -> Outcome) -> Evaluated {
        // Of a secret even the size is one; only what passes it on takes it unopened.
        let opens = matches!(values.first(), Some(Value::Secret(_))) && !matches!(name, "optional.of" | "dyn");
        let shallow = shallow && !opens;
        let waits = |value: &Value| if shallow { matches!(value, Value::Later(_)) } else { value.has_later() };
        if shallow && name == "orValue" && matches!(values.first(), Some(Value::Optional(_))) {
            return body(&values).map_err(|failure| from_failure(node, failure, name, &values));
        }
        if values.iter().any(waits) {
            let because = values.iter().flat_map(Value::because);
            return Ok(self.later(node, because));
        }
        if shallow || !values.iter().any(Value::has_secret) {
            return body(&values).map_err(|failure| from_failure(node, failure, name, &values));
        }
        let revealed: Option<Vec<Value>> = values.iter().map(reveal).collect();
        let value = match revealed {
            // The cause of a failure may hold what is secret.
            Some(plain) => Some(body(&plain).map_err(|_| fail(node, format!("`{name}` cannot be computed from a secret")))?),
            None => None,
        };
        Ok(Value::Secret(Secret::computed(name, &values, value)))
    }
}

/// A value with every secret in it opened; `None` where one is not known.
pub(super) fn reveal(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Secret(secret) => reveal(secret.reveal()?)?,
        Value::List(items) => items.iter().map(reveal).collect::<Option<Vec<_>>>()?.into(),
        Value::Map(entries) => Value::Map(Arc::new(
            entries.iter().map(|(key, value)| Some((key.clone(), reveal(value)?))).collect::<Option<indexmap::IndexMap<Key, Value>>>()?,
        )),
        Value::Optional(Some(inner)) => reveal(inner)?.some(),
        other => other.clone(),
    })
}
