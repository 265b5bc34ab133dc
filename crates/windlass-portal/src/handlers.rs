//! One function for each entry of the route table: parse, call, render.

pub(crate) mod change;
pub(crate) mod forms;
pub(crate) mod instances;
pub(crate) mod lists;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod preview;
pub(crate) mod runs;
pub(crate) mod templates;

use crate::errors::Failure;
use crate::model::needs;
use crate::model::query::Query;
use crate::security::{self, Visitor};
use crate::state::Shared;
use crate::views::layout::{self, Frame, Page};
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;

/// A page, or why there is none.
pub(crate) type Answer = Result<Response, Failure>;

/// A request for a page.
pub(crate) struct Asked {
    /// The portal.
    pub(crate) portal: Shared,
    /// The query string.
    pub(crate) query: Query,
    form_token: String,
    host: String,
}

impl Asked {
    /// What every page knows.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            now: Timestamp::now(),
            form_token: self.form_token.clone(),
            // Read first: a change in between is then seen as missed, never lost.
            sequence: self.portal.cache.sequence(),
            counts: needs::collect(&self.portal.cache).1,
            kubeconfig: self.portal.kubeconfig.clone(),
            host: self.host.clone(),
        }
    }

    /// The page, or only its live part where that is asked for.
    pub(crate) fn render(&self, frame: &Frame, page: &Page) -> Response {
        self.render_as(StatusCode::OK, frame, page)
    }

    /// As [`Self::render`], with another status.
    pub(crate) fn render_as(&self, status: StatusCode, frame: &Frame, page: &Page) -> Response {
        let fragment = self.query.first("fragment") == Some("live");
        let markup = if fragment { layout::fragment(frame, page) } else { layout::document(frame, page) };
        (status, markup).into_response()
    }
}

impl<S> FromRequestParts<S> for Asked
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let visitor = parts.extensions.get::<Visitor>().ok_or(Failure::NoSession)?;
        let portal = Shared::from_ref(state);
        portal.settle().await;
        Ok(Self {
            portal,
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            form_token: visitor.form_token.clone(),
            host: parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
        })
    }
}

/// A form that was sent. Making one checks its token, so that no handler can forget to.
pub(crate) struct Posted {
    /// The request itself.
    pub(crate) asked: Asked,
    /// What was sent.
    pub(crate) sent: Query,
}

impl<S> FromRequest<S> for Posted
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let asked = Asked::from_request_parts(&mut parts, state).await?;
        let sent = read_form(Request::from_parts(parts, body), state).await?;
        let carries = sent.first("_token").unwrap_or_default();
        if !security::equal(carries.as_bytes(), asked.form_token.as_bytes()) {
            return Err(Failure::ForeignForm);
        }
        Ok(Self { asked, sent })
    }
}

/// Reads a plain form; the router bounds its size.
pub(crate) async fn read_form<S: Send + Sync>(request: Request, state: &S) -> Result<Query, Failure> {
    let body = String::from_request(request, state).await.map_err(|rejection| Failure::Invalid { message: rejection.body_text() })?;
    Ok(Query::parse(&body))
}

/// Page number in the address, from 0.
pub(crate) fn page_number(query: &Query) -> usize {
    query.word("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(100_000)
}

/// A page that is there, asked for in a way that it does not take.
pub(crate) async fn wrong_method(method: http::Method) -> Failure {
    Failure::WrongMethod { method: method.to_string() }
}

/// What is asked for that is not there.
pub(crate) async fn absent(_asked: Asked) -> Failure {
    Failure::absent("page at this address")
}
