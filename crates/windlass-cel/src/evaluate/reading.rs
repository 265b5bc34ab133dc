//! Fields and items.

use super::{Evaluated, EvaluationError, Evaluator, fail};
use crate::library::conversions::index;
use crate::syntax::node::{Kind, Node};
use crate::types::Type;
use crate::value::{Key, Secret, Value};

/// What is read of a value.
enum Found {
    There(Value),
    Missing,
}

impl Evaluator<'_> {
    pub(super) fn select(&mut self, node: &Node, operand: &Node, field: &str, optional: bool) -> Evaluated {
        let of = self.eval(operand)?;
        let step = format!(".{field}");
        self.read(node, operand, &of, &Value::from(field), &step, optional)
    }

    pub(super) fn index(&mut self, node: &Node, operand: &Node, at: &Node, optional: bool) -> Evaluated {
        let of = self.eval(operand)?;
        let at = self.eval(at)?;
        if let Value::Later(later) = at {
            return Ok(self.later(node, later.because.into_iter().chain(of.because())));
        }
        let step = match &at {
            Value::String(key) => format!(".{key}"),
            Value::Int(number) => format!("[{number}]"),
            _ => "[...]".to_owned(),
        };
        self.read(node, operand, &of, &at, &step, optional)
    }

    pub(super) fn has(&mut self, node: &Node, operand: &Node, field: &str) -> Evaluated {
        match self.eval(operand)? {
            Value::Later(later) => Ok(self.later(node, later.because)),
            Value::Optional(None) => Ok(false.into()),
            Value::Optional(Some(inner)) => Ok(inner.get(field).is_some().into()),
            Value::Secret(secret) => match secret.reveal() {
                Some(value) => Ok(value.get(field).is_some().into()),
                None => Err(fail(node, "the secret is not known here")),
            },
            value @ Value::Map(_) => Ok(value.get(field).is_some().into()),
            Value::Null => Ok(false.into()),
            other => Err(fail(node, format!("{} has no fields", other.type_of()))),
        }
    }

    fn read(&mut self, node: &Node, operand: &Node, of: &Value, at: &Value, step: &str, optional: bool) -> Evaluated {
        let ty = self.types[node.id].clone();
        let through = matches!(of, Value::Optional(_));
        let of = match of {
            Value::Optional(None) => return Ok(Value::NONE),
            Value::Optional(Some(inner)) => inner.as_ref(),
            other => other,
        };
        if let Value::Later(later) = of {
            return Ok(Value::Later(later.step(step, ty)));
        }
        let inner = match &ty {
            Type::Optional(inner) if optional || through => inner.as_ref(),
            other => other,
        };
        match look(node, of, at)? {
            // A later value stays later: whether it is there is not known either.
            Found::There(value @ Value::Later(_)) if optional || through => Ok(match value {
                Value::Later(later) => Value::Later(later.of_type(ty)),
                other => other,
            }),
            Found::There(value @ Value::Optional(_)) => Ok(value),
            Found::There(value) if optional || through => Ok(value.into_type(inner).some()),
            Found::There(value) => Ok(value.into_type(inner)),
            Found::Missing if optional || through => Ok(Value::NONE),
            Found::Missing => {
                let path = format!("{}{step}", path_of(operand).unwrap_or_default());
                let what = if step.starts_with('.') { "no such key" } else { "index out of bounds" };
                Err(EvaluationError::Missing { message: format!("{what}: `{}`", path.trim_start_matches('.')), path })
            }
        }
    }
}

fn look(node: &Node, of: &Value, at: &Value) -> Result<Found, EvaluationError> {
    let found = match of {
        Value::Map(entries) => match Key::finding(at) {
            Some(key) => entries.get(&key),
            None => return Err(fail(node, format!("{} is no key", at.type_of()))),
        },
        Value::List(items) => match index(at) {
            Some(number) => usize::try_from(number).ok().and_then(|number| items.get(number)),
            None => return Err(fail(node, format!("{} is no index", at.type_of()))),
        },
        Value::Secret(secret) => {
            let Some(value) = secret.reveal() else {
                return Ok(Found::There(Value::Secret(Secret::computed("read", &[of.clone(), at.clone()], None))));
            };
            return Ok(match look(node, value, at)? {
                Found::There(inner @ Value::Secret(_)) => Found::There(inner),
                Found::There(inner) => Found::There(Value::Secret(Secret::computed("read", &[of.clone(), at.clone()], Some(inner)))),
                Found::Missing => Found::Missing,
            });
        }
        // What is not set in the API is not there.
        Value::Null => None,
        other => return Err(fail(node, format!("{} has no fields or items", other.type_of()))),
    };
    Ok(found.map_or(Found::Missing, |value| Found::There(value.clone())))
}

/// `db.status` for messages.
fn path_of(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Identifier(name) => Some(name.clone()),
        Kind::Select { operand, field, .. } => Some(format!("{}.{field}", path_of(operand)?)),
        Kind::Index { operand, .. } => Some(format!("{}[...]", path_of(operand)?)),
        _ => None,
    }
}
