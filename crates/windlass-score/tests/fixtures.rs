//! The format's own cases: documents that the schema takes or refuses, and texts with placeholders.

use serde_json::Value;
use std::path::PathBuf;
use windlass_api::planned::Planned;
use windlass_score::{Place, check, placeholder};

/// A table of the suite `score/tables`, from `WINDLASS_FIXTURES` or `../shared/fixtures` beside the project.
fn table(name: &str) -> Vec<Value> {
    let root = std::env::var_os("WINDLASS_FIXTURES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")), PathBuf::from);
    let path = root.join("score/cases/tables").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("cannot read {}: {error}\n  hint: set WINDLASS_FIXTURES to the folder with conformance cases", path.display())
    });
    let table: Value = serde_saphyr::from_str(&text).expect("a table is YAML");
    table["cases"].as_array().cloned().expect("a table has cases")
}

#[test]
fn documents_are_taken_and_refused_as_the_schema_does() {
    let cases = table("schema-validation.yaml");
    assert!(cases.len() > 50, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let findings = check(&Planned::Known(case["document"].clone()), Place::File, "");
        if findings.is_empty() != case["valid"].as_bool().expect("a case says whether it is valid") {
            wrong.push(format!("{}: {findings:?}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn placeholders_are_replaced_as_the_reference_does() {
    let lookup = |keys: &[String]| match keys {
        [root, name, key] if root == "resources" && name == "db" => {
            Ok(Planned::Known(Value::String(format!("${{DB_{}?required}}", key.to_uppercase()))))
        }
        [root, name, key] if root == "resources" && name == "env" => Ok(Planned::Known(Value::String(format!("${{{key}}}")))),
        [root, key] if root == "metadata" && key == "name" => Ok(Planned::Known(Value::String("test-name".into()))),
        keys => Err(format!("there is no {keys:?}")),
    };
    let cases = table("placeholder-substitute-string.yaml");
    assert!(!cases.is_empty());
    for case in cases {
        let input = case["Input"].as_str().expect("a case has an input");
        let found = placeholder::substitute(input, &lookup).ok().map(|value| value.to_json());
        assert_eq!(found.as_ref(), case.get("Expected"), "{input}");
    }
}
