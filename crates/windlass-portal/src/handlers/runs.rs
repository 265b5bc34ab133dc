//! A Run's page: preview, approval, steps.

use crate::errors::Failure;
use crate::handlers::change::read_run;
use crate::handlers::{Answer, Asked, logs};
use crate::model::query::encode;
use crate::model::rows::{RunRow, reference_path};
use crate::state::Portal;
use crate::views;
use axum::extract::Path;
use windlass_api::plan::{InstanceReference, Plan};
use windlass_api::run::{Mode, Run};
use windlass_client::objects::optional;

/// Kinds whose deletion takes away more than what an instance made for itself.
const WIDE: [&str; 4] = ["Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume"];

/// `GET /runs/{namespace}/{name}`.
pub(crate) async fn show(Path((namespace, name)): Path<(String, String)>, asked: Asked) -> Answer {
    let portal = &asked.portal;
    let frame = asked.frame();
    let run = read_run(portal, &namespace, &name).await?;
    let row = RunRow::of(&run);
    let live = instance(portal, &run.spec.instance).await?;
    let plan = run.plan();
    let is_stale = run.spec.mode == Mode::Plan
        && match &live {
            // A deletion is of an object, whatever its values are.
            Some(live) if run.spec.deletes => {
                plan.as_ref().is_some_and(|plan| live.metadata.uid.as_deref() != Some(plan.instance.uid.as_str()))
            }
            None if run.spec.deletes => true,
            Some(live) => {
                live.metadata.generation != Some(run.spec.generation)
                    || live.metadata.uid.as_deref() != Some(run.spec.instance.uid.as_str())
            }
            None => run.spec.generation != 0,
        };
    let logs = logs::tails(portal, &run).await;
    let shown = views::run::Shown {
        row: &row,
        run: &run,
        plan: plan.as_ref(),
        is_stale,
        exists: live.is_some(),
        back: &back(portal, &run, &namespace, &name, live.is_some()),
        is_wide: run.spec.deletes && plan.as_ref().is_some_and(|plan| is_wide(portal, plan)),
        logs: &logs,
    };
    let page = views::run::page(&frame, &shown);
    Ok(asked.render(&frame, &page))
}

async fn instance(portal: &Portal, instance: &InstanceReference) -> Result<Option<kube::api::DynamicObject>, Failure> {
    // The kind itself may be gone; the Run is still shown.
    let Ok(kind) = portal.kind(instance.group(), &instance.kind) else { return Ok(None) };
    let api = kind.api(&portal.client, instance.namespace.as_deref());
    optional(api.get(&instance.name).await).map_err(Failure::api(format!("read {instance}")))
}

/// Address of the form with the preview's values.
fn back(portal: &Portal, run: &Run, namespace: &str, name: &str, exists: bool) -> String {
    let from = encode(&[("from".to_owned(), format!("{namespace}/{name}"))]);
    if exists {
        return format!("{}/edit?{from}", reference_path(&run.spec.instance));
    }
    let instance = &run.spec.instance;
    let template = portal.cache.template_of(&(instance.group().to_owned(), instance.kind.clone()));
    template.map_or_else(|| "/templates".to_owned(), |template| format!("{}/new?{from}", template.path()))
}

fn is_wide(portal: &Portal, plan: &Plan) -> bool {
    let published = portal.cache.published();
    let nested = |kind: &str, api_version: Option<&str>| {
        let group = api_version.and_then(|version| version.rsplit_once('/')).map_or("", |(group, _)| group);
        published.contains_key(&(group.to_owned(), kind.to_owned()))
    };
    plan.nodes.iter().flat_map(|node| &node.effects).filter(|effect| effect.action.is_destructive()).any(|effect| {
        WIDE.contains(&effect.identity.kind.as_str()) || nested(&effect.identity.kind, effect.identity.api_version.as_deref())
    })
}
