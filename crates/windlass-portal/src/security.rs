//! What every request passes: the host it names, where it comes from, who sends it, and what its answer may do in a browser.
//!
//! Checks only; it decides nothing about objects. Start with [`guard`].

use crate::errors::Failure;
use crate::session;
use crate::state::Shared;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::Timestamp;

/// No inline script or style, nothing from elsewhere, not in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Who sent the request.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// What a form of this session must carry.
    pub(crate) form_token: String,
}

/// Checks host, origin and session, and adds the headers that keep a browser safe.
pub(crate) async fn guard(State(portal): State<Shared>, mut request: Request, next: Next) -> Response {
    let mut response = match check(&portal, &mut request) {
        Ok(()) => next.run(request).await,
        Err(answer) => *answer,
    };
    harden(response.headers_mut());
    response
}

fn check(portal: &Shared, request: &mut Request) -> Result<(), Box<Response>> {
    let host = host(request).unwrap_or_default();
    if !portal.origins.contains(&host) {
        return Err(refuse(Failure::ForeignHost { host, known: portal.origins.clone() }));
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !comes_from_here(request.headers(), &portal.origins) {
        return Err(refuse(Failure::ForeignOrigin));
    }
    let path = request.uri().path();
    if is_open(path) {
        return Ok(());
    }
    let Some(token) = portal.sessions.token(request.headers(), Timestamp::now()) else {
        return Err(Box::new(ask_to_log_in(request)));
    };
    request.extensions_mut().insert(Visitor { form_token: session::form_token(&token) });
    Ok(())
}

/// Paths that need no session: the login page itself and what it is drawn with.
fn is_open(path: &str) -> bool {
    path == "/login" || path.starts_with("/ui/assets/") || path == "/favicon.svg" || path == "/favicon.ico"
}

fn refuse(failure: Failure) -> Box<Response> {
    Box::new(failure.into_response())
}

/// The host that the request names, in lower case.
pub(crate) fn host(request: &Request) -> Option<String> {
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    named.or_else(|| request.uri().authority().map(http::uri::Authority::as_str)).map(str::to_ascii_lowercase)
}

/// Browsers name the origin of every request that may change something; one that names none is not from our pages.
fn comes_from_here(headers: &HeaderMap, origins: &[String]) -> bool {
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()) else { return false };
    let origin = origin.to_ascii_lowercase();
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(|host| origins.iter().any(|known| known == host))
}

fn ask_to_log_in(request: &Request) -> Response {
    let wants_page = request.method() == Method::GET
        && request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_none_or(|accept| accept.contains("text/html"))
        && !request.headers().contains_key("x-live");
    if !wants_page {
        return Failure::NoSession.into_response();
    }
    let wanted = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let query = query_pair("next", wanted);
    Redirect::to(&if wanted == "/" { "/login".to_owned() } else { format!("/login?{query}") }).into_response()
}

/// Compares without telling by its time how much was right.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

fn query_pair(key: &str, value: &str) -> String {
    crate::model::query::encode(&[(key.to_owned(), value.to_owned())])
}

/// Where to go after login: a path of this portal, never another site.
pub(crate) fn local_path(wanted: &str) -> &str {
    let local = wanted.starts_with('/') && !wanted.starts_with("//") && !wanted.contains(['\\', '\n', '\r']) && wanted.len() <= 2000;
    if local { wanted } else { "/" }
}

fn harden(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: with it browsers send `Origin: null` even for our own forms. Other sites get nothing either way.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_portal_are_followed_after_login() {
        assert_eq!(local_path("/runs?state=Failed"), "/runs?state=Failed");
        for foreign in ["//evil.example", "https://evil.example", "/\\evil.example", "runs", "/a\r\nb"] {
            assert_eq!(local_path(foreign), "/", "{foreign:?}");
        }
    }

    #[test]
    fn changes_must_name_our_origin() {
        let origins = ["127.0.0.1:7400".to_owned()];
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        assert!(comes_from_here(&headers(&[("origin", "http://127.0.0.1:7400")]), &origins));
        assert!(!comes_from_here(&headers(&[]), &origins));
        assert!(!comes_from_here(&headers(&[("origin", "null")]), &origins));
        assert!(!comes_from_here(&headers(&[("origin", "http://evil.example")]), &origins));
        assert!(!comes_from_here(&headers(&[("origin", "http://127.0.0.1:41817")]), &origins));
        assert!(!comes_from_here(&headers(&[("origin", "http://127.0.0.1:7400"), ("sec-fetch-site", "cross-site")]), &origins));
    }
}
