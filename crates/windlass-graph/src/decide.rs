//! Graph + instance + what was observed → what is needed next, or the decision: plan, health, status.
//!
//! Pure: [`decide`] is called with the answers so far and says what it still needs; when nothing is missing it returns the
//! [`Decision`]. Nothing is guessed: a value that only exists after an effect is later, a choice that hangs on one is
//! deferred within an envelope. Start with [`decide`], then `planner`.

mod because;
mod names;
mod planner;
mod quantities;
mod rendering;
mod standing;

use crate::graph::Graph;
use serde_json::Value;
use std::collections::BTreeMap;
use windlass_api::Diagnostic;
use windlass_api::condition::Condition;
use windlass_api::driver::{DesiredNode, NodeAnswer, Observation, PartHealth};
use windlass_api::instance::WaitingOn;
use windlass_api::inventory::Entry;
use windlass_api::plan::{Action, Block, InstanceReference, Plan};

/// What is decided about.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The whole instance object, defaults applied.
    pub instance: &'a Value,
    /// The instance as plans name it.
    pub reference: &'a InstanceReference,
    /// Name of the TemplateRevision.
    pub revision: &'a str,
    /// What is known of the surroundings.
    pub context: Context,
    /// The inventory.
    pub entries: &'a [Entry],
    /// What was answered so far.
    pub answers: &'a Answers,
}

/// What is known of an instance's surroundings.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Target of nodes that name none; by block if absent.
    pub target: Option<String>,
    /// The Environment as expressions see it: `name`, `type`, `labels`.
    pub environment: Option<Value>,
    /// The Project as expressions see it: `name`, `labels`.
    pub project: Option<Value>,
    /// The instance's `spec` as it was last carried out: what `quantities` are compared with.
    pub previous_spec: Option<Value>,
    /// Key of the installation, for fingerprints of secrets. Without it they are keyed by the instance's UID only.
    pub fingerprint_key: Vec<u8>,
}

/// What was answered so far.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Drivers' answers by node key.
    pub nodes: BTreeMap<String, NodeAnswer>,
    /// Objects that are only read, by node key.
    pub externals: BTreeMap<String, Observation>,
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum Step {
    /// These must be answered first.
    Needs(Vec<Need>),
    /// Nothing is missing.
    Decided(Box<Decision>),
}

/// Something that must be answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Need {
    /// A driver's plan of a node.
    Node(Box<DesiredNode>),
    /// An object that is only read.
    External {
        /// Node key.
        key: String,
        /// Which object.
        reference: ExternalReference,
    },
}

impl Need {
    /// Node key that the answer is filed under.
    pub fn key(&self) -> &str {
        match self {
            Self::Node(node) => &node.key,
            Self::External { key, .. } => key,
        }
    }
}

/// An object, or several, that are only read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalReference {
    /// `group/version`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for kinds without one, and for a selector over all namespaces.
    pub namespace: Option<String>,
    /// Name; absent where a selector is given.
    pub name: Option<String>,
    /// Label selector in the text form of the API; the answer is then a list.
    pub selector: Option<String>,
}

/// What would be done, and how everything stands.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What would be done.
    pub plan: Plan,
    /// How the nodes stand, in the order of execution.
    pub nodes: Vec<NodeState>,
    /// The author's status fields that are known.
    pub status: Value,
    /// kro's author conditions that are known.
    pub conditions: Vec<Condition>,
    /// Whether everything is there, ready, and nothing is left to do.
    pub ready: bool,
    /// What it waits for; `since` is left empty.
    pub waiting_on: Vec<WaitingOn>,
    /// Keys of nodes with work whose dependencies are ready now.
    pub runnable: Vec<String>,
    /// Whether nothing is left to do.
    pub settled: bool,
    /// Rendered nodes by key with secrets filled in, where all is known; for effects only, never shown or stored.
    pub bodies: BTreeMap<String, Value>,
    /// Where the instance answers, as `http://NAME.NAMESPACE.localhost:PORT`.
    pub url: Option<String>,
    /// Where programs reach it, as `127.0.0.1:PORT`.
    pub address: Option<String>,
}

/// How a node stands.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeState {
    /// `id`, or `id[INDEX]`.
    pub key: String,
    /// Node id in the Template.
    pub node: String,
    /// Which building block.
    pub block: Block,
    /// Name of the Target.
    pub target: String,
    /// How it stands.
    pub state: NodeStanding,
    /// A constant for programs.
    pub reason: String,
    /// A sentence with the way out.
    pub message: String,
    /// What would be done to it.
    pub action: Action,
    /// Parts, such as replicas.
    pub parts: Vec<PartHealth>,
}

/// How a node stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeStanding {
    /// Not wanted.
    Skipped,
    /// Work is left, and something it needs is not ready.
    Waiting,
    /// It does its work.
    Ready,
    /// Work is left that can be done now, or it is there and does not do its work yet.
    NotReady,
    /// What is done is decided later.
    Deferred,
    /// Somebody else holds it.
    Conflict,
    /// It cannot be told.
    Unknown,
}

/// Decides, or says what is needed first.
///
/// # Errors
/// The instance's values cannot be used: with the place in the Template, and the way out.
pub fn decide(graph: &Graph, inputs: &Inputs<'_>) -> Result<Step, Vec<Diagnostic>> {
    let mut planner = planner::Planner::new(graph, inputs)?;
    for index in &graph.order.sequence {
        planner.visit(*index);
    }
    planner.finish()
}

#[cfg(test)]
mod tests;
