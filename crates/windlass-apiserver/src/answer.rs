//! What a response looks like: the form that the Accept header asks for, and putting objects, lists and tables into it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::Status;

/// What is made of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The object itself.
    Object,
    /// `PartialObjectMetadata`, or a list of it.
    Metadata,
    /// A `Table` of printed columns.
    Table,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
}

/// The answer that a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    pub(crate) view: View,
    pub(crate) format: Format,
}

const AVAILABLE: &str = "application/json, application/yaml";

impl Accept {
    /// The first offer that can be met; offers are taken in the order of the header, as kubectl means them.
    pub(crate) fn parse(header: Option<&HeaderValue>) -> Result<Accept, Status> {
        let plain = Accept { view: View::Object, format: Format::Json };
        let text = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(plain);
        }
        text.split(',').find_map(offer).ok_or_else(|| Status::not_acceptable(AVAILABLE))
    }
}

fn offer(text: &str) -> Option<Accept> {
    let mut parts = text.split(';').map(str::trim);
    let format = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" | "*/*" | "application/*" => Format::Json,
        "application/yaml" => Format::Yaml,
        _ => return None,
    };
    let (mut kind, mut group, mut version) = ("", "meta.k8s.io", "v1");
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key {
            "as" => kind = value,
            "g" => group = value,
            "v" => version = value,
            _ => {}
        }
    }
    let view = match kind {
        "" => View::Object,
        _ if group != "meta.k8s.io" || version != "v1" => return None,
        "Table" => View::Table,
        "PartialObjectMetadata" | "PartialObjectMetadataList" => View::Metadata,
        _ => return None,
    };
    Some(Accept { view, format })
}

/// The `PartialObjectMetadata` of an object.
pub(crate) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// A response with an object that is parsed.
pub(crate) fn value(code: StatusCode, accept: Accept, value: &Value) -> Response {
    match accept.format {
        Format::Json => json_bytes(code, Bytes::from(value.to_string())),
        Format::Yaml => match serde_saphyr::to_string(&sorted(value)) {
            Ok(text) => with_type(code, "application/yaml", Bytes::from(text)),
            Err(error) => axum::response::IntoResponse::into_response(Status::internal(error)),
        },
    }
}

/// With the keys of all objects in order, as YAML answers have them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// A response with bytes that are JSON.
pub(crate) fn json_bytes(code: StatusCode, bytes: Bytes) -> Response {
    with_type(code, "application/json", bytes)
}

pub(crate) fn text(code: StatusCode, text: impl Into<String>) -> Response {
    with_type(code, "text/plain; charset=utf-8", Bytes::from(text.into()))
}

/// What the real server says where no handler is.
pub(crate) fn no_such_page() -> Response {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

pub(crate) fn with_type(code: StatusCode, media: &'static str, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// Adds `Warning` headers, which kubectl shows.
pub(crate) fn warn(response: &mut Response, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Accept headers that clients send.

    use super::*;

    fn parse(text: &str) -> Option<(View, Format)> {
        let header = HeaderValue::from_str(text).unwrap();
        Accept::parse(Some(&header)).ok().map(|accept| (accept.view, accept.format))
    }

    #[test]
    fn the_first_offer_that_can_be_met_wins() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(parse(kubectl), Some((View::Table, Format::Json)));
        assert_eq!(parse("application/vnd.kubernetes.protobuf,application/json"), Some((View::Object, Format::Json)));
        assert_eq!(parse("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"), Some((View::Metadata, Format::Json)));
        assert_eq!(parse("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/yaml"), Some((View::Object, Format::Yaml)));
        assert_eq!(parse("*/*"), Some((View::Object, Format::Json)));
        assert_eq!(parse("text/plain"), None);
        assert_eq!(parse("application/json;as=Table;v=v1;g=other"), None);
    }
}
