//! `windlass run logs [-f]`: what was done, in the order of time; with `-f` until the Run has ended.

use super::OneRun;
use crate::commands::{follow, instances};
use crate::connection::connect;
use crate::exit::Exit;
use crate::terminal::{Stream, has_colour, put};
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
    let mut printed = HashSet::new();
    print(&run, &mut printed)?;
    if arguments.follow && !run.state().is_finished() {
        let field = format!("metadata.name={}", arguments.one.name);
        let mut events = watcher(api, watcher::Config::default().fields(&field)).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(run) | Event::InitApply(run)) => {
                    print(&run, &mut printed)?;
                    if run.state().is_finished() {
                        return Ok(ended(run.state()));
                    }
                }
                Ok(Event::Delete(_)) => break,
                // The watch takes itself up again.
                Ok(Event::Init | Event::InitDone) | Err(_) => {}
            }
        }
    }
    Ok(Exit::Success)
}

fn ended(state: State) -> Exit {
    if state == State::Succeeded { Exit::Success } else { Exit::Failure }
}

fn print(run: &Run, printed: &mut HashSet<String>) -> anyhow::Result<()> {
    let Some(status) = &run.status else { return Ok(()) };
    let colour = has_colour(Stream::Out);
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
        lines.push((
            status.finished_at.clone().unwrap_or_default(),
            format!("{:?} {}", status.state, safe(&status.message)).trim_end().to_owned(),
        ));
    }
    for (at, text) in lines {
        let line = format!("{at} {text}");
        if printed.insert(line.clone()) {
            put(&line)?;
        }
    }
    Ok(())
}
