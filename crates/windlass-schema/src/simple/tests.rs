//! Schemas, what is said about wrong ones, and bounds.

use super::*;
use proptest::prelude::*;

/// The schema in one line, or what is wrong.
fn check(spec: Value, types: Value) -> String {
    match openapi(Some(&spec), Some(&types), "spec.schema.spec", "spec.schema.types") {
        Ok(found) => {
            let warnings: Vec<String> = found.warnings.iter().map(|warning| format!("{}: {}\n", warning.path, warning.message)).collect();
            format!("{}{}", warnings.concat(), found.openapi)
        }
        Err(findings) => {
            let lines = findings.iter().map(|found| {
                let column = found.column.map(|column| format!(":{column}")).unwrap_or_default();
                format!("{}{column} {}: {}; {}", found.path, found.code, found.message, found.hint.clone().unwrap_or_default())
            });
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn fields_defaults_and_types() {
    insta::assert_snapshot!(
        check(json!({"port": "integer | default=8080 minimum=1 maximum=65535", "image": "string | required=true description=\"Such as \\\"nginx\\\"\""}), Value::Null),
        @r#"{"type":"object","properties":{"port":{"type":"integer","default":8080,"minimum":1,"maximum":65535},"image":{"type":"string","description":"Such as \"nginx\""}},"required":["image"]}"#
    );
    insta::assert_snapshot!(
        check(json!({"a": {"b": "Level"}, "all": "map[string][]Level"}), json!({"Level": "string | enum=\"low,high\" default=low"})),
        @r#"{"type":"object","default":{},"properties":{"a":{"type":"object","default":{},"properties":{"b":{"type":"string","enum":["low","high"],"default":"low"}}},"all":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string","enum":["low","high"],"default":"low"}}}}}"#
    );
}

#[test]
fn a_default_is_the_text_itself() {
    let schema = openapi(Some(&json!({"a": r#"string | default="say \"hi\"\d""#})), None, "", "").expect("the schema is right");
    assert_eq!(schema.openapi["properties"]["a"]["default"], json!(r#"say "hi"\d"#));
}

#[test]
fn what_is_wrong_has_a_place_and_a_way_out() {
    insta::assert_snapshot!(
        check(
            json!({
                "a": "integr", "b": "string | requierd=true", "c": "integer | default=abc", "d": "boolean | optional", "e": "string | pattern=\"[\"",
                "f": "string | required=true | default=x", "g": "[]string | listType=map", "h": 5, "i": "map[int]string", "j": "integer | minimum=5 maximum=1",
                "k": "string | description=\"open", "l": "A",
            }),
            json!({"A": {"b": "B"}, "B": "[]A"})
        ),
        @r#"
    spec.schema.types.B Cycle: types contain each other in a ring: A -> B -> A; a type cannot contain itself; `object` takes anything
    spec.schema.spec.a UnknownType: there is no type `integr`; the types are: string, integer, boolean, float, object, []T, map[string]T, A, B
    spec.schema.spec.b:10 UnknownMarker: there is no marker `requierd`; did you mean `required`?
    spec.schema.spec.c:11 InvalidDefault: the default `abc` is not of type integer; as `default=8080`
    spec.schema.spec.d:11 InvalidMarker: the marker `optional` has no value; a marker is written `name=value`; put texts with spaces into quotes
    spec.schema.spec.e:10 InvalidMarker: `[` is not a regular expression: unclosed character class; the syntax is RE2: no look-around, no back-references
    spec.schema.spec.f:24 InvalidMarker: the marker `|` has no value; markers are separated by spaces, as `string | required=true minLength=3`
    spec.schema.spec.g:11 InvalidMarker: `listType=map` needs a key; add `listMapKey=name`
    spec.schema.spec.h InvalidType: `5` is no type; write a type, as `string`, `integer | default=1`, or an object of fields
    spec.schema.spec.i:1 InvalidType: `map[int]string`: the keys of a map are strings, not `int`; as `map[string]integer`
    spec.schema.spec.j:10 InvalidMarker: `minimum` is 5, but `maximum` is 1: no value would do; swap them
    spec.schema.spec.k:22 InvalidMarker: a quote is not closed; put `"` at the end of the text; a quote inside is written `\"`
    "#
    );
}

#[test]
fn types_in_types_cannot_grow_without_bound() {
    let mut types = Map::new();
    types.insert("T0".into(), json!({"a": "string"}));
    for level in 1..20 {
        let below = format!("T{}", level - 1);
        types.insert(format!("T{level}"), json!({"a": below, "b": below, "c": below, "d": below}));
    }
    assert!(check(json!({"x": "T19"}), Value::Object(types)).contains("TooMany"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in r#"[a-z\[\]|="{},\\ 0-9]{0,60}"#) {
        drop(openapi(Some(&json!({"a": text})), None, "", ""));
        drop(openapi(Some(&json!({"a": format!("string | default={text}")})), None, "", ""));
    }

    #[test]
    fn a_quoted_default_is_read_back(text in r#"[ -\[\]-~]{0,30}"#) {
        let written = format!("string | default=\"{}\"", text.replace('"', "\\\""));
        let found = openapi(Some(&json!({"a": written})), None, "", "").map(|found| found.openapi["properties"]["a"]["default"].clone());
        prop_assert_eq!(found, Ok(json!(text)));
    }
}
