//! Sets of fields, and their form `FieldsV1` in `managedFields`.
//!
//! A set is a tree: owned members, and subtrees below some of them (or below fields that are not owned themselves).
//! Start with [`FieldSet`].

use super::path::{FieldPath, PathElement};
use super::typed::Type;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Deepest FieldsV1 that is read.
const MAX_DEPTH: usize = 128;

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// A set of these dotted field names (`["metadata.name", "status"]`).
    pub fn of_names(paths: &[&str]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&path.split('.').map(PathElement::field).collect::<Vec<_>>());
        }
        set
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Adds a field; its parents are not added. The empty path adds nothing.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether this field itself is in the set.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    /// Whether a direct part is in the set.
    pub(super) fn has_member(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// What the set says about the inside of a direct part.
    pub(super) fn child(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element).filter(|child| !child.is_empty())
    }

    /// Fields in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let merged = union.children.get(element).map_or_else(|| child.clone(), |own| own.union(child));
            union.children.insert(element.clone(), merged);
        }
        union
    }

    /// Fields in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let common = self.children.iter().filter_map(|(element, child)| {
            let common = child.intersection(other.children.get(element)?);
            (!common.is_empty()).then(|| (element.clone(), common))
        });
        Self { members: self.members.intersection(&other.members).cloned().collect(), children: common.collect() }
    }

    /// Fields of this set that are not in the other; parts of a field stay when only the field is in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let rest = self.children.iter().filter_map(|(element, child)| {
            let rest = other.children.get(element).map_or_else(|| child.clone(), |other| child.difference(other));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: rest.collect() }
    }

    /// Fields of this set that are not in the other and do not lie below one that is.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let rest = self.children.iter().filter(|(element, _)| !other.members.contains(element)).filter_map(|(element, child)| {
            let rest = other.children.get(element).map_or_else(|| child.clone(), |other| child.recursive_difference(other));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: rest.collect() }
    }

    /// All fields, parents before their parts.
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<FieldPath>) {
        for member in &self.members {
            prefix.push(member.clone());
            paths.push(FieldPath(prefix.clone()));
            prefix.pop();
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// With the declared fields that lie above a member: owning `spec.a` then means owning `spec`.
    #[must_use]
    pub(super) fn with_named_parents(&self, ty: Type<'_>) -> Self {
        let mut set = Self { members: self.members.clone(), children: BTreeMap::new() };
        for (element, child) in &self.children {
            if let PathElement::Field(name) = element
                && ty.declares(name)
                && !child.is_empty()
            {
                set.members.insert(element.clone());
            }
            set.children.insert(element.clone(), child.with_named_parents(ty.step(element)));
        }
        set
    }

    /// After a change of the schema: what lies inside a value that is atomic now becomes ownership of the whole.
    #[must_use]
    pub(super) fn reconciled(&self, ty: Type<'_>) -> Self {
        let mut set = Self { members: self.members.clone(), children: BTreeMap::new() };
        for (element, child) in self.children.iter().filter(|(_, child)| !child.is_empty()) {
            let below = ty.step(element);
            if below.is_atomic() {
                set.members.insert(element.clone());
            } else {
                set.children.insert(element.clone(), child.reconciled(below));
            }
        }
        set
    }

    /// The FieldsV1 form.
    pub fn encode(&self) -> Value {
        let mut map = Map::new();
        let elements: BTreeSet<&PathElement> = self.members.iter().chain(self.children.keys()).collect();
        for element in elements {
            let child = self.child(element);
            let value = match (self.members.contains(element), child) {
                (true, Some(child)) => {
                    let mut inner = Map::from_iter([(".".to_owned(), json!({}))]);
                    if let Value::Object(rest) = child.encode() {
                        inner.extend(rest);
                    }
                    Value::Object(inner)
                }
                (true, None) => json!({}),
                (false, Some(child)) => child.encode(),
                (false, None) => continue,
            };
            map.insert(element.encode(), value);
        }
        Value::Object(map)
    }

    /// Reads the FieldsV1 form.
    ///
    /// # Errors
    /// Says what is broken.
    pub fn decode(fields: &Value) -> Result<Self, String> {
        Self::decode_below(fields, 0).map(|(set, _)| set)
    }

    /// The set, and whether `.` stood in it.
    fn decode_below(fields: &Value, depth: usize) -> Result<(Self, bool), String> {
        let Value::Object(map) = fields else { return Err("fields must be an object".to_owned()) };
        if depth > MAX_DEPTH {
            return Err(format!("fields must not be nested deeper than {MAX_DEPTH} levels"));
        }
        let mut set = Self::default();
        let mut itself = false;
        for (key, value) in map {
            if key == "." {
                itself = true;
                continue;
            }
            let Some(element) = PathElement::decode(key)? else { continue };
            let (child, member) = Self::decode_below(value, depth + 1)?;
            if member || child.is_empty() {
                set.members.insert(element.clone());
            }
            if !child.is_empty() {
                set.children.insert(element, child);
            }
        }
        Ok((set, itself))
    }
}
