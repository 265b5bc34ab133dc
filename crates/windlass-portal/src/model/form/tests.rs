//! Forms: which fields, texts to JSON and back, and errors beside their field.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn schema() -> Value {
    json!({"type": "object", "required": ["source"], "properties": {
        "command": {"type": "string"},
        "source": {"type": "string", "description": "Directory with a Procfile"},
        "port": {"type": "integer", "default": 8080, "minimum": 1, "maximum": 65535},
        "database": {"type": "boolean", "default": false},
        "size": {"type": "string", "enum": ["S", "M"], "default": "S"},
        "level": {"type": "string", "enum": ["debug", "info"]},
        "hosts": {"type": "array", "items": {"type": "string"}},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
        "probe": {"type": "object", "properties": {"path": {"type": "string"}, "seconds": {"type": "number"}}},
        "rules": {"type": "array", "items": {"type": "object"}},
    }})
}

fn template() -> TemplateSpec {
    serde_json::from_value(json!({"schema": {}, "sizes": {"values": {"S": {"replicas": 1}, "M": {"replicas": 2}}}})).expect("a spec")
}

fn form() -> Form {
    read(&schema(), &template())
}

#[test]
fn required_fields_and_sizes_are_in_view() {
    let form = form();
    let names = |fields: &[Field]| fields.iter().map(|field| field.path.join(".")).collect::<Vec<_>>();
    assert_eq!(names(&form.first), ["command", "source", "size"]);
    assert_eq!(names(&form.more), ["port", "database", "level", "hosts", "env", "probe.path", "probe.seconds", "rules"]);
    assert!(matches!(form.first[2].widget, Widget::Sizes(_)));
}

#[test]
fn a_template_says_what_is_in_view() {
    let mut template = template();
    template.form = Some(
        json!({"order": ["port", "probe", "source"], "first": ["port", "spec.probe"], "fields": {"port": {"title": "Where it listens"}}}),
    );
    let form = read(&schema(), &template);
    assert_eq!(
        form.first.iter().map(|field| field.title.as_str()).collect::<Vec<_>>(),
        ["Where it listens", "Probe, Path", "Probe, Seconds", "Source", "Size"]
    );
}

#[test]
fn only_what_differs_from_the_default_is_written() {
    let sent = Query::parse(
        "spec.source=%2Fsrv&spec.port=8080&spec.size=M&spec.database=false&spec.database=true&spec.hosts=a%0D%0Ab&spec.probe.path=",
    );
    assert_eq!(
        Value::Object(spec(&form(), &sent, &json!({}))),
        json!({"source": "/srv", "size": "M", "database": true, "hosts": ["a", "b"]})
    );
}

#[test]
fn an_edit_keeps_what_the_form_does_not_know() {
    let base = json!({"source": "/srv", "extra": {"deep": 1}, "probe": {"path": "/", "other": 2}, "port": 8080});
    let sent = Query::parse("spec.source=%2Fsrv2&spec.probe.path=&spec.port=8080");
    assert_eq!(
        Value::Object(spec(&form(), &sent, &base)),
        json!({"source": "/srv2", "extra": {"deep": 1}, "probe": {"other": 2}, "port": 8080})
    );
}

#[test]
fn the_wrong_shape_is_left_for_the_api_to_refuse() {
    assert_eq!(value(&Widget::Integer { least: None, most: None }, "eighty"), Some(json!("eighty")));
    assert_eq!(value(&Widget::Yaml, "a: [1, 2"), Some(json!("a: [1, 2")));
    assert_eq!(value(&Widget::Yaml, "- a: 1\n- b"), Some(json!([{"a": 1}, "b"])));
}

fn refusal(causes: Value, code: u16, message: &str) -> kube::core::Status {
    serde_json::from_value(
        json!({"status": "Failure", "code": code, "message": message, "reason": "Invalid", "details": {"causes": causes}}),
    )
    .expect("a status")
}

#[test]
fn errors_stand_beside_their_field_with_the_likely_value() {
    let status = refusal(
        json!([
            {"field": "spec.port", "reason": "FieldValueInvalid", "message": "Invalid value: 0: spec.port in body should be greater than or equal to 1"},
            {"field": "spec.level", "reason": "FieldValueNotSupported", "message": "Unsupported value: \"inf\": supported values: \"debug\", \"info\""},
            {"field": "metadata.name", "reason": "FieldValueInvalid", "message": "Invalid value: \"My Shop\": a lowercase RFC 1123 label"},
            {"field": "spec.hosts[1]", "reason": "FieldValueInvalid", "message": "Invalid value"},
            {"field": "spec.unknown", "reason": "FieldValueInvalid", "message": "unknown"},
        ]),
        422,
        "",
    );
    let findings = errors::sort(&status, &form(), "My Shop", "shop");
    insta::assert_debug_snapshot!(findings, @r#"
    Findings {
        fields: {
            "name": "Invalid value: \"My Shop\": a lowercase RFC 1123 label. Did you mean `my-shop`?",
            "spec.hosts": "Invalid value.",
            "spec.level": "Unsupported value: \"inf\": supported values: \"debug\", \"info\". Did you mean `info`?",
            "spec.port": "Invalid value: 0: spec.port in body should be greater than or equal to 1. A whole number from 1 to 65535 is right.",
        },
        rest: [
            "`spec.unknown`: unknown.",
        ],
    }
    "#);
}

#[test]
fn a_taken_name_and_a_missing_namespace_are_said_beside_their_field() {
    let taken = errors::sort(&refusal(json!([]), 409, "webapps \"web\" already exists"), &form(), "web", "shop");
    assert!(taken.of("name").is_some_and(|text| text.contains("exists already")));
    let missing = errors::sort(&refusal(json!([]), 404, "namespaces \"shop\" not found"), &form(), "web", "shop");
    assert!(missing.of("namespace").is_some_and(|text| text.contains("kubectl create namespace shop")));
}

#[test]
fn what_belongs_to_no_field_is_answered_and_not_dropped() {
    let check = |sent: &str, is_new: bool| errors::unknown(&form(), &Query::parse(sent), is_new).rest.join("\n");
    assert_eq!(check("_token=x&_do=plan&name=web&namespace=shop&spec.source=%2Fsrv&spec.probe.path=%2F", true), "");
    insta::assert_snapshot!(check("spec.sorce=%2Fsrv&spec.sorce=%2Fa&port=1", true), @r"
    There is no field `spec.sorce`, so its value would be lost. Did you mean `spec.source`?
    There is no field `port`, so its value would be lost. There are: name, namespace, spec.command, spec.source, spec.size, spec.port, spec.database, spec.level, spec.hosts, spec.env, spec.probe.path, spec.probe.seconds, spec.rules.
    ");
    insta::assert_snapshot!(check("name=other", false), @"There is no field `name`, so its value would be lost. There are: spec.command, spec.source, spec.size, spec.port, spec.database, spec.level, spec.hosts, spec.env, spec.probe.path, spec.probe.seconds, spec.rules.");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), "[ -~ä\n]{0,8}".prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,3}", inner, 0..3).prop_map(|map| map.into_iter().collect::<Map<_, _>>().into())
        ]
    })
}

fn widget_and_value() -> impl Strategy<Value = (Widget, Value)> {
    let line = "[!-~ä][ -~]{0,10}";
    prop_oneof![
        "[!-~ä][ -~\n]{0,10}".prop_map(|text| (Widget::Paragraph, Value::from(text))),
        line.prop_map(|text| (Widget::Text, Value::from(text))),
        any::<i64>().prop_map(|number| (Widget::Integer { least: None, most: None }, Value::from(number))),
        any::<i64>().prop_map(|number| (Widget::IntegerOrText, Value::from(number))),
        (-1.0e6..1.0e6_f64).prop_map(|number| (Widget::Number, Value::from(number))),
        any::<bool>().prop_map(|flag| (Widget::Flag, Value::from(flag))),
        prop::collection::vec(line, 1..4).prop_map(|lines| (Widget::Lines, Value::from(lines))),
        prop::collection::hash_map("[a-zA-Z_]{1,6}", "[ -~]{0,8}", 1..4).prop_map(|pairs| (
            Widget::Pairs,
            pairs.into_iter().map(|(key, value)| (key, Value::from(value))).collect::<Map<_, _>>().into()
        )),
        prop::collection::vec(json_value(), 1..3).prop_map(|value| (Widget::Yaml, Value::from(value))),
    ]
}

proptest! {
    #[test]
    fn a_value_survives_its_field((widget, before) in widget_and_value()) {
        prop_assert_eq!(value(&widget, &text(&widget, Some(&before))), Some(before));
    }

    #[test]
    fn a_form_sent_back_as_drawn_changes_nothing(base in json_value(), extra in json_value()) {
        let form = form();
        let base = json!({"source": "x", "hosts": base, "other": extra, "probe": {"path": extra}});
        let pairs: Vec<(String, String)> = form.fields().map(|field| (field.name(), text(&field.widget, at(&base, &field.path).or(field.default.as_ref())).replace('\n', "\r\n"))).collect();
        let sent = Query::parse(&crate::model::query::encode(&pairs));
        prop_assert_eq!(Value::Object(spec(&form, &sent, &base)), base);
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        for widget in [Widget::Text, Widget::Number, Widget::Flag, Widget::Lines, Widget::Pairs, Widget::Yaml, Widget::IntegerOrText] {
            value(&widget, &text);
        }
    }
}
