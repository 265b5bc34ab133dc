//! `/ui/events`: names what changed; the page then fetches its live part again. Nothing else is sent, so that there is one way of drawing.

use crate::model::query::Query;
use crate::state::Shared;
use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Changes within this time are told together.
const TOGETHER: Duration = Duration::from_millis(60);
/// At most so many topics are named in one event; more means "read everything".
const NAMED: usize = 50;

/// `GET /ui/events?watch=TOPIC&watch=TOPIC&since=N`. The first event is `hello` with the sequence number; then `change`
/// events, each with one topic a line; `again` where the stream missed something.
pub(crate) async fn stream(
    State(portal): State<Shared>,
    RawQuery(query): RawQuery,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let watched: Vec<String> = query.all("watch").take(20).map(str::to_owned).collect();
    let changes = portal.cache.subscribe();
    let sequence = portal.cache.sequence();
    let missed = query.first("since").and_then(|since| since.parse().ok()).is_some_and(|since: u64| since != sequence);
    let hello = Event::default().event(if missed { "again" } else { "hello" }).data(sequence.to_string());
    let rest = futures::stream::unfold((changes, watched), |(mut changes, watched)| async move {
        let event = next(&mut changes, &watched).await?;
        Some((Ok(event), (changes, watched)))
    });
    let stream = futures::StreamExt::chain(futures::stream::once(std::future::ready(Ok(hello))), rest);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

async fn next(changes: &mut Receiver<Arc<str>>, watched: &[String]) -> Option<Event> {
    let mut found = BTreeSet::new();
    loop {
        let topic = if found.is_empty() {
            changes.recv().await
        } else {
            match tokio::time::timeout(TOGETHER, changes.recv()).await {
                Ok(topic) => topic,
                Err(_) => return Some(changed(&found)),
            }
        };
        match topic {
            Ok(topic) => {
                if watched.iter().any(|watched| covers(watched, &topic)) {
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
    Event::default().event("again").data("")
}

/// Whether a watched topic is the changed one or stands above or below it.
fn covers(watched: &str, changed: &str) -> bool {
    let above = |above: &str, below: &str| below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    above(watched, changed) || above(changed, watched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_covers_what_is_below_and_above_it() {
        assert!(covers("runs", "runs/shop/web-1"));
        assert!(covers("runs/shop/web-1", "runs"));
        assert!(!covers("runs", "runs-of/x"));
        assert!(!covers("runs/shop/web-1", "runs/shop/web-10"));
    }
}
