//! Previews: a `Run{mode: Plan}` shows what a change would do and is gone after an hour. Nothing outside is changed.

use super::gather::{self, Subject};
use super::reconcile::annotation;
use super::record::Record;
use super::{Context, Key};
use crate::runtime::clock;
use crate::runtime::queue::Next;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use windlass_api::condition::{self, Condition};
use windlass_api::names;
use windlass_api::plan::{InstanceReference, Plan};
use windlass_api::run::{Mode, PREVIEW_TIME_TO_LIVE_SECONDS, Run, RunStatus, State, Verdict};
use windlass_client::errors;
use windlass_client::objects::{self, optional};
use windlass_graph::approval::{self, Policies, Standing};

/// Makes the plan of a preview, or takes an old one away.
pub(super) async fn reconcile(context: &Context, namespace: &str, name: &str) -> Next {
    let api: Api<Run> = Api::namespaced(context.client.clone(), namespace);
    match pass(context, &api, name).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(namespace, name, error = %errors::message(&error), "the preview could not be made and is tried again");
            Next::Failed
        }
    }
}

async fn pass(context: &Context, api: &Api<Run>, name: &str) -> Result<Next, kube::Error> {
    let Some(run) = optional(api.get(name).await)? else { return Ok(Next::OnChange) };
    let created = run.metadata.creation_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default();
    let left = PREVIEW_TIME_TO_LIVE_SECONDS - clock::since(&created).as_secs();
    if left <= 0 {
        optional(api.delete(name, &DeleteParams::default()).await)?;
        return Ok(Next::OnChange);
    }
    let sleep = Next::After(Duration::from_secs(u64::try_from(left).unwrap_or(1)));
    if run.state().is_finished() {
        return Ok(sleep);
    }
    let now = clock::now();
    let before = run.status.clone().unwrap_or_default();
    let mut status = RunStatus {
        started_at: before.started_at.clone().or_else(|| Some(now.clone())),
        finished_at: Some(now),
        attempt: 1,
        conditions: before.conditions.clone(),
        ..RunStatus::default()
    };
    match plan(context, &run).await {
        Ok((plan, approval_needed)) => {
            status.state = if run.spec.deletes && approval_needed { decided(&run, &plan) } else { State::Succeeded };
            if !status.state.is_finished() {
                status.finished_at = None;
                "a person must look at the plan".clone_into(&mut status.message);
            }
            status.plan_hash = plan.hash.clone();
            status.planned = plan.summary().to_string();
            status.summary = Some(plan.summary());
            status.approval_needed = approval_needed;
            status.plan = serde_json::to_value(plan).ok();
        }
        Err(PreviewError::Api(error)) if !errors::is_refused(&error) && !errors::is_not_found(&error) => return Err(error),
        Err(problem) => {
            status.state = State::Failed;
            status.message = windlass_api::hint::one_line(&problem.to_string());
        }
    }
    let word = format!("{:?}", status.state);
    let message = if status.message.is_empty() { status.planned.clone() } else { status.message.clone() };
    condition::set(
        &mut status.conditions,
        Condition::new("Succeeded", status.state == State::Succeeded, &word, message),
        &clock::now_seconds(),
    );
    // A request that waits is looked at again by its own writes: one that says nothing new is not made.
    if status == before {
        return Ok(sleep);
    }
    let patch = json!({"apiVersion": names::API_VERSION, "kind": "Run", "status": status});
    optional(api.patch_status(name, &PatchParams::apply(names::MANAGER_STATUS).force(), &Patch::Apply(&patch)).await)?;
    Ok(sleep)
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum PreviewError {
    /// The API refuses the proposal, or does not answer.
    #[error("{}", errors::message(.0))]
    Api(kube::Error),
    /// The values or annotations are refused; with the way out.
    #[error("{0}")]
    Refused(String),
    /// Nothing is proposed.
    #[error("the Run has no `spec.proposal`\n  hint: put the object there that is to be created or changed")]
    NoProposal,
    /// The kind is not one that a Template publishes.
    #[error("no Template publishes the kind `{0}`\n  hint: `windlass get templates` lists what can be asked for")]
    NotPublished(String),
    /// There is no serving revision, or it does not compile.
    #[error(transparent)]
    Graph(crate::runtime::graphs::GraphError),
    /// The values are refused.
    #[error(transparent)]
    Gather(gather::GatherError),
}

async fn plan(context: &Context, run: &Run) -> Result<(Plan, bool), PreviewError> {
    let proposal = run.spec.proposal.as_ref().ok_or(PreviewError::NoProposal)?;
    let asked = InstanceReference::of(proposal);
    let key = Key { group: asked.group().to_owned(), kind: asked.kind.clone(), namespace: run.namespace(), name: asked.name.clone() };
    let published = context.registry.kind(&key.group, &key.kind).ok_or_else(|| PreviewError::NotPublished(asked.kind.clone()))?;
    let namespace = asked.namespace.clone().or_else(|| run.namespace()).filter(|_| published.kind.namespaced);
    let api = published.kind.api(&context.client, namespace.as_deref());
    // The API says whether it would take the object, with defaults filled in.
    let mut wanted = proposal.clone();
    if let Some(namespace) = &namespace {
        wanted["metadata"]["namespace"] = json!(namespace);
    }
    let present = objects::get(&api, &asked.name).await.map_err(PreviewError::Api)?;
    let value = if run.spec.deletes {
        serde_json::to_value(&present).unwrap_or_default()
    } else {
        let kind = &published.kind;
        let taken = objects::dry_run(&context.client, kind, namespace.as_deref(), &wanted, present.is_some(), names::MANAGER_SYSTEM);
        let taken = match taken.await {
            Ok(taken) => taken,
            Err(error) if errors::is_refused(&error) => return Err(refused(context, &published.template, &asked.kind, &error).await),
            Err(error) => return Err(PreviewError::Api(error)),
        };
        serde_json::to_value(taken).unwrap_or_default()
    };
    let uid = present.as_ref().and_then(|object| object.metadata.uid.clone()).unwrap_or_default();
    let reference = InstanceReference { uid, namespace, ..InstanceReference::of(&value) };
    let record = Record::read(&context.client, &reference).await.map_err(PreviewError::Api)?;
    if run.spec.deletes {
        let (plan, approval) = approval::deletion(&reference, &record.spec, |name| annotation(&value, name));
        let needed = approval::standing(&plan, approval, None) == Standing::Waits;
        return Ok((plan, needed));
    }
    let revision = annotation(&value, names::ANNOTATION_REVISION).or_else(|| context.registry.revision(&published.template));
    let revision = revision.ok_or_else(|| PreviewError::NotPublished(asked.kind.clone()))?;
    let compiled = context.graphs.of_revision(&revision).await.map_err(PreviewError::Graph)?;
    let before = present.as_ref().map(|object| &object.data["spec"]);
    let subject = Subject {
        instance: &value,
        reference: &reference,
        template: &published.template,
        revision: &revision,
        entries: &record.spec.entries,
        previous_spec: before,
    };
    let decision = gather::decide(context, &compiled.graph, &subject).await.map_err(PreviewError::Gather)?;
    let policy = compiled.graph.template_spec().and_then(|spec| spec.policy.clone());
    let policies = Policies::new(policy.as_ref(), |name| annotation(&value, name)).map_err(PreviewError::Refused)?;
    let needed = approval::standing(&decision.plan, policies.approval, None) == Standing::Waits;
    Ok((decision.plan, needed))
}

/// Where a deletion stands that somebody must approve before it may be asked for.
fn decided(run: &Run, plan: &Plan) -> State {
    match approval::authored(run).filter(|decision| decision.plan_hash == plan.hash).map(|decision| decision.verdict) {
        Some(Verdict::Approved) => State::Succeeded,
        Some(Verdict::Rejected) => State::Rejected,
        None => State::AwaitingApproval,
    }
}

/// The approved request for the deletion that this plan describes, if there is one.
pub(super) async fn approved_deletion(client: &Client, plan: &Plan) -> Result<Option<Run>, kube::Error> {
    let api: Api<Run> = Api::namespaced(client.clone(), super::reconcile::run_namespace(&plan.instance));
    let runs = api.list(&ListParams::default()).await?.items;
    Ok(runs.into_iter().find(|run| approval::approves_deletion(run, plan)))
}

/// The API's refusal with the way out, which the schema of the kind knows.
async fn refused(context: &Context, template: &str, kind: &str, error: &kube::Error) -> PreviewError {
    let mut said = errors::message(error);
    let schema = match context.registry.revision(template) {
        // Without a revision that compiles, the API's words have to do.
        Some(revision) => context.graphs.of_revision(&revision).await.map(|compiled| compiled.graph.openapi()).unwrap_or_default(),
        None => Value::Null,
    };
    let causes = match error {
        kube::Error::Api(status) => errors::causes(status),
        _ => Vec::new(),
    };
    for (place, message) in &causes {
        if let Some(way) = windlass_schema::way_out(&schema, place, message) {
            said.push_str(&format!("\n  hint: {place}: {way}"));
        }
    }
    said.push_str(&format!("\n  hint: `windlass explain {}.spec` says what each value means", kind.to_lowercase()));
    PreviewError::Refused(said)
}

/// The previewed plan with this hash, if its preview is still kept.
pub(super) async fn find(client: &Client, reference: &InstanceReference, hash: &str) -> Result<Option<Plan>, kube::Error> {
    let namespace = super::reconcile::run_namespace(reference);
    let api: Api<Run> = Api::namespaced(client.clone(), namespace);
    let runs = api.list(&ListParams::default()).await?;
    let found = runs.items.into_iter().find(|run| {
        let status: Option<&RunStatus> = run.status.as_ref();
        run.spec.mode == Mode::Plan && status.is_some_and(|status| status.plan_hash == hash) && named(run, reference)
    });
    Ok(found.and_then(|run| run.plan()))
}

fn named(run: &Run, reference: &InstanceReference) -> bool {
    let name: Option<&Value> = run.spec.proposal.as_ref().and_then(|proposal| proposal.pointer("/metadata/name"));
    name.and_then(Value::as_str) == Some(reference.name.as_str())
}
