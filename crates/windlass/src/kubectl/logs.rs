//! `logs`: what programs wrote, by the subresource `log` of an object. The platform on this machine has it for instances,
//! a cluster for Pods; everything else is said by the server.

use super::Place;
use super::discovery::{Kinds, Resource};
use super::failure::{Failure, quote};
use crate::connection::ConnectionArguments;
use clap::Args;
use std::io::Write as _;

/// `logs`. What is kubectl's is named as kubectl names it; `--node` and `--replica` are Windlass' own.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LogsArguments {
    /// TYPE/NAME, as webapp/shop; on a cluster also the name of a Pod, and of a container in it
    #[arg(value_name = "TYPE/NAME", required = true, num_args = 1..=3)]
    pub(crate) what: Vec<String>,
    /// Go on with what is written later, until the object is gone
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// So many of the newest lines, all replicas together; -1 for all that is kept
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    pub(crate) tail: i64,
    /// Only what is younger: 5s, 2m, 3h
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only what was written from this time on, as 2026-01-31T08:00:00Z
    #[arg(long, value_name = "DATE")]
    pub(crate) since_time: Option<String>,
    /// Say of each line when it was written
    #[arg(long)]
    pub(crate) timestamps: bool,
    /// What the program wrote before it was started anew last
    #[arg(short, long)]
    pub(crate) previous: bool,
    /// Only of this container
    #[arg(short, long, value_name = "NAME")]
    pub(crate) container: Option<String>,
    /// Say of each line which replica wrote it
    #[arg(long)]
    pub(crate) prefix: bool,
    /// At most so many bytes; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) limit_bytes: u64,
    /// Only of this replica, counted from 0 (Windlass' own)
    #[arg(long, value_name = "N")]
    pub(crate) replica: Option<u32>,
    /// Only of this node of the Template (Windlass' own)
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &LogsArguments) -> Result<(), Failure> {
    let query = query(arguments)?;
    let kinds = Kinds::read(&place.api).await?;
    let Subject { resource, name, container } = subject(&kinds, arguments)?;
    if resource.group.is_empty() && resource.plural == "pods" && arguments.prefix {
        return Err(Failure::Usage("--prefix is not built in for Pods\n  hint: `kubectl logs --prefix` has it".into()));
    }
    let query: Vec<(&str, String)> = query.into_iter().chain(container.map(|container| ("container", container))).collect();
    let object = resource.object_path(Some(&place.namespace), &name);
    let mut written = 0;
    let print = |chunk: &[u8]| {
        written += chunk.len();
        let mut out = std::io::stdout().lock();
        Ok(out.write_all(chunk).and_then(|()| out.flush())?)
    };
    let done = place.api.stream(&format!("{object}/log"), &query, print).await;
    done.map_err(|failure| without_subresource(failure, &resource))?;
    if written == 0 && arguments.limit_bytes == 0 && arguments.tail != 0 {
        let within = if arguments.since.is_some() || arguments.since_time.is_some() { " in that time" } else { "" };
        crate::terminal::say(&format!("No output was written{within}.\n  hint: -f waits for it"));
    }
    Ok(())
}

/// A server that has no logs of such objects says no more than that there is no such address.
fn without_subresource(failure: Failure, resource: &Resource) -> Failure {
    let Failure::Status(mut status) = failure else { return failure };
    if status["reason"] == "NotFound" && status["message"] == "the server could not find the requested resource" {
        let hint = "the platform of `windlass up` has those of instances, a cluster those of Pods: `windlass logs pod/NAME`";
        status["message"] = format!("this server has no logs of {}\n  hint: {hint}", resource.qualified_plural()).into();
    }
    Failure::Status(status)
}

/// Whose logs.
#[derive(Debug)]
struct Subject {
    resource: Resource,
    name: String,
    container: Option<String>,
}

/// `TYPE/NAME [CONTAINER]`, `TYPE NAME [CONTAINER]`, and as kubectl `POD [CONTAINER]`.
fn subject(kinds: &Kinds, arguments: &LogsArguments) -> Result<Subject, Failure> {
    let words: Vec<&str> = arguments.what.iter().map(String::as_str).collect();
    let (resource, name, rest) = match words.as_slice() {
        [pair, rest @ ..] if pair.contains('/') => match pair.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => (kinds.of_argument(kind)?, name, rest),
            _ => return Err(Failure::text("arguments in resource/name form must have a single resource and name")),
        },
        [kind, name, rest @ ..] if kinds.of_argument(kind).is_ok() => (kinds.of_argument(kind)?, *name, rest),
        [name, rest @ ..] => match kinds.of_argument("pods") {
            Ok(pods) => (pods, *name, rest),
            Err(_) => return Err(no_kind(name)),
        },
        [] => return Err(Failure::text("expected 'logs TYPE/NAME'")),
    };
    let container = match (rest, &arguments.container) {
        ([], named) => named.clone(),
        ([container], None) => Some((*container).to_owned()),
        ([_], Some(_)) => return Err(Failure::text("only one of -c or an inline [CONTAINER] arg is allowed")),
        _ => return Err(Failure::text("expected 'logs TYPE/NAME [CONTAINER]'")),
    };
    Ok(Subject { resource: resource.clone(), name: name.to_owned(), container })
}

fn no_kind(name: &str) -> Failure {
    Failure::text(format!(
        "{} is of no kind, and this server has no Pods\n  hint: say its kind, as in `windlass logs webapp/{name}`",
        quote(name)
    ))
}

/// The parameters of the request.
fn query(arguments: &LogsArguments) -> Result<Vec<(&'static str, String)>, Failure> {
    if arguments.since.is_some() && arguments.since_time.is_some() {
        return Err(Failure::text("at most one of `sinceTime` or `since` may be specified"));
    }
    if arguments.tail < -1 {
        return Err(Failure::text("--tail must be greater than or equal to -1"));
    }
    if arguments.follow && arguments.previous {
        return Err(Failure::Usage("--follow goes on, and --previous has ended\n  hint: leave one of the two away".into()));
    }
    let mut query = Vec::new();
    let flags = [
        ("follow", arguments.follow),
        ("previous", arguments.previous),
        ("timestamps", arguments.timestamps),
        ("prefix", arguments.prefix),
    ];
    query.extend(flags.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (name, "true".to_owned())));
    if arguments.tail >= 0 {
        query.push(("tailLines", arguments.tail.to_string()));
    }
    if let Some(since) = &arguments.since {
        let seconds = super::duration("since", since)?.ceil();
        if seconds < 0.0 {
            return Err(Failure::text("--since must be greater than 0"));
        }
        if seconds > 0.0 {
            query.push(("sinceSeconds", format!("{seconds:.0}")));
        }
    }
    query.extend(arguments.since_time.iter().map(|time| ("sinceTime", time.clone())));
    if arguments.limit_bytes > 0 {
        query.push(("limitBytes", arguments.limit_bytes.to_string()));
    }
    query.extend(arguments.replica.iter().map(|replica| ("replica", replica.to_string())));
    query.extend(arguments.node.iter().map(|node| ("node", node.clone())));
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(line: &str) -> LogsArguments {
        use clap::Parser as _;
        let words = ["windlass", "logs"].into_iter().chain(line.split(' '));
        let parsed = crate::arguments::Arguments::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        match parsed.command {
            crate::arguments::Command::Logs(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_become_parameters() {
        let check = |line: &str, expected: &str| {
            let said = match query(&read(line)) {
                Ok(query) => query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"),
                Err(failure) => failure.printed(),
            };
            assert_eq!(said, expected, "{line}");
        };
        check("webapp/shop", "");
        check("-f webapp/shop --tail=20 --prefix --timestamps", "follow=true&timestamps=true&prefix=true&tailLines=20");
        check("webapp/shop -p --replica 1 --node app", "previous=true&replica=1&node=app");
        check("webapp/shop --since 1m0.5s --limit-bytes 7 --tail -1", "sinceSeconds=61&limitBytes=7");
        check("webapp/shop --since=0s --tail 0", "tailLines=0");
        check("webapp/shop --since-time=2026-01-31T08:00:00Z", "sinceTime=2026-01-31T08:00:00Z");
        check("webapp/shop --since 1m --since-time x", "error: at most one of `sinceTime` or `since` may be specified");
        check("webapp/shop --since 5", "error: invalid argument \"5\" for \"--since\" flag: time: invalid duration \"5\"");
        check("webapp/shop --tail -2", "error: --tail must be greater than or equal to -1");
        check("webapp/shop -f -p", "error: --follow goes on, and --previous has ended\n  hint: leave one of the two away");
    }

    #[test]
    fn words_name_an_object_and_a_container() {
        let resource = |group: &str, plural: &str, kind: &str| {
            json!({"resource": plural, "responseKind": {"group": group, "version": "v1", "kind": kind}, "scope": "Namespaced",
                "singularResource": kind.to_lowercase(), "verbs": ["get", "list"]})
        };
        let group = |name: &str, resources: Vec<serde_json::Value>| json!({"metadata": {"name": name}, "versions": [{"version": "v1", "resources": resources}]});
        let ours = group("platform.windlass.dev", vec![resource("platform.windlass.dev", "webapps", "WebApp")]);
        let pods = group("", vec![resource("", "pods", "Pod")]);
        let check = |groups: &[serde_json::Value], line: &str, expected: &str| {
            let kinds = Kinds::of_groups(groups);
            let said = match subject(&kinds, &read(line)) {
                Ok(subject) => format!("{} {} {}", subject.resource.plural, subject.name, subject.container.unwrap_or_default()),
                Err(failure) => failure.printed(),
            };
            assert_eq!(said.trim_end(), expected, "{line}");
        };
        let both = [pods, ours.clone()];
        check(&both, "webapp/shop", "webapps shop");
        check(&both, "webapps/shop main", "webapps shop main");
        check(&both, "WebApp shop", "webapps shop");
        check(&both, "webapp shop main", "webapps shop main");
        check(&both, "web-7f main", "pods web-7f main");
        check(&both, "web-7f -c main", "pods web-7f main");
        check(&both, "pod/web-7f a -c b", "error: only one of -c or an inline [CONTAINER] arg is allowed");
        check(&both, "webap/shop", "error: the server doesn't have a resource type \"webap\"");
        check(&both, "webapp/", "error: arguments in resource/name form must have a single resource and name");
        check(
            &[ours],
            "shop",
            "error: \"shop\" is of no kind, and this server has no Pods\n  hint: say its kind, as in `windlass logs webapp/shop`",
        );
    }
}
