//! The gateway's own pages: what is wrong and what to do, and nothing that a stranger should not read.

use crate::local::records::NodeView;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::collections::BTreeSet;

/// Whether a browser asks.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// Nobody has this host. It is not said who has which.
pub(super) fn unknown_host(html: bool) -> Response {
    page(
        StatusCode::NOT_FOUND,
        "No app has this address",
        &["`windlass get instances -A` lists the apps and their addresses.".into()],
        false,
        html,
    )
}

/// The replica took the request and did not answer it.
pub(super) fn broke_off(html: bool) -> Response {
    page(StatusCode::BAD_GATEWAY, "The app broke off the request", &["Look into its logs; trying again may help.".into()], false, html)
}

/// No replica is ready.
pub(super) fn none_ready(view: Option<&NodeView>, node: &str, html: bool) -> Response {
    let instance = view.and_then(NodeView::instance);
    let name = instance.map_or_else(|| "The app".to_owned(), ToString::to_string);
    let slots = view.map(|view| view.slots.as_slice()).unwrap_or_default();
    let reasons: BTreeSet<&str> = slots
        .iter()
        .filter(|slot| !slot.is_ready())
        .map(|slot| reason(slot.held, slot.state.as_ref().map(|state| state.reason.as_str())))
        .collect();
    let starting = !reasons.is_empty() && reasons.iter().all(|reason| *reason == sentence("Starting"));
    let mut lines: Vec<String> =
        if slots.is_empty() { vec!["It has no replica.".into()] } else { reasons.into_iter().map(str::to_owned).collect() };
    if let Some(instance) = instance.filter(|_| !starting) {
        let namespace = instance.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
        let kind = instance.kind.to_lowercase();
        lines.push(format!("`windlass describe {kind} {}{namespace}` says more; its node is `{node}`.", instance.name));
        lines.push(format!("`windlass logs {kind}/{}{namespace}` shows what it wrote.", instance.name));
    }
    let title = if starting { format!("{name} is starting") } else { format!("{name} has no replica that is ready") };
    page(StatusCode::SERVICE_UNAVAILABLE, &title, &lines, starting, html)
}

fn reason(held: bool, reason: Option<&str>) -> &'static str {
    if held { sentence(reason.unwrap_or_default()) } else { "Its process does not run." }
}

/// Constants only: a program's own words may hold secrets.
fn sentence(reason: &str) -> &'static str {
    match reason {
        "Starting" => "It is starting; this page looks again by itself.",
        "ProgramEnded" => "Its program ended and is started again by itself.",
        "ProgramNotFound" => "Its program is not found on this machine.",
        "CannotStart" => "Its program cannot be started.",
        "PortTaken" => "Its port is held by another program.",
        "ProbeFailing" => "It runs, but its readiness probe fails.",
        "NotAlive" => "It did not live any more and is started anew.",
        "Stopping" | "Stopped" => "It is being ended.",
        _ => "It is not ready.",
    }
}

fn page(status: StatusCode, title: &str, lines: &[String], again: bool, html: bool) -> Response {
    let body = if html { as_html(title, lines, again) } else { as_text(title, lines) };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(if html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" }));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

fn as_text(title: &str, lines: &[String]) -> String {
    let mut text = format!("{title}\n");
    for line in lines {
        text.push_str(&line.replace('`', ""));
        text.push('\n');
    }
    text
}

fn as_html(title: &str, lines: &[String], again: bool) -> String {
    let refresh = if again { "<meta http-equiv=\"refresh\" content=\"2\">" } else { "" };
    let lines: String = lines.iter().map(|line| format!("<p>{}</p>", with_code(line))).collect();
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">{refresh}<title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1.5rem}}\
         h1{{font-size:1.4rem}}code{{font-size:.9em}}</style></head><body><main><h1>{title}</h1>{lines}</main></body></html>"
    )
}

/// Escaped text in which every second backtick-delimited piece is code.
fn with_code(line: &str) -> String {
    let pieces = line.split('`').enumerate();
    pieces.map(|(index, piece)| if index % 2 == 1 { format!("<code>{}</code>", escape(piece)) } else { escape(piece) }).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_code_is_code() {
        assert_eq!(with_code("`a<b` & <i>"), "<code>a&lt;b</code> &amp; &lt;i&gt;");
        assert!(as_html("<script>", &[], true).contains("<h1>&lt;script&gt;</h1>"));
    }
}
