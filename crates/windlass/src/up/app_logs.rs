//! The output of programs on this machine, for the portal's pages and for the API's subresource `log`. Files are read by
//! `windlass-drivers` alone; here is said which object has output at all, and why one has none.

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use kube::{Api, Client};
use std::sync::{Arc, PoisonError, RwLock};
use windlass_api::inventory::{Entry, Inventory, InventorySpec};
use windlass_api::names;
use windlass_api::plan::{Block, Plan};
use windlass_api::run::Run;
use windlass_api::target::LOCAL;
use windlass_api::template::Template;
use windlass_apiserver::{LogLines, LogRequest, Status};
use windlass_drivers::local::{self, LocalTarget};
use windlass_portal::logs::{LogError, LogLine, LogQuery};

/// What is read from.
#[derive(Clone)]
struct Sources {
    target: Arc<LocalTarget>,
    client: Client,
}

/// See the module head. The API is there before the target is, so that this begins without anything to read from.
#[derive(Clone, Default)]
pub(crate) struct AppLogs(Arc<RwLock<Option<Sources>>>);

impl AppLogs {
    /// From now on there is something to read from.
    pub(crate) fn begin(&self, target: Arc<LocalTarget>, client: Client) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Sources { target, client });
    }

    /// Lets go of the target and of the API.
    pub(crate) fn end(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn sources(&self) -> Option<Sources> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl windlass_portal::LogSource for AppLogs {
    fn lines(&self, query: LogQuery) -> BoxStream<'static, Result<LogLine, LogError>> {
        let sources = self.sources();
        stream::once(async move {
            let what = query.part.clone().unwrap_or_else(|| query.node.clone());
            let Some(sources) = sources else { return Err(LogError::Absent { what }) };
            let wanted = local::LogQuery {
                uid: query.instance.uid,
                tail: Some(query.tail),
                follow: query.follow,
                notes: true,
                ..local::LogQuery::default()
            };
            let opened = sources.target.logs(wanted.of_effect(&what)).await;
            Ok(opened.map_err(|_| LogError::Absent { what })?.flat_map(stream::iter).map(|line| Ok(shown(line))))
        })
        .map(|opened| match opened {
            Ok(lines) => lines.boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        })
        .flatten()
        .boxed()
    }
}

fn shown(line: local::LogLine) -> LogLine {
    LogLine { at: line.time.parse().ok(), part: line.part, text: line.text }
}

impl windlass_apiserver::LogSource for AppLogs {
    fn open(&self, request: LogRequest) -> BoxFuture<'static, Result<Option<LogLines>, Status>> {
        let sources = self.sources();
        Box::pin(async move {
            let starting = || Status::new(503, "ServiceUnavailable", "the platform is just starting or stopping\n  hint: try again");
            let sources = sources.ok_or_else(starting)?;
            if !has_output(&sources.client, &request).await? {
                return Ok(None);
            }
            let opened = sources.target.logs(query(&request)?).await;
            let lines = opened.map_err(|error| refused(&request, &error))?;
            let line = |line: local::LogLine| windlass_apiserver::LogLine { origin: line.part, time: line.time, text: line.text };
            Ok(Some(lines.map(move |batch| batch.into_iter().map(line).collect()).boxed()))
        })
    }
}

/// What the local target is asked.
fn query(request: &LogRequest) -> Result<local::LogQuery, Status> {
    let options = &request.options;
    let replica = match options.others.get("replica").map(String::as_str) {
        None | Some("") => None,
        Some(text) => Some(text.trim_start_matches("replica-").parse().map_err(|_| {
            let message = format!("`{text}` is no number of a replica\n  hint: they count from 0; leave it away to mean all of them");
            Status::new(400, "BadRequest", message)
        })?),
    };
    Ok(local::LogQuery {
        uid: request.uid.clone(),
        node: options.others.get("node").filter(|node| !node.is_empty()).cloned(),
        replica,
        container: options.container.clone(),
        tail: options.tail_lines,
        since: options.since,
        previous: options.previous,
        follow: options.follow,
        notes: false,
    })
}

/// `webapps.platform.windlass.dev "shop"`.
fn subject(request: &LogRequest) -> String {
    format!("{} \"{}\"", request.resource, request.name)
}

fn describe(request: &LogRequest) -> String {
    let namespace = if request.namespace.is_empty() { String::new() } else { format!(" -n {}", request.namespace) };
    format!("`windlass describe {}/{}{namespace}` says how it stands", request.kind.to_lowercase(), request.name)
}

fn refused(request: &LogRequest, error: &local::LogError) -> Status {
    let hint = match error {
        local::LogError::Absent => format!("\n  hint: {}; with -f its logs are waited for", describe(request)),
        local::LogError::Unknown { .. } | local::LogError::NoPrevious => String::new(),
    };
    Status::new(400, "BadRequest", format!("there are no such logs of {}: {error}{hint}", subject(request)))
}

/// Whether an object is an instance that runs programs on this machine, or is about to. `false` where it is no instance.
async fn has_output(client: &Client, request: &LogRequest) -> Result<bool, Status> {
    if request.api_version == names::API_VERSION {
        let place = if request.namespace.is_empty() { String::new() } else { format!(" -n {}", request.namespace) };
        return match request.kind.as_str() {
            "Run" => {
                let hint = format!("`windlass run logs {}{place}` prints what it did", request.name);
                Err(Status::new(400, "BadRequest", format!("{} runs no program\n  hint: {hint}", subject(request))))
            }
            _ => Ok(false),
        };
    }
    let unreadable = |error: kube::Error| Status::new(500, "InternalError", windlass_client::errors::message(&error));
    let inventories: Api<Inventory> = Api::namespaced(client.clone(), names::SYSTEM_NAMESPACE);
    let inventory = inventories.get_opt(&request.uid).await.map_err(unreadable)?;
    if inventory.is_none() {
        let templates: Api<Template> = Api::all(client.clone());
        let templates = templates.list(&kube::api::ListParams::default()).await.map_err(unreadable)?;
        let kinds = templates.items.iter().filter_map(|template| template.status.as_ref()?.kind.as_ref());
        if !kinds.into_iter().any(|kind| kind.kind == request.kind && kind.api_version() == request.api_version) {
            return Ok(false);
        }
    }
    let mut running = running(inventory.as_ref().map(|inventory| &inventory.spec));
    if running == Running::Perhaps
        && let Some(plan) = open_plan(client, inventory.as_ref()).await.map_err(unreadable)?
        && plan.nodes.iter().all(|node| node.block != Block::Workload)
    {
        running = Running::Nothing;
    }
    match running {
        // Where nothing was started yet, the target says so.
        Running::Here | Running::Perhaps => Ok(true),
        Running::Elsewhere(target) => {
            let what = format!("{} runs on the target `{target}`, whose logs are kept there", subject(request));
            Err(Status::new(400, "BadRequest", format!("{what}\n  hint: on a cluster, `windlass logs pod/NAME`")))
        }
        Running::Nothing => {
            let what = format!("{} has no logs: nothing of it is a workload, so it runs no program", subject(request));
            Err(Status::new(404, "NotFound", format!("{what}\n  hint: {}", describe(request))))
        }
    }
}

/// What the Run that is open is about to do.
async fn open_plan(client: &Client, inventory: Option<&Inventory>) -> Result<Option<Plan>, kube::Error> {
    let open = inventory.and_then(|inventory| inventory.spec.open_run.as_deref()?.split_once('/'));
    let Some((namespace, name)) = open else { return Ok(None) };
    let runs: Api<Run> = Api::namespaced(client.clone(), namespace);
    Ok(runs.get_opt(name).await?.and_then(|run| run.plan()))
}

/// Where the programs of an instance run.
#[derive(Debug, PartialEq, Eq)]
enum Running {
    Here,
    Elsewhere(String),
    /// The first Run is not through.
    Perhaps,
    Nothing,
}

fn running(inventory: Option<&InventorySpec>) -> Running {
    let Some(inventory) = inventory else { return Running::Perhaps };
    let programs: Vec<&Entry> = inventory.entries.iter().filter(|entry| entry.block == Some(Block::Workload)).collect();
    match programs.first() {
        Some(_) if programs.iter().any(|entry| entry.target == LOCAL) => Running::Here,
        Some(other) => Running::Elsewhere(other.target.clone()),
        None if inventory.open_run.is_some() => Running::Perhaps,
        None => Running::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(entries: &[(Block, &str)], open: bool) -> InventorySpec {
        let entry = |(block, target): &(Block, &str)| Entry { block: Some(*block), target: (*target).to_owned(), ..Entry::default() };
        let open_run = open.then(|| "x-1".to_owned());
        InventorySpec { entries: entries.iter().map(entry).collect(), open_run, ..InventorySpec::default() }
    }

    #[test]
    fn where_programs_run_is_read_from_the_inventory() {
        let check = |spec: Option<InventorySpec>, expected: Running| assert_eq!(running(spec.as_ref()), expected);
        check(None, Running::Perhaps);
        check(Some(inventory(&[], true)), Running::Perhaps);
        check(Some(inventory(&[], false)), Running::Nothing);
        check(Some(inventory(&[(Block::Template, "control-plane")], false)), Running::Nothing);
        check(Some(inventory(&[(Block::Workload, "far")], true)), Running::Elsewhere("far".into()));
        check(Some(inventory(&[(Block::Workload, "far"), (Block::Workload, LOCAL)], true)), Running::Here);
    }

    #[test]
    fn a_replica_is_a_number() {
        let request = |replica: &str| LogRequest {
            caller: windlass_apiserver::Caller::administrator("a"),
            api_version: "x/v1".into(),
            kind: "X".into(),
            resource: "xs.x".into(),
            namespace: String::new(),
            name: "n".into(),
            uid: "u".into(),
            options: windlass_apiserver::LogOptions {
                others: [("replica".to_owned(), replica.to_owned())].into(),
                ..windlass_apiserver::LogOptions::default()
            },
        };
        let replica = |text: &str| query(&request(text)).map(|query| query.replica).map_err(|status| status.message);
        assert_eq!((replica("3"), replica("replica-3"), replica("")), (Ok(Some(3)), Ok(Some(3)), Ok(None)));
        insta::assert_snapshot!(replica("-1").unwrap_err(), @"
        `-1` is no number of a replica
          hint: they count from 0; leave it away to mean all of them
        ");
    }
}
