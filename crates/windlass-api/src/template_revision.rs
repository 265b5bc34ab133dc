//! `TemplateRevision`: one accepted state of a Template, never changed again. Instances are rendered from it.

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An immutable copy of a Template's spec.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "windlass.dev",
    version = "v1alpha1",
    kind = "TemplateRevision",
    plural = "templaterevisions",
    shortname = "tplrev",
    category = "windlass",
    derive = "PartialEq",
    printcolumn = r#"{"name":"TEMPLATE","type":"string","jsonPath":".spec.template"}"#,
    printcolumn = r#"{"name":"NUMBER","type":"integer","jsonPath":".spec.number"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    crates(kube_core = "kube_core", k8s_openapi = "k8s_openapi", schemars = "schemars", serde = "serde", serde_json = "serde_json")
)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRevisionSpec {
    /// Name of the Template.
    pub template: String,
    /// UID of the Template.
    pub template_uid: String,
    /// Counts from 1 per Template.
    pub number: i64,
    /// sha256 of the canonical JSON of `content`, in hex.
    pub hash: String,
    /// The Template's spec as it was.
    #[schemars(schema_with = "crate::template::free_object")]
    pub content: Value,
}
