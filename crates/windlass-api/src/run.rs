//! `Run`: the record of one change: plan, cause, who, approval, steps, effects, result. Also the preview of something not saved.
//!
//! People decide by writing `spec` (`decision`, `cancel`, `resolutions`); controllers write `status` only.

use crate::condition::Condition;
use crate::driver::PartHealth;
use crate::plan::{Action, Block, Identity, InstanceReference, Summary};
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// How long a preview is kept, in seconds.
pub const PREVIEW_TIME_TO_LIVE_SECONDS: i64 = 3600;
/// How many succeeded Runs are kept per instance.
pub const KEPT_SUCCEEDED: usize = 10;
/// How many Runs that did not succeed are kept per instance.
pub const KEPT_OTHERS: usize = 20;

/// One change.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "windlass.dev",
    version = "v1alpha1",
    kind = "Run",
    plural = "runs",
    category = "windlass",
    namespaced,
    status = "RunStatus",
    derive = "PartialEq",
    derive = "Default",
    printcolumn = r#"{"name":"KIND","type":"string","jsonPath":".spec.instance.kind"}"#,
    printcolumn = r#"{"name":"INSTANCE","type":"string","jsonPath":".spec.instance.name"}"#,
    printcolumn = r#"{"name":"MODE","type":"string","jsonPath":".spec.mode","description":"Execute, or Plan for a preview that changes nothing"}"#,
    printcolumn = r#"{"name":"CAUSE","type":"string","jsonPath":".spec.cause"}"#,
    printcolumn = r#"{"name":"STATE","type":"string","jsonPath":".status.state"}"#,
    printcolumn = r#"{"name":"PLAN","type":"string","jsonPath":".status.planned"}"#,
    printcolumn = r#"{"name":"BY","type":"string","jsonPath":".spec.by","priority":1}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    crates(kube_core = "kube_core", k8s_openapi = "k8s_openapi", schemars = "schemars", serde = "serde", serde_json = "serde_json")
)]
#[serde(rename_all = "camelCase")]
pub struct RunSpec {
    /// Whether it is carried out or only planned.
    #[serde(default)]
    pub mode: Mode,
    /// Whom it is about. In a preview its `uid` may be empty.
    pub instance: InstanceReference,
    /// Counts from 1 per instance; 0 in a preview.
    #[serde(default)]
    pub number: i64,
    /// Why it was opened.
    #[serde(default)]
    pub cause: Cause,
    /// One phrase for people on the cause, such as `size S → L`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Who asked for it: the last author of the instance, or `windlass` for what it does by itself; `unknown` where nobody stamped it.
    #[serde(default)]
    pub by: String,
    /// Name of the TemplateRevision; empty for a deletion.
    #[serde(default)]
    pub revision: String,
    /// Generation of the instance that was planned.
    #[serde(default)]
    pub generation: i64,
    /// The instance's `spec` at that time, so that one can go back to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::template::free_object")]
    pub values: Option<Value>,
    /// The plan ([`crate::plan::Plan`]) that bounds what is done; read it with [`Run::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::template::free_object")]
    pub plan: Option<Value>,
    /// The object that a preview is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::template::free_object")]
    pub proposal: Option<Value>,
    /// Whether the preview is of the proposal's deletion.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletes: bool,
    /// The Run of which this is a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What a person decided about the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// A person asks to stop at the next node boundary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel: bool,
    /// What a person says about effects that cannot be observed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolutions: Vec<Resolution>,
}

impl Run {
    /// The plan, wherever it stands: in the spec of a Run that is carried out, in the status of a preview.
    pub fn plan(&self) -> Option<crate::plan::Plan> {
        let value = self.spec.plan.as_ref().or_else(|| self.status.as_ref()?.plan.as_ref())?;
        serde_json::from_value(value.clone()).ok()
    }

    /// Where it is; `Pending` before its first status.
    pub fn state(&self) -> State {
        self.status.as_ref().map(|status| status.state).unwrap_or_default()
    }
}

/// Whether a Run is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// It is.
    #[default]
    Execute,
    /// It only shows its plan.
    Plan,
}

/// Why a Run was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Cause {
    /// The instance's values changed, or it is new.
    #[default]
    Spec,
    /// The Template changed.
    Revision,
    /// Something that the Template reads changed.
    Upstream,
    /// Somebody else changed what we made.
    Drift,
    /// A person asked for another try.
    Retry,
    /// It was time.
    Schedule,
    /// The instance is being deleted.
    Delete,
}

/// What a person decided about a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Approved or rejected.
    pub verdict: Verdict,
    /// Hash of the plan that was looked at.
    pub plan_hash: String,
    /// Who.
    #[serde(default)]
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl fmt::Display for Decision {
    /// `rejected by USER: too large`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.verdict {
            Verdict::Approved => "approved",
            Verdict::Rejected => "rejected",
        })?;
        if !self.by.is_empty() {
            write!(f, " by {}", self.by)?;
        }
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        Ok(())
    }
}

/// Approved or rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Verdict {
    Approved,
    Rejected,
}

/// What a person says about an effect that cannot be observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// Effect key.
    pub key: String,
    /// What is true.
    pub verdict: ResolutionVerdict,
}

/// What is true of an effect that cannot be observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ResolutionVerdict {
    /// It happened.
    Done,
    /// It did not; do it again.
    Retry,
}

/// Where a Run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum State {
    /// Opened, not begun.
    #[default]
    Pending,
    /// A person must approve its plan.
    AwaitingApproval,
    /// It acts.
    Running,
    /// It has done all it can and waits for the outside.
    Waiting,
    /// Done.
    Succeeded,
    /// Given up, or waits for its next attempt (see `attempt` and `retryAt`).
    Failed,
    /// A newer Run took its place.
    Superseded,
    /// A person said no.
    Rejected,
    /// A person stopped it.
    Cancelled,
}

impl State {
    /// Whether it never takes another effect.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Superseded | Self::Rejected | Self::Cancelled)
    }
}

/// What became of a Run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Where it is.
    #[serde(default)]
    pub state: State,
    /// One sentence: what it does, what it waits for, or why it failed, with the way out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The plan ([`crate::plan::Plan`]) of a preview; that of a Run that is carried out stands in its spec. Read it with [`Run::plan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::template::free_object")]
    pub plan: Option<Value>,
    /// Hash of the plan.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan_hash: String,
    /// The plan in a phrase, as `1 change · 2 create`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub planned: String,
    /// The plan in numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Whether a person's approval is needed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approval_needed: bool,
    /// When it began, RFC 3339 with microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended, RFC 3339 with microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Counts from 1.
    #[serde(default)]
    pub attempt: u32,
    /// When a failed attempt is tried again, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
    /// Node by node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Succeeded, for `wait --for=condition`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// What was done to one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Node key.
    pub key: String,
    /// Which building block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// Name of the Target.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// What is done.
    #[serde(default)]
    pub action: Action,
    /// Where it is.
    #[serde(default)]
    pub state: StepState,
    /// One sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// RFC 3339 with microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// RFC 3339 with microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Effects that were taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<TakenEffect>,
    /// Parts, such as replicas, as last seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartHealth>,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StepState {
    /// Not begun.
    #[default]
    Pending,
    /// It acts.
    Running,
    /// Its effects are taken, it waits until it is ready or for the outside.
    Waiting,
    /// Done.
    Succeeded,
    /// Failed.
    Failed,
    /// Not wanted, or nothing to do.
    Skipped,
    /// It cannot be told; a person decides.
    Unknown,
}

/// An effect that a Run took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakenEffect {
    /// Effect key.
    pub key: String,
    /// What was done.
    pub action: Action,
    /// To what.
    pub identity: Identity,
    /// By which operation.
    #[serde(default)]
    pub op_id: String,
    /// `Done`, `Pending`, `Failed` or `Unknown`.
    #[serde(default)]
    pub outcome: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_in_words() {
        let decision =
            |by: &str, reason: &str| Decision { verdict: Verdict::Rejected, plan_hash: "h".into(), by: by.into(), reason: reason.into() };
        assert_eq!(decision("admin", "too large").to_string(), "rejected by admin: too large");
        assert_eq!(decision("", "").to_string(), "rejected");
        assert_eq!(Decision { verdict: Verdict::Approved, ..decision("admin", "") }.to_string(), "approved by admin");
    }
}
