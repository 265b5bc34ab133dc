//! A Template's page.

use crate::errors::Failure;
use crate::handlers::{Answer, Asked};
use crate::model::rows::TemplateRow;
use crate::state::{self, Portal};
use crate::views::{self, templates::Revision};
use axum::extract::Path;
use kube::ResourceExt as _;
use kube::api::ListParams;
use windlass_api::template::Template;
use windlass_api::template_revision::TemplateRevision;
use windlass_client::errors::message;
use windlass_client::objects::optional;

/// `GET /templates/{name}`.
pub(crate) async fn show(Path(name): Path<String>, asked: Asked) -> Answer {
    let portal = &asked.portal;
    let frame = asked.frame();
    let kind = state::templates();
    let api = kind.api(&portal.client, None);
    let (object, revisions) = futures::join!(api.get(&name), revisions(portal, &name));
    let object = optional(object).map_err(Failure::api(format!("read template `{name}`")))?;
    let object = object.ok_or_else(|| Failure::absent(format!("template `{name}`")))?;
    let row = TemplateRow::read(&object).ok_or_else(|| Failure::absent(format!("readable template `{name}`")))?;
    let template: Template = object.try_parse().map_err(|error| Failure::Invalid { message: error.to_string() })?;
    let used = row.key().map_or(0, |key| portal.cache.count_of(&key));
    let shown = views::templates::Shown { row: &row, template: &template, revisions, used };
    Ok(asked.render(&frame, &views::templates::one(&frame, &shown)))
}

async fn revisions(portal: &Portal, template: &str) -> Result<Vec<Revision>, String> {
    let kind = state::own("TemplateRevision", "templaterevisions", false);
    let list = kind.api(&portal.client, None).list(&ListParams::default().limit(500)).await.map_err(|error| message(&error))?;
    let mut found: Vec<Revision> = list
        .items
        .into_iter()
        .filter_map(|object| {
            let created = object.metadata.creation_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default();
            let revision: TemplateRevision = object.try_parse().ok()?;
            (revision.spec.template == template).then(|| Revision { name: revision.name_any(), number: revision.spec.number, created })
        })
        .collect();
    found.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    Ok(found)
}
