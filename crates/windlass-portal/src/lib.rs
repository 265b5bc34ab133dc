//! The portal: web pages over a `kube::Client`, rendered on the server, readable and usable without JavaScript.
//!
//! It shows what the API shows to the same person and does nothing that the API would refuse: every page reads, every
//! button writes through the client. No rule of the platform lives here. Start with [`router`], then the one route table
//! in `routes.rs`; a request goes `security` → `handlers` (parse, call, render) → `model` (rows and plans as plain values)
//! → `views` (markup).

mod assets;
mod cache;
mod errors;
mod events;
mod handlers;
pub mod logs;
mod markdown;
mod model;
mod routes;
mod security;
pub mod session;
mod state;
mod views;

use std::sync::Arc;

pub use logs::LogSource;
pub use session::Sessions;

/// What the portal needs from whoever starts it.
#[derive(Clone)]
pub struct PortalOptions {
    /// The one way to everything that is shown and done.
    pub client: kube::Client,
    /// Who may come in; shared with whoever prints login links.
    pub sessions: Arc<Sessions>,
    /// Windlass' version, shown on the help page.
    pub version: String,
    /// Hosts with port under which the portal is reached, such as `127.0.0.1:7400`; every other one is refused.
    pub public_origins: Vec<String>,
    /// Path of the kubeconfig, for the commands that pages show.
    pub kubeconfig_hint: String,
    /// Where the output of local workloads can be read; without it, run pages name the command instead.
    pub logs: Option<Arc<dyn LogSource>>,
}

/// The portal's pages as a router, to be mounted at `/`; what it does not know is answered with its own 404 page.
///
/// Starts watches on the current tokio runtime; they end when the router and all its clones are dropped.
pub fn router(options: PortalOptions) -> axum::Router {
    routes::table(Arc::new(state::Portal::start(options)))
}
