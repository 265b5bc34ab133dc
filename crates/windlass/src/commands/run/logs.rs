//! `windlass run logs [-f]`: what was done, in the order of time; with `-f` until the Run has ended.

use super::OneRun;
use crate::commands::{follow, instances};
use crate::connection::connect;
use crate::exit::{Exit, failed};
use crate::terminal::{Stream, has_colour, put, say};
use crate::text::safe;
use futures::StreamExt as _;
use kube::runtime::watcher;
use kube::runtime::watcher::Event;
use std::collections::HashSet;
use windlass_api::run::{Run, State};

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct LogsArguments {
    #[command(flatten)]
    one: OneRun,
    /// Go on until it has ended
    #[arg(short, long)]
    follow: bool,
}

/// Prints them.
pub(super) async fn run(arguments: &LogsArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.one.connection).await?;
    let (api, run) = instances::run(&connection, &arguments.one.name).await?;
    let mut printed = Printed::default();
    printed.print(&run)?;
    if !arguments.follow {
        return Ok(Exit::Success);
    }
    if run.state().is_finished() {
        return Ok(ended(run.state()));
    }
    let field = format!("metadata.name={}", arguments.one.name);
    let mut events = watcher(api, watcher::Config::default().fields(&field)).boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(run) | Event::InitApply(run)) => {
                printed.print(&run)?;
                if run.state().is_finished() {
                    return Ok(ended(run.state()));
                }
            }
            Ok(Event::Delete(_)) => break,
            // The watch takes itself up again.
            Ok(Event::Init | Event::InitDone) | Err(_) => {}
        }
    }
    let name = &arguments.one.name;
    Err(failed(
        Exit::NotFound,
        format!("the Run `{name}` was deleted before it ended\n  hint: `windlass run list` lists those that are there"),
    ))
}

fn ended(state: State) -> Exit {
    if state == State::Succeeded { Exit::Success } else { Exit::Failure }
}

/// What was printed already: steps change again and again, and each line is said once.
#[derive(Default)]
struct Printed {
    lines: HashSet<String>,
    /// What it was said to wait for.
    waits: String,
}

impl Printed {
    fn print(&mut self, run: &Run) -> anyhow::Result<()> {
        for line in lines(run, has_colour(Stream::Out)) {
            if self.lines.insert(line.clone()) {
                put(&line)?;
            }
        }
        if let Some(waits) = waits(run)
            && waits != self.waits
        {
            say(&waits);
            self.waits = waits;
        }
        Ok(())
    }
}

/// What was done so far, in the order of time.
fn lines(run: &Run, colour: bool) -> Vec<String> {
    let Some(status) = &run.status else { return Vec::new() };
    let mut lines: Vec<(String, String)> = Vec::new();
    for step in &status.steps {
        let at = step.finished_at.clone().or_else(|| step.started_at.clone()).unwrap_or_default();
        for effect in &step.effects {
            let text = format!("  {} {} {}: {}", effect.action.word(), effect.identity, effect.outcome, effect.key);
            lines.push((step.started_at.clone().unwrap_or_default(), text));
        }
        if step.started_at.is_some() || step.finished_at.is_some() {
            lines.push((at, follow::step_text(step, colour)));
        }
    }
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    if status.state.is_finished() {
        let text = format!("{:?} {}", status.state, safe(&status.message));
        lines.push((status.finished_at.clone().unwrap_or_default(), text.trim_end().to_owned()));
    }
    lines.into_iter().map(|(at, text)| format!("{at} {text}")).collect()
}

/// What a Run that has not ended waits for; talk, as it is no part of what was done.
fn waits(run: &Run) -> Option<String> {
    let status = run.status.as_ref()?;
    let (name, namespace) = (run.metadata.name.as_deref()?, run.metadata.namespace.as_deref()?);
    match status.state {
        State::AwaitingApproval => {
            let hint = format!("windlass run show {name} -n {namespace}, then windlass run approve {name} -n {namespace}");
            Some(format!("{name} waits for approval: {}\n  hint: {hint}", safe(&status.message)))
        }
        State::Waiting => Some(format!("{name} waits: {}", safe(&status.message))),
        State::Pending | State::Running | State::Succeeded | State::Failed | State::Superseded | State::Rejected | State::Cancelled => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(status: serde_json::Value) -> Run {
        let object = json!({"apiVersion": "windlass.dev/v1alpha1", "kind": "Run", "metadata": {"name": "shop-2", "namespace": "dev"},
            "spec": {"instance": {"apiVersion": "x/v1", "kind": "X", "name": "shop"}, "number": 2}, "status": status});
        serde_json::from_value(object).expect("a Run")
    }

    #[test]
    fn what_was_done_is_printed_in_the_order_of_time() {
        let effect =
            json!({"key": "app/replica-0", "action": "create", "identity": {"kind": "Process", "name": "shop"}, "outcome": "Done"});
        let run = run(json!({"state": "Failed", "message": "page: no\u{1b}space", "finishedAt": "T4", "steps": [
            {"key": "page", "action": "create", "state": "Failed", "startedAt": "T2", "finishedAt": "T3", "message": "no space"},
            {"key": "app", "action": "create", "state": "Succeeded", "startedAt": "T0", "finishedAt": "T1", "effects": [effect]},
            {"key": "later", "action": "create", "state": "Pending"},
        ]}));
        insta::assert_snapshot!(lines(&run, false).join("\n"), @r"
        T0   create Process shop Done: app/replica-0
        T1   ✓ app create succeeded
        T3   ✗ page create failed: no space
        T4 Failed page: no�space
        ");
        assert_eq!((waits(&run), ended(run.state()), ended(State::Succeeded)), (None, Exit::Failure, Exit::Success));
    }

    #[test]
    fn what_it_waits_for_is_said_with_the_way_out() {
        let waiting = run(json!({"state": "AwaitingApproval", "message": "a person must look at the plan"}));
        insta::assert_snapshot!(waits(&waiting).expect("it waits"), @r"
        shop-2 waits for approval: a person must look at the plan
          hint: windlass run show shop-2 -n dev, then windlass run approve shop-2 -n dev
        ");
        let starting = run(json!({"state": "Waiting", "message": "app: it is being started"}));
        assert_eq!(waits(&starting).as_deref(), Some("shop-2 waits: app: it is being started"));
        assert_eq!(waits(&run(json!({"state": "Pending"}))), None);
    }
}
