//! Reading the API's errors: which ones mean absent, conflict or refused, and what a person should see.

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
    matches!(code(error), Some(400 | 403 | 405 | 413 | 415 | 422))
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
        kube::Error::Api(status) => status.message.clone(),
        other => chain(other),
    }
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
