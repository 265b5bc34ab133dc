//! Opening the server: what has to be there at the start, and the loops that go on beside the requests.

use std::sync::Arc;

use axum::Router;
use windlass_store::Store;

use crate::api::Api;
use crate::{
    Admission, AllowAll, Authorizer, Caller, EncryptionKey, LogSource, MetricSource, Status, collector, crd, metrics, namespaces, routes,
};

/// How a server is to be.
#[derive(Clone)]
pub struct Options {
    /// The key under which Secrets are stored. Losing it loses them.
    pub encryption: EncryptionKey,
    /// Who a request comes from that carries no [`Caller`] extension.
    pub default_caller: Caller,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Hooks for every change, in this order.
    pub admission: Vec<Admission>,
    /// The certificate (PEM) that clients inside namespaces check the server by; put into ConfigMap `kube-root-ca.crt`.
    pub root_certificate: Option<String>,
    /// Who has the output of objects. Without one no object has the subresource `log`.
    pub logs: Option<Arc<dyn LogSource>>,
    /// What the owner adds to `/metrics`.
    pub metrics: Vec<Arc<dyn MetricSource>>,
    /// Shown by `/version` behind Kubernetes' own version, for example `windlass.0.1.0`.
    pub build: String,
}

impl Options {
    /// Everything allowed, no hooks, requests of the process itself.
    pub fn new(encryption: EncryptionKey) -> Options {
        Options {
            encryption,
            default_caller: Caller::administrator("system:admin"),
            authorizer: Arc::new(AllowAll),
            admission: Vec::new(),
            root_certificate: None,
            logs: None,
            metrics: Vec::new(),
            build: "windlass".to_owned(),
        }
    }
}

/// The server could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the API: {action}")]
pub struct OpenError {
    action: &'static str,
    #[source]
    source: Status,
}

/// A running server. Dropping it ends its loops and its clients' watches; routers that still exist answer reads only from then on
/// as long as the store lives.
pub struct Server {
    api: Arc<Api>,
    router: Router,
}

impl Server {
    /// Makes what every cluster has at its start (namespaces, their service accounts), serves the definitions that are stored,
    /// and starts the loops (definitions, namespaces, collector). Needs a tokio runtime.
    ///
    /// # Errors
    /// What has to be there cannot be stored, or what is stored cannot be read.
    pub async fn open(store: Store, options: Options) -> Result<Server, OpenError> {
        let api = Arc::new(Api::new(store, options));
        let failed = |action| move |source| OpenError { action, source };
        let definitions = crd::serve_stored(&api).map_err(failed("the stored CustomResourceDefinitions cannot be served"))?;
        namespaces::prepare(&api).await.map_err(failed("the first namespaces cannot be made"))?;
        crd::start(&api, definitions);
        namespaces::start(&api);
        collector::start(&api);
        api.metrics.add(Box::new(metrics::Stored(Arc::downgrade(&api))));
        let router = routes::router(Arc::clone(&api));
        Ok(Server { api, router })
    }

    /// The whole API. Serve it over TCP, or call it in process (`kube::Client::new`). Put a [`Caller`] into a request's extensions
    /// to say who it comes from.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The store behind it.
    pub fn store(&self) -> &Store {
        &self.api.store
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.api.stop.cancel();
    }
}
