//! The way out of a refusal: what the schema of a kind says about the value that was refused.
//!
//! The words of the refusal are those of the API server; here they are only read. Start with [`way_out`].

use serde_json::Value;
use windlass_api::did_you_mean;

/// What to do about a cause: its place (as `spec.port`) and its message, by the schema of `spec`. None where the schema does
/// not know better than the message.
pub fn way_out(schema: &Value, place: &str, message: &str) -> Option<String> {
    let keys = keys(place)?;
    let (last, parents) = keys.split_last()?;
    if message.to_lowercase().contains("unknown field") {
        return did_you_mean(last, properties(at(schema, parents)?));
    }
    let property = at(schema, &keys)?;
    if let Some(choices) = property["enum"].as_array() {
        let given = message.split('"').nth(1).unwrap_or_default();
        return did_you_mean(given, choices.iter().filter_map(Value::as_str));
    }
    let about = property["description"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
    let wanted = kind_of_value(property)?;
    Some(if message.contains("Required") { format!("add `{last}`, {wanted}{about}") } else { format!("it is {wanted}{about}") })
}

/// `a whole number from 1 to 65535`.
fn kind_of_value(property: &Value) -> Option<String> {
    let word = match property["type"].as_str()? {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "an object",
        _ => return None,
    };
    let bounds = match (&property["minimum"], &property["maximum"]) {
        (Value::Number(least), Value::Number(most)) => format!(" from {least} to {most}"),
        (Value::Number(least), _) => format!(" of at least {least}"),
        (_, Value::Number(most)) => format!(" of at most {most}"),
        _ => String::new(),
    };
    Some(format!("{word}{bounds}"))
}

/// Keys below `spec`, without the numbers of list items.
fn keys(place: &str) -> Option<Vec<&str>> {
    let below = place.trim_start_matches('.').strip_prefix("spec.")?;
    let keys: Vec<&str> = below.split('.').map(|key| key.split('[').next().unwrap_or(key)).collect();
    keys.iter().all(|key| !key.is_empty()).then_some(keys)
}

/// The schema of what these keys name; that of its items where it is a list.
fn at<'s>(schema: &'s Value, keys: &[&str]) -> Option<&'s Value> {
    keys.iter().try_fold(schema, |here, key| {
        let here = if here["type"] == "array" { &here["items"] } else { here };
        here["properties"].get(*key)
    })
}

fn properties(schema: &Value) -> impl Iterator<Item = &str> {
    let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
    schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_knows_what_was_meant() {
        let schema = json!({"type": "object", "properties": {
            "source": {"type": "string", "description": "Directory with the files"},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "size": {"type": "string", "enum": ["S", "M", "L"]},
            "hosts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        }});
        let check = |place: &str, message: &str, expected: Option<&str>| {
            assert_eq!(way_out(&schema, place, message).as_deref(), expected, "{place}: {message}");
        };
        check("spec.prot", "unknown field", Some("did you mean `port`?"));
        check("spec.hosts[0].nam", "unknown field", Some("did you mean `name`?"));
        check("spec.other", "unknown field", Some("there are: source, port, size, hosts"));
        check("spec.port", "Invalid value: \"string\": must be of type integer", Some("it is a whole number from 1 to 65535"));
        check("spec.source", "Required value", Some("add `source`, a text: Directory with the files"));
        check("spec.size", "Unsupported value: \"l\": supported values: \"S\"", Some("did you mean `L`?"));
        check("spec", "Invalid value: give exactly one", None);
        check("metadata.name", "Invalid value", None);
        check("spec..", "Invalid value", None);
    }
}
