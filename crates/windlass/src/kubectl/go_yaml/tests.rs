//! What kubectl prints for the same values.

use super::*;
use serde_json::json;

fn check(value: Value, expected: &str) {
    assert_eq!(document(&value), expected);
}

#[test]
fn maps_and_lists() {
    check(
        json!({"kind": "List", "items": [{"b": 1, "a": [["x"], {}, []]}], "empty": {}}),
        "empty: {}\nitems:\n- a:\n  - - x\n  - {}\n  - []\n  b: 1\nkind: List\n",
    );
}

#[test]
fn keys_stand_in_natural_order() {
    check(json!({"a10": 1, "a9": 2, "a": 3, "B": 4, "a-b": 5, "a.b": 6}), "B: 4\na: 3\na-b: 5\na.b: 6\na9: 2\na10: 1\n");
}

#[test]
fn texts_in_their_styles() {
    check(
        json!({"a": "1", "b": "yes", "c": "x: y", "d": "it's", "e": "", "f": " x", "g": "#x", "h": "a\tb", "i": "é 😀"}),
        "a: \"1\"\nb: \"yes\"\nc: 'x: y'\nd: it's\ne: \"\"\nf: ' x'\ng: '#x'\nh: \"a\\tb\"\ni: \"é \\U0001F600\"\n",
    );
    check(
        json!({"a": "x\ny\n", "b": "x\ny", "c": "x\n\n", "d": "\nx", "e": "x \ny", "f": ["x\ny\n"]}),
        "a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\nd: |2-\n\n  x\ne: \"x \\ny\"\nf:\n- |\n  x\n  y\n",
    );
}

#[test]
fn long_lines_are_folded() {
    let long = "word ".repeat(20).trim_end().to_owned();
    check(
        json!({"message": long}),
        "message: word word word word word word word word word word word word word word word\n  word word word word word\n",
    );
}

proptest::proptest! {
    #[test]
    fn what_is_written_reads_back(text in "[ -~\\n\\t'\":#é]{0,40}") {
        let value = json!({"key": text, "list": [text]});
        let read = windlass_graph::document::Document::read_all(&document(&value)).expect("what is written is YAML");
        proptest::prop_assert_eq!(&read[0].value, &value);
    }
}
