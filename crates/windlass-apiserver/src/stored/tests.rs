//! What is stored can be shown, parsed or not.

use serde_json::json;

use super::*;
use crate::registry::Registry;

fn stored(resource: &Resource, object: &Value) -> Bytes {
    let (head, tail) = halves(resource, object);
    joined(&head, 5, &tail)
}

#[test]
fn the_version_can_be_replaced_without_parsing() {
    let registry = Registry::new([]);
    let resource = registry.find("", "v1", "configmaps").unwrap();
    let object = json!({"kind": "x", "data": {"metadata": "\"metadata\":{\"resourceVersion\":\"1"}, "metadata": {"name": "a", "resourceVersion": "3"}});
    let bytes = stored(resource, &object);
    let encryption = EncryptionKey::new(&[1; 32]);
    let key = resource.key("default", "a");
    assert_eq!(wire(resource, &key, 5, &bytes, &encryption).unwrap(), bytes);
    let later: Value = serde_json::from_slice(&wire(resource, &key, 9, &bytes, &encryption).unwrap()).unwrap();
    let expected =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"resourceVersion": "9", "name": "a"}, "data": object["data"]});
    assert_eq!(later, expected);
    assert_eq!(value(resource, &key, 9, &bytes, &encryption).unwrap(), expected);
}
