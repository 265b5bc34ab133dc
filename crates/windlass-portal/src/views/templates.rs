//! Templates: the list of what can be asked for, and a page for each.

use crate::markdown;
use crate::model::form::sizes;
use crate::model::rows::TemplateRow;
use crate::model::tone::Tone;
use crate::views::layout::{Frame, Page, Section};
use crate::views::parts::{ago, command, count, note, tag, words};
use maud::{Markup, html};
use std::sync::Arc;
use windlass_api::template::{Approval, DeletionPolicy, DriftPolicy, Template};

/// The list.
pub(crate) fn list(rows: &[(Arc<TemplateRow>, usize)], asked: &str, partial: &Markup) -> Page {
    let live = html! {
        div.head { h1 { "What do you need?" } span.small { (count(rows.len(), "template")) } }
        form.row.filter method="get" role="search" aria-label="Filter templates" {
            input type="search" name="q" value=(asked) aria-label="Name, owner or what you get" placeholder="Name, owner or what you get" autocomplete="off";
            button.button type="submit" { "Filter" }
        }
        (partial)
        @if rows.is_empty() { (empty(asked)) }
        section.tiles aria-label="Templates" {
            @for (row, used) in rows {
                a.card.tile href=(row.path()) {
                    span.row.apart { strong { (row.title) } @if row.mark().tone != Tone::Good { (tag(&row.mark())) } }
                    span.muted { (row.summary) }
                    span.small { @if !row.owner.is_empty() { "by " (owner(&row.owner)) " · " } (used) " in use" }
                }
            }
        }
    };
    Page::new("Create", Section::Create, live).watching("templates").watching("instances")
}

fn empty(asked: &str) -> Markup {
    html! {
        section.card { div.in.stack {
            @if asked.is_empty() {
                p { "There is no template yet. One file turns what you have into something that others can ask for:" }
                (command("windlass template check my-template.yaml"))
                (command("windlass apply -f my-template.yaml"))
            } @else {
                p.muted { "No template has this in its name, owner or description." }
                div.row { a.button href="/templates" { "Show all" } }
            }
        } }
    }
}

/// `group:platform` as `platform`.
pub(crate) fn owner(owner: &str) -> &str {
    owner.split_once(':').map_or(owner, |(_, name)| name)
}

/// One Revision of a Template.
pub(crate) struct Revision {
    /// Its name.
    pub(crate) name: String,
    /// Counts from 1.
    pub(crate) number: i64,
    /// When, RFC 3339.
    pub(crate) created: String,
}

/// What a Template's page shows.
pub(crate) struct Shown<'a> {
    /// As the list knows it.
    pub(crate) row: &'a TemplateRow,
    /// The object.
    pub(crate) template: &'a Template,
    /// Its revisions, newest first; or why they cannot be read.
    pub(crate) revisions: Result<Vec<Revision>, String>,
    /// How many instances it has.
    pub(crate) used: usize,
}

/// The page of one Template.
pub(crate) fn one(frame: &Frame, shown: &Shown<'_>) -> Page {
    let row = shown.row;
    let live = html! {
        div.head {
            div.stack.tight { h1 { (row.title) } @if !row.summary.is_empty() { p.muted { (row.summary) } } }
            div.row {
                (tag(&row.mark()))
                @if row.is_served { a.button.do href={ (row.path()) "/new" } { "Ask for one" } }
                @else { span.button.off aria-disabled="true" title="Its kind is not served yet" { "Ask for one" } }
            }
        }
        (problems(shown.template))
        div.columns {
            div.stack.loose {
                section.card aria-labelledby="docs" {
                    header { h2 #docs { "What you get and how it works" } }
                    div.in.prose {
                        @match shown.template.spec.docs.as_deref().filter(|docs| !docs.trim().is_empty()) {
                            Some(docs) => { (markdown::render(docs)) }
                            None => { p.muted { "Nobody has described it yet." } }
                        }
                    }
                }
                (size_table(shown.template))
            }
            aside.stack.loose { (facts(shown)) (revisions(frame, shown)) }
        }
    };
    let topic = format!("templates/{}", row.name);
    Page::new(row.title.clone(), Section::Create, live).below("Create", "/templates").watching(topic)
}

fn problems(template: &Template) -> Markup {
    let Some(status) = &template.status else { return html! {} };
    let wrong = status.conditions.iter().find(|condition| condition.type_ == "Ready" && !condition.is_true());
    html! {
        @if let Some(wrong) = wrong {
            (note(Tone::Bad, &wrong.message, &html! { @if row_still_serves(template) { span { "The last good revision goes on serving." } } }))
        }
        @if !status.diagnostics.is_empty() {
            section.card aria-label="Findings" {
                header { h2 { (count(status.diagnostics.len(), "finding")) } }
                ul.plain.in.stack {
                    @for finding in &status.diagnostics {
                        li {
                            (tag(&crate::model::tone::Mark::new(if finding.is_error() { Tone::Bad } else { Tone::Warning }, finding.code.clone())))
                            " " (words(&finding.message))
                            div.small { code { (finding.path) } @if let Some(line) = finding.line { " line " (line) } @else if let Some(character) = finding.column { ", character " (character) } @if let Some(hint) = &finding.hint { " · " (words(hint)) } }
                        }
                    }
                }
            }
        }
    }
}

fn row_still_serves(template: &Template) -> bool {
    template.status.as_ref().is_some_and(|status| status.revision.is_some() && status.kind.is_some())
}

fn size_table(template: &Template) -> Markup {
    let Some(sizes) = template.spec.sizes.as_ref().filter(|sizes| !sizes.values.is_empty()) else { return html! {} };
    let default = sizes.default.as_ref().or_else(|| sizes.values.keys().next());
    html! {
        section.card aria-labelledby="sizes" {
            header { h2 #sizes { "Sizes" } }
            table {
                thead { tr { th scope="col" { "Size" } th scope="col" { "Means" } th.num scope="col" { "Costs" } } }
                tbody {
                    @for card in sizes::cards(sizes) {
                        tr { td { strong { (card.name) } @if Some(&card.name) == default { " " span.small { "default" } } } td { (card.meaning) } td.num { (if card.price.is_empty() { "–" } else { &card.price }) } }
                    }
                }
            }
        }
    }
}

fn facts(shown: &Shown<'_>) -> Markup {
    let row = shown.row;
    let policy = shown.template.spec.policy.clone().unwrap_or_default();
    html! {
        section.card aria-labelledby="facts" {
            header { h2 #facts { "At a glance" } }
            div.in { dl.facts {
                dt { "Owner" } dd { (if row.owner.is_empty() { "nobody named" } else { owner(&row.owner) }) }
                @if let Some(kind) = &row.kind {
                    dt { "Kind" } dd { code { (kind.kind) } div.small { code { (kind.api_version()) } } }
                    dt { "In use" } dd { a href={ "/instances?kind=" (crate::model::query::escape(&kind.kind)) } { (count(shown.used, "instance")) } }
                }
                dt { "Revision" } dd { (if row.revision.is_empty() { "none yet" } else { &row.revision }) }
                dt { "Approval" } dd { (match policy.approval.unwrap_or_default() {
                    Approval::Never => "changes run at once",
                    Approval::Destructive => "a plan that deletes or replaces waits for a person",
                    Approval::Always => "every plan waits for a person",
                }) }
                dt { "Drift" } dd { (match policy.drift.unwrap_or_default() {
                    DriftPolicy::Correct => "put back",
                    DriftPolicy::Report => "said, left as it is",
                    DriftPolicy::Ignore => "ignored",
                }) }
                dt { "On delete" } dd { (match policy.deletion_policy.unwrap_or_default() {
                    DeletionPolicy::Delete => "what was made is deleted",
                    DeletionPolicy::Orphan => "what was made stays, without an owner",
                }) }
                dt { "Made of" } dd { (count(shown.template.spec.resources.len(), "node")) }
            } }
        }
    }
}

fn revisions(frame: &Frame, shown: &Shown<'_>) -> Markup {
    html! {
        section.card aria-labelledby="revisions" {
            header { h2 #revisions { "Revisions" } }
            @match &shown.revisions {
                Err(why) => div.in { p.small { "They cannot be read now: " (why) } },
                Ok(list) if list.is_empty() => div.in { p.muted { "None accepted yet." } },
                Ok(list) => ol.steps {
                    @for revision in list.iter().take(10) {
                        li { span { (revision.number) @if revision.name == shown.row.revision { " " span.small { "serves" } } } code.small { (revision.name) } span.small { (ago(frame.now, &revision.created)) } }
                    }
                }
            }
        }
    }
}
