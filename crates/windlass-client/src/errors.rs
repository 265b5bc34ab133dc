//! Reading the API's errors: which ones mean absent, conflict or refused, and what a person should see.

use kube::core::Status;
use kube::core::response::StatusCause;
use std::error::Error;

/// Whether the object (or its kind) is not there.
pub fn is_not_found(error: &kube::Error) -> bool {
    code(error) == Some(404)
}

/// Whether somebody else wrote first, or holds a field.
pub fn is_conflict(error: &kube::Error) -> bool {
    code(error) == Some(409)
}

/// Whether the API refuses the object itself, so that trying again does not help.
pub fn is_refused(error: &kube::Error) -> bool {
    matches!(code(error), Some(400 | 403 | 405 | 413 | 415 | 422)) || is_misfit(error)
}

/// Kubernetes answers 500 to an apply whose values do not fit the kind's schema, as if the server were at fault.
fn is_misfit(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 500 && status.message.starts_with("failed to create typed patch object"))
}

/// The HTTP status that the API answered with, if it answered.
pub fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// The reason constant of the API's answer, such as `AlreadyExists`.
pub fn reason(error: &kube::Error) -> Option<&str> {
    match error {
        kube::Error::Api(status) => Some(status.reason.as_str()),
        _ => None,
    }
}

/// The API's own message, else the whole chain of causes, each once.
pub fn message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => refusal(status),
        other => chain(other),
    }
}

/// The API's own message. Of a refused object the causes one by one, without what the server adds for itself: the
/// regular expression behind a sentence that says the same, and that further rules were not checked.
pub fn refusal(status: &Status) -> String {
    let details = status.details.as_ref().filter(|_| status.reason == "Invalid");
    let Some(details) = details.filter(|details| !details.causes.is_empty()) else { return status.message.clone() };
    let mut causes: Vec<String> = Vec::new();
    for cause in details.causes.iter().filter(|cause| !is_aside(cause)) {
        let message = cause.message.split_once(" (e.g. '").map_or(cause.message.as_str(), |(words, _)| words);
        let said = if cause.field.is_empty() { message.to_owned() } else { format!("{}: {message}", cause.field) };
        if !causes.contains(&said) {
            causes.push(said);
        }
    }
    format!("{} `{}` is refused: {}", details.kind, details.name, causes.join("; "))
}

/// Place (as `spec.port`, empty where there is none) and message of each cause of a refusal.
pub fn causes(status: &Status) -> Vec<(String, String)> {
    let listed = status.details.iter().flat_map(|details| &details.causes).filter(|cause| !is_aside(cause));
    let mut causes: Vec<(String, String)> = listed.map(|cause| (cause.field.clone(), cause.message.clone())).collect();
    // Strict decoding tells what it does not know in its message alone.
    let unknown = status.message.split("unknown field \"").skip(1).filter_map(|rest| rest.split('"').next());
    causes.extend(unknown.map(|path| (path.to_owned(), "unknown field".to_owned())));
    causes
}

/// Whether a cause is about the checking itself, and about no value.
pub fn is_aside(cause: &StatusCause) -> bool {
    cause.field == "<nil>"
}

/// An error and its causes in one line; a cause whose text the error above already holds is left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn api(status: Value) -> kube::Error {
        kube::Error::Api(Box::new(serde_json::from_value(status).expect("a status")))
    }

    #[test]
    fn causes_are_said_without_what_the_server_adds_for_itself() {
        let error = api(json!({
            "status": "Failure", "reason": "Invalid", "code": 422, "message": "the whole of it",
            "details": {"kind": "WebApp", "name": "shop", "causes": [
                {"field": "spec.size", "message": "Unsupported value: \"XXL\": supported values: \"S\", \"M\""},
                {"field": "<nil>", "message": "Invalid value: null: some validation rules were not checked"},
            ]},
        }));
        assert_eq!(message(&error), "WebApp `shop` is refused: spec.size: Unsupported value: \"XXL\": supported values: \"S\", \"M\"");
    }

    #[test]
    fn what_is_not_known_is_a_cause_with_a_place() {
        let message = "WebApp in version \"v1\" cannot be handled as a WebApp: strict decoding error: unknown field \"spec.prot\", unknown field \"spec.a\"";
        let status = serde_json::from_value(json!({"status": "Failure", "reason": "BadRequest", "code": 400, "message": message}));
        let found = causes(&status.expect("a status"));
        assert_eq!(found, [("spec.prot", "unknown field"), ("spec.a", "unknown field")].map(|(place, why)| (place.into(), why.into())));
    }

    #[test]
    fn an_apply_that_does_not_fit_is_refused_and_not_tried_again() {
        let said =
            "failed to create typed patch object (default/blog; platform.windlass.dev/v1alpha1, Kind=WebApp): .spec.port: expected numeric";
        assert!(is_refused(&api(json!({"status": "Failure", "code": 500, "message": said}))));
        assert!(!is_refused(&api(json!({"status": "Failure", "code": 500, "message": "the disk is full"}))));
    }
}
