//! Publishing a Template's kind: the CRD, which only one Template may hold, and the revision that instances are rendered from.

use super::Context;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use windlass_api::Diagnostic;
use windlass_api::names;
use windlass_api::template::Template;
use windlass_api::template_revision::{TemplateRevision, TemplateRevisionSpec};
use windlass_client::objects::{optional, set_finalizer};
use windlass_client::{errors, preview};
use windlass_graph::compile::Graph;

/// Lets an author change a published schema in a way that breaks instances.
const ALLOW_BREAKING: &str = "windlass.dev/allow-breaking-changes";

/// What became of it.
pub(super) enum Published {
    /// The kind is served from this revision.
    Serving {
        /// Name of the TemplateRevision.
        revision: String,
    },
    /// The API is taking it up.
    Establishing,
    /// Somebody else holds the kind; the message names the holder.
    Taken(String),
    /// The new schema would break instances.
    Breaking(Vec<Diagnostic>),
}

/// The API resource of CustomResourceDefinitions.
pub(super) fn definition_resource() -> ApiResource {
    ApiResource::erase::<CustomResourceDefinition>(&())
}

/// Publishes what was compiled.
pub(super) async fn publish(
    context: &Context,
    templates: &Api<Template>,
    template: &Template,
    graph: &Graph,
) -> Result<Published, kube::Error> {
    let definitions: Api<DynamicObject> = Api::all_with(context.client.clone(), &definition_resource());
    let mut wanted = graph.definition();
    let name = wanted["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let uid = template.uid().unwrap_or_default();
    let present = optional(definitions.get(&name).await)?;
    if let Some(message) = present.as_ref().and_then(|present| holder(present, &uid)) {
        return Ok(Published::Taken(message));
    }
    if let Some(present) = &present {
        let breaking = windlass_schema::compat::breaking_changes(&version_schema(&present.data), &version_schema(&wanted));
        if !breaking.is_empty() && template.annotations().get(ALLOW_BREAKING).map(String::as_str) != Some("true") {
            return Ok(Published::Breaking(breaking.into_iter().map(|found| found.with_hint(
                format!("keep the old field beside the new one until no instance uses it, or set the annotation `{ALLOW_BREAKING}: \"true\"`"),
            )).collect()));
        }
    }
    hold(templates, template).await?;
    wanted["metadata"]["labels"][names::LABEL_TEMPLATE] = json!(template.name_any());
    wanted["metadata"]["labels"][names::LABEL_TEMPLATE_ID] = json!(uid);
    wanted["metadata"]["labels"][names::LABEL_MANAGED_BY] = json!(names::MANAGED_BY);
    let applied = match definitions.patch(&name, &PatchParams::apply(names::MANAGER_SYSTEM).force(), &Patch::Apply(&wanted)).await {
        Ok(applied) => applied,
        Err(error) if errors::is_refused(&error) => {
            return Ok(Published::Breaking(vec![Diagnostic::error("KindRefused", "spec.schema", errors::message(&error))]));
        }
        Err(error) => return Err(error),
    };
    let revision = revise(context, template).await?;
    let established =
        applied.data.pointer("/status/conditions").and_then(Value::as_array).is_some_and(|conditions| {
            conditions.iter().any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        });
    Ok(if established { Published::Serving { revision } } else { Published::Establishing })
}

/// Who holds a CRD, if it is not the Template with this UID.
fn holder(definition: &DynamicObject, uid: &str) -> Option<String> {
    let name = definition.name_any();
    match definition.labels().get(names::LABEL_TEMPLATE_ID) {
        Some(holder) if holder == uid => None,
        Some(_) => {
            let template = definition.labels().get(names::LABEL_TEMPLATE).cloned().unwrap_or_default();
            Some(format!("the kind `{name}` is published by the Template `{template}` already; hint: give this one another kind or group"))
        }
        None => Some(format!(
            "the kind `{name}` exists and was not made by Windlass, which never takes one over; hint: give the Template another kind or group"
        )),
    }
}

fn version_schema(definition: &Value) -> Value {
    definition.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default()
}

/// Puts our finalizer on the Template before anything exists because of it.
async fn hold(templates: &Api<Template>, template: &Template) -> Result<(), kube::Error> {
    if template.finalizers().iter().any(|known| known == names::FINALIZER_TEMPLATE) {
        return Ok(());
    }
    let dynamic: Api<DynamicObject> = Api::all_with(templates.clone().into_client(), &ApiResource::erase::<Template>(&()));
    let object = dynamic.get(&template.name_any()).await?;
    set_finalizer(&dynamic, &object, names::FINALIZER_TEMPLATE, true).await.map(drop)
}

/// The name of the revision that holds this spec; a new one if the newest holds another.
async fn revise(context: &Context, template: &Template) -> Result<String, kube::Error> {
    let api: Api<TemplateRevision> = Api::all(context.client.clone());
    let content = serde_json::to_value(&template.spec).map_err(kube::Error::SerdeError)?;
    let hash = preview::canonical_hash(&content);
    let (name, uid) = (template.name_any(), template.uid().unwrap_or_default());
    let of_this = ListParams::default().labels(&format!("{}={uid}", names::LABEL_TEMPLATE_ID));
    let newest = api.list(&of_this).await?.items.into_iter().max_by_key(|revision| revision.spec.number);
    if let Some(newest) = &newest
        && newest.spec.hash == hash
    {
        return Ok(newest.name_any());
    }
    let mut number = newest.map_or(1, |newest| newest.spec.number + 1);
    loop {
        let labels = [(names::LABEL_TEMPLATE, name.clone()), (names::LABEL_TEMPLATE_ID, uid.clone())];
        let revision = TemplateRevision {
            metadata: ObjectMeta {
                name: Some(format!("{name}-{number}")),
                labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
                ..ObjectMeta::default()
            },
            spec: TemplateRevisionSpec {
                template: name.clone(),
                template_uid: uid.clone(),
                number,
                hash: hash.clone(),
                content: content.clone(),
            },
        };
        match api.create(&PostParams { field_manager: Some(names::MANAGER_SYSTEM.into()), ..PostParams::default() }, &revision).await {
            Ok(made) => return Ok(made.name_any()),
            // A Template of the same name left revisions behind: count on.
            Err(error) if errors::reason(&error) == Some("AlreadyExists") => number += 1,
            Err(error) => return Err(error),
        }
    }
}
