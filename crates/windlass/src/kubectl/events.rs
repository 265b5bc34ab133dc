//! `events`: what happened, oldest first; also as the last part of `describe`.

use super::Place;
use super::age;
use super::api;
use super::arguments::EventsArguments;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::output::Format;
use super::table::safe;
use super::tabwriter::TabWriter;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write as _;
use windlass_api::names;

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &EventsArguments) -> Result<(), Failure> {
    let format = arguments.output.as_deref().map(|text| Format::read(Some(text), false)).transpose()?;
    let mut query = Vec::new();
    let named = (!arguments.what.is_empty()).then(|| arguments.what.join("/"));
    if named.as_ref().is_some_and(|named| !named.contains('/')) {
        return Err(Failure::text("an object has a kind and a name\n  hint: say both, as in `windlass events webapp/shop`"));
    }
    let mut namespace = place.namespace.as_str();
    if let Some(of) = arguments.of.as_ref().or(named.as_ref()) {
        let (resource, selector) = selector(place, of).await?;
        if named.is_some() && !resource.namespaced {
            namespace = names::NAMESPACE_OF_CLUSTER_EVENTS;
        }
        query.push(("fieldSelector", selector));
    }
    if !arguments.types.iter().all(|kind| kind.eq_ignore_ascii_case("Normal") || kind.eq_ignore_ascii_case("Warning")) {
        return Err(Failure::text("valid --types are Normal or Warning"));
    }
    let path = if arguments.all_namespaces {
        "/api/v1/events".to_owned()
    } else {
        format!("/api/v1/namespaces/{}/events", api::escaped(namespace))
    };
    let mut view = View { arguments, format, headed: false, documents: 0, writer: TabWriter::table() };
    if arguments.watch {
        query.push(("watch", "true".into()));
        return place.api.watch(&path, &query, api::JSON, |event| view.watched(&event)).await;
    }
    let list = super::list(&place.api, &path, query, arguments.pages.chunk_size, api::JSON).await?;
    let mut events = super::items(list);
    events.retain(|event| view.wants(event));
    if events.is_empty() {
        crate::terminal::say(&if arguments.all_namespaces {
            "No events found.".to_owned()
        } else {
            format!("No events found in {namespace} namespace.")
        });
        return Ok(());
    }
    sort(&mut events);
    Ok(write!(std::io::stdout(), "{}", view.list(events)?)?)
}

async fn selector(place: &Place, of: &str) -> Result<(Resource, String), Failure> {
    let mut parts = of.split('/');
    let (Some(kind), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Failure::text(if of.contains('/') {
            "arguments in resource/name form may not have more than one slash"
        } else {
            "--for must be in resource/name form"
        }));
    };
    let kinds = Kinds::read(&place.api).await?;
    let resource = kinds.of_argument(kind)?;
    let selector =
        format!("involvedObject.kind={},involvedObject.apiVersion={},involvedObject.name={name}", resource.kind, resource.api_version());
    Ok((resource.clone(), selector))
}

struct View<'a> {
    arguments: &'a EventsArguments,
    format: Option<Format>,
    headed: bool,
    documents: usize,
    writer: TabWriter,
}

impl View<'_> {
    fn wants(&self, event: &Value) -> bool {
        let kind = event["type"].as_str().unwrap_or_default();
        self.arguments.types.is_empty() || self.arguments.types.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind))
    }

    fn list(&mut self, mut events: Vec<Value>) -> Result<String, Failure> {
        if let Some(format) = &self.format {
            events.iter_mut().for_each(super::output::without_managed_fields);
            let list = json!({"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": events});
            return format.print(&list, &mut self.documents);
        }
        Ok(self.rows(&events))
    }

    fn rows(&mut self, events: &[Value]) -> String {
        let namespaces = self.arguments.all_namespaces;
        if !self.arguments.no_headers && !std::mem::replace(&mut self.headed, true) {
            self.writer.write(if namespaces { "NAMESPACE\t" } else { "" });
            self.writer.write("LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n");
        }
        let now = Timestamp::now();
        for event in events {
            let text = |value: &Value| safe(value.as_str().unwrap_or_default());
            let object = &event["involvedObject"];
            if namespaces {
                self.writer.write(&format!("{}\t", text(&event["metadata"]["namespace"])));
            }
            self.writer.write(&format!(
                "{}\t{}\t{}\t{}/{}\t{}\n",
                interval(event, now),
                text(&event["type"]),
                text(&event["reason"]),
                text(&object["kind"]),
                text(&object["name"]),
                text(&event["message"]).trim()
            ));
        }
        self.writer.flush()
    }

    fn watched(&mut self, change: &Value) -> Result<bool, Failure> {
        let event = &change["object"];
        if !(change["type"] == "ADDED" || change["type"] == "MODIFIED") || !self.wants(event) {
            return Ok(false);
        }
        let text = match &self.format {
            Some(format) => {
                let mut event = event.clone();
                super::output::without_managed_fields(&mut event);
                format.print(&event, &mut self.documents)?
            }
            None => self.rows(std::slice::from_ref(event)),
        };
        write!(std::io::stdout(), "{text}").and_then(|()| std::io::stdout().flush())?;
        Ok(false)
    }
}

/// Oldest first.
pub(crate) fn sort(events: &mut [Value]) {
    events.sort_by_key(|event| {
        let times = [&event["series"]["lastObservedTime"], &event["lastTimestamp"], &event["eventTime"]];
        times.into_iter().find_map(|time| time.as_str()).and_then(|time| time.parse::<Timestamp>().ok()).unwrap_or(Timestamp::MIN)
    });
}

/// How long ago, and how often in which time.
pub(crate) fn interval(event: &Value, now: Timestamp) -> String {
    let since = |time: &Value| age::since(time.as_str(), now);
    let first = if event["eventTime"].is_string() { since(&event["eventTime"]) } else { since(&event["firstTimestamp"]) };
    let series = &event["series"];
    if series.is_object() {
        return format!("{} (x{} over {first})", since(&series["lastObservedTime"]), series["count"].as_i64().unwrap_or(0));
    }
    match event["count"].as_i64() {
        Some(count @ 2..) => format!("{} (x{count} over {first})", since(&event["lastTimestamp"])),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_say_how_often() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().expect("a time");
        let check = |event: Value, expected: &str| assert_eq!(interval(&event, now), expected);
        let (first, last) = ("2026-01-01T00:00:00Z", "2026-01-01T00:09:00Z");
        check(json!({"firstTimestamp": first}), "10m");
        check(json!({"firstTimestamp": first, "lastTimestamp": last, "count": 3}), "60s (x3 over 10m)");
        check(json!({"eventTime": first, "series": {"count": 2, "lastObservedTime": last}}), "60s (x2 over 10m)");
        check(json!({}), "<unknown>");
    }
}
