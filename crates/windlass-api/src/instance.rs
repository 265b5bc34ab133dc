//! What stands in the status of every instance of a kind that a Template published.

use crate::condition::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Status fields that Windlass writes beside the Template's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// `Pending`, `Progressing`, `Ready`, `Degraded`, `AwaitingApproval`, `Failed` or `Deleting`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Ready and what it sums up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The generation that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Name of the TemplateRevision that it was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Name of the newest Run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<String>,
    /// What it waits for; empty when ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting_on: Vec<WaitingOn>,
    /// What exists because of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<InventorySummary>,
    /// Where it answers, as `http://NAME.NAMESPACE.localhost:PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where programs reach it, as `127.0.0.1:PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A child that is not ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingOn {
    /// Node key.
    pub node: String,
    /// A constant for programs.
    pub reason: String,
    /// A sentence with the way out.
    pub message: String,
    /// Since when, RFC 3339 in whole seconds.
    pub since: String,
}

/// What exists because of an instance, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventorySummary {
    /// Effects that are there.
    pub present: u32,
    /// Effects of which it cannot be told.
    #[serde(default)]
    pub unknown: u32,
}
