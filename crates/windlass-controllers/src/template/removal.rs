//! Removing a Template: its kind goes only when no instance is left, or when its policy says what becomes of them.

use super::{Context, publish};
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams};
use kube::{Api, ResourceExt as _};
use windlass_api::names;
use windlass_api::template::{DeletionPolicy, Template};
use windlass_api::template_revision::TemplateRevision;
use windlass_client::objects::{Kind, delete_exactly, optional, set_finalizer};

/// What became of it.
pub(super) enum Removal {
    /// It is gone.
    Done,
    /// It waits; the message says for what.
    Blocked(String),
}

/// Removes what the Template published, then lets it go.
pub(super) async fn remove(context: &Context, templates: &Api<Template>, template: &Template) -> Result<Removal, kube::Error> {
    if !template.finalizers().iter().any(|known| known == names::FINALIZER_TEMPLATE) {
        return Ok(Removal::Done);
    }
    let uid = template.uid().unwrap_or_default();
    let ours = ListParams::default().labels(&format!("{}={uid}", names::LABEL_TEMPLATE_ID));
    let definitions: Api<DynamicObject> = Api::all_with(context.client.clone(), &publish::definition_resource());
    for definition in definitions.list(&ours).await?.items {
        if let Some(message) = instances_left(context, template).await? {
            return Ok(Removal::Blocked(message));
        }
        delete_exactly(&definitions, &definition.name_any(), definition.metadata.uid.as_deref()).await?;
        if optional(definitions.get(&definition.name_any()).await)?.is_some() {
            return Ok(Removal::Blocked("the API is taking the kind away".into()));
        }
    }
    let revisions: Api<TemplateRevision> = Api::all(context.client.clone());
    for revision in revisions.list(&ours).await?.items {
        optional(revisions.delete(&revision.name_any(), &DeleteParams::default()).await)?;
        context.graphs.forget(&revision.name_any());
    }
    let dynamic: Api<DynamicObject> = Api::all_with(templates.clone().into_client(), &ApiResource::erase::<Template>(&()));
    if let Some(object) = optional(dynamic.get(&template.name_any()).await)? {
        optional(set_finalizer(&dynamic, &object, names::FINALIZER_TEMPLATE, false).await)?;
    }
    Ok(Removal::Done)
}

/// What is said while instances are left; `None` once there are none.
async fn instances_left(context: &Context, template: &Template) -> Result<Option<String>, kube::Error> {
    let Some(published) = template.status.as_ref().and_then(|status| status.kind.as_ref()) else { return Ok(None) };
    let api = Kind::from(published).api(&context.client, None);
    let Some(found) = optional(api.list(&ListParams::default().limit(500)).await)? else { return Ok(None) };
    let Some(first) = found.items.first() else { return Ok(None) };
    let policy = template.spec.policy.as_ref().and_then(|policy| policy.deletion_policy);
    if policy.is_some() {
        // The instances go first, each by its own inventory and with this policy.
        for instance in &found.items {
            let namespaced = Kind::from(published).api(&context.client, instance.metadata.namespace.as_deref());
            delete_exactly(&namespaced, &instance.name_any(), instance.metadata.uid.as_deref()).await?;
        }
        let word = if policy == Some(DeletionPolicy::Orphan) { "released" } else { "deleted" };
        return Ok(Some(format!("its instances are being {word}; {} are left", found.items.len())));
    }
    let name = match &first.metadata.namespace {
        Some(namespace) => format!("{namespace}/{}", first.name_any()),
        None => first.name_any(),
    };
    Ok(Some(format!(
        "it is used by {} instances, among them {} {name}; hint: delete them first, or set `spec.policy.deletionPolicy` to `Delete` or `Orphan`",
        found.items.len(),
        published.kind
    )))
}
