//! GET with `watch`: changes as lines of JSON, bookmarks, the state at the beginning where it is asked for.
//!
//! Source: the Kubernetes API concepts page ("Efficient detection of changes", "Streaming lists") and KEP-3157.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use windlass_schema::structural::FieldError;
use windlass_store::{Event, EventKind, List, Watch};

use super::list::Selection;
use crate::answer::{self, Format, View};
use crate::api::Api;
use crate::metrics::OpenWatch;
use crate::request::Call;
use crate::{Status, object, table};

/// How often a bookmark tells an idle client that it has missed nothing.
const BOOKMARKS_EVERY: Duration = Duration::from_secs(30);
/// The shortest time after which a watch without `timeoutSeconds` ends; it ends somewhere in this and its double.
const MINIMUM: Duration = Duration::from_secs(1800);

struct Stream {
    api: Arc<Api>,
    call: Call,
    selection: Selection,
    watch: Watch,
    /// Lines that go out before anything else.
    waiting: VecDeque<Bytes>,
    bookmarks: Option<Interval>,
    last_bookmark: u64,
    deadline: Instant,
    /// Columns of a table are sent once.
    with_columns: bool,
    ended: bool,
    _counted: OpenWatch,
}

pub(crate) fn run(api: &Arc<Api>, call: &Call) -> Result<Response, Status> {
    check_options(call)?;
    if call.accept.format == Format::Yaml {
        return Err(Status::not_acceptable("application/json, application/json;stream=watch"));
    }
    let selection = Selection::of(call)?;
    let stream = open(api, call, selection)?;
    let body = Body::from_stream(futures::stream::unfold(stream, |mut stream| async move {
        let line = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(line), stream))
    }));
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

fn check_options(call: &Call) -> Result<(), Status> {
    let matching = call.query.text("resourceVersionMatch");
    let initial = call.query.flag("sendInitialEvents");
    let supported = "NotOlderThan";
    let mut errors = Vec::new();
    let mut forbidden = |why: &str| errors.push(FieldError::forbidden("resourceVersionMatch", why));
    if initial.is_some() && matching != supported {
        forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if initial.is_none() && !matching.is_empty() {
        forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    // Without a version a watch begins with the state, and so as if it had asked for that.
    let begins_with_state = initial.is_none() && ["", "0"].contains(&call.query.text("resourceVersion"));
    if !call.query.text("continue").is_empty() && (begins_with_state || !matching.is_empty()) {
        forbidden("resourceVersionMatch is forbidden when continue is provided");
    }
    if !matching.is_empty() && matching != supported {
        errors.push(FieldError::not_supported("resourceVersionMatch", matching, &[supported]));
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors)) }
}

fn open(api: &Arc<Api>, call: &Call, selection: Selection) -> Result<Stream, Status> {
    let wanted = call.query.one_resource_version()?;
    let initial = call.query.flag("sendInitialEvents");
    let with_bookmarks = call.query.flag("allowWatchBookmarks") == Some(true);
    let newest = api.store.version();
    if let Some(wanted) = wanted.filter(|wanted| *wanted > newest) {
        return Err(Status::version_not_reached(wanted, newest));
    }
    let from_state = match initial {
        Some(send) => send,
        None => wanted.is_none_or(|version| version == 0),
    };
    let namespace = (!call.namespace.is_empty()).then_some(call.namespace.as_str());
    let list = from_state.then(|| api.store.list(&call.resource.collection, namespace));
    let start = match (&list, wanted) {
        (Some(List { version, .. }), _) => *version,
        (None, Some(version)) if version > 0 => version,
        (None, _) => newest,
    };
    let seconds = call.query.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    let lasting = seconds.map_or_else(|| MINIMUM.mul_f64(1.0 + rand::random::<f64>()), Duration::from_secs);
    let mut bookmarks = tokio::time::interval_at(Instant::now() + BOOKMARKS_EVERY, BOOKMARKS_EVERY);
    bookmarks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An expired version is told on the stream, as the real server does.
    let (watch, refused) = match api.store.watch(&call.resource.collection, start) {
        Ok(watch) => (watch, None),
        Err(error) => {
            let status = Status::from_store(error, &call.resource, "");
            let watch =
                api.store.watch(&call.resource.collection, newest).map_err(|error| Status::from_store(error, &call.resource, ""))?;
            (watch, Some(status))
        }
    };
    let mut stream = Stream {
        api: Arc::clone(api),
        call: call.clone(),
        selection,
        watch,
        waiting: VecDeque::new(),
        bookmarks: with_bookmarks.then_some(bookmarks),
        last_bookmark: start,
        deadline: Instant::now() + lasting,
        with_columns: true,
        ended: false,
        _counted: api.metrics.watch(&call.asked()),
    };
    if let Some(status) = refused {
        stream.end_with(&status);
        return Ok(stream);
    }
    for item in list.into_iter().flat_map(|list| list.items) {
        if stream.selection.takes(api, call, &item.key, item.version, &item.value)? {
            let line = stream.line("ADDED", &item.key, item.version, &item.value)?;
            stream.waiting.push_back(line);
        }
    }
    if initial == Some(true) && with_bookmarks {
        let line = stream.bookmark(start, true);
        stream.waiting.push_back(line);
    }
    Ok(stream)
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            let gone = self.call.resource.custom.as_ref().map(|custom| custom.gone.clone());
            tokio::select! {
                biased;
                () = self.api.stop.cancelled() => return None,
                () = async { match gone { Some(gone) => gone.cancelled_owned().await, None => std::future::pending().await } } => return None,
                event = self.watch.next() => match event {
                    Ok(event) => match self.seen(&event) {
                        Ok(line) => self.waiting.extend(line),
                        Err(status) => self.end_with(&status),
                    },
                    Err(error) => self.end_with(&Status::from_store(error, &self.call.resource, "")),
                },
                () = async { match &mut self.bookmarks { Some(interval) => drop(interval.tick().await), None => std::future::pending().await } } => {
                    self.progress();
                }
                () = tokio::time::sleep_until(self.deadline) => {
                    self.ended = true;
                    if self.bookmarks.is_some() {
                        self.progress();
                    }
                }
            }
        }
    }

    fn progress(&mut self) {
        if let Some(version) = self.watch.progress().filter(|version| *version > self.last_bookmark) {
            self.last_bookmark = version;
            let line = self.bookmark(version, false);
            self.waiting.push_back(line);
        }
    }

    fn end_with(&mut self, status: &Status) {
        self.ended = true;
        self.waiting.push_back(line_of("ERROR", status.to_value().to_string().as_bytes()));
    }

    /// What a change means to this client: an object may come into its selection or leave it.
    fn seen(&mut self, event: &Event) -> Result<Option<Bytes>, Status> {
        if !self.call.namespace.is_empty() && event.key.namespace() != self.call.namespace {
            return Ok(None);
        }
        let takes = |version, bytes| self.selection.takes(&self.api, &self.call, &event.key, version, bytes);
        let before = match &event.previous {
            Some((version, bytes)) => takes(*version, bytes)?,
            None => false,
        };
        let after = event.kind != EventKind::Deleted && takes(event.version, &event.value)?;
        let (kind, bytes) = match (before, after) {
            (false, false) => return Ok(None),
            (false, true) => ("ADDED", &event.value),
            (true, true) => ("MODIFIED", &event.value),
            // The last state that the client may see, with the version of the change.
            (true, false) => ("DELETED", event.previous.as_ref().map_or(&event.value, |(_, bytes)| bytes)),
        };
        self.line(kind, &event.key, event.version, bytes).map(Some)
    }

    fn line(&mut self, kind: &str, key: &windlass_store::Key, version: u64, bytes: &Bytes) -> Result<Bytes, Status> {
        let wire = self.api.wire(&self.call.resource, key, version, bytes)?;
        if self.call.accept.view == View::Object {
            return Ok(line_of(kind, &wire));
        }
        let object: Value = serde_json::from_slice(&wire).map_err(Status::internal)?;
        Ok(line_of(kind, self.view(&object).to_string().as_bytes()))
    }

    fn view(&mut self, object: &Value) -> Value {
        match self.call.accept.view {
            View::Object => object.clone(),
            View::Metadata => answer::partial(object),
            View::Table => {
                let meta = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                let include = self.call.query.text("includeObject");
                let with_columns = std::mem::take(&mut self.with_columns);
                table::of(&self.call.resource, std::slice::from_ref(object), include, meta, with_columns)
            }
        }
    }

    fn bookmark(&mut self, version: u64, end_of_state: bool) -> Bytes {
        let resource = &self.call.resource;
        let mut object =
            json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": {"resourceVersion": version.to_string()}});
        if end_of_state {
            object::meta_mut(&mut object).insert("annotations".to_owned(), json!({"k8s.io/initial-events-end": "true"}));
        }
        line_of("BOOKMARK", self.view(&object).to_string().as_bytes())
    }
}

fn line_of(kind: &str, object: &[u8]) -> Bytes {
    let mut line = format!("{{\"type\":\"{kind}\",\"object\":").into_bytes();
    line.extend_from_slice(object);
    line.extend_from_slice(b"}\n");
    Bytes::from(line)
}
