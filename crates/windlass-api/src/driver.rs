//! What a driver is given and what it answers, as plain values. The `Driver` trait itself is in `windlass-drivers`;
//! the pure planner needs only these.

use crate::diagnostic::Diagnostic;
use crate::plan::{Action, Block, EffectPlan, FieldChange, Identity, InstanceReference};
use crate::planned::Planned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A node as the Template wants it, rendered as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredNode {
    /// `id`, or `id[INDEX]`.
    pub key: String,
    /// Node id in the Template.
    pub node: String,
    /// Which building block.
    pub block: Block,
    /// Name of the Target.
    pub target: String,
    /// The rendered block: for `template` the object; for `externalRef` the reference; for `workload` a [`crate::workload::Workload`].
    pub body: Planned,
    /// The entries that the inventory already has for this key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<crate::inventory::Entry>,
}

/// What is there. An unknown thing is not an absent one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Observation {
    /// It is not there.
    #[default]
    Absent,
    /// It is there.
    #[serde(rename_all = "camelCase")]
    Present {
        /// For `template` and `externalRef` the object itself; else the block's outputs.
        outputs: Value,
        /// Dotted paths in `outputs` that are secret.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sensitive: Vec<String>,
        /// Health as the block knows it, before any `readyWhen`.
        health: Health,
        /// UID of the object, or of the process.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uid: Option<String>,
    },
    /// An operation goes on outside; ask again with this token.
    InProgress {
        /// What the driver needs to follow it.
        token: String,
        /// For people.
        message: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why, and what a person can do.
        message: String,
    },
}

/// Health as a block knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether it does its work.
    pub ready: bool,
    /// A constant for programs, such as `ProbeFailing`.
    pub reason: String,
    /// A sentence with the way out; no times, no counters.
    #[serde(default)]
    pub message: String,
    /// Parts, such as replicas, each with its own health; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartHealth>,
}

impl Health {
    /// It does its work.
    pub fn ready() -> Self {
        Self { ready: true, reason: "Ready".into(), message: String::new(), parts: Vec::new() }
    }

    /// It does not, because.
    pub fn not_ready(reason: &str, message: impl Into<String>) -> Self {
        Self { ready: false, reason: reason.into(), message: message.into(), parts: Vec::new() }
    }
}

/// Health of a part of a node, such as one replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartHealth {
    /// Effect key, such as `app/replica-0`.
    pub key: String,
    /// Whether it does its work.
    pub ready: bool,
    /// A constant for programs.
    pub reason: String,
    /// A sentence with the way out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Facts for people, such as `pid`, `port`, `restarts`, `exit code`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// A driver's answer about one desired node: what is there and what would be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeAnswer {
    /// What is there.
    pub observation: Observation,
    /// What would be done to the node.
    pub action: Action,
    /// Its effects, also those that stay as they are and those that would go.
    pub effects: Vec<EffectPlan>,
    /// Field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// What the answer was made from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub staleness: BTreeMap<String, String>,
    /// One sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What may surprise; becomes the plan's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
    /// Set where the node cannot be made: somebody else holds it. Names the holder and the way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<String>,
}

/// One effect to be taken. `op_id` was stored in the inventory before a driver sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// hash(instance UID, effect key, desired hash, attempt), in hex; put where the outside can show it again.
    pub op_id: String,
    /// Whom it is for.
    pub instance: InstanceReference,
    /// Name of the Template, for labels.
    pub template: String,
    /// Name of the TemplateRevision, for labels.
    pub revision: String,
    /// Node key.
    pub key: String,
    /// Name of the Target.
    pub target: String,
    /// The effect and what is done to it.
    pub effect: EffectPlan,
    /// The rendered node with secrets filled in; never logged.
    pub desired: Value,
    /// What a `Pending` answer gave last time.
    pub token: Option<String>,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done {
        /// UID of what is there now, where it has one.
        uid: Option<String>,
    },
    /// It goes on outside.
    Pending {
        /// What the driver needs to follow it; stored.
        token: String,
        /// When to ask again, in milliseconds.
        poll_after_milliseconds: u64,
        /// For people.
        message: String,
    },
    /// It failed and changed nothing, or exactly what `observe` shows.
    Failed {
        /// A constant for programs.
        reason: String,
        /// Cause and way out.
        message: String,
        /// Whether trying again can help without a change by a person.
        retry: bool,
    },
    /// It cannot be told whether it happened.
    Unknown {
        /// Why, and what a person can do.
        message: String,
    },
}

/// What became of a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It did not happen and will not.
    Cancelled,
    /// It happened, or cannot be stopped any more.
    TooLate,
    /// It cannot be told.
    Unknown,
}

/// Identity of a thing together with where it is, for shared records of what really happened.
pub type Place = (String, Identity);
