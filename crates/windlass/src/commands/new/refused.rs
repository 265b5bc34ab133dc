//! The way out of the API's refusal, as flags of `windlass new`: which `--set` gives the value that a rule asks for.

use super::values::flag;
use serde_json::Value;
use windlass_api::nearest;
use windlass_client::errors;

/// More flags than these are not named.
const MOST: usize = 4;

/// What to do about a refusal; none where the error is another one, or speaks of no value of this kind.
pub(super) fn hint(error: &anyhow::Error, schema: &Value, kind: &str, name: &str) -> Option<String> {
    let status = error.chain().find_map(|cause| match cause.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) if status.reason == "Invalid" => Some(status),
        _ => None,
    })?;
    let causes = &status.details.as_ref()?.causes;
    if causes.iter().any(|cause| cause.field == "metadata.name") {
        let likely = label(name);
        return (!likely.is_empty() && likely != name).then(|| format!("did you mean `{likely}`?"));
    }
    let mut flags: Vec<String> = Vec::new();
    for cause in causes {
        let choices = schema.pointer(&format!("/properties/{}/enum", cause.field.trim_start_matches("spec."))).and_then(Value::as_array);
        let given = cause.message.split('"').nth(1).unwrap_or_default();
        if let Some(near) = nearest(given, choices.into_iter().flatten().filter_map(Value::as_str)) {
            return Some(format!("did you mean `{near}`?"));
        }
        for field in fields(&cause.field, &cause.message, schema) {
            let flag = flag(field, schema);
            if !flags.contains(&flag) {
                flags.push(flag);
            }
        }
    }
    flags.truncate(MOST);
    let (last, before) = flags.split_last()?;
    let said = if before.is_empty() { last.clone() } else { format!("{} or {last}", before.join(", ")) };
    Some(format!("give {said}; `windlass explain {}.spec` says what each means", kind.to_lowercase()))
}

/// The values that a refusal is about.
pub(super) fn about(error: &kube::Error, schema: &Value) -> Vec<String> {
    let kube::Error::Api(status) = error else { return Vec::new() };
    let causes = errors::causes(status);
    let mut named: Vec<String> = causes.iter().flat_map(|(place, message)| fields(place, message, schema)).map(str::to_owned).collect();
    named.dedup();
    named
}

/// The values that a cause is about: that of its place, else those that its message names.
fn fields<'s>(place: &str, message: &'s str, schema: &'s Value) -> Vec<&'s str> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let own = place.strip_prefix("spec.").map(|rest| rest.split(['.', '[']).next().unwrap_or(rest));
    if let Some((name, _)) = own.and_then(|own| properties.get_key_value(own)) {
        return vec![name.as_str()];
    }
    // Names in a sentence stand in backticks or in quotes.
    message.split(['`', '"']).skip(1).step_by(2).filter(|word| properties.contains_key(*word)).collect()
}

/// The nearest DNS label.
fn label(name: &str) -> String {
    let lower: String = name.trim().to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    lower.trim_matches('-').chars().take(63).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_way_out_is_a_flag() {
        let schema = json!({"properties": {
            "source": {"type": "string"}, "command": {"type": "string"}, "port": {"type": "integer", "minimum": 1},
            "size": {"type": "string", "enum": ["S", "M", "L"]},
        }});
        let check = |name: &str, field: &str, message: &str, expected: Option<&str>| {
            let status = json!({"reason": "Invalid", "code": 422, "details": {"causes": [{"field": field, "message": message}]}});
            let status: kube::core::Status = serde_json::from_value(status).expect("a status");
            let error = anyhow::Error::new(kube::Error::Api(Box::new(status)));
            assert_eq!(hint(&error, &schema, "WebApp", name).as_deref(), expected, "{field}: {message}");
        };
        check(
            "shop",
            "spec",
            "Invalid value: give exactly one of `source` (a directory) and `command`",
            Some("give --set source=VALUE or --set command=VALUE; `windlass explain webapp.spec` says what each means"),
        );
        check("shop", "spec.port", "Required value", Some("give --set port=1; `windlass explain webapp.spec` says what each means"));
        check("shop", "spec.size", "Unsupported value: \"l\": supported values: \"S\"", Some("did you mean `L`?"));
        check("Foo_bar", "metadata.name", "Invalid value", Some("did you mean `foo-bar`?"));
        check("shop", "spec", "something else", None);
        assert_eq!(hint(&anyhow::anyhow!("another"), &schema, "WebApp", "shop"), None);
    }
}
