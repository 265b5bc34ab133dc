//! What can go wrong with a request, and the page that says so with the way out.

use crate::views;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use windlass_client::errors;

/// A request that cannot be answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The request names a host that is not ours: a sign of DNS rebinding.
    #[error("this portal is not reached as `{host}`")]
    ForeignHost { host: String, known: Vec<String> },
    /// A change was asked for by a page of another site.
    #[error("this change was not asked for by a page of this portal")]
    ForeignOrigin,
    /// The form does not carry this session's token.
    #[error("this form belongs to another session")]
    ForeignForm,
    /// No session, and no page was asked for.
    #[error("there is no session")]
    NoSession,
    /// A login link that is used up, too old, or wrong.
    #[error("this login link does not work any more")]
    UsedLink,
    /// There is no such page or object.
    #[error("there is no {what}")]
    NotFound { what: String },
    /// The page is there, and does not take this kind of request.
    #[error("this page does not take `{method}`")]
    WrongMethod { method: String },
    /// What was sent cannot be understood.
    #[error("{message}")]
    Invalid { message: String },
    /// Somebody changed it since the page was drawn.
    #[error("{what} was changed by somebody else since this page was drawn")]
    Changed { what: String },
    /// The API refuses, or does not answer.
    #[error("cannot {doing}")]
    Api {
        doing: String,
        #[source]
        source: kube::Error,
    },
}

/// What an error page says.
pub(crate) struct Said {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Headline.
    pub(crate) title: &'static str,
    /// What failed, and why.
    pub(crate) message: String,
    /// The way out.
    pub(crate) hint: String,
    /// Whether whoever sees it is logged in, so that links lead somewhere.
    pub(crate) has_session: bool,
}

impl Failure {
    /// Names what was tried when the API failed.
    pub(crate) fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        |source| Self::Api { doing, source }
    }

    /// Something that is not there.
    pub(crate) fn absent(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// The page for it.
    pub(crate) fn said(&self) -> Said {
        let has_session = !matches!(self, Self::ForeignHost { .. } | Self::NoSession | Self::UsedLink);
        let said =
            |status, title, hint: &str| Said { has_session, status, title, message: sentence(&self.to_string()), hint: hint.to_owned() };
        match self {
            Self::ForeignHost { known, .. } => {
                said(StatusCode::MISDIRECTED_REQUEST, "Another address", &format!("Open it as {}.", known.join(" or ")))
            }
            Self::ForeignOrigin => said(StatusCode::FORBIDDEN, "Not from here", "Open the portal itself and press the button there."),
            Self::ForeignForm => said(
                StatusCode::FORBIDDEN,
                "Another session",
                "Go back, reload the page, and send the form again. Your values are still in it.",
            ),
            Self::NoSession => said(StatusCode::UNAUTHORIZED, "Log in first", "Run `windlass up` again: it prints a new login link."),
            Self::UsedLink => said(
                StatusCode::FORBIDDEN,
                "A new link is needed",
                "A link works once and for 60 seconds. Run `windlass up` again: it prints a new one.",
            ),
            Self::NotFound { .. } => said(
                StatusCode::NOT_FOUND,
                "Not here",
                "It may have been deleted, or its name is spelled differently. Search for it, or start from the lists.",
            ),
            Self::WrongMethod { .. } => said(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not like this",
                "Pages are read with GET and changed by their own forms. Programs use the Kubernetes API at the same address.",
            ),
            Self::Invalid { .. } => said(StatusCode::BAD_REQUEST, "Not understood", "Go back and send the form again."),
            Self::Changed { .. } => said(StatusCode::CONFLICT, "Changed meanwhile", "Look at its present state and make a new plan."),
            Self::Api { doing, source } => from_api(doing, source),
        }
    }
}

fn from_api(doing: &str, source: &kube::Error) -> Said {
    let message = format!("Cannot {doing}: {}", errors::message(source));
    let (status, title, hint) = match errors::code(source) {
        Some(404) => (StatusCode::NOT_FOUND, "Not here", "It may have been deleted meanwhile. Search for it, or start from the lists."),
        Some(403) => (StatusCode::FORBIDDEN, "Not allowed", "Nothing was changed. Whoever runs this platform can give you the right."),
        Some(409) => (StatusCode::CONFLICT, "Changed meanwhile", "Nothing was changed. Look at the present state and try again."),
        Some(400 | 413 | 415 | 422) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "Refused", "Nothing was changed. Go back, correct the value, and send it again.")
        }
        Some(_) => (StatusCode::BAD_GATEWAY, "The API failed", "Try again. If it stays, `windlass doctor` says what is wrong."),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The API does not answer",
            "The portal is up, what it reads from is not. `windlass doctor` says what is wrong.",
        ),
    };
    Said { status, title, message: sentence(&message), hint: hint.to_owned(), has_session: true }
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let mut out: String = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    out.push_str(letters.as_str());
    if !out.is_empty() && !out.ends_with(['.', '!', '?', ':', '…']) {
        out.push('.');
    }
    out
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let said = self.said();
        if said.status.is_server_error() {
            tracing::warn!(error = %errors::chain(&self), "a page could not be answered");
        }
        (said.status, views::trouble::page(&said)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_s_words_reach_the_page_with_a_way_out() {
        let status = kube::core::Status::failure("approve it first: windlass run approve web-4", "Forbidden").with_code(403);
        let said = Failure::Api { doing: "delete WebApp shop/web".into(), source: kube::Error::Api(Box::new(status)) }.said();
        assert_eq!(said.status, StatusCode::FORBIDDEN);
        assert_eq!(said.message, "Cannot delete WebApp shop/web: approve it first: windlass run approve web-4.");
    }
}
