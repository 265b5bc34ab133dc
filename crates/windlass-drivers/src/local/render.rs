//! A workload → what runs on this machine: slots with all of their environment, files, listeners and routes.
//!
//! Programs find their port in `PORT` (and `PORT_NAME`); `$PORT`, `${PORT}` and `$(NAME)` in commands and arguments are filled
//! in. Files cannot be put at absolute paths here, where every program shares one file system: they are written below the
//! target's directory, and their path, or a directory above them that does not exist on this machine, is replaced wherever it
//! is named in command, arguments and variables; `WINDLASS_FILES` names the directory that stands for `/`.

use super::part::Part;
use super::procfile::{self, ProcfileError};
use super::slot::{Limits, MARK, SlotDirectory, SlotProbe};
use crate::driver::DriverError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use windlass_api::plan::InstanceReference;
use windlass_api::workload::{Container, Probe, Resources, Route, Workload};
use windlass_client::preview::canonical_hash;
use windlass_graph::quantity::Quantity;

/// More replicas than this are no use on one machine.
const MOST_REPLICAS: u32 = 100;

/// What a workload consists of here, without anything that only exists once it runs.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The workload, checked; an implied port is added.
    pub(super) workload: Workload,
    /// The command of each container, before ports and files are filled in.
    pub(super) commands: BTreeMap<String, Vec<String>>,
    /// The Procfile's line for each container whose command comes from it.
    pub(super) procfile: BTreeMap<String, String>,
    /// The port that `PORT` and the address mean.
    pub(super) primary: Option<String>,
    /// The container that listens.
    pub(super) listens: String,
}

/// A route as it is wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RouteWish {
    /// Host, in lower case.
    pub(super) host: String,
    /// Path prefix, with a leading slash.
    pub(super) path: String,
    /// Name of the service port.
    pub(super) port: String,
}

impl RouteWish {
    /// `shop.shop-dev.localhost/`.
    pub(super) fn place(&self) -> String {
        format!("{}{}", self.host, self.path)
    }
}

fn refused(reason: &'static str, message: impl Into<String>) -> DriverError {
    DriverError::Refused { reason, message: message.into() }
}

/// Checks a workload. `open` holds what is not known yet, as `containers.main.variables.URL`; it is not looked at.
pub(super) fn shape(mut workload: Workload, open: &BTreeSet<String>) -> Result<Shape, DriverError> {
    if workload.replicas > MOST_REPLICAS {
        return Err(refused(
            "TooManyReplicas",
            format!(
                "{} replicas are more than this machine takes ({MOST_REPLICAS})\n  hint: ask for fewer, or use a cluster",
                workload.replicas
            ),
        ));
    }
    for (name, port) in &workload.ports {
        if port.protocol.as_deref().is_some_and(|protocol| protocol != "TCP") {
            return Err(refused(
                "ProtocolNotSupported",
                format!("the port `{name}` is not TCP\n  hint: programs on this machine are reached by TCP only"),
            ));
        }
    }
    let is_known = |path: String| {
        !open.iter().any(|later| *later == path || later.starts_with(&format!("{path}.")) || later.starts_with(&format!("{path}[")))
    };
    let mut commands = BTreeMap::new();
    let mut procfile = BTreeMap::new();
    for (name, container) in &workload.containers {
        let looked_at =
            is_known("directory".into()) && is_known(format!("containers.{name}.image")) && is_known(format!("containers.{name}.command"));
        let (command, line) =
            if looked_at { command(name, container, workload.directory.as_deref())? } else { (container.command.clone(), None) };
        procfile.extend(line.map(|line| (name.clone(), line)));
        commands.insert(name.clone(), command);
    }
    if !procfile.is_empty() && workload.ports.is_empty() {
        workload.ports.insert("web".into(), windlass_api::workload::ServicePort { port: 80, target_port: None, protocol: None });
    }
    let listens = ["main", "web", "app"].into_iter().map(str::to_owned).find(|name| workload.containers.contains_key(name));
    let Some(listens) = listens.or_else(|| workload.containers.keys().next().cloned()) else {
        return Err(refused("NothingToRun", "the workload has no container\n  hint: add one"));
    };
    for container in workload.containers.values() {
        limits(&container.limits)?;
        for probe in [&container.readiness_probe, &container.liveness_probe].into_iter().flatten() {
            check_probe(probe)?;
        }
    }
    let primary = primary(&workload);
    Ok(Shape { workload, commands, procfile, primary, listens })
}

/// The program and arguments of a container, and the Procfile's line, if they come from one.
fn command(name: &str, container: &Container, directory: Option<&str>) -> Result<(Vec<String>, Option<String>), DriverError> {
    if container.image != "." && !container.image.is_empty() {
        return Err(refused(
            "ImageNeedsEngine",
            format!(
                "the container `{name}` wants the image `{}`, and this machine has no container engine that windlass uses\n  hint: in this release images need a cluster; here give `source` (a directory with a Procfile), or `image: \".\"` and a `command`",
                container.image
            ),
        ));
    }
    if let Some(directory) = directory {
        let path = Path::new(directory);
        if !path.is_absolute() {
            return Err(refused(
                "DirectoryNotAbsolute",
                format!(
                    "the directory `{directory}` is relative\n  hint: give the whole path; the command line makes it absolute by itself"
                ),
            ));
        }
        if !path.is_dir() {
            return Err(refused(
                "DirectoryMissing",
                format!("the directory `{directory}` does not exist on this machine\n  hint: correct the path, or make the directory"),
            ));
        }
    }
    if !container.command.is_empty() {
        return Ok(([container.command.clone(), container.args.clone()].concat(), None));
    }
    let Some(directory) = directory else {
        return Err(refused(
            "NothingToRun",
            format!("the container `{name}` has neither a command nor a directory with a Procfile\n  hint: give `command`, or `source`"),
        ));
    };
    let web = procfile::web(Path::new(directory)).map_err(|error| {
        let reason = match error {
            ProcfileError::Missing(_) => "ProcfileMissing",
            ProcfileError::NoWeb { .. } => "ProcfileWithoutWeb",
            ProcfileError::Unreadable { .. } => "ProcfileUnreadable",
        };
        refused(reason, error.to_string())
    })?;
    let mut command = procfile::shell(&web);
    if !container.args.is_empty() {
        let script = command.pop().unwrap_or_default();
        command.extend([format!("{script} \"$@\""), "sh".into()]);
        command.extend(container.args.iter().cloned());
    }
    Ok((command, Some(web)))
}

/// The port that a route leads to, else one with a telling name, else the first.
fn primary(workload: &Workload) -> Option<String> {
    let routed = workload.routes.values().find_map(|route| port_name(workload, route.port));
    let named = || ["http", "web", "www"].into_iter().find(|name| workload.ports.contains_key(*name)).map(str::to_owned);
    routed.or_else(named).or_else(|| workload.ports.keys().next().cloned())
}

fn port_name(workload: &Workload, number: u16) -> Option<String> {
    workload.ports.iter().find(|(_, port)| port.port == number).map(|(name, _)| name.clone())
}

fn check_probe(probe: &Probe) -> Result<(), DriverError> {
    match probe {
        Probe::HttpGet { scheme: Some(scheme), .. } if scheme != "HTTP" => Err(refused(
            "ProbeNotSupported",
            format!("a probe with the scheme `{scheme}` is not supported on this machine\n  hint: use HTTP, or `exec`"),
        )),
        Probe::HttpGet { path, host, headers, .. } => {
            let texts = headers.iter().flat_map(|(name, value)| [name, value]).chain(host).chain([path]);
            if texts.into_iter().any(|text| text.contains(['\r', '\n'])) || path.contains(' ') {
                return Err(refused("ProbeNotSupported", "a probe's path, host and headers are single lines, and its path has no spaces"));
            }
            Ok(())
        }
        Probe::Exec { .. } => Ok(()),
    }
}

fn limits(limits: &Resources) -> Result<Limits, DriverError> {
    let read = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Quantity::parse(text)
            .and_then(Quantity::thousandths)
            .map(Some)
            .ok_or_else(|| refused("InvalidQuantity", format!("`{text}` is no amount of {name}\n  hint: write it as `500m` or `128Mi`"))),
    };
    Ok(Limits { memory: read("memory", &limits.memory)?.map(|thousandths| thousandths / 1000), cpu: read("cpu", &limits.cpu)? })
}

impl Shape {
    /// Every part, in the order in which they are made.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = self
            .workload
            .containers
            .iter()
            .filter(|(_, container)| !container.files.is_empty())
            .map(|(name, _)| Part::Files(name.clone()))
            .collect();
        for replica in 0..self.workload.replicas {
            for container in self.workload.containers.keys() {
                parts.push(Part::Process(replica, (self.workload.containers.len() > 1).then(|| container.clone())));
            }
        }
        parts.extend(self.workload.ports.keys().cloned().map(Part::Listener));
        parts.extend(self.workload.routes.keys().cloned().map(Part::Route));
        parts
    }

    /// The container that a slot runs.
    pub(super) fn container<'a>(&'a self, part_container: Option<&'a str>) -> Option<(&'a str, &'a Container)> {
        match part_container {
            Some(name) => self.workload.containers.get_key_value(name),
            None => self.workload.containers.first_key_value(),
        }
        .map(|(name, container)| (name.as_str(), container))
    }

    /// Whether the next generation of a replica can run beside the one that it replaces: a port of its own is what it needs.
    /// `Err` says why not; empty where nobody could notice.
    pub(super) fn starts_beside(&self) -> Result<(), String> {
        let Some((_, container)) = self.container(Some(&self.listens)) else { return Err(String::new()) };
        if self.primary.is_none() {
            return Err(String::new());
        }
        if self.workload.containers.len() > 1 {
            return Err("its containers share their ports".into());
        }
        match container.variables.get("PORT").filter(|port| !self.repeats_a_port(port)) {
            Some(_) => Err("its variable `PORT` is set by hand, so two at once would want the same port".into()),
            None => Ok(()),
        }
    }

    /// A `PORT` that repeats the service's number is meant for a machine of its own; any other is the author's will.
    fn repeats_a_port(&self, value: &str) -> bool {
        self.workload.ports.values().any(|port| value == port.target_port.unwrap_or(port.port).to_string())
    }

    /// Whether a port speaks HTTP: a route or a probe says so, its name does, or it is the only one.
    pub(super) fn is_http(&self, name: &str) -> bool {
        let number = self.workload.ports.get(name).map(|port| port.port);
        let target = self.workload.ports.get(name).map(|port| port.target_port.unwrap_or(port.port));
        let probed = self.workload.containers.values().flat_map(|c| [&c.readiness_probe, &c.liveness_probe]).flatten();
        let mut probed = probed.filter_map(|probe| if let Probe::HttpGet { port, .. } = probe { Some(*port) } else { None });
        self.workload.routes.values().any(|route| Some(route.port) == number)
            || name.starts_with("http")
            || name.starts_with("web")
            || self.workload.ports.len() == 1
            || probed.any(|port| Some(port) == target)
    }

    /// A route with its host and path.
    pub(super) fn route(&self, instance: &InstanceReference, route: &Route) -> Result<RouteWish, DriverError> {
        let host = match &route.host {
            Some(host) => host.to_ascii_lowercase(),
            None => default_host(instance),
        };
        let valid = host.len() <= 253
            && host
                .split('.')
                .all(|label| !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        if !valid {
            return Err(refused(
                "InvalidHost",
                format!("`{host}` is no host name\n  hint: use letters, digits, `-` and dots; each part has at most 63 characters"),
            ));
        }
        let path = route.path.as_deref().filter(|path| !path.is_empty()).unwrap_or("/");
        if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.chars().any(char::is_control) {
            return Err(refused("InvalidPath", format!("`{}` is no path of a route\n  hint: it begins with `/`", path.escape_debug())));
        }
        let Some(port) = port_name(&self.workload, route.port) else {
            return Err(refused(
                "UnknownPort",
                format!(
                    "the route leads to port {}, and the service has none of that number\n  hint: add it to `service.ports`",
                    route.port
                ),
            ));
        };
        Ok(RouteWish { host, path: path.to_owned(), port })
    }

    /// The digest that names a container's file set.
    pub(super) fn files_digest(container: &Container) -> String {
        let files = serde_json::to_value(&container.files).unwrap_or_default();
        canonical_hash(&files).chars().take(16).collect()
    }
}

/// `NAME.NAMESPACE.localhost`; dots within either become `--`.
pub(super) fn default_host(instance: &InstanceReference) -> String {
    let label = |text: &str| text.replace('.', "--").to_ascii_lowercase();
    match &instance.namespace {
        Some(namespace) => format!("{}.{}.localhost", label(&instance.name), label(namespace)),
        None => format!("{}.localhost", label(&instance.name)),
    }
}

/// What a program gets to see of this machine.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// The executable that stands for `windlass` in commands.
    pub(super) executable: PathBuf,
    /// `PATH`, `HOME`, `LANG`, `TZ` and what else of our environment is passed on.
    pub(super) environment: BTreeMap<String, String>,
}

/// What a slot runs, all filled in.
pub(super) struct Launch {
    pub(super) program: Vec<String>,
    pub(super) directory: PathBuf,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) readiness: SlotProbe,
    pub(super) liveness: Option<SlotProbe>,
    pub(super) limits: Limits,
}

/// Fills in ports, files and environment for one slot.
pub(super) fn launch(
    shape: &Shape,
    name: &str,
    slot: &SlotDirectory,
    files: &Path,
    ports: &BTreeMap<String, u16>,
    around: &Surroundings,
) -> Result<Launch, DriverError> {
    let Some(container) = shape.workload.containers.get(name) else {
        return Err(refused("NothingToRun", format!("there is no container `{name}`")));
    };
    let moved = moved_paths(container, files);
    let own = shape.primary.as_ref().and_then(|primary| ports.get(primary).copied());
    let environment = environment(shape, container, slot, files, ports, own, around, &moved);
    let mut program: Vec<String> =
        shape.commands.get(name).into_iter().flatten().map(|word| fill_in(&replace_paths(word, &moved), &environment)).collect();
    if program.first().is_some_and(|first| first == "windlass") {
        around.executable.to_string_lossy().into_owned().clone_into(&mut program[0]);
    }
    let probe = |probe: &Probe| slot_probe(probe, shape, ports, &environment, &moved);
    let listens = own.filter(|_| name == shape.listens);
    let readiness = container
        .readiness_probe
        .as_ref()
        .map(probe)
        .unwrap_or_else(|| listens.map_or(SlotProbe::Started, |port| SlotProbe::Port { port }));
    Ok(Launch {
        program,
        directory: shape.workload.directory.as_ref().map_or_else(|| slot.work(), PathBuf::from),
        readiness,
        liveness: container.liveness_probe.as_ref().map(probe),
        limits: limits(&container.limits)?,
        environment,
    })
}

#[expect(clippy::too_many_arguments, reason = "each is one source of the environment")]
fn environment(
    shape: &Shape,
    container: &Container,
    slot: &SlotDirectory,
    files: &Path,
    ports: &BTreeMap<String, u16>,
    own: Option<u16>,
    around: &Surroundings,
    moved: &[(String, String)],
) -> BTreeMap<String, String> {
    let mut environment = around.environment.clone();
    environment.insert("TMPDIR".into(), slot.temporary().to_string_lossy().into_owned());
    environment.insert("HOST".into(), "127.0.0.1".into());
    if !container.files.is_empty() {
        environment.insert("WINDLASS_FILES".into(), files.to_string_lossy().into_owned());
    }
    environment.extend(container.variables.iter().map(|(name, value)| (name.clone(), replace_paths(value, moved))));
    for (name, port) in ports {
        let variable: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        environment.insert(format!("PORT_{variable}"), port.to_string());
    }
    if let Some(own) = own
        && container.variables.get("PORT").is_none_or(|port| shape.repeats_a_port(port))
    {
        environment.insert("PORT".into(), own.to_string());
    }
    environment.insert(MARK.into(), slot.path().to_string_lossy().into_owned());
    environment
}

fn slot_probe(
    probe: &Probe,
    shape: &Shape,
    ports: &BTreeMap<String, u16>,
    environment: &BTreeMap<String, String>,
    moved: &[(String, String)],
) -> SlotProbe {
    match probe {
        Probe::HttpGet { path, port, host, headers, .. } => {
            let of_service =
                shape.workload.ports.iter().find(|(_, found)| found.target_port.unwrap_or(found.port) == *port || found.port == *port);
            let mapped = of_service.and_then(|(name, _)| ports.get(name).copied());
            let only = || if ports.len() == 1 { ports.values().next().copied() } else { None };
            SlotProbe::Http {
                port: mapped.or_else(only).unwrap_or(*port),
                path: if path.starts_with('/') { path.clone() } else { format!("/{path}") },
                host: host.clone(),
                headers: headers.clone(),
            }
        }
        Probe::Exec { command } => {
            SlotProbe::Exec { command: command.iter().map(|word| fill_in(&replace_paths(word, moved), environment)).collect() }
        }
    }
}

/// Which paths are replaced by what: the longest first.
fn moved_paths(container: &Container, files: &Path) -> Vec<(String, String)> {
    let mut moved = BTreeMap::new();
    for target in container.files.keys() {
        let relative = target.trim_start_matches('/');
        moved.insert(target.clone(), files.join(relative).to_string_lossy().into_owned());
        for above in
            Path::new(target).ancestors().skip(1).take_while(|above| above.parent().is_some_and(|parent| !parent.as_os_str().is_empty()))
        {
            if !above.exists() {
                let shown = above.to_string_lossy().into_owned();
                moved.insert(shown.clone(), files.join(shown.trim_start_matches('/')).to_string_lossy().into_owned());
            }
        }
    }
    let mut moved: Vec<(String, String)> = moved.into_iter().collect();
    moved.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    moved
}

/// Replaces whole paths, not parts of longer names.
fn replace_paths(text: &str, moved: &[(String, String)]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut previous: Option<char> = None;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    while let Some(first) = rest.chars().next() {
        let starts = previous.is_none_or(|c| !is_name(c) && c != '/');
        let hit = moved
            .iter()
            .filter(|_| starts && first == '/')
            .find(|(from, _)| rest.strip_prefix(from.as_str()).is_some_and(|after| after.chars().next().is_none_or(|c| !is_name(c))));
        if let Some((from, to)) = hit {
            result.push_str(to);
            rest = rest.get(from.len()..).unwrap_or_default();
            previous = from.chars().next_back();
        } else {
            result.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            previous = Some(first);
        }
    }
    result
}

/// `$(NAME)` as Kubernetes has it; `$PORT` and `${PORT}` for the ports alone, because no shell may be there to do it.
fn fill_in(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        result.push_str(before);
        match reference(from, environment) {
            Some((value, length)) => {
                result.push_str(value);
                rest = from.get(length..).unwrap_or_default();
            }
            None => {
                result.push('$');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    result.push_str(rest);
    result
}

/// The value of the reference that the text begins with, and its length.
fn reference<'a>(text: &str, environment: &'a BTreeMap<String, String>) -> Option<(&'a str, usize)> {
    let after = text.strip_prefix('$')?;
    let is_port = |name: &str| name == "PORT" || name.starts_with("PORT_");
    if let Some(inner) = after.strip_prefix('(') {
        let name = inner.split_once(')')?.0;
        return Some((environment.get(name)?, name.len() + 3));
    }
    if let Some(inner) = after.strip_prefix('{') {
        let name = inner.split_once('}')?.0;
        return Some((environment.get(name).filter(|_| is_port(name))?, name.len() + 3));
    }
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    let name = after.get(..end)?;
    Some((environment.get(name).filter(|_| is_port(name))?, name.len() + 1))
}

#[cfg(test)]
mod tests;
