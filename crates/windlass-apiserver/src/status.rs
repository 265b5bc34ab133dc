//! Every error that the server answers with, in Kubernetes' shape and words. Nothing else makes an error response.
//!
//! Sources: `k8s.io/apimachinery/pkg/api/errors` and the answers of a kube-apiserver 1.35.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use windlass_schema::structural::FieldError;
use windlass_store::StoreError;

use crate::registry::Resource;

/// A refusal: `meta/v1.Status` with `status: Failure`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// The HTTP status.
    pub code: u16,
    /// One word for programs (`NotFound`); may be empty.
    pub reason: &'static str,
    /// One sentence for people.
    pub message: String,
    /// What it is about.
    pub details: Option<Box<Details>>,
}

/// What a [`Status`] is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// The object's name.
    pub name: String,
    /// The API group.
    pub group: String,
    /// The resource (`configmaps`), or the kind where validation failed.
    pub kind: String,
    /// The object's uid.
    pub uid: String,
    /// Each single problem.
    pub causes: Vec<Cause>,
    /// When to try again.
    pub retry_after_seconds: u32,
}

/// One problem of several.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// One word for programs (`FieldValueInvalid`).
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// The field's path.
    pub field: String,
}

impl Status {
    /// Any refusal.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Status {
        Status { code, reason, message: message.into(), details: None }
    }

    /// 403 by admission or authorization: `configmaps "a" is forbidden: WHY`.
    pub fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Status {
        let qualified = qualified(plural, group);
        let message = if name.is_empty() {
            format!("{qualified} is forbidden: {why}")
        } else {
            format!("{qualified} \"{name}\" is forbidden: {why}")
        };
        Status::new(403, "Forbidden", message).about(group, plural, name)
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Status {
        let details = Details { name: name.to_owned(), group: group.to_owned(), kind: kind.to_owned(), ..Details::default() };
        self.details = Some(Box::new(details));
        self
    }

    pub(crate) fn with_cause(mut self, reason: &'static str, message: impl Into<String>, field: &str) -> Status {
        let cause = Cause { reason, message: message.into(), field: field.to_owned() };
        self.details.get_or_insert_default().causes.push(cause);
        self
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Status {
        Status::object_missing(&resource.group, &resource.plural, name)
    }

    pub(crate) fn object_missing(group: &str, plural: &str, name: &str) -> Status {
        Status::new(404, "NotFound", format!("{} \"{name}\" not found", qualified(plural, group))).about(group, plural, name)
    }

    /// The path names no resource that is served.
    pub(crate) fn no_such_resource() -> Status {
        Status { details: Some(Box::default()), ..Status::new(404, "NotFound", "the server could not find the requested resource") }
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Status {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Status::new(409, "AlreadyExists", message).about(&resource.group, &resource.plural, name)
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Status::new(409, "Conflict", message).about(&resource.group, &resource.plural, name)
    }

    pub(crate) fn modified(resource: &Resource, name: &str) -> Status {
        Status::conflict(resource, name, "the object has been modified; please apply your changes to the latest version and try again")
    }

    /// A precondition of a delete does not hold. The real server names the kind here, without its group.
    pub(crate) fn precondition(kind: &str, name: &str, why: &str) -> Status {
        Status::new(409, "Conflict", format!("Operation cannot be fulfilled on {kind} \"{name}\": {why}")).about("", kind, name)
    }

    pub(crate) fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Status {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let joined = if let [only] = all.as_slice() { only.clone() } else { format!("[{}]", all.join(", ")) };
        let message = format!("{} \"{name}\" is invalid: {joined}", qualified(kind, group));
        let mut status = Status::new(422, "Invalid", message).about(group, kind, name);
        for error in errors {
            status = status.with_cause(error.kind.reason(), error.body(), &error.path);
        }
        status
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Status {
        Status::new(400, "BadRequest", message)
    }

    pub(crate) fn method_not_allowed() -> Status {
        let message = "the server does not allow this method on the requested resource";
        Status { details: Some(Box::default()), ..Status::new(405, "MethodNotAllowed", message) }
    }

    pub(crate) fn not_acceptable(available: &str) -> Status {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {available}");
        Status { details: Some(Box::default()), ..Status::new(406, "NotAcceptable", message) }
    }

    pub(crate) fn unsupported_body() -> Status {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf";
        Status::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn unsupported_patch(accepted: &str) -> Status {
        let message = format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Status::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn too_large(limit: usize) -> Status {
        Status::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit}"))
    }

    pub(crate) fn expired(message: impl Into<String>) -> Status {
        Status::new(410, "Expired", message)
    }

    pub(crate) fn version_not_reached(wanted: u64, current: u64) -> Status {
        let mut status = Status::new(504, "Timeout", format!("Timeout: Too large resource version: {wanted}, current: {current}"))
            .with_cause("ResourceVersionTooLarge", "Too large resource version", "");
        status.details.get_or_insert_default().retry_after_seconds = 1;
        status
    }

    /// Something that the caller cannot mend. `message` must hold nothing secret.
    pub(crate) fn internal(message: impl std::fmt::Display) -> Status {
        Status::new(500, "InternalError", format!("Internal error occurred: {message}")).with_cause("", message.to_string(), "")
    }

    /// What the store refused, for a write to `name`.
    pub(crate) fn from_store(error: StoreError, resource: &Resource, name: &str) -> Status {
        match error {
            StoreError::Exists { .. } => Status::already_exists(resource, name),
            StoreError::Missing { .. } => Status::not_found(resource, name),
            StoreError::Conflict { .. } | StoreError::GuardChanged { .. } => Status::modified(resource, name),
            StoreError::Expired { version, oldest } => Status::expired(format!("too old resource version: {version} ({oldest})")),
            StoreError::Future { version, newest } => Status::version_not_reached(version, newest),
            StoreError::Lagged => Status::expired("the watch fell behind and has lost events; list again and watch from there"),
            StoreError::Closed => Status::new(503, "ServiceUnavailable", "the server is shutting down"),
            StoreError::Full => Status::new(
                507,
                "InternalError",
                "the database is full; the write was not taken: free space on the disk of the data directory",
            ),
            StoreError::Held { .. } | StoreError::Format { .. } | StoreError::Open { .. } | StoreError::Disk { .. } => {
                tracing::error!(%error, "the store refused a request");
                Status::internal(&error)
            }
        }
    }

    /// As JSON.
    pub fn to_value(&self) -> Value {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message});
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.to_value();
        }
        status["code"] = self.code.into();
        status
    }
}

impl Details {
    fn to_value(&self) -> Value {
        let mut value = Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                value.insert(key.to_owned(), text.clone().into());
            }
        }
        if !self.causes.is_empty() {
            value.insert("causes".to_owned(), self.causes.iter().map(Cause::to_value).collect());
        }
        if self.retry_after_seconds > 0 {
            value.insert("retryAfterSeconds".to_owned(), self.retry_after_seconds.into());
        }
        Value::Object(value)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut value = Map::new();
        for (key, text) in [("reason", self.reason), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                value.insert(key.to_owned(), text.into());
            }
        }
        Value::Object(value)
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (code, self.to_value().to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let seconds = self.details.as_ref().map_or(0, |details| details.retry_after_seconds);
        if seconds > 0 {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// `plural.group`, or `plural` alone for the core group.
pub(crate) fn qualified(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}
