//! Between the write path and [`crate::fields`]: which fields an endpoint ignores, and when two objects are the same.

use serde_json::Value;

use crate::fields::{self, FieldSet, Type, UpdateOptions};
use crate::object;
use crate::registry::Resource;

/// The fields that a write to this resource or subresource cannot own.
pub(crate) fn ignored(resource: &Resource, subresource: &str) -> FieldSet {
    let paths: &[&str] = match subresource {
        "" if resource.has_status => &["status"],
        "" => &[],
        "finalize" => &["status", "metadata"],
        "scale" => &["status"],
        // Of custom resources everything but the status is left alone, ownership of metadata included.
        _ => &["spec", "metadata"],
    };
    fields::reset_paths(paths)
}

/// Notes in `new` what the manager owns after it made `new` of `live`.
pub(crate) fn track(resource: &Resource, live: Option<&Value>, new: &mut Value, manager: &str, subresource: &str) {
    let options = UpdateOptions { subresource: subresource.to_owned(), now: object::now(), ignored: ignored(resource, subresource) };
    fields::track_update(live, new, Type::of(&resource.schema()), manager, &options);
}

/// Whether two objects are the same but for ownership and version.
pub(crate) fn keeps_content(live: &Value, new: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        let meta = object::meta_mut(&mut object);
        meta.shift_remove("managedFields");
        meta.shift_remove("resourceVersion");
        object
    };
    bare(live) == bare(new)
}
