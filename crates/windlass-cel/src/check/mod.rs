//! The type checker: what every node of an expression is, and everything that is wrong with it, also where it is never reached.
//!
//! It looks at types only, never at values. Start with [`check`], then `infer`.

mod calls;
mod infer;
mod scopes;

use crate::environment::Environment;
use crate::expression::Expression;
use crate::place::Place;
use crate::syntax::node::Node;
use crate::types::{ObjectType, Type};
use scopes::Scopes;
use std::sync::Arc;

/// One thing that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A constant for programs: `UnknownName`, `UnknownField`, `UnknownFunction`, `WrongType` or `SecretExposed`.
    pub code: &'static str,
    /// Byte in the source.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, with the words of the expression.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

/// A checked expression, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Checked {
    pub(crate) root: Arc<Node>,
    pub(crate) types: Arc<[Type]>,
    pub(crate) source: Arc<str>,
}

impl Checked {
    /// The type of the result.
    pub fn result(&self) -> &Type {
        &self.types[self.root.id]
    }

    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// Checks an expression.
pub(crate) fn check(expression: &Expression, environment: &Environment) -> Result<Checked, Vec<Problem>> {
    let mut checker = Checker {
        source: expression.source(),
        environment,
        scopes: Scopes::default(),
        types: vec![Type::Dyn; expression.nodes],
        problems: Vec::new(),
    };
    checker.infer(&expression.root);
    if checker.problems.is_empty() {
        Ok(Checked { root: Arc::clone(&expression.root), types: checker.types.into(), source: expression.source().into() })
    } else {
        checker.problems.sort_by_key(|problem| problem.offset);
        Err(checker.problems)
    }
}

struct Checker<'a> {
    source: &'a str,
    environment: &'a Environment,
    scopes: Scopes,
    types: Vec<Type>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// Notes a problem; what depends on it is not reported again.
    fn problem(&mut self, code: &'static str, offset: usize, message: impl Into<String>, hint: Option<String>) -> Type {
        let Place { line, column } = Place::of(self.source, offset);
        let problem = Problem { code, offset, line, column, message: message.into(), hint };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        Type::Dyn
    }
}

/// The one type of all values of an object, as far as there is one.
pub(crate) fn value_type(object: &ObjectType) -> Type {
    let mut types = object.fields.values().map(|field| &field.ty).chain(&object.rest);
    let Some(first) = types.next().cloned() else { return Type::Dyn };
    types.fold(first, |all, next| join(&all, next).unwrap_or(Type::Dyn))
}

/// The type that two values share; `None` where they have nothing in common.
pub(crate) fn join(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (Type::Dyn, _) | (_, Type::Dyn) => Some(if a.has_secret() || b.has_secret() { Type::Dyn.secret() } else { Type::Dyn }),
        (Type::Secret(a), b) | (b, Type::Secret(a)) => join(a, &b.without_secrets()).map(Type::secret),
        (Type::Null, other) | (other, Type::Null) if other.takes_null() => Some(other.clone()),
        (Type::Null, other) | (other, Type::Null) => Some(Type::Nullable(Box::new(other.clone()))),
        (Type::Nullable(a), b) | (b, Type::Nullable(a)) => {
            let b = if let Type::Nullable(inner) = b { inner } else { b };
            join(a, b).map(|joined| Type::Nullable(Box::new(joined)))
        }
        (Type::Optional(a), Type::Optional(b)) => join(a, b).map(Type::optional),
        (Type::List(a), Type::List(b)) => join(a, b).map(Type::list),
        (Type::Map(key, value), Type::Map(of, to)) => Some(Type::map(join(key, of)?, join(value, to)?)),
        (Type::Object(_), Type::Object(_)) => Some(if a.assignable(b) {
            b.clone()
        } else if b.assignable(a) {
            a.clone()
        } else {
            Type::Dyn
        }),
        (Type::Map(..), Type::Object(_)) if a.assignable(b) => Some(b.clone()),
        (Type::Object(_), Type::Map(..)) if b.assignable(a) => Some(a.clone()),
        (Type::Map(..), Type::Object(_)) | (Type::Object(_), Type::Map(..)) => Some(Type::Dyn),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
