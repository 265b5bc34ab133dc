//! The only door to the expression language: parsing, checking and evaluating go through here, so that the rest of the
//! crate speaks of [`Rendered`] values and findings with places.

mod values;

use crate::value::Rendered;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use values::{from_cel, to_cel};
use windlass_api::Diagnostic;
use windlass_cel::value::Later as CelLater;
use windlass_cel::{Bindings, Checked, Environment, EvaluationError, Expression, Limits, template};

pub(crate) use values::join;
pub(crate) use windlass_cel::template::{Strictness, end_of_expression};
pub(crate) use windlass_cel::{Type, Use};

/// An expression with its place.
#[derive(Clone, Debug)]
pub(crate) struct Formula {
    /// Path of the text that it stands in.
    at: String,
    /// Characters of that text before the expression.
    start: usize,
    expression: Expression,
    uses: Vec<Use>,
    strictness: Strictness,
    checked: Option<Arc<Checked>>,
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// As it is.
    Literal(String),
    /// Computed.
    Formula(Box<Formula>),
}

/// A text, taken apart.
#[derive(Debug)]
pub(crate) struct Found {
    /// Literal and computed pieces, in order.
    pub(crate) pieces: Vec<Piece>,
    /// Whether it is one expression and nothing else.
    pub(crate) whole: bool,
}

/// What an expression gives.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A value, which may come later or be secret.
    Value(Rendered),
    /// What it reads of a node is not there (yet); as `node.path`.
    Pending(Vec<String>),
    /// It cannot be computed.
    Failed(Box<Diagnostic>),
}

/// Takes a text apart. `start` is how many characters stand before it in the text at `at`.
pub(crate) fn scan(text: &str, strictness: Strictness, at: &str, start: usize) -> Result<Found, Box<Diagnostic>> {
    let scanned = template::scan(text, strictness).map_err(|error| {
        let code = if error.message.contains("not closed") { "UnclosedExpression" } else { "InvalidExpression" };
        let finding = Diagnostic::error(code, at, error.message.clone()).with_hint(error.hint);
        Box::new(Diagnostic { column: Some(column(start + characters(text, error.offset))), ..finding })
    })?;
    let mut pieces = Vec::new();
    for piece in scanned.pieces {
        pieces.push(match piece {
            template::Piece::Literal(text) => Piece::Literal(text),
            template::Piece::Expression { source, offset } => {
                Piece::Formula(Box::new(Formula::parse(&source, at, start + characters(text, offset), strictness)?))
            }
        });
    }
    Ok(Found { pieces, whole: scanned.whole })
}

/// How many characters stand before a byte.
fn characters(text: &str, offset: usize) -> usize {
    text.char_indices().take_while(|(index, _)| *index < offset).count()
}

/// Columns count from 1.
fn column(before: usize) -> u32 {
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

impl Formula {
    fn parse(source: &str, at: &str, start: usize, strictness: Strictness) -> Result<Self, Box<Diagnostic>> {
        let expression = Expression::parse(source).map_err(|error| {
            let column = column(start + characters(source, error.offset));
            let finding = Diagnostic::error("InvalidExpression", at, error.message);
            let finding = if source.trim().is_empty() { finding.with_hint("write a name, as `${schema.spec.port}`") } else { finding };
            Box::new(Diagnostic { column: Some(column), ..finding })
        })?;
        let uses = expression.uses();
        Ok(Self { at: at.to_owned(), start, expression, uses, strictness, checked: None })
    }

    /// Reads a text that must be one expression and nothing else.
    pub(crate) fn whole(text: &str, at: &str, strictness: Strictness, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        match scan(text, strictness, at, 0) {
            Ok(Found { mut pieces, whole: true }) => match pieces.pop() {
                Some(Piece::Formula(formula)) => Some(*formula),
                Some(Piece::Literal(_)) | None => None,
            },
            Ok(_) => {
                let finding = Diagnostic::error("InvalidExpression", at, format!("`{text}` is not one expression"));
                findings.push(finding.with_hint("write exactly one `${...}`, with nothing around it"));
                None
            }
            Err(finding) => {
                findings.push(*finding);
                None
            }
        }
    }

    /// Reads a rule, which stands without `${}`.
    pub(crate) fn rule(source: &str, at: &str, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        match Self::parse(source, at, 0, Strictness::Windlass) {
            Ok(formula) => Some(formula),
            Err(finding) => {
                findings.push(*finding);
                None
            }
        }
    }

    /// The source, without `${` and `}`.
    pub(crate) fn source(&self) -> &str {
        self.expression.source().trim()
    }

    /// Path of the text that it stands in.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// The names that it uses.
    pub(crate) fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// A finding about the whole of it.
    pub(crate) fn finding(&self, code: &str, message: String) -> Diagnostic {
        Diagnostic { column: Some(column(self.start)), ..Diagnostic::error(code, &self.at, message) }
    }

    fn finding_at(&self, code: &str, message: String, offset: usize) -> Diagnostic {
        let column = column(self.start + characters(self.expression.source(), offset));
        Diagnostic { column: Some(column), ..Diagnostic::error(code, &self.at, message) }
    }

    /// Checks names and types, and gives the type of the result.
    pub(crate) fn check(&mut self, names: &Names) -> Result<Type, Vec<Diagnostic>> {
        match self.expression.check(&names.0) {
            Ok(checked) => {
                let type_ = checked.result().clone();
                self.checked = Some(Arc::new(checked));
                Ok(type_)
            }
            Err(problems) => Err(problems
                .into_iter()
                .map(|problem| {
                    let finding = self.finding_at(problem.code, problem.message, problem.offset);
                    Diagnostic { hint: problem.hint, ..finding }
                })
                .collect()),
        }
    }

    /// The type of the result, once it is checked.
    pub(crate) fn result(&self) -> Option<Type> {
        self.checked.as_ref().map(|checked| checked.result().clone())
    }

    /// Evaluates it.
    pub(crate) fn evaluate(&self, scope: &Scope) -> Outcome {
        let Some(checked) = &self.checked else {
            return Outcome::Failed(Box::new(
                self.finding("Unchecked", format!("`{}` was not checked; this is a defect of Windlass", self.source())),
            ));
        };
        // With kro secrets are values like others.
        let limits = Limits { secrets_decide: self.strictness == Strictness::Kro, ..Limits::default() };
        match checked.evaluate(&scope.bindings, &limits) {
            Ok(value) => match from_cel(&value) {
                Ok(Rendered::Secret(secret)) if limits.secrets_decide && matches!(secret.value, Some(Value::Bool(_))) => {
                    Outcome::Value(Rendered::Known(secret.value.unwrap_or_default()))
                }
                Ok(value) => Outcome::Value(value),
                Err(message) => Outcome::Failed(Box::new(self.finding("EvaluationFailed", message))),
            },
            Err(EvaluationError::Missing { path, message }) => self.missing(scope, &path, &message),
            Err(EvaluationError::Failed { offset, message }) => {
                Outcome::Failed(Box::new(self.finding_at("EvaluationFailed", format!("`{}` fails: {message}", self.source()), offset)))
            }
            Err(error @ EvaluationError::LimitExceeded(_)) => Outcome::Failed(Box::new(
                self.finding("TooCostly", error.to_string()).with_hint("make it simpler, or the lists that it walks shorter"),
            )),
        }
    }

    /// What a node lacks may still come; what the instance lacks does not.
    fn missing(&self, scope: &Scope, path: &str, message: &str) -> Outcome {
        let path = path.trim_start_matches('.');
        let root = path.split(['.', '[']).next().unwrap_or_default();
        let is_node = scope.nodes.contains(root);
        let of_nodes = || self.uses.iter().map(|used| used.root.as_str()).find(|root| scope.nodes.contains(*root));
        let known = matches!(root, "schema" | "size" | "context" | "self");
        if is_node {
            return Outcome::Pending(vec![path.to_owned()]);
        }
        if !known && let Some(node) = of_nodes() {
            return Outcome::Pending(vec![node.to_owned()]);
        }
        if self.strictness == Strictness::Kro {
            return Outcome::Pending(vec![if path.is_empty() { message.to_owned() } else { path.to_owned() }]);
        }
        let finding = self.finding("MissingValue", format!("`{}` has no value: {message}", self.source()));
        Outcome::Failed(Box::new(match path.strip_prefix("schema.") {
            Some(field) => finding.with_hint(format!(
                "give `{field}` in the instance; a Template that works without it writes `.?` and `.orValue(...)`, or gives the field a default"
            )),
            None => finding.with_hint("write `.?` and `.orValue(...)` where a value may be missing"),
        }))
    }
}

/// Names and their types.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Environment);

impl Names {
    /// These names.
    pub(crate) fn new(names: Vec<(String, Type)>) -> Self {
        Self(Environment::new(names))
    }

    /// The same with one more.
    #[must_use]
    pub(crate) fn with(self, name: &str, type_: Type) -> Self {
        Self(self.0.with(name, type_))
    }
}

/// Names and their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    bindings: Bindings,
    /// Which of them are nodes: what one of these lacks may still come.
    nodes: BTreeSet<String>,
}

impl Scope {
    /// Gives a name a value.
    pub(crate) fn bind(&mut self, name: &str, value: &Rendered) {
        self.bindings.set(name, to_cel(value));
    }

    /// Gives a node its value: what comes later of it is named by its path.
    pub(crate) fn bind_node(&mut self, name: &str, value: &Rendered) {
        let value = match value {
            Rendered::Later(later) if later.because.len() == 1 => {
                windlass_cel::Value::Later(CelLater::at(later.because[0].clone(), Type::Dyn))
            }
            value => to_cel(value),
        };
        self.bindings.set(name, value);
        self.nodes.insert(name.to_owned());
    }
}

/// Known only when it is there.
pub(crate) fn any_type() -> Type {
    Type::Dyn
}

/// Text.
pub(crate) fn text_type() -> Type {
    Type::String
}

/// A list of these.
pub(crate) fn list_of(item: Type) -> Type {
    Type::list(item)
}

/// The type of the items, where it is or may be a list.
pub(crate) fn item_of(type_: &Type) -> Option<Type> {
    match type_ {
        Type::List(item) => Some(item.as_ref().clone()),
        Type::Dyn => Some(Type::Dyn),
        Type::Nullable(inner) => item_of(inner),
        _ => None,
    }
}

/// Whether it can decide.
pub(crate) fn is_condition(type_: &Type) -> bool {
    match type_ {
        Type::Bool | Type::Dyn => true,
        Type::Optional(inner) | Type::Nullable(inner) => is_condition(inner),
        _ => false,
    }
}

/// Whether it can be a part of a text.
pub(crate) fn is_text(type_: &Type) -> bool {
    match type_ {
        Type::String | Type::Dyn => true,
        Type::Secret(inner) | Type::Nullable(inner) => is_text(inner),
        _ => false,
    }
}

/// The type of what a schema describes; `name` is what messages call it.
pub(crate) fn type_of_schema(name: &str, schema: &Value) -> Type {
    Type::from_openapi_named(name, schema)
}

/// Makes some fields of an object secret.
pub(crate) fn with_secrets(type_: Type, fields: &[&str]) -> Type {
    let Type::Object(object) = &type_ else { return type_ };
    let mut object = object.as_ref().clone();
    for name in fields {
        if let Some(field) = object.fields.get_mut(*name) {
            field.ty = match std::mem::replace(&mut field.ty, Type::Dyn) {
                Type::Map(key, value) => Type::map(*key, value.secret()),
                other => other.secret(),
            };
        }
    }
    Type::Object(Arc::new(object))
}

/// Whether a value of the type fits a field. Bytes are written as base64, so that such a text fits as well.
pub(crate) fn accepts(schema: &Value, type_: &Type) -> bool {
    let is_bytes = schema.get("format").and_then(Value::as_str) == Some("byte");
    type_.assignable_to_openapi(schema) || (is_bytes && is_text(type_))
}

/// A schema that takes anything.
pub(crate) fn any_schema() -> Value {
    json!({"x-kubernetes-preserve-unknown-fields": true})
}

/// The schema of values of a type, for the status of instances.
pub(crate) fn schema_of(type_: &Type) -> Value {
    match type_ {
        Type::Bool => json!({"type": "boolean"}),
        Type::Int | Type::Uint => json!({"type": "integer"}),
        Type::Double => json!({"type": "number"}),
        Type::String => json!({"type": "string"}),
        Type::Optional(inner) | Type::Nullable(inner) => schema_of(inner),
        Type::List(item) => json!({"type": "array", "items": schema_of(item)}),
        Type::Map(_, value) => json!({"type": "object", "additionalProperties": schema_of(value)}),
        Type::Object(object) if object.rest.is_none() && !object.fields.is_empty() => {
            let properties: serde_json::Map<String, Value> =
                object.fields.iter().map(|(name, field)| (name.clone(), schema_of(&field.ty))).collect();
            json!({"type": "object", "properties": properties})
        }
        _ => any_schema(),
    }
}

#[cfg(test)]
mod tests;
