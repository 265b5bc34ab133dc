//! Reading the parts of an object that every kind has. Nothing here knows a kind.

use serde_json::{Map, Value};

/// A text field of `metadata`; empty where it is absent.
pub(crate) fn meta<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    meta(object, "name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    meta(object, "namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    meta(object, "uid")
}

/// Whether deletion has been asked for.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// `metadata` for writing; made where it is absent or no object.
pub(crate) fn meta_mut(object: &mut Value) -> &mut Map<String, Value> {
    map_mut(child_mut(object, "metadata"))
}

/// A field for writing; made where it is absent.
pub(crate) fn child_mut<'a>(object: &'a mut Value, field: &str) -> &'a mut Value {
    map_mut(object).entry(field).or_insert(Value::Null)
}

/// The value as an object, made one if it is not.
pub(crate) fn map_mut(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

/// Removes a field without changing the order of the others.
pub(crate) fn remove(object: &mut Value, field: &str) -> Option<Value> {
    object.as_object_mut()?.shift_remove(field)
}

/// Takes a field over from another object, or removes it where that one has none.
pub(crate) fn take_over(target: &mut Value, source: &Value, field: &str) {
    match source.get(field) {
        Some(value) => *child_mut(target, field) = value.clone(),
        None => drop(remove(target, field)),
    }
}

/// One entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerReference {
    #[serde(default)]
    pub(crate) api_version: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) uid: String,
    #[serde(default)]
    pub(crate) block_owner_deletion: Option<bool>,
}

/// The part of an object that selectors and the collector look at, read without parsing the rest.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct Outline {
    #[serde(default)]
    pub(crate) metadata: OutlineMeta,
}

/// See [`Outline`].
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutlineMeta {
    #[serde(default)]
    pub(crate) uid: String,
    #[serde(default)]
    pub(crate) labels: Option<std::collections::BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) owner_references: Option<Vec<OwnerReference>>,
    #[serde(default)]
    pub(crate) deletion_timestamp: Option<String>,
}

/// Now, as Kubernetes writes times: UTC in whole seconds.
pub(crate) fn now() -> String {
    seconds(jiff::Timestamp::now())
}

/// A moment in whole seconds, UTC.
pub(crate) fn seconds(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A random (version 4) UUID.
pub(crate) fn new_uid() -> String {
    let random = (rand::random::<u128>() & !(0xf << 76 | 0x3 << 62)) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{random:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Five characters for `generateName`, out of those that spell no words.
pub(crate) fn random_suffix() -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..5).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

#[cfg(test)]
mod tests {
    //! The small things that everything else rests on.

    use super::*;

    #[test]
    fn uids_are_version_4() {
        let uid = new_uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(uid.as_bytes()[14], b'4');
        assert!(matches!(uid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn times_have_whole_seconds() {
        let moment: jiff::Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(seconds(moment), "2026-01-02T03:04:05Z");
    }
}
