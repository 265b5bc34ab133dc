//! Home: what waits for you, what happened, what can be asked for.

use crate::model::needs::Need;
use crate::model::rows::{RunRow, TemplateRow};
use crate::views::layout::{Frame, Page, Section};
use crate::views::parts::{ago, tag, words};
use crate::views::runs;
use maud::{Markup, html};
use std::sync::Arc;

/// More needs than this are folded into a link.
const NEEDS: usize = 12;

/// What home shows.
pub(crate) struct Home<'a> {
    /// What waits, worst first.
    pub(crate) needs: &'a [Need],
    /// Newest Runs.
    pub(crate) runs: &'a [Arc<RunRow>],
    /// Templates by how many instances they have, with that number.
    pub(crate) often: &'a [(Arc<TemplateRow>, usize)],
    /// Whether anything was ever asked for.
    pub(crate) is_new: bool,
    /// What is said about lists that are not complete.
    pub(crate) partial: Markup,
}

/// The page.
pub(crate) fn page(frame: &Frame, home: &Home<'_>) -> Page {
    let live = html! {
        div.head {
            h1 { @if home.needs.is_empty() { "Nothing waits for you" } @else if home.needs.len() == 1 { "One thing needs you" } @else { (home.needs.len()) " things need you" } }
        }
        (home.partial)
        @if home.is_new { (first_steps(home)) }
        div.columns {
            div.stack.loose {
                @if !home.needs.is_empty() { (needs(frame, home.needs)) }
                (recent(frame, home.runs))
            }
            aside.stack.loose { (glance(frame)) (often(home.often)) }
        }
    };
    let mut page = Page::new("Home", Section::Home, live).watching("runs").watching("instances").watching("templates");
    page.say = if home.needs.is_empty() { "Nothing waits for you".into() } else { format!("{} need you", home.needs.len()) };
    page
}

fn first_steps(home: &Home<'_>) -> Markup {
    html! {
        section.card aria-label="First steps" {
            div.in.stack {
                h2 { "Start here" }
                ol.howto {
                    li { "Pick a template: it says what you get." }
                    li { "Give it two or three values and see the plan. Nothing is made before." }
                    li { "Press “Make it”, and follow the run until your address answers." }
                }
                div.row {
                    @if let Some((template, _)) = home.often.first() {
                        a.button.do href={ (template.path()) "/new" } { "Try “" (template.title) "”" }
                    }
                    a.button href="/templates" { "All templates" }
                }
            }
        }
    }
}

fn needs(frame: &Frame, needs: &[Need]) -> Markup {
    html! {
        section.card aria-labelledby="needs" {
            header { h2 #needs { "Needs you" } span.small { "worst first" } }
            table.list {
                thead.sr { tr { th { "State" } th { "What" } th { "Act" } } }
                tbody {
                    @for need in needs.iter().take(NEEDS) {
                        tr {
                            td { (tag(&need.mark)) }
                            td.main {
                                a href=(need.path) { (need.name) } " " span.small { (need.place) }
                                div.small { (words(&need.why)) @if !need.since.is_empty() { " · " (ago(frame.now, &need.since)) } }
                            }
                            td.act-cell { a.button.do[need.button == "Review"] href=(need.path) aria-label={ (need.button) " " (need.name) } { (need.button) } }
                        }
                    }
                }
            }
            @if needs.len() > NEEDS { div.in { a href="/instances?state=bad" { (needs.len() - NEEDS) " more" } } }
        }
    }
}

fn recent(frame: &Frame, recent: &[Arc<RunRow>]) -> Markup {
    html! {
        section.card aria-labelledby="recent" {
            header { h2 #recent { "Recent runs" } a href="/runs" { "All runs" } }
            @if recent.is_empty() {
                div.in { p.muted { "No run yet. Each change that is asked for becomes one, with its plan, its steps and its result." } }
            } @else {
                (runs::table(frame, recent, runs::Detail::Brief))
            }
        }
    }
}

fn glance(frame: &Frame) -> Markup {
    let counts = frame.counts;
    html! {
        section.card aria-labelledby="glance" {
            header { h2 #glance { "At a glance" } }
            div.in {
                dl.facts {
                    dt { "Instances" } dd { a href="/instances" { (counts.instances) } " · " (counts.ready) " ready" }
                    dt { "Open runs" } dd { a href="/runs?state=open" { (counts.open_runs) } }
                    dt { "Templates" } dd { a href="/templates" { (counts.templates) } }
                }
            }
        }
    }
}

fn often(often: &[(Arc<TemplateRow>, usize)]) -> Markup {
    html! {
        section.card aria-labelledby="often" {
            header { h2 #often { "Asked for often" } }
            div.in.stack {
                @for (template, count) in often {
                    div.row.apart { a href={ (template.path()) "/new" } { (template.title) } span.small { (count) " in use" } }
                }
                @if often.is_empty() {
                    p.muted { "No template yet. A platform team writes one in a file and applies it:" }
                    code { "windlass apply -f template.yaml" }
                }
            }
        }
    }
}
