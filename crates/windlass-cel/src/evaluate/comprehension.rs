//! Macros over lists and maps.

use super::calls::reveal;
use super::{Evaluated, Evaluator, Truth, fail, from_failure};
use crate::library::lists;
use crate::syntax::node::{Comprehension, Iteration, Node};
use crate::value::{Key, Secret, Value};
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Evaluator<'_> {
    pub(super) fn comprehension(&mut self, node: &Node, inner: &Comprehension) -> Evaluated {
        let range = self.eval(&inner.range)?;
        let (range, secret) = match range {
            Value::Later(later) => return Ok(self.later(node, later.because)),
            Value::Secret(secret) => match secret.reveal() {
                Some(value) => (value.clone(), true),
                None => return Ok(Value::Secret(Secret::computed(inner.iteration.name(), &[Value::Secret(secret)], None))),
            },
            value => (value, false),
        };
        let (entries, is_list) = match &range {
            Value::List(items) => {
                let keys = (0_i64..).map(Value::Int);
                (keys.zip(items.iter().cloned()).collect::<Vec<_>>(), true)
            }
            Value::Map(entries) => (entries.iter().map(|(key, value)| (key.to_value(), value.clone())).collect(), false),
            other => return Err(fail(node, format!("`{}` goes over a list or a map, not {}", inner.iteration.name(), other.type_of()))),
        };
        let value = self.iterate(node, inner, entries, is_list)?;
        Ok(match reveal(&value) {
            Some(plain) if secret => Value::Secret(Secret::computed(inner.iteration.name(), &[range], Some(plain))),
            _ => value,
        })
    }

    fn iterate(&mut self, node: &Node, inner: &Comprehension, entries: Vec<(Value, Value)>, is_list: bool) -> Evaluated {
        match inner.iteration {
            Iteration::All | Iteration::Exists => self.quantify(node, inner, &entries, is_list),
            Iteration::ExistsOne => {
                let mut count = 0;
                let mut because = BTreeSet::new();
                for (key, value) in &entries {
                    match self.with(inner, key, value, is_list, |this| this.truth(&inner.body))? {
                        Truth::Known(true) => count += 1,
                        Truth::Known(false) => {}
                        Truth::Later(waits) => because.extend(waits),
                    }
                }
                Ok(if because.is_empty() || count > 1 { (count == 1).into() } else { self.later(node, because) })
            }
            Iteration::SortBy => {
                let mut keys = Vec::new();
                for (key, value) in &entries {
                    keys.push(self.with(inner, key, value, is_list, |this| this.eval(&inner.body))?);
                }
                if keys.iter().any(Value::has_later) {
                    return Ok(self.later(node, keys.iter().flat_map(Value::because).collect::<Vec<_>>()));
                }
                let items = entries.into_iter().map(|(_, value)| value).collect();
                lists::sorted(items, &keys).map_err(|failure| from_failure(node, failure, "sortBy", &keys))
            }
            Iteration::Map | Iteration::Filter | Iteration::TransformList | Iteration::TransformMap | Iteration::TransformMapEntry => {
                self.build(node, inner, &entries, is_list)
            }
        }
    }

    /// `all` and `exists`: one item decides, whatever the others are.
    fn quantify(&mut self, node: &Node, inner: &Comprehension, entries: &[(Value, Value)], is_list: bool) -> Evaluated {
        let deciding = inner.iteration == Iteration::Exists;
        self.together(node, deciding, entries, |this, (key, value)| this.with(inner, key, value, is_list, |this| this.truth(&inner.body)))
    }

    /// Those that make a list or a map. Which items are in it must be known, what they are need not.
    fn build(&mut self, node: &Node, inner: &Comprehension, entries: &[(Value, Value)], is_list: bool) -> Evaluated {
        let mut items = Vec::new();
        let mut map: IndexMap<Key, Value> = IndexMap::new();
        for (key, value) in entries {
            let condition = if inner.iteration == Iteration::Filter { Some(&inner.body) } else { inner.filter.as_ref() };
            if let Some(condition) = condition {
                match self.with(inner, key, value, is_list, |this| this.truth(condition))? {
                    Truth::Known(true) => {}
                    Truth::Known(false) => continue,
                    Truth::Later(because) => return Ok(self.later(node, because)),
                }
            }
            if inner.iteration == Iteration::Filter {
                items.push(if is_list { value.clone() } else { key.clone() });
                continue;
            }
            let made = self.with(inner, key, value, is_list, |this| this.eval(&inner.body))?;
            match (inner.iteration, made) {
                (Iteration::TransformMap, made) => {
                    let key = Key::of(key).ok_or_else(|| fail(node, "the key cannot be one"))?;
                    map.insert(key, made);
                }
                (Iteration::TransformMapEntry, Value::Map(made)) => {
                    for (key, value) in made.iter() {
                        if map.insert(key.clone(), value.clone()).is_some() {
                            return Err(fail(node, format!("insert failed: key `{key}` already exists")));
                        }
                    }
                }
                (Iteration::TransformMapEntry, other) => return Err(fail(node, format!("a map is needed, not {}", other.type_of()))),
                (_, made) => items.push(made),
            }
        }
        Ok(if matches!(inner.iteration, Iteration::TransformMap | Iteration::TransformMapEntry) {
            Value::Map(Arc::new(map))
        } else {
            items.into()
        })
    }

    /// Does something with the variables set to one entry.
    fn with<T>(&mut self, inner: &Comprehension, key: &Value, value: &Value, is_list: bool, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.variables.len();
        match &inner.second {
            Some(second) => {
                self.variables.push((inner.variable.clone(), key.clone()));
                self.variables.push((second.clone(), value.clone()));
            }
            None => self.variables.push((inner.variable.clone(), if is_list { value } else { key }.clone())),
        }
        let result = act(self);
        self.variables.truncate(before);
        result
    }
}
