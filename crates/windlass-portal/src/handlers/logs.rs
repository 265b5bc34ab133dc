//! Output of local workloads: the newest lines in the page, then a stream of more.

use crate::errors::Failure;
use crate::handlers::Asked;
use crate::logs::LogQuery;
use crate::state::Portal;
use crate::views::run::{Log, log_line};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _};
use http::HeaderMap;
use std::convert::Infallible;
use std::time::Duration;
use windlass_api::plan::{Block, InstanceReference};
use windlass_api::run::{Mode, Run};
use windlass_api::target::LOCAL;

/// How many lines come first.
const TAIL: usize = 200;
/// How long a page waits for them.
const PATIENCE: Duration = Duration::from_millis(400);
/// At most so many nodes' output is shown on one page.
const NODES: usize = 5;

/// The newest lines of each local workload of a Run.
pub(crate) async fn tails(portal: &Portal, run: &Run) -> Vec<Log> {
    let Some(source) = portal.logs.as_ref().filter(|_| run.spec.mode == Mode::Execute) else { return Vec::new() };
    let steps = run.status.iter().flat_map(|status| &status.steps);
    let nodes = steps.filter(|step| step.block == Some(Block::Workload) && step.target == LOCAL).take(NODES);
    let reads = nodes.map(|step| async {
        let query = LogQuery { instance: run.spec.instance.clone(), node: step.key.clone(), part: None, tail: TAIL, follow: false };
        let lines = source.lines(query).collect::<Vec<_>>();
        let lines = match tokio::time::timeout(PATIENCE, lines).await {
            Ok(lines) => lines.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| crate::errors::sentence(&error.to_string())),
            Err(_) => Ok(Vec::new()),
        };
        Log { node: step.key.clone(), lines }
    });
    futures::future::join_all(reads).await
}

/// `GET /ui/logs?apiVersion=&kind=&namespace=&name=&uid=&node=&part=`: the newest lines, then new ones, each as its markup.
pub(crate) async fn stream(
    headers: HeaderMap,
    asked: Asked,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Failure> {
    let source = asked.portal.logs.clone().ok_or_else(|| Failure::absent("output to be read from here"))?;
    let word = |name: &str| asked.query.word(name).map(str::to_owned);
    let instance = InstanceReference {
        api_version: word("apiVersion").unwrap_or_default(),
        kind: word("kind").unwrap_or_default(),
        namespace: word("namespace"),
        name: word("name").unwrap_or_default(),
        uid: word("uid").unwrap_or_default(),
    };
    let query = LogQuery { instance, node: word("node").unwrap_or_default(), part: word("part"), tail: TAIL, follow: true };
    let begin = futures::stream::once(std::future::ready(Ok(Event::default().event("begin").data("tail"))));
    let lines = source.lines(query).map(|line| {
        Ok(match line {
            Ok(line) => Event::default().event("line").data(log_line(&line).into_string()),
            Err(error) => Event::default().event("end").data(error.to_string()),
        })
    });
    let sessions = std::sync::Arc::clone(&asked.portal.sessions);
    let lines = lines.take_while(move |_| std::future::ready(sessions.is_valid(&headers)));
    Ok(Sse::new(begin.chain(lines)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}
