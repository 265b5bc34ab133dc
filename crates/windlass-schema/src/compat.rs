//! Breaking changes between two schemas of one kind: what an object that was accepted before might now be refused for, or
//! lose.
//!
//! Follows kro's `pkg/graph/crd/compat` and finds what it misses: an `enum` where there was none, a validation rule that
//! is new, another type of list, an open object that is closed. Start with [`breaking_changes`].

use crate::simple::child;
use serde_json::Value;
use windlass_api::Diagnostic;

/// How deep schemas are compared.
const DEEPEST: usize = 64;

/// Compares two OpenAPI v3 schemas without references. Paths are those of objects, as `spec.port`; items of lists are
/// `spec.ports[]`, values of maps `spec.labels[*]`. An empty list says that every object that the old schema took, the
/// new one takes as well.
pub fn breaking_changes(old: &Value, new: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    compare(old, new, "", 0, &mut found);
    found
}

fn compare(old: &Value, new: &Value, at: &str, depth: usize, found: &mut Vec<Diagnostic>) {
    if depth > DEEPEST || old == new || !old.is_object() {
        return;
    }
    if !new.is_object() {
        found.push(Diagnostic::error("PropertyRemoved", at, format!("`{at}` is no longer described")));
        return;
    }
    let type_ = |schema: &Value| schema.get("type").and_then(Value::as_str).unwrap_or("any").to_owned();
    let (was, is) = (type_(old), type_(new));
    if was != is {
        // Whole numbers are numbers.
        if !(was == "integer" && is == "number") && is != "any" {
            found.push(Diagnostic::error("TypeChanged", at, format!("`{at}` was of type {was} and would be {is}")));
        }
        return;
    }
    let open = |schema: &Value| schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    if open(old) && !open(new) {
        found.push(Diagnostic::error("UnknownFieldsClosed", at, format!("`{at}` took any field and would take only those that are named")));
    }
    if old.get("nullable") == Some(&Value::Bool(true)) && new.get("nullable") != Some(&Value::Bool(true)) {
        found.push(Diagnostic::error("NullRefused", at, format!("`{at}` could be null and could not be any more")));
    }
    bounds(old, new, at, found);
    values(old, new, at, found);
    properties(old, new, at, depth, found);
    required(old, new, at, found);
    for (key, path) in [("items", format!("{at}[]")), ("additionalProperties", format!("{at}[*]"))] {
        if let Some(below) = old.get(key).filter(|below| below.is_object()) {
            let now = new.get(key).unwrap_or(&Value::Null);
            if now != &Value::Bool(true) && !(now.is_null() && open(new)) {
                compare(below, now, &path, depth + 1, found);
            }
        }
    }
}

/// Bounds that are new or tighter.
fn bounds(old: &Value, new: &Value, at: &str, found: &mut Vec<Diagnostic>) {
    let least = [("minimum", "Minimum"), ("minLength", "MinLength"), ("minItems", "MinItems"), ("minProperties", "MinProperties")];
    let most = [("maximum", "Maximum"), ("maxLength", "MaxLength"), ("maxItems", "MaxItems"), ("maxProperties", "MaxProperties")];
    for ((key, word), lower) in least.iter().map(|bound| (*bound, true)).chain(most.iter().map(|bound| (*bound, false))) {
        let (was, is) = (old.get(key).and_then(Value::as_f64), new.get(key).and_then(Value::as_f64));
        let Some(is) = is else { continue };
        match was {
            None => found.push(Diagnostic::error(&format!("{word}Added"), at, format!("`{at}` had no `{key}` and would have {is}"))),
            Some(was) if lower && is > was => {
                found.push(Diagnostic::error(&format!("{word}Increased"), at, format!("`{key}` of `{at}` was {was} and would be {is}")));
            }
            Some(was) if !lower && is < was => {
                found.push(Diagnostic::error(&format!("{word}Decreased"), at, format!("`{key}` of `{at}` was {was} and would be {is}")));
            }
            Some(_) => {}
        }
    }
}

/// Values that were taken and would be refused.
fn values(old: &Value, new: &Value, at: &str, found: &mut Vec<Diagnostic>) {
    let text = |schema: &Value, key: &str| schema.get(key).and_then(Value::as_str).map(str::to_owned);
    match (text(old, "pattern"), text(new, "pattern")) {
        (None, Some(is)) => found.push(Diagnostic::error("PatternAdded", at, format!("`{at}` would have to match `{is}`"))),
        (Some(was), Some(is)) if was != is => {
            found.push(Diagnostic::error("PatternChanged", at, format!("`{at}` had to match `{was}` and would have to match `{is}`")));
        }
        _ => {}
    }
    match (old.get("enum").and_then(Value::as_array), new.get("enum").and_then(Value::as_array)) {
        (Some(was), Some(is)) => {
            let gone: Vec<String> = was.iter().filter(|value| !is.contains(value)).map(shown).collect();
            if !gone.is_empty() {
                found.push(Diagnostic::error("EnumRestricted", at, format!("`{at}` would no longer take {}", gone.join(", "))));
            }
        }
        (None, Some(is)) => {
            let values: Vec<String> = is.iter().map(shown).collect();
            found.push(Diagnostic::error("EnumAdded", at, format!("`{at}` took any value and would take only {}", values.join(", "))));
        }
        (_, None) => {}
    }
    let list_type = |schema: &Value| text(schema, "x-kubernetes-list-type").unwrap_or_else(|| "atomic".to_owned());
    let keys = |schema: &Value| schema.get("x-kubernetes-list-map-keys").cloned();
    let (was, is) = (list_type(old), list_type(new));
    if was != is || keys(old) != keys(new) {
        found.push(Diagnostic::error(
            "ListTypeChanged",
            at,
            format!("`{at}` was a list of type {was} and would be one of type {is} with other keys or rules"),
        ));
    }
    let rules = |schema: &Value| -> Vec<String> {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
        rules.filter_map(|rule| rule.get("rule").and_then(Value::as_str)).map(str::to_owned).collect()
    };
    let known = rules(old);
    for rule in rules(new).into_iter().filter(|rule| !known.contains(rule)) {
        found.push(Diagnostic::error("RuleAdded", at, format!("`{at}` would have to meet `{rule}`")));
    }
}

fn properties(old: &Value, new: &Value, at: &str, depth: usize, found: &mut Vec<Diagnostic>) {
    let Some(fields) = old.get("properties").and_then(Value::as_object) else { return };
    let now = new.get("properties").and_then(Value::as_object);
    let takes_others = new.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    for (name, schema) in fields {
        let at = child(at, name);
        match now.and_then(|now| now.get(name)) {
            Some(now) => compare(schema, now, &at, depth + 1, found),
            None if takes_others => {}
            None => found.push(Diagnostic::error("PropertyRemoved", &at, format!("the field `{at}` would be gone"))),
        }
    }
}

/// Fields that objects must have and did not need to have.
fn required(old: &Value, new: &Value, at: &str, found: &mut Vec<Diagnostic>) {
    let named = |schema: &Value| -> Vec<String> {
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let has_default = |schema: &Value, name: &str| schema.get("properties").and_then(|fields| fields.get(name)?.get("default")).is_some();
    let was = named(old);
    for name in named(new) {
        let at = child(at, &name);
        match (was.contains(&name), has_default(new, &name)) {
            (false, false) => found.push(Diagnostic::error("RequiredAdded", &at, format!("`{at}` would be required, and has no default"))),
            (true, false) if has_default(old, &name) => {
                found.push(Diagnostic::error("DefaultRemoved", &at, format!("`{at}` is required and would lose its default")));
            }
            _ => {}
        }
    }
}

fn shown(value: &Value) -> String {
    format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn check(old: Value, new: Value) -> String {
        let wrap = |field: Value| json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": field}}}});
        let found = breaking_changes(&wrap(old), &wrap(new));
        found.iter().map(|found| format!("{} {}: {}", found.path, found.code, found.message)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_would_be_refused_is_found() {
        insta::assert_snapshot!(check(json!({"type": "string"}), json!({"type": "integer"})), @"spec.a TypeChanged: `spec.a` was of type string and would be integer");
        insta::assert_snapshot!(check(json!({"type": "string"}), json!({"type": "string", "enum": ["x"]})), @"spec.a EnumAdded: `spec.a` took any value and would take only `x`");
        insta::assert_snapshot!(check(json!({"type": "integer", "maximum": 9}), json!({"type": "integer", "maximum": 5})), @"spec.a MaximumDecreased: `maximum` of `spec.a` was 9 and would be 5");
        insta::assert_snapshot!(
            check(json!({"type": "array", "items": {"type": "string"}}), json!({"type": "array", "items": {"type": "string", "pattern": "x"}, "x-kubernetes-list-type": "set"})),
            @r"
        spec.a ListTypeChanged: `spec.a` was a list of type atomic and would be one of type set with other keys or rules
        spec.a[] PatternAdded: `spec.a[]` would have to match `x`
        "
        );
        insta::assert_snapshot!(
            check(
                json!({"type": "object", "properties": {"b": {"type": "string"}}}),
                json!({"type": "object", "properties": {"c": {"type": "string"}}, "required": ["c"], "x-kubernetes-validations": [{"rule": "true"}]})
            ),
            @r"
        spec.a RuleAdded: `spec.a` would have to meet `true`
        spec.a.b PropertyRemoved: the field `spec.a.b` would be gone
        spec.a.c RequiredAdded: `spec.a.c` would be required, and has no default
        "
        );
    }

    #[test]
    fn what_is_wider_breaks_nothing() {
        for (old, new) in [
            (json!({"type": "string", "enum": ["x"]}), json!({"type": "string"})),
            (json!({"type": "integer"}), json!({"type": "number"})),
            (json!({"type": "integer", "minimum": 5, "default": 7}), json!({"type": "integer", "minimum": 1, "default": 8})),
            (
                json!({"type": "object", "required": ["b"]}),
                json!({"type": "object", "properties": {"c": {"type": "string", "default": "x"}}, "required": ["c"]}),
            ),
        ] {
            assert_eq!(check(old, new), "");
        }
    }

    proptest! {
        #[test]
        fn a_schema_never_breaks_itself(least in 0..9_i64, names in proptest::collection::btree_set("[a-c]", 0..3)) {
            let fields: serde_json::Map<String, Value> = names.iter().map(|name| (name.clone(), json!({"type": "integer", "minimum": least}))).collect();
            let schema = json!({"type": "object", "properties": fields, "required": names});
            prop_assert_eq!(breaking_changes(&schema, &schema), []);
        }
    }
}
