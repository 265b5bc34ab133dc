//! What fits where, and types from schemas.

use super::Type;
use insta::assert_snapshot;
use serde_json::json;

fn port() -> serde_json::Value {
    json!({"type": "object", "required": ["number"], "properties": {
        "name": {"type": "string"}, "number": {"type": "integer", "format": "int32"},
        "target": {"x-kubernetes-int-or-string": true},
    }})
}

#[test]
fn reads_schemas() {
    let show = |schema: serde_json::Value| Type::from_openapi_named("port", &schema).to_string();
    assert_snapshot!(show(port()), @"port");
    assert_snapshot!(show(json!({"type": "array", "items": {"type": "string", "format": "date-time"}})), @"list(timestamp)");
    assert_snapshot!(show(json!({"type": "object", "additionalProperties": {"type": "string", "format": "byte"}})), @"map(string, bytes)");
    assert_snapshot!(show(json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})), @"dyn");
    assert_snapshot!(show(json!({"type": "integer", "nullable": true})), @"wrapper(int)");
    assert_snapshot!(show(json!({"anyOf": [{"type": "integer"}, {"type": "string"}]})), @"dyn");
    let Type::Object(object) = Type::from_openapi(&port()) else { panic!("an object") };
    assert_eq!(object.field("target"), Some(&Type::Dyn));
    assert!(object.fields["number"].required);
}

#[test]
fn fits() {
    let port = Type::from_openapi(&port());
    let literal = |value: Type| Type::map(Type::String, value);
    assert!(literal(Type::Dyn).assignable(&port));
    assert!(!literal(Type::String).assignable(&port));
    assert!(Type::object("", [("number".to_owned(), Type::Int)]).assignable(&port));
    assert!(!Type::object("", [("nummer".to_owned(), Type::Int)]).assignable(&port));
    assert!(!Type::Double.assignable(&Type::Int));
    assert!(Type::String.optional().assignable(&Type::String));
    assert!(Type::String.secret().assignable(&Type::String));
    assert!(Type::Null.assignable(&port));
    assert!(!Type::Null.assignable(&Type::String));
    assert!(Type::Timestamp.assignable_to_openapi(&json!({"type": "string"})));
    assert!(!Type::Bytes.assignable_to_openapi(&json!({"type": "string"})));
}
