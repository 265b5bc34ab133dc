//! The list of instances of all kinds.

use crate::cache::KindKey;
use crate::model::query::Query;
use crate::model::rows::InstanceRow;
use crate::views::layout::{Frame, Page, Section};
use crate::views::parts::{ago, pages, tag, words};
use maud::{Markup, html};
use std::sync::Arc;

/// How many instances a page shows.
pub(crate) const EACH: usize = 100;

/// Filters by state: name in the address and for people.
pub(crate) const STATES: [(&str, &str); 4] = [("", "All"), ("ready", "Ready"), ("moving", "Under way"), ("bad", "Need you")];

/// What the list shows.
pub(crate) struct Listing<'a> {
    /// Rows of this page.
    pub(crate) rows: &'a [Arc<InstanceRow>],
    /// How many match.
    pub(crate) all: usize,
    /// Which page, from 0.
    pub(crate) page: usize,
    /// What was asked.
    pub(crate) query: &'a Query,
    /// Kinds that there are, with the number of instances.
    pub(crate) kinds: &'a [(KindKey, usize)],
    /// What is said about lists that are not complete.
    pub(crate) partial: Markup,
}

/// The page.
pub(crate) fn page(frame: &Frame, listing: &Listing<'_>) -> Page {
    let query = listing.query;
    let state = query.word("state").unwrap_or_default();
    let live = html! {
        div.head { h1 { "Instances" } a.button.do href="/templates" { "Create" } }
        (filter(listing))
        nav.tabs aria-label="State" {
            @for (name, title) in STATES { a href={ "?" (query.with("state", name)) } aria-current=[(state == name).then_some("true")] { (title) } }
        }
        (listing.partial)
        section.card {
            @if listing.rows.is_empty() { (empty(query)) } @else { (table(frame, listing.rows)) }
        }
        (pages(query, listing.page, listing.all, EACH))
    };
    Page::new("Instances", Section::Instances, live).watching("instances").watching("templates")
}

fn filter(listing: &Listing<'_>) -> Markup {
    let query = listing.query;
    let kind = query.word("kind").unwrap_or_default();
    html! {
        form.row.filter method="get" role="search" aria-label="Filter instances" {
            input type="search" name="q" value=(query.word("q").unwrap_or_default()) aria-label="Name or namespace" placeholder="Name or namespace" autocomplete="off";
            select name="kind" aria-label="Kind" {
                option value="" { "All kinds" }
                @for ((_, name), count) in listing.kinds { option value=(name) selected[kind == name] { (name) " (" (count) ")" } }
            }
            @if let Some(state) = query.word("state") { input type="hidden" name="state" value=(state); }
            button.button type="submit" { "Filter" }
            span.small role="status" { (listing.all) " found" }
        }
    }
}

fn empty(query: &Query) -> Markup {
    html! {
        div.in.stack {
            @if ["q", "kind", "state"].iter().any(|name| query.word(name).is_some()) {
                p.muted { "Nothing matches." }
                div.row { a.button href="/instances" { "Show all" } }
            } @else {
                p.muted { "Nothing has been asked for yet. Pick a template, give it two or three values, and see what it would make." }
                div.row { a.button.do href="/templates" { "See the templates" } }
            }
        }
    }
}

/// Instances as a table; on narrow screens as cards.
pub(crate) fn table(frame: &Frame, rows: &[Arc<InstanceRow>]) -> Markup {
    html! {
        table.list {
            thead { tr { th scope="col" { "Name" } th scope="col" { "State" } th.wide scope="col" { "Namespace" } th.wide scope="col" { "Size" } th.num scope="col" { "Since" } } }
            tbody {
                @for row in rows {
                    tr {
                        td.main {
                            a href=(row.path()) { (row.name) } " " span.small { (row.key.1) }
                            @if !row.why.is_empty() { div.small { (words(&row.why)) } }
                            @if row.why.is_empty() && row.drift.is_some() { div.small { "Changed by hand" } }
                        }
                        td { (tag(&row.mark())) }
                        td.wide { (if row.namespace.is_empty() { "–" } else { &row.namespace }) }
                        td.wide { (if row.size.is_empty() { "–" } else { &row.size }) }
                        td.num { (ago(frame.now, if row.since.is_empty() { &row.created } else { &row.since })) }
                    }
                }
            }
        }
    }
}
