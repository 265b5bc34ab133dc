//! What would be done to a workload on this machine: its parts, compared with what is there. Changes nothing.

use super::part::Part;
use super::records::{NodeKey, NodeView};
use super::render::{self, Shape};
use super::shim::program;
use super::target::Local;
use super::wish::{self, Differences};
use crate::driver::DriverError;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use windlass_api::diagnostic::Diagnostic;
use windlass_api::driver::{DesiredNode, NodeAnswer, Observation};
use windlass_api::plan::{Action, EffectPlan, FieldChange, InstanceReference};
use windlass_api::planned::Planned;
use windlass_api::workload::Workload;
use windlass_client::preview::canonical_hash;

/// A node that is no workload.
pub(super) fn unreadable(error: &serde_json::Error) -> DriverError {
    DriverError::Refused {
        reason: "InvalidWorkload",
        message: format!("the workload cannot be read: {error}\n  hint: replicas, ports and routes have to be known when it is planned"),
    }
}

/// The answer about a node.
pub(super) fn node(local: &Local, instance: &InstanceReference, desired: &DesiredNode) -> Result<NodeAnswer, DriverError> {
    let (plain, open) = wish::lookable(&desired.body);
    let workload: Workload = serde_json::from_value(plain).map_err(|error| unreadable(&error))?;
    let shape = render::shape(workload, &open)?;
    check_programs(local, &shape, &open)?;
    let key = NodeKey { uid: instance.uid.clone(), node: desired.key.clone() };
    // A preview of what does not exist yet has no UID, and so nothing that could be there.
    let view = if key.uid.is_empty() { NodeView::default() } else { NodeView::read(&local.directory, &key) };
    local.remember(&key, &desired.body);
    let planning = Planning { local, instance, desired, shape: &shape, view: &view, key: &key, body: desired.body.to_json() };
    planning.answer()
}

/// Whether each program that is known is there.
fn check_programs(local: &Local, shape: &Shape, open: &BTreeSet<String>) -> Result<(), DriverError> {
    for (name, command) in &shape.commands {
        let prefix = format!("containers.{name}");
        let is_open = |field: &str| open.iter().any(|path| path.starts_with(&format!("{prefix}.{field}")));
        let unclear = is_open("command") || is_open("variables.PATH") || open.contains("directory");
        let Some(program) = command.first().filter(|program| !unclear && *program != "windlass" && !program.contains('$')) else {
            continue;
        };
        let container = shape.workload.containers.get(name);
        // A program that the workload brings along as a file is not there yet.
        if container.is_some_and(|container| container.files.contains_key(program)) {
            continue;
        }
        let mut environment = local.around.environment.clone();
        environment.extend(container.and_then(|container| container.variables.get("PATH")).map(|path| ("PATH".to_owned(), path.clone())));
        // Without a directory it runs in one of its own, which is made later.
        let directory = shape.workload.directory.as_deref().map_or(Path::new("/"), Path::new);
        if let Err(message) = program::resolve(command, directory, &environment) {
            return Err(DriverError::Refused { reason: "ProgramNotFound", message });
        }
    }
    Ok(())
}

struct Planning<'a> {
    local: &'a Local,
    instance: &'a InstanceReference,
    desired: &'a DesiredNode,
    shape: &'a Shape,
    view: &'a NodeView,
    key: &'a NodeKey,
    body: Value,
}

impl Planning<'_> {
    fn answer(&self) -> Result<NodeAnswer, DriverError> {
        let parts = self.shape.parts();
        let mut changes: Vec<FieldChange> = Vec::new();
        let mut staleness = BTreeMap::new();
        let mut conflict = None;
        let mut decided = Vec::new();
        for part in &parts {
            let (action, fields) = self.decide(part);
            for change in fields.into_iter().filter(|change| !changes.iter().any(|known| known.path == change.path)).collect::<Vec<_>>() {
                changes.push(change);
            }
            staleness.extend(self.wish_of(part).map(|wish| (part.key(&self.key.node), canonical_hash(wish))));
            decided.push((part.clone(), action));
        }
        let replaced: BTreeSet<u32> =
            decided.iter().filter(|(_, action)| *action == Action::Update).filter_map(|(part, _)| replica(part)).collect();
        let one_after_another = replaced.len() > 1;
        let mut effects = Vec::new();
        for (part, action) in &decided {
            let (place, holder) = self.place(part)?;
            conflict = conflict.or(holder);
            effects.push(self.effect(part, *action, one_after_another, place.as_deref()));
        }
        effects.extend(self.leftovers(&parts));
        changes.extend(self.replica_change());
        let observation = if self.view.is_empty() && !parts.is_empty() { Observation::Absent } else { self.local.observe(self.key) };
        let changing = effects.iter().any(|effect| effect.action.changes());
        let action = match (changing, &observation) {
            (false, _) => Action::None,
            (true, Observation::Absent) => Action::Create,
            (true, _) => Action::Update,
        };
        staleness.extend(
            self.shape.procfile.iter().map(|(name, line)| (format!("{}/Procfile-{name}", self.key.node), canonical_hash(&json!(line)))),
        );
        let (note, warnings) = self.gap(&replaced);
        Ok(NodeAnswer { observation, action, effects, changes, staleness, note, warnings, conflict })
    }

    /// How programs that are changed follow each other: a note, and a warning where nobody answers for a while.
    fn gap(&self, replaced: &BTreeSet<u32>) -> (Option<String>, Vec<Diagnostic>) {
        let serving = |replica: &u32| self.view.newest().any(|slot| slot.part.is_of(*replica) && slot.is_ready());
        if !replaced.iter().any(serving) {
            return (None, Vec::new());
        }
        let several = replaced.len() > 1;
        match self.shape.starts_beside() {
            Ok(()) if several => (
                Some("one after the other: each new one is started beside the old one, which ends once the new one is ready".into()),
                Vec::new(),
            ),
            Ok(()) => (Some("the new one is started beside the old one, which ends once the new one is ready".into()), Vec::new()),
            Err(_) if several => (Some("replicas are changed one after the other, each once the one before is ready".into()), Vec::new()),
            Err(why) if why.is_empty() || self.shape.workload.replicas > 1 => (None, Vec::new()),
            Err(why) => {
                let message = format!("nobody answers for `{}` while its one replica is replaced: {why}", self.key.node);
                let hint = "ask for two replicas or more, or let the program take its port from `PORT`";
                (None, vec![Diagnostic::warning("ShortGap", self.key.node.as_str(), message).with_hint(hint)])
            }
        }
    }

    /// What was wished when a part was made; `None` if it is not there.
    fn wish_of(&self, part: &Part) -> Option<&Value> {
        let of_slot = self.view.slot(part).map(|slot| &slot.config.wish);
        of_slot.or_else(|| self.view.records.get(part).map(|record| &record.wish))
    }

    fn decide(&self, part: &Part) -> (Action, Vec<FieldChange>) {
        let Some(before) = self.wish_of(part) else { return (Action::Create, Vec::new()) };
        let now = match part {
            Part::Process(_, container) => {
                let name = self.shape.container(container.as_deref()).map(|(name, _)| name).unwrap_or_default();
                wish::of_process(&self.body, name, self.shape.procfile.get(name))
            }
            Part::Files(_) | Part::Listener(_) | Part::Route(_) => wish::of_part(&self.body, part),
        };
        let Differences { mut changes, uncertain } = wish::differences(before, &now);
        if !uncertain.is_empty() && !self.same_hash(part) {
            changes.extend(uncertain);
        }
        for change in changes.iter_mut().filter(|change| change.path.starts_with(wish::PROCFILE)) {
            change.because = vec![format!("the Procfile in {}", self.shape.workload.directory.as_deref().unwrap_or_default())];
        }
        if self.view.is_half_replaced(part) {
            changes.push(drift(part, "process", "being replaced", "running"));
        }
        let slot = self.view.slot(part);
        if slot.is_some_and(|slot| !slot.held) {
            changes.push(drift(part, "process", "ended", "running"));
        }
        if slot.is_some_and(|slot| slot.state.as_ref().is_some_and(|state| state.reason == "PortTaken")) {
            changes.push(drift(part, "port", "held by another program", "another port"));
        }
        (if changes.is_empty() { Action::None } else { Action::Update }, changes)
    }

    /// Whether nothing but the number of replicas differs from when the effect was last taken, by the inventory's hash.
    fn same_hash(&self, part: &Part) -> bool {
        let key = part.key(&self.key.node);
        let Some(taken) = self.desired.entries.iter().find(|entry| entry.key == key) else { return false };
        let replicas = self.view.slots.iter().filter_map(|slot| replica(&slot.part)).max().map_or(0, |highest| highest + 1);
        let mut body = self.body.clone();
        if canonical_hash(&body) == taken.desired_hash {
            return true;
        }
        body["replicas"] = replicas.into();
        canonical_hash(&body) == taken.desired_hash
    }

    fn replica_change(&self) -> Option<FieldChange> {
        let before: BTreeSet<u32> = self.view.slots.iter().filter_map(|slot| replica(&slot.part)).collect();
        let (before, after) = (before.len(), self.shape.workload.replicas as usize);
        let known = |count: usize| Some(Planned::Known(count.into()));
        (!self.view.is_empty() && before != after).then(|| FieldChange {
            path: "replicas".into(),
            before: known(before),
            after: known(after),
            because: Vec::new(),
            drift_by: None,
            forces_replacement: false,
        })
    }

    /// A route's place, and who else holds it.
    fn place(&self, part: &Part) -> Result<(Option<String>, Option<String>), DriverError> {
        let Part::Route(name) = part else { return Ok((None, None)) };
        let Some(route) = self.shape.workload.routes.get(name) else { return Ok((None, None)) };
        let wish = self.shape.route(self.instance, route)?;
        let holder = self.local.gateway.holder(self.key, &wish.host, &wish.path);
        let conflict = holder.map(|holder| {
            format!("Route {} is held by {holder} (HostTaken)\n  hint: give one of the two another host or name", wish.place())
        });
        Ok((Some(wish.place()), conflict))
    }

    fn effect(&self, part: &Part, action: Action, one_after_another: bool, place: Option<&str>) -> EffectPlan {
        let detail = match part {
            Part::Process(..) => self.view.slot(part).and_then(|slot| slot.config.ports.values().next()).map(|port| format!("port {port}")),
            Part::Route(_) => place.map(|place| {
                let (host, path) = place.split_once('/').unwrap_or((place, ""));
                format!("http://{host}:{}/{path}", self.local.apps.port())
            }),
            Part::Files(_) | Part::Listener(_) => None,
        };
        let one_after_another = one_after_another && action == Action::Update;
        EffectPlan {
            key: part.key(&self.key.node),
            action,
            identity: part.identity(self.instance, &self.key.node, place),
            stage: part.stage(one_after_another),
            detail: detail.unwrap_or_default(),
        }
    }

    /// What is there, by the directory or by the inventory, and no longer wished.
    fn leftovers(&self, parts: &[Part]) -> Vec<EffectPlan> {
        let of_view = self.view.slots.iter().map(|slot| slot.part.clone()).chain(self.view.records.keys().cloned());
        let of_entries = self
            .desired
            .entries
            .iter()
            .filter_map(|entry| Part::of_key(&entry.key).filter(|(node, _)| *node == self.key.node).map(|(_, part)| part));
        let gone: BTreeSet<Part> = of_view.chain(of_entries).filter(|part| !parts.contains(part)).collect();
        let effects = gone.iter().map(|part| {
            let key = part.key(&self.key.node);
            let entry = self.desired.entries.iter().find(|entry| entry.key == key);
            let mut effect = self.effect(part, Action::Delete, false, None);
            if let Some(entry) = entry {
                effect.identity = entry.identity.clone();
            }
            effect
        });
        effects.collect()
    }
}

/// What changed by itself, and is put right.
fn drift(part: &Part, field: &str, before: &str, after: &str) -> FieldChange {
    let word = |text: &str| Some(Planned::Known(text.into()));
    FieldChange {
        path: format!("{part}.{field}"),
        before: word(before),
        after: word(after),
        because: Vec::new(),
        drift_by: None,
        forces_replacement: false,
    }
}

fn replica(part: &Part) -> Option<u32> {
    match part {
        Part::Process(replica, _) => Some(*replica),
        Part::Files(_) | Part::Listener(_) | Part::Route(_) => None,
    }
}
