//! The shim's loop: what runs, what is ending, what comes next. Every wait is the `poll` in [`Supervisor::run`].

use super::output::Output;
use super::probe::{self, Answer};
use super::program;
use crate::local::control::{self, Request};
use crate::local::control_group::{self, ControlGroup};
use crate::local::port_holder::port_holder;
use crate::local::process::{self, ProcessIdentity, Traces};
use crate::local::slot::{CHANGES_SOCKET, Exit, Phase, SlotConfig, SlotDirectory, SlotProbe, SlotState, SocketPlace};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, WaitOptions};
use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant};

/// How often it is looked whether everything has ended; a child's end wakes us before.
const ENDING_STEP: Duration = Duration::from_millis(20);
/// How often it is looked whether the slot's directory is still there.
const LONGEST_POLL: Duration = Duration::from_secs(30);

/// What follows when everything has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The shim ends too.
    Leave,
    /// The new configuration is run at once.
    Reload,
    /// The program is started anew after a while.
    Again,
    /// The program is started at once.
    Start,
}

#[derive(Debug)]
enum Mode {
    Running { since: Instant },
    Waiting { until: Instant },
    Ending { next: Next, ending: Ending },
    Left,
}

/// How far an end is: the program is told first, what is left after it is told then, and what does not listen is killed.
#[derive(Clone, Copy, Debug)]
struct Ending {
    /// When the program is told; `None` once it was.
    tell_at: Option<Instant>,
    told_rest: bool,
    kill_at: Instant,
}

/// Which question is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Readiness,
    Liveness,
}

enum Asking {
    Network(mpsc::Receiver<Answer>),
    Program { pid: i32, until: Instant },
}

/// The shim of one slot.
pub(super) struct Supervisor {
    slot: SlotDirectory,
    executable: PathBuf,
    config: SlotConfig,
    state: SlotState,
    written: Option<SlotState>,
    mode: Mode,
    output: Output,
    group: Option<ControlGroup>,
    /// What a shim before this one left behind.
    before: Option<SlotState>,
    child: Option<i32>,
    quick_ends: u32,
    asking: Option<(Question, Asking)>,
    next_look: Instant,
    next_readiness: Instant,
    next_liveness: Instant,
    readiness_failures: u32,
    liveness_failures: u32,
    control: UnixListener,
    wake: (UnixStream, UnixStream),
    terminate: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Supervisor {
    pub(super) fn new(slot: SlotDirectory, executable: PathBuf) -> io::Result<Self> {
        let config = slot.read_config()?;
        slot.prepare()?;
        let output = Output::open(&slot, &config.timings)?;
        let wake = UnixStream::pair()?;
        wake.0.set_nonblocking(true)?;
        wake.1.set_nonblocking(true)?;
        let terminate = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::flag::register(signal, std::sync::Arc::clone(&terminate))?;
            signal_hook::low_level::pipe::register(signal, wake.1.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, wake.1.try_clone()?)?;
        let group = ControlGroup::make(&slot.group());
        let before = slot.read_state();
        let now = Instant::now();
        let mut this = Self {
            control: listen(&slot)?,
            state: SlotState { shim: ProcessIdentity::of(process::own_pid()).unwrap_or_default(), ..SlotState::default() },
            written: None,
            mode: Mode::Ending {
                next: Next::Start,
                ending: Ending { tell_at: None, told_rest: false, kill_at: now + config.timings.grace() },
            },
            output,
            group,
            before,
            child: None,
            quick_ends: 0,
            asking: None,
            next_look: now + LONGEST_POLL,
            next_readiness: now,
            next_liveness: now,
            readiness_failures: 0,
            liveness_failures: 0,
            wake,
            terminate,
            slot,
            executable,
            config,
        };
        if let Some(before) = &this.before {
            this.state.restarts = before.restarts;
            this.state.last_exit = before.last_exit;
            this.state.last_line.clone_from(&before.last_line);
            this.state.child.clone_from(&before.child);
        }
        this.adopt_config();
        Ok(this)
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        loop {
            self.reap();
            self.output.pump();
            self.take_answer();
            self.act();
            self.publish()?;
            if matches!(self.mode, Mode::Left) {
                return Ok(());
            }
            self.wait()?;
            self.serve_control();
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        let timeout = self.next_event().saturating_duration_since(Instant::now()).min(LONGEST_POLL);
        let timeout = Timespec { tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(60), tv_nsec: i64::from(timeout.subsec_nanos()) };
        let mut polled = vec![PollFd::new(&self.wake.0, PollFlags::IN), PollFd::new(&self.control, PollFlags::IN)];
        polled.extend(self.output.descriptors().into_iter().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut sink = [0; 64];
        while self.wake.0.read(&mut sink).is_ok_and(|count| count > 0) {}
        if self.terminate.swap(false, std::sync::atomic::Ordering::Relaxed) {
            self.end(Next::Leave);
        }
        Ok(())
    }

    fn next_event(&self) -> Instant {
        match (&self.mode, &self.asking) {
            (Mode::Running { .. }, Some((_, Asking::Program { until, .. }))) => *until,
            (Mode::Running { .. }, Some((_, Asking::Network(_)))) => Instant::now() + LONGEST_POLL,
            (Mode::Running { .. }, None) => {
                let liveness = self.config.liveness.as_ref().filter(|_| self.state.ready).map(|_| self.next_liveness);
                let readiness = (self.config.readiness != SlotProbe::Started || !self.state.ready).then_some(self.next_readiness);
                [liveness, readiness].into_iter().flatten().min().unwrap_or_else(|| Instant::now() + LONGEST_POLL)
            }
            (Mode::Waiting { until }, _) => *until,
            (Mode::Ending { .. }, _) => Instant::now() + ENDING_STEP,
            (Mode::Left, _) => Instant::now(),
        }
    }

    /// Does what is due.
    fn act(&mut self) {
        let now = Instant::now();
        if now >= self.next_look {
            self.next_look = now + LONGEST_POLL;
            // Taken away by force: nobody could find, or end, what goes on in it.
            if !self.slot.path().exists() {
                self.end(Next::Leave);
            }
        }
        match self.mode {
            Mode::Running { .. } => self.ask_what_is_due(now),
            Mode::Waiting { until } if now >= until => {
                self.state.restarts += 1;
                self.start();
            }
            Mode::Ending { next, ending } => self.go_on_ending(now, next, ending),
            Mode::Waiting { .. } | Mode::Left => {}
        }
    }

    // --- starting ---

    /// Makes the configuration that was read the one that runs.
    fn adopt_config(&mut self) {
        self.state.config_hash = self.config.hash();
        self.state.control_group = self.group.as_ref().map(|group| group.path().to_owned());
        self.state.limits =
            self.group.as_ref().map_or_else(|| control_group::without_group(&self.config.limits), |group| group.limit(&self.config.limits));
        self.state.phase = Phase::Waiting;
        self.unready("Starting", "it is being started");
    }

    fn start(&mut self) {
        self.before = None;
        self.state.listens_on = None;
        if let Err((reason, message)) = self.try_start() {
            self.state.child = None;
            self.output.note(&message);
            self.unready(reason, &message);
            self.wait_before_next_start();
            return;
        }
        let now = Instant::now();
        self.mode = Mode::Running { since: now };
        self.state.phase = Phase::Running;
        self.readiness_failures = 0;
        self.liveness_failures = 0;
        self.next_readiness = now;
        self.next_liveness = now + Duration::from_millis(self.config.timings.probe_milliseconds);
        if self.config.readiness == SlotProbe::Started {
            // One that ends again and again must not count as ready each time in between.
            let steady = self.config.timings.steady_milliseconds.saturating_mul(u64::from(self.quick_ends.min(9)) + 1);
            self.next_readiness = now + Duration::from_millis(steady);
        }
        // One that ended and is tried again keeps the reason why, until it is ready.
        if self.quick_ends == 0 {
            self.unready("Starting", "it has been started and is not ready yet");
        }
    }

    fn try_start(&mut self) -> Result<(), (&'static str, String)> {
        program::resolve(&self.config.program, &self.config.directory, &self.config.environment)
            .map_err(|message| ("ProgramNotFound", message))?;
        if self.config.owns_ports
            && let Some(port) = self.config.ports.values().find(|port| TcpListener::bind(("127.0.0.1", **port)).is_err())
        {
            let who = port_holder(*port).unwrap_or_else(|| "another program".into());
            return Err((
                "PortTaken",
                format!(
                    "port {port} of this replica is held by {who}\n  hint: end that program; this one is tried again by itself, and gets another port with the next Run"
                ),
            ));
        }
        let cannot = |error: io::Error| ("CannotStart", format!("the program cannot be started: {error}"));
        let (out, err, pipes) = self.output.attach().map_err(cannot)?;
        self.state.pipes = pipes;
        let group = self.group.as_ref().map(ControlGroup::path);
        let pid = program::start(&self.executable, &self.slot, group, out, err).map_err(cannot)?;
        self.child = Some(pid);
        self.state.child = ProcessIdentity::of(pid);
        Ok(())
    }

    fn wait_before_next_start(&mut self) {
        let timings = &self.config.timings;
        let factor = 1_u64.checked_shl(self.quick_ends.min(30)).unwrap_or(u64::MAX);
        let wait = timings.restart_milliseconds.saturating_mul(factor).min(timings.longest_restart_milliseconds);
        self.quick_ends = self.quick_ends.saturating_add(1);
        self.mode = Mode::Waiting { until: Instant::now() + Duration::from_millis(wait) };
        self.state.phase = Phase::Waiting;
    }

    // --- ending ---

    /// Begins to end everything, unless that goes on already; a wish to leave always wins.
    fn end(&mut self, next: Next) {
        match &mut self.mode {
            Mode::Ending { next: planned, .. } => {
                if next == Next::Leave || *planned != Next::Leave {
                    *planned = next;
                }
            }
            Mode::Running { .. } | Mode::Waiting { .. } => {
                self.asking = None;
                // What serves is taken out of the gateway first, so that no request meets a program that is ending.
                let drain = if self.state.ready && !self.config.ports.is_empty() && next != Next::Again {
                    self.config.timings.drain_milliseconds
                } else {
                    0
                };
                let tell_at = Instant::now() + Duration::from_millis(drain);
                let ending = Ending { tell_at: Some(tell_at), told_rest: false, kill_at: tell_at + self.config.timings.grace() };
                self.mode = Mode::Ending { next, ending };
                self.state.phase = Phase::Stopping;
                if next != Next::Again {
                    self.unready("Stopping", "it is being ended");
                }
            }
            Mode::Left => {}
        }
    }

    /// Everything of this slot that still runs, whoever is its parent now.
    fn everything(&self) -> BTreeSet<i32> {
        let mut found = process::descendants(&[process::own_pid()]);
        if let Some(group) = &self.group {
            found.extend(process::members(group.path()));
        }
        if let Some(before) = &self.before {
            let mark = self.slot.mark();
            let traces =
                Traces { child: before.child.as_ref(), control_group: before.control_group.as_deref(), mark: &mark, pipes: &before.pipes };
            found.extend(process::left_behind(&traces));
        }
        found.remove(&process::own_pid());
        found
    }

    fn go_on_ending(&mut self, now: Instant, next: Next, mut ending: Ending) {
        let left = self.everything();
        if left.is_empty() {
            self.ended(next);
        } else if now >= ending.kill_at {
            if let Some(group) = &self.group {
                group.kill();
            }
            process::signal_all(&left, Signal::KILL);
        } else if let Some(pid) = self.child {
            if ending.tell_at.is_some_and(|at| now >= at) {
                process::signal_all(&BTreeSet::from([pid]), Signal::TERM);
                ending.tell_at = None;
                self.mode = Mode::Ending { next, ending };
            }
        } else if !ending.told_rest {
            process::signal_all(&left, Signal::TERM);
            ending.told_rest = true;
            self.mode = Mode::Ending { next, ending };
        }
    }

    fn ended(&mut self, next: Next) {
        self.state.child = None;
        match next {
            Next::Leave => {
                if let Some(group) = &self.group {
                    control_group::remove(group.path());
                }
                self.state.phase = Phase::Stopped;
                self.unready("Stopped", "it was ended");
                self.mode = Mode::Left;
            }
            Next::Reload => {
                match self.slot.read_config() {
                    Ok(config) => self.config = config,
                    Err(error) => self.output.note(&format!("the new configuration cannot be read, the old one goes on: {error}")),
                }
                self.quick_ends = 0;
                self.state.restarts = 0;
                self.adopt_config();
                self.start();
            }
            Next::Start => self.start(),
            Next::Again => self.wait_before_next_start(),
        }
    }

    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get();
            let exit = Exit { code: status.exit_status(), signal: status.terminating_signal() };
            if self.child == Some(pid) {
                self.child = None;
                self.program_ended(exit);
            } else if let Some((question, Asking::Program { pid: asked, .. })) = &self.asking
                && *asked == pid
            {
                let question = *question;
                self.asking = None;
                let answer = if exit.code == Some(0) { Ok(None) } else { Err(format!("the probe's program ended with {}", exit.phrase())) };
                self.answered(question, answer);
            }
        }
    }

    fn program_ended(&mut self, exit: Exit) {
        self.output.pump();
        self.state.last_exit = Some(exit);
        self.state.last_line = self.output.last_line().map(|line| self.config.redact(line));
        self.output.note(&format!("{}{}", super::PROGRAM_ENDED, exit.phrase()));
        if let Mode::Running { since } = self.mode {
            if since.elapsed() >= Duration::from_millis(self.config.timings.settled_milliseconds) {
                self.quick_ends = 0;
            }
            self.end(Next::Again);
            let last = self.state.last_line.as_ref().map(|line| format!("; its last line: {line}")).unwrap_or_default();
            let message = format!(
                "the program ended with {}{last}\n  hint: `windlass logs` and its page in the portal show all that it wrote; it is started again by itself, and has to stay in the foreground",
                exit.phrase()
            );
            self.unready("ProgramEnded", &message);
        }
    }

    // --- asking ---

    fn ask_what_is_due(&mut self, now: Instant) {
        if let Some((question, Asking::Program { pid, until })) = &self.asking
            && now >= *until
        {
            let (question, pid) = (*question, *pid);
            process::signal_all(&BTreeSet::from([pid]), Signal::KILL);
            self.asking = None;
            self.answered(question, Err("the probe's program did not end in time".into()));
        }
        if self.asking.is_some() {
            return;
        }
        if self.config.readiness == SlotProbe::Started && !self.state.ready && now >= self.next_readiness {
            self.ready(None);
        }
        let due = match &self.config.liveness {
            Some(probe) if self.state.ready && now >= self.next_liveness => Some((Question::Liveness, probe.clone())),
            _ if now >= self.next_readiness && self.config.readiness != SlotProbe::Started => {
                Some((Question::Readiness, self.config.readiness.clone()))
            }
            _ => None,
        };
        if let Some((question, probe)) = due {
            match self.ask(&probe) {
                Ok(asking) => self.asking = Some((question, asking)),
                Err(error) => self.answered(question, Err(format!("the probe cannot be run: {error}"))),
            }
        }
    }

    fn ask(&self, probe: &SlotProbe) -> io::Result<Asking> {
        let timeout = Duration::from_millis(self.config.timings.probe_timeout_milliseconds);
        match probe {
            SlotProbe::Exec { command } => {
                Ok(Asking::Program { pid: program::start_probe(&self.config, command)?, until: Instant::now() + timeout })
            }
            SlotProbe::Started | SlotProbe::Port { .. } | SlotProbe::Http { .. } => {
                Ok(Asking::Network(probe::ask(probe.clone(), timeout, self.wake.1.try_clone()?)?))
            }
        }
    }

    fn take_answer(&mut self) {
        let Some((question, Asking::Network(receiver))) = &self.asking else { return };
        let question = *question;
        match receiver.try_recv() {
            Ok(answer) => {
                self.asking = None;
                self.answered(question, answer);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.asking = None;
                self.answered(question, Err("the probe broke off".into()));
            }
        }
    }

    fn answered(&mut self, question: Question, answer: Answer) {
        let timings = &self.config.timings;
        let later = Instant::now() + Duration::from_millis(timings.probe_milliseconds);
        let enough = timings.probe_failures.max(1);
        match (question, answer) {
            (Question::Readiness, Ok(address)) => {
                self.readiness_failures = 0;
                self.next_readiness = later;
                self.ready(address);
            }
            (Question::Readiness, Err(message)) => {
                self.readiness_failures = self.readiness_failures.saturating_add(1);
                let soon = Instant::now() + Duration::from_millis(timings.starting_probe_milliseconds);
                self.next_readiness = if self.state.ready { later.min(Instant::now() + Duration::from_secs(1)) } else { soon };
                // One that was ready keeps its place until it failed some times in a row; one that starts is just not ready yet.
                if self.readiness_failures >= enough {
                    self.unready("ProbeFailing", &self.config.redact(&message));
                }
            }
            (Question::Liveness, Ok(_)) => {
                self.liveness_failures = 0;
                self.next_liveness = later;
            }
            (Question::Liveness, Err(message)) => {
                self.liveness_failures = self.liveness_failures.saturating_add(1);
                self.next_liveness = later;
                if self.liveness_failures >= enough {
                    let message = format!("it does not live and is started anew: {}", self.config.redact(&message));
                    self.output.note(&message);
                    self.end(Next::Again);
                    self.unready("NotAlive", &message);
                }
            }
        }
    }

    // --- telling ---

    fn ready(&mut self, address: Option<std::net::IpAddr>) {
        self.state.ready = true;
        self.state.reason = "Ready".into();
        self.state.message.clear();
        self.state.listens_on = address.or(self.state.listens_on);
    }

    fn unready(&mut self, reason: &str, message: &str) {
        self.state.ready = false;
        reason.clone_into(&mut self.state.reason);
        message.clone_into(&mut self.state.message);
    }

    /// Writes what is so if it changed, and pokes whoever watches.
    fn publish(&mut self) -> io::Result<()> {
        if self.written.as_ref() == Some(&self.state) {
            return Ok(());
        }
        match self.slot.write_state(&self.state) {
            Ok(()) => {}
            // The directory was taken away by force: nothing of this slot shall go on.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.slot.path().exists() => {
                self.end(Next::Leave);
                if matches!(self.mode, Mode::Left) {
                    return Ok(());
                }
            }
            // A full disk must not end a program that runs.
            Err(error) => self.output.note(&format!("the state cannot be written: {error}")),
        }
        self.written = Some(self.state.clone());
        let target = self.slot.path().ancestors().nth(3).unwrap_or(self.slot.path());
        if let Ok(place) = SocketPlace::open(target, CHANGES_SOCKET)
            && let Ok(socket) = UnixDatagram::unbound()
        {
            // Nobody listens while Windlass is down; it reads every state when it is back.
            drop(socket.set_nonblocking(true).and_then(|()| socket.send_to(self.config.key.uid.as_bytes(), place.path())));
        }
        Ok(())
    }

    fn serve_control(&mut self) {
        while let Ok((stream, _)) = self.control.accept() {
            let mut asked = None;
            let state = serde_json::to_string(&self.state).unwrap_or_default();
            // Who goes away before the answer has asked all the same.
            drop(control::serve(&stream, |request| {
                asked = request;
                if request.is_some() { state } else { "unknown request".into() }
            }));
            match asked {
                Some(Request::Stop) => self.end(Next::Leave),
                Some(Request::Reload) if self.slot.read_config().is_ok_and(|config| config.hash() != self.state.config_hash) => {
                    self.end(Next::Reload)
                }
                Some(Request::Reload | Request::Status) | None => {}
            }
        }
    }
}

fn listen(slot: &SlotDirectory) -> io::Result<UnixListener> {
    let place = slot.control()?;
    // The lock is ours, so a socket that lies there belongs to a dead shim.
    drop(std::fs::remove_file(place.path()));
    let listener = UnixListener::bind(place.path())?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
