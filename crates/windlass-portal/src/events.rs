//! `/ui/events`: names what changed; the page then fetches its live part again. Nothing else is sent, so that there is one way of drawing.

use crate::model::query::Query;
use crate::state::Shared;
use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use http::HeaderMap;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// Changes within this time are told together.
const TOGETHER: Duration = Duration::from_millis(60);
/// At most so many topics are named in one event; more means "read everything".
const NAMED: usize = 50;

/// `GET /ui/events?watch=TOPIC&watch=TOPIC&since=N`. The first event is `hello` with the sequence number; then `change`
/// events, each with one topic a line; `again` where the stream missed something.
pub(crate) async fn stream(
    State(portal): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let watched: Vec<String> = query.all("watch").take(20).map(str::to_owned).collect();
    let changes = portal.cache.subscribe();
    let sequence = portal.cache.sequence();
    let missed = query.first("since").and_then(|since| since.parse().ok()).is_some_and(|since: u64| since != sequence);
    let hello = Event::default().event(if missed { "again" } else { "hello" }).data(sequence.to_string());
    let sessions = Arc::clone(&portal.sessions);
    let rest = futures::stream::unfold((changes, watched), move |(mut changes, watched)| {
        let (sessions, headers) = (Arc::clone(&sessions), headers.clone());
        async move {
            let event = next(&mut changes, &watched).await?;
            // Nothing more is told after the session's end.
            sessions.is_valid(&headers).then_some((Ok(event), (changes, watched)))
        }
    });
    let stream = futures::StreamExt::chain(futures::stream::once(std::future::ready(Ok(hello))), rest);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

async fn next(changes: &mut Receiver<Arc<str>>, watched: &[String]) -> Option<Event> {
    let mut found = BTreeSet::new();
    let mut until = Instant::now();
    loop {
        let topic = if found.is_empty() {
            changes.recv().await
        } else {
            // From the first change on, so that a steady flow cannot hold it back.
            match tokio::time::timeout_at(until, changes.recv()).await {
                Ok(topic) => topic,
                Err(_) => return Some(changed(&found)),
            }
        };
        match topic {
            Ok(topic) => {
                if watched.iter().any(|watched| covers(watched, &topic)) {
                    if found.is_empty() {
                        until = Instant::now() + TOGETHER;
                    }
                    found.insert(topic);
                }
                if found.len() >= NAMED {
                    return Some(again());
                }
            }
            Err(RecvError::Lagged(_)) => return Some(again()),
            Err(RecvError::Closed) => return None,
        }
    }
}

fn changed(topics: &BTreeSet<Arc<str>>) -> Event {
    Event::default().event("change").data(topics.iter().map(|topic| &**topic).collect::<Vec<_>>().join("\n"))
}

fn again() -> Event {
    // Without data a browser would not hand it out.
    Event::default().event("again").data("all")
}

/// Whether a watched topic is the changed one or stands above or below it.
fn covers(watched: &str, changed: &str) -> bool {
    let above = |above: &str, below: &str| below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    above(watched, changed) || above(changed, watched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn a_topic_covers_what_is_below_and_above_it() {
        assert!(covers("runs", "runs/shop/web-1"));
        assert!(covers("runs/shop/web-1", "runs"));
        assert!(!covers("runs", "runs-of/x"));
        assert!(!covers("runs/shop/web-1", "runs/shop/web-10"));
    }

    #[tokio::test]
    async fn a_steady_flow_holds_nothing_back() {
        let (tell, mut changes) = tokio::sync::broadcast::channel(1024);
        tell.send(Arc::from("runs/shop/a")).expect("a listener");
        let flow = async {
            let mut beat = tokio::time::interval(TOGETHER / 3);
            loop {
                beat.tick().await;
                tell.send(Arc::from("templates/x")).expect("a listener");
            }
        };
        let watched = ["runs".to_owned()];
        tokio::select! {
            event = next(&mut changes, &watched) => assert!(format!("{:?}", event.expect("an event")).contains("runs/shop/a")),
            () = tokio::time::timeout(TOGETHER * 20, flow).map(drop) => panic!("it was held back"),
        }
    }
}
