//! The Plan: what a change would do, as a value. What people see is what is hashed, approved, and bounds what is done.

use crate::diagnostic::Diagnostic;
use crate::planned::Planned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The instance that a Plan, Run or Inventory is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceReference {
    /// `group/version`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for a cluster-scoped kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// UID; empty in the preview of something that does not exist yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

impl InstanceReference {
    /// The instance that an object is. What it does not say is empty.
    pub fn of(object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            namespace: Some(text("/metadata/namespace")).filter(|namespace| !namespace.is_empty()),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
        }
    }

    /// API group of its kind; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }
}

impl fmt::Display for InstanceReference {
    /// `WebApp shop-dev/shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// Which building block a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Block {
    /// A Kubernetes object.
    Template,
    /// An object that is only read.
    ExternalRef,
    /// A Score workload.
    Workload,
}

impl Block {
    /// Every block, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Template, Self::ExternalRef, Self::Workload];

    /// The key in a Template's node.
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::ExternalRef => "externalRef",
            Self::Workload => "workload",
        }
    }
}

/// What is done to a node or an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It is as it should be.
    #[default]
    None,
    /// It is only read.
    Read,
    /// It does not exist and is made.
    Create,
    /// It exists and is changed in place.
    Update,
    /// It exists, was not made by us, and becomes ours.
    Adopt,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Delete,
    /// What is done is decided later, within an envelope.
    Deferred,
}

impl Action {
    /// Whether anything outside changes.
    pub fn changes(self) -> bool {
        !matches!(self, Self::None | Self::Read)
    }

    /// Whether something existing is lost.
    pub fn is_destructive(self) -> bool {
        matches!(self, Self::Delete | Self::Replace)
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "unchanged",
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "change",
            Self::Adopt => "adopt",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Deferred => "known later",
        }
    }
}

/// What one effect is, so that it can be found and deleted without the Template. Never holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The resource's kind (`ConfigMap`), or `Process`, `Route`, `Files` for what is no API object.
    pub kind: String,
    /// `group/version` of an API object; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Namespace, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name, unique among its kind in its namespace on its target.
    pub name: String,
}

impl fmt::Display for Identity {
    /// `ConfigMap shop-dev/app-config`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// One thing that can be deleted by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectPlan {
    /// Unique within the instance and stable over time: the node's key, or `NODE/PART`.
    pub key: String,
    /// What is done to it.
    pub action: Action,
    /// What it is.
    pub identity: Identity,
    /// Effects of one node are taken in ascending stages; those of one stage in any order.
    #[serde(default)]
    pub stage: u8,
    /// One phrase for people, such as `port 41817`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Where, as `spec.replicas`.
    pub path: String,
    /// The value as it is; absent if the field is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Planned>,
    /// The value as it will be; absent if the field goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Planned>,
    /// From where the new value comes, as `size M`, `spec.port`, `template line 41`, `revision 3`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// The field manager that set the present value, where it was not us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_by: Option<String>,
    /// Whether this field forces a replacement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
}

/// The bounds of a decision that comes later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Resource kinds that may appear.
    pub kinds: Vec<String>,
    /// Namespaces that may be touched.
    pub namespaces: Vec<String>,
    /// Targets that may be touched.
    pub targets: Vec<String>,
    /// Actions that may be taken.
    pub actions: Vec<Action>,
    /// How many items at most.
    pub max_items: u32,
}

/// What is done to one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePlan {
    /// `id`, or `id[INDEX]` for an item of a collection. A node that is only in the inventory keeps the key it has there.
    pub key: String,
    /// Node id in the Template.
    pub node: String,
    /// Which building block.
    pub block: Block,
    /// Name of the Target.
    pub target: String,
    /// What is done.
    pub action: Action,
    /// Position in the order of execution, from 0.
    pub wave: usize,
    /// Keys of nodes that must be ready before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// The rendered block.
    pub desired: Planned,
    /// What it consists of. Empty while deferred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<EffectPlan>,
    /// Field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// Bounds, where the action is deferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    /// Nodes (as `node.path`) that a deferred decision or a later value waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// What the plan was made from: if one of these changed, it is stale. Not part of the hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub staleness: BTreeMap<String, String>,
    /// One sentence for people: why it is replaced, or why nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Money or another quantity before and after, with its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuantityChange {
    /// What is counted: `price`, `cpu`, `memory`, or another key of the size table.
    pub name: String,
    /// As it is, with its unit; absent for a new instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As it will be, with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What a change would do, all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Whom it is about.
    pub instance: InstanceReference,
    /// The TemplateRevision that it was rendered from; empty for a deletion, which needs none.
    #[serde(default)]
    pub revision: String,
    /// Node by node, in the order of execution.
    pub nodes: Vec<NodePlan>,
    /// What may surprise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
    /// Cost and quantities, summed over the graph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantities: Vec<QuantityChange>,
    /// sha256 over actions, identities, rendered fields and fingerprints, in hex. Staleness keys, uids and our labels do not count.
    #[serde(default)]
    pub hash: String,
}

impl Plan {
    /// Whether carrying it out would change anything.
    pub fn has_changes(&self) -> bool {
        self.nodes.iter().any(|node| node.action.changes())
    }

    /// Whether carrying it out may lose something that exists.
    pub fn is_destructive(&self) -> bool {
        self.nodes.iter().any(|node| {
            node.action.is_destructive()
                || node.effects.iter().any(|effect| effect.action.is_destructive())
                || node.envelope.as_ref().is_some_and(|envelope| envelope.actions.iter().any(|a| a.is_destructive()))
        })
    }

    /// How many nodes there are of each action.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for node in &self.nodes {
            match node.action {
                Action::None | Action::Read => summary.unchanged += 1,
                Action::Create => summary.create += 1,
                Action::Update => summary.update += 1,
                Action::Adopt => summary.adopt += 1,
                Action::Replace => summary.replace += 1,
                Action::Delete => summary.delete += 1,
                Action::Deferred => summary.deferred += 1,
            }
        }
        summary
    }
}

/// How many nodes of a plan there are of each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each field is the Action of the same name")]
pub struct Summary {
    #[serde(default)]
    pub replace: u32,
    #[serde(default)]
    pub delete: u32,
    #[serde(default)]
    pub update: u32,
    #[serde(default)]
    pub create: u32,
    #[serde(default)]
    pub adopt: u32,
    #[serde(default)]
    pub deferred: u32,
    #[serde(default)]
    pub unchanged: u32,
}

impl fmt::Display for Summary {
    /// `1 replace · 2 change · 1 create · 1 known later`, or `no changes`. The worst comes first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.replace, Action::Replace),
            (self.delete, Action::Delete),
            (self.update, Action::Update),
            (self.create, Action::Create),
            (self.adopt, Action::Adopt),
            (self.deferred, Action::Deferred),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, action)| format!("{count} {}", action.word())).collect();
        if said.is_empty() { f.write_str("no changes") } else { f.write_str(&said.join(" · ")) }
    }
}
