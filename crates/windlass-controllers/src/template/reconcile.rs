//! One pass over one Template: read, compile, publish, say.

use super::{Context, publish, removal};
use crate::runtime::clock;
use crate::runtime::graphs::GraphError;
use crate::runtime::queue::Next;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use windlass_api::condition::{self, Condition};
use windlass_api::names::{self, condition_type, reason};
use windlass_api::template::{Template, TemplateStatus};
use windlass_api::{Diagnostic, Severity};
use windlass_client::errors;
use windlass_client::objects::optional;
use windlass_graph::compile::Graph;
use windlass_graph::nesting::{self, GroupKind};

/// Brings one Template up to date.
pub(super) async fn reconcile(context: &Context, name: &str) -> Next {
    let api: Api<Template> = Api::all(context.client.clone());
    let template = match optional(api.get(name).await) {
        Ok(Some(template)) => template,
        Ok(None) => return Next::OnChange,
        Err(error) => return failed(name, &error),
    };
    // 1. Deletion.
    if template.metadata.deletion_timestamp.is_some() {
        return match removal::remove(context, &api, &template).await {
            Ok(removal::Removal::Done) => Next::OnChange,
            Ok(removal::Removal::Blocked(message)) => {
                let mut status = template.status.clone().unwrap_or_default();
                set(&mut status, Condition::new(condition_type::DELETION_BLOCKED, true, reason::IN_USE, message));
                finish(&api, &template, status, Next::After(Duration::from_secs(2))).await
            }
            Err(error) => failed(name, &error),
        };
    }
    // 2. Compile and publish.
    let mut status = template.status.clone().unwrap_or_default();
    status.observed_generation = template.metadata.generation;
    let next = match compile_and_publish(context, &api, &template, &mut status).await {
        Ok(next) => next,
        Err(error) => return failed(name, &error),
    };
    // 3. Say.
    finish(&api, &template, status, next).await
}

async fn compile_and_publish(
    context: &Context,
    api: &Api<Template>,
    template: &Template,
    status: &mut TemplateStatus,
) -> Result<Next, kube::Error> {
    let whole = serde_json::to_value(template).map_err(kube::Error::SerdeError)?;
    let compiled = match context.graphs.compile(&whole).await {
        Ok(compiled) => compiled,
        Err(GraphError::Refused(diagnostics)) => {
            refuse(status, diagnostics);
            return Ok(Next::OnChange);
        }
        Err(GraphError::Read { source, .. }) => return Err(source),
        Err(missing @ GraphError::Missing(_)) => {
            refuse(status, vec![Diagnostic::error("Missing", "", missing.to_string())]);
            return Ok(Next::OnChange);
        }
    };
    if let Some(endless) = nesting(context, api, template, &compiled.graph).await? {
        refuse(status, vec![endless]);
        return Ok(Next::OnChange);
    }
    status.diagnostics = compiled.warnings.clone();
    status.topological_order = compiled.graph.order();
    set(status, Condition::new(condition_type::GRAPH_ACCEPTED, true, reason::READY, "the Template compiles"));
    match publish::publish(context, api, template, &compiled.graph).await? {
        publish::Published::Serving { revision } => {
            status.revision = Some(revision);
            status.kind = Some(compiled.graph.published().clone());
            status.state = Some("Active".into());
            status.conditions.retain(|condition| condition.type_ != condition_type::KIND_TAKEN);
            set(status, Condition::new(condition_type::KIND_READY, true, reason::READY, "the kind is served"));
            set(status, Condition::new(condition_type::READY, true, reason::READY, "instances can be asked for"));
            Ok(Next::OnChange)
        }
        publish::Published::Establishing => {
            set(status, Condition::new(condition_type::KIND_READY, false, reason::PROGRESSING, "the API is taking up the kind"));
            set(status, Condition::new(condition_type::READY, false, reason::PROGRESSING, "the API is taking up the kind"));
            Ok(Next::After(Duration::from_millis(100)))
        }
        publish::Published::Taken(message) => {
            set(status, Condition::new(condition_type::KIND_TAKEN, true, reason::KIND_TAKEN, message.clone()));
            set(status, Condition::new(condition_type::KIND_READY, false, reason::KIND_TAKEN, message.clone()));
            set(status, Condition::new(condition_type::READY, false, reason::KIND_TAKEN, message));
            status.state = Some("Inactive".into());
            Ok(Next::After(Duration::from_secs(10)))
        }
        publish::Published::Breaking(diagnostics) => {
            refuse(status, diagnostics);
            Ok(Next::OnChange)
        }
    }
}

/// What is wrong with a Template whose instances would make each other without end, over what other Templates serve now.
async fn nesting(context: &Context, api: &Api<Template>, template: &Template, graph: &Graph) -> Result<Option<Diagnostic>, kube::Error> {
    // Only groups of CustomResourceDefinitions, which are domains, can be another Template's: most make no such object.
    if !graph.makes().iter().any(|(group, _)| group.contains('.')) {
        return Ok(None);
    }
    let mut made: BTreeMap<GroupKind, Vec<GroupKind>> = BTreeMap::new();
    for other in api.list(&ListParams::default()).await?.items {
        let Some(TemplateStatus { kind: Some(kind), revision: Some(revision), .. }) = &other.status else { continue };
        if other.metadata.uid == template.metadata.uid {
            continue;
        }
        match context.graphs.of_revision(revision).await {
            Ok(serves) => drop(made.insert((kind.group.clone(), kind.kind.clone()), serves.graph.makes())),
            Err(GraphError::Read { source, .. }) => return Err(source),
            // No instance of it is rendered either.
            Err(GraphError::Missing(_) | GraphError::Refused(_)) => {}
        }
    }
    Ok(nesting::endless(graph, |kind| made.get(kind).cloned().unwrap_or_default()))
}

/// Says what is wrong. What served before goes on serving.
fn refuse(status: &mut TemplateStatus, mut diagnostics: Vec<Diagnostic>) {
    diagnostics.truncate(50);
    let first = diagnostics.iter().find(|found| found.severity == Severity::Error);
    let mut message = first.map_or_else(
        || "the Template is refused".to_owned(),
        |found| {
            let place = if found.path.is_empty() { String::new() } else { format!("{}: ", found.path) };
            format!("{place}{}", found.message)
        },
    );
    match &status.revision {
        Some(revision) => message.push_str(&format!(" (the revision {revision} goes on serving)")),
        None => status.state = Some("Inactive".into()),
    }
    if let Some(hint) = first.and_then(|found| found.hint.as_ref()) {
        message.push_str(&format!("; hint: {hint}"));
    }
    status.diagnostics = diagnostics;
    set(status, Condition::new(condition_type::GRAPH_ACCEPTED, false, reason::INVALID, message.clone()));
    set(status, Condition::new(condition_type::READY, false, reason::INVALID, message));
}

fn set(status: &mut TemplateStatus, condition: Condition) {
    condition::set(&mut status.conditions, condition, &clock::now_seconds());
}

async fn finish(api: &Api<Template>, template: &Template, mut status: TemplateStatus, next: Next) -> Next {
    for condition in &mut status.conditions {
        condition.observed_generation = template.metadata.generation;
    }
    if template.status.as_ref() == Some(&status) {
        return next;
    }
    let name = template.metadata.name.as_deref().unwrap_or_default();
    let patch = json!({"apiVersion": names::API_VERSION, "kind": "Template", "status": status});
    let parameters = PatchParams::apply(names::MANAGER_STATUS).force();
    match api.patch_status(name, &parameters, &Patch::Apply(&patch)).await {
        Ok(_) => next,
        Err(error) if errors::is_not_found(&error) => Next::OnChange,
        Err(error) => failed(name, &error),
    }
}

fn failed(name: &str, error: &kube::Error) -> Next {
    tracing::warn!(template = name, error = %errors::message(error), "the Template could not be reconciled and is tried again");
    Next::Failed
}
