//! Requests to the API as plain JSON: what kubectl asks, with its headers, and the server's own `Status` when it refuses.
//!
//! Warnings of the server go to standard error, each once, as kubectl prints them.

use super::failure::Failure;
use futures::StreamExt as _;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashSet;

/// Asks for rows instead of objects.
pub(crate) const TABLE: &str =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
/// Asks for objects.
pub(crate) const JSON: &str = "application/json";
/// The longest answer that is read: no listing of a page comes near it.
const LONGEST_ANSWER: usize = 1 << 30;
/// The longest single event of a watch.
const LONGEST_EVENT: usize = 16 << 20;

/// Speaks to one API.
pub(crate) struct Api {
    client: kube::Client,
    said: RefCell<HashSet<String>>,
}

/// What is sent.
pub(crate) struct Payload<'a> {
    /// Its media type.
    pub(crate) media_type: &'a str,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Api {
    /// Over this client.
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { client, said: RefCell::default() }
    }

    /// Reads an object or a list.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)], accept: &str) -> Result<Value, Failure> {
        self.request("GET", path, query, accept, None).await
    }

    /// Sends a request and reads the answer as JSON.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, String)],
        accept: &str,
        payload: Option<Payload<'_>>,
    ) -> Result<Value, Failure> {
        let response = self.send(method, path, query, accept, payload).await?;
        let bytes = http_body_util::Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let bytes = bytes.map_err(|error| Failure::text(error.to_string()))?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| Failure::text(format!("the server's answer is no JSON: {error}")))
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, String)],
        accept: &str,
        payload: Option<Payload<'_>>,
    ) -> Result<http::Response<Body>, Failure> {
        let mut builder = http::Request::builder().method(method).uri(address(path, query)).header("Accept", accept);
        let body = match payload {
            Some(payload) => {
                builder = builder.header("Content-Type", payload.media_type);
                Body::from(payload.bytes)
            }
            None => Body::empty(),
        };
        let request = builder.body(body).map_err(|error| Failure::text(error.to_string()))?;
        let response = self.client.send(request).await.map_err(|error| unreachable_server(&error))?;
        self.warn(response.headers());
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status();
        let bytes = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Err(refusal(code, &bytes))
    }

    /// Watches: calls `each` with every event until it says to stop (`true`), the server ends it, or time is up.
    pub(crate) async fn watch(
        &self,
        path: &str,
        query: &[(&str, String)],
        accept: &str,
        mut each: impl FnMut(Value) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let response = self.send("GET", path, query, accept, None).await?;
        let mut chunks = response.into_body().into_data_stream();
        let mut pending: Vec<u8> = Vec::new();
        while let Some(chunk) = chunks.next().await {
            // A connection that breaks ends a watch like a server that closes it.
            let Ok(chunk) = chunk else { return Ok(()) };
            pending.extend_from_slice(&chunk);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                let event = serde_json::from_slice(&line)
                    .map_err(|error| Failure::text(format!("unable to decode an event from the watch stream: {error}")))?;
                if each(event)? {
                    return Ok(());
                }
            }
            if pending.len() > LONGEST_EVENT {
                return Err(Failure::text("an event of the watch is too long to read"));
            }
        }
        Ok(())
    }

    /// Reads an answer that is no JSON, piece by piece as it comes.
    pub(crate) async fn stream(
        &self,
        path: &str,
        query: &[(&str, String)],
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let response = self.send("GET", path, query, "application/json, */*", None).await?;
        let mut chunks = response.into_body().into_data_stream();
        while let Some(chunk) = chunks.next().await {
            each(&chunk.map_err(|error| broken_off(&error))?)?;
        }
        Ok(())
    }

    /// `299 - "text"` headers.
    fn warn(&self, headers: &http::HeaderMap) {
        for value in headers.get_all("Warning") {
            let Some(text) = value.to_str().ok().and_then(warning) else { continue };
            if self.said.borrow_mut().insert(text.clone()) {
                crate::terminal::say(&format!("Warning: {text}"));
            }
        }
    }
}

fn warning(header: &str) -> Option<String> {
    let quoted = header.strip_prefix("299 ")?.split_once(' ')?.1.strip_prefix('"')?;
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => return Some(text),
            '\\' => text.extend(characters.next()),
            c => text.push(c),
        }
    }
    None
}

fn refusal(code: http::StatusCode, bytes: &[u8]) -> Failure {
    if let Ok(status) = serde_json::from_slice::<Value>(bytes)
        && status["kind"] == "Status"
    {
        return Failure::Status(status);
    }
    let text = String::from_utf8_lossy(bytes);
    let (reason, message) = match code.as_u16() {
        401 => ("Unauthorized", "the server has asked for the client to provide credentials".to_owned()),
        403 => ("Forbidden", text.trim().to_owned()),
        404 => ("NotFound", "the server could not find the requested resource".to_owned()),
        405 => ("MethodNotAllowed", "the server does not allow this method on the requested resource".to_owned()),
        415 => ("UnsupportedMediaType", text.trim().to_owned()),
        500.. => ("InternalError", format!("an error on the server ({}) has prevented the request from succeeding", quoted(&text))),
        _ => ("", format!("the server responded with the status code {} but did not return more information", code.as_u16())),
    };
    Failure::Status(serde_json::json!({"kind": "Status", "code": code.as_u16(), "reason": reason, "message": message}))
}

fn quoted(text: &str) -> String {
    format!("{:?}", text.trim())
}

/// An answer that ends in the middle.
fn broken_off(error: &dyn std::error::Error) -> Failure {
    let why = windlass_client::errors::chain(error);
    Failure::text(format!("the connection to the server broke off: {why}\n  hint: see whether the platform still runs, with `windlass up`"))
}

/// No answer at all.
fn unreachable_server(error: &kube::Error) -> Failure {
    let chain = windlass_client::errors::chain(error);
    if chain.contains("onnection refused") {
        return Failure::Raw(
            "The connection to the server was refused - did you specify the right host or port?\n  hint: start the platform with `windlass up`".into(),
        );
    }
    Failure::Raw(format!("Unable to connect to the server: {chain}"))
}

fn address(path: &str, query: &[(&str, String)]) -> String {
    let mut text = path.to_owned();
    for (index, (name, value)) in query.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&escaped(value));
    }
    text
}

/// Percent-encoded for a path or a query.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
            out.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped() {
        assert_eq!(address("/api", &[("a", "x=y,z".into()), ("b", "1".into())]), "/api?a=x%3Dy%2Cz&b=1");
    }

    #[test]
    fn warnings_are_read() {
        assert_eq!(warning(r#"299 - "unknown field \"x\"""#).as_deref(), Some(r#"unknown field "x""#));
        assert_eq!(warning("199 - \"x\""), None);
    }
}
