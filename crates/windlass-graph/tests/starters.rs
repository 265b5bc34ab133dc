//! The starter templates compile, and make what their documentation says.

use serde_json::{Value, json};
use windlass_graph::compile::{Graph, NoSchemas, compile};
use windlass_graph::document::Document;
use windlass_graph::render::render;

fn starter(name: &str) -> Graph {
    let path = format!("{}/../../examples/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the starter template is there");
    let document = Document::read_all(&text).expect("it is YAML").remove(0);
    let compiled = compile(&document.value, &NoSchemas).unwrap_or_else(|findings| panic!("{:#?}", document.locate_all(findings)));
    assert_eq!(compiled.warnings, []);
    compiled.graph
}

fn instance(graph: &Graph, spec: Value) -> Value {
    let kind = graph.published();
    json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {"name": "shop", "namespace": "shop-dev"}, "spec": spec})
}

/// The one workload, or what is wrong.
fn workload(graph: &Graph, spec: Value) -> Value {
    match render(graph, &instance(graph, spec), &[]) {
        Ok(nodes) => nodes.into_iter().map(|node| node.object).next().unwrap_or_default(),
        Err(findings) => findings.iter().map(|found| format!("{} {}: {}", found.path, found.code, found.message)).collect(),
    }
}

#[test]
fn a_web_application_runs_a_directory_a_command_or_an_image() {
    let graph = starter("web-app");
    assert_eq!(graph.published().kind, "WebApp");
    let directory = workload(&graph, json!({"source": "/srv/shop", "size": "M"}));
    assert_eq!(directory["replicas"], 2);
    assert_eq!(directory["directory"], "/srv/shop");
    assert_eq!(directory["containers"]["web"]["image"], ".");
    assert_eq!(directory["containers"]["web"]["limits"], json!({"cpu": "500m", "memory": "512Mi"}));
    assert_eq!(directory["ports"]["http"]["port"], 8080);
    assert!(directory["routes"]["url"].is_object(), "{directory}");
    let command = workload(&graph, json!({"command": "python3 -m http.server $PORT"}));
    assert_eq!(command["containers"]["web"]["command"], json!(["sh", "-c", "python3 -m http.server $PORT"]));
    assert_eq!(command.get("directory").cloned().unwrap_or_default(), Value::Null);
    let image = workload(&graph, json!({"image": "ghcr.io/acme/shop:1.4", "port": 80}));
    assert_eq!(image["containers"]["web"]["image"], "ghcr.io/acme/shop:1.4");
    assert_eq!(image["ports"]["http"]["port"], 80);
}

#[test]
fn a_web_application_needs_exactly_one_source() {
    let graph = starter("web-app");
    for spec in [json!({}), json!({"image": "a", "command": "b"})] {
        let said = "spec RuleNotMet: give exactly one of `source` (a directory with a Procfile), `command` and `image`";
        assert_eq!(workload(&graph, spec), json!([said]));
    }
    assert!(workload(&graph, json!({"image": "a", "size": "XXL"})).to_string().contains("supported values"));
    assert!(workload(&graph, json!({"image": "a", "prot": 80})).to_string().contains("spec.prot UnknownField"));
}

#[test]
fn a_static_site_is_served_by_windlass() {
    let graph = starter("static-site");
    let site = workload(&graph, json!({"source": "/srv/site", "size": "L"}));
    assert_eq!(site["replicas"], 4);
    assert_eq!(site["containers"]["files"]["command"], json!(["windlass", "files", "--directory", "/srv/site", "--port", "$PORT"]));
    assert_eq!(site["containers"]["files"]["image"], ".");
    assert!(workload(&graph, json!({})).to_string().contains("spec.source"));
    let definition = graph.definition();
    assert_eq!(definition["metadata"]["name"], "staticsites.platform.windlass.dev");
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(spec["properties"]["size"]["enum"], json!(["S", "M", "L"]));
    assert_eq!(spec["required"], json!(["source"]));
}
