//! An instance: why it is not ready, what belongs to it, what happened, what can be done.

use crate::model::commands::{self, quote};
use crate::model::query::escape;
use crate::model::rows::{InstanceRow, RunRow, TemplateRow};
use crate::model::tone::{Mark, Tone};
use crate::views::layout::{Frame, Page, Section};
use crate::views::parts::{ago, button, command, icon, note, outside, tag, words};
use crate::views::runs;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;
use windlass_api::instance::InstanceStatus;
use windlass_api::inventory::{Entry, EntryState};
use windlass_api::run::{Mode, Run, State, Step, StepState};

/// One Kubernetes Event.
pub(crate) struct EventRow {
    /// Whether it is a warning.
    pub(crate) is_warning: bool,
    /// Its reason.
    pub(crate) reason: String,
    /// Its message.
    pub(crate) message: String,
    /// When it was last seen, RFC 3339.
    pub(crate) last: String,
    /// How often.
    pub(crate) count: i64,
}

/// What an instance's page shows.
pub(crate) struct Shown<'a> {
    /// As lists know it.
    pub(crate) row: &'a InstanceRow,
    /// The object, without what only the server needs.
    pub(crate) object: &'a Value,
    /// Its status.
    pub(crate) status: &'a InstanceStatus,
    /// What exists because of it, or why that cannot be read.
    pub(crate) entries: &'a Result<Vec<Entry>, String>,
    /// Its newest Run.
    pub(crate) run: Option<&'a Run>,
    /// Its Runs, newest first.
    pub(crate) runs: &'a [Arc<RunRow>],
    /// Its Events, newest first, or why they cannot be read.
    pub(crate) events: &'a Result<Vec<EventRow>, String>,
    /// The Template that publishes its kind.
    pub(crate) template: Option<&'a TemplateRow>,
    /// Which tab is open.
    pub(crate) tab: Tab,
}

/// Tabs of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Nodes and their parts.
    Resources,
    /// Its Runs.
    Runs,
    /// Conditions and Events.
    Events,
    /// The object.
    Yaml,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Resources, Self::Runs, Self::Events, Self::Yaml];

    fn name(self) -> &'static str {
        match self {
            Self::Resources => "",
            Self::Runs => "runs",
            Self::Events => "events",
            Self::Yaml => "yaml",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Resources => "Resources",
            Self::Runs => "Runs",
            Self::Events => "Conditions and events",
            Self::Yaml => "YAML",
        }
    }

    /// Reads a name; anything else is the first.
    pub(crate) fn read(name: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|tab| Some(tab.name()) == name).unwrap_or(Self::Resources)
    }
}

/// The page.
pub(crate) fn page(frame: &Frame, shown: &Shown<'_>) -> Page {
    let row = shown.row;
    let live = html! {
        (head(frame, shown))
        (sentence(frame, shown))
        nav.tabs aria-label="Sections" {
            @for tab in Tab::ALL {
                a href={ (row.path()) @if !tab.name().is_empty() { "?tab=" (tab.name()) } } aria-current=[(tab == shown.tab).then_some("page")] {
                    (tab.title()) @if tab == Tab::Runs && !shown.runs.is_empty() { " " span.count { (shown.runs.len()) } }
                }
            }
        }
        @match shown.tab {
            Tab::Resources => div.columns { (resources(frame, shown)) aside.stack.loose { (glance(frame, shown)) (changes(frame, shown)) } },
            Tab::Runs => (history(frame, shown)),
            Tab::Events => { (conditions(frame, shown)) (events(frame, shown)) }
            Tab::Yaml => section.card aria-label="YAML" { header { h2 { "The object" } button.button.plain.copy type="button" data-copy=(commands::yaml(shown.object)) hidden { "Copy" } } pre tabindex="0" aria-label="The object as YAML" { (commands::yaml(shown.object)) } },
        }
    };
    let mut page = Page::new(row.name.clone(), Section::Instances, live)
        .below("Instances", "/instances")
        .below(row.key.1.clone(), format!("/instances?kind={}", escape(&row.key.1)))
        .watching(row.topic())
        .watching(row.topic().replacen("instances/", "runs-of/", 1));
    page.say = format!("{}: {}. {}", row.name, row.mark().word, row.why);
    page.is_moving = matches!(row.state.as_str(), "" | "Pending" | "Progressing" | "Deleting");
    page
}

fn head(frame: &Frame, shown: &Shown<'_>) -> Markup {
    let row = shown.row;
    let is_deleting = row.state == "Deleting";
    html! {
        div.head {
            div.stack.tight {
                h1 { (row.name) }
                span.small {
                    (row.key.1) @if !row.namespace.is_empty() { " · " (row.namespace) }
                    @if let Some(template) = shown.template { " · from " a.quiet href=(template.path()) { (template.title) } @if !template.owner.is_empty() { " by " (super::templates::owner(&template.owner)) } }
                    @if !row.url.is_empty() { " · " (outside(&row.url)) }
                }
            }
            div.row {
                (tag(&row.mark()))
                @if row.drift.is_some() { (tag(&Mark::new(Tone::Warning, "Drift"))) }
                @if !is_deleting {
                    a.button href={ (row.path()) "/edit" } { "Change" }
                    (button(frame, &format!("{}/delete", row.path()), "danger", "Delete…", &[]))
                }
            }
        }
    }
}

/// Why it is not ready, what waits, and what helps.
fn sentence(frame: &Frame, shown: &Shown<'_>) -> Markup {
    let row = shown.row;
    let since = html! { @if !row.since.is_empty() { span.small { "Since " (ago(frame.now, &row.since)) } } };
    html! {
        @if let Some(blocked) = &row.deletion_blocked {
            (note(Tone::Bad, blocked, &html! { (since) }))
        } @else if row.state == "Ready" {
            @if !row.url.is_empty() { (note(Tone::Good, "Ready.", &html! { span { "It answers at " (outside(&row.url)) @if let Some(address) = &shown.status.address { ", for programs at " code { (address) } } "." } })) }
        } @else {
            (not_ready(frame, shown, &since))
        }
        @if let Some(drift) = &row.drift { (note(Tone::Warning, drift, &html! {})) }
    }
}

fn not_ready(frame: &Frame, shown: &Shown<'_>, since: &Markup) -> Markup {
    let row = shown.row;
    let headline = match row.why.as_str() {
        "" if row.state.is_empty() => "Nobody has looked at it yet.",
        "" => "It is not ready.",
        why => why,
    };
    let waits = &shown.status.waiting_on;
    let says_more = waits.len() > 1 || waits.first().is_some_and(|waits| !row.why.contains(&waits.message));
    let open = shown.runs.iter().find(|run| run.mode == Mode::Execute && !run.state.is_finished());
    let failed = shown.runs.first().filter(|run| run.state == State::Failed);
    note(
        row.mark().tone,
        headline,
        &html! {
            @if says_more {
                ul.plain.stack.tight { @for waits in waits { li { strong { (waits.node) } ": " (words(&waits.message)) " " span.small { (ago(frame.now, &waits.since)) } } } }
            }
            @if !says_more { (since) }
            div.row {
                @if let Some(run) = open {
                    @if run.state == State::AwaitingApproval { a.button.do href=(run.path()) { "Review the plan" } } @else { a.button href=(run.path()) { "Follow the run" } }
                }
                @if let Some(run) = failed {
                    a.button.do href=(run.path()) { "See why the run failed" }
                    (button(frame, &format!("{}/retry", row.path()), "", "Try again now", &[]))
                }
            }
            (command(&format!("windlass describe {}/{}{}", row.key.1.to_lowercase(), quote(&row.name), if row.namespace.is_empty() { String::new() } else { format!(" -n {}", quote(&row.namespace)) })))
        },
    )
}

fn resources(frame: &Frame, shown: &Shown<'_>) -> Markup {
    let nodes = nodes(shown);
    let home = if shown.row.namespace.is_empty() { windlass_api::names::SYSTEM_NAMESPACE } else { &shown.row.namespace };
    let run = if shown.row.last_run.is_empty() { String::new() } else { crate::model::rows::run_path(home, &shown.row.last_run) };
    html! {
        section.card aria-labelledby="resources" {
            header { h2 #resources { "What belongs to it" } }
            @if let Err(why) = shown.entries { div.in { (note(Tone::Warning, "The inventory cannot be read now.", &html! { span.small { (why) } })) } }
            @if nodes.is_empty() && shown.entries.is_ok() { div.in { p.muted { "Nothing exists because of it yet." } } }
            @if !nodes.is_empty() {
                table.tree {
                    thead { tr { th scope="col" { "Resource" } th scope="col" { "State" } th.wide scope="col" { "Where" } } }
                    tbody { @for node in &nodes { (node_rows(frame, &run, node)) } }
                }
            }
        }
    }
}

/// A node with what is known of it.
struct Node<'a> {
    key: &'a str,
    step: Option<&'a Step>,
    waits: Option<&'a windlass_api::instance::WaitingOn>,
    entries: Vec<&'a Entry>,
}

fn nodes<'a>(shown: &'a Shown<'_>) -> Vec<Node<'a>> {
    let steps = shown.run.and_then(|run| run.status.as_ref()).map(|status| status.steps.as_slice()).unwrap_or_default();
    let entries: Vec<&Entry> =
        shown.entries.as_ref().map(|entries| entries.iter().filter(|entry| entry.state != EntryState::Gone).collect()).unwrap_or_default();
    let mut keys: Vec<&str> = Vec::new();
    let named = steps.iter().map(|step| step.key.as_str());
    for key in
        named.chain(entries.iter().map(|entry| entry.node.as_str())).chain(shown.status.waiting_on.iter().map(|waits| waits.node.as_str()))
    {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.into_iter()
        .map(|key| Node {
            key,
            step: steps.iter().find(|step| step.key == key),
            waits: shown.status.waiting_on.iter().find(|waits| waits.node == key),
            entries: entries.iter().copied().filter(|entry| entry.node == key).collect(),
        })
        .collect()
}

fn node_mark(node: &Node<'_>) -> Mark {
    let all = node.step.map(|step| step.parts.len()).unwrap_or_default();
    let ready = node.step.map(|step| step.parts.iter().filter(|part| part.ready).count()).unwrap_or_default();
    if node.entries.iter().any(|entry| entry.state == EntryState::Unknown) {
        return Mark::new(Tone::Warning, "Cannot be told");
    }
    match (node.waits, node.step.map(|step| step.state)) {
        (_, Some(StepState::Failed)) => Mark::new(Tone::Bad, "Failed"),
        (_, Some(StepState::Skipped)) if node.entries.is_empty() => Mark::new(Tone::Quiet, "Skipped"),
        (_, Some(StepState::Running)) => Mark::new(Tone::Going, "Under way"),
        (Some(_), _) | (_, Some(StepState::Waiting)) if all > 0 => Mark::new(Tone::Waits, format!("{ready} of {all} ready")),
        (Some(_), _) | (_, Some(StepState::Waiting)) => Mark::new(Tone::Waits, "Waits"),
        _ if node.entries.is_empty() => Mark::new(Tone::Quiet, "Not there"),
        _ if all > 0 && ready < all => Mark::new(Tone::Bad, format!("{ready} of {all} ready")),
        _ => Mark::new(Tone::Good, "Ready"),
    }
}

fn node_rows(frame: &Frame, run: &str, node: &Node<'_>) -> Markup {
    let first = node.entries.first();
    let block = first.and_then(|entry| entry.block).or_else(|| node.step.and_then(|step| step.block));
    let target = first.map(|entry| entry.target.as_str()).or_else(|| node.step.map(|step| step.target.as_str())).unwrap_or("–");
    html! {
        tr {
            td { strong { (node.key) } " " span.small { (block.map(windlass_api::plan::Block::name).unwrap_or_default()) } }
            td { (tag(&node_mark(node))) @if let Some(waits) = node.waits { div.small { (words(&waits.message)) " (" (ago(frame.now, &waits.since)) ")" } } }
            td.wide { (target) }
        }
        @for entry in &node.entries { (entry_row(frame, run, node, entry)) }
    }
}

fn entry_row(frame: &Frame, run: &str, node: &Node<'_>, entry: &Entry) -> Markup {
    let part = node.step.and_then(|step| step.parts.iter().find(|part| part.key == entry.key));
    let mark = match (entry.state, part) {
        (EntryState::Present, Some(part)) if part.ready => Mark::new(Tone::Good, "Ready"),
        (EntryState::Present, Some(part)) => Mark::new(Tone::Warning, part.reason.clone()),
        (EntryState::Present, None) => Mark::new(Tone::Good, "There"),
        (EntryState::Planned, _) => Mark::new(Tone::Quiet, "Planned"),
        (EntryState::Started, _) => Mark::new(Tone::Going, "Begun"),
        (EntryState::Unknown, _) => Mark::new(Tone::Warning, "Cannot be told"),
        (EntryState::Gone, _) => Mark::new(Tone::Quiet, "Gone"),
    };
    html! {
        tr.below {
            td { span.branch aria-hidden="true" { "└ " } span.sr { "belongs to " (node.key) ": " } (entry_name(entry)) @if entry.adopted { " " span.small { "adopted" } } }
            td {
                (tag(&mark))
                @if let Some(part) = part {
                    @if !part.facts.is_empty() { div.small { (super::run::facts_of(part)) } }
                    @if !part.message.is_empty() && !part.ready { div.small { (words(&part.message)) } }
                }
                @if entry.state == EntryState::Unknown && !run.is_empty() { (super::run::resolve(frame, run, &entry.key, &entry.identity.to_string())) }
                @if let Some(message) = &entry.message { div.small { (words(message)) } }
            }
            td.wide { (entry.identity.namespace.as_deref().unwrap_or("–")) }
        }
    }
}

/// An object is known by its kind and name; what only we know, such as a replica, by the name that it has here.
fn entry_name(entry: &Entry) -> Markup {
    let identity = &entry.identity;
    html! {
        @if identity.api_version.is_some() { span.word { (identity.kind) } " " code { (identity.name) } }
        @else { span title=(identity.name) { (super::run::part_name(&entry.key)) } " " span.small { (identity.kind.to_lowercase()) } }
    }
}

fn glance(frame: &Frame, shown: &Shown<'_>) -> Markup {
    let row = shown.row;
    let own: Vec<(&String, &Value)> = shown
        .object
        .get("spec")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .take(8)
        .collect();
    html! {
        section.card aria-labelledby="glance" {
            header { h2 #glance { "At a glance" } }
            div.in { dl.facts {
                @for (key, value) in own { dt { (crate::model::form::title(key)) } dd { (value.as_str().map_or_else(|| value.to_string(), str::to_owned)) } }
                @if !row.url.is_empty() { dt { "Address" } dd { (outside(&row.url)) } }
                @if let Some(address) = &shown.status.address { dt { "For programs" } dd { code { (address) } } }
                @if let Some(summary) = &shown.status.inventory { dt { "Made" } dd { (summary.present) " effects" @if summary.unknown > 0 { ", " (summary.unknown) " cannot be told" } } }
                @if let Some(revision) = &shown.status.revision { dt { "Revision" } dd { code { (revision) } } }
                dt { "Created" } dd { (ago(frame.now, &row.created)) }
            } }
        }
    }
}

fn changes(frame: &Frame, shown: &Shown<'_>) -> Markup {
    let runs: Vec<&Arc<RunRow>> = shown.runs.iter().filter(|run| run.mode == Mode::Execute).take(5).collect();
    html! {
        section.card aria-labelledby="changes" {
            header { h2 #changes { "What changed" } @if !runs.is_empty() { a href={ (shown.row.path()) "?tab=runs" } { "All" } } }
            @if runs.is_empty() { div.in { p.muted { "No run is kept." } } }
            ol.steps {
                @for run in runs {
                    @let (class, sign) = crate::views::parts::tone(run.mark().tone);
                    li { span class={ "state " (class) } { (icon(sign)) } span { a.quiet href=(run.path()) { (run.phrase()) } div.small { (run.mark().word) @if !run.by.is_empty() { " · " (run.by) } } } span.small { (ago(frame.now, &run.created)) } }
                }
            }
        }
    }
}

fn history(frame: &Frame, shown: &Shown<'_>) -> Markup {
    let runs: Vec<Arc<RunRow>> = shown.runs.iter().filter(|run| run.mode == Mode::Execute).cloned().collect();
    let earlier: Vec<&Arc<RunRow>> =
        runs.iter().filter(|run| run.state == State::Succeeded && run.cause != windlass_api::run::Cause::Delete).skip(1).take(9).collect();
    html! {
        section.card aria-label="Runs" {
            @if runs.is_empty() { div.in { p.muted { "No run is kept." } } } @else { (runs::table(frame, &runs, runs::Detail::Own)) }
        }
        @if !earlier.is_empty() && shown.row.state != "Deleting" {
            section.card aria-labelledby="earlier" {
                header { h2 #earlier { "Back to an earlier state" } }
                div.in.stack {
                    p.small { "Restores the values of that run and shows the plan first. What people or programs stored meanwhile is not restored." }
                    @for run in earlier {
                        div.row.apart { span { (run.phrase()) " " span.small { (ago(frame.now, &run.created)) } } (button(frame, &format!("{}/restore", shown.row.path()), "", "Plan going back", &[("run", &run.name)])) }
                    }
                    (command(&format!("windlass rollback {}/{} -n {}", shown.row.key.1.to_lowercase(), quote(&shown.row.name), quote(&shown.row.namespace))))
                }
            }
        }
    }
}

fn conditions(frame: &Frame, shown: &Shown<'_>) -> Markup {
    html! {
        section.card aria-labelledby="conditions" {
            header { h2 #conditions { "Conditions" } }
            @if shown.status.conditions.is_empty() { div.in { p.muted { "None yet." } } } @else {
                table.list {
                    thead { tr { th scope="col" { "Condition" } th scope="col" { "Status" } th.num scope="col" { "Since" } } }
                    tbody { @for condition in &shown.status.conditions {
                        tr { td.main { strong { (condition.type_) } " " span.small { (condition.reason) } div.small { (words(&condition.message)) } } td { (condition.status) } td.num { (ago(frame.now, &condition.last_transition_time)) } }
                    } }
                }
            }
        }
    }
}

fn events(frame: &Frame, shown: &Shown<'_>) -> Markup {
    html! {
        section.card aria-labelledby="events" {
            header { h2 #events { "Events" } }
            @match shown.events {
                Err(why) => div.in { (note(Tone::Warning, "Events cannot be read now.", &html! { span.small { (why) } })) },
                Ok(events) if events.is_empty() => div.in { p.muted { "None in the last hour." } },
                Ok(events) => table.list {
                    thead { tr { th scope="col" { "Event" } th scope="col" { "Type" } th.num scope="col" { "Last" } } }
                    tbody { @for event in events {
                        tr { td.main { strong { (event.reason) } @if event.count > 1 { " " span.small { (event.count) " times" } } div.small { (words(&event.message)) } } td { (tag(&Mark::new(if event.is_warning { Tone::Warning } else { Tone::Quiet }, if event.is_warning { "Warning" } else { "Normal" }))) } td.num { (ago(frame.now, &event.last)) } }
                    } }
                }
            }
        }
    }
}

/// The page of an instance that is gone, with what is known of its end.
pub(crate) fn gone(frame: &Frame, kind: &str, namespace: &str, name: &str, past: &[Arc<RunRow>], topic: &str) -> Page {
    let live = html! {
        div.head { h1 { (name) } (tag(&Mark::new(Tone::Quiet, "Gone"))) }
        (note(Tone::Quiet, &format!("There is no {kind} `{name}`{}.", if namespace.is_empty() { String::new() } else { format!(" in `{namespace}`") }), &html! {
            @if past.is_empty() { span { "It may have been deleted, or its name is spelled differently." } } @else { span { "It was deleted. Its last runs are kept." } }
        }))
        @if !past.is_empty() { section.card { header { h2 { "Its last runs" } } (runs::table(frame, past, runs::Detail::Own)) } }
        div.row { a.button href="/instances" { "All instances" } a.button.do href="/templates" { "Create" } }
    };
    Page::new(name, Section::Instances, live).below("Instances", "/instances").watching(topic).watching(topic.replacen(
        "instances/",
        "runs-of/",
        1,
    ))
}
