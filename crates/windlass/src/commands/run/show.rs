//! `windlass run show`: one Run with its plan and steps.

use super::OneRun;
use crate::commands::{follow, instances, plan_text};
use crate::connection::connect;
use crate::exit::Exit;
use crate::terminal::{Ink, Stream, has_colour, paint, put};
use crate::text::safe;
use crate::up::announce::Form;
use kube::ResourceExt as _;
use windlass_api::run::{Run, State};

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    one: OneRun,
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// Shows it.
pub(super) async fn run(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let connection = connect(&arguments.one.connection).await?;
    let (_, run) = instances::run(&connection, &arguments.one.name).await?;
    match arguments.output {
        Form::Json => put(&serde_json::to_string_pretty(&run)?)?,
        Form::Text => put(&text(&run, has_colour(Stream::Out)))?,
    }
    Ok(Exit::Success)
}

/// A Run as text.
pub(super) fn text(run: &Run, colour: bool) -> String {
    let status = run.status.clone().unwrap_or_default();
    let mut lines = vec![format!("{} {:?}", paint(colour, Ink::Bold, &run.name_any()), status.state)];
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {name:<10}{}", safe(&value)));
        }
    };
    fact("instance", run.spec.instance.to_string());
    fact("cause", format!("{:?}", run.spec.cause));
    fact("what", run.spec.title.clone());
    fact("by", run.spec.by.clone());
    fact("began", status.started_at.clone().unwrap_or_default());
    fact("ended", status.finished_at.clone().unwrap_or_default());
    fact("attempt", if status.attempt > 1 { status.attempt.to_string() } else { String::new() });
    fact("again at", status.retry_at.clone().unwrap_or_default());
    fact("message", status.message.clone());
    if let Some(decision) = &run.spec.decision {
        fact("decision", format!("{:?} {} {}", decision.verdict, decision.by, decision.reason).trim_end().to_owned());
    }
    if let Some(plan) = run.plan() {
        lines.push(String::new());
        lines.push(plan_text::text(&plan, colour));
    }
    if !status.steps.is_empty() {
        lines.push(String::new());
        lines.push("Steps".into());
        lines.extend(status.steps.iter().map(|step| follow::step_text(step, colour)));
    }
    if let Some(next) = next(run, status.state) {
        lines.push(String::new());
        lines.push(next);
    }
    lines.join("\n")
}

/// What a person can do now.
fn next(run: &Run, state: State) -> Option<String> {
    let place = format!("{} -n {}", run.name_any(), run.namespace().unwrap_or_default());
    match state {
        State::AwaitingApproval => Some(format!("hint: windlass run approve {place}\n      windlass run reject {place} --reason TEXT")),
        State::Failed => Some(format!("hint: windlass run retry {place}")),
        State::Pending | State::Running | State::Waiting => Some(format!("hint: windlass run logs -f {place}")),
        State::Succeeded | State::Superseded | State::Rejected | State::Cancelled => None,
    }
}
