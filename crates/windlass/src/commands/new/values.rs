//! `--set KEY=VALUE` read by the kind's own schema: a text stays a text even if it looks like a number.

use crate::exit::{Exit, failed};
use crate::terminal::ask;
use serde_json::{Map, Value};
use windlass_api::did_you_mean;

/// The values that were given.
///
/// # Errors
/// A key is not in the schema (the hint names the nearest), or a value does not fit its type.
pub(super) fn read(schema: &Value, settings: &[String], size: Option<&str>) -> anyhow::Result<Map<String, Value>> {
    let mut spec = Value::Object(Map::new());
    for setting in settings {
        let (key, text) = setting
            .split_once('=')
            .ok_or_else(|| failed(Exit::Usage, format!("`--set {setting}` has no value\n  hint: write --set {setting}=VALUE")))?;
        let path: Vec<&str> = key.split('.').collect();
        let value = typed(find(schema, &path)?, key, text)?;
        put(&mut spec, &path, value);
    }
    if let Some(size) = size {
        find(schema, &["size"]).map_err(|_| failed(Exit::Usage, "this Template has no sizes\n  hint: leave --size out"))?;
        put(&mut spec, &["size"], Value::String(size.to_owned()));
    }
    match spec {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn find<'a>(schema: &'a Value, path: &[&str]) -> anyhow::Result<&'a Value> {
    let mut here = schema;
    for key in path {
        let properties = here["properties"].as_object();
        here = match properties.and_then(|properties| properties.get(*key)) {
            Some(property) => property,
            None if here["additionalProperties"].is_object() => &here["additionalProperties"],
            None if here["x-kubernetes-preserve-unknown-fields"] == true || properties.is_none() && here["type"] != "object" => {
                return Ok(&Value::Null);
            }
            None => {
                let known: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
                let hint = did_you_mean(key, known).unwrap_or_else(|| "this Template takes no values here".to_owned());
                return Err(failed(Exit::Usage, format!("there is no value `{}`\n  hint: {hint}", path.join("."))));
            }
        };
    }
    Ok(here)
}

fn typed(schema: &Value, key: &str, text: &str) -> anyhow::Result<Value> {
    let wrong = |wanted: &str| {
        let hint = format!("as --set {key}={}", example(schema));
        failed(Exit::Usage, format!("`{key}` must be {wanted}, not `{text}`\n  hint: {hint}"))
    };
    match schema["type"].as_str() {
        Some("string") => Ok(Value::String(text.to_owned())),
        Some("integer") => text.parse::<i64>().map(Value::from).map_err(|_| wrong("a whole number")),
        Some("number") => text.parse::<serde_json::Number>().map(Value::Number).map_err(|_| wrong("a number")),
        Some("boolean") => text.parse::<bool>().map(Value::Bool).map_err(|_| wrong("true or false")),
        Some("array") => match serde_json::from_str::<Value>(text) {
            Ok(list @ Value::Array(_)) => Ok(list),
            // A list of plain texts may be written with commas.
            _ if schema["items"]["type"] == "string" => Ok(text.split(',').map(|item| Value::String(item.trim().to_owned())).collect()),
            _ => Err(wrong("a JSON list")),
        },
        Some("object") => serde_json::from_str::<Value>(text).ok().filter(Value::is_object).ok_or_else(|| wrong("a JSON object")),
        _ => Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))),
    }
}

/// A value of this type as somebody would write it in a shell.
pub(super) fn example(schema: &Value) -> String {
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        return default.as_str().map_or_else(|| default.to_string(), str::to_owned);
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|");
    }
    match schema["type"].as_str() {
        Some("integer") => schema["minimum"].as_i64().unwrap_or(8080).to_string(),
        Some("number") => "0.5".into(),
        Some("boolean") => "true".into(),
        Some("array") if schema["items"]["type"] == "string" => "one,two".into(),
        Some("array") => "'[1, 2]'".into(),
        Some("object") => "'{\"key\": \"value\"}'".into(),
        _ => "VALUE".into(),
    }
}

/// The flag that gives a value.
pub(super) fn flag(name: &str, schema: &Value) -> String {
    let property = &schema["properties"][name];
    if name == "size" { format!("--size {}", example(property)) } else { format!("--set {name}={}", example(property)) }
}

fn put(target: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *target = value;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    put(&mut target[*first], rest, value);
}

/// Puts the given values over those that are there.
pub(super) fn merge(target: &mut Value, given: Value) {
    match (target, given) {
        (Value::Object(fields), Value::Object(given)) => {
            for (key, value) in given {
                merge(fields.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, given) => *target = given,
    }
}

/// Asks for what must be given and was not, and for the size.
///
/// # Errors
/// The input ended.
pub(super) fn ask_for_missing(schema: &Value, given: &mut Map<String, Value>) -> anyhow::Result<()> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let needed = required.contains(&name.as_str()) && property.get("default").is_none();
        if given.contains_key(name) || !(needed || name == "size") {
            continue;
        }
        while !ask_for(schema, name, given)? && needed {}
    }
    Ok(())
}

/// Asks for one value until it has the right type; gives whether one was given.
///
/// # Errors
/// The input ended.
pub(super) fn ask_for(schema: &Value, name: &str, given: &mut Map<String, Value>) -> anyhow::Result<bool> {
    let property = &schema["properties"][name];
    let choices: Vec<&str> = property["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let about = property["description"].as_str().map(|text| format!(" ({})", crate::text::safe(text))).unwrap_or_default();
    let about = if choices.is_empty() { about } else { format!(" ({})", choices.join(", ")) };
    loop {
        let answer = ask(&format!("{name}{about}"), property["default"].as_str())?;
        if answer.is_empty() {
            return Ok(false);
        }
        if !choices.is_empty() && !choices.contains(&answer.as_str()) {
            let hint = did_you_mean(&answer, choices.iter().copied()).unwrap_or_default();
            crate::terminal::say(&format!("`{answer}` is not one of them: {hint}"));
            continue;
        }
        match typed(property, name, &answer) {
            Ok(value) => {
                given.insert(name.to_owned(), value);
                return Ok(true);
            }
            // The way out that is a flag is none here.
            Err(error) => crate::terminal::say(error.to_string().split("\n  hint: ").next().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "source": {"type": "string"}, "port": {"type": "integer"}, "hosts": {"type": "array", "items": {"type": "string"}},
            "limits": {"type": "object", "properties": {"cpu": {"type": "string"}}}, "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        }})
    }

    #[test]
    fn values_have_the_types_of_the_schema() {
        let set = ["source=8080", "port=8080", "hosts=a, b", "limits.cpu=2", "labels.team=5"].map(str::to_owned);
        let read = read(&schema(), &set, None).expect("they fit");
        assert_eq!(
            Value::Object(read),
            json!({"source": "8080", "port": 8080, "hosts": ["a", "b"], "limits": {"cpu": "2"}, "labels": {"team": "5"}})
        );
    }

    #[test]
    fn a_typo_and_a_wrong_type_are_told() {
        let error = |setting: &str| read(&schema(), &[setting.to_owned()], None).expect_err(setting).to_string();
        assert_eq!(error("prot=1"), "there is no value `prot`\n  hint: did you mean `port`?");
        assert_eq!(error("port=web"), "`port` must be a whole number, not `web`\n  hint: as --set port=8080");
        assert!(error("port").contains("--set port=VALUE"));
        assert!(read(&schema(), &[], Some("S")).expect_err("no sizes").to_string().contains("no sizes"));
    }

    #[test]
    fn given_values_go_over_present_ones() {
        let mut present = json!({"size": "S", "limits": {"cpu": "1", "memory": "1Gi"}});
        merge(&mut present, json!({"size": "L", "limits": {"cpu": "2"}}));
        assert_eq!(present, json!({"size": "L", "limits": {"cpu": "2", "memory": "1Gi"}}));
    }
}
