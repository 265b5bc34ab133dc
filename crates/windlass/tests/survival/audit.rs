//! Effects stay within approved plans: judged from the store's history of API writes, in their order, across kills.
//!
//! An effect needs a Run that was stored before it, names it in its plan, and has not ended. Nothing that a driver says counts.

use crate::snapshot::{Change, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use windlass_api::plan::{Action, EffectPlan};
use windlass_api::run::Run;
use windlass_store::EventKind;

/// What an instance's Run may do, and whether it may still.
#[derive(Default)]
struct Known {
    effects: Vec<EffectPlan>,
    finished: bool,
}

/// See the module head.
#[derive(Default)]
pub(crate) struct Audit {
    /// By instance UID and name of the Run.
    runs: BTreeMap<(String, String), Known>,
    /// Effect keys of all plans, by instance UID.
    pub(crate) planned: BTreeMap<String, BTreeSet<String>>,
    /// Writes that changed an object of an instance: `create ConfigMap NAME`, and how often.
    pub(crate) counted: BTreeMap<String, usize>,
    /// What must not have happened, in sentences.
    pub(crate) violations: Vec<String>,
}

impl Audit {
    /// Takes up what happened next.
    pub(crate) fn follow(&mut self, changes: &[Change]) {
        for change in changes {
            match text(&change.object, "/kind") {
                "Run" => self.run(change),
                "ConfigMap" => self.effect(change),
                _ => {}
            }
        }
    }

    fn run(&mut self, change: &Change) {
        if change.kind == EventKind::Deleted {
            return;
        }
        let Ok(run) = serde_json::from_value::<Run>(change.object.clone()) else {
            self.violations.push(format!("a Run that cannot be read: {}", text(&change.object, "/metadata/name")));
            return;
        };
        let name = run.metadata.name.clone().unwrap_or_default();
        let state = |object: &Value| text(object, "/status/state").to_owned();
        if let Some(before) = change.before.as_ref().filter(|before| crate::phases::is_finished(before))
            && state(before) != state(&change.object)
        {
            self.violations.push(format!("the Run {name} had ended as {} and became {}", state(before), state(&change.object)));
        }
        let uid = run.spec.instance.uid.clone();
        let effects: Vec<EffectPlan> = run.plan().into_iter().flat_map(|plan| plan.nodes).flat_map(|node| node.effects).collect();
        let keys = effects.iter().filter(|effect| effect.action.changes()).map(|effect| effect.key.clone());
        self.planned.entry(uid.clone()).or_default().extend(keys);
        self.runs.insert((uid, name), Known { effects, finished: run.state().is_finished() });
    }

    fn effect(&mut self, change: &Change) {
        let object = &change.object;
        let uid = object["metadata"]["labels"]["windlass.dev/instance-id"].as_str().unwrap_or_default();
        let same = change.before.as_ref().is_some_and(|before| before["data"] == object["data"]);
        if uid.is_empty() || (change.kind == EventKind::Modified && same) {
            return;
        }
        let name = text(object, "/metadata/name");
        let (verb, allowed): (&str, &[Action]) = match change.kind {
            EventKind::Created => ("create", &[Action::Create]),
            EventKind::Modified => ("change", &[Action::Create, Action::Update]),
            EventKind::Deleted => ("delete", &[Action::Delete]),
        };
        *self.counted.entry(format!("{verb} ConfigMap {name}")).or_default() += 1;
        let covers = |known: &Known| {
            let is_named = |effect: &&EffectPlan| effect.identity.kind == "ConfigMap" && effect.identity.name == name;
            !known.finished && known.effects.iter().filter(is_named).any(|effect| allowed.contains(&effect.action))
        };
        if !self.runs.iter().any(|((of, _), known)| of == uid && covers(known)) {
            let of_instance = self.runs.iter().filter(|((of, _), _)| of == uid);
            let known: Vec<String> = of_instance
                .map(|((_, run), known)| {
                    let effects = known.effects.iter().map(|effect| format!("{:?} {}", effect.action, effect.key)).collect::<Vec<_>>();
                    format!("{run}{}: {}", if known.finished { " (ended)" } else { "" }, effects.join(", "))
                })
                .collect();
            let version = change.version;
            self.violations.push(format!("version {version}: {verb} ConfigMap {name} stands in no open Run's plan; there are {known:#?}"));
        }
    }
}
