//! What is refused, where, and with which way out.

use crate::{Environment, Expression, Type};
use serde_json::json;

fn environment() -> Environment {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"port": {"type": "integer"}, "name": {"type": "string"}, "on": {"type": "boolean"}}},
    }});
    let secret = Type::object("secret", [("data".to_owned(), Type::map(Type::String, Type::String.secret()))]);
    Environment::default()
        .with("schema", Type::from_openapi_named("schema", &schema))
        .with("secret", secret)
        .with("names", Type::list(Type::String))
}

fn check(source: &str) -> String {
    match Expression::parse(source).expect("the sample parses").check(&environment()) {
        Ok(checked) => checked.result().to_string(),
        Err(problems) => problems
            .iter()
            .map(|p| {
                format!(
                    "{}:{} {}: {}{}",
                    p.line,
                    p.column,
                    p.code,
                    p.message,
                    p.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default()
                )
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[test]
fn types_are_found() {
    assert_eq!(check("schema.spec.port * 2"), "int");
    assert_eq!(check("schema.spec.on ? schema.spec.name : 'x'"), "string");
    assert_eq!(check("names.map(n, size(n))"), "list(int)");
    assert_eq!(check("names.filter(n, n != '')"), "list(string)");
    assert_eq!(check("schema.?spec.?name.orValue('')"), "string");
    assert_eq!(check("names[?0]"), "optional_type(string)");
    assert_eq!(check("{'a': 1, 'b': 2}"), "map(string, int)");
    assert_eq!(check("base64.encode(b'x')"), "string");
    assert_eq!(check("quantity('1Gi').isLessThan(quantity('2Gi'))"), "bool");
    assert_eq!(check("cel.bind(x, schema.spec.port, x + x)"), "int");
    assert_eq!(check("names.transformMap(i, n, i)"), "map(int, int)");
}

#[test]
fn mistakes_are_named_with_place_and_way_out() {
    assert_eq!(check("shema.spec"), "1:1 UnknownName: `shema` is not a name here (did you mean `schema`?)");
    assert_eq!(check("schema.spec.prot"), "1:13 UnknownField: there is no field `prot` in `schema.spec` (did you mean `port`?)");
    assert_eq!(check("schema.spec.port + 'x'"), "1:18 WrongType: `+` does not take int and string (write `string(...)` around the number)");
    assert_eq!(check("names.szie()"), "1:7 UnknownFunction: there is no function `szie` here (did you mean `size`?)");
    assert_eq!(check("size(1)"), "1:1 WrongType: `size` does not take (int) (it takes (string) or (bytes) or (list(A)) or (map(A, B)))");
    assert_eq!(check("schema.spec.name ? 1 : 2"), "1:13 WrongType: `?` needs true or false, not string");
}

#[test]
fn branches_that_are_never_taken_are_checked() {
    assert_eq!(
        check("true ? 1 : nothing.at.all"),
        "1:12 UnknownName: `nothing` is not a name here (the names here are: names, schema, secret)"
    );
    assert_eq!(check("false && 1 + 'a' == ''"), "1:12 WrongType: `+` does not take int and string (write `string(...)` around the number)");
    assert!(check("schema.spec.on ? 1 : 'a'").contains("the two branches have different types: int and string"));
}

#[test]
fn secrets_are_passed_on_and_never_looked_at() {
    assert_eq!(check("'postgres://u:' + secret.data['password']"), "secret(string)");
    assert_eq!(check("base64.decode(secret.data.password)"), "secret(bytes)");
    for source in [
        "secret.data.a == 'x'",
        "secret.data.a.startsWith('x') ? 1 : 2",
        "{secret.data.a: 1}",
        "'x' in [secret.data.a]",
        "!secret.data.a.contains('x')",
    ] {
        assert!(check(source).contains("SecretExposed"), "{source}: {}", check(source));
    }
}
