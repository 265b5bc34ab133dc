//! Judges writes one after the other. Pure.

use super::request::Target;
use super::{Effect, Hand, Place};
use serde_json::Value;
use std::collections::HashMap;
use windlass_api::names;
use windlass_api::plan::{Action, EffectPlan, Identity, NodePlan, Plan};
use windlass_api::run::{Cause, Mode, Run, Verdict};
use windlass_api::template::Approval;

/// Everything seen so far.
#[derive(Default)]
pub(super) struct Known {
    pub(super) effects: Vec<Effect>,
    pub(super) writes: Vec<String>,
    runs: Vec<KnownRun>,
    /// By group and plural: the kind.
    kinds: HashMap<(String, String), String>,
    /// Who applied an object last: the UID of an instance.
    owners: HashMap<Identity, String>,
    /// The resourceVersion of an object when it was last written here.
    versions: HashMap<Identity, String>,
    /// What a TemplateRevision asks of people.
    policies: HashMap<String, Approval>,
}

struct KnownRun {
    namespace: Option<String>,
    name: String,
    instance: String,
    revision: String,
    cause: Cause,
    plan: Plan,
    ended: bool,
    needs_approval: bool,
    approved: bool,
}

impl Known {
    /// A write is about to be sent. A Run counts from here on: its answer may be lost.
    pub(super) fn before(&mut self, hand: Hand, target: &Target, sent: &Value) {
        let made = hand == Hand::Windlass && target.group == names::GROUP && !target.deletes && target.part.is_empty();
        if made && target.plural == "runs" {
            self.learn_run(target, sent);
        }
    }

    /// A write was done.
    pub(super) fn after(&mut self, hand: Hand, target: &Target, sent: &Value, answered: &Value, created: bool) {
        let identity = self.identity(target, sent, answered);
        if target.group == names::GROUP && target.plural == "runs" && !target.deletes {
            self.learn_run(target, answered);
        }
        if target.group == names::GROUP && target.plural == "templaterevisions" && created {
            let policy = answered.pointer("/spec/content/policy/approval").cloned().unwrap_or_default();
            self.policies.insert(identity.name.clone(), serde_json::from_value(policy).unwrap_or_default());
        }
        let before = if target.deletes { self.versions.remove(&identity) } else { self.remember_version(&identity, answered) };
        if hand == Hand::Person {
            return;
        }
        let version = answered.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        // An answer with the version that was known already changed nothing.
        let unchanged = !created && !target.deletes && before.is_some() && before.as_deref() == version;
        if !unchanged {
            self.writes.push(format!("{} {} {}", target.plural, identity.name, target.part));
        }
        let instance = target.manager.as_deref().and_then(|manager| manager.strip_prefix("windlass:")).map(str::to_owned);
        if target.deletes {
            if let Some(owner) = self.owners.get(&identity).cloned() {
                self.effect(Some(owner), Action::Delete, Place::Object(identity));
            } else if !is_bookkeeping(target, sent) {
                self.effect(None, Action::Delete, Place::Object(identity));
            }
            return;
        }
        if (instance.is_none() && is_bookkeeping(target, sent)) || unchanged {
            return;
        }
        if let Some(instance) = &instance {
            self.owners.insert(identity.clone(), instance.clone());
        }
        self.effect(instance, if created { Action::Create } else { Action::Update }, Place::Object(identity));
    }

    /// Something happened: is there a plan that allows it?
    pub(super) fn effect(&mut self, instance: Option<String>, action: Action, place: Place) {
        let mut reasons = Vec::new();
        let mut of_instance = self.runs.iter().filter(|run| instance.as_ref().is_none_or(|uid| *uid == run.instance)).peekable();
        if of_instance.peek().is_none() {
            reasons.push("it has no Run".to_owned());
        }
        let mut allowed = false;
        for run in of_instance {
            match self.refusal(run, action, &place) {
                None => allowed = true,
                Some(why) => reasons.push(format!("{}: {why}", run.name)),
            }
        }
        let violation = (!allowed).then(|| {
            let whose = instance.as_deref().unwrap_or("nobody");
            format!("{} {place} for instance {whose} stands in no approved plan ({})", action.word(), reasons.join("; "))
        });
        self.effects.push(Effect { instance, action, place, violation });
    }

    fn refusal(&self, run: &KnownRun, action: Action, place: &Place) -> Option<String> {
        if run.ended {
            return Some("it has ended".into());
        }
        let policy = self.policies.get(&run.revision).copied().unwrap_or_default();
        let asked = match policy {
            Approval::Never => false,
            Approval::Destructive => run.plan.is_destructive(),
            Approval::Always => true,
        };
        if (run.needs_approval || (asked && run.cause != Cause::Delete)) && !run.approved {
            return Some("nobody approved it".into());
        }
        (!run.plan.nodes.iter().any(|node| allows(node, action, place))).then(|| "it is not in its plan".into())
    }

    fn learn_run(&mut self, target: &Target, object: &Value) {
        let Ok(run) = serde_json::from_value::<Run>(object.clone()) else { return };
        let Some(name) = run.metadata.name.clone() else { return };
        let Some(plan) = run.plan().filter(|_| run.spec.mode == Mode::Execute) else { return };
        let author = run.metadata.annotations.as_ref().and_then(|annotations| annotations.get(names::ANNOTATION_CHANGED_BY));
        let authored = author.is_some_and(|author| !author.is_empty() && author != "unknown");
        let decision = run.spec.decision.as_ref();
        let approved =
            authored && decision.is_some_and(|decision| decision.verdict == Verdict::Approved && decision.plan_hash == plan.hash);
        let known = self.runs.iter_mut().find(|known| known.name == name && known.namespace == target.namespace);
        let ended = run.state().is_finished();
        let needs_approval = run.status.as_ref().is_some_and(|status| status.approval_needed);
        match known {
            Some(known) if known.instance == run.spec.instance.uid => {
                known.ended |= ended;
                known.needs_approval |= needs_approval;
                known.approved |= approved;
            }
            // The record of an instance of the same name that is gone.
            other => {
                let new = KnownRun {
                    namespace: target.namespace.clone(),
                    name,
                    instance: run.spec.instance.uid.clone(),
                    revision: run.spec.revision.clone(),
                    cause: run.spec.cause,
                    plan,
                    ended,
                    needs_approval,
                    approved,
                };
                match other {
                    Some(known) => *known = new,
                    None => self.runs.push(new),
                }
            }
        }
    }

    fn identity(&mut self, target: &Target, sent: &Value, answered: &Value) -> Identity {
        let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let key = (target.group.clone(), target.plural.clone());
        if let Some(kind) = text(answered, "/kind").filter(|kind| kind != "Status") {
            self.kinds.insert(key.clone(), kind);
        }
        let named = Some(target.name.clone()).filter(|name| !name.is_empty());
        Identity {
            kind: self.kinds.get(&key).cloned().unwrap_or_else(|| target.plural.clone()),
            api_version: Some(target.api_version()),
            namespace: target.namespace.clone(),
            name: named.or_else(|| text(answered, "/metadata/name")).or_else(|| text(sent, "/metadata/name")).unwrap_or_default(),
        }
    }

    fn remember_version(&mut self, identity: &Identity, answered: &Value) -> Option<String> {
        let version = answered.pointer("/metadata/resourceVersion").and_then(Value::as_str)?;
        self.versions.insert(identity.clone(), version.to_owned())
    }
}

/// Whether a write of Windlass keeps its own books and has no effect of its own.
fn is_bookkeeping(target: &Target, sent: &Value) -> bool {
    let ours = target.manager.as_deref() == Some(names::MANAGER_SYSTEM);
    let only_finalizers = || {
        sent.as_object().is_some_and(|fields| fields.keys().all(|key| key == "metadata"))
            && sent["metadata"].as_object().is_some_and(|fields| fields.keys().all(|key| key == "finalizers" || key == "resourceVersion"))
    };
    match (target.group.as_str(), target.plural.as_str()) {
        (names::GROUP, _) | ("" | "events.k8s.io", "events") => true,
        // Publishing a kind is what a Template is for.
        ("apiextensions.k8s.io", "customresourcedefinitions") => ours || target.deletes,
        ("", "namespaces") => ours && target.name == names::SYSTEM_NAMESPACE,
        // Records in our own namespace.
        ("", "secrets" | "configmaps") if target.namespace.as_deref() == Some(names::SYSTEM_NAMESPACE) => ours || target.deletes,
        // Of an instance only status and finalizer are ours; a Template whose policy says so takes its instances along.
        _ => target.part == "status" || only_finalizers() || (target.deletes && target.group == names::GENERATED_GROUP),
    }
}

/// Whether a node of a plan has this effect.
fn allows(node: &NodePlan, action: Action, place: &Place) -> bool {
    let same = |effect: &EffectPlan| match place {
        Place::Object(identity) => effect.identity == *identity,
        Place::Outside(key) => effect.key == *key,
    };
    if node.effects.iter().any(|effect| same(effect) && covers(effect.action, action)) {
        return true;
    }
    let Some(envelope) = node.envelope.as_ref().filter(|_| node.action == Action::Deferred) else { return false };
    let inside = match place {
        Place::Object(identity) => {
            envelope.kinds.contains(&identity.kind)
                && identity.namespace.as_ref().is_none_or(|namespace| envelope.namespaces.contains(namespace))
        }
        Place::Outside(key) => key.split(['[', '/']).next() == Some(node.node.as_str()),
    };
    inside && envelope.actions.iter().any(|allowed| covers(*allowed, action))
}

/// Whether what happened is what was planned, or a part of it.
fn covers(planned: Action, happened: Action) -> bool {
    planned == happened
        || (planned == Action::Replace && matches!(happened, Action::Delete | Action::Create))
        || (planned == Action::Adopt && happened == Action::Update)
}
