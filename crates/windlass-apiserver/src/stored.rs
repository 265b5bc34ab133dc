//! Between objects and the bytes that the store keeps.
//!
//! Stored objects begin with `apiVersion`, `kind` and `metadata.resourceVersion`, in this order. So an object can be answered
//! without parsing it, also under another version of its API or with the resourceVersion of its deletion.

use bytes::Bytes;
use serde_json::Value;
use windlass_store::{Body, Key};

use crate::Status;
use crate::encryption::EncryptionKey;
use crate::object;
use crate::registry::Resource;

const BEFORE_VERSION: &str = "\"metadata\":{\"resourceVersion\":\"";

/// The bytes to store; the version is put in by the store's writer.
pub(crate) fn body(resource: &Resource, key: &Key, object: &Value, encryption: &EncryptionKey) -> Body {
    let (head, tail) = halves(resource, object);
    if resource.is_secret() {
        let (place, encryption) = (key.to_string(), encryption.clone());
        return Body::new(move |version| encryption.seal(&place, &joined(&head, version, &tail)));
    }
    Body::new(move |version| joined(&head, version, &tail))
}

fn joined(head: &str, version: u64, tail: &str) -> Bytes {
    Bytes::from(format!("{head}{version}{tail}"))
}

fn halves(resource: &Resource, object: &Value) -> (String, String) {
    let quoted = |text: &str| Value::from(text).to_string();
    let head = format!("{{\"apiVersion\":{},\"kind\":{},{BEFORE_VERSION}", quoted(&resource.stored_as), quoted(&resource.kind));
    let mut tail = String::from("\"");
    for (field, value) in object["metadata"].as_object().into_iter().flatten().filter(|(field, _)| *field != "resourceVersion") {
        tail.push_str(&format!(",{}:{value}", quoted(field)));
    }
    tail.push('}');
    let own = ["apiVersion", "kind", "metadata"];
    for (field, value) in object.as_object().into_iter().flatten().filter(|(field, _)| !own.contains(&field.as_str())) {
        tail.push_str(&format!(",{}:{value}", quoted(field)));
    }
    tail.push('}');
    (head, tail)
}

/// The object's JSON as it was stored.
pub(crate) fn plain(resource: &Resource, key: &Key, bytes: &Bytes, encryption: &EncryptionKey) -> Result<Bytes, Status> {
    if !resource.is_secret() {
        return Ok(bytes.clone());
    }
    encryption
        .open(&key.to_string(), bytes)
        .ok_or_else(|| Status::internal(format!("`{key}` cannot be decrypted with this installation's key")))
}

/// The object as this version of its API shows it.
pub(crate) fn value(resource: &Resource, key: &Key, version: u64, bytes: &Bytes, encryption: &EncryptionKey) -> Result<Value, Status> {
    let plain = plain(resource, key, bytes, encryption)?;
    let mut value: Value =
        serde_json::from_slice(&plain).map_err(|error| Status::internal(format!("`{key}` is stored as no JSON: {error}")))?;
    object::meta_mut(&mut value).insert("resourceVersion".to_owned(), version.to_string().into());
    shown(resource, version, &mut value);
    Ok(value)
}

/// Changes a stored object into the form of this version.
fn shown(resource: &Resource, version: u64, value: &mut Value) {
    if resource.is_view() {
        *value = crate::verbs::events::shown(value);
        return;
    }
    if let Some(custom) = &resource.custom {
        value["apiVersion"] = resource.api_version().into();
        if version < custom.since {
            custom.normalize(value);
        }
    }
}

/// The object's JSON as this version of its API shows it, without parsing where that can be avoided.
/// `version` is what the object's resourceVersion must read; for deletions it differs from what was stored.
pub(crate) fn wire(resource: &Resource, key: &Key, version: u64, bytes: &Bytes, encryption: &EncryptionKey) -> Result<Bytes, Status> {
    let stale = resource.custom.as_ref().is_some_and(|custom| version < custom.since);
    if stale || resource.is_view() {
        return Ok(Bytes::from(value(resource, key, version, bytes, encryption)?.to_string()));
    }
    let plain = plain(resource, key, bytes, encryption)?;
    let other_version = resource.custom.is_some() && resource.stored_as != resource.api_version();
    let text = std::str::from_utf8(&plain).map_err(|_| Status::internal(format!("`{key}` is stored as no text")))?;
    let found = text.find(BEFORE_VERSION).and_then(|at| {
        let start = at + BEFORE_VERSION.len();
        text[start..].find('"').map(|length| (start, start + length))
    });
    let Some((start, end)) = found else { return Err(Status::internal(format!("`{key}` is stored in an unknown form"))) };
    let number = version.to_string();
    if !other_version && text[start..end] == number {
        return Ok(plain);
    }
    let head = format!("{{\"apiVersion\":{}", Value::from(resource.stored_as.as_str()));
    let rest = text[..start].strip_prefix(&head).unwrap_or(&text[..start]);
    let head = format!("{{\"apiVersion\":{}", Value::from(resource.api_version()));
    Ok(Bytes::from(format!("{head}{rest}{number}{}", &text[end..])))
}

#[cfg(test)]
mod tests;
