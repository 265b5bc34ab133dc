//! Objects as a `meta.k8s.io/v1.Table`: what `kubectl get` prints.

use serde_json::{Value, json};

use crate::builtin::{self, Column, Kind};
use crate::registry::Resource;

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
            json!({"cells": cells(resource, object, now), "object": shown})
        })
        .collect();
    let definitions = if with_columns { columns_of(resource) } else { Value::Null };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "columnDefinitions": definitions, "rows": rows})
}

fn columns_of(resource: &Resource) -> Value {
    let columns = match (&resource.custom, resource.builtin) {
        (Some(custom), _) => custom.printer.as_ref().map(|printer| printer.columns.as_slice()).unwrap_or_default(),
        (None, kind) => kind.map(Kind::columns).unwrap_or_default(),
    };
    columns.iter().map(Column::to_json).collect()
}

fn cells(resource: &Resource, object: &Value, now: jiff::Timestamp) -> Vec<Value> {
    match (&resource.custom, resource.builtin) {
        (Some(custom), _) => custom.printer.as_ref().map(|printer| printer.row(object, now)).unwrap_or_default(),
        (None, kind) => kind.map(|kind| kind.row(object, now)).unwrap_or_default(),
    }
}

/// The table of one scale, whose columns are always the same.
pub(crate) fn of_scale(resource: &Resource, scale: &Value, include: &str) -> Value {
    let kind = if resource.custom.is_some() { builtin::CUSTOM_SCALE } else { "Scale" };
    let shown = match include {
        "Object" => scale.clone(),
        "None" => Value::Null,
        _ => crate::answer::partial(scale),
    };
    let columns: Value = builtin::columns(kind).iter().map(Column::to_json).collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": scale["metadata"]["resourceVersion"]},
        "columnDefinitions": columns,
        "rows": [{"cells": builtin::row(kind, scale, jiff::Timestamp::now()), "object": shown}],
    })
}
