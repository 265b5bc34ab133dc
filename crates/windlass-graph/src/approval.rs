//! Whether a person must approve a plan, and what a person said. Pure; no clock: what is too old is known by its plan, which
//! is no longer the present one.
//!
//! [`standing`] answers for any plan; [`deletion`] and [`approves_deletion`] for what happens before an instance goes.

use crate::deletion::deletion_plan;
use std::collections::BTreeMap;
use windlass_api::inventory::InventorySpec;
use windlass_api::plan::{InstanceReference, Plan};
use windlass_api::run::{Decision, Mode, Run, Verdict};
use windlass_api::template::{Approval, DeletionPolicy, DriftPolicy, Policy};
use windlass_api::{did_you_mean, names};

/// The policies in force: the Template's, or what the instance's annotations ask for where that is more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// When a person must look at a plan.
    pub approval: Approval,
    /// What happens when somebody else changed what we made.
    pub drift: DriftPolicy,
    /// What happens to what was made when the instance goes.
    pub deletion: DeletionPolicy,
}

impl Policies {
    /// Reads both; `annotation` answers with the instance's annotation of that name.
    ///
    /// # Errors
    /// An annotation holds a word that is none; taken as "no wish" it would let through what somebody meant to hold.
    pub fn new(template: Option<&Policy>, annotation: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let drift = [("correct", DriftPolicy::Correct), ("report", DriftPolicy::Report), ("ignore", DriftPolicy::Ignore)];
        let drift = wish(names::ANNOTATION_DRIFT, &annotation, &drift)?.unwrap_or_default();
        Ok(Self {
            approval: asked(&annotation)?.max(template.and_then(|policy| policy.approval).unwrap_or_default()),
            drift: drift.max(template.and_then(|policy| policy.drift).unwrap_or_default()),
            deletion: orphaned(&annotation)?.or_else(|| template.and_then(|policy| policy.deletion_policy)).unwrap_or_default(),
        })
    }
}

fn asked(annotation: impl Fn(&str) -> Option<String>) -> Result<Approval, String> {
    let words = [("never", Approval::Never), ("destructive", Approval::Destructive), ("always", Approval::Always)];
    Ok(wish(names::ANNOTATION_APPROVAL, annotation, &words)?.unwrap_or_default())
}

/// Only more can be asked for: where the Template orphans, `Delete` changes nothing.
fn orphaned(annotation: impl Fn(&str) -> Option<String>) -> Result<Option<DeletionPolicy>, String> {
    let words = [("Delete", DeletionPolicy::Delete), ("Orphan", DeletionPolicy::Orphan)];
    Ok(wish(names::ANNOTATION_DELETION_POLICY, annotation, &words)?.filter(|policy| *policy == DeletionPolicy::Orphan))
}

/// What an annotation asks for, by one of these words.
fn wish<T: Copy>(name: &str, annotation: impl Fn(&str) -> Option<String>, words: &[(&str, T)]) -> Result<Option<T>, String> {
    let Some(given) = annotation(name) else { return Ok(None) };
    match words.iter().find(|(word, _)| *word == given) {
        Some((_, policy)) => Ok(Some(*policy)),
        None => {
            let hint = did_you_mean(&given, words.iter().map(|(word, _)| *word)).unwrap_or_default();
            Err(format!("the annotation `{name}` cannot be `{given}`, so nothing is done\n  hint: {hint}"))
        }
    }
}

/// The decision about a Run, if the API says who wrote it: without an author approvals fail closed.
pub fn authored(run: &Run) -> Option<&Decision> {
    let author = run.metadata.annotations.as_ref().and_then(|annotations| annotations.get(names::ANNOTATION_CHANGED_BY));
    author.filter(|author| !author.is_empty() && author.as_str() != "unknown").and(run.spec.decision.as_ref())
}

/// Where a plan stands with people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be carried out.
    Free,
    /// A person must look at it.
    Waits,
    /// A person said no.
    Rejected,
}

/// Where this plan stands, given what was decided about it. A decision about another plan does not count.
pub fn standing(plan: &Plan, approval: Approval, decision: Option<&Decision>) -> Standing {
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

/// What deleting an instance now would do, and when a person must approve that.
pub fn deletion(reference: &InstanceReference, inventory: &InventorySpec, annotation: impl Fn(&str) -> Option<String>) -> (Plan, Approval) {
    let (policy, approval) = of_deletion(inventory, annotation);
    (deletion_plan(reference, &inventory.entries, policy), approval)
}

/// The policies in force for a deletion: the record's, or what the instance's annotations ask for where that is more.
pub fn of_deletion(inventory: &InventorySpec, annotation: impl Fn(&str) -> Option<String>) -> (DeletionPolicy, Approval) {
    let (policy, wanted) = (orphaned(&annotation), asked(&annotation));
    let approval = match (&policy, wanted) {
        (Ok(_), Ok(wanted)) => inventory.approval.max(wanted),
        // Whoever wrote a word that is none wanted something else than what happens without it: a person looks.
        (Err(_), _) | (_, Err(_)) => Approval::Always,
    };
    (policy.ok().flatten().unwrap_or(inventory.deletion_policy), approval)
}

/// Whether a person approved with this Run the deletion that this plan describes: of the same instance, of exactly the same
/// things, the UIDs of objects included.
pub fn approves_deletion(run: &Run, plan: &Plan) -> bool {
    let is_request = run.spec.mode == Mode::Plan && run.spec.deletes;
    let is_same = run.plan().is_some_and(|looked_at| {
        looked_at.instance == plan.instance && looked_at.hash == plan.hash && staleness(&looked_at) == staleness(plan)
    });
    let approved = authored(run).is_some_and(|decision| decision.verdict == Verdict::Approved && decision.plan_hash == plan.hash);
    is_request && is_same && approved
}

fn staleness(plan: &Plan) -> BTreeMap<&String, &String> {
    plan.nodes.iter().flat_map(|node| &node.staleness).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_api::inventory::{Entry, EntryState};
    use windlass_api::plan::Identity;
    use windlass_api::run::{RunSpec, RunStatus, State};

    #[test]
    fn an_instance_can_ask_for_more_and_never_for_less() {
        let template = Policy { approval: Some(Approval::Destructive), drift: Some(DriftPolicy::Report), deletion_policy: None };
        let of = |value: &'static str| {
            Policies::new(Some(&template), move |name| (name == names::ANNOTATION_APPROVAL).then(|| value.to_owned())).expect("a policy")
        };
        assert_eq!(of("never").approval, Approval::Destructive);
        assert_eq!(of("always").approval, Approval::Always);
        assert_eq!(of("always").drift, DriftPolicy::Report);
    }

    #[test]
    fn a_policy_that_is_none_is_no_leave_to_go_on() {
        let said = |name: &'static str, value: &'static str| Policies::new(None, annotated(name, value)).expect_err("no policy");
        assert_eq!(
            said(names::ANNOTATION_APPROVAL, "alwayz"),
            "the annotation `windlass.dev/approval` cannot be `alwayz`, so nothing is done\n  hint: did you mean `always`?"
        );
        assert!(said(names::ANNOTATION_DELETION_POLICY, "orphan").ends_with("did you mean `Orphan`?"));
        assert!(said(names::ANNOTATION_DRIFT, "").ends_with("there are: correct, report, ignore"));
    }

    #[test]
    fn a_decision_binds_only_the_plan_that_was_looked_at() {
        let plan = deletion(&reference(), &InventorySpec::default(), |_| None).0;
        let decision =
            |hash: &str| Decision { verdict: Verdict::Rejected, plan_hash: hash.into(), by: String::new(), reason: String::new() };
        assert_eq!(standing(&plan, Approval::Never, Some(&decision("old"))), Standing::Free);
        assert_eq!(standing(&plan, Approval::Never, Some(&decision(&plan.hash))), Standing::Rejected);
    }

    fn reference() -> InstanceReference {
        InstanceReference { kind: "WebApp".into(), name: "shop".into(), uid: "u".into(), ..InstanceReference::default() }
    }

    fn inventory(approval: Approval, object: &str) -> InventorySpec {
        let identity = Identity { kind: "ConfigMap".into(), api_version: Some("v1".into()), namespace: None, name: "a".into() };
        let entry =
            Entry { key: "a".into(), node: "a".into(), identity, uid: Some(object.into()), state: EntryState::Present, ..Entry::default() };
        InventorySpec { approval, entries: vec![entry], ..InventorySpec::default() }
    }

    fn annotated(name: &'static str, value: &'static str) -> impl Fn(&str) -> Option<String> {
        move |asked| (asked == name).then(|| value.to_owned())
    }

    #[test]
    fn a_deletion_waits_where_the_record_or_the_instance_asks_for_it() {
        let check = |approval, annotation: &dyn Fn(&str) -> Option<String>| {
            let (plan, approval) = deletion(&reference(), &inventory(approval, "1"), annotation);
            standing(&plan, approval, None)
        };
        assert_eq!(check(Approval::Never, &|_| None), Standing::Free);
        assert_eq!(check(Approval::Destructive, &|_| None), Standing::Waits);
        assert_eq!(check(Approval::Always, &|_| None), Standing::Waits);
        assert_eq!(check(Approval::Never, &annotated(names::ANNOTATION_APPROVAL, "destructive")), Standing::Waits);
        assert_eq!(check(Approval::Always, &annotated(names::ANNOTATION_APPROVAL, "never")), Standing::Waits);
        assert_eq!(check(Approval::Never, &annotated(names::ANNOTATION_DELETION_POLICY, "orphan")), Standing::Waits);
        // Releasing all of it is always offered.
        assert_eq!(check(Approval::Always, &annotated(names::ANNOTATION_DELETION_POLICY, "Orphan")), Standing::Free);
        // So is letting go of an instance that never made anything.
        let (nothing, approval) =
            deletion(&reference(), &InventorySpec { approval: Approval::Always, ..InventorySpec::default() }, |_| None);
        assert_eq!(standing(&nothing, approval, None), Standing::Free);
    }

    fn request(plan: &Plan, verdict: Verdict, author: Option<&str>) -> Run {
        let decision = Decision { verdict, plan_hash: plan.hash.clone(), by: String::new(), reason: String::new() };
        let mut run = Run {
            spec: RunSpec { mode: Mode::Plan, deletes: true, decision: Some(decision), ..RunSpec::default() },
            status: Some(RunStatus { state: State::Succeeded, plan: serde_json::to_value(plan).ok(), ..RunStatus::default() }),
            ..Run::default()
        };
        run.metadata.annotations = author.map(|author| [(names::ANNOTATION_CHANGED_BY.to_owned(), author.to_owned())].into());
        run
    }

    #[test]
    fn an_approval_counts_for_the_same_things_of_the_same_instance_only() {
        let of = |object| deletion(&reference(), &inventory(Approval::Always, object), |_| None).0;
        let plan = of("1");
        assert!(approves_deletion(&request(&plan, Verdict::Approved, Some("ann")), &plan));
        assert!(!approves_deletion(&request(&plan, Verdict::Rejected, Some("ann")), &plan));
        assert!(!approves_deletion(&request(&plan, Verdict::Approved, None), &plan), "nobody is known to have said it");
        assert!(!approves_deletion(&request(&plan, Verdict::Approved, Some("ann")), &of("2")), "another object of the same name");
        let other = InstanceReference { uid: "v".into(), ..reference() };
        let other = deletion(&other, &inventory(Approval::Always, "1"), |_| None).0;
        assert!(!approves_deletion(&request(&plan, Verdict::Approved, Some("ann")), &other), "another instance of the same name");
        let mut change = request(&plan, Verdict::Approved, Some("ann"));
        change.spec.deletes = false;
        assert!(!approves_deletion(&change, &plan), "the preview of a change");
    }
}
