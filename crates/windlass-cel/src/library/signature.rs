//! Signatures as text, and whether arguments fit one.

use crate::types::Type;

/// Types of the arguments and of the result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<Type>,
    pub(crate) result: Type,
}

impl Signature {
    /// Reads `list(A), A -> bool`.
    pub(crate) fn read(text: &str) -> Self {
        let (parameters, result) = text.split_once("->").expect("a signature has an arrow");
        Self { parameters: split(parameters).into_iter().map(read).collect(), result: read(result.trim()) }
    }

    /// The type of the result, if arguments of these types fit.
    pub(crate) fn result_for(&self, arguments: &[Type]) -> Option<Type> {
        if arguments.len() != self.parameters.len() {
            return None;
        }
        let mut bound = vec![None; 4];
        let fits = self.parameters.iter().zip(arguments).all(|(parameter, argument)| unify(parameter, argument, &mut bound));
        fits.then(|| substitute(&self.result, &bound))
    }
}

fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(text[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn read(text: &str) -> Type {
    if let Some((word, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let inner: Vec<Type> = split(inner).into_iter().map(read).collect();
        return match (word, inner.as_slice()) {
            ("list", [item]) => Type::list(item.clone()),
            ("map", [key, value]) => Type::map(key.clone(), value.clone()),
            ("optional", [inner]) => inner.clone().optional(),
            ("type", [inner]) => Type::Type(Box::new(inner.clone())),
            _ => unreachable!("`{text}` in a table of signatures"),
        };
    }
    match text {
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "dyn" => Type::Dyn,
        "quantity" => Type::Quantity,
        "ip" => Type::Ip,
        "cidr" => Type::Cidr,
        "semver" => Type::Semver,
        "A" => Type::Parameter(0),
        "B" => Type::Parameter(1),
        "C" => Type::Parameter(2),
        _ => unreachable!("`{text}` in a table of signatures"),
    }
}

fn unify(parameter: &Type, argument: &Type, bound: &mut Vec<Option<Type>>) -> bool {
    match (parameter, argument) {
        (Type::Parameter(number), argument) => match &bound[*number] {
            None | Some(Type::Dyn) => {
                bound[*number] = Some(argument.clone());
                true
            }
            Some(_) if *argument == Type::Dyn => true,
            Some(known) if argument.assignable(known) => true,
            Some(known) if known.assignable(argument) => {
                bound[*number] = Some(argument.clone());
                true
            }
            Some(_) => false,
        },
        (_, Type::Dyn) | (Type::Dyn, _) => true,
        (parameter, Type::Nullable(inner)) => unify(parameter, inner, bound),
        (Type::List(parameter), Type::List(argument)) | (Type::Optional(parameter), Type::Optional(argument)) => {
            unify(parameter, argument, bound)
        }
        (Type::Map(key, value), Type::Map(of, to)) => unify(key, of, bound) && unify(value, to, bound),
        (Type::Map(key, value), Type::Object(object)) => {
            unify(key, &Type::String, bound) && unify(value, &crate::check::value_type(object), bound)
        }
        (Type::Type(_), Type::Type(_)) => true,
        (parameter, argument) => parameter == argument,
    }
}

fn substitute(ty: &Type, bound: &[Option<Type>]) -> Type {
    match ty {
        Type::Parameter(number) => bound[*number].clone().unwrap_or(Type::Dyn),
        Type::List(inner) => Type::list(substitute(inner, bound)),
        Type::Optional(inner) => substitute(inner, bound).optional(),
        Type::Type(inner) => Type::Type(Box::new(substitute(inner, bound))),
        Type::Map(key, value) => Type::map(substitute(key, bound), substitute(value, bound)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::Signature;
    use crate::types::Type;

    #[test]
    fn parameters_are_the_same_wherever_they_stand() {
        let or_value = Signature::read("optional(A), A -> A");
        assert_eq!(or_value.result_for(&[Type::String.optional(), Type::String]), Some(Type::String));
        assert_eq!(or_value.result_for(&[Type::String.optional(), Type::Int]), None);
        assert_eq!(or_value.result_for(&[Type::Dyn.optional(), Type::Int]), Some(Type::Int));
        assert_eq!(Signature::read("-> optional(A)").result_for(&[]), Some(Type::Dyn.optional()));
        assert_eq!(Signature::read("map(A, B) -> int").result_for(&[Type::map(Type::String, Type::Int)]), Some(Type::Int));
    }
}
