//! The portal's pages, and who may see them.

use super::api::{Api, client_of};
use super::directory::{DataDirectory, write_private};
use super::doors::HasSession;
use axum::Router;
use std::path::Path;
use std::sync::Arc;
use windlass_apiserver::Caller;
use windlass_portal::{LogSource, PortalOptions, Sessions};

/// The running portal.
pub(crate) struct Pages {
    /// Its pages.
    pub(crate) router: Router,
    /// Who may see them.
    pub(crate) sessions: Arc<Sessions>,
}

/// Starts it; sessions of the last time go on. It acts as the owner of the installation.
pub(crate) fn start(api: &Api, data: &DataDirectory, origins: Vec<String>, kubeconfig: &Path, logs: Arc<dyn LogSource>) -> Pages {
    let stored = fs_err::read(data.join("sessions.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let sessions = Arc::new(Sessions::restore(stored.unwrap_or_default()));
    let router = windlass_portal::router(PortalOptions {
        client: client_of(&api.router, Caller::administrator(super::certificates::ADMIN)),
        sessions: sessions.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        public_origins: origins,
        kubeconfig_hint: kubeconfig.display().to_string(),
        logs: Some(logs),
    });
    Pages { router, sessions }
}

impl Pages {
    /// Whether headers carry a good session.
    pub(crate) fn has_session(&self) -> HasSession {
        let sessions = self.sessions.clone();
        Arc::new(move |headers| sessions.is_valid(headers))
    }

    /// Writes down who is logged in, as hashes, so that a restart logs nobody out.
    pub(crate) fn keep_sessions(&self, data: &DataDirectory) {
        let kept = serde_json::to_vec(&self.sessions.stored())
            .map_err(anyhow::Error::from)
            .and_then(|bytes| write_private(&data.join("sessions.json"), &bytes));
        if let Err(error) = kept {
            tracing::warn!(%error, "who is logged in could not be written down");
        }
    }
}
