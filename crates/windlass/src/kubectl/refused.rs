//! What becomes of a Template after `apply`: kubectl's words stand on standard output already; what its controller says about
//! it is said on standard error, after a short wait. It changes no exit code; `--wait` makes a refusal one.

use super::Place;
use super::api;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::wait;
use crate::terminal::say as talk;
use crate::text::safe;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use windlass_api::names::{self, condition_type, reason};
use windlass_api::template::{Template, TemplateStatus};
use windlass_graph::document::Document;

/// How long all the Templates of one command may take. A controller needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a kind is that of Templates.
pub(super) fn is_template(resource: &Resource) -> bool {
    resource.group == names::GROUP && resource.kind == "Template"
}

/// Says what is wrong with the Templates that were applied, each with the file that it came from. Gives the names of those
/// that are refused.
pub(super) async fn say(place: &Place, kinds: &Kinds, templates: &[(Value, &str)]) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    let mut refused = Vec::new();
    for (object, source) in templates {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let hint = format!("`windlass describe template {name}` says how it stands");
        match judged(place, kinds, object, until).await {
            Ok(Some(status)) => {
                if let Some(text) = findings(name, &status, source, file(source, name).as_ref()) {
                    talk(&text);
                }
                if is_refused(&status) {
                    refused.push(name.to_owned());
                }
            }
            Ok(None) => talk(&format!("warning: the Template `{name}` was not judged within {} s\n  hint: {hint}", PATIENCE.as_secs())),
            Err(failure) => {
                talk(&format!("warning: what became of the Template `{name}` cannot be read: {}\n  hint: {hint}", failure.message()))
            }
        }
    }
    refused
}

/// The status that speaks of what was applied; none if there is none in time.
async fn judged(place: &Place, kinds: &Kinds, object: &Value, until: Instant) -> Result<Option<TemplateStatus>, Failure> {
    let resource = kinds.of_argument(&format!("templates.{}", names::GROUP))?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let path = resource.object_path(None, name);
    let generation = object["metadata"]["generation"].as_i64();
    let read = |object: &Value| {
        let template: Template = serde_json::from_value(object.clone()).ok()?;
        template.status.filter(|status| status.observed_generation >= generation && is_settled(status))
    };
    let now = place.api.get(&path, &[], api::JSON).await?;
    let mut found = read(&now);
    if found.is_none() {
        let watching = wait::follow(place, resource, None, name, &now, until, |event| {
            found = read(&event["object"]);
            Ok(found.is_some() || event["type"] == "DELETED")
        });
        watching.await?;
    }
    Ok(found)
}

fn is_settled(status: &TemplateStatus) -> bool {
    let ready = status.conditions.iter().find(|condition| condition.type_ == condition_type::READY);
    ready.is_some_and(|ready| ready.is_true() || ready.reason != reason::PROGRESSING)
}

fn is_refused(status: &TemplateStatus) -> bool {
    !status.conditions.iter().any(|condition| condition.type_ == condition_type::READY && condition.is_true())
}

/// The document of a Template in the file that it was applied from; none where that was standard input.
fn file(source: &str, name: &str) -> Option<Document> {
    let documents = Document::read_all(&fs_err::read_to_string(source).ok()?).ok()?;
    documents.into_iter().find(|document| document.value["kind"] == "Template" && document.value["metadata"]["name"] == name)
}

/// What is said; nothing about a Template that is accepted without a finding.
fn findings(name: &str, status: &TemplateStatus, source: &str, document: Option<&Document>) -> Option<String> {
    let located = status.diagnostics.iter().map(|finding| match document {
        Some(document) => document.locate(finding.clone()).in_file(source),
        None => finding.clone(),
    });
    let mut located: Vec<_> = located.collect();
    located.sort_by_key(|finding| (finding.line, finding.column));
    let mut said: Vec<String> = Vec::new();
    if is_refused(status) {
        let serves = match &status.revision {
            Some(revision) => format!("the revision {revision} goes on serving"),
            None => "it serves nothing".to_owned(),
        };
        said.push(format!("warning: the Template `{name}` is stored, but refused; {serves}"));
        if located.is_empty() {
            let ready = status.conditions.iter().find(|condition| condition.type_ == condition_type::READY);
            said.extend(ready.map(|ready| ready.message.clone()));
        }
    }
    said.extend(located.iter().map(ToString::to_string));
    if is_refused(status) && !located.is_empty() {
        let again =
            if document.is_some() { format!("; `windlass template check {source}` says the same without a server") } else { String::new() };
        said.push(format!("  hint: mend it and apply it again{again}"));
    }
    (!said.is_empty()).then(|| safe(&said.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(ready: bool, diagnostics: Value) -> TemplateStatus {
        serde_json::from_value(json!({"diagnostics": diagnostics, "conditions": [{
            "type": "Ready", "status": if ready { "True" } else { "False" }, "reason": "Invalid", "message": "why it is not",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]}))
        .expect("a status")
    }

    #[test]
    fn a_refusal_has_the_place_in_the_file() {
        let text = "kind: Template\nmetadata: {name: bad}\nspec:\n  schema: {}\n  resources: ${x}\n";
        let documents = Document::read_all(text).expect("YAML");
        let found =
            json!([{"code": "UnknownName", "path": "spec.resources", "column": 3, "message": "`x` is not a name here", "hint": "none"}]);
        insta::assert_snapshot!(findings("bad", &status(false, found.clone()), "bad.yaml", documents.first()).expect("said"), @"
        warning: the Template `bad` is stored, but refused; it serves nothing
        bad.yaml:5:16: error[UnknownName] spec.resources: `x` is not a name here
          hint: none
          hint: mend it and apply it again; `windlass template check bad.yaml` says the same without a server
        ");
        insta::assert_snapshot!(findings("bad", &status(false, found), "STDIN", None).expect("said"), @"
        warning: the Template `bad` is stored, but refused; it serves nothing
        error[UnknownName] spec.resources, character 3: `x` is not a name here
          hint: none
          hint: mend it and apply it again
        ");
    }

    #[test]
    fn an_accepted_one_is_not_talked_about() {
        assert_eq!(findings("good", &status(true, json!([])), "good.yaml", None), None);
        let taken = findings("bad", &status(false, json!([])), "bad.yaml", None).expect("said");
        assert!(taken.ends_with("why it is not"), "{taken}");
    }
}
