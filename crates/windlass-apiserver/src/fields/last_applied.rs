//! kubectl's annotation with the configuration that it applied last, client-side.
//!
//! kubectl may change from client-side to server-side apply: what the annotation shows to be its own is no conflict,
//! and the annotation is kept up to date. Start with [`own_fields`] and [`refresh`].

use super::set::FieldSet;
use super::typed::Type;
use serde_json::{Map, Value};

/// The annotation.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Only this manager gets the treatment.
pub(super) const MANAGER: &str = "kubectl";

/// Largest sum of annotations, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// The fields that the annotation shows to be kubectl's: applied, and not changed by others since.
pub(super) fn own_fields(live: &Value, ty: Type<'_>, api_version: &str) -> Option<FieldSet> {
    let text = live["metadata"]["annotations"][LAST_APPLIED].as_str().filter(|text| !text.is_empty())?;
    let applied: Value = serde_json::from_str(text).ok()?;
    if applied["apiVersion"] != api_version || !ty.misfits(&applied).is_empty() {
        return None;
    }
    let comparison = ty.compare(&applied, live);
    let set = ty.field_set(&applied);
    Some(set.difference(&comparison.modified).difference(&comparison.added).difference(&comparison.removed))
}

/// Writes the configuration into the annotation, if the object has it; drops it when it would be too large.
pub(super) fn refresh(object: &mut Value, applied: &Value) {
    let has = object["metadata"]["annotations"][LAST_APPLIED].as_str().is_some_and(|text| !text.is_empty());
    let Some(annotations) = annotations_of(object).filter(|_| has) else { return };
    let mut applied = applied.clone();
    if let Some(own) = annotations_of(&mut applied) {
        own.shift_remove(LAST_APPLIED);
    }
    annotations.insert(LAST_APPLIED.to_owned(), Value::String(format!("{}\n", sorted(&applied))));
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS {
        annotations.shift_remove(LAST_APPLIED);
    }
}

fn annotations_of(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()
}

/// With sorted keys, as Go writes maps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
