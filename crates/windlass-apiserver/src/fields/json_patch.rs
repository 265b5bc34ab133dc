//! JSON patch (RFC 6902) with the leniency of the Go library that Kubernetes uses.
//!
//! Differences from the RFC: `test` of null passes where nothing is, `replace` of an absent field adds it, negative
//! positions count from the end. Start with [`json_patch()`]. Source: `gopkg.in/evanphx/json-patch.v4`.

use super::path::equal;
use serde_json::Value;

/// Most operations in a patch.
const MAX_OPERATIONS: usize = 10_000;

/// Largest sum of copied values, in bytes of JSON.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// Why a patch was not applied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PatchError {
    /// The patch is not a list of operations. Status 400.
    #[error("{0}")]
    Malformed(String),
    /// The patch has too many operations. Status 413.
    #[error("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    TooLarge(usize),
    /// An operation does not apply to the object. Status 422.
    #[error("{0}")]
    DoesNotApply(String),
}

/// Applies a patch; on an error the target is left as it was.
///
/// # Errors
/// See [`PatchError`].
pub fn json_patch(target: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let Value::Array(operations) = patch else {
        let found = super::go_type(patch);
        let message = format!("error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp");
        return Err(PatchError::Malformed(message));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge(operations.len()));
    }
    if let Some(other) = operations.iter().find(|operation| !operation.is_object()) {
        return Err(PatchError::Malformed(format!("json patch operation `{other}` is no object")));
    }
    let mut document = target.clone();
    let mut copied = 0;
    for operation in operations {
        apply(&mut document, operation, &mut copied).map_err(PatchError::DoesNotApply)?;
    }
    *target = document;
    Ok(())
}

fn apply(document: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), String> {
    let kind = operation["op"].as_str().unwrap_or("unknown");
    let path = || operation["path"].as_str().ok_or_else(|| format!("{kind} operation failed to decode path: missing value"));
    let from = || operation["from"].as_str().ok_or_else(|| format!("{kind} operation failed to decode from: missing value"));
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match kind {
        "add" => {
            let path = path()?;
            add(document, path, value(), &format!("add operation does not apply: doc is missing path: \"{path}\""))
                .map_err(|problem| problem.within("error in add for path", path))
        }
        "remove" => {
            let path = path()?;
            remove(document, path, &format!("remove operation does not apply: doc is missing path: \"{path}\""))
                .map(drop)
                .map_err(|problem| problem.within("error in remove for path", path))
        }
        "replace" => replace(document, path()?, value()),
        "test" => test(document, path()?, operation.get("value")),
        "move" => {
            let from = from()?;
            let moved = remove(document, from, &format!("move operation does not apply: doc is missing from path: {from}"))
                .map_err(|problem| problem.within("error in move for path", from))?;
            let path = path()?;
            add(document, path, moved, &format!("move operation does not apply: doc is missing destination path: {path}"))
                .map_err(|problem| problem.within("error in move for path", path))
        }
        "copy" => {
            let from = from()?;
            let missing = format!("copy operation does not apply: doc is missing from path: {from}: missing value");
            let (parent, key) = parent(document, from).ok_or(missing)?;
            let value = get(parent, &key).map_err(|problem| format!("error in copy for from: '{from}': {problem}"))?;
            let value = value.cloned().unwrap_or(Value::Null);
            *copied += value.to_string().len();
            if *copied > MAX_COPIED {
                return Err(format!(
                    "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {MAX_COPIED}"
                ));
            }
            let path = path()?;
            add(document, path, value, &format!("copy operation does not apply: doc is missing destination path: {path}"))
                .map_err(|problem| problem.within("error while adding value during copy", path))
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

/// A problem that is either complete or needs its place said.
enum Problem {
    Whole(String),
    At(String),
}

impl Problem {
    fn within(self, words: &str, path: &str) -> String {
        match self {
            Self::Whole(text) => text,
            Self::At(text) => format!("{words}: '{path}': {text}"),
        }
    }
}

/// Splits a pointer into its decoded steps; none for the whole document.
fn steps(path: &str) -> Option<(Vec<String>, String)> {
    let mut steps: Vec<String> = path.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let last = steps.pop()?;
    Some((steps, last))
}

fn parent<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (steps, last) = steps(path)?;
    let parent = steps.iter().try_fold(document, |value, step| match value {
        Value::Object(map) => map.get_mut(step),
        Value::Array(list) => position(step, list.len(), list.len()).ok().and_then(|at| list.get_mut(at)),
        _ => None,
    })?;
    (parent.is_object() || parent.is_array()).then_some((parent, last))
}

/// Reads a position; `limit` is the first that is out of range, `end` what negative ones count from.
fn position(text: &str, limit: usize, end: usize) -> Result<usize, String> {
    let invalid = |number: i64| format!("Unable to access invalid index: {number}: invalid index referenced");
    let number: i64 = text.parse().map_err(|_| format!("strconv.Atoi: parsing \"{text}\": invalid syntax"))?;
    let at = if number < 0 { number + i64::try_from(end).unwrap_or(i64::MAX) } else { number };
    usize::try_from(at).ok().filter(|at| *at < limit).ok_or_else(|| invalid(number))
}

fn get<'a>(parent: &'a Value, key: &str) -> Result<Option<&'a Value>, String> {
    match parent {
        Value::Array(list) => position(key, list.len(), list.len()).map(|at| list.get(at)),
        _ => Ok(parent.get(key)),
    }
}

fn add(document: &mut Value, path: &str, value: Value, missing: &str) -> Result<(), Problem> {
    let (parent, key) = parent(document, path).ok_or_else(|| Problem::Whole(format!("{missing}: missing value")))?;
    match parent {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => {
            let proper = |problem: String| match problem.strip_prefix("strconv") {
                Some(_) => format!("value was not a proper array index: '{key}': {problem}"),
                None => problem,
            };
            let at = position(&key, list.len() + 1, list.len() + 1).map_err(|problem| Problem::At(proper(problem)))?;
            list.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str, missing: &str) -> Result<Value, Problem> {
    let (parent, key) = parent(document, path).ok_or_else(|| Problem::Whole(format!("{missing}: missing value")))?;
    match parent {
        Value::Object(map) => {
            map.shift_remove(&key).ok_or_else(|| Problem::At(format!("Unable to remove nonexistent key: {key}: missing value")))
        }
        Value::Array(list) => position(&key, list.len(), list.len()).map(|at| list.remove(at)).map_err(Problem::At),
        _ => Err(Problem::Whole(missing.to_owned())),
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err("replace operation value must be object or array".to_owned());
        }
        *document = value;
        return Ok(());
    }
    let missing = |what: &str| format!("replace operation does not apply: doc is missing {what}: {path}: missing value");
    let (parent, key) = parent(document, path).ok_or_else(|| missing("path"))?;
    match parent {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(list) => {
            let at = position(&key, list.len(), list.len()).map_err(|_| missing("key"))?;
            list[at] = value;
        }
        _ => {}
    }
    Ok(())
}

fn test(document: &mut Value, path: &str, wanted: Option<&Value>) -> Result<(), String> {
    let failed = || format!("testing value {path} failed: test failed");
    let null = Value::Null;
    let found = if path.is_empty() {
        Some(&*document)
    } else {
        let missing = format!("test operation does not apply: is missing path: {path}: missing value");
        let (parent, key) = parent(document, path).ok_or(missing)?;
        get(parent, &key).map_err(|problem| format!("error in test for path: '{path}': {problem}"))?
    };
    if equal(found.unwrap_or(&null), wanted.unwrap_or(&null)) { Ok(()) } else { Err(failed()) }
}

#[cfg(test)]
mod tests {
    use super::{MAX_OPERATIONS, PatchError, json_patch};
    use serde_json::{Value, json};

    fn check(before: Value, patch: Value, after: Value) {
        let mut target = before.clone();
        json_patch(&mut target, &patch).unwrap_or_else(|error| panic!("{patch} on {before}: {error}"));
        assert_eq!(target, after, "{patch} on {before}");
    }

    fn refuse(before: Value, patch: Value, message: &str) {
        let mut target = before.clone();
        assert_eq!(json_patch(&mut target, &patch).map_err(|error| error.to_string()), Err(message.to_owned()), "{patch}");
        assert_eq!(target, before, "nothing is changed by a patch that fails");
    }

    #[test]
    fn operations_apply_as_in_go() {
        check(json!({}), json!([{"op": "test", "path": "/a", "value": null}, {"op": "add", "path": "/a", "value": 1}]), json!({"a": 1}));
        check(json!({"a": [1, 3]}), json!([{"op": "add", "path": "/a/1", "value": 2}]), json!({"a": [1, 2, 3]}));
        check(json!({"a": [1]}), json!([{"op": "add", "path": "/a/-", "value": 2}]), json!({"a": [1, 2]}));
        check(json!({"a": [1, 2]}), json!([{"op": "remove", "path": "/a/-1"}]), json!({"a": [1]}));
        check(json!({"a": 1}), json!([{"op": "replace", "path": "/b", "value": 2}]), json!({"a": 1, "b": 2}));
        check(json!({"a/b": 1}), json!([{"op": "move", "from": "/a~1b", "path": "/c"}]), json!({"c": 1}));
        check(json!({"a": {"x": 1}}), json!([{"op": "copy", "from": "/a", "path": "/b"}]), json!({"a": {"x": 1}, "b": {"x": 1}}));
        check(json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 1.0}]), json!({"a": 1}));
    }

    #[test]
    fn operations_that_do_not_apply_say_why() {
        refuse(
            json!({}),
            json!([{"op": "remove", "path": "/a"}]),
            "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value",
        );
        refuse(
            json!({}),
            json!([{"op": "add", "path": "/a/b", "value": 1}]),
            "add operation does not apply: doc is missing path: \"/a/b\": missing value",
        );
        refuse(json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 2}]), "testing value /a failed: test failed");
        refuse(json!({}), json!([{"op": "jump", "path": "/a"}]), "Unexpected kind: jump");
        refuse(
            json!({"a": [1]}),
            json!([{"op": "remove", "path": "/a/5"}]),
            "error in remove for path: '/a/5': Unable to access invalid index: 5: invalid index referenced",
        );
    }

    #[test]
    fn patches_are_bounded() {
        let many = vec![json!({"op": "test", "path": "/a", "value": null}); MAX_OPERATIONS + 1];
        assert_eq!(json_patch(&mut json!({}), &Value::Array(many)), Err(PatchError::TooLarge(MAX_OPERATIONS + 1)));
        let mut doubling = vec![json!({"op": "add", "path": "/a", "value": ["x".repeat(1000)]})];
        doubling.extend((0..40).map(|_| json!({"op": "copy", "from": "/a", "path": "/a/-"})));
        assert!(json_patch(&mut json!({}), &Value::Array(doubling)).is_err());
    }
}
