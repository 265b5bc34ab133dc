//! Lists of Runs.

use crate::model::query::Query;
use crate::model::rows::{RunRow, reference_path};
use crate::views::layout::{Frame, Page, Section};
use crate::views::parts::{ago, pages, tag, took};
use maud::{Markup, html};
use std::sync::Arc;

/// How many Runs a page shows.
pub(crate) const EACH: usize = 50;

/// Filters by state: name in the address and for people.
pub(crate) const STATES: [(&str, &str); 5] =
    [("", "All"), ("open", "Not finished"), ("approval", "Waiting for approval"), ("failed", "Failed"), ("succeeded", "Succeeded")];

/// What the list shows.
pub(crate) struct Listing<'a> {
    /// Rows of this page.
    pub(crate) rows: &'a [Arc<RunRow>],
    /// How many match.
    pub(crate) all: usize,
    /// Which page, from 0.
    pub(crate) page: usize,
    /// What was asked.
    pub(crate) query: &'a Query,
    /// What is said about lists that are not complete.
    pub(crate) partial: Markup,
}

/// The page.
pub(crate) fn page(frame: &Frame, listing: &Listing<'_>) -> Page {
    let state = listing.query.word("state").unwrap_or_default();
    let live = html! {
        div.head { h1 { "Runs" } span.small { (listing.all) " shown here" } }
        nav.tabs aria-label="State" {
            @for (name, title) in STATES { a href={ "?" (listing.query.with("state", name)) } aria-current=[(state == name).then_some("true")] { (title) } }
        }
        (listing.partial)
        section.card {
            @if listing.rows.is_empty() {
                div.in { p.muted { @if state.is_empty() { "No run yet. Each change that is asked for becomes one." } @else { "No run in this state." } } }
            } @else {
                (table(frame, listing.rows, Detail::All))
            }
        }
        (pages(listing.query, listing.page, listing.all, EACH))
    };
    Page::new("Runs", Section::Runs, live).watching("runs")
}

/// How much a table of Runs says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Whose it is, what, how and when: where there is little room.
    Brief,
    /// Everything.
    All,
    /// Everything but whose it is, which the page says.
    Own,
}

/// Runs as a table; on narrow screens as cards.
pub(crate) fn table(frame: &Frame, runs: &[Arc<RunRow>], detail: Detail) -> Markup {
    let (names, all) = (detail != Detail::Own, detail != Detail::Brief);
    html! {
        table.list {
            thead { tr { th scope="col" { "What" } th scope="col" { "State" } @if all { th.wide scope="col" { "By" } th.num scope="col" { "Took" } } th.num scope="col" { "When" } } }
            tbody {
                @for run in runs {
                    tr {
                        td.main {
                            a href=(run.path()) { @if names { (run.instance.name) ": " } (run.phrase()) }
                            div.small {
                                @if names { a.quiet href=(reference_path(&run.instance)) { (run.instance) } @if !run.planned.is_empty() { " · " } }
                                (run.planned)
                            }
                        }
                        td { (tag(&run.mark())) }
                        @if all {
                            td.wide { (if run.by.is_empty() { "–" } else { &run.by }) }
                            td.num { (took(run.started.as_deref(), run.finished.as_deref(), frame.now)) }
                        }
                        td.num { (ago(frame.now, &run.created)) }
                    }
                }
            }
        }
    }
}
