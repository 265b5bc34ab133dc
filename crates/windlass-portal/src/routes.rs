//! The one route table. Paths are a promise: every page's address is its state.

use crate::handlers::{self, change, forms, instances, lists, login, logs, runs, templates};
use crate::state::Shared;
use crate::{assets, events, security};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

/// A form larger than this is refused.
const LARGEST_FORM: usize = 512 * 1024;

/// All pages, behind the guard.
pub(crate) fn table(portal: Shared) -> Router {
    Router::new()
        .route("/", get(lists::home))
        .route("/search", get(lists::search))
        .route("/help", get(lists::help))
        .route("/login", get(login::show).post(login::redeem))
        .route("/logout", post(login::end))
        .route("/templates", get(lists::templates))
        .route("/templates/{name}", get(templates::show))
        .route("/templates/{name}/new", get(forms::new).post(forms::create))
        .route("/instances", get(lists::instances))
        .route("/instances/{group}/{kind}/{namespace}/{name}", get(instances::show))
        .route("/instances/{group}/{kind}/{namespace}/{name}/edit", get(forms::edit).post(forms::change))
        .route("/instances/{group}/{kind}/{namespace}/{name}/delete", post(change::plan_deletion))
        .route("/instances/{group}/{kind}/{namespace}/{name}/restore", post(change::plan_restore))
        .route("/instances/{group}/{kind}/{namespace}/{name}/retry", post(change::retry))
        .route("/runs", get(lists::runs))
        .route("/runs/{namespace}/{name}", get(runs::show))
        .route("/runs/{namespace}/{name}/make", post(change::make))
        .route("/runs/{namespace}/{name}/decide", post(change::decide))
        .route("/runs/{namespace}/{name}/cancel", post(change::cancel))
        .route("/runs/{namespace}/{name}/resolve", post(change::resolve))
        .route("/runs/{namespace}/{name}/retry", post(change::retry_run))
        .route("/ui/events", get(events::stream))
        .route("/ui/logs", get(logs::stream))
        .route("/ui/assets/{hash}/{name}", get(assets::serve))
        .route("/favicon.ico", get(assets::icon))
        .route("/favicon.svg", get(assets::icon))
        .fallback(handlers::absent)
        .method_not_allowed_fallback(handlers::wrong_method)
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(from_fn_with_state(portal.clone(), security::guard))
        .with_state(portal)
}
