//! kubectl's verbs without kubectl: `get`, `describe`, `apply`, `delete`, `wait`, `explain`, `events`, `logs`, against any Kubernetes API.
//!
//! What they print is kubectl's, byte for byte, for the flags in [`arguments`]; the end-to-end suite runs both side by side.
//! Windlass' own kinds are nothing special here, but for `refused.rs`, which talks on standard error. Start with [`run`]; each verb has its file, and what they share is in
//! `select.rs` (which objects), `output.rs` (in which form) and `api.rs` (requests).

mod age;
mod api;
mod apply;
pub(crate) mod arguments;
mod custom_columns;
mod delete;
mod describe;
mod discovery;
mod events;
mod explain;
mod failure;
mod get;
mod go_json;
mod go_yaml;
mod go_yaml_text;
mod jsonpath;
pub(crate) mod logs;
mod manifests;
mod output;
mod refused;
mod select;
mod sort;
mod table;
mod tabwriter;
mod three_way;
mod values;
mod wait;

use crate::connection::{Connection, ConnectionArguments};
use crate::exit::Exit;
use api::Api;
use failure::Failure;
use serde_json::Value;
use std::time::Duration;

/// A verb with its arguments.
#[derive(Debug)]
pub(crate) enum Verb<'a> {
    /// Print objects.
    Get(&'a arguments::GetArguments),
    /// Print one object for a person.
    Describe(&'a arguments::DescribeArguments),
    /// Create or change what files say.
    Apply(&'a arguments::ApplyArguments),
    /// Delete objects.
    Delete(&'a arguments::DeleteArguments),
    /// Wait for a condition.
    Wait(&'a arguments::WaitArguments),
    /// Print what a kind's fields mean.
    Explain(&'a arguments::ExplainArguments),
    /// Print events.
    Events(&'a arguments::EventsArguments),
    /// Print what programs wrote.
    Logs(&'a logs::LogsArguments),
}

impl Verb<'_> {
    fn connection(&self) -> &ConnectionArguments {
        match self {
            Self::Get(arguments) => &arguments.connection,
            Self::Describe(arguments) => &arguments.connection,
            Self::Apply(arguments) => &arguments.connection,
            Self::Delete(arguments) => &arguments.connection,
            Self::Wait(arguments) => &arguments.connection,
            Self::Explain(arguments) => &arguments.connection,
            Self::Events(arguments) => &arguments.connection,
            Self::Logs(arguments) => &arguments.connection,
        }
    }
}

/// Whether a command is one of the verbs.
pub(crate) fn is_verb(command: Option<&str>) -> bool {
    matches!(command, Some("get" | "describe" | "apply" | "delete" | "wait" | "explain" | "events" | "logs"))
}

/// Where a verb works.
pub(crate) struct Place {
    api: Api,
    namespace: String,
    namespace_is_asked: bool,
}

/// Runs a verb. What fails is printed here, in kubectl's words; the code is kubectl's, 2 for what kubectl has and this lacks.
///
/// # Errors
/// There is no usable kubeconfig.
pub(crate) async fn run(verb: Verb<'_>) -> anyhow::Result<Exit> {
    let Connection { client, namespace, namespace_is_asked } = crate::connection::connect(verb.connection()).await?;
    let place = Place { api: Api::new(client), namespace, namespace_is_asked };
    let result = match verb {
        Verb::Get(arguments) => get::run(&place, arguments).await,
        Verb::Describe(arguments) => describe::run(&place, arguments).await,
        Verb::Apply(arguments) => apply::run(&place, arguments).await,
        Verb::Delete(arguments) => delete::run(&place, arguments).await,
        Verb::Wait(arguments) => wait::run(&place, arguments).await,
        Verb::Explain(arguments) => explain::run(&place, arguments).await,
        Verb::Events(arguments) => events::run(&place, arguments).await,
        Verb::Logs(arguments) => logs::run(&place, arguments).await,
    };
    Ok(match result {
        Ok(()) => Exit::Success,
        Err(failure) => {
            let text = failure.printed();
            if !text.is_empty() {
                crate::terminal::say(&text);
            }
            failure.exit()
        }
    })
}

/// A whole list: every page of it, as one answer. Items get the kind that lists leave out.
async fn list(api: &Api, path: &str, query: Vec<(&str, String)>, limit: u32, accept: &str) -> Result<Value, Failure> {
    let mut whole: Option<Value> = None;
    let mut next = String::new();
    loop {
        let mut query = query.clone();
        if limit > 0 {
            query.push(("limit", limit.to_string()));
        }
        if !next.is_empty() {
            query.push(("continue", std::mem::take(&mut next)));
        }
        let mut page = api.get(path, &query, accept).await?;
        next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        match &mut whole {
            None => whole = Some(page),
            Some(whole) => {
                for part in ["items", "rows"] {
                    if let (Some(all), Some(more)) = (whole[part].as_array_mut(), page[part].as_array_mut()) {
                        all.append(more);
                    }
                }
            }
        }
        if next.is_empty() {
            return Ok(whole.unwrap_or_default());
        }
    }
}

/// The objects of a list, each with its kind.
fn items(mut list: Value) -> Vec<Value> {
    let kind = list["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).unwrap_or_default().to_owned();
    let version = list["apiVersion"].clone();
    let Some(items) = list["items"].as_array_mut() else { return Vec::new() };
    let mut items = std::mem::take(items);
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.entry("kind").or_insert_with(|| kind.clone().into());
        item.entry("apiVersion").or_insert_with(|| version.clone());
    }
    items
}

/// Reads `30s`, `5m`, `1h30m`, `1.5s`, `-1s`, as Go does. Seconds; negative ones are allowed.
fn duration(flag: &str, text: &str) -> Result<f64, Failure> {
    let invalid = || Failure::Raw(format!("error: invalid argument \"{text}\" for \"--{flag}\" flag: time: invalid duration \"{text}\""));
    let (sign, mut rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    if rest == "0" {
        return Ok(0.0);
    }
    let mut seconds = 0.0;
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let number: f64 = rest[..end].parse().map_err(|_| invalid())?;
        rest = &rest[end..];
        let unit = [("ms", 0.001), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let (name, factor) = unit.iter().find(|(name, _)| rest.starts_with(name)).ok_or_else(invalid)?;
        seconds += number * factor;
        rest = &rest[name.len()..];
    }
    Ok(sign * seconds)
}

/// A span to wait; a week where it is negative or too long.
fn span(seconds: f64) -> Duration {
    const WEEK: Duration = Duration::from_hours(168);
    if seconds < 0.0 { WEEK } else { Duration::try_from_secs_f64(seconds).unwrap_or(WEEK).min(WEEK) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_does() {
        let check = |text: &str, expected: f64| assert!((duration("timeout", text).expect(text) - expected).abs() < 1e-9, "{text}");
        check("30s", 30.0);
        check("1h1m1.5s", 3661.5);
        check("-1s", -1.0);
        check("0", 0.0);
        for wrong in ["", "5", "s", "5x", "1.2.3s"] {
            assert!(duration("timeout", wrong).is_err(), "{wrong}");
        }
    }
}
