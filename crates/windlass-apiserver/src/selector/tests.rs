//! Selectors: what they take, what they refuse, what they match.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn check(selector: &str, labels: &[(&str, &str)]) -> bool {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    LabelSelector::parse(selector).unwrap().matches(Some(&labels))
}

#[test]
fn labels_match_as_in_kubernetes() {
    let labels = [("app", "web"), ("tier", "3"), ("empty", "")];
    for selector in [
        "",
        "app",
        "app=web",
        "app == web",
        "app!=db",
        "other!=db",
        "!other",
        "app in (db, web)",
        "app notin (db)",
        "other notin (x)",
        "tier>2",
        "tier<4",
        "empty=",
        "empty in (,x)",
        "app=web,tier=3",
        "app in (web),!other",
    ] {
        assert!(check(selector, &labels), "{selector}");
    }
    for selector in
        ["other", "app=db", "app!=web", "!app", "app in (db)", "app notin (web,db)", "tier>3", "app>1", "other>1", "app=web,tier=4"]
    {
        assert!(!check(selector, &labels), "{selector}");
    }
}

#[test]
fn bad_label_selectors_are_refused() {
    for (selector, message) in [
        ("a===1", "unable to parse requirement: found '=', expected: identifier"),
        ("==", "found '==', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        (
            "a in (b, -)",
            "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
        ("a in x", "unable to parse requirement: found 'x' expected: '('"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=1 b", "found 'b', expected: ',' or 'end of string'"),
    ] {
        assert_eq!(LabelSelector::parse(selector).unwrap_err().message, message, "{selector}");
    }
}

#[test]
fn fields_match_by_their_text() {
    let supported = ["spec.size".to_owned(), "type".to_owned()];
    let object = json!({"metadata": {"name": "a", "namespace": "b"}, "spec": {"size": 3}, "type": "x=y"});
    let check = |selector: &str| FieldSelector::parse(selector, &supported).unwrap().matches(&object);
    assert!(check("metadata.name=a,spec.size=3"));
    assert!(check("metadata.name!=b"));
    assert!(check("type=x\\=y"));
    assert!(!check("metadata.namespace==c"));
    let refused = FieldSelector::parse("data.x=1", &[]).unwrap_err();
    assert_eq!(refused.message, "\"data.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
    assert_eq!(FieldSelector::parse("a=1", &supported).unwrap_err().message, "field label not supported: a");
}

proptest! {
    #[test]
    fn no_text_stops_the_parsers(text in "[a-c=!<>(), \\\\]{0,24}|\\PC{0,16}") {
        drop((LabelSelector::parse(&text), FieldSelector::parse(&text, &["a".to_owned()])));
    }
}
