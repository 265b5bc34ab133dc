//! Rows of lists: what is kept of a Template, a Run and an instance after a watch saw it.

use crate::cache::KindKey;
use crate::model::query::escape;
use crate::model::tone::{self, Mark, Tone};
use kube::ResourceExt as _;
use kube::api::{DynamicObject, ObjectMeta};
use serde_json::Value;
use windlass_api::condition::{self, Condition};
use windlass_api::instance::InstanceStatus;
use windlass_api::names::{condition_type, reason};
use windlass_api::plan::InstanceReference;
use windlass_api::run::{Cause, Mode, Run, State, StepState};
use windlass_api::template::{PublishedKind, Template};

/// Texts that come from people are cut to this many characters in lists.
const SHORT: usize = 400;

/// A Template.
pub(crate) struct TemplateRow {
    /// Its name.
    pub(crate) name: String,
    /// Name for people.
    pub(crate) title: String,
    /// What you get.
    pub(crate) summary: String,
    /// Who answers for it.
    pub(crate) owner: String,
    /// What it publishes, once it does.
    pub(crate) kind: Option<PublishedKind>,
    /// Whether the kind can be asked for.
    pub(crate) is_served: bool,
    /// Its Ready condition.
    pub(crate) ready: Option<Condition>,
    /// The revision that serves.
    pub(crate) revision: String,
}

impl TemplateRow {
    /// Reads a row; `None` where the object is no Template.
    pub(crate) fn read(object: &DynamicObject) -> Option<Self> {
        let template: Template = object.clone().try_parse().ok()?;
        let status = template.status.unwrap_or_default();
        let is = |type_: &str| condition::get(&status.conditions, type_).map(Condition::is_true);
        let title = template.spec.title.unwrap_or_else(|| object.name_any());
        Some(Self {
            name: object.name_any(),
            title: short(&title),
            summary: short(template.spec.summary.as_deref().unwrap_or_default()),
            owner: short(template.spec.owner.as_deref().unwrap_or_default()),
            is_served: status.kind.is_some()
                && is(condition_type::KIND_READY) != Some(false)
                && is(condition_type::KIND_TAKEN) != Some(true),
            kind: status.kind,
            ready: condition::get(&status.conditions, condition_type::READY).cloned(),
            revision: status.revision.unwrap_or_default(),
        })
    }

    /// Group and kind that it publishes.
    pub(crate) fn key(&self) -> Option<KindKey> {
        self.kind.as_ref().map(|kind| (kind.group.clone(), kind.kind.clone()))
    }

    /// Its state.
    pub(crate) fn mark(&self) -> Mark {
        match &self.ready {
            None => Mark::new(Tone::Waits, "Not checked yet"),
            Some(ready) if ready.is_true() => Mark::new(Tone::Good, "Ready"),
            Some(ready) if ready.reason == reason::INVALID => Mark::new(Tone::Bad, "Refused"),
            Some(ready) if ready.reason == reason::KIND_TAKEN => Mark::new(Tone::Bad, "Kind taken"),
            Some(ready) if ready.reason == reason::PROGRESSING => Mark::new(Tone::Going, "Progressing"),
            Some(_) => Mark::new(Tone::Warning, "Not ready"),
        }
    }

    /// Address of its page.
    pub(crate) fn path(&self) -> String {
        format!("/templates/{}", escape(&self.name))
    }
}

/// A Run.
pub(crate) struct RunRow {
    /// Its name.
    pub(crate) name: String,
    /// Its namespace.
    pub(crate) namespace: String,
    /// Whom it is about.
    pub(crate) instance: InstanceReference,
    /// Whether it is carried out.
    pub(crate) mode: Mode,
    /// Why.
    pub(crate) cause: Cause,
    /// The cause in a phrase.
    pub(crate) title: String,
    /// Who.
    pub(crate) by: String,
    /// Where it is.
    pub(crate) state: State,
    /// What it says.
    pub(crate) message: String,
    /// The plan in a phrase.
    pub(crate) planned: String,
    /// Whether the plan is there.
    pub(crate) has_plan: bool,
    /// Whether it asks for a deletion that somebody must approve.
    pub(crate) is_request: bool,
    /// When it was made, RFC 3339.
    pub(crate) created: String,
    /// When it began, RFC 3339.
    pub(crate) started: Option<String>,
    /// When it ended, RFC 3339.
    pub(crate) finished: Option<String>,
    /// Whether a failed attempt is tried again.
    pub(crate) is_retried: bool,
    /// Steps that are done, and all.
    pub(crate) steps: (usize, usize),
    number: i64,
}

impl RunRow {
    /// Reads a row; `None` where the object is no Run.
    pub(crate) fn read(object: &DynamicObject) -> Option<Self> {
        object.clone().try_parse().ok().map(|run| Self::of(&run))
    }

    /// The row of a Run.
    pub(crate) fn of(run: &Run) -> Self {
        let status = run.status.clone().unwrap_or_default();
        let done = status.steps.iter().filter(|step| matches!(step.state, StepState::Succeeded | StepState::Skipped)).count();
        Self {
            name: run.name_any(),
            namespace: run.namespace().unwrap_or_default(),
            instance: run.spec.instance.clone(),
            mode: run.spec.mode,
            cause: run.spec.cause,
            title: short(&run.spec.title),
            by: short(&run.spec.by),
            state: status.state,
            message: short(&status.message),
            planned: short(&status.planned),
            has_plan: !status.plan_hash.is_empty(),
            is_request: run.spec.deletes && run.spec.mode == Mode::Plan && status.approval_needed,
            created: created(&run.metadata),
            started: status.started_at,
            finished: status.finished_at,
            is_retried: status.retry_at.is_some(),
            steps: (done, status.steps.len()),
            number: run.spec.number,
        }
    }

    /// Newest last.
    pub(crate) fn order(&self) -> (&str, i64, &str) {
        (&self.created, self.number, &self.name)
    }

    /// Its state; a running one says how far it is.
    pub(crate) fn mark(&self) -> Mark {
        let mark = tone::of_run(self.state, self.is_retried);
        match self.state {
            State::Running if self.steps.1 > 0 => {
                Mark::new(mark.tone, format!("Step {} of {}", (self.steps.0 + 1).min(self.steps.1), self.steps.1))
            }
            // Nothing was carried out: somebody said that it may be.
            State::Succeeded if self.is_request => Mark::new(mark.tone, "Approved"),
            _ => mark,
        }
    }

    /// Address of its page.
    pub(crate) fn path(&self) -> String {
        run_path(&self.namespace, &self.name)
    }

    /// What it does, in a phrase.
    pub(crate) fn phrase(&self) -> String {
        phrase(&self.title, self.cause)
    }

    /// Topic of changes of this instance's Runs.
    pub(crate) fn instance_topic(&self) -> String {
        let namespace = self.instance.namespace.as_deref().unwrap_or("-");
        format!("runs-of/{}/{}/{namespace}/{}", self.instance.group(), self.instance.kind, self.instance.name)
    }
}

/// A Run's title, or what its cause means.
pub(crate) fn phrase(title: &str, cause: Cause) -> String {
    if !title.is_empty() {
        return title.to_owned();
    }
    match cause {
        Cause::Spec => "values changed",
        Cause::Revision => "new revision of the template",
        Cause::Upstream => "something that it reads changed",
        Cause::Drift => "changed by somebody else",
        Cause::Retry => "another try",
        Cause::Schedule => "it was time",
        Cause::Delete => "delete",
    }
    .to_owned()
}

/// An instance of a kind that a Template published.
pub(crate) struct InstanceRow {
    /// Group and kind.
    pub(crate) key: KindKey,
    /// Namespace; empty for a cluster-scoped kind.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// When it was made, RFC 3339.
    pub(crate) created: String,
    /// Its size, where it has one.
    pub(crate) size: String,
    /// Where it is.
    pub(crate) state: String,
    /// Where it answers.
    pub(crate) url: String,
    /// Why it is not ready, in one sentence; empty where it is.
    pub(crate) why: String,
    /// Since when its readiness is what it is, RFC 3339.
    pub(crate) since: String,
    /// Reason of its Ready condition.
    pub(crate) reason: String,
    /// The sentence about drift, where there is some.
    pub(crate) drift: Option<String>,
    /// Whether its deletion waits for a person.
    pub(crate) deletion_blocked: Option<String>,
    /// Name of its newest Run.
    pub(crate) last_run: String,
}

impl InstanceRow {
    /// Reads a row. A status that cannot be read counts as none.
    pub(crate) fn read(key: &KindKey, object: &DynamicObject) -> Self {
        let status: InstanceStatus =
            object.data.get("status").and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default();
        let ready = condition::get(&status.conditions, condition_type::READY);
        let said = |type_: &str| {
            condition::get(&status.conditions, type_).filter(|condition| condition.is_true()).map(|condition| short(&condition.message))
        };
        let state = state_word(&status, object.metadata.deletion_timestamp.is_some());
        Self {
            key: key.clone(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            created: created(&object.metadata),
            size: object.data.pointer("/spec/size").and_then(Value::as_str).unwrap_or_default().to_owned(),
            why: short(&why(&status)),
            since: ready.map(|ready| ready.last_transition_time.clone()).unwrap_or_default(),
            reason: ready.map(|ready| ready.reason.clone()).unwrap_or_default(),
            drift: said(condition_type::DRIFTED),
            deletion_blocked: said(condition_type::DELETION_BLOCKED),
            last_run: status.last_run.clone().unwrap_or_default(),
            url: status.url.unwrap_or_default(),
            state,
        }
    }

    /// Its state.
    pub(crate) fn mark(&self) -> Mark {
        tone::of_instance(&self.state)
    }

    /// Address of its page.
    pub(crate) fn path(&self) -> String {
        instance_path(&self.key.0, &self.key.1, &self.namespace, &self.name)
    }

    /// Topic of its changes.
    pub(crate) fn topic(&self) -> String {
        let namespace = if self.namespace.is_empty() { "-" } else { &self.namespace };
        format!("instances/{}/{}/{namespace}/{}", self.key.0, self.key.1, self.name)
    }
}

/// `status.state`, or what the conditions say where it is absent.
pub(crate) fn state_word(status: &InstanceStatus, is_deleting: bool) -> String {
    let ready = condition::get(&status.conditions, condition_type::READY);
    if !status.state.is_empty() {
        return status.state.clone();
    }
    match ready {
        _ if is_deleting => "Deleting".into(),
        Some(ready) if ready.is_true() => "Ready".into(),
        Some(_) => "Progressing".into(),
        None => String::new(),
    }
}

/// Why an instance is not ready: the first thing that it waits for, else its Ready condition's message.
pub(crate) fn why(status: &InstanceStatus) -> String {
    let ready = condition::get(&status.conditions, condition_type::READY);
    if ready.is_some_and(Condition::is_true) {
        return String::new();
    }
    let waits = status.waiting_on.first().map(|waits| format!("{}: {}", waits.node, waits.message));
    ready.map(|ready| ready.message.clone()).filter(|message| !message.is_empty()).or(waits).unwrap_or_default()
}

/// Address of a Run's page.
pub(crate) fn run_path(namespace: &str, name: &str) -> String {
    format!("/runs/{}/{}", escape(namespace), escape(name))
}

/// Address of an instance's page; `-` stands for no namespace.
pub(crate) fn instance_path(group: &str, kind: &str, namespace: &str, name: &str) -> String {
    let namespace = if namespace.is_empty() { "-" } else { namespace };
    format!("/instances/{}/{}/{}/{}", escape(group), escape(kind), escape(namespace), escape(name))
}

/// Address of the page of the instance that a reference names.
pub(crate) fn reference_path(instance: &InstanceReference) -> String {
    instance_path(instance.group(), &instance.kind, instance.namespace.as_deref().unwrap_or_default(), &instance.name)
}

fn created(metadata: &ObjectMeta) -> String {
    metadata.creation_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn instance(status: Value) -> InstanceRow {
        let object = serde_json::from_value(json!({
            "apiVersion": "platform.windlass.dev/v1alpha1", "kind": "WebApp",
            "metadata": {"name": "web", "namespace": "shop"}, "spec": {"size": "M"}, "status": status,
        }))
        .expect("an object");
        InstanceRow::read(&("platform.windlass.dev".into(), "WebApp".into()), &object)
    }

    #[test]
    fn the_reason_stands_first() {
        let row = instance(
            json!({"state": "Degraded", "conditions": [{"type": "Ready", "status": "False", "reason": "Waiting", "message": "waits for `app`"}]}),
        );
        assert_eq!((row.why.as_str(), row.mark().word.as_str()), ("waits for `app`", "Degraded"));
    }

    #[test]
    fn a_status_of_another_shape_is_no_panic() {
        assert_eq!(instance(json!({"conditions": "none"})).mark().word, "Not seen yet");
        assert_eq!(instance(Value::Null).path(), "/instances/platform.windlass.dev/WebApp/shop/web");
    }
}
