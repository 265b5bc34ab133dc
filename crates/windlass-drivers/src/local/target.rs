//! The local target: its directory, its shims, its gateway. Everything that touches the machine is here, one small step at a
//! time, each of which may be done again.

use super::control::{self, Request};
use super::control_group;
use super::driver;
use super::gateway::Gateway;
use super::health;
use super::part::Part;
use super::ports::{self, Ports};
use super::process::{self, Traces};
use super::procfile;
use super::records::{self, NodeKey, NodeView, What};
use super::render::Surroundings;
use super::slot::{CHANGES_SOCKET, SlotDirectory, SocketPlace, Timings, make_directory};
use super::wish;
use fs_err as fs;
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use windlass_api::driver::Observation;
use windlass_api::planned::Planned;

/// How often it is looked for shims that died or missed a change, and ports that were taken.
const SWEEP: Duration = Duration::from_secs(10);
/// How often it is looked whether what ends is gone.
const ENDING: Duration = Duration::from_millis(250);
/// Between two looks at something that is about to happen.
pub(super) const STEP: Duration = Duration::from_millis(15);

/// How a local target is set up.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// Where it keeps everything; absolute. Nobody else may use it.
    pub directory: PathBuf,
    /// Address of the shared gateway; port 0 picks a free one.
    pub apps_listen: SocketAddr,
    /// The program that understands `shim` and `files`; stands for `windlass` in commands.
    pub executable: PathBuf,
    /// How patient shims are.
    pub timings: Timings,
}

/// The local target cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Somebody else listens on the gateway's address.
    #[error("the apps' address `{address}` cannot be listened on\n  hint: end the program that holds it")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its directory cannot be used.
    #[error("the directory `{}` cannot be used\n  hint: it has to be writable for this user", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What the target and its driver share.
pub(super) struct Local {
    pub(super) directory: PathBuf,
    pub(super) timings: Timings,
    pub(super) around: Surroundings,
    pub(super) apps: SocketAddr,
    pub(super) gateway: Arc<Gateway>,
    pub(super) changes: broadcast::Sender<String>,
    /// Held while the directory is changed; what it holds is which ports are given away.
    ports: Mutex<Ports>,
    /// The Procfile's line that was last told as changed, by node: each change is told once.
    procfiles: Mutex<HashMap<NodeKey, String>>,
    /// What was planned for a node: it tells which values are secret.
    planned: Mutex<HashMap<NodeKey, Planned>>,
}

/// How far a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is as it should be.
    Done,
    /// It goes on; look again.
    Going,
}

impl Local {
    pub(super) async fn open(options: LocalOptions) -> Result<(Arc<Self>, tokio::net::TcpListener, tokio::net::UnixDatagram), LocalError> {
        let directory = options.directory;
        let unusable = |source| LocalError::Directory { path: directory.clone(), source };
        make_directory(&directory).map_err(unusable)?;
        link_executable(&directory, &options.executable).map_err(unusable)?;
        let address = options.apps_listen;
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|source| LocalError::Address { address, source })?;
        let apps = listener.local_addr().map_err(|source| LocalError::Address { address, source })?;
        let pokes = listen_for_changes(&directory).map_err(unusable)?;
        // By its link, so that a newer windlass in another place takes over what an older one wrote.
        let around = Surroundings { environment: passed_on(&directory), executable: programs(&directory).join("windlass") };
        let local = Arc::new(Self {
            timings: options.timings,
            around,
            apps,
            gateway: Gateway::new(),
            changes: broadcast::channel(1024).0,
            ports: Mutex::default(),
            procfiles: Mutex::default(),
            planned: Mutex::default(),
            directory,
        });
        local.take_over().await;
        Ok((local, listener, pokes))
    }

    /// Takes over what is there: ports, listeners, routes; starts the shims that do not run, and tells those that missed a change.
    async fn take_over(self: &Arc<Self>) {
        records::drop_remains(&self.directory);
        for key in records::nodes(&self.directory) {
            let view = NodeView::read(&self.directory, &key);
            {
                let mut ports = self.lock();
                let of_replicas = records::replica_ports(&self.directory, &key);
                of_replicas.values().flat_map(BTreeMap::values).for_each(|port| ports.reserve(*port));
                for record in view.records.values() {
                    if let What::Listener { port, .. } = record.what {
                        ports.reserve(port);
                    }
                }
            }
            self.gateway.refresh(&key, view).await;
            self.revive(&key);
        }
    }

    /// Held while the directory is changed.
    pub(super) fn lock(&self) -> MutexGuard<'_, Ports> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what was planned for a node.
    pub(super) fn remember(&self, key: &NodeKey, body: &Planned) {
        if !key.uid.is_empty() {
            self.planned.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), body.clone());
        }
    }

    /// What was planned for a node, if it was since we started.
    pub(super) fn remembered(&self, key: &NodeKey) -> Option<Planned> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Reads a node anew for the gateway, and tells whoever listens.
    pub(super) async fn refresh(self: &Arc<Self>, key: &NodeKey) {
        let (local, of) = (Arc::clone(self), key.clone());
        let view = tokio::task::spawn_blocking(move || NodeView::read(&local.directory, &of)).await.unwrap_or_default();
        if view.is_empty() {
            self.planned.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
            self.procfiles.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        }
        self.gateway.refresh(key, view).await;
        // Nobody may be listening.
        drop(self.changes.send(key.uid.clone()));
    }

    /// What is there of a node.
    pub(super) fn observe(&self, key: &NodeKey) -> Observation {
        health::of_node(&NodeView::read(&self.directory, key), key, &self.gateway, self.apps)
    }

    // --- slots ---

    /// Starts a shim for a slot; a second one for the same slot ends by itself.
    pub(super) fn spawn(self: &Arc<Self>, key: &NodeKey, slot: &SlotDirectory) -> io::Result<()> {
        slot.prepare()?;
        let complaints = fs::OpenOptions::new().create(true).append(true).open(slot.logs().join("shim.log"))?;
        let mut command = tokio::process::Command::new(&self.around.executable);
        command.arg("shim").arg("--slot").arg(slot.path()).arg("--executable").arg(&self.around.executable);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints.into_file()).kill_on_drop(false);
        let mut child = command.spawn()?;
        let (local, key) = (Arc::clone(self), key.clone());
        tokio::spawn(async move {
            // It is waited for only so that no zombie stays; its slot says how it ended.
            drop(child.wait().await);
            local.refresh(&key).await;
        });
        Ok(())
    }

    /// Starts the shims of a node that do not run and should, and tells those that run another configuration than the written
    /// one: whoever wrote it may have died before it told them.
    fn revive(self: &Arc<Self>, key: &NodeKey) {
        let _held = self.lock();
        for slot in &NodeView::read(&self.directory, key).slots {
            if !slot.held {
                if let Err(error) = self.spawn(key, &slot.directory) {
                    tracing::warn!(%error, "a shim could not be started; it is tried again");
                }
            } else if slot.is_outdated() {
                // It reads the configuration and decides by itself; one that does not answer is asked again with the next sweep.
                control::ask(&slot.directory, Request::Reload);
            }
        }
    }

    /// One step towards a slot that runs this configuration. `spawned` is when a shim was started for it last.
    pub(super) fn bring_up(
        self: &Arc<Self>,
        key: &NodeKey,
        slot: &SlotDirectory,
        hash: &str,
        spawned: &mut Option<Instant>,
    ) -> io::Result<Step> {
        let _held = self.lock();
        match slot.read_state().filter(|state| state.is_held()) {
            Some(state) if state.config_hash == hash && state.phase != super::slot::Phase::Stopping => return Ok(Step::Done),
            Some(_) => {
                control::ask(slot, Request::Reload);
            }
            None if spawned.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) => {
                self.spawn(key, slot)?;
                *spawned = Some(Instant::now());
            }
            None => {}
        }
        Ok(Step::Going)
    }

    /// Marks every slot of a part, but the generation that is kept, as one that shall go: nobody starts it, and no request goes
    /// to it any more. Answers whether there is any.
    pub(super) fn mark_going(&self, key: &NodeKey, part: &Part, keep: Option<u32>) -> io::Result<bool> {
        let _held = self.lock();
        let going = self.going(key, part, keep);
        going.iter().try_for_each(|(_, slot)| if slot.is_marked_deleted() { Ok(()) } else { slot.mark_deleted() })?;
        Ok(!going.is_empty())
    }

    fn going(&self, key: &NodeKey, part: &Part, keep: Option<u32>) -> Vec<(u32, SlotDirectory)> {
        let mut going = records::slot_directories(&self.directory, key, part);
        going.retain(|(generation, _)| Some(*generation) != keep);
        going
    }

    /// One step towards slots that are gone without a trace: all of a part, but the generation that is kept.
    pub(super) fn take_down(&self, key: &NodeKey, part: &Part, keep: Option<u32>) -> io::Result<Step> {
        let mut ports = self.lock();
        let going = self.going(key, part, keep);
        going.iter().try_for_each(|(_, slot)| slot.mark_deleted())?;
        self.end_slots(key, part, &going, &mut ports)
    }

    /// One step towards the end of everything that is marked. Whoever marked it may have gone, or waits for no more than
    /// that it is gone. Answers whether something goes on.
    fn finish_ends(&self, key: &NodeKey) -> io::Result<Step> {
        let mut step = Step::Done;
        for part in NodeView::read(&self.directory, key).ending {
            let mut ports = self.lock();
            let mut marked = records::slot_directories(&self.directory, key, &part);
            marked.retain(|(_, slot)| slot.is_marked_deleted());
            if self.end_slots(key, &part, &marked, &mut ports)? == Step::Going {
                step = Step::Going;
            }
        }
        Ok(step)
    }

    fn end_slots(&self, key: &NodeKey, part: &Part, going: &[(u32, SlotDirectory)], ports: &mut Ports) -> io::Result<Step> {
        for (_, slot) in going {
            control::ask(slot, Request::Stop);
        }
        for (_, slot) in going {
            let lock = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(slot.lock())?;
            if lock.try_lock().is_err() {
                return Ok(Step::Going);
            }
            // No shim runs, and none that is late gets the lock while we have it.
            let state = slot.read_state().unwrap_or_default();
            let mark = slot.mark();
            let traces =
                Traces { child: state.child.as_ref(), control_group: state.control_group.as_deref(), mark: &mark, pipes: &state.pipes };
            let left = process::left_behind(&traces);
            if !left.is_empty() {
                process::signal_all(&left, Signal::KILL);
                return Ok(Step::Going);
            }
            if let Some(group) = &state.control_group {
                control_group::remove(group);
            }
            fs::remove_dir_all(slot.path())?;
        }
        self.release_replica(key, part, ports)?;
        records::tidy(&self.directory, key);
        Ok(Step::Done)
    }

    /// Gives back the ports of a replica's generations of which no slot is there.
    fn release_replica(&self, key: &NodeKey, part: &Part, ports: &mut Ports) -> io::Result<()> {
        let Part::Process(replica, _) = part else { return Ok(()) };
        let mut of_replicas = records::replica_ports(&self.directory, key);
        let unused = records::unused_labels(&self.directory, key, *replica, &of_replicas);
        let gone: Vec<BTreeMap<String, u16>> = unused.iter().filter_map(|label| of_replicas.remove(label)).collect();
        if !gone.is_empty() {
            records::write_replica_ports(&self.directory, key, &of_replicas)?;
            gone.into_iter().flat_map(BTreeMap::into_values).for_each(|port| ports.release(port));
        }
        Ok(())
    }

    /// The ports of a replica's generation, one for each service port; those that it has are kept, unless it does not run and
    /// somebody else has taken one.
    pub(super) fn replica_ports(
        &self,
        key: &NodeKey,
        label: &str,
        names: &[String],
        runs: bool,
        ports: &mut Ports,
    ) -> io::Result<BTreeMap<String, u16>> {
        let mut of_replicas = records::replica_ports(&self.directory, key);
        let had = of_replicas.remove(label).unwrap_or_default();
        let mut has = BTreeMap::new();
        for name in names {
            let kept = had.get(name).copied().filter(|port| runs || ports::is_free(*port));
            let port = kept.or_else(|| ports.take()).ok_or_else(|| io::Error::other("every port of this machine's range is taken"))?;
            has.insert(name.clone(), port);
        }
        if had != has {
            of_replicas.insert(label.to_owned(), has.clone());
            records::write_replica_ports(&self.directory, key, &of_replicas)?;
            had.values().filter(|port| !has.values().any(|kept| kept == *port)).for_each(|port| ports.release(*port));
        }
        Ok(has)
    }

    /// Asks every shim to end, and waits until all did, or the patience is at its end.
    pub(super) async fn stop_all(self: &Arc<Self>) {
        let until = Instant::now() + self.timings.grace() + Duration::from_secs(5);
        loop {
            let local = Arc::clone(self);
            let left = tokio::task::spawn_blocking(move || {
                let views = records::nodes(&local.directory).into_iter().map(|key| NodeView::read(&local.directory, &key));
                let held: Vec<SlotDirectory> =
                    views.flat_map(|view| view.slots).filter(|slot| slot.held).map(|slot| slot.directory).collect();
                held.iter()
                    .filter(|slot| control::ask(slot, Request::Stop) || slot.read_state().is_some_and(|state| state.is_held()))
                    .count()
            });
            if left.await.unwrap_or_default() == 0 || Instant::now() > until {
                return;
            }
            tokio::time::sleep(STEP * 4).await;
        }
    }

    /// Follows the shims until the target is dropped: what they tell, those that died without a word, those that end.
    pub(super) async fn follow(self: Arc<Self>, pokes: tokio::net::UnixDatagram) {
        let every = |period| {
            let mut interval = tokio::time::interval(period);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            interval
        };
        let (mut sweep, mut look) = (every(SWEEP), every(ENDING));
        sweep.tick().await;
        // What a Windlass before this one did not see to the end.
        let mut ending: BTreeSet<NodeKey> = records::nodes(&self.directory).into_iter().collect();
        let mut buffer = [0; 256];
        loop {
            tokio::select! {
                poked = pokes.recv(&mut buffer) => {
                    let Ok(length) = poked else { continue };
                    let mut uids = BTreeSet::from([String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned()]);
                    while let Ok(length) = pokes.try_recv(&mut buffer) {
                        uids.insert(String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned());
                    }
                    for uid in uids {
                        for key in records::nodes_of(&self.directory, &uid) {
                            self.refresh(&key).await;
                            ending.insert(key);
                        }
                    }
                }
                _ = look.tick(), if !ending.is_empty() => self.see_to_ends(&mut ending).await,
                _ = sweep.tick() => {
                    self.sweep().await;
                    ending.extend(records::nodes(&self.directory));
                }
            }
        }
    }

    /// Goes a step on with what ends in these nodes, and forgets those in which nothing does.
    async fn see_to_ends(self: &Arc<Self>, ending: &mut BTreeSet<NodeKey>) {
        for key in std::mem::take(ending) {
            let (local, of) = (Arc::clone(self), key.clone());
            let step = tokio::task::spawn_blocking(move || {
                driver::drop_old_files(&local, &of);
                let any = !NodeView::read(&local.directory, &of).ending.is_empty();
                if any { local.finish_ends(&of).map(Some) } else { Ok(None) }
            });
            match step.await.map_err(io::Error::other).and_then(|step| step) {
                Ok(None) => {}
                Ok(Some(Step::Done)) => self.refresh(&key).await,
                Ok(Some(Step::Going)) => drop(ending.insert(key)),
                Err(error) => tracing::warn!(%error, node = %key.node, "what ends cannot be taken away; it is tried again"),
            }
        }
    }

    /// Looks for what nobody told: shims that died, configurations that their shims do not know, ports, Procfiles.
    pub(super) async fn sweep(self: &Arc<Self>) {
        for key in self.gateway.faulty() {
            self.refresh(&key).await;
        }
        let local = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            for key in records::nodes(&local.directory) {
                local.revive(&key);
                local.look_at_procfile(&key);
            }
        });
        drop(done.await);
    }

    /// Tells whoever listens when the Procfile's line is no longer the one that a program was started by.
    pub(super) fn look_at_procfile(&self, key: &NodeKey) {
        let view = NodeView::read(&self.directory, key);
        let Some((slot, line)) = view.newest().find_map(|slot| Some((slot, wish::procfile_line(&slot.config.wish)?))) else { return };
        // One that cannot be read is a change, too: the next plan says what is wrong with it.
        let now = procfile::web(&slot.config.directory).unwrap_or_default();
        let mut told = self.procfiles.lock().unwrap_or_else(PoisonError::into_inner);
        if now == line {
            told.remove(key);
        } else if told.insert(key.clone(), now.clone()).is_none_or(|before| before != now) {
            // Nobody may be listening.
            drop(self.changes.send(key.uid.clone()));
        }
    }
}

/// `windlass` in commands that a shell runs is found in this directory.
fn programs(directory: &Path) -> PathBuf {
    // No instance's directory can have this name: see `path_segment`.
    directory.join("%bin")
}

fn link_executable(directory: &Path, executable: &Path) -> io::Result<()> {
    let link = programs(directory).join("windlass");
    if std::fs::read_link(&link).is_ok_and(|found| found == executable) {
        return Ok(());
    }
    make_directory(&programs(directory))?;
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link)?;
    }
    fs::os::unix::fs::symlink(executable, &link)
}

/// What programs see of our own environment.
fn passed_on(directory: &Path) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for (name, fallback) in
        [("HOME", Some("/")), ("LANG", Some("C.UTF-8")), ("TZ", None), ("USER", None), ("LOGNAME", None), ("SHELL", None)]
    {
        let value = std::env::var(name).ok().or_else(|| fallback.map(str::to_owned));
        environment.extend(value.map(|value| (name.to_owned(), value)));
    }
    let path = std::env::var("PATH").ok().filter(|path| !path.is_empty()).unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned());
    environment.insert("PATH".into(), format!("{}:{path}", programs(directory).display()));
    environment
}

fn listen_for_changes(directory: &Path) -> io::Result<tokio::net::UnixDatagram> {
    let place = SocketPlace::open(directory, CHANGES_SOCKET)?;
    match std::fs::remove_file(place.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    tokio::net::UnixDatagram::bind(place.path())
}
