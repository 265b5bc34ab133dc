//! `/metrics`: what the server does, in the names that Prometheus rules and dashboards for Kubernetes know, as OpenMetrics text.
//!
//! Labels hold only what is served (verb, group, version, resource, code), never a name, namespace or user, so that nobody can make
//! series at will. The server's owner adds its own by [`crate::Options::metrics`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::api::Api;
use crate::{Status, StoredObjects, answer};

/// Media type of the text.
const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds in seconds: from an answer out of memory to one that waits for a slow disk.
const SECONDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

/// What was asked.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Asked {
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    verb: &'static str,
    group: String,
    version: String,
    resource: String,
    subresource: String,
    code: u32,
}

/// The server's own counts.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram>,
    watches: Family<Asked, Gauge>,
}

/// An open watch; dropped when its stream ends.
pub(crate) struct OpenWatch(Gauge);

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let metrics = Metrics {
            registry: Mutex::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            watches: Family::default(),
        };
        let mut registry = metrics.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // The library adds `_total` to counters.
        registry.register("apiserver_request", "Requests that were answered", metrics.requests.clone());
        registry.register(
            "apiserver_request_duration_seconds",
            "Time until the answer, watches and followed logs apart",
            metrics.seconds.clone(),
        );
        registry.register("apiserver_longrunning_requests", "Watches that are open", metrics.watches.clone());
        drop(registry);
        metrics
    }

    /// Counts an answer. One that goes on, as a watch does, has no duration.
    pub(crate) fn count(&self, asked: Asked, code: StatusCode, took: Option<Duration>) {
        let Asked { verb, group, version, resource, subresource } = asked.clone();
        let answered = Answered { verb, group, version, resource, subresource, code: code.as_u16().into() };
        self.requests.get_or_create(&answered).inc();
        if let Some(took) = took {
            self.seconds.get_or_create(&asked).observe(took.as_secs_f64());
        }
    }

    pub(crate) fn watch(&self, asked: &Asked) -> OpenWatch {
        let gauge = self.watches.get_or_create_owned(asked);
        gauge.inc();
        OpenWatch(gauge)
    }

    pub(crate) fn add(&self, collector: Box<dyn Collector>) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(collector);
    }
}

/// `GET /metrics`
pub(crate) async fn show(State(api): State<Arc<Api>>) -> Result<Response, Status> {
    let mut said = String::new();
    let registry = api.metrics.registry.lock().unwrap_or_else(PoisonError::into_inner);
    text::encode(&mut said, &registry)
        .map_err(|error| Status::new(500, "InternalError", format!("the metrics cannot be written: {error}")))?;
    drop(registry);
    Ok(answer::with_type(StatusCode::OK, MEDIA, Bytes::from(said)))
}

/// What the server's owner counts, read whenever somebody asks.
pub trait MetricSource: Send + Sync {
    /// Writes its metrics, out of what is stored where that is what it counts.
    ///
    /// # Errors
    /// The text cannot be written.
    fn encode(&self, stored: &dyn StoredObjects, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error>;
}

/// What the store holds and the owner counts, read when it is asked for.
pub(crate) struct Stored(pub(crate) std::sync::Weak<Api>);

impl std::fmt::Debug for Stored {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Stored")
    }
}

impl Collector for Stored {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(api) = self.0.upgrade() else { return Ok(()) };
        let mut objects = encoder.encode_descriptor("apiserver_storage_objects", "Objects that are stored", None, MetricType::Gauge)?;
        for resource in api.registry().stored() {
            let count = i64::try_from(api.store.count(&resource.collection)).unwrap_or(i64::MAX);
            let labels = [("resource", resource.qualified())];
            ConstGauge::new(count).encode(objects.encode_family(&labels)?)?;
        }
        let commits =
            encoder.encode_descriptor("windlass_store_commits", "Commits to the disk since the start", None, MetricType::Counter)?;
        ConstCounter::new(api.store.commits()).encode(commits)?;
        api.options.metrics.iter().try_for_each(|source| source.encode(&*api, &mut encoder))
    }
}
