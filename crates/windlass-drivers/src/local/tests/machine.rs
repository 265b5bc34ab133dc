//! A target in a temporary directory, and a small executor that takes effects as the real one does.

use crate::driver::{DriverError, Scope};
use crate::local::part::Part;
use crate::local::records::{NodeKey, NodeView, nodes};
use crate::local::slot::SlotDirectory;
use crate::local::{LocalOptions, LocalTarget, Timings, files, process, shim};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use windlass_api::driver::{DesiredNode, Health, NodeAnswer, Observation, Operation, Outcome};
use windlass_api::inventory::Entry;
use windlass_api::plan::{Action, Block, EffectPlan, InstanceReference};
use windlass_api::planned::Planned;

const ARGUMENTS: &str = "WINDLASS_TEST_ARGUMENTS";

/// The test program as `windlass`: a script runs this one test with the arguments in the environment.
#[test]
fn as_windlass() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        assert!(std::env::current_exe().is_ok(), "the test program finds itself");
        return;
    };
    let arguments: Vec<OsString> = arguments.lines().map(OsString::from).collect();
    let text = |index: usize| arguments[index].to_str().unwrap().to_owned();
    if text(0) == "shim" {
        let code = shim::run(&arguments[1..]);
        end(if code == std::process::ExitCode::SUCCESS { 0 } else { 1 });
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match text(0).as_str() {
        "files" => {
            let address = SocketAddr::from(([127, 0, 0, 1], text(4).parse().unwrap()));
            runtime.block_on(files::serve(&PathBuf::from(text(2)), address, std::future::pending())).unwrap();
        }
        "echo" => runtime.block_on(echo()),
        "owner" => runtime.block_on(own(&text(1), text(2).into(), &text(3), &text(4))),
        "bytes" => runtime.block_on(bytes(text(1).parse().unwrap(), text(2).parse().unwrap())),
        other => panic!("{other}"),
    }
}

#[expect(clippy::exit, reason = "the test program stands for windlass here, and its exit code counts")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}

/// Windlass, as far as it matters here: makes or deletes an app on a machine that somebody else began.
async fn own(what: &str, root: PathBuf, instance: &str, body: &str) {
    let (instance, body): (InstanceReference, Value) = (serde_json::from_str(instance).unwrap(), serde_json::from_str(body).unwrap());
    let body = Planned::Known(body);
    let mut machine = Machine::at(root);
    machine.restart().await;
    if what == "make" {
        drop(machine.carry_out(&instance, &body).await);
    } else {
        machine.destroy(&instance, &body).await;
    }
}

/// How many paths there are below a directory.
fn count(directory: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| 1 + if entry.file_type().is_ok_and(|kind| kind.is_dir()) { count(&entry.path()) } else { 0 }).sum()
}

/// Says who it is and what it was asked.
async fn echo() {
    let handler = async |headers: http::HeaderMap| {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let color = std::env::var("COLOR").unwrap_or_default();
        format!("pid={} host={} forwarded-for={} color={color}", std::process::id(), header("host"), header("x-forwarded-for"))
    };
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let socket = async |upgrade: axum::extract::WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            while let Some(Ok(message)) = socket.recv().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        })
    };
    let stream = async || {
        use futures::StreamExt as _;
        let first = futures::stream::iter([Ok::<_, std::convert::Infallible>("first")]);
        axum::body::Body::from_stream(first.chain(futures::stream::pending()))
    };
    let router = axum::Router::new().route("/socket", axum::routing::get(socket)).route("/stream", axum::routing::get(stream));
    axum::serve(listener, router.fallback(handler)).await.unwrap();
}

/// Sends back every byte.
async fn bytes(db: u16, http: u16) {
    let _other = tokio::net::TcpListener::bind(("127.0.0.1", http)).await.unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", db)).await.unwrap();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await
        });
    }
}

/// Waits for a condition.
pub(super) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(40);
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    while !holds().await {
        assert!(Instant::now() < until, "not in time: {what}");
        tick.tick().await;
    }
}

/// A number that no other process has on its command line.
pub(super) fn odd_number() -> String {
    rand::random_range(100_000_000_u64..999_999_999).to_string()
}

/// The `sleep NUMBER` processes that run.
pub(super) fn processes(number: &str) -> BTreeSet<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == format!("sleep\0{number}\0").as_bytes()))
        .collect()
}

pub(super) fn instance(name: &str) -> InstanceReference {
    InstanceReference {
        api_version: "platform.windlass.dev/v1alpha1".into(),
        kind: "WebApp".into(),
        namespace: Some("dev".into()),
        name: name.into(),
        uid: format!("uid-{name}"),
    }
}

/// A workload with one HTTP port and a route.
pub(super) fn body(replicas: u32, container: Value) -> Planned {
    Planned::Known(
        json!({"name": "app", "replicas": replicas, "containers": {"main": container}, "ports": {"http": {"port": 80}}, "routes": {"www": {"port": 80}}}),
    )
}

fn timings() -> Timings {
    Timings {
        grace_milliseconds: 3000,
        restart_milliseconds: 20,
        longest_restart_milliseconds: 200,
        starting_probe_milliseconds: 20,
        probe_milliseconds: 50,
        drain_milliseconds: 100,
        ..Timings::default()
    }
}

pub(super) struct Machine {
    root: PathBuf,
    temporary: Option<tempfile::TempDir>,
    executable: PathBuf,
    groups: Mutex<BTreeSet<PathBuf>>,
    target: Option<LocalTarget>,
}

impl Machine {
    pub(super) async fn start() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let temporary = tempfile::tempdir().unwrap();
        let executable = temporary.path().join("windlass");
        let own = std::env::current_exe().unwrap();
        let test = "local::tests::machine::as_windlass";
        let script = format!(
            "#!/bin/sh\n{ARGUMENTS}=$(printf '%s\\n' \"$@\")\nexport {ARGUMENTS}\nexec {} --exact {test} --nocapture\n",
            own.display()
        );
        fs_err::write(&executable, script).unwrap();
        fs_err::set_permissions(&executable, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut machine = Self::at(temporary.path().to_owned());
        machine.temporary = Some(temporary);
        machine.restart().await;
        machine
    }

    /// The machine that another process began.
    fn at(root: PathBuf) -> Self {
        Self { executable: root.join("windlass"), root, temporary: None, groups: Mutex::default(), target: None }
    }

    /// How many paths there are in its directory.
    pub(super) fn paths(&self) -> usize {
        count(&self.root.join("local"))
    }

    pub(super) fn stop(&mut self) {
        drop(self.target.take());
    }

    /// Starts another process that makes or deletes an app, and kills it once the number of the machine's paths is `enough`;
    /// answers whether it was still at work.
    pub(super) async fn killed_owner(
        &self,
        what: &str,
        instance: &InstanceReference,
        body: &Planned,
        mut enough: impl FnMut(usize) -> bool,
    ) -> bool {
        let mut owner = std::process::Command::new(&self.executable)
            .args(["owner", what, self.root.to_str().unwrap(), &json!(instance).to_string(), &body.to_json().to_string()])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        eventually("it is time to kill", async || enough(self.paths()) || owner.try_wait().unwrap().is_some()).await;
        owner.kill().unwrap();
        !owner.wait().unwrap().success()
    }

    pub(super) fn options_for(&self, apps_listen: SocketAddr) -> LocalOptions {
        LocalOptions { directory: self.root.join("local"), apps_listen, executable: self.executable.clone(), timings: timings() }
    }

    /// As after a crash of windlass: everything that it had in memory is gone.
    pub(super) async fn restart(&mut self) {
        drop(self.target.take());
        self.target = Some(LocalTarget::start(self.options_for(([127, 0, 0, 1], 0).into())).await.unwrap());
    }

    pub(super) async fn executable_is(&mut self, path: &str) {
        self.executable = path.into();
        self.restart().await;
    }

    pub(super) fn target(&self) -> &LocalTarget {
        self.target.as_ref().unwrap()
    }

    pub(super) fn slot(&self, instance: &InstanceReference, part: &str) -> SlotDirectory {
        let key = NodeKey { uid: instance.uid.clone(), node: "app".into() };
        key.slot(&self.root.join("local"), &Part::parse(part).unwrap(), 0)
    }

    /// The newest slot of the first replica.
    pub(super) fn newest_slot(&self, instance: &InstanceReference) -> SlotDirectory {
        let key = NodeKey { uid: instance.uid.clone(), node: "app".into() };
        let view = NodeView::read(&self.root.join("local"), &key);
        view.slot(&Part::parse("replica-0").unwrap()).unwrap().directory.clone()
    }

    pub(super) async fn sweep(&self) {
        self.target().local.sweep().await;
    }

    pub(super) fn look_at_procfiles(&self) {
        for key in nodes(&self.root.join("local")) {
            self.target().local.look_at_procfile(&key);
        }
    }

    pub(super) fn kill_shims(&self) {
        let directory = self.root.join("local");
        for slot in nodes(&directory).iter().flat_map(|key| NodeView::read(&directory, key).slots) {
            let shim = slot.state.unwrap().shim;
            process::signal_all(&BTreeSet::from([shim.pid]), Signal::KILL);
        }
    }

    /// Nothing in the directory but what the target itself needs, and no process of it.
    pub(super) fn assert_nothing_left(&self) {
        let directory = self.root.join("local");
        let mut left: Vec<String> =
            fs_err::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["%bin", "changes.sock"]);
        assert_eq!(self.groups.lock().unwrap().iter().filter(|group| group.exists()).count(), 0);
        let own = directory.to_str().unwrap();
        let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let running: Vec<i32> = pids
            .filter(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(own)))
            .collect();
        assert_eq!(running, Vec::<i32>::new());
    }

    fn desired(body: &Planned) -> DesiredNode {
        DesiredNode {
            key: "app".into(),
            node: "app".into(),
            block: Block::Workload,
            target: "local".into(),
            body: body.clone(),
            entries: Vec::new(),
        }
    }

    pub(super) async fn plan(&self, instance: &InstanceReference, body: &Planned) -> Result<NodeAnswer, DriverError> {
        let scope = Scope { instance: instance.clone(), ..Scope::default() };
        self.target().driver().plan(&scope, &Self::desired(body)).await
    }

    pub(super) async fn apply(&self, instance: &InstanceReference, body: &Planned, effect: &EffectPlan) -> Outcome {
        self.apply_resolved(instance, body.to_json(), effect).await
    }

    pub(super) async fn apply_resolved(&self, instance: &InstanceReference, desired: Value, effect: &EffectPlan) -> Outcome {
        let operation = Operation {
            op_id: format!("op-{}", effect.key),
            instance: instance.clone(),
            template: String::new(),
            revision: String::new(),
            key: "app".into(),
            target: "local".into(),
            effect: effect.clone(),
            desired,
            token: None,
        };
        let scope = Scope { instance: instance.clone(), ..Scope::default() };
        self.target().driver().apply(&scope, &operation).await
    }

    pub(super) async fn apply_until_done(&self, instance: &InstanceReference, body: &Planned, effect: &EffectPlan) -> Outcome {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match self.apply(instance, body, effect).await {
                Outcome::Pending { message, .. } => assert!(Instant::now() < until, "{message}"),
                other => return other,
            }
        }
    }

    pub(super) async fn delete_until_done(&self, instance: &InstanceReference, effect: &EffectPlan) {
        let entry = Entry { key: effect.key.clone(), identity: effect.identity.clone(), ..Entry::default() };
        let scope = Scope { instance: instance.clone(), ..Scope::default() };
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match self.target().driver().delete(&scope, "op", &entry).await {
                Outcome::Done { .. } => break,
                Outcome::Pending { message, .. } => assert!(Instant::now() < until, "{message}"),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(self.target().driver().observe(&scope, &entry).await, Observation::Absent));
    }

    /// Plans, and takes every effect of the plan, stage by stage.
    pub(super) async fn carry_out(&self, instance: &InstanceReference, body: &Planned) -> NodeAnswer {
        let answer = self.plan(instance, body).await.unwrap();
        let mut effects: Vec<&EffectPlan> = answer.effects.iter().filter(|effect| effect.action.changes()).collect();
        effects.sort_by_key(|effect| effect.stage);
        for effect in effects {
            if effect.action == Action::Delete {
                self.delete_until_done(instance, effect).await;
            } else {
                let outcome = self.apply_until_done(instance, body, effect).await;
                assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
            }
        }
        answer
    }

    pub(super) async fn destroy(&self, instance: &InstanceReference, body: &Planned) {
        let directory = self.root.join("local");
        let slots = nodes(&directory).into_iter().flat_map(|key| NodeView::read(&directory, &key).slots);
        self.groups.lock().unwrap().extend(slots.filter_map(|slot| slot.state?.control_group));
        let mut effects = self.plan(instance, body).await.unwrap().effects;
        effects.sort_by_key(|effect| std::cmp::Reverse(effect.stage));
        for effect in &effects {
            self.delete_until_done(instance, effect).await;
        }
    }

    async fn present(&self, instance: &InstanceReference, body: &Planned) -> (Value, Health) {
        match self.plan(instance, body).await.unwrap().observation {
            Observation::Present { outputs, health, .. } => (outputs, health),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn health(&self, instance: &InstanceReference, body: &Planned) -> Health {
        self.present(instance, body).await.1
    }

    pub(super) async fn outputs(&self, instance: &InstanceReference, body: &Planned) -> Value {
        self.present(instance, body).await.0
    }

    pub(super) async fn ready(&self, instance: &InstanceReference, body: &Planned) {
        eventually("it is ready", async || self.health(instance, body).await.ready).await;
        // The gateway hears of it a moment later.
        for key in nodes(&self.root.join("local")) {
            self.target().local.refresh(&key).await;
        }
    }

    /// A fact of every part that has it.
    pub(super) async fn facts(&self, instance: &InstanceReference, body: &Planned, name: &str) -> Vec<String> {
        let parts = self.health(instance, body).await.parts;
        parts.iter().filter_map(|part| part.facts.get(name).cloned()).collect()
    }

    pub(super) async fn addresses(&self, instance: &InstanceReference, body: &Planned) -> (String, String) {
        let outputs = self.outputs(instance, body).await;
        let text = |name: &str| outputs[name].as_str().unwrap().to_owned();
        (text("url"), text("address"))
    }

    /// Asks the shared gateway.
    pub(super) async fn get(&self, host: &str, path: &str) -> (u16, String) {
        request(&self.target().apps_address().to_string(), host, path).await.unwrap()
    }

    /// Asks an instance's own address.
    pub(super) async fn get_address(&self, address: &str, path: &str) -> std::io::Result<(u16, String)> {
        request(address, address, path).await
    }
}

async fn request(address: &str, host: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    Ok((head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default(), body.to_owned()))
}
