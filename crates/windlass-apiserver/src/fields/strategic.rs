//! Strategic merge patch: a merge patch that merges lists as the schema's patch strategies say.
//!
//! Knows `$patch` (delete, replace, merge), `$retainKeys`, `$deleteFromPrimitiveList/x` and `$setElementOrder/x`.
//! Start with [`strategic_merge`]. Source: "Strategic Merge Patch" in the Kubernetes community repository and
//! `k8s.io/apimachinery/pkg/util/strategicpatch`.

use super::path::equal;
use super::typed::Type;
use serde_json::{Map, Value};
use windlass_schema::structural::PatchStrategy;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList";
const ORDER_PREFIX: &str = "$setElementOrder";

/// Deepest patch that is followed.
const MAX_DEPTH: usize = 200;

/// Why a patch was not applied. Status 400 unless said otherwise.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StrategicError {
    /// `$patch` has an unknown value. Status 500, as Kubernetes answers.
    #[error("unknown patch type: {directive} in map: {map}")]
    UnknownDirective {
        /// The value.
        directive: String,
        /// The map that has it, as Go prints it.
        map: String,
    },
    /// An element of a merged list lacks its key.
    #[error("map: {element} does not contain declared merge key: {key}")]
    NoMergeKey {
        /// The element.
        element: String,
        /// The key.
        key: String,
    },
    /// A list of objects shall be merged, but nothing names its elements.
    #[error("cannot merge lists without merge key for {0}")]
    NoStrategy(String),
    /// A directive or a value has the wrong shape.
    #[error("{0}")]
    Malformed(String),
}

/// Applies a strategic merge patch.
///
/// # Errors
/// See [`StrategicError`]; the target is then left as it was.
pub fn strategic_merge(target: &mut Value, patch: &Value, ty: Type<'_>) -> Result<(), StrategicError> {
    let (Value::Object(original), Value::Object(patch)) = (&*target, patch) else {
        return Err(StrategicError::Malformed("invalid JSON document: a patch and its target must be objects".to_owned()));
    };
    *target = Value::Object(merge_map(original.clone(), patch.clone(), ty, 0)?);
    Ok(())
}

type Object = Map<String, Value>;

fn unknown_directive(directive: &Value, map: &Value) -> StrategicError {
    StrategicError::UnknownDirective { directive: super::go_print(directive), map: super::go_print(map) }
}

fn merge_map(mut original: Object, mut patch: Object, ty: Type<'_>, depth: usize) -> Result<Object, StrategicError> {
    if depth > MAX_DEPTH {
        return Err(StrategicError::Malformed(format!("a patch must not be nested deeper than {MAX_DEPTH} levels")));
    }
    let whole = patch.contains_key(DIRECTIVE).then(|| Value::Object(patch.clone()));
    if let Some(directive) = patch.shift_remove(DIRECTIVE) {
        match directive.as_str() {
            Some("replace") => return Ok(patch),
            Some("delete") => return Ok(Object::new()),
            // `merge` is what happens anyway.
            Some("merge") => {}
            _ => return Err(unknown_directive(&directive, &whole.unwrap_or_default())),
        }
    }
    retain_keys(&mut original, &mut patch)?;
    order_lists(&mut original, &mut patch, ty, depth)?;
    for (key, value) in patch {
        let (name, deletes) = match key.strip_prefix(DELETE_PREFIX) {
            Some(rest) => (suffix(rest, DELETE_PREFIX)?, true),
            None => (key.as_str(), false),
        };
        if value.is_null() {
            original.shift_remove(name);
            continue;
        }
        let Some(found) = original.get_mut(name) else {
            if !deletes && let Some(value) = plain(value) {
                original.insert(name.to_owned(), value);
            }
            continue;
        };
        let field = ty.step(&super::PathElement::field(name));
        match (found.take(), value) {
            (Value::Object(old), Value::Object(new)) if !field.patch_strategy().replace => {
                *found = Value::Object(merge_map(old, new, field, depth + 1)?);
            }
            (Value::Array(old), Value::Array(gone)) if deletes => {
                *found = Value::Array(old.into_iter().filter(|item| !gone.iter().any(|gone| equal(gone, item))).collect());
            }
            (Value::Array(old), Value::Array(new)) if field.patch_strategy().merge => {
                *found = Value::Array(merge_list(old, new, field, name, depth)?);
            }
            (old, _) if deletes => *found = old,
            (_, new @ (Value::Object(_) | Value::Array(_))) if same_shape_replaced(&new, field) => *found = new,
            (_, new) => match plain(new) {
                Some(new) => *found = new,
                None => {
                    original.shift_remove(name);
                }
            },
        }
    }
    Ok(original)
}

/// Values under the strategy `replace` are taken as they are, directives and nulls included.
fn same_shape_replaced(new: &Value, field: Type<'_>) -> bool {
    new.is_object() && field.patch_strategy().replace
}

fn suffix<'a>(rest: &'a str, prefix: &str) -> Result<&'a str, StrategicError> {
    rest.strip_prefix('/').filter(|name| !name.is_empty()).ok_or_else(|| {
        StrategicError::Malformed(format!(
            "invalid patch format of {}",
            if prefix == DELETE_PREFIX { "primitive list" } else { "setElementOrder list" }
        ))
    })
}

/// Clears keys that the patch does not list under `$retainKeys`.
fn retain_keys(original: &mut Object, patch: &mut Object) -> Result<(), StrategicError> {
    let Some(keys) = patch.shift_remove(RETAIN_KEYS) else { return Ok(()) };
    let malformed = || StrategicError::Malformed("invalid patch format of retainKeys".to_owned());
    let keys = keys.as_array().ok_or_else(malformed)?;
    let listed = |name: &String| keys.iter().any(|key| key.as_str() == Some(name));
    let stray = patch
        .iter()
        .any(|(name, value)| !value.is_null() && !name.starts_with(DELETE_PREFIX) && !name.starts_with(ORDER_PREFIX) && !listed(name));
    if stray {
        return Err(malformed());
    }
    original.retain(|name, _| listed(name));
    Ok(())
}

/// Merges and sorts lists for which the patch gives an order; they leave the patch.
fn order_lists(original: &mut Object, patch: &mut Object, ty: Type<'_>, depth: usize) -> Result<(), StrategicError> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER_PREFIX)).cloned().collect();
    for directive in directives {
        let name = suffix(directive.strip_prefix(ORDER_PREFIX).unwrap_or_default(), ORDER_PREFIX)?.to_owned();
        let Some(Value::Array(order)) = patch.shift_remove(&directive) else {
            return Err(StrategicError::Malformed("invalid patch format of setElementOrder list".to_owned()));
        };
        let field = ty.step(&super::PathElement::field(&name));
        let strategy = field.patch_strategy();
        let key = strategy.merge_key.as_deref();
        let list = |value: Option<&Value>| match value {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list.clone())),
            Some(other) => Err(StrategicError::Malformed(format!("expected a list for `{name}`, but got `{other}`"))),
        };
        let (old, new) = (list(original.get(&name))?, list(patch.get(&name))?);
        check_order(new.as_deref().unwrap_or_default(), &order, key)?;
        let merged = match (old.clone(), new) {
            (Some(old), None) => old,
            (None, Some(new)) => new.into_iter().filter_map(plain).collect(),
            (Some(old), Some(new)) if strategy.merge => merge_list(old, new, field, &name, depth)?,
            (Some(_), Some(new)) => new,
            (None, None) => continue,
        };
        original.insert(name.clone(), Value::Array(arrange(merged, &order, old.as_deref().unwrap_or_default(), key)?));
        patch.shift_remove(&name);
    }
    Ok(())
}

/// The patch's list must be in the order that the directive gives.
fn check_order(new: &[Value], order: &[Value], key: Option<&str>) -> Result<(), StrategicError> {
    if order.is_empty() {
        return Ok(());
    }
    let mut wanted = order.iter();
    for item in new.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        let identity = identity(item, key)?;
        let mut found = false;
        for candidate in wanted.by_ref() {
            if equal(self::identity(candidate, key)?, identity) {
                found = true;
                break;
            }
        }
        if !found {
            let (new, order) = (Value::from(new), Value::from(order));
            return Err(StrategicError::Malformed(format!(
                "The order in patch list:\n{new}\n doesn't match {ORDER_PREFIX} list:\n{order}\n"
            )));
        }
    }
    Ok(())
}

/// What tells an element from others: the value of the key, or the element itself.
fn identity<'a>(item: &'a Value, key: Option<&str>) -> Result<&'a Value, StrategicError> {
    let Some(key) = key else { return Ok(item) };
    match item {
        Value::Object(map) => map.get(key).ok_or_else(|| StrategicError::NoMergeKey { element: item.to_string(), key: key.to_owned() }),
        other => Err(StrategicError::Malformed(format!("expected an object with key `{key}`, but got `{other}`"))),
    }
}

fn merge_list(old: Vec<Value>, new: Vec<Value>, list: Type<'_>, name: &str, depth: usize) -> Result<Vec<Value>, StrategicError> {
    if old.is_empty() && new.is_empty() {
        return Ok(old);
    }
    let objects = old.iter().chain(&new).filter(|item| item.is_object()).count();
    if objects > 0 && objects < old.len() + new.len() {
        return Err(StrategicError::Malformed(format!("list element types are not identical: `{name}`")));
    }
    if objects == 0 {
        let mut merged: Vec<Value> = Vec::new();
        for item in old.iter().chain(&new) {
            if !merged.iter().any(|known| equal(known, item)) {
                merged.push(item.clone());
            }
        }
        return arrange(merged, &new, &old, None);
    }
    let strategy = list.patch_strategy();
    let key = strategy.merge_key.ok_or_else(|| StrategicError::NoStrategy(name.to_owned()))?;
    let (old, new) = special_elements(old, new, &key)?;
    let mut merged = old.clone();
    for item in &new {
        let wanted = identity(item, Some(&key))?;
        let mut place = None;
        for (position, known) in merged.iter().enumerate() {
            if equal(identity(known, Some(&key))?, wanted) {
                place = Some(position);
                break;
            }
        }
        match (place, item) {
            (Some(position), Value::Object(patch)) => {
                if let Value::Object(known) = merged[position].take() {
                    merged[position] = Value::Object(merge_map(known, patch.clone(), list.item(), depth + 1)?);
                }
            }
            _ => merged.extend(plain(item.clone())),
        }
    }
    arrange(merged, &new, &old, Some(&key))
}

/// Carries out `$patch` directives that stand among the elements.
fn special_elements(mut old: Vec<Value>, new: Vec<Value>, key: &str) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    let mut rest = Vec::with_capacity(new.len());
    let mut replaces = false;
    for mut item in new {
        let Some(directive) = item.as_object_mut().and_then(|map| map.shift_remove(DIRECTIVE)) else {
            rest.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let gone = identity(&item, Some(key))?;
                old.retain(|known| known.get(key).is_none_or(|value| !equal(value, gone)));
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                let message = "merging of list elements by directive is not supported";
                return Err(StrategicError::Malformed(message.to_owned()));
            }
            _ => {
                let mut whole = item.clone();
                whole[DIRECTIVE] = directive.clone();
                return Err(unknown_directive(&directive, &whole));
            }
        }
    }
    Ok(if replaces { (rest, Vec::new()) } else { (old, rest) })
}

/// Puts elements that the order names in that order, and leaves the others where they were relative to their
/// neighbours in the old list.
fn arrange(merged: Vec<Value>, order: &[Value], old: &[Value], key: Option<&str>) -> Result<Vec<Value>, StrategicError> {
    let place = |list: &[Value], item: &Value| -> Result<Option<usize>, StrategicError> {
        let wanted = identity(item, key)?;
        for (position, candidate) in list.iter().enumerate() {
            if equal(identity(candidate, key)?, wanted) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    };
    let mut named = Vec::new();
    let mut others = std::collections::VecDeque::new();
    for item in merged {
        let was = place(old, &item)?;
        match place(order, &item)? {
            Some(position) => named.push((position, was, item)),
            None => others.push_back((was, item)),
        }
    }
    named.sort_by_key(|(position, _, _)| *position);
    let mut out = Vec::with_capacity(named.len() + others.len());
    for (_, was, item) in named {
        // What was before this element in the old list stays before it.
        while let Some((Some(other), _)) = others.front()
            && was.is_some_and(|was| *other < was)
        {
            out.extend(others.pop_front().map(|(_, item)| item));
        }
        out.push(item);
    }
    out.extend(others.into_iter().map(|(_, item)| item));
    Ok(out)
}

/// A new value without nulls and directives; none when the value itself is a directive.
fn plain(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => Some(Value::Object(
            map.into_iter().filter(|(_, value)| !value.is_null()).filter_map(|(key, value)| Some((key, plain(value)?))).collect(),
        )),
        Value::Array(list) => Some(Value::Array(list.into_iter().filter_map(plain).collect())),
        other => Some(other),
    }
}

impl Type<'_> {
    /// How strategic merge patch treats a value of this type.
    fn patch_strategy(self) -> PatchStrategy {
        self.described().map(|node| node.patch.clone()).unwrap_or_default()
    }
}
