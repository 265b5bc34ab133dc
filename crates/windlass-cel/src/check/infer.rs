//! The type of each kind of node.

use super::{Checker, join, value_type};
use crate::library::conversions::type_named;
use crate::syntax::node::{Binding, Comprehension, Entry, Iteration, Kind, Literal, Node};
use crate::types::{Field, ObjectType, Type};
use std::sync::Arc;
use windlass_api::nearest;

impl Checker<'_> {
    /// Finds the type of a node and notes it.
    pub(super) fn infer(&mut self, node: &Node) -> Type {
        let ty = self.of(node);
        self.types[node.id] = ty.clone();
        ty
    }

    /// The one type of both branches of a conditional.
    fn branches(&mut self, node: &Node, then: &Node, otherwise: &Node) -> Type {
        let (then, otherwise) = (self.infer(then), self.infer(otherwise));
        join(&then, &otherwise).unwrap_or_else(|| {
            let message = format!("the two branches have different types: {then} and {otherwise}");
            let hint = "make both the same, with `string(...)` or `dyn(...)` for example".into();
            self.problem("WrongType", node.offset, message, Some(hint))
        })
    }

    fn of(&mut self, node: &Node) -> Type {
        match &node.kind {
            Kind::Literal(literal) => literal_type(literal),
            Kind::Identifier(name) => self.identifier(name, node.offset),
            Kind::Select { operand, field, optional } => match node.dotted().and_then(|name| self.type_name(node, &name)) {
                Some(ty) => ty,
                None => {
                    let of = self.infer(operand);
                    let ty = self.field(&of, field, node.offset);
                    optional_if(*optional || matches!(of, Type::Optional(_)), ty)
                }
            },
            Kind::Has { operand, field } => {
                let of = self.infer(operand);
                // Of a map that is written out, nobody has promised fields.
                if !matches!(operand.kind, Kind::Map(_)) {
                    self.field(&of, field, node.offset);
                }
                Type::Bool
            }
            Kind::Index { operand, index, optional } => {
                let (of, at) = (self.infer(operand), self.infer(index));
                let ty = self.item(&of, &at, index, node.offset);
                optional_if(*optional || matches!(of, Type::Optional(_)), ty)
            }
            Kind::Call { target, function, arguments } => self.call(node, target.as_deref(), function, arguments),
            Kind::Not(operand) => {
                self.condition(operand, "!");
                Type::Bool
            }
            Kind::Negate(operand) => {
                let ty = self.infer(operand);
                match &ty {
                    Type::Int | Type::Double | Type::Dyn => ty,
                    other => self.problem("WrongType", node.offset, format!("`-` does not take {other}"), None),
                }
            }
            Kind::Binary { operator, left, right } => self.binary(node, *operator, left, right),
            Kind::Logic { logic, sides } => {
                sides.iter().for_each(|side| self.condition(side, logic.symbol()));
                Type::Bool
            }
            Kind::Conditional { condition, then, otherwise } => {
                self.condition(condition, "?");
                self.branches(node, then, otherwise)
            }
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Message { name, values } => {
                values.iter().for_each(|value| drop(self.infer(value)));
                self.problem(
                    "UnknownName",
                    node.offset,
                    format!("there is no message type `{name}` here"),
                    Some("write a map: `{\"key\": value}`".into()),
                )
            }
            Kind::Comprehension(inner) => self.comprehension(node, inner),
            Kind::Binding { binding, value, variable, body } => self.binding(node, *binding, value, variable, body),
        }
    }

    fn identifier(&mut self, name: &str, offset: usize) -> Type {
        let local = self.scopes.get(name);
        let name = name.trim_start_matches('.');
        if let Some(ty) = local.or_else(|| self.environment.get(name)) {
            return ty.clone();
        }
        if let Some(ty) = type_named(name) {
            return Type::Type(Box::new(ty));
        }
        let known = self.scopes.names().chain(self.environment.names());
        let hint = nearest(name, known).map(|near| format!("did you mean `{near}`?")).or_else(|| {
            let names: Vec<&str> = self.environment.names().take(12).collect();
            (!names.is_empty()).then(|| format!("the names here are: {}", names.join(", ")))
        });
        self.problem("UnknownName", offset, format!("`{name}` is not a name here"), hint)
    }

    /// `google.protobuf.Timestamp` and its like, unless the first word is a variable.
    fn type_name(&mut self, node: &Node, name: &str) -> Option<Type> {
        let root = node.root()?;
        if self.scopes.get(root).is_some() || self.environment.get(root.trim_start_matches('.')).is_some() {
            return None;
        }
        type_named(name).map(|ty| Type::Type(Box::new(ty)))
    }

    /// The type of a field of a value of this type.
    pub(super) fn field(&mut self, of: &Type, field: &str, offset: usize) -> Type {
        match of {
            Type::Dyn => Type::Dyn,
            Type::Secret(inner) => self.field(inner, field, offset).secret(),
            Type::Optional(inner) | Type::Nullable(inner) => self.field(inner, field, offset),
            Type::Map(key, value) if Type::String.assignable(key) => value.as_ref().clone(),
            Type::Object(object) => match object.field(field) {
                Some(ty) => ty.clone(),
                None => {
                    let named = if object.name.is_empty() { String::new() } else { format!(" in `{}`", object.name) };
                    let hint = field_hint(object, field);
                    self.problem("UnknownField", offset, format!("there is no field `{field}`{named}"), hint)
                }
            },
            other => self.problem("WrongType", offset, format!("{other} has no fields, so no `{field}`"), None),
        }
    }

    fn item(&mut self, of: &Type, at: &Type, index: &Node, offset: usize) -> Type {
        if at.has_secret() {
            return self.secret(index.offset, "choose with a secret");
        }
        match of {
            Type::Dyn => Type::Dyn,
            Type::Secret(inner) => self.item(inner, at, index, offset).secret(),
            Type::Optional(inner) | Type::Nullable(inner) => self.item(inner, at, index, offset),
            Type::List(item) if matches!(at, Type::Int | Type::Uint | Type::Double | Type::Dyn) => item.as_ref().clone(),
            Type::Map(key, value) if at.assignable(key) => value.as_ref().clone(),
            Type::Object(object) => match &index.kind {
                Kind::Literal(Literal::String(field)) => self.field(of, field, offset),
                _ if at.assignable(&Type::String) => value_type(object),
                _ => self.problem("WrongType", offset, format!("a field's name is a string, not {at}"), None),
            },
            other => self.problem("WrongType", offset, format!("{other} has no item at a {at}"), None),
        }
    }

    /// A node that must be true or false.
    pub(super) fn condition(&mut self, node: &Node, operator: &str) {
        match self.infer(node) {
            Type::Bool | Type::Dyn => {}
            Type::Nullable(inner) if *inner == Type::Bool => {}
            ty if ty.has_secret() => drop(self.secret(node.offset, "decide by a secret")),
            ty => drop(self.problem("WrongType", node.offset, format!("`{operator}` needs true or false, not {ty}"), None)),
        }
    }

    pub(super) fn secret(&mut self, offset: usize, what: &str) -> Type {
        let hint = "pass the secret on as it is, or put the decision into a field of the schema";
        self.problem("SecretExposed", offset, format!("an expression cannot {what}"), Some(hint.into()))
    }

    fn list(&mut self, items: &[(Node, bool)]) -> Type {
        let mut all: Option<Type> = None;
        for (item, optional) in items {
            let ty = self.infer(item);
            let ty = if *optional { self.inside_optional(ty, item.offset) } else { ty };
            all = Some(match all {
                None => ty,
                Some(known) => join(&known, &ty).unwrap_or(Type::Dyn),
            });
        }
        Type::list(all.unwrap_or(Type::Parameter(usize::MAX)).or_dyn())
    }

    fn inside_optional(&mut self, ty: Type, offset: usize) -> Type {
        match ty {
            Type::Optional(inner) => *inner,
            Type::Dyn => Type::Dyn,
            other => self.problem("WrongType", offset, format!("`?` needs an optional value, not {other}"), None),
        }
    }

    fn map(&mut self, entries: &[Entry]) -> Type {
        let mut keys: Option<Type> = None;
        let mut values: Option<Type> = None;
        let mut object = ObjectType::default();
        let mut literal = !entries.is_empty();
        for entry in entries {
            let key = self.infer(&entry.key);
            if key.has_secret() {
                self.secret(entry.key.offset, "use a secret as a key");
            } else if !matches!(key, Type::String | Type::Int | Type::Uint | Type::Bool | Type::Dyn) {
                self.problem("WrongType", entry.key.offset, format!("a key is a string, a whole number or a bool, not {key}"), None);
            }
            let value = self.infer(&entry.value);
            let value = if entry.optional { self.inside_optional(value, entry.value.offset) } else { value };
            match &entry.key.kind {
                Kind::Literal(Literal::String(name)) => {
                    object.fields.insert(name.clone(), Field { ty: value.clone(), required: !entry.optional });
                }
                _ => literal = false,
            }
            keys = Some(keys.map_or(key.clone(), |known| join(&known, &key).unwrap_or(Type::Dyn)));
            values = Some(values.map_or(value.clone(), |known| join(&known, &value).unwrap_or(Type::Dyn)));
        }
        let map = Type::map(keys.unwrap_or(Type::Dyn), values.unwrap_or(Type::Dyn));
        if literal && object.fields.values().all(|field| field.ty.is_at_most(LARGEST)) {
            // Its fields are known one by one, so that each is checked against the field that it becomes.
            object.name = map.to_string();
            Type::Object(Arc::new(object))
        } else {
            map
        }
    }

    fn comprehension(&mut self, node: &Node, inner: &Comprehension) -> Type {
        let range = self.infer(&inner.range);
        let secret = matches!(range, Type::Secret(_));
        let Some((key, value)) = entries_of(&range.without_outer_secret()) else {
            let message = format!("`{}` goes over a list or a map, not {range}", inner.iteration.name());
            return self.problem("WrongType", node.offset, message, None);
        };
        let is_list = matches!(range.without_outer_secret(), Type::List(_));
        let taint = |ty: Type| if secret { ty.secret() } else { ty };
        let depth = self.scopes.depth();
        match &inner.second {
            Some(second) => {
                self.scopes.push(&inner.variable, key.clone());
                self.scopes.push(second, taint(value.clone()));
            }
            None => self.scopes.push(&inner.variable, taint(if is_list { value.clone() } else { key.clone() })),
        }
        if let Some(filter) = &inner.filter {
            self.condition(filter, inner.iteration.name());
        }
        let result = match inner.iteration {
            Iteration::All | Iteration::Exists | Iteration::ExistsOne => {
                self.condition(&inner.body, inner.iteration.name());
                Type::Bool
            }
            Iteration::Filter => {
                self.condition(&inner.body, inner.iteration.name());
                Type::list(taint(if is_list { value } else { key }))
            }
            Iteration::Map | Iteration::TransformList => Type::list(self.infer(&inner.body)),
            Iteration::TransformMap => Type::map(key, self.infer(&inner.body)),
            Iteration::TransformMapEntry => match self.infer(&inner.body) {
                Type::Object(object) => Type::map(Type::String, value_type(&object)),
                ty @ (Type::Map(..) | Type::Dyn) => ty,
                other => {
                    self.problem("WrongType", inner.body.offset, format!("transformMapEntry needs a map with one entry, not {other}"), None)
                }
            },
            Iteration::SortBy => {
                if self.infer(&inner.body).has_secret() {
                    self.secret(inner.body.offset, "sort by a secret");
                }
                Type::list(value)
            }
        };
        self.scopes.truncate(depth);
        result
    }

    fn binding(&mut self, node: &Node, binding: Binding, value: &Node, variable: &str, body: &Node) -> Type {
        let ty = self.infer(value);
        let bound = match (binding, ty) {
            (Binding::Bind, ty) => ty,
            (_, Type::Optional(inner)) => *inner,
            (_, Type::Dyn) => Type::Dyn,
            (_, other) => {
                self.problem("WrongType", node.offset, format!("optMap and optFlatMap need an optional value, not {other}"), None)
            }
        };
        let depth = self.scopes.depth();
        self.scopes.push(variable, bound);
        let result = self.infer(body);
        self.scopes.truncate(depth);
        match binding {
            Binding::Bind => result,
            Binding::OptionalMap => result.optional(),
            Binding::OptionalFlatMap if matches!(result, Type::Optional(_) | Type::Dyn) => result,
            Binding::OptionalFlatMap => {
                self.problem("WrongType", body.offset, format!("optFlatMap needs an optional result, not {result}"), None)
            }
        }
    }
}

/// How many types may be in one field of a map that is written out, so that its fields are told apart.
const LARGEST: usize = 20_000;

impl Type {
    /// Whether no more than so many types are in it. Parts are shared, so a short expression can have a huge type.
    fn is_at_most(&self, most: usize) -> bool {
        let mut seen = 0;
        let mut waiting = vec![self];
        while let Some(ty) = waiting.pop() {
            seen += 1;
            if seen > most {
                return false;
            }
            match ty {
                Self::List(inner) | Self::Optional(inner) | Self::Nullable(inner) | Self::Secret(inner) | Self::Type(inner) => {
                    waiting.push(inner)
                }
                Self::Map(key, value) => waiting.extend([key.as_ref(), value.as_ref()]),
                Self::Object(object) => waiting.extend(object.fields.values().map(|field| &field.ty).chain(&object.rest)),
                _ => {}
            }
        }
        true
    }

    /// `dyn` in place of a type that nothing has said yet.
    fn or_dyn(self) -> Self {
        if self == Self::Parameter(usize::MAX) { Self::Dyn } else { self }
    }

    /// The type below `secret(...)`.
    pub(super) fn without_outer_secret(&self) -> Self {
        match self {
            Self::Secret(inner) => inner.as_ref().clone(),
            Self::Nullable(inner) => inner.without_outer_secret(),
            other => other.clone(),
        }
    }
}

fn optional_if(optional: bool, ty: Type) -> Type {
    match ty {
        Type::Optional(_) => ty,
        ty if optional => ty.optional(),
        ty => ty,
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::String(_) => Type::String,
        Literal::Bytes(_) => Type::Bytes,
    }
}

/// Types of keys (or indexes) and values of what a comprehension goes over.
fn entries_of(range: &Type) -> Option<(Type, Type)> {
    Some(match range {
        Type::List(item) => (Type::Int, item.as_ref().clone()),
        Type::Map(key, value) => (key.as_ref().clone(), value.as_ref().clone()),
        Type::Object(object) => (Type::String, value_type(object)),
        Type::Dyn => (Type::Dyn, Type::Dyn),
        _ => return None,
    })
}

fn field_hint(object: &ObjectType, field: &str) -> Option<String> {
    if let Some(near) = nearest(field, object.fields.keys().map(String::as_str)) {
        return Some(format!("did you mean `{near}`?"));
    }
    let names: Vec<&str> = object.fields.keys().map(String::as_str).take(12).collect();
    let more = if object.fields.len() > 12 { ", ..." } else { "" };
    (!names.is_empty()).then(|| format!("the fields are: {}{more}", names.join(", ")))
}
