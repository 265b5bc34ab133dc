//! `Template`: what a platform team writes once and everybody else asks for.
//!
//! The parts that a Template's own author defines (schema, resources, form) stay free JSON here; `windlass-graph` gives
//! them meaning and says what is wrong with them.

use crate::condition::Condition;
use crate::diagnostic::Diagnostic;
use indexmap::IndexMap;
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A free JSON object whose unknown fields are kept.
pub fn free_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// A list of free JSON objects.
pub fn free_objects(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}})
}

/// See `docs/templates.md`; `schema` and `resources` are those of kro's ResourceGraphDefinition.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "windlass.dev",
    version = "v1alpha1",
    kind = "Template",
    plural = "templates",
    shortname = "tpl",
    category = "windlass",
    status = "TemplateStatus",
    derive = "PartialEq",
    derive = "Default",
    printcolumn = r#"{"name":"KIND","type":"string","jsonPath":".spec.schema.kind"}"#,
    printcolumn = r#"{"name":"READY","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"REVISION","type":"string","jsonPath":".status.revision"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    crates(kube_core = "kube_core", k8s_openapi = "k8s_openapi", schemars = "schemars", serde = "serde", serde_json = "serde_json")
)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSpec {
    /// Name for people, such as `Web application`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// One line: what you get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Who answers for it, as `group:platform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Markdown, shown in the portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// The API that it publishes: kind, apiVersion, group, scope, plural, spec, types, status, columns.
    #[schemars(schema_with = "free_object")]
    pub schema: Value,
    /// T-shirt sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Sizes>,
    /// Order, groups and widgets of the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free_object")]
    pub form: Option<Value>,
    /// The nodes of the graph.
    #[serde(default)]
    #[schemars(schema_with = "free_objects")]
    pub resources: Vec<Value>,
    /// What is asked before and after a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// One typed table of sizes: every size has the same keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sizes {
    /// The size taken where none is named; the first one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Size name → key → value (quantity, number, string, boolean, money).
    #[schemars(schema_with = "free_object")]
    pub values: IndexMap<String, IndexMap<String, Value>>,
}

/// What is asked before and after a change. An instance can ask for more, never for less.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// When a person must approve a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What happens when somebody else changed what we made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftPolicy>,
    /// What happens to what was made when the instance is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
}

/// When a person must approve a plan; ordered from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Changes run at once.
    #[default]
    Never,
    /// A plan that deletes or replaces waits.
    Destructive,
    /// Every plan waits.
    Always,
}

impl Approval {
    /// The word in a Template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Destructive => "destructive",
            Self::Always => "always",
        }
    }
}

/// What happens when somebody else changed what we made; ordered from least to most cautious.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftPolicy {
    /// Put back, with back-off when it is fought over.
    #[default]
    Correct,
    /// Said, left as it is.
    Report,
    /// Neither.
    Ignore,
}

/// What happens to what was made when the instance is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays, without an owner.
    Orphan,
}

/// What became of a Template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateStatus {
    /// `Active` or `Inactive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The generation that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Name of the TemplateRevision that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The kind that it publishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PublishedKind>,
    /// Ready, GraphAccepted, KindReady, and KindTaken or DeletionBlocked where they apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What is wrong with it, or may surprise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// Node ids in the order in which they are made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topological_order: Vec<String>,
}

/// A kind published by a Template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishedKind {
    /// API group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural, as in the URL.
    pub plural: String,
    /// Whether instances live in namespaces.
    pub namespaced: bool,
}

impl PublishedKind {
    /// `group/version`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}
