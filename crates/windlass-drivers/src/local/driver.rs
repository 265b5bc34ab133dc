//! The driver of workloads on this machine. What is decided here is pure comparison; what is done is in [`super::target`].
//!
//! Effects: `NODE/files-CONTAINER`, `NODE/replica-N` (with several containers `NODE/replica-N.CONTAINER`), `NODE/port-NAME`,
//! `NODE/route-NAME`. Each is found again by its key, so every method may be called any number of times.

use super::health;
use super::part::Part;
use super::plan;
use super::ports;
use super::records::{self, NodeKey, NodeView, Record, SlotView, What};
use super::render::{self, Shape};
use super::slot::{SlotConfig, SlotDirectory, make_directory};
use super::target::{Local, STEP, Step};
use super::wish;
use crate::driver::{Driver, DriverError, Scope};
use async_trait::async_trait;
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use windlass_api::driver::{Cancellation, DesiredNode, NodeAnswer, Observation, Operation, Outcome};
use windlass_api::inventory::Entry;
use windlass_api::plan::Action;
use windlass_api::planned::Planned;
use windlass_api::workload::{Container, Workload};

/// How long one call waits for a program before it answers that it goes on.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many new starts without getting ready end a change of one replica after the other.
const HOPELESS_RESTARTS: u32 = 3;

/// The driver of `workload` nodes on the target `local`.
pub(super) struct LocalWorkloads {
    pub(super) local: Arc<Local>,
}

/// Why an effect cannot be taken.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Refused(#[from] DriverError),
    #[error("{0}\n  hint: look whether the disk is full and the data directory is writable")]
    Machine(#[from] io::Error),
    #[error("the host `{host}` is held by {holder}\n  hint: give one of the two another host or name")]
    HostTaken { host: String, holder: String },
}

impl Fault {
    fn outcome(&self) -> Outcome {
        let (reason, retry) = match self {
            Self::Refused(DriverError::Refused { reason, .. }) => (*reason, false),
            Self::Refused(DriverError::Unavailable { .. }) => ("Unavailable", true),
            Self::Machine(_) => ("MachineFailed", true),
            Self::HostTaken { .. } => ("HostTaken", true),
        };
        Outcome::Failed { reason: reason.into(), message: self.to_string(), retry }
    }
}

/// A slot that was written and has to come up.
struct Written {
    slot: SlotDirectory,
    generation: u32,
    hash: String,
    uid: String,
    /// Whether another generation of the same replica does its work until this one is ready.
    beside: bool,
}

/// A sentence with another clause, before its hint.
pub(super) fn with_clause(message: &str, clause: &str) -> String {
    match message.split_once("\n") {
        Some((sentence, rest)) => format!("{sentence}; {clause}\n{rest}"),
        None => format!("{message}; {clause}"),
    }
}

fn pending(token: &str, message: impl Into<String>) -> Outcome {
    Outcome::Pending { token: token.into(), poll_after_milliseconds: 250, message: message.into() }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, io::Error> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

#[async_trait]
impl Driver for LocalWorkloads {
    async fn plan(&self, scope: &Scope, desired: &DesiredNode) -> Result<NodeAnswer, DriverError> {
        let (local, instance, desired) = (Arc::clone(&self.local), scope.instance.clone(), desired.clone());
        blocking(move || plan::node(&local, &instance, &desired))
            .await
            .map_err(|error| DriverError::Unavailable { message: error.to_string() })?
    }

    async fn apply(&self, _scope: &Scope, operation: &Operation) -> Outcome {
        let Some((node, part)) = Part::of_key(&operation.effect.key) else { return unknown_part(&operation.effect.key) };
        let key = NodeKey { uid: operation.instance.uid.clone(), node: node.to_owned() };
        if operation.effect.action == Action::Delete {
            return self.remove(&key, &part).await;
        }
        let outcome = match self.put(&key, &part, operation).await {
            Ok(outcome) => outcome,
            Err(fault) => fault.outcome(),
        };
        self.local.refresh(&key).await;
        outcome
    }

    async fn observe(&self, scope: &Scope, entry: &Entry) -> Observation {
        let Some((node, part)) = Part::of_key(&entry.key) else { return Observation::Absent };
        let key = NodeKey { uid: scope.instance.uid.clone(), node: node.to_owned() };
        let local = Arc::clone(&self.local);
        let seen = blocking(move || {
            let view = NodeView::read(&local.directory, &key);
            if view.slot(&part).is_none() && view.ending.contains(&part) {
                return Observation::InProgress { token: "ending".into(), message: format!("{} is being ended", part.key(&key.node)) };
            }
            health::of_part(&view, &part, &key, &local.gateway, local.apps)
        });
        seen.await.unwrap_or_else(|error| Observation::Unknown { message: error.to_string() })
    }

    async fn cancel(&self, _scope: &Scope, _entry: &Entry) -> Cancellation {
        // What was written is taken up by the shim at once; the next operation on the effect says what is wished then.
        Cancellation::TooLate
    }

    async fn delete(&self, scope: &Scope, _op_id: &str, entry: &Entry) -> Outcome {
        let Some((node, part)) = Part::of_key(&entry.key) else { return unknown_part(&entry.key) };
        self.remove(&NodeKey { uid: scope.instance.uid.clone(), node: node.to_owned() }, &part).await
    }

    fn changes(&self) -> Option<broadcast::Receiver<String>> {
        Some(self.local.changes.subscribe())
    }
}

fn unknown_part(key: &str) -> Outcome {
    let message = format!("`{key}` is no effect of a workload on this machine\n  hint: it may be from a newer windlass; use that one");
    Outcome::Failed { reason: "UnknownEffect".into(), message, retry: false }
}

impl LocalWorkloads {
    async fn put(&self, key: &NodeKey, part: &Part, operation: &Operation) -> Result<Outcome, Fault> {
        let local = Arc::clone(&self.local);
        let (of, which, owned) = (key.clone(), part.clone(), operation.clone());
        match part {
            Part::Process(..) => {
                if !self.finish_deletion(key, part).await? {
                    return Ok(pending("ending", "the one before it is being ended"));
                }
                let written = blocking(move || write_slot(&local, &of, &which, &owned)).await??;
                self.come_up(key, part, operation, written).await
            }
            Part::Files(container) => {
                let container = container.clone();
                blocking(move || write_files(&local, &of, &container, &owned)).await??;
                Ok(Outcome::Done { uid: None })
            }
            Part::Listener(_) | Part::Route(_) => {
                blocking(move || write_record(&local, &of, &which, &owned)).await??;
                Ok(Outcome::Done { uid: None })
            }
        }
    }

    /// A slot that is marked deleted has to be gone before it is made again.
    async fn finish_deletion(&self, key: &NodeKey, part: &Part) -> io::Result<bool> {
        let (local, of, which) = (Arc::clone(&self.local), key.clone(), part.clone());
        let only_ending = blocking(move || {
            let view = NodeView::read(&local.directory, &of);
            view.slot(&which).is_none() && view.ending.contains(&which)
        });
        Ok(!only_ending.await? || self.go_down(key, part, None).await? == Step::Done)
    }

    /// Waits a while until a slot runs what was written; where one replica follows the other, or the new one stands beside the
    /// old one, until it is ready. Then the old one ends.
    async fn come_up(&self, key: &NodeKey, part: &Part, operation: &Operation, written: Written) -> Result<Outcome, Fault> {
        let replicas = operation.desired["replicas"].as_u64().unwrap_or(1);
        let until_ready = written.beside || (operation.effect.action == Action::Update && replicas > 1);
        let until = Instant::now() + PATIENCE;
        let mut spawned = None;
        let Written { slot, generation, hash, uid, beside } = written;
        loop {
            let (local, of, at, wished) = (Arc::clone(&self.local), key.clone(), slot.clone(), hash.clone());
            let (step, when) = blocking(move || {
                let mut spawned = spawned;
                let step = local.bring_up(&of, &at, &wished, &mut spawned);
                (step, spawned)
            })
            .await?;
            spawned = when;
            let state = slot.read_state().unwrap_or_default();
            match step? {
                Step::Done if !until_ready || state.ready => {
                    // The gateway knows the new one before the old one goes.
                    self.local.refresh(key).await;
                    if self.go_down(key, part, Some(generation)).await? == Step::Going {
                        return Ok(pending("ending", "the one before it is being ended"));
                    }
                    drop_old_files(&self.local, key);
                    return Ok(Outcome::Done { uid: Some(uid) });
                }
                Step::Done if state.restarts >= HOPELESS_RESTARTS => {
                    let rest = if beside { "the one before it goes on serving" } else { "the other replicas are left as they are" };
                    let message = with_clause(&state.message, rest);
                    return Ok(Outcome::Failed { reason: "NotReady".into(), message, retry: true });
                }
                Step::Done | Step::Going if Instant::now() > until => {
                    let message = if state.message.is_empty() { "it is being started".to_owned() } else { state.message };
                    return Ok(pending("starting", message));
                }
                Step::Done | Step::Going => tokio::time::sleep(STEP).await,
            }
        }
    }

    async fn remove(&self, key: &NodeKey, part: &Part) -> Outcome {
        let result = match part {
            Part::Process(..) => self.go_down(key, part, None).await,
            Part::Files(_) | Part::Listener(_) | Part::Route(_) => {
                let (local, of, which) = (Arc::clone(&self.local), key.clone(), part.clone());
                blocking(move || remove_record(&local, &of, &which)).await.and_then(|done| done)
            }
        };
        self.local.refresh(key).await;
        match result {
            Ok(Step::Done) => Outcome::Done { uid: None },
            Ok(Step::Going) => pending("ending", format!("{} is being ended", part.key(&key.node))),
            Err(error) => Fault::from(error).outcome(),
        }
    }

    /// Ends every slot of a part, but the generation that is kept.
    async fn go_down(&self, key: &NodeKey, part: &Part, keep: Option<u32>) -> io::Result<Step> {
        let (local, of, which) = (Arc::clone(&self.local), key.clone(), part.clone());
        if blocking(move || local.mark_going(&of, &which, keep)).await?? {
            // No new request goes to what is about to end.
            self.local.refresh(key).await;
        } else if keep.is_some() {
            return Ok(Step::Done);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let (local, of, which) = (Arc::clone(&self.local), key.clone(), part.clone());
            let step = blocking(move || local.take_down(&of, &which, keep)).await??;
            if step == Step::Done || Instant::now() > until {
                return Ok(step);
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

fn shape_of(operation: &Operation) -> Result<Shape, DriverError> {
    let workload: Workload = serde_json::from_value(operation.desired.clone()).map_err(|error| plan::unreadable(&error))?;
    render::shape(workload, &BTreeSet::new())
}

/// Where a container's files are.
fn files_root(local: &Local, key: &NodeKey, name: &str, container: &Container) -> std::path::PathBuf {
    records::files_directory(&local.directory, key, name).join(Shape::files_digest(container))
}

/// Writes what a replica shall run. What runs it already is kept; else a replica that serves gets its next generation beside it,
/// and any other is changed in place.
fn write_slot(local: &Arc<Local>, key: &NodeKey, part: &Part, operation: &Operation) -> Result<Written, Fault> {
    let shape = shape_of(operation)?;
    let Part::Process(replica, of_container) = part else { return Err(io::Error::other("no process").into()) };
    let Some((name, container)) = shape.container(of_container.as_deref()) else {
        return Err(DriverError::Refused { reason: "NothingToRun", message: format!("`{part}` names no container of the workload") }.into());
    };
    let planned = local.remembered(key);
    let draft = Draft { local, key, part, operation, shape: &shape, planned: planned.as_ref(), name, container, replica: *replica };
    let names: Vec<String> = shape.workload.ports.keys().cloned().collect();
    let mut ports = local.lock();
    let view = NodeView::read(&local.directory, key);
    let there: Vec<&SlotView> = view.slots.iter().filter(|slot| slot.part == *part).collect();
    let known = records::replica_ports(&local.directory, key);
    for slot in there.iter().rev() {
        let held = known.get(&records::ports_label(*replica, slot.generation)).filter(|held| held.keys().eq(names.iter()));
        let Some(held) = held.filter(|held| slot.held || held.values().all(|port| ports::is_free(*port))) else { continue };
        let config = draft.config(slot.generation, held.clone(), Some(&slot.config))?;
        if config.hash() == slot.config.hash() {
            return draft.write(slot.generation, Some(&slot.config), config, there.len() > 1);
        }
    }
    let newest = there.last();
    let beside = newest.is_some_and(|slot| slot.is_ready()) && shape.starts_beside().is_ok();
    let generation = match newest {
        Some(newest) if !beside => newest.generation,
        Some(_) | None => {
            let last = records::slot_directories(&local.directory, key, part).last().map(|(generation, _)| *generation);
            last.map_or(0, |last| last.saturating_add(1))
        }
    };
    let before = newest.filter(|_| !beside).map(|slot| &slot.config);
    // The siblings of this slot may run and listen on these ports, so only the listening one may look whether they are free.
    let runs = newest.is_some_and(|slot| !beside && slot.held && slot.state.as_ref().is_some_and(|state| state.child.is_some()));
    let label = records::ports_label(*replica, generation);
    let given = local.replica_ports(key, &label, &names, runs || name != shape.listens, &mut ports)?;
    let config = draft.config(generation, given, newest.map(|slot| &slot.config))?;
    draft.write(generation, before, config, beside || there.len() > 1)
}

/// A slot's configuration in the making.
struct Draft<'a> {
    local: &'a Local,
    key: &'a NodeKey,
    part: &'a Part,
    operation: &'a Operation,
    shape: &'a Shape,
    planned: Option<&'a Planned>,
    name: &'a str,
    container: &'a Container,
    replica: u32,
}

impl Draft<'_> {
    /// `before` is the replica's configuration until now: it stays the same replica.
    fn config(&self, generation: u32, ports: BTreeMap<String, u16>, before: Option<&SlotConfig>) -> Result<SlotConfig, Fault> {
        let slot = self.key.slot(&self.local.directory, self.part, generation);
        let files = files_root(self.local, self.key, self.name, self.container);
        let launch = render::launch(self.shape, self.name, &slot, &files, &ports, &self.local.around)?;
        let masked = wish::masked(self.planned, &self.operation.desired);
        Ok(SlotConfig {
            key: self.key.slot_key(self.part),
            uid: before.map_or_else(|| self.operation.op_id.clone(), |before| before.uid.clone()),
            op_id: self.operation.op_id.clone(),
            instance: self.operation.instance.clone(),
            replica: self.replica,
            container: self.name.to_owned(),
            program: launch.program,
            directory: launch.directory,
            environment: launch.environment,
            ports,
            owns_ports: self.name == self.shape.listens,
            readiness: launch.readiness,
            liveness: launch.liveness,
            limits: launch.limits,
            timings: self.local.timings.clone(),
            wish: wish::of_process(&masked, self.name, self.shape.procfile.get(self.name)),
            secrets: wish::secrets(self.planned, &self.operation.desired),
        })
    }

    fn write(&self, generation: u32, before: Option<&SlotConfig>, config: SlotConfig, beside: bool) -> Result<Written, Fault> {
        let slot = self.key.slot(&self.local.directory, self.part, generation);
        if before != Some(&config) {
            slot.write_config(&config)?;
        }
        Ok(Written { slot, generation, hash: config.hash(), uid: config.uid, beside })
    }
}

fn write_files(local: &Local, key: &NodeKey, name: &str, operation: &Operation) -> Result<(), Fault> {
    let shape = shape_of(operation)?;
    let Some(container) = shape.workload.containers.get(name) else {
        return Err(DriverError::Refused { reason: "UnknownContainer", message: format!("there is no container `{name}`") }.into());
    };
    let _held = local.lock();
    let root = files_root(local, key, name, container);
    for (target, file) in &container.files {
        write_file(&root, target, &file.content, file.mode.as_deref())?;
    }
    make_directory(&root)?;
    let part = Part::Files(name.to_owned());
    let what = What::Files { digest: Shape::files_digest(container) };
    record(local, key, &part, operation, what).write(&local.directory)?;
    Ok(())
}

fn write_file(root: &Path, target: &str, content: &str, mode: Option<&str>) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt as _;
    let refused = |message: String| Fault::from(DriverError::Refused { reason: "InvalidFile", message });
    let relative = Path::new(target.trim_start_matches('/'));
    let plain = relative.components().all(|component| matches!(component, std::path::Component::Normal(_)));
    if !plain || relative.as_os_str().is_empty() {
        return Err(refused(format!("`{target}` is no path of a file\n  hint: give an absolute path without `..`")));
    }
    let mode = match mode.map(|mode| u32::from_str_radix(mode, 8)) {
        None => 0o600,
        Some(Ok(mode)) if mode <= 0o777 => mode | 0o400,
        Some(_) => return Err(refused(format!("`{}` is no mode of a file\n  hint: write it as `0644`", mode.unwrap_or_default()))),
    };
    let path = root.join(relative);
    make_directory(path.parent().unwrap_or(root))?;
    let draft = path.with_extension("windlass-draft");
    let mut file = fs::File::create(&draft)?;
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.write_all(content.as_bytes())?;
    fs::rename(&draft, &path)?;
    Ok(())
}

/// Removes file sets that no slot names any more.
pub(super) fn drop_old_files(local: &Local, key: &NodeKey) {
    let _held = local.lock();
    let view = NodeView::read(&local.directory, key);
    let used: BTreeSet<&str> =
        view.slots.iter().filter_map(|slot| slot.config.environment.get("WINDLASS_FILES")).map(String::as_str).collect();
    for (part, record) in &view.records {
        let (Part::Files(name), What::Files { digest }) = (part, &record.what) else { continue };
        let directory = records::files_directory(&local.directory, key, name);
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_name().to_str() != Some(digest) && !path.to_str().is_some_and(|path| used.contains(path)) {
                // What cannot be removed now goes with the whole set.
                drop(std::fs::remove_dir_all(path));
            }
        }
    }
}

fn record(local: &Local, key: &NodeKey, part: &Part, operation: &Operation, what: What) -> Record {
    let masked = wish::masked(local.remembered(key).as_ref(), &operation.desired);
    let wish = wish::of_part(&masked, part);
    Record { key: key.clone(), part: part.to_string(), instance: operation.instance.clone(), op_id: operation.op_id.clone(), wish, what }
}

fn write_record(local: &Local, key: &NodeKey, part: &Part, operation: &Operation) -> Result<(), Fault> {
    let shape = shape_of(operation)?;
    let mut ports = local.lock();
    let before = NodeView::read(&local.directory, key).records.remove(part);
    let what = match part {
        Part::Listener(name) => {
            let port = match before.as_ref().map(|record| &record.what) {
                Some(What::Listener { port, .. }) => *port,
                _ => ports.take().ok_or_else(|| io::Error::other("every port of this machine's range is taken"))?,
            };
            What::Listener { port, http: shape.is_http(name), primary: shape.primary.as_ref() == Some(name) }
        }
        Part::Route(name) => {
            let Some(route) = shape.workload.routes.get(name) else {
                return Err(io::Error::other(format!("there is no route `{name}`")).into());
            };
            let wish = shape.route(&operation.instance, route)?;
            if let Some(holder) = local.gateway.holder(key, &wish.host, &wish.path) {
                return Err(Fault::HostTaken { host: wish.host, holder: holder.to_string() });
            }
            let since = match before.as_ref().map(|record| &record.what) {
                Some(What::Route { host, since, .. }) if *host == wish.host => *since,
                _ => jiff::Timestamp::now().as_millisecond(),
            };
            What::Route { host: wish.host, path: wish.path, port: wish.port, since }
        }
        Part::Files(_) | Part::Process(..) => return Err(io::Error::other("no record").into()),
    };
    let record = record(local, key, part, operation, what);
    if before.as_ref() != Some(&record) {
        record.write(&local.directory)?;
    }
    // Claimed at once, so that of two that come together only one gets the host.
    if matches!(part, Part::Route(_)) {
        local.gateway.claim(key, &record);
    }
    Ok(())
}

fn remove_record(local: &Local, key: &NodeKey, part: &Part) -> io::Result<Step> {
    let mut ports = local.lock();
    let before = NodeView::read(&local.directory, key).records.remove(part);
    if let Part::Files(name) = part {
        match fs::remove_dir_all(records::files_directory(&local.directory, key, name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    records::remove(&local.directory, key, part)?;
    if let Some(What::Listener { port, .. }) = before.map(|record| record.what) {
        ports.release(port);
    }
    records::tidy(&local.directory, key);
    Ok(Step::Done)
}
