//! Login by a one-time link: looking at it changes nothing, its button redeems.

use crate::errors::Failure;
use crate::handlers::{Answer, Posted, read_form};
use crate::model::query::Query;
use crate::security::{host, local_path};
use crate::session::set_cookie;
use crate::state::Shared;
use crate::views::trouble;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, header};
use jiff::Timestamp;

/// `GET /login?token=&next=`.
pub(crate) async fn show(RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    trouble::login(query.word("token"), local_path(query.word("next").unwrap_or("/"))).into_response()
}

/// `POST /login`.
pub(crate) async fn redeem(State(portal): State<Shared>, request: Request) -> Answer {
    let host = host(&request).unwrap_or_default();
    let sent = read_form(request, &()).await?;
    let session = portal.sessions.redeem(sent.word("token").unwrap_or_default(), Timestamp::now()).ok_or(Failure::UsedLink)?;
    let mut response = Redirect::to(local_path(sent.word("next").unwrap_or("/"))).into_response();
    if let Some(cookie) = set_cookie(&host, Some(&session)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `POST /logout`.
pub(crate) async fn end(headers: HeaderMap, posted: Posted) -> Answer {
    posted.asked.portal.sessions.end(&headers);
    let mut response = Redirect::to("/login").into_response();
    if let Some(cookie) = set_cookie(&posted.asked.frame().host, None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
