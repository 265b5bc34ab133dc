//! A Run: a preview with its button, a plan that waits for approval, or steps as they happen; a failed one explains itself.

use crate::model::commands::quote;
use crate::model::rows::{self, RunRow};
use crate::model::tone::{self, Tone};
use crate::views::layout::{Frame, Page, Section};
use crate::views::parts::{ago, button, command, harmless, icon, note, tag, took, words};
use crate::views::plan;
use maud::{Markup, html};
use windlass_api::plan::{InstanceReference, Plan};
use windlass_api::run::{Decision, Mode, Run, RunStatus, State, Step, StepState, Verdict};

/// Output of one node.
pub(crate) struct Log {
    /// Node key.
    pub(crate) node: String,
    /// Newest lines, or why there are none.
    pub(crate) lines: Result<Vec<crate::logs::LogLine>, String>,
}

/// What a Run's page shows.
pub(crate) struct Shown<'a> {
    /// As lists know it.
    pub(crate) row: &'a RunRow,
    /// The object.
    pub(crate) run: &'a Run,
    /// Its plan.
    pub(crate) plan: Option<&'a Plan>,
    /// Whether a preview still fits: set where the instance was changed since.
    pub(crate) is_stale: bool,
    /// Whether the instance exists.
    pub(crate) exists: bool,
    /// Address of the form with a preview's values.
    pub(crate) back: &'a str,
    /// Whether a deletion takes away more than what this instance made for itself: its name must be typed.
    pub(crate) is_wide: bool,
    /// Output of its workloads.
    pub(crate) logs: &'a [Log],
}

/// The page.
pub(crate) fn page(frame: &Frame, shown: &Shown<'_>) -> Page {
    let row = shown.row;
    let is_preview = row.mode == Mode::Plan;
    let status = shown.run.status.clone().unwrap_or_default();
    let live = html! {
        (head(frame, shown))
        @if is_preview {
            (preview(frame, shown, &status))
        } @else {
            @if row.state == State::AwaitingApproval {
                // What is lost says more than that it waits, which stands beside the title.
                @if !shown.plan.is_some_and(Plan::is_destructive) { (sentence(frame, shown, &status)) }
                (shown.plan.map(plan::letter).unwrap_or_default())
                (facts(frame, shown, &status))
                (approval(frame, shown, &status))
            } @else {
                (sentence(frame, shown, &status))
                (steps(frame, &row.path(), &status.steps))
                @if let Some(plan) = shown.plan { details #plan .card { summary { span {} span { "The plan" } span.small { (row.planned) } } div.in.stack.loose { (plan::letter(plan)) } } }
                (facts(frame, shown, &status))
            }
        }
    };
    let title = format!("{}: {}", row.instance.name, row.phrase());
    let section = match (is_preview, shown.exists) {
        (false, _) => Section::Runs,
        (true, true) => Section::Instances,
        (true, false) => Section::Create,
    };
    let mut page = Page::new(title, section, live);
    if is_preview && !shown.exists {
        page = page.below("Create", "/templates");
    } else {
        page = page.below("Instances", "/instances").below(row.instance.name.clone(), rows::reference_path(&row.instance));
    }
    page = page.watching(format!("runs/{}/{}", row.namespace, row.name));
    page.say = format!("{}: {}. {}", row.phrase(), row.mark().word, status.message);
    page.is_moving = !row.state.is_finished() && row.state != State::AwaitingApproval && !(is_preview && row.has_plan);
    page.still = logs(shown);
    page
}

fn head(frame: &Frame, shown: &Shown<'_>) -> Markup {
    let row = shown.row;
    let is_preview = row.mode == Mode::Plan;
    html! {
        div.head {
            div.stack.tight {
                h1 { (row.instance.name) ": " (row.phrase()) }
                span.small {
                    @if is_preview { "The plan for " }
                    a.quiet href=(rows::reference_path(&row.instance)) { (row.instance) }
                    @if !row.by.is_empty() { " · asked by " (row.by) }
                    " · " (ago(frame.now, &row.created))
                    @if !is_preview && row.started.is_some() { " · " (if row.finished.is_some() { "took" } else { "for" }) " " (took(row.started.as_deref(), row.finished.as_deref(), frame.now)) }
                }
            }
            div.row {
                @if !is_preview { (tag(&row.mark())) }
                @if row.is_request { (tag(&row.mark())) }
                @else if is_preview { span.tag.quiet { @if shown.run.spec.deletes { "Nothing is deleted yet" } @else { "Nothing is made yet" } } }
                @if !row.state.is_finished() && !is_preview && row.state != State::AwaitingApproval {
                    (button(frame, &format!("{}/cancel", row.path()), "", "Stop after this step", &[]))
                }
            }
        }
    }
}

fn preview(frame: &Frame, shown: &Shown<'_>, status: &RunStatus) -> Markup {
    let Some(plan) = shown.plan else {
        let failed = shown.row.state == State::Failed;
        return html! {
            @if failed {
                (note(Tone::Bad, if status.message.is_empty() { "No plan could be made." } else { &status.message }, &html! {
                    span { "Nothing was changed. Correct the value and try again." }
                }))
                div.row { a.button.do href=(shown.back) { "Back to the form" } }
            } @else {
                (note(Tone::Going, "The plan is being made.", &html! { span.small { "It appears here by itself." } }))
            }
        };
    };
    html! {
        @if shown.is_stale {
            (note(Tone::Warning, "It was changed since this plan was made.", &html! { span { "Make a new plan from its present state." } div.row { a.button href=(shown.back) { "Plan again" } } }))
        }
        @if let Some(decision) = approval_of(shown) {
            (note(if decision.verdict == Verdict::Approved { Tone::Good } else { Tone::Bad }, &format!("The plan was {decision}."), &html! {}))
        }
        (plan::letter(plan))
        @if shown.row.state == State::AwaitingApproval && !shown.is_stale { (approval(frame, shown, status)) }
        @else { (preview_bar(frame, shown, status, plan)) }
    }
}

/// What was decided about a deletion that must be approved.
fn approval_of<'a>(shown: &Shown<'a>) -> Option<&'a Decision> {
    shown.run.spec.decision.as_ref().filter(|_| shown.row.is_request && shown.row.state.is_finished())
}

fn preview_bar(frame: &Frame, shown: &Shown<'_>, status: &RunStatus, plan: &Plan) -> Markup {
    let row = shown.row;
    let deletes = shown.run.spec.deletes;
    let name = &row.instance.name;
    let made = row.state.is_finished() && row.state != State::Succeeded;
    html! {
        form.bar method="post" action={ (row.path()) "/make" } {
            (crate::views::parts::token(frame))
            input type="hidden" name="hash" value=(status.plan_hash);
            span.small {
                @if deletes { "This deletes " strong { (row.instance) } " and everything listed above. It cannot be taken back." }
                @else if !plan.has_changes() && shown.exists { "This writes the values; nothing outside changes." }
                @else if shown.exists { "This changes " strong { (row.instance) } " exactly as above. If the world changes first, you are asked again." }
                @else { "This makes " strong { (row.instance) } " exactly as above. If the world changes first, you are asked again." }
            }
            @if shown.is_wide {
                label.row { span.small { "Type " code { (name) } " to confirm" } input type="text" name="confirm" autocomplete="off" required; }
            }
            span.row {
                @if !deletes { a.button href=(shown.back) { "Back to the form" } } @else { a.button href=(rows::reference_path(&row.instance)) { "Keep it" } }
                @if shown.is_stale || made { button.button.do type="submit" disabled { "Plan again first" } }
                @else if deletes { button.button.danger type="submit" { "Delete " (name) } }
                @else if shown.exists { button.button.do type="submit" { "Change it" } }
                @else { button.button.do type="submit" { "Make it" } }
            }
        }
    }
}

fn approval(frame: &Frame, shown: &Shown<'_>, status: &RunStatus) -> Markup {
    html! {
        form.bar method="post" action={ (shown.row.path()) "/decide" } {
            (crate::views::parts::token(frame))
            input type="hidden" name="hash" value=(status.plan_hash);
            span.small {
                @if shown.row.is_request { "Approving lets " strong { (shown.row.instance) } " be deleted within the hour, with exactly what is listed above. If the world changes first, you are asked again." }
                @else { "Approving runs exactly this plan, at once. Nothing beyond it is done; if the world changes first, you are asked again." }
            }
            span.row {
                input type="text" name="reason" aria-label="Why (optional)" placeholder="Why (optional)" autocomplete="off";
                button.button.danger type="submit" name="verdict" value="Rejected" { "Reject" }
                button.button.do type="submit" name="verdict" value="Approved" { @if shown.row.is_request { "Approve the deletion" } @else { "Approve and run" } }
            }
        }
    }
}

/// What it does, what it waits for, or why it failed, with what helps.
fn sentence(frame: &Frame, shown: &Shown<'_>, status: &RunStatus) -> Markup {
    let row = shown.row;
    let feeling = row.mark().tone;
    let said = |fallback: &str| if status.message.is_empty() { fallback.to_owned() } else { status.message.clone() };
    match row.state {
        State::Failed => failed(frame, shown, status),
        State::Running => note(
            feeling,
            &said("It runs."),
            &html! { span.small { (status.steps.iter().filter(|step| step.state == StepState::Succeeded).count()) " of " (status.steps.len()) " steps done" } },
        ),
        State::Waiting => {
            note(feeling, &said("It waits for the outside."), &html! { span.small { "It holds nothing up and goes on by itself." } })
        }
        State::AwaitingApproval => note(Tone::Waits, &said("It waits for a person's approval."), &html! {}),
        State::Pending => note(feeling, &said("It begins in a moment."), &html! {}),
        State::Succeeded => note(
            feeling,
            &said("Done."),
            &html! { div.row { a.button href=(rows::reference_path(&row.instance)) { "See " (row.instance.name) } } },
        ),
        State::Superseded | State::Rejected | State::Cancelled => note(feeling, &said(&row.mark().word), &html! {}),
    }
}

fn failed(frame: &Frame, shown: &Shown<'_>, status: &RunStatus) -> Markup {
    let row = shown.row;
    let step = status.steps.iter().find(|step| matches!(step.state, StepState::Failed | StepState::Unknown));
    let headline = match step {
        Some(step) if !step.message.is_empty() => format!("`{}` failed: {}", step.key, step.message),
        Some(step) => format!("`{}` failed.", step.key),
        None if status.message.is_empty() => "It failed.".to_owned(),
        None => status.message.clone(),
    };
    let line = shown.logs.iter().filter(|log| step.is_none_or(|step| step.key == log.node)).find_map(error_line);
    let instance = rows::reference_path(&row.instance);
    let place = format!("-n {}", quote(&row.namespace));
    note(
        Tone::Bad,
        &headline,
        &html! {
            @if !status.message.is_empty() && status.message != headline { p { (words(&status.message)) } }
            @if let Some(line) = line { p { "First error in its output: " code { (line) } } }
            @if let Some(at) = &status.retry_at {
                @let is_due = at.parse::<jiff::Timestamp>().is_ok_and(|at| at <= frame.now);
                p { "It is tried again " @if is_due { "in a moment" } @else { (ago(frame.now, at)) } " (attempt " (status.attempt + 1) ")." }
            }
            div.row {
                (button(frame, &format!("{}/retry", row.path()), "do", "Try again now", &[]))
                @if shown.exists { a.button href={ (instance) "/edit" } { "Change values" } a.button href=(instance) { "See " (row.instance.name) } }
            }
            (command(&format!("windlass run retry {} {place}", quote(&row.name))))
            (command(&format!("windlass run logs -f {} {place}", quote(&row.name))))
        },
    )
}

/// The first line that looks like an error, else the last one.
fn error_line(log: &Log) -> Option<String> {
    let lines = log.lines.as_ref().ok()?;
    let looks =
        |text: &str| ["error", "panic", "fatal", "exception", "cannot", "refused"].iter().any(|word| text.to_lowercase().contains(word));
    let line = lines.iter().find(|line| looks(&line.text)).or_else(|| lines.last())?;
    Some(harmless(&line.text).chars().take(300).collect())
}

fn steps(frame: &Frame, path: &str, steps: &[Step]) -> Markup {
    html! {
        @if !steps.is_empty() {
            section.card aria-labelledby="steps" {
                header { h2 #steps { "Steps" } }
                ol.steps { @for step in steps { (one_step(frame, path, step)) } }
            }
        }
    }
}

fn one_step(frame: &Frame, path: &str, step: &Step) -> Markup {
    let mark = tone::of_step(step.state);
    let (class, sign) = crate::views::parts::tone(mark.tone);
    let is_current = matches!(step.state, StepState::Running | StepState::Failed);
    html! {
        li aria-current=[is_current.then_some("step")] {
            span class={ "state " (class) } { (icon(sign)) }
            div.stack.tight {
                span { strong { (step.key) } " " span.word { (mark.word) } " " span.small { (step.action.word()) @if let Some(block) = step.block { " · " (block.name()) } @if !step.target.is_empty() { " · on " (step.target) } } }
                @if !step.message.is_empty() { span.small { (words(&step.message)) } }
                @if !step.parts.is_empty() { (parts(&step.parts)) }
                @for effect in step.effects.iter().filter(|effect| effect.outcome == "Unknown") { (resolve(frame, path, &effect.key, &effect.identity.to_string())) }
                @if !step.effects.is_empty() {
                    details id={ "effects-" (step.key) } { summary.small { span {} span { (step.effects.len()) " effects" } span {} }
                        ul.plain.in.stack.tight { @for effect in &step.effects { li.small { (effect.action.word()) " " (effect.identity) @if !effect.outcome.is_empty() { " · " (effect.outcome) } } } }
                    }
                }
            }
            span.small.num { (took(step.started_at.as_deref(), step.finished_at.as_deref(), frame.now)) }
        }
    }
}

/// An effect of which it cannot be told whether it happened: a person looks and says.
pub(crate) fn resolve(frame: &Frame, path: &str, key: &str, what: &str) -> Markup {
    let action = format!("{path}/resolve");
    html! {
        div.row {
            span.small { "Look whether " (what) " is there:" }
            (button(frame, &action, "", "It is there", &[("key", key), ("verdict", "Done")]))
            (button(frame, &action, "", "It is not; do it again", &[("key", key), ("verdict", "Retry")]))
        }
    }
}

/// Parts of a node, such as replicas.
pub(crate) fn parts(parts: &[windlass_api::driver::PartHealth]) -> Markup {
    html! {
        ul.plain.stack.tight {
            @for part in parts {
                li.small {
                    (tag(&tone::Mark::new(if part.ready { Tone::Good } else { Tone::Warning }, if part.ready { "Ready" } else { &part.reason })))
                    " " strong { (part_name(&part.key)) } " "
                    (facts_of(part)) " "
                    @if !part.message.is_empty() { (words(&part.message)) }
                }
            }
        }
    }
}

/// What is known of a part: numbers in one line, sentences after them, one that is true of several things said once.
pub(crate) fn facts_of(part: &windlass_api::driver::PartHealth) -> Markup {
    let (sentences, numbers): (Vec<_>, Vec<_>) = part.facts.iter().partition(|(_, value)| value.contains(' '));
    let numbers: Vec<String> = numbers.into_iter().map(|(key, value)| format!("{key} {value}")).collect();
    let mut said: Vec<(String, &str)> = Vec::new();
    for (key, value) in sentences {
        match said.iter_mut().find(|(_, sentence)| sentence == value) {
            Some((keys, _)) => *keys = format!("{keys}, {key}"),
            None => said.push((key.clone(), value)),
        }
    }
    html! {
        (numbers.join(" · "))
        @for (keys, sentence) in said { div { (keys) " " (words(sentence)) } }
    }
}

/// `app/replica-0` as `replica 0`.
pub(crate) fn part_name(key: &str) -> String {
    key.rsplit('/').next().unwrap_or(key).replace('-', " ")
}

fn facts(frame: &Frame, shown: &Shown<'_>, status: &RunStatus) -> Markup {
    let (row, spec) = (shown.row, &shown.run.spec);
    html! {
        section.card aria-labelledby="facts" {
            header { h2 #facts { "About this run" } }
            div.in { dl.facts {
                dt { "Cause" } dd { (row.phrase()) }
                dt { "Asked by" } dd { (if row.by.is_empty() { "unknown" } else { &row.by }) }
                @if !spec.revision.is_empty() { dt { "Revision" } dd { code { (spec.revision) } } }
                @if let Some(started) = &row.started { dt { "Began" } dd { (ago(frame.now, started)) } }
                @if let Some(finished) = &row.finished { dt { "Ended" } dd { (ago(frame.now, finished)) } }
                @if status.attempt > 1 { dt { "Attempt" } dd { (status.attempt) } }
                @if let Some(decision) = &spec.decision {
                    dt { "Decision" } dd { (decision) }
                }
                @if let Some(parent) = &spec.parent { dt { "Part of" } dd { a href=(rows::run_path(&row.namespace, parent)) { (parent) } } }
                @if !status.plan_hash.is_empty() { dt { "Plan" } dd { code { (status.plan_hash.chars().take(12).collect::<String>()) } } }
            } }
            div.in.stack {
                @let place = format!("{} -n {}", quote(&row.name), quote(&row.namespace));
                @if row.state == State::AwaitingApproval { (command(&format!("windlass run approve {place}"))) }
                (command(&format!("windlass run show {place}")))
            }
        }
    }
}

fn logs(shown: &Shown<'_>) -> Markup {
    html! {
        @for log in shown.logs {
            section.card aria-label={ "Output of " (log.node) } {
                header { h2 { "Output of " (log.node) } span.row { button.button.plain type="button" data-pause hidden aria-pressed="false" { "Pause" } button.button.plain type="button" data-wrap hidden aria-pressed="false" { "Wrap" } } }
                @match &log.lines {
                    Err(why) => div.in { p.small { (words(why)) } },
                    Ok(lines) => div.log role="log" aria-label={ "Output of " (log.node) } tabindex="0" data-log=(stream(&shown.row.instance, &log.node)) data-last=(lines.len()) {
                        @for line in lines { (log_line(line)) }
                    }
                }
                @if log.lines.is_ok() && shown.exists { div.in { (command(&logs_command(&shown.row.instance))) } }
            }
        }
    }
}

fn logs_command(instance: &InstanceReference) -> String {
    let place = instance.namespace.as_ref().map(|namespace| format!(" -n {}", quote(namespace))).unwrap_or_default();
    format!("windlass logs -f {}/{}{place}", instance.kind.to_lowercase(), quote(&instance.name))
}

fn stream(instance: &InstanceReference, node: &str) -> String {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut pairs = vec![
        pair("apiVersion", &instance.api_version),
        pair("kind", &instance.kind),
        pair("name", &instance.name),
        pair("node", node),
        pair("uid", &instance.uid),
    ];
    if let Some(namespace) = &instance.namespace {
        pairs.push(pair("namespace", namespace));
    }
    format!("/ui/logs?{}", crate::model::query::encode(&pairs))
}

/// One line of output.
pub(crate) fn log_line(line: &crate::logs::LogLine) -> Markup {
    let text = harmless(&line.text);
    let is_error = text.to_lowercase().contains("error");
    html! {
        div.error[is_error] {
            @if let Some(at) = line.at { time datetime=(at) { (at.strftime("%H:%M:%S")) } " " }
            @if !line.part.is_empty() { span.part { (part_name(&line.part)) } " " }
            (text)
        }
    }
}
