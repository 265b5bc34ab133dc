//! Structural schemas against what a Kubernetes 1.35 API server answered to the same input.

use super::Schema;
use proptest::prelude::*;
use serde_json::{Value, json};

fn crd() -> Value {
    json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["image"],
                "properties": {
                    "image": {"type": "string", "minLength": 3, "maxLength": 8, "pattern": "^[a-z:]+$"},
                    "replicas": {"type": "integer", "minimum": 1, "maximum": 5, "default": 2},
                    "size": {"type": "string", "enum": ["S", "L"]},
                    "when": {"type": "string", "format": "date-time"},
                    "port": {"x-kubernetes-int-or-string": true},
                    "note": {"type": "string", "nullable": true},
                    "ratio": {"type": "number", "multipleOf": 0.5},
                    "tags": {"type": "array", "x-kubernetes-list-type": "set", "maxItems": 3, "items": {"type": "string"}},
                    "env": {
                        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                        "items": {
                            "type": "object", "required": ["name"],
                            "properties": {"name": {"type": "string"}, "value": {"type": "string", "default": ""}}
                        }
                    },
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                        "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2},
                    "either": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
                    "child": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}}
                }
            },
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
        }
    })
}

fn schema() -> Schema {
    Schema::from_crd(&crd(), "spec.versions[0].schema.openAPIV3Schema").expect("the schema is structural")
}

fn problems(spec: Value) -> Vec<String> {
    schema().validate(&json!({"spec": spec}), None).iter().map(ToString::to_string).collect()
}

fn check(spec: Value, expected: &[&str]) {
    assert_eq!(problems(spec.clone()), expected, "{spec}");
}

#[test]
fn messages_are_those_of_kubernetes() {
    check(json!({"image": "abc"}), &[]);
    check(json!({}), &["spec.image: Required value"]);
    check(
        json!({"image": "abc", "replicas": "x"}),
        &[r#"spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string""#],
    );
    check(
        json!({"image": "abc", "replicas": 9}),
        &["spec.replicas: Invalid value: 9: spec.replicas in body should be less than or equal to 5"],
    );
    check(
        json!({"image": "abc", "replicas": 1.5}),
        &[r#"spec.replicas: Invalid value: "number": spec.replicas in body must be of type integer: "number""#],
    );
    check(json!({"image": "abc", "replicas": 2.0}), &[]);
    check(json!({"image": "abc", "size": "M"}), &[r#"spec.size: Unsupported value: "M": supported values: "S", "L""#]);
    check(json!({"image": "ab"}), &[r#"spec.image: Invalid value: "ab": spec.image in body should be at least 3 chars long"#]);
    check(json!({"image": "abcdefghi"}), &["spec.image: Too long: may not be more than 8 bytes"]);
    check(json!({"image": "ABC"}), &[r#"spec.image: Invalid value: "ABC": spec.image in body should match '^[a-z:]+$'"#]);
    check(
        json!({"image": "abc", "when": "noon"}),
        &[r#"spec.when: Invalid value: "noon": spec.when in body must be of type date-time: "noon""#],
    );
    check(json!({"image": "abc", "port": "http"}), &[]);
    check(
        json!({"image": "abc", "port": true}),
        &[r#"spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean""#],
    );
    check(json!({"image": "abc", "ratio": 0.75}), &["spec.ratio: Invalid value: 0.75: spec.ratio in body should be a multiple of 0.5"]);
    check(json!({"image": "abc", "tags": ["a", "b", "a"]}), &[r#"spec.tags[2]: Duplicate value: "a""#]);
    check(json!({"image": "abc", "tags": ["a", "b", "c", "d"]}), &["spec.tags: Too many: 4: must have at most 3 items"]);
    check(json!({"image": "abc", "env": [{"name": "A"}, {"name": "A"}]}), &[r#"spec.env[1]: Duplicate value: {"name":"A"}"#]);
    check(
        json!({"image": "abc", "labels": {"a": 1}}),
        &[r#"spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer""#],
    );
    check(
        json!({"image": "abc", "either": {"a": "", "b": ""}}),
        &[r#"<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found 2 valid alternatives"#],
    );
    check(
        json!({"image": "abc", "either": {}}),
        &[
            r#"<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid"#,
            "spec.either.a: Required value",
        ],
    );
}

#[test]
fn unchanged_wrong_values_pass_an_update() {
    let old = json!({"spec": {"image": "abc", "size": "M", "env": [{"name": "A", "value": 1}]}});
    let mut new = old.clone();
    new["spec"]["replicas"] = json!(3);
    new["spec"]["env"] = json!([{"name": "B"}, {"name": "A", "value": 1}]);
    assert_eq!(schema().validate(&new, Some(&old)), []);
    new["spec"]["size"] = json!("XL");
    assert_eq!(schema().validate(&new, Some(&old)).len(), 1);
}

#[test]
fn defaults_fill_gaps_and_nulls() {
    let mut object = json!({"spec": {"image": "abc", "replicas": null, "size": null, "note": null, "env": [{"name": "A"}]}});
    schema().apply_defaults(&mut object);
    assert_eq!(object, json!({"spec": {"image": "abc", "replicas": 2, "note": null, "env": [{"name": "A", "value": ""}]}}));
    let mut empty = json!({});
    schema().apply_defaults(&mut empty);
    assert_eq!(empty, json!({}));
}

#[test]
fn unknown_fields_are_named_and_pruned() {
    let mut object = json!({
        "apiVersion": "example.com/v1", "kind": "App",
        "metadata": {"name": "x", "colour": "red", "labels": {"a": "b"}},
        "spec": {
            "image": "abc", "imagee": 1,
            "env": [{"name": "A", "from": {"x": 1}}],
            "free": {"any": {"thing": 1}, "known": {"a": "1", "b": 2}},
            "child": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "y"}, "spec": {"gone": 1}, "other": 1}
        },
        "status": {"anything": true},
        "top": 1
    });
    let expected =
        ["metadata.colour", "spec.child.other", "spec.child.spec.gone", "spec.env[0].from", "spec.free.known.b", "spec.imagee", "top"];
    assert_eq!(schema().unknown_fields(&object), expected);
    schema().prune(&mut object);
    assert_eq!(schema().unknown_fields(&object), Vec::<String>::new());
    assert_eq!(object["spec"]["free"], json!({"any": {"thing": 1}, "known": {"a": "1"}}));
    assert_eq!(object["spec"]["child"]["spec"], json!({}));
}

#[test]
fn schemas_that_are_not_structural_are_refused() {
    let refused = |schema: Value| -> Vec<String> {
        Schema::from_crd(&schema, "s").err().unwrap_or_default().iter().map(ToString::to_string).collect()
    };
    let within = |spec: Value| json!({"type": "object", "properties": {"spec": spec}});
    for (schema, expected) in [
        (json!({}), "s.type: Required value: must not be empty at the root"),
        (within(json!({})), "s.properties[spec].type: Required value: must not be empty for specified object fields"),
        (within(json!({"type": "array"})), "s.properties[spec].items: Required value: must be specified"),
        (
            json!({"type": "object", "anyOf": [{"properties": {"a": {"minLength": 1}}}]}),
            "s.properties[a]: Required value: because it is defined in s.anyOf[0].properties[a]",
        ),
        (
            within(json!({"type": "string", "anyOf": [{"type": "string"}]})),
            "s.properties[spec].anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            within(json!({"type": "string", "default": 1})),
            r#"s.properties[spec].default: Invalid value: "integer":  in body must be of type string: "integer""#,
        ),
        (
            within(json!({"type": "object", "properties": {}, "default": {"a": 1}})),
            r#"s.properties[spec].default: Invalid value: {"a":1}: must not have unknown fields"#,
        ),
        (within(json!({"type": "string", "pattern": "("})), "s.properties[spec].pattern: Invalid value: \"(\": must be a valid regular"),
        (
            within(json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true})),
            "s.properties[spec].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            within(json!({"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}})),
            "s.properties[spec].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
        ),
        (
            json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
            "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
        ),
        (within(json!({"$ref": "#/definitions/x", "type": "object"})), "s.properties[spec].$ref: Forbidden: $ref is not supported"),
        (
            within(json!({"type": "integers"})),
            r#"s.properties[spec].type: Unsupported value: "integers": supported values: "array", "boolean", "integer", "number", "object", "string""#,
        ),
    ] {
        let found = refused(schema.clone());
        assert!(found.first().is_some_and(|first| first.starts_with(expected)), "{schema}\n expected {expected}\n found {found:?}");
    }
}

#[test]
fn components_may_refer_to_themselves() {
    let components = json!({
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "default": ""},
                "next": {"$ref": "#/components/schemas/Node"},
                "other": {"allOf": [{"$ref": "#/components/schemas/Node"}], "default": {}},
                "extension": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.runtime.RawExtension"}
            }
        },
        "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object"}
    });
    let schema = Schema::from_components(components.as_object().expect("an object"), "Node").expect("the component exists");
    let deep = json!({"next": {"other": {"next": {"name": "x", "unknown": 1}}}, "extension": {"any": 1}});
    assert_eq!(schema.unknown_fields(&deep), ["next.other.next.unknown"]);
    assert_eq!(schema.at(&["other"]).and_then(|node| node.default.clone()), Some(json!({})));
    assert!(schema.at(&["extension"]).is_some_and(|node| node.opaque));
}

#[test]
fn a_schema_nested_too_deep_is_refused_and_does_not_overflow() {
    let mut deep = json!({"type": "string"});
    for _ in 0..500 {
        deep = json!({"type": "object", "properties": {"a": deep}});
    }
    assert!(Schema::from_crd(&deep, "s").is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..9).prop_map(Value::from),
        (-2.0_f64..2.0).prop_map(Value::from),
        "[a-cS:]{0,4}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "spec",
        "image",
        "replicas",
        "size",
        "tags",
        "env",
        "name",
        "value",
        "free",
        "known",
        "labels",
        "either",
        "a",
        "b",
        "child",
        "metadata",
        "status",
        "type",
        "properties",
        "items",
        "default",
        "anyOf",
        "required",
        "x-kubernetes-list-type",
    ]);
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn pruning_and_defaulting_settle_at_once(spec in any_json()) {
        let schema = schema();
        let mut once = json!({"spec": spec});
        schema.prune(&mut once);
        schema.apply_defaults(&mut once);
        let mut twice = once.clone();
        schema.prune(&mut twice);
        schema.apply_defaults(&mut twice);
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(schema.validate(&once, Some(&once)), schema.duplicates(&once));
    }

    #[test]
    fn any_json_is_judged_as_a_schema_without_panic(candidate in any_json(), value in any_json()) {
        if let Ok(schema) = Schema::from_crd(&candidate, "s") {
            schema.validate(&value, None);
        }
        Schema::from_openapi(&candidate).validate(&value, None);
    }
}
