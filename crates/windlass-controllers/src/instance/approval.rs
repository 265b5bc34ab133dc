//! Whether a person must approve a plan, and what a person said. Pure.

use windlass_api::names;
use windlass_api::plan::Plan;
use windlass_api::run::{Decision, Run, Verdict};
use windlass_api::template::{Approval, DeletionPolicy, DriftPolicy, Policy};

/// The policies in force: the Template's, or what the instance's annotations ask for where that is more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Policies {
    pub(super) approval: Approval,
    pub(super) drift: DriftPolicy,
    pub(super) deletion: DeletionPolicy,
}

impl Policies {
    /// Reads both.
    pub(super) fn new(template: Option<&Policy>, annotation: impl Fn(&str) -> Option<String>) -> Self {
        let approval = match annotation(names::ANNOTATION_APPROVAL).as_deref() {
            Some("always") => Approval::Always,
            Some("destructive") => Approval::Destructive,
            _ => Approval::Never,
        };
        let drift = match annotation(names::ANNOTATION_DRIFT).as_deref() {
            Some("ignore") => DriftPolicy::Ignore,
            Some("report") => DriftPolicy::Report,
            _ => DriftPolicy::Correct,
        };
        let deletion = annotation(names::ANNOTATION_DELETION_POLICY).filter(|policy| policy == "Orphan").map(|_| DeletionPolicy::Orphan);
        Self {
            approval: approval.max(template.and_then(|policy| policy.approval).unwrap_or_default()),
            drift: drift.max(template.and_then(|policy| policy.drift).unwrap_or_default()),
            deletion: deletion.or_else(|| template.and_then(|policy| policy.deletion_policy)).unwrap_or_default(),
        }
    }
}

/// The decision about a Run, if the API says who wrote it: without an author approvals fail closed.
pub(super) fn authored(run: &Run) -> Option<&Decision> {
    let author = run.metadata.annotations.as_ref().and_then(|annotations| annotations.get(names::ANNOTATION_CHANGED_BY));
    author.filter(|author| !author.is_empty() && author.as_str() != "unknown").and(run.spec.decision.as_ref())
}

/// Where a plan stands with people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may be carried out.
    Free,
    /// A person must look at it.
    Waits,
    /// A person said no.
    Rejected,
}

/// Where this plan stands, given what was decided about it. A decision about another plan does not count.
pub(super) fn standing(plan: &Plan, approval: Approval, decision: Option<&Decision>) -> Standing {
    let decided = decision.filter(|decision| decision.plan_hash == plan.hash).map(|decision| decision.verdict);
    match decided {
        Some(Verdict::Rejected) => return Standing::Rejected,
        Some(Verdict::Approved) => return Standing::Free,
        None => {}
    }
    let needed = match approval {
        Approval::Never => false,
        Approval::Destructive => plan.is_destructive(),
        Approval::Always => plan.has_changes(),
    };
    if needed { Standing::Waits } else { Standing::Free }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_can_ask_for_more_and_never_for_less() {
        let template = Policy { approval: Some(Approval::Destructive), drift: Some(DriftPolicy::Report), deletion_policy: None };
        let of = |value: &'static str| {
            Policies::new(Some(&template), move |name| (name == names::ANNOTATION_APPROVAL).then(|| value.to_owned()))
        };
        assert_eq!(of("never").approval, Approval::Destructive);
        assert_eq!(of("always").approval, Approval::Always);
        assert_eq!(of("always").drift, DriftPolicy::Report);
    }

    #[test]
    fn a_decision_binds_only_the_plan_that_was_looked_at() {
        let plan = Plan {
            instance: windlass_api::plan::InstanceReference::default(),
            revision: String::new(),
            nodes: Vec::new(),
            warnings: Vec::new(),
            quantities: Vec::new(),
            hash: "new".into(),
        };
        let decision =
            |hash: &str| Decision { verdict: Verdict::Rejected, plan_hash: hash.into(), by: String::new(), reason: String::new() };
        assert_eq!(standing(&plan, Approval::Never, Some(&decision("old"))), Standing::Free);
        assert_eq!(standing(&plan, Approval::Never, Some(&decision("new"))), Standing::Rejected);
    }
}
