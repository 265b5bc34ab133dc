//! Calls of functions and operators: which signature fits.

use super::{Checker, join};
use crate::library::signature::Signature;
use crate::library::{self, operators};
use crate::syntax::node::{Node, Operator};
use crate::types::Type;
use windlass_api::nearest;

/// Whether a result tells anything about its arguments, so that a secret would be exposed.
fn compares(operator: Operator) -> bool {
    !matches!(operator, Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder)
}

impl Checker<'_> {
    pub(super) fn binary(&mut self, node: &Node, operator: Operator, left: &Node, right: &Node) -> Type {
        let (a, b) = (self.infer(left), self.infer(right));
        if compares(operator) && (a.has_secret() || b.has_secret()) {
            return self.secret(node.offset, "compare a secret");
        }
        let symbol = operator.symbol();
        if matches!(operator, Operator::Equal | Operator::NotEqual) {
            if !comparable(&a, &b) {
                self.problem(
                    "WrongType",
                    node.offset,
                    format!("`{symbol}` compares values of one type, not {a} and {b}"),
                    mixed_hint(&a, &b),
                );
            }
            return Type::Bool;
        }
        if operator == Operator::In
            && let Type::Object(_) = b.without_outer_secret()
            && (a == Type::String || a == Type::Dyn)
        {
            return Type::Bool;
        }
        match fitting(operators::signatures(operator), &[a.clone(), b.clone()]) {
            Some(ty) => ty,
            None => self.problem("WrongType", node.offset, format!("`{symbol}` does not take {a} and {b}"), mixed_hint(&a, &b)),
        }
    }

    pub(super) fn call(&mut self, node: &Node, target: Option<&Node>, function: &str, arguments: &[Node]) -> Type {
        let namespaced = target.filter(|target| !self.is_variable(target)).and_then(|target| library::namespaced(target, function));
        if let Some((found, name)) = namespaced {
            let types: Vec<Type> = arguments.iter().map(|argument| self.infer(argument)).collect();
            return self.choose(node, &name, &found.signatures, &types);
        }
        let found = library::find(function, target.is_some());
        let Some(found) = found else {
            return self.unknown_function(node, target, function, arguments);
        };
        let types: Vec<Type> = target.into_iter().chain(arguments).map(|argument| self.infer(argument)).collect();
        self.choose(node, function, &found.signatures, &types)
    }

    fn is_variable(&self, node: &Node) -> bool {
        node.root().is_some_and(|root| self.scopes.get(root).is_some() || self.environment.get(root.trim_start_matches('.')).is_some())
    }

    fn choose(&mut self, node: &Node, name: &str, signatures: &[Signature], types: &[Type]) -> Type {
        match fitting(signatures, types) {
            Some(ty) => ty,
            None => {
                let given: Vec<String> = types.iter().map(ToString::to_string).collect();
                let taken: Vec<String> = signatures.iter().take(4).map(|signature| format!("({})", shown(&signature.parameters))).collect();
                let hint = format!("it takes {}", taken.join(" or "));
                self.problem("WrongType", node.offset, format!("`{name}` does not take ({})", given.join(", ")), Some(hint))
            }
        }
    }

    fn unknown_function(&mut self, node: &Node, target: Option<&Node>, function: &str, arguments: &[Node]) -> Type {
        let dotted = target.and_then(Node::dotted).filter(|_| target.is_some_and(|target| !self.is_variable(target)));
        let (name, hint) = match dotted {
            Some(dotted) => {
                let name = format!("{dotted}.{function}");
                let hint = nearest(&name, library::names(false)).map(|near| format!("did you mean `{near}`?"));
                (name, hint)
            }
            None => {
                target.into_iter().chain(arguments).for_each(|argument| drop(self.infer(argument)));
                let other = library::find(function, target.is_none()).is_some();
                let turned = match (other, target) {
                    (true, Some(_)) => Some(format!("write `{function}(...)`")),
                    (true, None) => Some(format!("write `value.{function}(...)`")),
                    (false, _) => None,
                };
                let near = nearest(function, library::names(target.is_some())).map(|near| format!("did you mean `{near}`?"));
                (function.to_owned(), turned.or(near))
            }
        };
        self.problem("UnknownFunction", node.offset, format!("there is no function `{name}` here"), hint)
    }
}

/// The type of the result of every signature that fits; secrets go through to the result.
fn fitting(signatures: &[Signature], types: &[Type]) -> Option<Type> {
    let secret = types.iter().any(Type::has_secret);
    let plain: Vec<Type> = types.iter().map(Type::without_secrets).collect();
    let mut results = signatures.iter().filter_map(|signature| signature.result_for(&plain));
    let first = results.next()?;
    let result = results.fold(first, |all, next| if all == next { all } else { join(&all, &next).unwrap_or(Type::Dyn) });
    Some(if secret { result.secret() } else { result })
}

/// Whether values of these types can be equal. Maps and types of any kind can.
fn comparable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn, _) | (_, Type::Dyn) | (Type::Type(_), Type::Type(_)) => true,
        (Type::Map(..) | Type::Object(_), Type::Map(..) | Type::Object(_)) => true,
        _ if matches!(a, Type::Optional(_)) != matches!(b, Type::Optional(_)) => false,
        _ => a.assignable(b) || b.assignable(a),
    }
}

fn shown(types: &[Type]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn mixed_hint(a: &Type, b: &Type) -> Option<String> {
    let number = |ty: &Type| matches!(ty, Type::Int | Type::Uint | Type::Double);
    if (*a == Type::String && number(b)) || (*b == Type::String && number(a)) {
        return Some("write `string(...)` around the number".into());
    }
    if number(a) && number(b) {
        return Some("write `int(...)` or `double(...)` around one of them".into());
    }
    matches!(a, Type::Optional(_)).then(|| "write `.orValue(...)` behind the optional value".into())
}
