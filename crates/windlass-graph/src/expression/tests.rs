//! Values that are known, later or secret, and the columns of what is wrong.

use super::*;
use crate::value::Secret;
use windlass_api::planned::SecretReference;

fn names() -> Names {
    let spec = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}}}});
    Names::new(vec![("schema".into(), type_of_schema("schema", &spec)), ("db".into(), any_type()), ("key".into(), Type::String.secret())])
}

fn secret(text: &str) -> Rendered {
    Rendered::Secret(Secret {
        reference: SecretReference { reference: None, fingerprint: format!("f{}", text.len()) },
        value: Some(json!(text)),
    })
}

/// What a text with one expression gives.
fn check(text: &str) -> String {
    let mut findings = Vec::new();
    let Some(mut formula) = Formula::whole(text, "at", Strictness::Windlass, &mut findings) else { return show(&findings) };
    if let Err(findings) = formula.check(&names()) {
        return show(&findings);
    }
    let mut scope = Scope::default();
    scope.bind("schema", &Rendered::Known(json!({"spec": {"name": "shop"}})));
    scope.bind_node("db", &Rendered::later("dyn", ["db".to_owned()]));
    scope.bind("key", &secret("hunter2"));
    match formula.evaluate(&scope) {
        Outcome::Value(value) => format!("{value:?}"),
        Outcome::Pending(because) => format!("pending {because:?}"),
        Outcome::Failed(finding) => show(&[*finding]),
    }
}

fn show(findings: &[Diagnostic]) -> String {
    findings
        .iter()
        .map(|found| format!("{}:{} {}: {}", found.path, found.column.unwrap_or(0), found.code, found.message))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn values_are_known_later_or_secret() {
    assert_eq!(check("${schema.spec.name + '-db'}"), r#""shop-db""#);
    assert_eq!(check("${db.outputs.url}"), r#"{"$later":{"type":"dyn","because":["db.outputs.url"]}}"#);
    assert_eq!(check("${schema.spec.name == 'shop' ? 'x' : db.name}"), r#""x""#);
    assert!(!check("${key + '!'}").contains("hunter2"));
}

#[test]
fn what_is_wrong_has_a_column() {
    assert_eq!(check("${schema.spec.nme}").split_once(' ').map(|(place, _)| place), Some("at:15"));
    assert!(check("${schema.spec.port}").starts_with("at:3 MissingValue: `schema.spec.port` has no value"));
    assert!(check("a ${schema.spec.port}").starts_with("at:0 InvalidExpression"));
    assert!(check("${schema").starts_with("at:1 UnclosedExpression"));
    assert!(check("${1 +}").contains("InvalidExpression"));
}

#[test]
fn a_text_with_a_secret_in_it_is_one() {
    let joined = join(&[Rendered::Known(json!("postgres://")), secret("hunter2")]);
    assert!(!format!("{joined:?}").contains("hunter2"));
    assert_eq!(joined.revealed(), Some(json!("postgres://hunter2")));
    let later = join(&[Rendered::Known(json!("a")), Rendered::later("string", ["db.url".to_owned()])]);
    assert_eq!(later.planned().waits_for(), ["db.url"]);
}
