//! Gathering: asks the pure planner what it needs next, asks drivers for it, until it has decided.

use super::{Context, scope};
use serde_json::Value;
use std::collections::BTreeMap;
use windlass_api::Diagnostic;
use windlass_api::driver::{DesiredNode, Health, NodeAnswer, Observation};
use windlass_api::inventory::Entry;
use windlass_api::plan::{Action, InstanceReference};
use windlass_client::objects;
use windlass_drivers::{DriverError, Scope};
use windlass_graph::compile::Graph;
use windlass_graph::decide::{self, Answers, Decision, ExternalReference, Inputs, Need, Step};

/// How often the planner may ask before it is taken to go in circles.
const MOST_ROUNDS: usize = 600;

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatherError {
    /// The instance's values cannot be used.
    #[error("{}", first(.0))]
    Refused(Vec<Diagnostic>),
    /// A driver refuses a node; trying again does not help.
    #[error("{message}")]
    Node {
        /// Node key.
        key: String,
        /// A constant for programs.
        reason: String,
        /// Cause and way out.
        message: String,
    },
    /// Something outside did not answer.
    #[error("{0}")]
    Unavailable(String),
}

fn first(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .first()
        .map(|found| {
            let hint = found.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            format!("{}: {}{hint}", found.path, found.message)
        })
        .unwrap_or_default()
}

/// What is decided about.
pub(super) struct Subject<'a> {
    pub(super) instance: &'a Value,
    pub(super) reference: &'a InstanceReference,
    pub(super) template: &'a str,
    pub(super) revision: &'a str,
    pub(super) entries: &'a [Entry],
    /// The instance's `spec` as it was last carried out.
    pub(super) previous_spec: Option<&'a Value>,
}

/// Gathers until the planner has decided.
pub(super) async fn decide(context: &Context, graph: &Graph, subject: &Subject<'_>) -> Result<Decision, GatherError> {
    let mut answers = Answers::default();
    let scope = scope(subject.reference, subject.template, subject.revision);
    for _ in 0..MOST_ROUNDS {
        let inputs = Inputs {
            instance: subject.instance,
            reference: subject.reference,
            revision: subject.revision,
            context: decide::Context {
                previous_spec: subject.previous_spec.cloned(),
                fingerprint_key: context.fingerprint_key.0.clone(),
                ..decide::Context::default()
            },
            entries: subject.entries,
            answers: &answers,
        };
        match decide::decide(graph, &inputs).map_err(GatherError::Refused)? {
            Step::Decided(decision) => return Ok(*decision),
            Step::Needs(needs) => {
                let found = futures::future::join_all(needs.iter().map(|need| answer(context, &scope, need))).await;
                for (need, answer) in needs.iter().zip(found) {
                    match answer? {
                        Answer::Node(node) => answers.nodes.insert(need.key().to_owned(), node).map(drop),
                        Answer::External(observation) => answers.externals.insert(need.key().to_owned(), observation).map(drop),
                    };
                }
            }
        }
    }
    Err(GatherError::Unavailable("the planner asks without end; this is a defect of Windlass".into()))
}

enum Answer {
    Node(NodeAnswer),
    External(Observation),
}

async fn answer(context: &Context, scope: &Scope, need: &Need) -> Result<Answer, GatherError> {
    match need {
        Need::Node(desired) => plan_node(context, scope, desired).await.map(Answer::Node),
        Need::External { reference, .. } => read_external(context, reference).await.map(Answer::External),
    }
}

async fn plan_node(context: &Context, scope: &Scope, desired: &DesiredNode) -> Result<NodeAnswer, GatherError> {
    // An operation of which it is not known whether it happened blocks its node until it is known.
    if let Some(entry) = desired.entries.iter().find(|entry| entry.state == windlass_api::inventory::EntryState::Unknown) {
        let message = entry.message.clone().unwrap_or_else(|| format!("it cannot be told whether {} was changed", entry.identity));
        return Ok(blocked(Observation::Unknown { message }));
    }
    if let Some(token) = desired.entries.iter().find_map(|entry| entry.operation.as_ref()?.token.clone()) {
        return Ok(blocked(Observation::InProgress { token, message: "the operation goes on".into() }));
    }
    let Some(driver) = context.drivers.get(desired.block, &desired.target) else {
        return Err(GatherError::Node {
            key: desired.key.clone(),
            reason: "TargetMissing".into(),
            message: format!(
                "the target `{}` does not serve `{}` blocks here\n  hint: `windlass doctor` says which targets this installation has",
                desired.target,
                desired.block.name()
            ),
        });
    };
    driver.plan(scope, desired).await.map_err(|error| match error {
        DriverError::Refused { reason, message } => GatherError::Node { key: desired.key.clone(), reason: reason.to_owned(), message },
        DriverError::Unavailable { message } => GatherError::Unavailable(message),
    })
}

fn blocked(observation: Observation) -> NodeAnswer {
    NodeAnswer {
        observation,
        action: Action::None,
        effects: Vec::new(),
        changes: Vec::new(),
        staleness: BTreeMap::new(),
        note: None,
        warnings: Vec::new(),
        conflict: None,
    }
}

async fn read_external(context: &Context, reference: &ExternalReference) -> Result<Observation, GatherError> {
    let unavailable = |error: kube::Error| GatherError::Unavailable(windlass_client::errors::message(&error));
    let kind = match objects::discover(&context.client, &reference.api_version, &reference.kind).await {
        Ok(kind) => kind,
        Err(error) if windlass_client::errors::is_not_found(&error) => return Ok(Observation::Absent),
        Err(error) => return Err(unavailable(error)),
    };
    let api = kind.api(&context.client, reference.namespace.as_deref());
    let outputs = match (&reference.name, &reference.selector) {
        (Some(name), _) => match objects::get(&api, name).await.map_err(unavailable)? {
            Some(object) => serde_json::to_value(object).unwrap_or_default(),
            None => return Ok(Observation::Absent),
        },
        (None, selector) => {
            let parameters = kube::api::ListParams { label_selector: selector.clone(), limit: Some(1000), ..Default::default() };
            let mut found = api.list(&parameters).await.map_err(unavailable)?.items;
            found.sort_by(|a, b| (&a.metadata.namespace, &a.metadata.name).cmp(&(&b.metadata.namespace, &b.metadata.name)));
            serde_json::to_value(found).unwrap_or_default()
        }
    };
    let secret = reference.kind == "Secret" && reference.api_version == "v1";
    let sensitive = if secret { vec!["data".into(), "stringData".into()] } else { Vec::new() };
    Ok(Observation::Present { outputs, sensitive, health: Health::ready(), uid: None })
}
