//! The expression language of Templates: CEL, parsed, checked against types, and evaluated over values that may be known,
//! come later, or be secret.
//!
//! Its own parser, checker and evaluator on purpose: a Template is refused for a wrong type also in a branch that is never
//! taken, with place and way out; a value that comes later flows through an expression lazily, so that `a ? b : c` still
//! decides where it can; a secret taints what is made from it. No existing evaluator has any of these.
//!
//! It knows no Template, no kind, no file. Start with [`Expression::parse`], [`Environment`], [`Expression::check`] and
//! [`Checked::evaluate`]; [`template`] finds expressions in texts.
//!
//! Source: the Common Expression Language specification (cel-spec), its string, list, encoder, optional and two-variable
//! extensions, the CEL libraries of Kubernetes, and the functions of kro.

mod check;
mod environment;
mod evaluate;
mod expression;
mod library;
mod place;
mod syntax;
pub mod template;
pub mod types;
pub mod value;

pub use check::{Checked, Problem};
pub use environment::Environment;
pub use evaluate::{Bindings, EvaluationError, Limits};
pub use expression::{Expression, Use};
pub use syntax::{MAXIMUM_HEIGHT, MAXIMUM_LENGTH, SyntaxError, is_reserved};
pub use types::Type;
pub use value::Value;
