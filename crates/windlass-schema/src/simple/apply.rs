//! Puts a marker onto the schema of its field.

use super::Wrong;
use super::marker::Marker;
use crate::structural::regular_expression;
use serde_json::{Number, Value, json};

/// Applies a marker. `Ok(Some(...))` says what may surprise.
pub(super) fn apply(marker: &Marker, schema: &mut Value, required: &mut bool) -> Result<Option<String>, Wrong> {
    let type_ = schema.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let text = marker.value.as_str();
    match marker.key {
        "required" => *required = boolean(marker)?,
        "default" => schema["default"] = default(&type_, text)?,
        "description" => schema["description"] = json!(text),
        "minimum" | "maximum" => {
            schema[marker.key] = number(marker)?;
            if !matches!(type_.as_str(), "integer" | "number") {
                return Ok(Some(format!("`{}` has no effect on a field of type {type_}", marker.key)));
            }
        }
        "enum" => schema["enum"] = enumeration(&type_, text)?,
        "pattern" => {
            only(marker, &type_, "string")?;
            filled(marker)?;
            if let Err(error) = regular_expression::compile(text) {
                let cause = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                return Err(Wrong::new(
                    "InvalidMarker",
                    format!("`{text}` is not a regular expression: {cause}"),
                    "the syntax is RE2: no look-around, no back-references",
                ));
            }
            schema["pattern"] = json!(text);
        }
        "minLength" | "maxLength" => {
            only(marker, &type_, "string")?;
            schema[marker.key] = count(marker)?;
        }
        "minItems" | "maxItems" => {
            only(marker, &type_, "array")?;
            schema[marker.key] = count(marker)?;
        }
        "uniqueItems" => {
            only(marker, &type_, "array")?;
            if boolean(marker)? {
                list_type(schema, "set")?;
            }
        }
        "listType" => {
            only(marker, &type_, "array")?;
            if !matches!(text, "atomic" | "set" | "map") {
                return Err(Wrong::new("InvalidMarker", format!("`{text}` is no type of list"), "the types are: atomic, set, map"));
            }
            list_type(schema, text)?;
        }
        "listMapKey" => {
            only(marker, &type_, "array")?;
            filled(marker)?;
            let mut keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).cloned().unwrap_or_default();
            if keys.iter().any(|known| known == text) {
                return Err(Wrong::new("InvalidMarker", format!("the key `{text}` stands here twice"), "give each key once"));
            }
            keys.push(json!(text));
            schema["x-kubernetes-list-map-keys"] = Value::Array(keys);
        }
        "validation" => {
            filled(marker)?;
            rule(schema, text, "validation failed");
        }
        "immutable" if boolean(marker)? => rule(schema, "self == oldSelf", "field is immutable"),
        _ => {}
    }
    Ok(None)
}

/// What only holds once every marker is applied.
pub(super) fn whole(schema: &Value) -> Result<(), Wrong> {
    let list_type = schema.get("x-kubernetes-list-type").and_then(Value::as_str);
    let keys = schema.get("x-kubernetes-list-map-keys").is_some();
    if list_type == Some("map") && !keys {
        return Err(Wrong::new("InvalidMarker", "`listType=map` needs a key", "add `listMapKey=name`"));
    }
    if keys && list_type != Some("map") {
        return Err(Wrong::new("InvalidMarker", "`listMapKey` needs `listType=map`", "add `listType=map`"));
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    for (least, most) in [("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")] {
        if let (Some(low), Some(high)) = (bound(least), bound(most))
            && low > high
        {
            return Err(Wrong::new("InvalidMarker", format!("`{least}` is {low}, but `{most}` is {high}: no value would do"), "swap them"));
        }
    }
    Ok(())
}

fn only(marker: &Marker, type_: &str, wanted: &str) -> Result<(), Wrong> {
    if type_ == wanted {
        return Ok(());
    }
    let word = if wanted == "array" { "a list, as `[]string`" } else { "a string" };
    Err(Wrong::new("InvalidMarker", format!("`{}` cannot stand at a field of type {type_}", marker.key), format!("it needs {word}")))
}

fn filled(marker: &Marker) -> Result<(), Wrong> {
    if marker.value.is_empty() {
        return Err(Wrong::new("InvalidMarker", format!("`{}` is empty", marker.key), "give it a value, or leave it out"));
    }
    Ok(())
}

fn boolean(marker: &Marker) -> Result<bool, Wrong> {
    go_boolean(&marker.value).ok_or_else(|| {
        Wrong::new(
            "InvalidMarker",
            format!("`{}={}`: it is neither true nor false", marker.key, marker.value),
            format!("write `{}=true`, or leave it out", marker.key),
        )
    })
}

/// The forms that Go's `strconv.ParseBool` takes, which kro uses.
fn go_boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A number; whole ones are written without fraction.
fn number(marker: &Marker) -> Result<Value, Wrong> {
    let wrong =
        || Wrong::new("InvalidMarker", format!("`{}={}` is not a number", marker.key, marker.value), format!("as `{}=1`", marker.key));
    if let Ok(whole) = marker.value.parse::<i64>() {
        return Ok(json!(whole));
    }
    let number = marker.value.parse::<f64>().ok().and_then(Number::from_f64).ok_or_else(wrong)?;
    Ok(Value::Number(number))
}

fn count(marker: &Marker) -> Result<Value, Wrong> {
    let number = marker.value.parse::<i64>().ok().filter(|number| *number >= 0);
    number.map(Value::from).ok_or_else(|| {
        Wrong::new(
            "InvalidMarker",
            format!("`{}={}` is not a whole number from 0", marker.key, marker.value),
            format!("as `{}=1`", marker.key),
        )
    })
}

fn default(type_: &str, text: &str) -> Result<Value, Wrong> {
    let wrong = |hint: String| Wrong::new("InvalidDefault", format!("the default `{text}` is not of type {type_}"), hint);
    match type_ {
        "string" => Ok(json!(text)),
        "integer" => text.parse::<i64>().map(Value::from).map_err(|_| wrong("as `default=8080`".into())),
        "number" => match serde_json::from_str::<Value>(text) {
            Ok(Value::Number(number)) => Ok(Value::Number(number)),
            _ => text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number).ok_or_else(|| wrong("as `default=0.5`".into())),
        },
        "boolean" => go_boolean(text).map(Value::Bool).ok_or_else(|| wrong("as `default=true`".into())),
        _ => {
            let value: Value =
                serde_json::from_str(text).map_err(|error| wrong(format!("a default of lists and objects is JSON: {error}")))?;
            let fits = match type_ {
                "array" => value.is_array(),
                "object" => value.is_object(),
                _ => true,
            };
            if fits { Ok(value) } else { Err(wrong("a default of lists and objects is JSON, as `default=[]` or `default={}`".into())) }
        }
    }
}

fn enumeration(type_: &str, text: &str) -> Result<Value, Wrong> {
    if !matches!(type_, "string" | "integer") {
        return Err(Wrong::new(
            "InvalidMarker",
            format!("`enum` cannot stand at a field of type {type_}"),
            "it needs a string or an integer",
        ));
    }
    let mut values = Vec::new();
    for item in text.split(',').map(str::trim) {
        if item.is_empty() {
            return Err(Wrong::new("InvalidMarker", "a value of `enum` is empty", "as `enum=\"debug,info,warn\"`"));
        }
        values.push(match type_ {
            "integer" => item
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| Wrong::new("InvalidMarker", format!("`{item}` in `enum` is not an integer"), "as `enum=\"80,443\"`"))?,
            _ => json!(item),
        });
    }
    Ok(Value::Array(values))
}

fn list_type(schema: &mut Value, wanted: &str) -> Result<(), Wrong> {
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some(known) if known != wanted => Err(Wrong::new(
            "InvalidMarker",
            format!("the list cannot be of type `{known}` and `{wanted}`"),
            "`uniqueItems=true` makes it a `set`",
        )),
        _ => {
            schema["x-kubernetes-list-type"] = json!(wanted);
            Ok(())
        }
    }
}

fn rule(schema: &mut Value, rule: &str, message: &str) {
    let mut rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).cloned().unwrap_or_default();
    rules.push(json!({"rule": rule, "message": message}));
    schema["x-kubernetes-validations"] = Value::Array(rules);
}
