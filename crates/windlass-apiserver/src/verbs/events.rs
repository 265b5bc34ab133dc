//! Events have two forms, `v1` and `events.k8s.io/v1`, and one storage: the former is stored, the latter is a view on it.
//!
//! Source: `k8s.io/kubernetes/pkg/apis/events/v1/conversion.go`.

use serde_json::{Map, Value};

/// Field of `events.k8s.io/v1`, field of `v1`.
const NAMES: &[(&str, &str)] = &[
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

fn renamed(event: &Value, api_version: &str, name: impl Fn(&str) -> Option<&'static str>) -> Value {
    let mut out = Map::new();
    out.insert("apiVersion".to_owned(), api_version.into());
    out.insert("kind".to_owned(), "Event".into());
    for (field, value) in event.as_object().into_iter().flatten() {
        if field != "apiVersion" && field != "kind" {
            out.insert(name(field).unwrap_or(field).to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

/// A stored event as `events.k8s.io/v1`.
pub(crate) fn shown(event: &Value) -> Value {
    renamed(event, "events.k8s.io/v1", |field| NAMES.iter().find(|(_, core)| *core == field).map(|(name, _)| *name))
}

/// An `events.k8s.io/v1` event as it is stored.
pub(crate) fn stored(event: &Value) -> Value {
    renamed(event, "v1", |field| NAMES.iter().find(|(name, _)| *name == field).map(|(_, core)| *core))
}

#[cfg(test)]
mod tests {
    //! The two forms say the same.

    use serde_json::json;

    use super::*;

    #[test]
    fn the_two_forms_say_the_same() {
        let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "a"}, "note": "n", "regarding": {"kind": "Pod"},
            "reportingController": "c", "reportingInstance": "i", "deprecatedCount": 3, "type": "Normal"});
        let core = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "a"}, "message": "n", "involvedObject": {"kind": "Pod"},
            "reportingComponent": "c", "reportingInstance": "i", "count": 3, "type": "Normal"});
        assert_eq!(stored(&event), core);
        assert_eq!(shown(&core), event);
    }
}
