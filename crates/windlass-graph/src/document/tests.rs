//! What documents are read into, with places, and what is refused.

use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::fmt::Write as _;

fn one(text: &str) -> Document {
    Document::read_all(text).expect("the text is YAML").remove(0)
}

#[test]
fn several_documents_anchors_and_merge_keys() {
    let found =
        Document::read_all("---\n# nothing\n---\na: &x {b: 1, c: on}\nd:\n  <<: *x\n  b: 2\n---\n- 0o17\n").expect("the text is YAML");
    let values: Vec<Value> = found.into_iter().map(|document| document.value).collect();
    assert_eq!(values, [json!({"a": {"b": 1, "c": true}, "d": {"b": 2, "c": true}}), json!([15])]);
}

#[test]
fn findings_get_the_place_of_the_value_or_of_what_is_around_it() {
    let document = one("spec:\n  name: 'a ${b} c'\n  script: |\n    one\n    two ${x}\n  list:\n  - id: q\n");
    let at = |path: &str, column: Option<u32>| {
        let found = document.locate(Diagnostic { column, ..Diagnostic::error("X", path, "") });
        (found.line, found.column)
    };
    assert_eq!(at("spec.name", None), (Some(2), Some(3)));
    assert_eq!(at("spec.name", Some(5)), (Some(2), Some(14)));
    assert_eq!(at("spec.script", Some(11)), (Some(5), Some(11)));
    assert_eq!(at("spec.list[0].id", None), (Some(7), Some(5)));
    assert_eq!(at("spec.list[0].template.x", None), (Some(7), Some(5)));
    assert_eq!(at("nothing", Some(3)), (Some(1), Some(1)));
}

#[test]
fn what_is_wrong_has_a_place() {
    let mut said = String::new();
    for text in ["a: 1\nb: 2\na: 3\n", "a: [1, 2\n", "a:\n\t- x\n", "? [1]\n: x\n", "a: .inf\n", "a: &x [*x]\n", "<<: 3\n"] {
        let found = Document::read_all(text).expect_err("the text is refused");
        writeln!(said, "{}:{} {}", found.line.unwrap_or(0), found.column.unwrap_or(0), found.message).expect("a text takes all");
    }
    insta::assert_snapshot!(said, @r#"
    3:1 the key `a` stands here twice
    1:4 this is not YAML: unclosed bracket '['
    2:2 this is not YAML: tabs disallowed within this context (block indentation)
    1:3 a key must be a text
    1:4 `.inf` is not a number that JSON has
    1:8 this alias stands inside the value that it refers to
    1:5 `<<` takes an object, or a list of objects
    "#);
}

#[test]
fn aliases_cannot_blow_up() {
    let mut text = String::from("a: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let last = level - 1;
        writeln!(text, "b{level}: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}]").expect("a text takes all");
    }
    let found = Document::read_all(&text).expect_err("the text is refused");
    assert!(found.message.contains("aliases included"), "{found}");
    let deep = "[".repeat(1000);
    assert!(Document::read_all(&deep).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ \\n\\-:{}\\[\\]&*!|>'\"#a-c0-9<]{0,80}") {
        drop(Document::read_all(&text));
    }

    #[test]
    fn json_is_read_as_it_is(keys in proptest::collection::btree_map("[ -~äλ]{0,12}", "[ -~äλ]{0,12}", 0..6)) {
        let value = json!(keys);
        let found = Document::read_all(&value.to_string()).map(|mut found| found.pop().map(|document| document.value));
        prop_assert_eq!(found.ok().flatten().unwrap_or_else(|| json!({})), value);
    }
}
