//! Search over templates, instances and runs.

use crate::model::rows::{InstanceRow, RunRow, TemplateRow};
use crate::views::layout::{Frame, Page, Section};
use crate::views::{instances, runs};
use maud::html;
use std::sync::Arc;

/// What was found.
pub(crate) struct Found {
    /// What was asked.
    pub(crate) asked: String,
    /// Templates.
    pub(crate) templates: Vec<Arc<TemplateRow>>,
    /// Instances.
    pub(crate) instances: Vec<Arc<InstanceRow>>,
    /// Runs.
    pub(crate) runs: Vec<Arc<RunRow>>,
}

/// The page.
pub(crate) fn page(frame: &Frame, found: &Found) -> Page {
    let nothing = found.templates.is_empty() && found.instances.is_empty() && found.runs.is_empty();
    let live = html! {
        div.head { h1 { @if found.asked.is_empty() { "Search" } @else { "“" (found.asked) "”" } } }
        form.row.filter method="get" role="search" aria-label="Search" {
            input type="search" name="q" value=(found.asked) aria-label="Name, namespace, kind or words" placeholder="Name, namespace, kind or words" autocomplete="off";
            button.button.do type="submit" { "Search" }
        }
        @if nothing && !found.asked.is_empty() { p.muted { "Nothing has this in its name, kind or description." } }
        @if !found.templates.is_empty() {
            section.card { header { h2 { "Templates" } } div.in.stack {
                @for row in &found.templates { div { a href=(row.path()) { (row.title) } " " span.small { (row.summary) } } }
            } }
        }
        @if !found.instances.is_empty() { section.card { header { h2 { "Instances" } } (instances::table(frame, &found.instances)) } }
        @if !found.runs.is_empty() { section.card { header { h2 { "Runs" } } (runs::table(frame, &found.runs, runs::Detail::All)) } }
    };
    Page::new("Search", Section::Search, live)
}
