//! `Inventory`: what exists because of an instance, with all that deleting it needs.
//!
//! It lives in `windlass-system` under the instance's UID, so that deleting the instance's namespace cannot take the
//! memory away before the effects. An entry is written as `Started` before its effect.

use crate::plan::{Block, Identity, InstanceReference};
use crate::template::{Approval, DeletionPolicy};
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many entries one object holds at most; more go to shards named `UID-1`, `UID-2`, ...
pub const SHARD_SIZE: usize = 500;

/// What exists because of one instance. Named after the instance's UID.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "windlass.dev",
    version = "v1alpha1",
    kind = "Inventory",
    plural = "inventories",
    category = "windlass",
    namespaced,
    derive = "PartialEq",
    printcolumn = r#"{"name":"KIND","type":"string","jsonPath":".spec.instance.kind"}"#,
    printcolumn = r#"{"name":"INSTANCE-NAMESPACE","type":"string","jsonPath":".spec.instance.namespace"}"#,
    printcolumn = r#"{"name":"INSTANCE","type":"string","jsonPath":".spec.instance.name"}"#,
    printcolumn = r#"{"name":"LAST RUN","type":"integer","jsonPath":".spec.lastRun"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    crates(kube_core = "kube_core", k8s_openapi = "k8s_openapi", schemars = "schemars", serde = "serde", serde_json = "serde_json")
)]
#[serde(rename_all = "camelCase")]
pub struct InventorySpec {
    /// Whom it is about.
    pub instance: InstanceReference,
    /// Name of the Template; deletion does not need it.
    #[serde(default)]
    pub template: String,
    /// Number of the newest Run; reserved here by compare-and-swap before the Run is made.
    #[serde(default)]
    pub last_run: i64,
    /// Name of the Run that is open, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_run: Option<String>,
    /// Raised by a new leader before it acts; an old one's write then fails.
    #[serde(default)]
    pub epoch: i64,
    /// What happens to the entries when the instance goes.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// When a person must approve the plan that deletes them; the instance's annotation can ask for more.
    #[serde(default)]
    pub approval: Approval,
    /// How many further objects hold entries.
    #[serde(default)]
    pub shards: u32,
    /// Effect by effect.
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// Corrections of drift, per entry, field and foreign manager.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
}

/// One effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Effect key, unique within the instance.
    pub key: String,
    /// Node key.
    pub node: String,
    /// Which building block, and so which driver.
    pub block: Option<Block>,
    /// Version of the driver that made it.
    #[serde(default)]
    pub driver_version: u32,
    /// Name of the Target.
    pub target: String,
    /// UID of the Target, so that another one of the same name is not mistaken for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_uid: Option<String>,
    /// What it is.
    pub identity: Identity,
    /// UID of the object, once known; deletion is bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Wave in which it was made; deletion goes backwards.
    #[serde(default)]
    pub wave: usize,
    /// Stage within its node; deletion goes backwards.
    #[serde(default)]
    pub stage: u8,
    /// What is known of it.
    #[serde(default)]
    pub state: EntryState,
    /// The newest operation on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<StartedOperation>,
    /// Whether it was there before us: it is then released, not deleted, unless asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// sha256 of the rendered node when this effect was last taken.
    #[serde(default)]
    pub desired_hash: String,
    /// What else deletion needs, in the driver's own words; no secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// Why it is `Unknown`, or why its deletion is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What is known of an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EntryState {
    /// It will be made.
    #[default]
    Planned,
    /// An operation may have begun.
    Started,
    /// It is there.
    Present,
    /// It cannot be told.
    Unknown,
    /// It was deleted; the entry goes at the end of the Run.
    Gone,
}

/// An operation that may have begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedOperation {
    /// See [`crate::driver::Operation::op_id`].
    pub op_id: String,
    /// The leader's epoch when it was written.
    #[serde(default)]
    pub epoch: i64,
    /// Counts from 1.
    #[serde(default)]
    pub attempt: u32,
    /// Whether the operation deletes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletes: bool,
    /// What a `Pending` answer gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Name of the Run that started it.
    #[serde(default)]
    pub run: String,
}

/// How often a foreign manager's change of one field was put back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// Effect key.
    pub key: String,
    /// Field path.
    pub field: String,
    /// The foreign field manager.
    pub manager: String,
    /// How often.
    pub count: u32,
    /// When it was last put back, RFC 3339.
    pub last: String,
}

/// Name of the Inventory of an instance.
pub fn name_of(uid: &str) -> String {
    uid.to_owned()
}
