//! A `kube::Client`, either over a router in this process or over a kubeconfig.

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use std::path::Path;
use tower::ServiceExt as _;

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig could not be read or does not name what was asked for.
    #[error("cannot read the kubeconfig `{path}`\n  hint: name another with --kubeconfig or KUBECONFIG")]
    Kubeconfig {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: kube::config::KubeconfigError,
    },
    /// The client's settings do not work.
    #[error("cannot use the kubeconfig `{path}`")]
    Client {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
}

/// A client over an API server in this process: the same HTTP semantics without a socket.
/// Connection upgrades (exec, port-forward) do not work through it.
pub fn in_process(router: axum::Router) -> Client {
    Client::new(router.map_request(|request: http::Request<kube::client::Body>| request.map(axum::body::Body::new)), "default")
}

/// A client over a kubeconfig file.
///
/// # Errors
/// The file cannot be read, lacks the context, or holds credentials that cannot be used.
pub async fn from_kubeconfig(path: &Path, context: Option<&str>) -> Result<Client, ConnectError> {
    let named = path.display().to_string();
    let kubeconfig = Kubeconfig::read_from(path).map_err(|source| ConnectError::Kubeconfig { path: named.clone(), source })?;
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|source| ConnectError::Kubeconfig { path: named.clone(), source })?;
    Client::try_from(config).map_err(|source| ConnectError::Client { path: named, source })
}
