//! Objects as a `meta.k8s.io/v1.Table`: what `kubectl get` prints.

use serde_json::{Value, json};

use crate::registry::Resource;

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// The table of some objects. `include` is the client's `includeObject`: `Object`, `None`, anything else means metadata.
pub(crate) fn of(resource: &Resource, objects: &[Value], include: &str, meta: Value, with_columns: bool) -> Value {
    let now = jiff::Timestamp::now();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let shown = match include {
                "Object" => object.clone(),
                "None" => Value::Null,
                _ => crate::answer::partial(object),
            };
            let mut row = json!({"cells": cells(resource, object, now)});
            if !shown.is_null() {
                row["object"] = shown;
            }
            row
        })
        .collect();
    let definitions = if with_columns { columns_of() } else { Value::Null };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "columnDefinitions": definitions, "rows": rows})
}

/// The first column of every table.
fn name_column() -> Value {
    json!({"name": "Name", "type": "string", "format": "name", "description": NAME, "priority": 0})
}

fn columns_of() -> Value {
    json!([name_column(), {"name": "Age", "type": "string", "format": "", "description": AGE, "priority": 0}])
}

fn cells(resource: &Resource, object: &Value, now: jiff::Timestamp) -> Vec<Value> {
    vec![object["metadata"]["name"].clone(), "1m".into()]
}
