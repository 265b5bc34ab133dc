//! Evaluation over values that are known, come later, or are secret.
//!
//! Lazy where the language is: `a ? b : c`, `&&` and `||` decide as soon as they can, also when another side comes later or
//! fails. What is computed from a later value is later, with everything that it waits for; what is computed from a secret is
//! one. Start with [`Checked::evaluate`].

mod calls;
mod comprehension;
mod reading;

use crate::check::Checked;
use crate::library::Failure;
use crate::library::conversions::{type_named, weight};
use crate::syntax::node::{Binding, Kind, Literal, Logic, Node};
use crate::types::Type;
use crate::value::{Key, Later, Value};
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The values of names.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    values: HashMap<String, Value>,
}

impl Bindings {
    /// Gives a name a value.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.values.insert(name.into(), value);
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}

impl FromIterator<(String, Value)> for Bindings {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(values: I) -> Self {
        Self { values: values.into_iter().collect() }
    }
}

/// How much an evaluation may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many nodes are visited at most, those of comprehensions once per item.
    pub steps: u64,
    /// How large a value that is made may be, in bytes.
    pub bytes: usize,
    /// Whether a secret may decide what is chosen: only for the rules of others, who know no secrets.
    pub secrets_decide: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 1_000_000, bytes: 8 << 20, secrets_decide: false }
    }
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Something that is read is not there: no such field, key or item.
    #[error("{message}")]
    Missing {
        /// What is missing, as far as it can be named.
        path: String,
        /// The same as a sentence.
        message: String,
    },
    /// It cannot be computed.
    #[error("{message}")]
    Failed {
        /// Byte in the source.
        offset: usize,
        /// Why.
        message: String,
    },
    /// It takes too long or makes too large a value.
    #[error("the expression is too costly: {0}")]
    LimitExceeded(&'static str),
}

type Evaluated = Result<Value, EvaluationError>;

impl Checked {
    /// Evaluates the expression.
    ///
    /// # Errors
    /// Something that is read is missing, cannot be computed, or is too costly.
    pub fn evaluate(&self, bindings: &Bindings, limits: &Limits) -> Evaluated {
        let mut evaluator = Evaluator { types: &self.types, bindings, limits, variables: Vec::new(), steps: 0 };
        evaluator.eval(&self.root)
    }
}

struct Evaluator<'a> {
    types: &'a [Type],
    bindings: &'a Bindings,
    limits: &'a Limits,
    variables: Vec<(String, Value)>,
    steps: u64,
}

/// What a condition gives.
enum Truth {
    Known(bool),
    Later(Vec<String>),
}

impl Evaluator<'_> {
    fn eval(&mut self, node: &Node) -> Evaluated {
        self.steps += 1;
        if self.steps > self.limits.steps {
            return Err(EvaluationError::LimitExceeded("it takes too many steps"));
        }
        let value = match &node.kind {
            Kind::Literal(literal) => literal_value(literal),
            Kind::Identifier(name) => self.name(name, node)?,
            Kind::Select { operand, field, optional } => match self.type_name(node) {
                Some(value) => value,
                None => self.select(node, operand, field, *optional)?,
            },
            Kind::Has { operand, field } => self.has(node, operand, field)?,
            Kind::Index { operand, index, optional } => self.index(node, operand, index, *optional)?,
            Kind::Call { target, function, arguments } => self.call(node, target.as_deref(), function, arguments)?,
            Kind::Not(operand) => match self.truth(operand)? {
                Truth::Known(value) => (!value).into(),
                Truth::Later(because) => self.later(node, because),
            },
            Kind::Negate(operand) => self.negate(node, operand)?,
            Kind::Binary { operator, left, right } => self.binary(node, *operator, left, right)?,
            Kind::Logic { logic, sides } => self.logic(node, *logic, sides)?,
            Kind::Conditional { condition, then, otherwise } => match self.truth(condition)? {
                Truth::Known(true) => self.eval(then)?,
                Truth::Known(false) => self.eval(otherwise)?,
                Truth::Later(because) => self.later(node, because),
            },
            Kind::List(items) => self.list(items)?,
            Kind::Map(entries) => self.map(entries)?,
            Kind::Message { .. } => return Err(fail(node, "there are no message types here")),
            Kind::Comprehension(inner) => self.comprehension(node, inner)?,
            Kind::Binding { binding, value, variable, body } => self.bind(node, *binding, value, variable, body)?,
        };
        let makes = matches!(node.kind, Kind::List(_) | Kind::Map(_) | Kind::Comprehension(_) | Kind::Call { .. } | Kind::Binary { .. });
        if makes {
            self.charge(&value)?;
        } else if weight(&value) > self.limits.bytes {
            return Err(EvaluationError::LimitExceeded("it makes too large a value"));
        }
        Ok(value)
    }

    /// Charges for everything that is in a value that was made: parts are shared, so it may be far larger than what it cost.
    fn charge(&mut self, value: &Value) -> Result<(), EvaluationError> {
        let mut bytes = 0_usize;
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            bytes = bytes.saturating_add(weight(value));
            self.steps += 1;
            if bytes > self.limits.bytes {
                return Err(EvaluationError::LimitExceeded("it makes too large a value"));
            }
            if self.steps > self.limits.steps {
                return Err(EvaluationError::LimitExceeded("it takes too many steps"));
            }
            match value {
                Value::List(items) => waiting.extend(items.iter()),
                Value::Map(entries) => waiting.extend(entries.values()),
                Value::Optional(Some(inner)) => waiting.push(inner),
                Value::Secret(secret) => waiting.extend(secret.reveal()),
                _ => {}
            }
        }
        Ok(())
    }

    fn name(&self, name: &str, node: &Node) -> Evaluated {
        let local = self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value);
        let name = name.trim_start_matches('.');
        if let Some(value) = local.or_else(|| self.bindings.get(name)) {
            return Ok(value.clone().into_type(&self.types[node.id]));
        }
        match type_named(name) {
            Some(ty) if matches!(self.types[node.id], Type::Type(_)) => Ok(Value::Type(Arc::new(ty))),
            _ => Err(EvaluationError::Missing { path: name.to_owned(), message: format!("`{name}` is not there") }),
        }
    }

    /// A dotted name of a type, which the checker has told from a field.
    fn type_name(&self, node: &Node) -> Option<Value> {
        let Type::Type(_) = &self.types[node.id] else { return None };
        type_named(&node.dotted()?).map(|ty| Value::Type(Arc::new(ty)))
    }

    /// The value of a node that comes later because of these.
    fn later(&self, node: &Node, because: impl IntoIterator<Item = String>) -> Value {
        Value::Later(Later::from_all(because, self.types[node.id].clone()))
    }

    /// A condition: a secret decides only where it may.
    fn truth(&mut self, node: &Node) -> Result<Truth, EvaluationError> {
        match self.eval(node)? {
            Value::Bool(value) => Ok(Truth::Known(value)),
            Value::Later(later) => Ok(Truth::Later(later.because)),
            Value::Secret(secret) => match secret.reveal() {
                Some(Value::Bool(value)) if self.limits.secrets_decide => Ok(Truth::Known(*value)),
                _ => Err(fail(node, "an expression cannot decide by a secret")),
            },
            other => Err(fail(node, format!("a condition is true or false, not {}", other.type_of()))),
        }
    }

    fn logic(&mut self, node: &Node, logic: Logic, sides: &[Node]) -> Evaluated {
        self.together(node, logic.deciding(), sides, |this, side| this.truth(side))
    }

    /// What several sides say together: one that decides wins wherever it stands, then an error, then what comes later.
    /// Source: cel-spec, logical operators and the macros `all` and `exists`.
    fn together<S>(
        &mut self,
        node: &Node,
        deciding: bool,
        sides: impl IntoIterator<Item = S>,
        mut truth: impl FnMut(&mut Self, S) -> Result<Truth, EvaluationError>,
    ) -> Evaluated {
        let mut problem = None;
        let mut because = BTreeSet::new();
        for side in sides {
            match truth(self, side) {
                Ok(Truth::Known(value)) if value == deciding => return Ok(deciding.into()),
                Ok(Truth::Known(_)) => {}
                Ok(Truth::Later(waits)) => because.extend(waits),
                Err(error @ EvaluationError::LimitExceeded(_)) => return Err(error),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        match problem {
            Some(error) => Err(error),
            None if because.is_empty() => Ok((!deciding).into()),
            None => Ok(self.later(node, because)),
        }
    }

    fn list(&mut self, items: &[(Node, bool)]) -> Evaluated {
        let mut made = Vec::with_capacity(items.len());
        for (item, optional) in items {
            let value = self.eval(item)?;
            match value {
                Value::Optional(inner) if *optional => made.extend(inner.map(|inner| *inner)),
                value => made.push(value),
            }
        }
        Ok(made.into())
    }

    fn map(&mut self, entries: &[crate::syntax::node::Entry]) -> Evaluated {
        let mut made: IndexMap<Key, Value> = IndexMap::new();
        for entry in entries {
            let key = self.eval(&entry.key)?;
            if let Value::Later(later) = &key {
                // Without its keys nothing of the map can be read.
                return Ok(Value::Later(Later::from_all(later.because.clone(), Type::map(Type::Dyn, Type::Dyn))));
            }
            let Some(found) = Key::of(&key) else { return Err(fail(&entry.key, format!("{} cannot be a key", key.type_of()))) };
            let value = self.eval(&entry.value)?;
            if made.contains_key(&found) {
                return Err(fail(&entry.key, format!("the key `{found}` is there twice")));
            }
            match value {
                Value::Optional(None) if entry.optional => {}
                Value::Optional(Some(inner)) if entry.optional => drop(made.insert(found, *inner)),
                value => drop(made.insert(found, value)),
            }
        }
        Ok(Value::Map(Arc::new(made)))
    }

    fn bind(&mut self, node: &Node, binding: Binding, value: &Node, variable: &str, body: &Node) -> Evaluated {
        let value = self.eval(value)?;
        let bound = match (binding, value) {
            (Binding::Bind, value) => value,
            (_, Value::Optional(None)) => return Ok(Value::NONE),
            (_, Value::Optional(Some(inner))) => *inner,
            (_, Value::Later(later)) => return Ok(self.later(node, later.because)),
            (_, other) => return Err(fail(node, format!("an optional value is needed, not {}", other.type_of()))),
        };
        self.variables.push((variable.to_owned(), bound));
        let result = self.eval(body);
        self.variables.pop();
        Ok(match binding {
            Binding::OptionalMap => result?.some(),
            Binding::Bind | Binding::OptionalFlatMap => result?,
        })
    }
}

impl Key {
    /// A value as a key that is put: unlike finding, a double is none.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        if matches!(value, Value::Double(_)) { None } else { Self::finding(value) }
    }
}

fn literal_value(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(text) => text.as_str().into(),
        Literal::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
    }
}

fn fail(node: &Node, message: impl Into<String>) -> EvaluationError {
    EvaluationError::Failed { offset: node.offset, message: message.into() }
}

fn from_failure(node: &Node, failure: Failure, function: &str, arguments: &[Value]) -> EvaluationError {
    match failure {
        Failure::Failed(message) => fail(node, message),
        Failure::TooLarge => EvaluationError::LimitExceeded("it makes too large a value"),
        Failure::NoOverload => {
            let given: Vec<String> = arguments.iter().map(|argument| argument.type_of().to_string()).collect();
            fail(node, format!("`{function}` does not take ({})", given.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests;
