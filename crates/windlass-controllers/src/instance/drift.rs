//! Drift: what to do when somebody else changed what we made. Corrections back off and end in a report. Pure.

use jiff::SignedDuration;
use windlass_api::inventory::Correction;
use windlass_api::plan::{Action, Plan};
use windlass_api::template::DriftPolicy;

/// First pause after a correction.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// Longest pause after a correction.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// A field that was put back so often without a quiet day is only reported.
const MOST_CORRECTIONS: u32 = 5;
/// After so long without a fight the count begins anew.
const QUIET: SignedDuration = SignedDuration::from_hours(24);

/// What is done about drift now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Keys of nodes that are left as they are for now.
    pub(super) held: Vec<String>,
    /// What is said, sorted; empty where nothing drifted.
    pub(super) reports: Vec<String>,
    /// When to look again, where a correction waits for its time.
    pub(super) again_in: Option<SignedDuration>,
    /// The corrections that carrying out the plan makes.
    pub(super) corrections: Vec<Correction>,
}

/// Judges a plan. `since(time)` is how long ago a time was; `now` is the time as it is stored.
pub(super) fn judge(plan: &Plan, known: &[Correction], policy: DriftPolicy, since: impl Fn(&str) -> SignedDuration, now: &str) -> Verdict {
    let mut verdict = Verdict::default();
    for node in plan.nodes.iter().filter(|node| node.action == Action::Update) {
        let foreign: Vec<_> = node.changes.iter().filter_map(|change| Some((change, change.drift_by.as_ref()?))).collect();
        // A change of ours goes along with drift in the same object: then the whole object is applied.
        if foreign.is_empty() || foreign.len() < node.changes.len() {
            continue;
        }
        let mut hold = policy != DriftPolicy::Correct;
        for (change, manager) in foreign {
            let before = known.iter().find(|c| c.key == node.key && c.field == change.path && &c.manager == manager);
            let before = before.filter(|c| since(&c.last) < QUIET);
            let count = before.map_or(0, |c| c.count);
            if policy != DriftPolicy::Ignore && (count >= 1 || policy == DriftPolicy::Report) {
                verdict.reports.push(format!("`{}` of {} was changed by `{manager}`", change.path, node.key));
            }
            if count >= MOST_CORRECTIONS {
                hold = true;
            } else if let Some(before) = before {
                let pause = pause_after(before.count);
                let passed = since(&before.last);
                if passed < pause {
                    hold = true;
                    let left = pause - passed;
                    verdict.again_in = Some(verdict.again_in.map_or(left, |known| known.min(left)));
                }
            }
            verdict.corrections.push(Correction {
                key: node.key.clone(),
                field: change.path.clone(),
                manager: manager.clone(),
                count: count + 1,
                last: now.to_owned(),
            });
        }
        if hold {
            verdict.corrections.retain(|correction| correction.key != node.key);
            verdict.held.push(node.key.clone());
        }
    }
    verdict.reports.sort();
    verdict.reports.dedup();
    verdict
}

fn pause_after(count: u32) -> SignedDuration {
    FIRST_PAUSE.saturating_mul(1 << count.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

/// Puts new corrections in the place of older ones of the same field and manager.
pub(super) fn remember(known: &mut Vec<Correction>, new: Vec<Correction>) {
    known.retain(|old| !new.iter().any(|c| c.key == old.key && c.field == old.field && c.manager == old.manager));
    known.extend(new);
    // A bound on what one instance can make us keep.
    let excess = known.len().saturating_sub(100);
    known.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_api::plan::{Block, FieldChange, InstanceReference, NodePlan};
    use windlass_api::planned::Planned;

    fn plan_with_drift() -> Plan {
        let change = FieldChange {
            path: "data.k".into(),
            before: None,
            after: None,
            because: Vec::new(),
            drift_by: Some("kubectl-edit".into()),
            forces_replacement: false,
        };
        let node = NodePlan {
            key: "config".into(),
            node: "config".into(),
            block: Block::Template,
            target: "control-plane".into(),
            action: Action::Update,
            wave: 0,
            depends_on: Vec::new(),
            desired: Planned::Known(serde_json::Value::Null),
            effects: Vec::new(),
            changes: vec![change],
            envelope: None,
            waits_for: Vec::new(),
            staleness: std::collections::BTreeMap::new(),
            note: None,
        };
        let instance = InstanceReference::default();
        Plan { instance, revision: String::new(), nodes: vec![node], warnings: Vec::new(), quantities: Vec::new(), hash: String::new() }
    }

    fn after(count: u32, passed: SignedDuration) -> Verdict {
        let known = Correction { key: "config".into(), field: "data.k".into(), manager: "kubectl-edit".into(), count, last: "then".into() };
        judge(&plan_with_drift(), &[known], DriftPolicy::Correct, |_| passed, "now")
    }

    #[test]
    fn the_first_correction_is_at_once_and_says_nothing() {
        let verdict = judge(&plan_with_drift(), &[], DriftPolicy::Correct, |_| SignedDuration::ZERO, "now");
        assert_eq!((verdict.held.len(), verdict.reports.len(), verdict.corrections[0].count), (0, 0, 1));
    }

    #[test]
    fn later_ones_wait_longer_and_name_the_hand() {
        let verdict = after(2, SignedDuration::from_secs(30));
        assert_eq!(verdict.held, ["config"]);
        assert_eq!(verdict.reports, ["`data.k` of config was changed by `kubectl-edit`"]);
        assert_eq!(verdict.again_in, Some(SignedDuration::from_secs(90)));
        assert!(after(2, SignedDuration::from_mins(3)).held.is_empty());
    }

    #[test]
    fn the_sixth_is_only_reported_until_a_quiet_day() {
        assert_eq!(after(5, SignedDuration::from_hours(2)).held, ["config"]);
        assert_eq!(after(5, SignedDuration::from_hours(25)).corrections[0].count, 1);
    }

    #[test]
    fn report_only_changes_nothing() {
        let verdict = judge(&plan_with_drift(), &[], DriftPolicy::Report, |_| SignedDuration::ZERO, "now");
        assert_eq!((verdict.held.len(), verdict.reports.len(), verdict.corrections.len()), (1, 1, 0));
    }
}
