//! Buttons: each writes through the API exactly what it says, and leads to the page that shows what came of it.

use crate::errors::Failure;
use crate::handlers::preview::{self, Proposal};
use crate::handlers::{Answer, Posted};
use crate::model::rows::{RunRow, reference_path, run_path};
use crate::state::{self, Portal};
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::time::Duration;
use windlass_api::names;
use windlass_api::plan::InstanceReference;
use windlass_api::run::{Mode, Run, State};
use windlass_client::objects::{Kind, Seen, delete_exactly, optional, write_over};
use windlass_client::preview::expected_plan;

/// How long an answer waits for the Run that a change opens, so that it can lead there.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Group, kind, namespace (`-` for none) and name in an address.
type Place = Path<(String, String, String, String)>;
/// Namespace and name in an address.
type RunPlace = Path<(String, String)>;

/// `POST /runs/{namespace}/{name}/make`: carries out a preview. It is bound to the plan that was looked at.
pub(crate) async fn make(Path((namespace, name)): RunPlace, posted: Posted) -> Answer {
    let portal = &posted.asked.portal;
    let run = read_run(portal, &namespace, &name).await?;
    let hash = posted.sent.word("hash").unwrap_or_default();
    let status = run.status.clone().unwrap_or_default();
    if run.spec.mode != Mode::Plan || hash.is_empty() || status.plan_hash != hash {
        return Err(Failure::Changed { what: "the plan".into() });
    }
    let instance = run.spec.instance.clone();
    let kind = kind_of(portal, &instance)?;
    let api = kind.api(&portal.client, instance.namespace.as_deref());
    let what = instance.to_string();
    if run.spec.deletes {
        if let Some(typed) = posted.sent.first("confirm")
            && typed.trim() != instance.name
        {
            return Err(Failure::Invalid {
                message: format!("`{}` is not the name `{}`: nothing was deleted", typed.trim(), instance.name),
            });
        }
        let uid = run.plan().map(|plan| plan.instance.uid).filter(|uid| !uid.is_empty());
        delete_exactly(&api, &instance.name, uid.as_deref()).await.map_err(Failure::api(format!("delete {what}")))?;
    } else {
        let proposal = run.spec.proposal.clone().ok_or_else(|| Failure::absent("proposal in this preview"))?;
        write(&api, &run, &proposal, hash, &what).await?;
    }
    Ok(follow(portal, &instance, &run_path(&namespace, &name)).await)
}

async fn write(api: &kube::Api<DynamicObject>, run: &Run, proposal: &Value, hash: &str, what: &str) -> Result<(), Failure> {
    let parameters = PostParams { field_manager: Some(names::MANAGER_PORTAL.into()), ..PostParams::default() };
    let read =
        |value: Value| serde_json::from_value::<DynamicObject>(value).map_err(|error| Failure::Invalid { message: error.to_string() });
    let expected = expected_plan(proposal, hash);
    if run.spec.generation == 0 {
        let mut object = read(proposal.clone())?;
        object.annotations_mut().insert(names::ANNOTATION_EXPECTED_PLAN.into(), expected);
        api.create(&parameters, &object).await.map_err(Failure::api(format!("make {what}")))?;
        return Ok(());
    }
    let instance = &run.spec.instance;
    // What was planned is a change of what was there then.
    let seen = Seen { name: &instance.name, uid: &instance.uid, generation: run.spec.generation };
    let over = |mut live: DynamicObject| {
        live.data["spec"] = proposal.get("spec").cloned().unwrap_or_else(|| json!({}));
        live.annotations_mut().insert(names::ANNOTATION_EXPECTED_PLAN.into(), expected.clone());
        live.metadata.managed_fields = None;
        let parameters = &parameters;
        async move { api.replace(seen.name, parameters, &live).await }
    };
    let written = write_over(api, seen, over).await.map_err(Failure::api(format!("change {what}")))?;
    written.map(drop).ok_or_else(|| Failure::Changed { what: what.to_owned() })
}

/// Leads to the Run that the change opened, or to the instance where none came in time.
async fn follow(portal: &Portal, instance: &InstanceReference, preview: &str) -> Response {
    let before = Timestamp::now().as_second() - 2;
    let is_new = |run: &RunRow| {
        run.mode == Mode::Execute
            && run.instance.kind == instance.kind
            && run.instance.name == instance.name
            && run.instance.namespace == instance.namespace
            && run.path() != preview
            && run.created.parse::<Timestamp>().is_ok_and(|created| created.as_second() >= before)
    };
    portal.cache.wait_for(PATIENCE, |cache| cache.runs().iter().any(|run| is_new(run))).await;
    let opened = portal.cache.runs().into_iter().find(|run| is_new(run));
    let path = opened.map_or_else(|| reference_path(instance), |run| run.path());
    Redirect::to(&path).into_response()
}

/// `POST /runs/{namespace}/{name}/decide`: approves or rejects the plan that was looked at.
pub(crate) async fn decide(Path((namespace, name)): RunPlace, posted: Posted) -> Answer {
    let run = read_run(&posted.asked.portal, &namespace, &name).await?;
    let hash = posted.sent.word("hash").unwrap_or_default();
    if hash.is_empty() || run.status.unwrap_or_default().plan_hash != hash {
        return Err(Failure::Changed { what: "the plan".into() });
    }
    let verdict = match posted.sent.word("verdict") {
        Some(verdict @ ("Approved" | "Rejected")) => verdict,
        _ => return Err(Failure::Invalid { message: "approve or reject: neither was said".into() }),
    };
    let reason: String = posted.sent.word("reason").unwrap_or_default().chars().take(500).collect();
    let mut decision = json!({"verdict": verdict, "planHash": hash});
    if !reason.is_empty() {
        decision["reason"] = reason.into();
    }
    let portal = &posted.asked.portal;
    let answer = patch_run(portal, &namespace, &name, &json!({"spec": {"decision": decision}}), "decide about this run").await?;
    // A page without scripts does not change by itself: it should show what came of the decision.
    portal.cache.wait_for(PATIENCE, |cache| cache.run(&namespace, &name).is_none_or(|run| run.state != State::AwaitingApproval)).await;
    Ok(answer)
}

/// `POST /runs/{namespace}/{name}/cancel`: stops at the next node boundary.
pub(crate) async fn cancel(Path((namespace, name)): RunPlace, posted: Posted) -> Answer {
    patch_run(&posted.asked.portal, &namespace, &name, &json!({"spec": {"cancel": true}}), "stop this run").await
}

/// `POST /runs/{namespace}/{name}/resolve`: says what is true of an effect that cannot be observed.
pub(crate) async fn resolve(Path((namespace, name)): RunPlace, posted: Posted) -> Answer {
    let run = read_run(&posted.asked.portal, &namespace, &name).await?;
    let key = posted.sent.word("key").ok_or_else(|| Failure::Invalid { message: "the effect's key is missing".into() })?;
    let verdict = match posted.sent.word("verdict") {
        Some(verdict @ ("Done" | "Retry")) => verdict,
        _ => return Err(Failure::Invalid { message: "it happened, or do it again: neither was said".into() }),
    };
    let mut resolutions: Vec<Value> = run.spec.resolutions.iter().filter(|known| known.key != key).map(|known| json!(known)).collect();
    resolutions.push(json!({"key": key, "verdict": verdict}));
    patch_run(&posted.asked.portal, &namespace, &name, &json!({"spec": {"resolutions": resolutions}}), "resolve this effect").await
}

/// `POST /runs/{namespace}/{name}/retry`.
pub(crate) async fn retry_run(Path((namespace, name)): RunPlace, posted: Posted) -> Answer {
    let run = read_run(&posted.asked.portal, &namespace, &name).await?;
    try_again(&posted.asked.portal, &run.spec.instance).await
}

/// `POST /instances/…/retry`.
pub(crate) async fn retry(Path(place): Place, posted: Posted) -> Answer {
    let instance = reference(&posted.asked.portal, place)?;
    try_again(&posted.asked.portal, &instance).await
}

async fn try_again(portal: &Portal, instance: &InstanceReference) -> Answer {
    let kind = kind_of(portal, instance)?;
    let patch = json!({"metadata": {"annotations": {names::ANNOTATION_RETRY: Timestamp::now().to_string()}}});
    let api = kind.api(&portal.client, instance.namespace.as_deref());
    api.patch(&instance.name, &by_portal(), &Patch::Merge(&patch)).await.map_err(Failure::api(format!("try {instance} again")))?;
    Ok(follow(portal, instance, "").await)
}

/// `POST /instances/…/delete`: plans the deletion; its page has the button that deletes.
pub(crate) async fn plan_deletion(Path(place): Place, posted: Posted) -> Answer {
    let portal = &posted.asked.portal;
    let (live, proposal) = proposed(portal, place).await?;
    let proposal = Proposal { title: "delete".into(), deletes: true, ..before(&live, proposal) };
    Ok(Redirect::to(&preview::open(portal, proposal).await?).into_response())
}

/// `POST /instances/…/restore`: plans going back to the values of an earlier Run.
pub(crate) async fn plan_restore(Path(place): Place, posted: Posted) -> Answer {
    let portal = &posted.asked.portal;
    let namespace = if place.2 == "-" { names::SYSTEM_NAMESPACE.to_owned() } else { place.2.clone() };
    let name = posted.sent.word("run").unwrap_or_default();
    let run = read_run(portal, &namespace, name).await?;
    let (live, mut object) = proposed(portal, place).await?;
    if run.spec.instance.uid != live.metadata.uid.clone().unwrap_or_default() {
        return Err(Failure::Invalid { message: format!("run `{name}` is about another instance") });
    }
    let values = run.spec.values.ok_or_else(|| Failure::absent(format!("record of the values in run `{name}`")))?;
    let changed = preview::difference(&object["spec"], &values);
    object["spec"] = values;
    let title = format!("back to run {}: {changed}", run.spec.number);
    Ok(Redirect::to(&preview::open(portal, Proposal { title, ..before(&live, object) }).await?).into_response())
}

fn before(live: &DynamicObject, object: Value) -> Proposal {
    Proposal {
        object,
        uid: live.metadata.uid.clone().unwrap_or_default(),
        generation: live.metadata.generation.unwrap_or_default(),
        title: String::new(),
        deletes: false,
    }
}

/// An instance as it is, and as a proposal: identity and values only.
async fn proposed(portal: &Portal, place: (String, String, String, String)) -> Result<(DynamicObject, Value), Failure> {
    let instance = reference(portal, place)?;
    let kind = kind_of(portal, &instance)?;
    let api = kind.api(&portal.client, instance.namespace.as_deref());
    let live = api.get(&instance.name).await.map_err(Failure::api(format!("read {instance}")))?;
    let mut metadata = json!({"name": instance.name});
    if let Some(namespace) = &instance.namespace {
        metadata["namespace"] = namespace.clone().into();
    }
    let spec = live.data.get("spec").cloned().unwrap_or_else(|| json!({}));
    let object = json!({"apiVersion": instance.api_version, "kind": instance.kind, "metadata": metadata, "spec": spec});
    Ok((live, object))
}

fn reference(portal: &Portal, (group, kind, namespace, name): (String, String, String, String)) -> Result<InstanceReference, Failure> {
    let found = portal.kind(&group, &kind)?;
    let namespace = found.namespaced.then_some(namespace);
    Ok(InstanceReference { api_version: found.resource.api_version, kind, namespace, name, uid: String::new() })
}

fn kind_of(portal: &Portal, instance: &InstanceReference) -> Result<Kind, Failure> {
    portal.kind(instance.group(), &instance.kind)
}

/// A Run with its plan.
pub(crate) async fn read_run(portal: &Portal, namespace: &str, name: &str) -> Result<Run, Failure> {
    let object =
        optional(state::runs().api(&portal.client, Some(namespace)).get(name).await).map_err(Failure::api(format!("read run `{name}`")))?;
    let object = object.ok_or_else(|| Failure::absent(format!("run `{name}` in `{namespace}`")))?;
    object.try_parse().map_err(|error| Failure::Invalid { message: format!("run `{name}` has another shape: {error}") })
}

async fn patch_run(portal: &Portal, namespace: &str, name: &str, patch: &Value, doing: &str) -> Answer {
    let api = state::runs().api(&portal.client, Some(namespace));
    api.patch(name, &by_portal(), &Patch::Merge(patch)).await.map_err(Failure::api(doing))?;
    Ok(Redirect::to(&run_path(namespace, name)).into_response())
}

fn by_portal() -> PatchParams {
    PatchParams { field_manager: Some(names::MANAGER_PORTAL.into()), ..PatchParams::default() }
}
