//! The way out where the API refuses the values of a kind that a Template publishes. kubectl's words stay as they are; what
//! follows them says where in the file the value stands, and what it may be. Kinds of others keep kubectl's words alone.
//!
//! Start with [`with_hints`].

use super::Place;
use super::api;
use super::discovery::Resource;
use super::failure::Failure;
use super::manifests::Manifest;
use serde_json::Value;
use windlass_api::{Diagnostic, names};
use windlass_client::{errors, schemas};
use windlass_graph::document::Document;
use windlass_schema::way_out;

/// The failure, with the way out where there is one to say.
pub(super) async fn with_hints(place: &Place, resource: &Resource, manifest: &Manifest, failure: Failure) -> Failure {
    let Failure::Status(status) = &failure else { return failure };
    let Ok(status) = serde_json::from_value::<kube::core::Status>(status.clone()) else { return failure };
    let causes = errors::causes(&status);
    if causes.is_empty() {
        return failure;
    }
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", resource.qualified_plural());
    // Without the definition kubectl's words have to do.
    let Ok(definition) = place.api.get(&path, &[], api::JSON).await else { return failure };
    if definition["metadata"]["labels"][names::LABEL_TEMPLATE_ID].is_null() {
        return failure;
    }
    let schema = schemas::spec_in_definition(&definition, &resource.version).unwrap_or(&Value::Null);
    Failure::WithHints(Box::new(failure), hints(&causes, schema, &resource.singular, manifest, file(manifest).as_ref()))
}

/// The document in the file that the object came from; none where that was standard input.
fn file(manifest: &Manifest) -> Option<Document> {
    let documents = Document::read_all(&fs_err::read_to_string(&manifest.source).ok()?).ok()?;
    let is_it =
        |value: &Value| value["kind"] == manifest.object["kind"] && value["metadata"]["name"] == manifest.object["metadata"]["name"];
    documents.into_iter().find(|document| is_it(&document.value))
}

fn hints(causes: &[(String, String)], schema: &Value, kind: &str, manifest: &Manifest, document: Option<&Document>) -> Vec<String> {
    let mut hints = Vec::new();
    for (path, message) in causes {
        let Some(way) = way_out(schema, path, message) else { continue };
        let found = document.map(|document| document.locate(Diagnostic::error("", path.as_str(), "")));
        let place = match found.and_then(|found| Some((found.line?, found.column?))) {
            Some((line, column)) => format!("{}:{line}:{column}: ", manifest.source),
            None => String::new(),
        };
        hints.push(format!("{place}{path}: {way}"));
    }
    hints.push(format!("`windlass explain {kind}.spec` says what each value means"));
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refused_value_is_found_in_the_file() {
        let text = "apiVersion: v1\nkind: WebApp\nmetadata: {name: shop}\nspec:\n  prot: 80\n  size: l\n";
        let document = Document::read_all(text).expect("YAML").remove(0);
        let manifest = Manifest { object: document.value.clone(), source: "shop.yaml".into() };
        let schema = json!({"type": "object", "properties": {
            "port": {"type": "integer"}, "size": {"type": "string", "enum": ["S", "L"]}, "source": {"type": "string"},
        }});
        let causes = [
            ("spec.prot", "unknown field"),
            ("spec.size", "Unsupported value: \"l\""),
            ("spec.source", "Required value"),
            ("spec", "Invalid value: no"),
        ]
        .map(|(path, message)| (path.to_owned(), message.to_owned()));
        insta::assert_snapshot!(hints(&causes, &schema, "webapp", &manifest, Some(&document)).join("\n"), @r"
        shop.yaml:5:3: spec.prot: did you mean `port`?
        shop.yaml:6:3: spec.size: did you mean `L`?
        shop.yaml:4:1: spec.source: add `source`, a text
        `windlass explain webapp.spec` says what each value means
        ");
        insta::assert_snapshot!(hints(&causes[..1], &schema, "webapp", &manifest, None).join("\n"), @r"
        spec.prot: did you mean `port`?
        `windlass explain webapp.spec` says what each value means
        ");
    }
}
