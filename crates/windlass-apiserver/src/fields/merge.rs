//! One value laid over another, as apply does it: the second wins, nothing that only the first has goes away.
//!
//! Start with [`Type::merge`]. Lists keep the order of the second value; what only the first has stays where it was
//! relative to what both have.

use super::path::PathElement;
use super::typed::{Shape, Type};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

impl Type<'_> {
    /// `over` laid over `base`.
    pub(super) fn merge(self, base: Option<&Value>, over: Option<&Value>) -> Option<Value> {
        let (Some(under), Some(above)) = (base, over) else {
            return base.or(over).cloned();
        };
        let nothing = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        let shape = if above.is_null() { self.shape(Some(under)) } else { self.shape(Some(above)) };
        if shape == Shape::Leaf || (nothing(under) && nothing(above)) {
            return Some(above.clone());
        }
        match (shape, under, above) {
            (Shape::Map, Value::Object(_) | Value::Null, Value::Object(_) | Value::Null) => Some(self.merge_fields(under, above)),
            (Shape::Set | Shape::Keyed(_), Value::Array(_) | Value::Null, Value::Array(_) | Value::Null) => {
                Some(self.merge_elements(shape.keys(), under, above))
            }
            _ => Some(above.clone()),
        }
    }

    fn merge_fields(self, under: &Value, above: &Value) -> Value {
        let empty = Map::new();
        let (under, above) = (under.as_object().unwrap_or(&empty), above.as_object().unwrap_or(&empty));
        let names = under.keys().chain(above.keys().filter(|name| !under.contains_key(*name)));
        let merged = names.filter_map(|name| {
            let ty = self.step(&PathElement::field(name));
            Some((name.clone(), ty.merge(under.get(name), above.get(name))?))
        });
        Value::Object(merged.collect())
    }

    fn merge_elements(self, keys: Option<&[String]>, under: &Value, above: &Value) -> Value {
        let below = self.elements(keys, Some(under));
        let above = self.elements(keys, Some(above));
        let over: BTreeMap<&PathElement, &Value> = above.iter().map(|(element, item)| (element, *item)).collect();
        // An element that occurs twice below cannot be merged with: the new one replaces both.
        let mut base: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
        for (element, item) in &below {
            base.entry(element).and_modify(|known| *known = None).or_insert(Some(item));
        }
        let mut shared: VecDeque<&PathElement> =
            above.iter().map(|(element, _)| element).filter(|element| base.contains_key(element)).collect();
        let both = |element: &PathElement| self.item().merge(base.get(element).copied().flatten(), over.get(element).copied());

        let mut out = Vec::with_capacity(below.len().max(above.len()));
        let mut done: BTreeSet<&PathElement> = BTreeSet::new();
        let (mut old, mut new) = (below.iter().peekable(), above.iter().peekable());
        loop {
            let (left, right) = (old.peek().map(|(element, _)| element), new.peek().map(|(element, _)| element));
            if let (Some(left), Some(right)) = (left, right) {
                if left == right {
                    done.insert(left);
                    out.extend(both(left));
                    old.next();
                    new.next();
                    shared.pop_front();
                    continue;
                }
                if over.contains_key(left) && shared.front().is_some_and(|next| *next != left) {
                    // Both have it, but it is not its turn: it comes where the new order puts it.
                    old.next();
                    continue;
                }
            }
            if let Some(left) = left {
                if !over.contains_key(left) {
                    out.extend(old.next().map(|(_, item)| (*item).clone()));
                    continue;
                }
                if done.contains(left) {
                    old.next();
                }
            }
            match right {
                Some(right) => {
                    done.insert(right);
                    out.extend(both(right));
                    new.next();
                    if shared.front() == Some(&right) {
                        shared.pop_front();
                    }
                }
                None if left.is_none() => break,
                // Everything new is placed: what is left below was merged already.
                None => {
                    old.next_if(|(element, _)| done.contains(element) || over.contains_key(element));
                }
            }
        }
        Value::Array(out)
    }
}
