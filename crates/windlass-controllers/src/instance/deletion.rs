//! Deletion: walks the Inventory backwards. It needs no Template, no expression, no schema.

use super::Context;
use super::execute::{Actor, Progress};
use super::preview as previews;
use super::reconcile::run_namespace;
use super::record::Record;
use super::runs::{self, OpenRun, Opening};
use super::status::{self, Said};
use crate::runtime::queue::Next;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DynamicObject;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use windlass_api::condition::Condition;
use windlass_api::inventory::EntryState;
use windlass_api::names::{self, condition_type, reason};
use windlass_api::plan::{InstanceReference, NodePlan};
use windlass_api::run::{Cause, State, StepState};
use windlass_client::errors;
use windlass_client::objects::{self, optional};
use windlass_graph::approval::{self, Standing};
use windlass_graph::deletion::deletion_plan;

/// Deletes what exists because of an instance, then lets the instance go.
pub(super) async fn instance(
    context: &Context,
    api: &Api<DynamicObject>,
    object: &DynamicObject,
    value: &Value,
    reference: &InstanceReference,
    mut record: Record,
) -> Result<Next, kube::Error> {
    if !object.metadata.finalizers.iter().flatten().any(|known| known == names::FINALIZER_INVENTORY) {
        return Ok(Next::OnChange);
    }
    // What admission let through is recorded by the same policies.
    (record.spec.deletion_policy, record.spec.approval) =
        approval::of_deletion(&record.spec, |name| super::reconcile::annotation(value, name));
    let by = super::reconcile::annotation(value, names::ANNOTATION_CHANGED_BY).unwrap_or_else(|| "unknown".into());
    match Box::pin(walk(context, reference, &mut record, by, value.get("spec").cloned())).await? {
        Walked::Done => {
            runs::forget(&context.client, run_namespace(reference), &reference.uid).await?;
            record.remove().await?;
            optional(objects::set_finalizer(api, object, names::FINALIZER_INVENTORY, false).await)?;
            Ok(Next::OnChange)
        }
        Walked::GoesOn { message, after } => {
            status::write(
                api,
                value,
                &record.spec.entries,
                Said { dropped: vec![condition_type::DELETION_BLOCKED], ..status::deleting(message) },
            )
            .await?;
            Ok(Next::After(after))
        }
        Walked::Blocked { message } => {
            let blocked = Condition::new(condition_type::DELETION_BLOCKED, true, reason::UNKNOWN, message.clone());
            status::write(api, value, &record.spec.entries, Said { conditions: vec![blocked], ..status::deleting(message) }).await?;
            Ok(Next::After(Duration::from_secs(30)))
        }
    }
}

/// An Inventory is being deleted, or its instance vanished: where the instance is gone, its effects are deleted by the Inventory alone.
pub(super) async fn reconcile_inventory(context: &Context, name: &str) -> Next {
    match Box::pin(inventory(context, name)).await {
        Ok(next) => next,
        Err(error) if errors::is_conflict(&error) => Next::After(Duration::from_millis(50)),
        Err(error) => {
            tracing::warn!(inventory = name, error = %errors::message(&error), "the inventory could not be worked off and is tried again");
            Next::Failed
        }
    }
}

async fn inventory(context: &Context, name: &str) -> Result<Next, kube::Error> {
    let mut record = Record::read_named(&context.client, name).await?;
    if !record.exists() || !record.is_being_deleted() {
        // An instance that vanished without us keeps its Inventory: a person lists, adopts or deletes it.
        return Ok(Next::OnChange);
    }
    let reference = record.spec.instance.clone();
    let kind = objects::discover(&context.client, &reference.api_version, &reference.kind).await;
    if let Some(kind) = optional(kind)?
        && let Some(live) = objects::get(&kind.api(&context.client, reference.namespace.as_deref()), &reference.name).await?
        && live.metadata.uid.as_deref() == Some(reference.uid.as_str())
    {
        // The instance is there and still owns its effects: it is deleted in the ordinary way.
        return Ok(Next::After(Duration::from_secs(5)));
    }
    match Box::pin(walk(context, &reference, &mut record, "windlass".into(), None)).await? {
        Walked::Done => {
            runs::forget(&context.client, run_namespace(&reference), &reference.uid).await?;
            record.remove().await?;
            Ok(Next::OnChange)
        }
        Walked::GoesOn { after, .. } => Ok(Next::After(after)),
        Walked::Blocked { message } => {
            tracing::warn!(inventory = name, %message, "the inventory cannot be deleted yet");
            Ok(Next::After(Duration::from_secs(30)))
        }
    }
}

enum Walked {
    Done,
    GoesOn { message: String, after: Duration },
    Blocked { message: String },
}

async fn walk(
    context: &Context,
    reference: &InstanceReference,
    record: &mut Record,
    by: String,
    values: Option<Value>,
) -> Result<Walked, kube::Error> {
    let actor = Actor { context, reference, template: &record.spec.template.clone(), revision: "" };
    let open = OpenRun::read(&context.client, record).await?;
    let mut again = actor.resolve_doubts(record).await;
    record.drop_gone();
    if record.spec.entries.is_empty() && open.is_none() {
        return Ok(Walked::Done);
    }
    let mut run = match open {
        Some(run) if run.run.spec.cause == Cause::Delete => run,
        other => {
            // Deletion supersedes every other cause at once: what goes on outside is stopped where it can be.
            actor.cancel_pending(record).await;
            record.drop_gone();
            open_run(context, reference, record, other, by, values).await?
        }
    };
    let mut waves: Vec<usize> = record.spec.entries.iter().map(|entry| entry.wave).collect();
    waves.sort_unstable();
    waves.dedup();
    let mut progress = Progress::default();
    for wave in waves.into_iter().rev() {
        let plan = deletion_plan(reference, &record.spec.entries, record.spec.deletion_policy);
        let here: Vec<&NodePlan> =
            plan.nodes.iter().filter(|node| node.effects.iter().any(|effect| wave_of(record, &effect.key) == Some(wave))).collect();
        let (released, deleted): (Vec<&NodePlan>, Vec<&NodePlan>) = here.into_iter().partition(|node| !node.action.changes());
        for node in released {
            release(record, &mut run, node);
        }
        // An operation whose outcome nobody knows blocks only what it stands for.
        let known: Vec<&NodePlan> = deleted.into_iter().filter(|node| !is_unknown(record, node)).collect();
        actor.start(record, run.name(), &known);
        record.save().await?;
        run.store().await?;
        progress = actor.act(record, &mut run, &known, &BTreeMap::new()).await;
        for node in &known {
            if node.effects.iter().all(|effect| record.entry(&effect.key).is_none_or(|entry| entry.state == EntryState::Gone)) {
                run.set_step(&node.key, StepState::Succeeded, "", &[]);
            }
        }
        record.drop_gone();
        if record.spec.entries.iter().any(|entry| entry.wave == wave) {
            break;
        }
    }
    if record.spec.entries.is_empty() {
        // Those that a crash cut off were seen to be gone, whoever saw it.
        run.close_steps(StepState::Succeeded);
        run.end(record, State::Succeeded, "").await?;
        return Ok(Walked::Done);
    }
    finish_pass(record, &mut run, &progress, &mut again).await
}

async fn finish_pass(
    record: &mut Record,
    run: &mut OpenRun,
    progress: &Progress,
    again: &mut Option<Duration>,
) -> Result<Walked, kube::Error> {
    let unknown = record.spec.entries.iter().find(|entry| entry.state == EntryState::Unknown);
    let walked = if let Some(entry) = unknown {
        let cause = entry.message.clone().unwrap_or_default();
        let message = format!(
            "it cannot be told whether {} is gone: {cause}; hint: `windlass run resolve {} --done`, or release all with the annotation `{}: Orphan`",
            entry.identity,
            run.name(),
            names::ANNOTATION_DELETION_POLICY
        );
        Walked::Blocked { message }
    } else if let Some((message, _)) = progress.failed.first() {
        Walked::Blocked { message: message.clone() }
    } else {
        let left: Vec<String> = record.spec.entries.iter().take(3).map(|entry| entry.identity.to_string()).collect();
        let after = progress.poll_after.or(again.take()).unwrap_or(Duration::from_millis(500));
        Walked::GoesOn { message: format!("waits until these are gone: {}", left.join(", ")), after }
    };
    let message = match &walked {
        Walked::Done => "",
        Walked::GoesOn { message, .. } | Walked::Blocked { message } => message,
    };
    run.set_state(State::Waiting, message);
    record.save().await?;
    run.write().await?;
    Ok(walked)
}

fn wave_of(record: &Record, key: &str) -> Option<usize> {
    record.entry(key).map(|entry| entry.wave)
}

fn is_unknown(record: &Record, node: &NodePlan) -> bool {
    node.effects.iter().any(|effect| record.entry(&effect.key).is_some_and(|entry| entry.state == EntryState::Unknown))
}

/// Lets effects be without deleting them: adopted ones, and all under the policy `Orphan`.
fn release(record: &mut Record, run: &mut OpenRun, node: &NodePlan) {
    for effect in &node.effects {
        if let Some(entry) = record.entry_mut(&effect.key) {
            entry.state = EntryState::Gone;
        }
    }
    run.set_step(&node.key, StepState::Skipped, "it is released, not deleted", &[]);
}

async fn open_run(
    context: &Context,
    reference: &InstanceReference,
    record: &mut Record,
    other: Option<OpenRun>,
    by: String,
    values: Option<Value>,
) -> Result<OpenRun, kube::Error> {
    if let Some(mut other) = other {
        other.end(record, State::Superseded, "the instance is being deleted").await?;
    }
    let (plan, approval) = approval::deletion(reference, &record.spec, |_| None);
    let namespace = living_namespace(context, reference).await?;
    let opening = Opening {
        reference,
        namespace: &namespace,
        cause: Cause::Delete,
        title: "delete".into(),
        by,
        revision: "",
        generation: 0,
        values,
        plan: &plan,
    };
    let mut run = OpenRun::reserve(&context.client, record, opening, false).await?;
    if approval::standing(&plan, approval, None) == Standing::Waits {
        match previews::approved_deletion(&context.client, &plan).await? {
            Some(request) => run.run.spec.decision = request.spec.decision,
            // Where the API asks first, this is what it lets through unasked: a namespace that goes, the platform's own work.
            None => run.note_unasked(&format!("the approval policy is `{}`, and nobody approved this plan", approval.name())),
        }
    }
    Ok(run)
}

/// Where the Delete Run can be made: a namespace that is going takes no new objects.
async fn living_namespace(context: &Context, reference: &InstanceReference) -> Result<String, kube::Error> {
    let Some(namespace) = reference.namespace.as_deref() else { return Ok(names::SYSTEM_NAMESPACE.into()) };
    let api: Api<Namespace> = Api::all(context.client.clone());
    let living = optional(api.get(namespace).await)?.is_some_and(|found| found.metadata.deletion_timestamp.is_none());
    Ok(if living { run_namespace(reference).to_owned() } else { names::SYSTEM_NAMESPACE.to_owned() })
}
