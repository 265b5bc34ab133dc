//! Values that are known, come later, or are secret.

use super::{Bindings, EvaluationError, Limits};
use crate::value::{Later, Secret};
use crate::{Environment, Expression, Type, Value};
use proptest::prelude::*;
use serde_json::json;

fn environment() -> Environment {
    Environment::default()
        .with("a", Type::Int)
        .with("on", Type::Bool)
        .with("text", Type::String)
        .with("db", Type::Dyn)
        .with("key", Type::String.secret())
}

fn bindings() -> Bindings {
    [
        ("a".to_owned(), Value::Int(3)),
        ("on".to_owned(), Value::Later(Later::at("app.on", Type::Bool))),
        ("text".to_owned(), Value::Later(Later::at("app.text", Type::String))),
        ("db".to_owned(), Value::from_json(&json!({"outputs": {"port": 5432, "tags": ["x", "y"]}}))),
        ("key".to_owned(), Value::Secret(Secret::known(None, "f1", "hunter2".into()))),
    ]
    .into_iter()
    .collect()
}

fn evaluate(source: &str) -> Result<Value, EvaluationError> {
    let checked = Expression::parse(source).expect("it parses").check(&environment()).expect("it checks");
    checked.evaluate(&bindings(), &Limits::default())
}

fn json_of(source: &str) -> serde_json::Value {
    evaluate(source).expect("it has a value").to_json().expect("it has a JSON form")
}

#[test]
fn known_values_are_computed() {
    assert_eq!(json_of("a * 2 + 1"), json!(7));
    assert_eq!(json_of("db.outputs.tags.map(t, t + '!')"), json!(["x!", "y!"]));
    assert_eq!(json_of("db.?outputs.?url.orValue('none')"), json!("none"));
    assert_eq!(json_of("[1, 2, 3].exists(x, x == a)"), json!(true));
    assert_eq!(json_of("{'b': 1, 'a': a}"), json!({"b": 1, "a": 3}));
    assert_eq!(json_of("'%d of %s'.format([a, 'x'])"), json!("3 of x"));
    assert_eq!(json_of("string(quantity('1Gi').add(quantity('1Gi')).compareTo(quantity('2Gi')))"), json!("0"));
}

#[test]
fn later_values_decide_nothing_and_block_nothing_else() {
    assert_eq!(json_of("on && false"), json!(false));
    assert_eq!(json_of("on || true"), json!(true));
    assert_eq!(json_of("true ? 'x' : text"), json!("x"));
    assert_eq!(json_of("[text, 'b'].size()"), json!(2));
    assert_eq!(evaluate("on ? 'x' : text").expect("later").because(), ["app.on"]);
    assert_eq!(evaluate("text + string(a)").expect("later").because(), ["app.text"]);
    assert_eq!(evaluate("on && text == 'x'").expect("later").because(), ["app.on", "app.text"]);
    assert_eq!(evaluate("[1, 2].filter(x, on)").expect("later").because(), ["app.on"]);
    let Ok(Value::Later(later)) = evaluate("text + 'x'") else { panic!("it is later") };
    assert_eq!(later.ty, Type::String);
}

#[test]
fn secrets_taint_and_are_never_printed() {
    let Ok(Value::Secret(secret)) = evaluate("'user:' + key") else { panic!("it is a secret") };
    assert_eq!(secret.reveal(), Some(&Value::from("user:hunter2")));
    assert!(!format!("{secret:?}").contains("hunter2"));
    assert!(evaluate("'user:' + key").expect("a value").to_json().is_err());
    assert!(!format!("{:?}", evaluate("int(key)")).contains("hunter2"));
}

#[test]
fn what_is_missing_is_told_from_what_fails() {
    assert!(matches!(evaluate("db.outputs.url"), Err(EvaluationError::Missing { path, .. }) if path == "db.outputs.url"));
    assert!(matches!(evaluate("db.outputs.tags[7]"), Err(EvaluationError::Missing { .. })));
    assert!(matches!(evaluate("a / 0"), Err(EvaluationError::Failed { offset: 2, .. })));
    assert!(evaluate("db.outputs.url == 1 || true").is_ok());
}

#[test]
fn costs_are_bounded() {
    let checked = Expression::parse("[1,2,3,4,5,6,7,8,9].map(x, [1,2,3,4,5,6,7,8,9].map(y, x * y))").expect("it parses");
    let checked = checked.check(&environment()).expect("it checks");
    let limits = Limits { steps: 50, ..Limits::default() };
    assert!(matches!(checked.evaluate(&bindings(), &limits), Err(EvaluationError::LimitExceeded(_))));
}

#[test]
fn values_that_double_are_bounded() {
    // Twenty-four times the list before it, twice: small as text, huge as a value.
    let mut source = "a24 == a24".to_owned();
    for step in (1..=24).rev() {
        source = format!("cel.bind(a{step}, [a{0}, a{0}], {source})", step - 1);
    }
    let lists = format!("cel.bind(a0, [1, 2], {source})");
    assert!(matches!(evaluate(&lists), Err(EvaluationError::LimitExceeded(_))));
    // The types of maps double as well.
    let mut source = "a40 == a40".to_owned();
    for step in (1..=40).rev() {
        source = format!("cel.bind(a{step}, {{'l': a{0}, 'r': a{0}}}, {source})", step - 1);
    }
    let maps = format!("cel.bind(a0, {{'l': 1}}, {source})");
    assert!(matches!(evaluate(&maps), Err(EvaluationError::LimitExceeded(_))));
}

#[test]
fn sizes_of_secrets_are_secrets() {
    assert!(matches!(evaluate("size(key)"), Ok(Value::Secret(_))), "{:?}", evaluate("size(key)"));
    assert!(matches!(evaluate("dyn(key)"), Ok(Value::Secret(_))), "{:?}", evaluate("dyn(key)"));
    assert!(matches!(evaluate("string(key)"), Ok(Value::Secret(_))), "{:?}", evaluate("string(key)"));
    assert!(matches!(evaluate("optional.of(key).orValue('x')"), Ok(Value::Secret(_))), "{:?}", evaluate("optional.of(key).orValue('x')"));
    assert!(matches!(evaluate("[key].map(k, k + '!')[0]"), Ok(Value::Secret(_))));
    assert!(matches!(evaluate("json.marshal({'k': key})"), Ok(Value::Secret(_))));
    assert!(matches!(evaluate("'%s'.format([key])"), Ok(Value::Secret(_))));
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(source in "[a-c0-9 .()\\[\\]{}?:&|!<>=+*/'\",-]{0,60}") {
        if let Ok(expression) = Expression::parse(&source)
            && let Ok(checked) = expression.check(&environment())
        {
            drop(checked.evaluate(&bindings(), &Limits { steps: 10_000, ..Limits::default() }));
        }
    }

    #[test]
    fn unrelated_later_values_change_nothing(x in -100_i64..100, y in -100_i64..100) {
        let source = format!("{x} < {y} ? {x} + {y} : {x} - {y}");
        let known = evaluate(&source).expect("it has a value");
        prop_assert_eq!(known, Value::Int(if x < y { x + y } else { x - y }));
    }
}
