//! Pages without a session: errors, and the login page.

use crate::errors::Said;
use crate::model::tone::Tone;
use crate::views::layout;
use crate::views::parts::{note, words};
use maud::{DOCTYPE, Markup, html};

fn bare(title: &str, has_session: bool, inner: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (layout::head(title, false))
            body.bare {
                header.top { (layout::brand()) @if has_session { a.button.plain href="/help" aria-label="Help and keys" title="Help and keys" { "?" } } }
                main #main tabindex="-1" { (inner) }
            }
        }
    }
}

/// An error, with the way out.
pub(crate) fn page(said: &Said) -> Markup {
    bare(
        said.title,
        said.has_session,
        &html! {
            h1 { (said.title) }
            (note(Tone::Bad, &said.message, &html! { span { (words(&said.hint)) } }))
            div.row {
                @if said.has_session {
                    a.button.do href="/" { "Home" }
                    a.button href="/instances" { "Instances" }
                    a.button href="/search" { "Search" }
                }
                span.small { "Status " (said.status.as_u16()) }
            }
        },
    )
}

/// The page that a login link leads to: its button redeems, so that the link alone is worth nothing.
pub(crate) fn login(token: Option<&str>, next: &str) -> Markup {
    bare(
        "Log in",
        false,
        &html! {
            h1 { "Log in" }
            @if let Some(token) = token {
                p { "This link works once. It logs in this browser on this machine for 7 days." }
                form.row method="post" action="/login" {
                    input type="hidden" name="token" value=(token);
                    input type="hidden" name="next" value=(next);
                    button.button.do type="submit" autofocus { "Log in" }
                }
            } @else {
                p { "There is no password. Whoever may use this machine gets in by a link." }
                ol.howto {
                    li { "On the machine where Windlass runs: " code { "windlass up" } }
                    li { "It says that the platform is up, and prints a new link." }
                    li { "Open the link here within 60 seconds." }
                }
            }
        },
    )
}
