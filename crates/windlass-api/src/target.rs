//! `Target`: where things go.

use crate::condition::Condition;
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of the Target that is the API itself; always there.
pub const CONTROL_PLANE: &str = "control-plane";
/// Name of the Target that is this machine.
pub const LOCAL: &str = "local";

/// A place that nodes can be put on.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "windlass.dev",
    version = "v1alpha1",
    kind = "Target",
    plural = "targets",
    category = "windlass",
    status = "TargetStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"TYPE","type":"string","jsonPath":".spec.type"}"#,
    printcolumn = r#"{"name":"READY","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    crates(kube_core = "kube_core", k8s_openapi = "k8s_openapi", schemars = "schemars", serde = "serde", serde_json = "serde_json")
)]
#[serde(rename_all = "camelCase")]
pub struct TargetSpec {
    /// What kind of place it is.
    #[serde(rename = "type")]
    pub type_: TargetType,
}

/// What kind of place a Target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TargetType {
    /// The Kubernetes API that Windlass itself uses.
    #[serde(rename = "control-plane")]
    ControlPlane,
    /// Processes on this machine.
    #[serde(rename = "local")]
    Local,
}

/// What is known of a Target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetStatus {
    /// Ready, with the reason why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
