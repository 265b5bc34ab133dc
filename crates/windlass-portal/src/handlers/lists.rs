//! Pages that only read the cache: home, lists, search, help.

use crate::cache::{Cache, KindKey};
use crate::handlers::{Asked, page_number};
use crate::model::needs;
use crate::model::rows::{InstanceRow, RunRow, TemplateRow};
use crate::model::tone::Tone;
use crate::views::{self, parts};
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_api::run::{Mode, State};

/// How many Runs home shows.
const RECENT: usize = 8;
/// How many hits of each kind search shows.
const HITS: usize = 30;

/// `GET /`.
pub(crate) async fn home(asked: Asked) -> Response {
    let frame = asked.frame();
    let cache = &asked.portal.cache;
    let (needs, counts) = needs::collect(cache);
    let runs: Vec<_> = executed(cache).into_iter().take(RECENT).collect();
    let mut often = with_use(cache);
    often.retain(|(row, _)| row.is_served);
    often.sort_by(|(a, used_a), (b, used_b)| used_b.cmp(used_a).then_with(|| a.title.cmp(&b.title)));
    often.truncate(6);
    let home = views::home::Home {
        needs: &needs,
        is_new: counts.instances == 0 && runs.is_empty() && cache.is_complete(),
        runs: &runs,
        often: &often,
        partial: partial(cache),
    };
    asked.render(&frame, &views::home::page(&frame, &home))
}

/// `GET /templates`.
pub(crate) async fn templates(asked: Asked) -> Response {
    let frame = asked.frame();
    let wanted = asked.query.word("q").unwrap_or_default();
    let mut rows = with_use(&asked.portal.cache);
    rows.retain(|(row, _)| template_has(row, wanted));
    rows.sort_by_key(|(row, _)| row.title.to_lowercase());
    asked.render(&frame, &views::templates::list(&rows, wanted, &partial(&asked.portal.cache)))
}

/// `GET /instances`.
pub(crate) async fn instances(asked: Asked) -> Response {
    let frame = asked.frame();
    let query = &asked.query;
    let all = asked.portal.cache.instances();
    let mut kinds: BTreeMap<KindKey, usize> = BTreeMap::new();
    for row in &all {
        *kinds.entry(row.key.clone()).or_default() += 1;
    }
    let (kind, state, wanted) = (query.word("kind"), query.word("state").unwrap_or_default(), query.word("q").unwrap_or_default());
    let mut rows: Vec<Arc<InstanceRow>> = all
        .into_iter()
        .filter(|row| kind.is_none_or(|kind| row.key.1 == kind) && in_state(row, state) && has(&[&row.name, &row.namespace], wanted))
        .collect();
    // Worst first, then by name.
    rows.sort_by(|a, b| (rank(a), &a.namespace, &a.name).cmp(&(rank(b), &b.namespace, &b.name)));
    let (page, found) = (page_number(query), rows.len());
    let rows: Vec<_> = rows.into_iter().skip(page * views::instances::EACH).take(views::instances::EACH).collect();
    let kinds: Vec<_> = kinds.into_iter().collect();
    let listing = views::instances::Listing { rows: &rows, all: found, page, query, kinds: &kinds, partial: partial(&asked.portal.cache) };
    asked.render(&frame, &views::instances::page(&frame, &listing))
}

/// `GET /runs`.
pub(crate) async fn runs(asked: Asked) -> Response {
    let frame = asked.frame();
    let query = &asked.query;
    let state = query.word("state").unwrap_or_default();
    let rows: Vec<_> = executed(&asked.portal.cache).into_iter().filter(|run| run_in_state(run, state)).collect();
    let (page, all) = (page_number(query), rows.len());
    let rows: Vec<_> = rows.into_iter().skip(page * views::runs::EACH).take(views::runs::EACH).collect();
    let listing = views::runs::Listing { rows: &rows, all, page, query, partial: partial(&asked.portal.cache) };
    asked.render(&frame, &views::runs::page(&frame, &listing))
}

/// `GET /search`.
pub(crate) async fn search(asked: Asked) -> Response {
    let frame = asked.frame();
    let wanted = asked.query.word("q").unwrap_or_default();
    let cache = &asked.portal.cache;
    let found = if wanted.is_empty() {
        views::search::Found { asked: String::new(), templates: Vec::new(), instances: Vec::new(), runs: Vec::new() }
    } else {
        views::search::Found {
            asked: wanted.to_owned(),
            templates: cache.templates().into_iter().filter(|row| template_has(row, wanted)).take(HITS).collect(),
            instances: cache
                .instances()
                .into_iter()
                .filter(|row| has(&[&row.name, &row.namespace, &row.key.1], wanted))
                .take(HITS)
                .collect(),
            runs: executed(cache).into_iter().filter(|run| has(&[&run.name, &run.title], wanted)).take(HITS).collect(),
        }
    };
    asked.render(&frame, &views::search::page(&frame, &found))
}

/// `GET /help`.
pub(crate) async fn help(asked: Asked) -> Response {
    let frame = asked.frame();
    asked.render(&frame, &views::help::page(&frame, &asked.portal.version))
}

fn executed(cache: &Cache) -> Vec<Arc<RunRow>> {
    cache.runs().into_iter().filter(|run| run.mode == Mode::Execute).collect()
}

fn with_use(cache: &Cache) -> Vec<(Arc<TemplateRow>, usize)> {
    cache.templates().into_iter().map(|row| (Arc::clone(&row), row.key().map_or(0, |key| cache.count_of(&key)))).collect()
}

fn partial(cache: &Cache) -> maud::Markup {
    parts::partial(cache.is_complete(), cache.has_more())
}

fn has(texts: &[&str], wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    wanted.split_whitespace().all(|word| texts.iter().any(|text| text.to_lowercase().contains(word)))
}

fn template_has(row: &TemplateRow, wanted: &str) -> bool {
    has(&[&row.name, &row.title, &row.summary, &row.owner], wanted)
}

fn in_state(row: &InstanceRow, state: &str) -> bool {
    match state {
        "ready" => row.state == "Ready",
        "moving" => matches!(row.mark().tone, Tone::Going | Tone::Waits),
        "bad" => row.mark().tone == Tone::Bad || row.drift.is_some() || row.deletion_blocked.is_some(),
        _ => true,
    }
}

fn rank(row: &InstanceRow) -> u8 {
    match row.mark().tone {
        Tone::Bad => 0,
        Tone::Warning => 1,
        Tone::Waits | Tone::Going => 2,
        Tone::Good | Tone::Quiet => 3,
    }
}

fn run_in_state(run: &RunRow, state: &str) -> bool {
    match state {
        "open" => !run.state.is_finished(),
        "approval" => run.state == State::AwaitingApproval,
        "failed" => run.state == State::Failed,
        "succeeded" => run.state == State::Succeeded,
        _ => true,
    }
}
