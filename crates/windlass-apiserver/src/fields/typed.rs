//! Values with types: which fields a value has, how two values differ, and what is left when fields are taken away.
//!
//! A [`Type`] says for a value whether it is one piece (a scalar, an atomic list or map) or has parts, and what the
//! parts are called. Start with [`Type::field_set`] and [`Type::compare`].

use super::path::{PathElement, Scalar, equal};
use super::set::FieldSet;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use windlass_schema::structural::{Additional, JsonType, ListType, Node, Schema};

/// The type of a value: a place in a schema, or what is known where the schema says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Type<'a> {
    schema: &'a Schema,
    of: Of<'a>,
    /// An ancestor keeps unknown fields, and so do all objects below.
    preserves: bool,
}

#[derive(Clone, Copy, Debug)]
enum Of<'a> {
    Node(&'a Node),
    /// Not described: maps have parts, lists are one piece.
    Deduced,
    /// Not described and one piece.
    Untyped,
}

/// How a value is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// One piece.
    Leaf,
    /// Fields by name.
    Map,
    /// Elements that are told apart by themselves.
    Set,
    /// Elements that are told apart by these keys.
    Keyed(&'a [String]),
}

/// How one value became another. No field is in two of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

impl<'a> Type<'a> {
    /// The type of objects that this schema describes.
    pub fn of(schema: &'a Schema) -> Self {
        Self { schema, of: Of::Node(schema.root()), preserves: false }.settled()
    }

    fn settled(mut self) -> Self {
        if let Of::Node(node) = self.of {
            self.preserves |= node.preserve_unknown;
            if node.opaque {
                self.of = Of::Untyped;
            }
        }
        self
    }

    /// The schema's words about this type, where it has any.
    pub(super) fn described(self) -> Option<&'a Node> {
        match self.of {
            Of::Node(node) => Some(node),
            Of::Deduced | Of::Untyped => None,
        }
    }

    /// What a new object is compared with: nothing but its kind, or Go's zero value of a built-in kind, in which structs
    /// are there from the start and so are nobody's.
    pub(super) fn empty(self, api_version: &Value, kind: &Value) -> Value {
        let mut object = Map::from_iter([("apiVersion".to_owned(), api_version.clone()), ("kind".to_owned(), kind.clone())]);
        if let Some(component) = self.described().and_then(|node| node.component.as_deref()) {
            crate::builtin::protobuf::write_zero(component, &mut object);
        }
        Value::Object(object)
    }

    /// Whether `name` is a declared property.
    pub(super) fn declares(self, name: &str) -> bool {
        self.described().is_some_and(|node| node.properties.contains_key(name))
    }

    /// The type of a field; none where the schema does not allow it.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        let of = match self.of {
            Of::Untyped => Of::Untyped,
            Of::Deduced => Of::Deduced,
            Of::Node(node) => match (self.schema.field(node, name), node.additional) {
                (Some(field), _) => Of::Node(field),
                (None, Additional::Any) => Of::Deduced,
                (None, Additional::Unsaid) if self.preserves || node.properties.is_empty() => Of::Deduced,
                _ => return None,
            },
        };
        Some(Self { of, ..self }.settled())
    }

    /// The type of a list's elements.
    pub(super) fn item(self) -> Self {
        let of = match self.described().and_then(|node| node.items) {
            Some(id) => Of::Node(self.schema.node(id)),
            None => Of::Untyped,
        };
        Self { of, ..self }.settled()
    }

    /// The type that a step leads to.
    pub(super) fn step(self, element: &PathElement) -> Self {
        match element {
            PathElement::Field(name) => self.field(name).unwrap_or(Self { of: Of::Deduced, ..self }),
            _ => self.item(),
        }
    }

    /// Whether every value of this type is one piece, where the schema says so itself.
    pub(super) fn is_atomic(self) -> bool {
        self.described().is_some_and(|node| match node.json_type {
            Some(JsonType::Array) => matches!(self.list_shape(), Shape::Leaf),
            Some(JsonType::Object) => node.atomic_map,
            _ => false,
        })
    }

    fn list_shape(self) -> Shape<'a> {
        let Some(node) = self.described() else { return Shape::Leaf };
        match &node.list_type {
            ListType::Set => Shape::Set,
            ListType::Map(keys) => Shape::Keyed(keys),
            ListType::Atomic => Shape::Leaf,
            ListType::Unsaid if node.patch.merge => {
                node.patch.merge_key.as_ref().map_or(Shape::Set, |key| Shape::Keyed(std::slice::from_ref(key)))
            }
            ListType::Unsaid => Shape::Leaf,
        }
    }

    /// How a value of this type is put together. Without a value (or with null) the declared type decides.
    pub(super) fn shape(self, value: Option<&Value>) -> Shape<'a> {
        let declared = self.described().and_then(|node| node.json_type);
        let json_type = match (declared, value) {
            (Some(declared), _) => Some(declared),
            (None, Some(Value::Array(_))) => Some(JsonType::Array),
            (None, Some(Value::Object(_))) => Some(JsonType::Object),
            (None, _) => None,
        };
        match json_type {
            Some(JsonType::Array) => self.list_shape(),
            Some(JsonType::Object) => match self.of {
                Of::Untyped => Shape::Leaf,
                Of::Deduced => Shape::Map,
                Of::Node(node) if node.atomic_map => Shape::Leaf,
                Of::Node(_) => Shape::Map,
            },
            _ => Shape::Leaf,
        }
    }

    /// What an element of a list of this type is called.
    ///
    /// # Errors
    /// The element has no name, in structured-merge-diff's words.
    pub(super) fn element(self, keys: Option<&[String]>, item: &Value) -> Result<PathElement, String> {
        let Some(keys) = keys else {
            return match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
                scalar => Ok(PathElement::Value(Scalar(scalar.clone()))),
            };
        };
        let map = match item {
            Value::Object(map) => map,
            Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
            _ => return Err("associative list with keys may not have non-map elements".to_owned()),
        };
        let default = |key: &str| self.item().field(key)?.described()?.default.clone();
        let mut found: Vec<(String, Scalar)> =
            keys.iter().filter_map(|key| Some((key.clone(), Scalar(map.get(key).cloned().or_else(|| default(key))?)))).collect();
        if found.is_empty() {
            let names: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                names.join(" ")
            ));
        }
        found.sort();
        Ok(PathElement::Key(found))
    }

    /// Elements of a list by name, in order; elements without a name are left out.
    pub(super) fn elements<'v>(self, keys: Option<&[String]>, list: Option<&'v Value>) -> Vec<(PathElement, &'v Value)> {
        let items = list.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| Some((self.element(keys, item).ok()?, item))).collect()
    }

    /// The fields that a value has.
    pub fn field_set(self, value: &Value) -> FieldSet {
        let mut set = FieldSet::default();
        self.collect(value, &mut Vec::new(), &mut set);
        set
    }

    fn collect(self, value: &Value, path: &mut Vec<PathElement>, set: &mut FieldSet) {
        match (self.shape(Some(value)), value) {
            (Shape::Leaf, _) => set.insert(path),
            (Shape::Map, Value::Object(map)) => {
                for (name, value) in map {
                    path.push(PathElement::field(name));
                    self.field(name).unwrap_or(Self { of: Of::Deduced, ..self }).collect(value, path, set);
                    let bare = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                    if bare || !self.declares(name) {
                        set.insert(path);
                    }
                    path.pop();
                }
            }
            (shape @ (Shape::Set | Shape::Keyed(_)), Value::Array(_)) => {
                let elements = self.elements(shape.keys(), Some(value));
                for (position, (element, item)) in elements.iter().enumerate() {
                    let first = elements.iter().position(|(other, _)| other == element) == Some(position);
                    let unique = elements.iter().filter(|(other, _)| other == element).count() == 1;
                    path.push(element.clone());
                    if unique {
                        self.item().collect(item, path, set);
                    }
                    if first {
                        set.insert(path);
                    }
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// How `old` became `new`.
    pub(super) fn compare(self, old: &Value, new: &Value) -> Comparison {
        let mut comparison = Comparison::default();
        self.differ(Some(old), Some(new), &mut Vec::new(), &mut comparison);
        comparison
    }

    fn differ(self, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<PathElement>, out: &mut Comparison) {
        let (old_shape, new_shape) = (self.shape(old), self.shape(new));
        let nothing = |value: Option<&Value>| {
            value.is_none_or(|value| match value {
                Value::Null => true,
                Value::Array(list) => list.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            })
        };
        let shape = if new.is_some_and(|new| !new.is_null()) { new_shape } else { old_shape };
        let mixed = old.is_some() && new.is_some() && old_shape != new_shape && !(nothing(old) || nothing(new));
        if shape == Shape::Leaf || mixed || (nothing(old) && nothing(new)) {
            match (old, new) {
                (None, Some(_)) => out.added.insert(path),
                (Some(_), None) => out.removed.insert(path),
                (Some(old), Some(new)) if !equal(old, new) => out.modified.insert(path),
                _ => {}
            }
            return;
        }
        match shape {
            Shape::Map => self.differ_in_fields(old, new, path, out),
            _ => self.differ_in_elements(shape.keys(), old, new, path, out),
        }
        match (old, new) {
            (None, Some(_)) => out.added.insert(path),
            (Some(_), None) => out.removed.insert(path),
            _ => {}
        }
    }

    fn differ_in_fields(self, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<PathElement>, out: &mut Comparison) {
        let empty = Map::new();
        let (old, new) = (old.and_then(Value::as_object).unwrap_or(&empty), new.and_then(Value::as_object).unwrap_or(&empty));
        for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
            path.push(PathElement::field(name));
            let ty = self.field(name).unwrap_or(Self { of: Of::Deduced, ..self });
            ty.differ(old.get(name), new.get(name), path, out);
            path.pop();
        }
    }

    fn differ_in_elements(
        self,
        keys: Option<&[String]>,
        old: Option<&Value>,
        new: Option<&Value>,
        path: &mut Vec<PathElement>,
        out: &mut Comparison,
    ) {
        let mut groups: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for (element, item) in self.elements(keys, old) {
            groups.entry(element).or_default().0.push(item);
        }
        for (element, item) in self.elements(keys, new) {
            groups.entry(element).or_default().1.push(item);
        }
        for (element, (old, new)) in groups {
            path.push(element);
            match (old.as_slice(), new.as_slice()) {
                ([] | [_], [] | [_]) => self.item().differ(old.first().copied(), new.first().copied(), path, out),
                ([_, _, ..], [_, _, ..]) => {
                    if old.len() != new.len() || old.iter().zip(&new).any(|(old, new)| !equal(old, new)) {
                        out.modified.insert(path);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(new) = new.first() {
                        self.item().differ(None, Some(new), path, out);
                    }
                    out.removed.insert(path);
                }
                _ => {
                    if let Some(old) = old.first() {
                        self.item().differ(Some(old), None, path, out);
                    }
                    out.added.insert(path);
                }
            }
            path.pop();
        }
    }

    /// The value without these fields; null when nothing is left of a map or list.
    pub(super) fn without(self, value: &Value, fields: &FieldSet) -> Value {
        match (self.shape(Some(value)), value) {
            (Shape::Leaf, Value::Array(_) | Value::Object(_)) => Value::Null,
            (Shape::Map, Value::Object(map)) => {
                let kept: Map<String, Value> = map
                    .iter()
                    .filter_map(|(name, value)| {
                        let element = PathElement::field(name);
                        if fields.has_member(&element) {
                            return None;
                        }
                        let ty = self.step(&element);
                        let value = fields.child(&element).map_or_else(|| value.clone(), |below| ty.without(value, below));
                        Some((name.clone(), value))
                    })
                    .collect();
                if kept.is_empty() { Value::Null } else { Value::Object(kept) }
            }
            (shape @ (Shape::Set | Shape::Keyed(_)), Value::Array(list)) => {
                let kept: Vec<Value> = list
                    .iter()
                    .filter_map(|item| {
                        let Ok(element) = self.element(shape.keys(), item) else { return Some(item.clone()) };
                        if fields.has_member(&element) {
                            return None;
                        }
                        Some(fields.child(&element).map_or_else(|| item.clone(), |below| self.item().without(item, below)))
                    })
                    .collect();
                if kept.is_empty() { Value::Null } else { Value::Array(kept) }
            }
            _ => value.clone(),
        }
    }

    /// What of a value does not fit the type, in structured-merge-diff's words (`.spec.x: field not declared in schema`).
    pub(super) fn misfits(self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.judge(value, "", &mut found);
        found
    }

    fn judge(self, value: &Value, path: &str, found: &mut Vec<String>) {
        let at = |path: &str, message: &str| if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") };
        let declared = self.described().and_then(|node| node.json_type);
        let wanted = match (declared, value) {
            (None, _) | (_, Value::Null) => None,
            (Some(JsonType::Object), _) if !value.is_object() => Some("map"),
            (Some(JsonType::Array), _) if !value.is_array() => Some("list"),
            (Some(JsonType::String), _) if !value.is_string() && !self.is_free_text(value) => Some("string"),
            (Some(JsonType::Integer | JsonType::Number), _) if !value.is_number() => Some("numeric (int or float)"),
            (Some(JsonType::Boolean), _) if !value.is_boolean() => Some("boolean"),
            _ => None,
        };
        if let Some(wanted) = wanted {
            found.push(at(path, &format!("expected {wanted}, got {value}")));
            return;
        }
        match (self.shape(Some(value)), value) {
            (Shape::Map, Value::Object(map)) => {
                for (name, value) in map {
                    let below = format!("{path}.{name}");
                    match self.field(name) {
                        Some(ty) => ty.judge(value, &below, found),
                        None => found.push(at(&below, "field not declared in schema")),
                    }
                }
            }
            (shape @ (Shape::Set | Shape::Keyed(_)), Value::Array(list)) => {
                let mut seen = std::collections::BTreeSet::new();
                for (position, item) in list.iter().enumerate() {
                    match self.element(shape.keys(), item) {
                        Ok(element) => {
                            self.item().judge(item, &format!("{path}{element}"), found);
                            if let Some(twice) = seen.replace(element) {
                                found.push(at(path, &format!("duplicate entries for key {twice}")));
                            }
                        }
                        Err(problem) => found.push(at(path, &format!("element {position}: {problem}"))),
                    }
                }
            }
            _ => {}
        }
    }

    /// Strings with a format take any scalar here; the schema judges them later.
    fn is_free_text(self, value: &Value) -> bool {
        let format = self.described().and_then(|node| node.format.as_deref());
        !value.is_object() && !value.is_array() && format.is_some_and(|format| format != "byte")
    }
}

impl<'a> Shape<'a> {
    /// The keys of a keyed list; none for a set.
    pub(super) fn keys(self) -> Option<&'a [String]> {
        match self {
            Self::Keyed(keys) => Some(keys),
            Self::Leaf | Self::Map | Self::Set => None,
        }
    }
}
