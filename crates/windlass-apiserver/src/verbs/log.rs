//! The `log` subresource: output of an object as plain text, from the [`crate::LogSource`] that the owner of the server gives.
//!
//! Parameters are those of a Pod's log, as far as they mean something here, and `prefix`, which says of each line who wrote it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Interval, MissedTickBehavior};
use windlass_schema::structural::FieldError;
use windlass_store::Key;

use crate::api::Api;
use crate::logs::{LogLine, LogLines, LogOptions, LogRequest};
use crate::request::{Call, Query};
use crate::{Status, object};

/// The name in paths.
pub(crate) const SUBRESOURCE: &str = "log";
/// How often it is looked whether an object whose output is followed is still there.
const LOOK: Duration = Duration::from_secs(2);
/// Parameters that are read here; others are handed to the source.
const OWN: [&str; 11] = [
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "prefix",
    "previous",
    "sinceSeconds",
    "sinceTime",
    "tailLines",
    "timeout",
    "timestamps",
];

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Form {
    prefix: bool,
    timestamps: bool,
    limit: Option<usize>,
}

pub(crate) async fn run(api: &Arc<Api>, call: &Call) -> Result<Response, Status> {
    let source = api.options.logs.clone().ok_or_else(Status::no_such_resource)?;
    let (_, found) = api.require(&call.resource, &call.namespace, &call.name)?;
    let (options, form) = options(&call.query, Timestamp::now())?;
    let follow = options.follow;
    let request = LogRequest {
        caller: call.caller.clone(),
        api_version: call.resource.api_version(),
        kind: call.resource.kind.clone(),
        resource: call.resource.qualified(),
        namespace: call.namespace.clone(),
        name: call.name.clone(),
        uid: object::uid(&found).to_owned(),
        options,
    };
    let uid = request.uid.clone();
    let lines = source.open(request).await?.ok_or_else(|| no_output(call))?;
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let key = call.resource.key(&call.namespace, &call.name);
    let text = Text { api: Arc::clone(api), key, uid, call: call.clone(), lines, form, looks: follow.then_some(looks) };
    let body = futures::stream::unfold(text, |mut text| async move {
        let chunk = text.next().await?;
        Some((Ok::<_, Infallible>(chunk), text))
    });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    Ok(response)
}

fn no_output(call: &Call) -> Status {
    let resource = call.resource.qualified();
    Status::new(404, "NotFound", format!("objects of {resource} have no logs, and so \"{}\" has none", call.name))
}

/// What is asked for; `since` is counted from `now`.
fn options(query: &Query, now: Timestamp) -> Result<(LogOptions, Form), Status> {
    let mut errors = Vec::new();
    let mut number = |name: &str, least: i64| -> Result<Option<i64>, Status> {
        let found = query.number(name)?;
        if let Some(found) = found.filter(|found| *found < least) {
            errors.push(FieldError::invalid(name, found, format!("must be greater than or equal to {least}")));
        }
        Ok(found)
    };
    let (tail, limit, seconds) = (number("tailLines", 0)?, number("limitBytes", 1)?, number("sinceSeconds", 1)?);
    let mut since = seconds.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok());
    if let Some(text) = Some(query.text("sinceTime")).filter(|text| !text.is_empty()) {
        if seconds.is_some() {
            errors.push(FieldError::forbidden("sinceSeconds", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
        }
        match text.parse() {
            Ok(time) => since = Some(time),
            Err(_) => errors.push(FieldError::invalid("sinceTime", text, "must be a time such as 2026-01-31T08:00:00Z")),
        }
    }
    if !errors.is_empty() {
        return Err(Status::invalid("", "LogOptions", "", &errors));
    }
    let flag = |name: &str| query.flag(name) == Some(true);
    let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let others: BTreeMap<String, String> = query.pairs().filter(|(name, _)| !OWN.contains(name)).map(owned).collect();
    let options = LogOptions {
        container: Some(query.text("container").to_owned()).filter(|name| !name.is_empty()),
        follow: flag("follow"),
        previous: flag("previous"),
        since,
        tail_lines: tail.map(size),
        others,
    };
    Ok((options, Form { prefix: flag("prefix"), timestamps: flag("timestamps"), limit: limit.map(size) }))
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The answer's body.
struct Text {
    api: Arc<Api>,
    key: Key,
    uid: String,
    call: Call,
    lines: LogLines,
    form: Form,
    /// Set where it is followed.
    looks: Option<Interval>,
}

impl Text {
    async fn next(&mut self) -> Option<Bytes> {
        if self.form.limit == Some(0) {
            return None;
        }
        loop {
            tokio::select! {
                biased;
                () = self.api.stop.cancelled() => return None,
                batch = self.lines.next() => return self.form.take(&batch?),
                () = async { match &mut self.looks { Some(looks) => drop(looks.tick().await), None => std::future::pending().await } } => {
                    if !self.is_there() {
                        return None;
                    }
                }
            }
        }
    }

    /// Whether the object is still there, and no other one of its name.
    fn is_there(&self) -> bool {
        let found = self.api.read(&self.call.resource, &self.key);
        found.is_ok_and(|found| found.is_some_and(|(_, found)| object::uid(&found) == self.uid))
    }
}

impl Form {
    /// Lines as text, as far as the limit lets them.
    fn take(&mut self, lines: &[LogLine]) -> Option<Bytes> {
        let mut text = String::new();
        for line in lines {
            if self.prefix {
                text.push_str(&format!("[{}] ", line.origin));
            }
            if self.timestamps {
                text.push_str(&format!("{} ", line.time));
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        let mut bytes = text.into_bytes();
        if let Some(limit) = &mut self.limit {
            bytes.truncate(*limit);
            *limit -= bytes.len();
        }
        Some(Bytes::from(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<(LogOptions, Form), String> {
        let query = Query::parse(&format!("/x?{query}").parse().unwrap()).unwrap();
        options(&query, "2026-01-01T01:00:00Z".parse().unwrap()).map_err(|status| status.message)
    }

    #[test]
    fn parameters_are_read_as_those_of_a_pods_log() {
        let (options, form) = parse("container=web&follow=true&previous=false&tailLines=0&timestamps=true&limitBytes=7&replica=3").unwrap();
        let others = BTreeMap::from([("replica".to_owned(), "3".to_owned())]);
        let expected = LogOptions { container: Some("web".into()), follow: true, tail_lines: Some(0), others, ..LogOptions::default() };
        assert_eq!((options, form), (expected, Form { prefix: false, timestamps: true, limit: Some(7) }));
        let since = |query| parse(query).unwrap().0.since.map(|since| since.to_string());
        assert_eq!(since("sinceSeconds=90").as_deref(), Some("2026-01-01T00:58:30Z"));
        assert_eq!(since("sinceTime=2026-01-01T00:00:00%2B01:00").as_deref(), Some("2025-12-31T23:00:00Z"));
        assert_eq!(since("sinceSeconds=9223372036854775807"), None, "older than time itself");
        assert_eq!(parse("").unwrap(), (LogOptions::default(), Form::default()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let check = |query: &str, expected: &str| assert_eq!(parse(query).unwrap_err(), expected, "{query}");
        let invalid = |rest: &str| format!("LogOptions \"\" is invalid: {rest}");
        check("tailLines=-1", &invalid("tailLines: Invalid value: -1: must be greater than or equal to 0"));
        check("limitBytes=0", &invalid("limitBytes: Invalid value: 0: must be greater than or equal to 1"));
        check("sinceSeconds=0", &invalid("sinceSeconds: Invalid value: 0: must be greater than or equal to 1"));
        check("sinceTime=soon", &invalid("sinceTime: Invalid value: \"soon\": must be a time such as 2026-01-31T08:00:00Z"));
        let both = "sinceSeconds: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified";
        check("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", &invalid(both));
        check("tailLines=many", "strconv.ParseInt: parsing \"many\": invalid syntax");
    }

    #[test]
    fn lines_are_written_with_what_was_asked_for_up_to_the_limit() {
        let line = |text: &str| LogLine { origin: "app/replica-0".into(), time: "2026-01-01T00:00:00.000Z".into(), text: text.into() };
        let lines = [line("a"), line("")];
        let check = |mut form: Form, expected: &str| assert_eq!(form.take(&lines).unwrap(), expected.as_bytes());
        check(Form::default(), "a\n\n");
        check(Form { prefix: true, ..Form::default() }, "[app/replica-0] a\n[app/replica-0] \n");
        let both = Form { prefix: true, timestamps: true, limit: Some(43) };
        check(both, "[app/replica-0] 2026-01-01T00:00:00.000Z a\n");
        let mut limited = Form { limit: Some(3), ..Form::default() };
        assert_eq!((limited.take(&lines).unwrap().len(), limited.limit), (3, Some(0)));
    }
}
