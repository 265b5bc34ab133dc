//! Who owns which field, and every way in which a request changes an object: server-side apply, tracked updates,
//! strategic merge patch, JSON merge patch, JSON patch, and strict decoding of bodies.
//!
//! Pure: values in, values out; the caller knows the clock and the store. Types come from a
//! [`windlass_schema::structural::Schema`], which tells how lists and maps are merged.
//! Start with [`apply()`] and [`track_update`]; the sets they compute with are in [`set`].
//!
//! Sources: KEP-555 (server-side apply), `sigs.k8s.io/structured-merge-diff` v6 and `k8s.io/apimachinery` 0.35 for
//! meaning and wording, RFC 6902 and RFC 7386 for the two JSON patches.

mod apply;
mod conflict;
mod decode;
mod json_patch;
mod last_applied;
mod managed;
mod merge;
mod merge_patch;
mod path;
pub mod set;
mod strategic;
mod track;
mod typed;

#[cfg(test)]
mod tests;

pub use apply::{ApplyError, ApplyOptions, apply};
pub use conflict::{Conflict, Conflicts};
pub use decode::{DecodeError, Decoded, decode_strict, strict_error};
pub use json_patch::{PatchError, json_patch};
pub use last_applied::LAST_APPLIED;
pub use managed::{FieldOwner, Managed, Operation, reset_paths};
pub use merge_patch::merge_patch;
pub use path::{FieldPath, PathElement, Scalar};
pub use set::FieldSet;
pub use strategic::{StrategicError, strategic_merge};
pub use track::{UpdateOptions, keep_unchanged_times, track_update};
pub use typed::Type;

/// What Go's JSON decoder calls a value that it did not expect.
pub fn go_type(value: &serde_json::Value) -> &'static str {
    use serde_json::Value;
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value as Go's `%v` prints it: `map[a:b c:[1 2]]`.
pub fn go_print(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(go_print).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", go_print(value))).collect();
            entries.sort();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}
