//! The measurements themselves. Each returns seconds, milliseconds or counts of one run; who repeats and shows them is `mod.rs`.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::http::{Connection, Server};
use super::platform::Platform;
use crate::process;

/// The longest that instances may take.
const LIMIT: Duration = Duration::from_secs(120);
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const INSTANCES: &str = "/apis/platform.windlass.dev/v1alpha1/namespaces/default/benchsettings";

/// A Template whose instances are `nodes` ConfigMaps.
pub(super) fn template(name: &str, kind: &str, nodes: usize) -> Value {
    let resources: Vec<Value> = (0..nodes)
        .map(|node| {
            json!({"id": format!("settings{node}"), "template": {
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("${{schema.metadata.name}}-{node}")},
                "data": {"text": "${schema.spec.text}"}}})
        })
        .collect();
    json!({"apiVersion": "windlass.dev/v1alpha1", "kind": "Template", "metadata": {"name": name},
        "spec": {"schema": {"apiVersion": "v1alpha1", "kind": kind, "spec": {"text": "string | default=\"x\""}}, "resources": resources}})
}

/// Makes a Template and waits until its kind can be asked for.
pub(super) fn publish(server: &Server, template: &Value) -> Result<()> {
    let mut connection = server.connect()?;
    connection.create("/apis/windlass.dev/v1alpha1/templates", template)?;
    let name = template["metadata"]["name"].as_str().context("a template has a name")?;
    let path = format!("/apis/windlass.dev/v1alpha1/templates/{name}");
    process::until(Duration::from_secs(20), || Ok(is_ready(&connection.read(&path)?)))
}

/// An object of a published kind.
pub(super) fn instance(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "platform.windlass.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": {"text": "hello"}})
}

fn is_ready(object: &Value) -> bool {
    object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Creates objects from several connections at once; the seconds that it took.
fn create_all(server: &Server, writers: usize, path: &str, objects: &[Value]) -> Result<f64> {
    let connections = (0..writers)
        .map(|_| {
            let mut connection = server.connect()?;
            connection.read("/version")?;
            Ok(connection)
        })
        .collect::<Result<Vec<Connection>>>()?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let share = objects.len().div_ceil(writers);
        let threads: Vec<_> = connections
            .into_iter()
            .zip(objects.chunks(share))
            .map(|(mut connection, objects)| scope.spawn(move || objects.iter().try_for_each(|object| connection.create(path, object))))
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a writer panicked")))
    })?;
    Ok(start.elapsed().as_secs_f64())
}

/// Durable creates of ConfigMaps a second.
pub(super) fn creates(server: &Server, writers: usize, count: usize, prefix: &str) -> Result<f64> {
    let objects: Vec<Value> = (0..count)
        .map(|number| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("{prefix}-{number}")}, "data": {"text": "hello"}}))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let count = count as f64;
    Ok(count / create_all(server, writers, CONFIG_MAPS, &objects)?)
}

/// Milliseconds from the first create until all of `count` new instances are ready.
pub(super) fn ready(server: &Server, count: usize, prefix: &str) -> Result<f64> {
    let objects: Vec<Value> = (0..count).map(|number| instance("BenchSetting", &format!("{prefix}-{number}"))).collect();
    let mut connection = server.connect()?;
    connection.read("/version")?;
    let start = Instant::now();
    create_all(server, count.min(16), INSTANCES, &objects)?;
    let mut open: HashSet<String> = objects.iter().filter_map(|object| object["metadata"]["name"].as_str()).map(str::to_owned).collect();
    // One after the other: each is asked for until it is ready, and mostly it is ready at the first question.
    while let Some(name) = open.iter().next().cloned() {
        if is_ready(&connection.read(&format!("{INSTANCES}/{name}"))?) {
            open.remove(&name);
        } else if start.elapsed() > LIMIT {
            bail!("{} of {count} instances are not ready after {} s", open.len(), LIMIT.as_secs());
        } else {
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
    Ok(milliseconds(start.elapsed()))
}

/// The newest change of the whole store.
pub(super) fn version(server: &Server) -> Result<f64> {
    let list = server.connect()?.read("/api/v1/configmaps?limit=1")?;
    list["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).context("the list has no resourceVersion")
}

/// Writes while everything is settled and an event stream of the portal is open.
pub(super) fn idle_writes(platform: &Platform, cookie: &str, time: Duration) -> Result<f64> {
    let server = platform.api()?;
    let mut stream = portal(platform)?.connect()?;
    stream.open("/ui/events?topics=instances", &[("cookie", cookie)])?;
    let before = version(&server)?;
    rest(time);
    Ok(version(&server)? - before)
}

/// Lets time pass: what is measured is what happens when nobody does anything.
pub(super) fn rest(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Where the portal is.
pub(super) fn portal(platform: &Platform) -> Result<Server> {
    let link = platform.said("portal")?;
    let address = link.strip_prefix("http://").and_then(|rest| rest.split('/').next()).context("the portal's link is no address")?;
    Ok(Server::plain(address))
}

/// Logs in by the one-time link; the session's cookie.
pub(super) fn login(platform: &Platform) -> Result<String> {
    let server = portal(platform)?;
    let token = platform.said("portal")?.split_once("token=").map(|(_, token)| token).context("the portal's link has no token")?;
    let origin = format!("http://{}", server.address);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin.as_str())];
    let answer = server.connect()?.send("POST", "/login", &headers, format!("token={token}").as_bytes())?;
    let cookie = answer.headers.iter().find(|(name, _)| name == "set-cookie").map(|(_, value)| value);
    let cookie = cookie.with_context(|| format!("the login answers {} without a session", answer.status))?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// Milliseconds of one page, which must show `word`.
pub(super) fn page(connection: &mut Connection, cookie: &str, path: &str, word: &str) -> Result<f64> {
    let start = Instant::now();
    let answer = connection.send("GET", path, &[("cookie", cookie)], &[])?;
    let took = milliseconds(start.elapsed());
    if answer.status != 200 || !String::from_utf8_lossy(&answer.body).contains(word) {
        bail!("the page `{path}` answers {} or does not show `{word}`", answer.status);
    }
    Ok(took)
}

/// Milliseconds of `windlass plan -f`, the program's start included.
pub(super) fn plan(program: &Path, kubeconfig: &Path, file: &Path) -> Result<f64> {
    let mut command = Command::new(program);
    command.args(["plan", "-o", "json", "-f"]).arg(file).env("KUBECONFIG", kubeconfig);
    let start = Instant::now();
    let output = command.output().context("`windlass plan` could not be started")?;
    let took = milliseconds(start.elapsed());
    // 1 says that there are changes, as `kubectl diff` does.
    if output.status.code() != Some(1) {
        bail!("`windlass plan` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(took)
}

/// A time in milliseconds.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
