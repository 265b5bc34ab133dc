//! Templates that compile, and what is said about those that do not.

use super::*;
use crate::document::Document;

/// What is wrong with a Template, with line and column; its order where nothing is.
fn check(spec: &str) -> String {
    let text = format!("apiVersion: windlass.dev/v1alpha1\nkind: Template\nmetadata: {{name: t}}\nspec:\n{spec}");
    let document = Document::read_all(&text).expect("the test's text is YAML").remove(0);
    match compile(&document.value, &Maps) {
        Ok(compiled) => compiled.graph.order().join(" "),
        Err(findings) => {
            let lines = document.locate_all(findings).into_iter().map(|found| {
                let place = format!("{}:{}", found.line.unwrap_or(0), found.column.unwrap_or(0));
                format!("{place} {} {}: {}; {}", found.path, found.code, found.message, found.hint.unwrap_or_default())
            });
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Only ConfigMap is known.
struct Maps;

impl Schemas for Maps {
    fn schema(&self, _: &str, kind: &str) -> Option<SchemaEntry> {
        let texts = serde_json::json!({"type": "object", "additionalProperties": {"type": "string"}});
        let text = serde_json::json!({"type": "string"});
        let openapi = serde_json::json!({"type": "object", "properties": {"apiVersion": text, "kind": text, "metadata": {"type": "object"}, "data": texts}});
        (kind == "ConfigMap").then_some(SchemaEntry { openapi, namespaced: true })
    }
}

/// A Template with these nodes; each is `id: value of data.x`.
fn nodes(nodes: &[(&str, &str)]) -> String {
    let mut spec = String::from("  schema: {apiVersion: v1, kind: Thing, spec: {port: integer, name: string}}\n  resources:\n");
    for (id, value) in nodes {
        let value = Value::String((*value).to_owned());
        spec.push_str(&format!(
            "  - id: {id}\n    template: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {id}}}, data: {{x: {value}}}}}\n"
        ));
    }
    spec
}

#[test]
fn independent_nodes_keep_the_order_of_the_list() {
    assert_eq!(check(&nodes(&[("b", "1"), ("a", "2")])), "b a");
    assert_eq!(check(&nodes(&[("b", "${a.data.x}"), ("a", "2"), ("c", "3")])), "a b c");
}

#[test]
fn every_mistake_has_place_code_and_way_out() {
    for (spec, wanted) in [
        (nodes(&[("a", "${shema.spec.name}")]), ("UnknownName", "schema")),
        (nodes(&[("a", "${schema.spec.nam}")]), ("UnknownField", "name")),
        (nodes(&[("a", "${schema.spec.port}")]), ("WrongType", "string(")),
        (nodes(&[("a", "${true ? schema.spec.name : schema.spec.name.size() + 'x'}")]), ("WrongType", "")),
        (nodes(&[("a", "${b.data.x}"), ("b", "${a.data.x}")]), ("Cycle", "third node")),
        (nodes(&[("a", "${a.data.x}")]), ("Cycle", "readyWhen")),
        (nodes(&[("a", "${schema.spec.name")]), ("UnclosedExpression", "}")),
        (nodes(&[("schema", "x")]), ("ReservedName", "mySchema")),
        (nodes(&[("a", "x"), ("a", "y")]), ("DuplicateId", "own")),
        (nodes(&[("a", "x")]).replace("data:", "dta:"), ("UnknownField", "`data`")),
        (nodes(&[("a", "x")]).replace("port: integer", "port: integer | minimun=1"), ("UnknownMarker", "minimum")),
        (format!("  sizes: {{default: S, values: {{S: {{cpu: 4Gi}}}}}}\n{}", nodes(&[("a", "x")])), ("WrongUnit", "cpu")),
        (format!("  form: {{order: [prot]}}\n{}", nodes(&[("a", "x")])), ("UnknownField", "port")),
    ] {
        let said = check(&spec);
        let (place, rest) = said.split_once(' ').expect("something is wrong");
        assert!(place != "0:0" && rest.contains(wanted.0) && rest.contains(wanted.1), "{said}\nfor\n{spec}");
    }
}

#[test]
fn a_place_inside_a_text_is_found() {
    assert!(check(&nodes(&[("a", "x-${schema.spec.nam}")])).starts_with("8:"), "{}", check(&nodes(&[("a", "x-${schema.spec.nam}")])));
}

#[test]
fn rules_over_several_fields_are_checked() {
    let spec = nodes(&[("a", "x")])
        .replace("{port: integer, name: string}}", "{port: integer}, validations: [{rule: 'self.prot > 1', message: m}]}");
    assert!(check(&spec).contains("spec.schema.validations[0].rule UnknownField"), "{}", check(&spec));
}
