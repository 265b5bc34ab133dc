//! Paths into documents, as people read them: `spec.resources[1].template.data["a.b"]`. Diagnostics, places and field
//! changes all use this one spelling.

use serde_json::Value;

/// The path of a field of the object at `parent`.
pub fn child(parent: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'));
    match (plain, parent.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{parent}.{key}"),
        (false, _) => format!("{parent}[{}]", Value::String(key.to_owned())),
    }
}

/// The path of an item of the list at `parent`.
pub fn item(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

/// The path without its last step; `None` at the root.
pub fn parent(path: &str) -> Option<&str> {
    let steps = steps(path);
    let (_, start) = steps.last()?;
    Some(path[..*start].trim_end_matches('.'))
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field of an object.
    Field(String),
    /// An item of a list.
    Item(usize),
}

/// The steps of a path, each with the byte offset at which it starts. What is not a path ends the list.
pub fn steps(path: &str) -> Vec<(Step, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let rest = &path[at..];
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let Some(end) = closing_quote(quoted) else { break };
            let Ok(key) = serde_json::from_str::<String>(&rest[1..end + 3]) else { break };
            found.push((Step::Field(key), at));
            at += end + 4;
        } else if let Some(index) = rest.strip_prefix('[') {
            let Some(end) = index.find(']') else { break };
            let Ok(number) = index[..end].parse() else { break };
            found.push((Step::Item(number), at));
            at += end + 2;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end > 0 {
                found.push((Step::Field(rest[..end].to_owned()), at));
            }
            at += end;
        }
        if path[at.min(path.len())..].starts_with('.') {
            at += 1;
        }
    }
    found
}

/// Offset of the quote that ends a JSON string whose first quote is already gone, where `]` follows.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (offset, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return text[offset + 1..].starts_with(']').then_some(offset),
            _ => {}
        }
    }
    None
}

/// The value at a path.
pub fn get<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    steps(path).into_iter().try_fold(value, |value, (step, _)| match step {
        Step::Field(key) => value.get(&key),
        Step::Item(index) => value.get(index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn reads_what_it_writes() {
        let path = item(&child(&child(&child("", "spec"), "a.b"), "c\"]d"), 2);
        assert_eq!(path, r#"spec["a.b"]["c\"]d"][2]"#);
        let value = json!({"spec": {"a.b": {"c\"]d": [0, 1, 2]}}});
        assert_eq!(get(&value, &path), Some(&json!(2)));
        assert_eq!(parent(&path), Some(r#"spec["a.b"]["c\"]d"]"#));
        assert_eq!(parent("spec.name"), Some("spec"));
        assert_eq!(parent("spec"), Some(""));
        assert_eq!(parent(""), None);
    }

    proptest! {
        #[test]
        fn any_key_survives(keys in proptest::collection::vec(".*", 1..5)) {
            let path = keys.iter().fold(String::new(), |path, key| child(&path, key));
            let read: Vec<Step> = steps(&path).into_iter().map(|(step, _)| step).collect();
            prop_assert_eq!(read, keys.into_iter().map(Step::Field).collect::<Vec<_>>());
        }

        #[test]
        fn any_text_is_read(text in ".*") {
            drop((steps(&text), parent(&text).map(str::len)));
        }
    }
}
