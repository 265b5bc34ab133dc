//! The examples of kubectl's documentation and what is wrong with wrong ones.

use super::*;
use serde_json::json;

fn document() -> Value {
    json!({
        "kind": "List",
        "items": [
            {"metadata": {"name": "a", "labels": {"x.y/z": "1"}}, "status": {"conditions": [{"type": "Ready", "status": "True"}], "n": 3}},
            {"metadata": {"name": "b"}, "status": {"conditions": [{"type": "Ready", "status": "False"}], "n": 12}},
        ],
        "users": [{"name": "e2e", "user": {"username": "admin"}}],
        "none": null,
    })
}

fn check(template: &str, expected: &str) {
    let found =
        Template::parse(template).and_then(|template| template.text(&document(), true)).unwrap_or_else(|error| format!("error: {error}"));
    assert_eq!(found, expected, "{template}");
}

#[test]
fn paths() {
    check("kind is {.kind}", "kind is List");
    check("{.items[*].metadata.name}", "a b");
    check("{.items[0].metadata.name}{\"\\n\"}", "a\n");
    check("{.items[-1].metadata.name}", "b");
    check("{.items[0:1].metadata.name}", "a");
    check("{.items[0,1].metadata.name}", "a b");
    check("{.items[0].metadata.labels.x\\.y/z}", "1");
    check("{.items[0].metadata['name', 'labels']}", "a {\"x.y/z\":\"1\"}");
    check("{..name}", "a b e2e");
    check("{.missing.field}", "");
    check("{$.kind}", "List");
    check("{.none}", "null");
}

#[test]
fn ranges_and_filters() {
    check("{range .items[*]}{.metadata.name}={.status.n};{end}", "a=3;b=12;");
    check("{.items[?(@.status.n>5)].metadata.name}", "b");
    check("{.items[?(@.metadata.name==\"a\")].status.n}", "3");
    check("{.items[*].status.conditions[?(@.type=='Ready')].status}", "True False");
    check("{.items[?(@.metadata.labels)].metadata.name}", "a");
    check("{.users[?(@.name==\"e2e\")].user}", "{\"username\":\"admin\"}");
}

#[test]
fn wrong_ones_are_refused() {
    check("{.items[5]}", "error: array index out of bounds: index 5, length 2");
    check("{.items", "error: unclosed action");
    check("{.items[", "error: unterminated array");
    check("{.items[a]}", "error: invalid array index a");
    check("{end}", "error: not in range, nothing to end");
    check("{foo}", "error: unrecognized identifier foo");
    check("{.items[?(@.status.n>\"5\")]}", "error: incompatible types for comparison");
    let missing = Template::parse("{.a}").expect("it is a template").text(&document(), false);
    assert_eq!(missing, Err("a is not found".into()));
}

#[test]
fn relaxed_expressions() {
    for text in ["metadata.name", ".metadata.name", "{metadata.name}", "{.metadata.name}"] {
        assert_eq!(relaxed(text).as_deref(), Ok("{.metadata.name}"), "{text}");
    }
    assert!(relaxed("{.a}{.b}").is_err());
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "[{}\\[\\]().@$a*?:,'\"\\\\0-9= <>!é-]{0,40}") {
        if let Ok(template) = Template::parse(&text) {
            drop(template.text(&document(), true));
        }
        if let Ok(template) = Template::parse(&format!("{{{text}}}")) {
            drop(template.json(&document(), false));
        }
    }
}
