//! What waits for a person, worst first.

use crate::cache::Cache;
use crate::model::rows::{self, InstanceRow, RunRow};
use crate::model::tone::{Mark, Tone};
use windlass_api::names::reason;
use windlass_api::run::{Mode, State};

/// One thing that waits for a person.
pub(crate) struct Need {
    rank: u8,
    /// Its state.
    pub(crate) mark: Mark,
    /// What.
    pub(crate) name: String,
    /// Of which kind and where.
    pub(crate) place: String,
    /// Why, in one sentence.
    pub(crate) why: String,
    /// Since when, RFC 3339.
    pub(crate) since: String,
    /// Where to act.
    pub(crate) path: String,
    /// What the button says.
    pub(crate) button: &'static str,
}

/// Numbers that every page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Things that wait for a person.
    pub(crate) needs: usize,
    /// Instances.
    pub(crate) instances: usize,
    /// Instances that are ready.
    pub(crate) ready: usize,
    /// Templates.
    pub(crate) templates: usize,
    /// Runs that are not finished.
    pub(crate) open_runs: usize,
}

/// Everything that waits for a person, worst first, and the numbers beside it.
pub(crate) fn collect(cache: &Cache) -> (Vec<Need>, Counts) {
    let (instances, templates) = (cache.instances(), cache.templates());
    let runs: Vec<_> = cache.runs().into_iter().filter(|run| run.mode == Mode::Execute || run.is_request).collect();
    let mut needs: Vec<Need> = Vec::new();
    needs.extend(runs.iter().filter(|run| run.state == State::AwaitingApproval).map(|run| of_run(run)));
    needs.extend(instances.iter().filter_map(|instance| of_instance(instance)));
    needs.extend(templates.iter().filter(|row| row.mark().tone == Tone::Bad).map(|row| Need {
        rank: 3,
        mark: row.mark(),
        name: row.title.clone(),
        place: "Template".into(),
        why: row.ready.as_ref().map(|ready| ready.message.clone()).unwrap_or_default(),
        since: row.ready.as_ref().map(|ready| ready.last_transition_time.clone()).unwrap_or_default(),
        path: row.path(),
        button: "Look",
    }));
    needs.sort_by(|a, b| (a.rank, &a.since, &a.name).cmp(&(b.rank, &b.since, &b.name)));
    let counts = Counts {
        needs: needs.len(),
        instances: instances.len(),
        ready: instances.iter().filter(|row| row.state == "Ready").count(),
        templates: templates.len(),
        open_runs: runs.iter().filter(|run| run.mode == Mode::Execute && !run.state.is_finished()).count(),
    };
    (needs, counts)
}

fn of_run(run: &RunRow) -> Need {
    let asked = if run.by.is_empty() { String::new() } else { format!("asked by {} · ", run.by) };
    Need {
        rank: 2,
        mark: run.mark(),
        name: format!("{}: {}", run.instance.name, run.phrase()),
        place: place(&run.instance.kind, run.instance.namespace.as_deref().unwrap_or_default()),
        why: format!("{asked}{}", if run.planned.is_empty() { &run.message } else { &run.planned }),
        since: run.created.clone(),
        path: run.path(),
        button: "Review",
    }
}

fn of_instance(row: &InstanceRow) -> Option<Need> {
    let blocked = row.deletion_blocked.is_some();
    let (rank, why, button) = match row.state.as_str() {
        _ if blocked => (0, row.deletion_blocked.clone().unwrap_or_default(), "Look"),
        "Failed" => (0, row.why.clone(), "Look"),
        _ if row.reason == reason::UNKNOWN || row.reason == reason::CONFLICT => (0, row.why.clone(), "Look"),
        "Degraded" => (1, row.why.clone(), "Look"),
        _ => (4, row.drift.clone()?, "Compare"),
    };
    let mark = match rank {
        4 => Mark::new(Tone::Warning, "Drift"),
        _ if blocked => Mark::new(Tone::Bad, "Deletion blocked"),
        _ => row.mark(),
    };
    // Where the newest Run says more, the button leads there.
    let failed = row.state == "Failed" && !row.last_run.is_empty() && !row.namespace.is_empty();
    let path = if failed { rows::run_path(&row.namespace, &row.last_run) } else { row.path() };
    Some(Need { rank, mark, name: row.name.clone(), place: place(&row.key.1, &row.namespace), why, since: row.since.clone(), path, button })
}

fn place(kind: &str, namespace: &str) -> String {
    if namespace.is_empty() { kind.to_owned() } else { format!("{kind} · {namespace}") }
}
