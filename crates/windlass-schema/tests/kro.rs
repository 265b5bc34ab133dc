//! kro's own cases: tables of its tests of SimpleSchema and of CRD compatibility, and the schemas and names that the reference
//! gives for whole ResourceGraphDefinitions.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use windlass_schema::compat::breaking_changes;
use windlass_schema::plural::plural;
use windlass_schema::simple::openapi;

/// The cases, from `WINDLASS_FIXTURES` or `../shared/fixtures` beside the project.
fn cases() -> Option<PathBuf> {
    let root = std::env::var_os("WINDLASS_FIXTURES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")), PathBuf::from);
    let cases = root.join("kro/cases");
    if !cases.is_dir() {
        #[expect(clippy::print_stderr, reason = "whoever runs the test must see that there was nothing to run")]
        {
            eprintln!("nothing to run: there are no cases of kro; set WINDLASS_FIXTURES to the folder with conformance cases");
        }
        return None;
    }
    Some(cases)
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{} is not YAML: {error}", path.display()))
}

fn table(cases: &Path, name: &str) -> Vec<Value> {
    let table = read(&cases.join("tables").join(name));
    table["cases"].as_array().cloned().expect("a table has cases")
}

fn assert_all(what: &str, ran: usize, wrong: &[String]) {
    assert!(ran > 0, "{what}: no case was run");
    assert!(wrong.is_empty(), "{what}: {} of {ran} failed\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn simple_schemas_become_what_kro_makes_of_them() {
    let Some(cases) = cases() else { return };
    let (mut ran, mut wrong) = (0, Vec::new());
    for name in ["simpleschema-build-openapi.yaml", "simpleschema-default-propagation.yaml"] {
        for case in table(&cases, name) {
            ran += 1;
            let found = openapi(Some(&case["obj"]), case.get("types"), "", "").map(|found| found.openapi);
            let refused = case["wantErr"] == true;
            if found.is_err() != refused || found.as_ref().is_ok_and(|found| *found != case["want"]) {
                wrong.push(format!("{name} {}: {found:?}", case["name"]));
            }
        }
    }
    assert_all("schemas", ran, &wrong);
}

#[test]
fn markers_do_what_kro_does_with_them() {
    let Some(cases) = cases() else { return };
    let (mut ran, mut wrong) = (0, Vec::new());
    for case in table(&cases, "simpleschema-apply-markers.yaml") {
        ran += 1;
        let type_ = match case["schemaType"].as_str().expect("a case has a type") {
            "number" => "float",
            "array" => "[]string",
            other => other,
        };
        let field = format!("{type_} | {}", case["markers"].as_str().expect("a case has markers"));
        let found = openapi(Some(&json!({ "field": field })), None, "", "").map(|found| found.openapi);
        let wanted = case.get("want").filter(|_| case["wantErr"] != true);
        let ok = match (&found, wanted) {
            (Err(_), None) => true,
            (Ok(found), wanted) => {
                let mut schema = found["properties"]["field"].clone();
                if let Some(schema) = schema.as_object_mut() {
                    schema.shift_remove("items");
                }
                case["wantErr"] != true
                    && wanted.is_none_or(|wanted| schema == *wanted)
                    && found.get("required") == case.pointer("/wantParent/required")
            }
            (Err(_), Some(_)) => false,
        };
        if !ok {
            wrong.push(format!("{}: `{field}` gives {found:?}", case["name"]));
        }
    }
    for (name, before) in [("simpleschema-parse-field.yaml", ""), ("simpleschema-parse-markers.yaml", "string | ")] {
        for case in table(&cases, name) {
            ran += 1;
            let field = format!("{before}{}", case["input"].as_str().expect("a case has an input"));
            let types = json!({"Person": {"name": "string"}});
            let found = openapi(Some(&json!({ "field": field })), Some(&types), "", "");
            // These cases stop after parsing: what only fails when a marker is applied passes there.
            let parsed = found.as_ref().err().into_iter().flatten().all(|found| {
                !matches!(found.code.as_str(), "InvalidType" | "UnknownMarker" | "TooDeep")
                    && !found.message.contains("closed")
                    && !found.message.contains("has no value")
                    && !found.message.contains("closes no")
            });
            if parsed == (case["wantErr"] == true) {
                wrong.push(format!("{name} {}: `{field}` gives {found:?}", case["name"]));
            }
        }
    }
    assert_all("markers", ran, &wrong);
}

#[test]
fn breaking_changes_are_those_of_kro() {
    let Some(cases) = cases() else { return };
    let (mut ran, mut wrong) = (0, Vec::new());
    for name in ["constraints", "schemas", "properties", "requiredfields", "enumvalues", "arrayitems"] {
        for case in table(&cases, &format!("crd-compat-{name}.yaml")) {
            ran += 1;
            let part = |side: &str| {
                let get = |key: &str| case.get(format!("{side}{key}")).cloned();
                if let Some(schema) = get("Schema") {
                    return schema;
                }
                let mut schema = json!({"type": "object"});
                for (key, field) in [("Props", "properties"), ("Required", "required"), ("Enum", "enum"), ("Items", "items")] {
                    if let Some(value) = get(key) {
                        schema[field] = value;
                    }
                }
                if schema.get("enum").is_some() {
                    schema["type"] = json!("string");
                }
                schema
            };
            let found = breaking_changes(&part("old"), &part("new"));
            let count = case["breakingCount"].as_u64().unwrap_or(0);
            let kind = case["expectedChangeType"].as_str().or(case["checkBreakingType"].as_str());
            let counted = found.len() as u64 == count;
            if !counted || kind.is_some_and(|kind| !found.iter().any(|found| found.code == kind)) {
                wrong.push(format!("{name} {}: {found:?}", case["name"]));
            }
        }
    }
    assert_all("compatibility", ran, &wrong);
}

#[test]
fn kinds_get_the_plural_of_kro() {
    let Some(cases) = cases() else { return };
    let (mut ran, mut wrong) = (0, Vec::new());
    for suite in ["golden-builder", "golden-edge", "golden-examples", "golden-integration"] {
        for case in std::fs::read_dir(cases.join(suite)).expect("a suite is a folder") {
            let expected = case.expect("a case can be read").path().join("expected.yaml");
            for graph in read(&expected)["rgds"].as_array().into_iter().flatten() {
                let names = &graph["crd"]["spec"]["names"];
                let (Some(kind), Some(wanted)) = (names["kind"].as_str(), names["plural"].as_str()) else { continue };
                ran += 1;
                if plural(kind) != wanted {
                    wrong.push(format!("{kind}: {} instead of {wanted}", plural(kind)));
                }
            }
        }
    }
    assert_all("plurals", ran, &wrong);
}
