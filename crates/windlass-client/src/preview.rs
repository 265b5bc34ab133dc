//! Previews and what binds a write to one: the hash of a spec, and the annotation `SPECHASH:PLANHASH`.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// sha256 of the canonical JSON (keys sorted at every level, no white space) of a value, in hex.
pub fn canonical_hash(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

/// Hash of an instance's `spec`; an absent one counts as empty.
pub fn spec_hash(instance: &Value) -> String {
    canonical_hash(instance.get("spec").unwrap_or(&Value::Object(serde_json::Map::new())))
}

/// Value of the annotation `windlass.dev/expected-plan`.
pub fn expected_plan(instance: &Value, plan_hash: &str) -> String {
    format!("{}:{plan_hash}", spec_hash(instance))
}

/// Bytes as lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_canonical(&fields[key.as_str()], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_of_keys_does_not_count() {
        assert_eq!(canonical_hash(&json!({"a": 1, "b": [true]})), canonical_hash(&json!({"b": [true], "a": 1})));
        assert_ne!(canonical_hash(&json!({"a": 1})), canonical_hash(&json!({"a": "1"})));
        assert_eq!(spec_hash(&json!({"metadata": {}})), spec_hash(&json!({"spec": {}})));
    }
}
