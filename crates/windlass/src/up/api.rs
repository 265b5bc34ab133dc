//! The Kubernetes API over the store, and clients of it in this process.

use super::app_logs::AppLogs;
use super::authors::Authors;
use super::deletions;
use super::directory::DataDirectory;
use super::installation_key::LENGTH;
use super::metrics::Metrics;
use anyhow::Context as _;
use axum::{Extension, Router};
use kube::Client;
use std::sync::Arc;
use windlass_apiserver::{Caller, EncryptionKey, Options, Server};
use windlass_client::connect;
use windlass_store::Store;

/// Under which name the platform itself acts.
pub(crate) const PLATFORM: &str = "windlass";

/// The running API.
pub(crate) struct Api {
    /// Ends with this.
    _server: Server,
    /// All paths; whoever serves it says who calls.
    pub(crate) router: Router,
    /// A client that acts as the platform.
    pub(crate) platform: Client,
}

/// Opens the store and the API over it.
///
/// # Errors
/// The store cannot be opened or is damaged.
pub(crate) async fn open(data: &DataDirectory, key: &[u8; LENGTH], authority: &str, logs: &AppLogs) -> anyhow::Result<Api> {
    let authors = Authors::default();
    let path = data.join("store");
    let store = Store::open(&path, &windlass_store::Options::default());
    let store = store.with_context(|| {
        format!("cannot open the store `{}`\n  hint: put the directory back from a backup, or start with another one", path.display())
    })?;
    let mut options = Options::new(EncryptionKey::new(key));
    options.admission.push(authors.hook());
    options.admission.push(deletions::hook());
    options.metrics.push(Arc::new(Metrics::new(authors.clone())));
    options.root_certificate = Some(authority.to_owned());
    options.logs = Some(Arc::new(logs.clone()));
    options.build = format!("windlass.{}", env!("CARGO_PKG_VERSION"));
    let server = Server::open(store, options).await?;
    let router = server.router();
    let platform = client_of(&router, Caller::administrator(PLATFORM));
    authors.follow(&platform);
    Ok(Api { _server: server, router, platform })
}

/// A client in this process that acts as somebody.
pub(crate) fn client_of(router: &Router, caller: Caller) -> Client {
    connect::in_process(router.clone().layer(Extension(caller)))
}

/// An empty API in memory, which knows Kubernetes' own kinds: where their schemas are read without a server.
///
/// # Errors
/// It cannot be opened.
pub(crate) async fn built_in() -> anyhow::Result<Client> {
    let store = Store::in_memory(&windlass_store::Options::default())?;
    let server = Server::open(store, Options::new(EncryptionKey::new(&[0; LENGTH]))).await?;
    Ok(client_of(&server.router(), Caller::administrator(PLATFORM)))
}
