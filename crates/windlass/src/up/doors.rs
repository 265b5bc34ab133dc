//! The one port's two doors: TLS with client certificates for API clients, plain HTTP with a session for the portal.
//!
//! The first byte decides: a TLS handshake begins with 22. kubectl drops its credentials silently over plain HTTP, which
//! is why its door is TLS. Nothing is decided about objects here; who calls is handed on as a [`Caller`].

use super::certificates::{ADMIN, subject};
use super::origins::Origins;
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use futures::StreamExt as _;
use http::{HeaderMap, Request, Response, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;
use windlass_apiserver::Caller;

/// First byte of a TLS handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;
/// How long a client may take for its handshake, or for a request's head.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long open requests may take to end when the platform stops.
const DRAIN: Duration = Duration::from_secs(2);
/// How long streams may go on then: watches, event streams and followed logs never end by themselves.
const LAST_WORDS: Duration = Duration::from_millis(100);

fn admin() -> Caller {
    Caller::administrator(ADMIN)
}

fn anonymous() -> Caller {
    Caller { name: "system:anonymous".into(), groups: vec!["system:unauthenticated".into()] }
}

fn of_certificate(der: &[u8]) -> Option<Caller> {
    let (name, mut groups) = subject(der)?;
    groups.push("system:authenticated".into());
    Some(Caller { name, groups })
}

/// Whether headers carry a good session of the portal.
pub(crate) type HasSession = Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// What stands behind the doors.
#[derive(Clone)]
pub(crate) struct Doors {
    /// The Kubernetes API; the doors say who calls.
    pub(crate) api: Router,
    /// The portal's pages.
    pub(crate) portal: Router,
    /// Whether these headers carry a session of the portal.
    pub(crate) has_session: HasSession,
    /// Hosts and origins that are ours.
    pub(crate) origins: Origins,
    /// TLS settings; replaced when certificates are renewed.
    pub(crate) tls: Arc<RwLock<Arc<rustls::ServerConfig>>>,
}

impl Doors {
    /// Serves until `stop` turns true, then lets open requests end for a moment.
    pub(crate) async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (doors, end) = (self.clone(), End { watcher: graceful.watcher(), stop: stop.clone() });
                    tokio::spawn(async move { doors.welcome(stream, end).await });
                }
                Err(error) => {
                    // Out of descriptors: others must end first; accepting at once again would only spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::debug!("open requests were cut off");
        }
    }

    async fn welcome(self, stream: TcpStream, end: End) {
        // Latency counts more than packets on loopback.
        drop(stream.set_nodelay(true));
        let mut first = [0_u8; 1];
        match tokio::time::timeout(PATIENCE, stream.peek(&mut first)).await {
            Ok(Ok(1)) if first[0] == TLS_HANDSHAKE => self.welcome_tls(stream, end).await,
            Ok(Ok(1)) => {
                let doors = Arc::new(self);
                serve_connection(stream, end, move |request| {
                    let doors = doors.clone();
                    async move { doors.plain(request).await }
                })
                .await;
            }
            Ok(Ok(_) | Err(_)) | Err(_) => {}
        }
    }

    async fn welcome_tls(self, stream: TcpStream, end: End) {
        let configuration = self.tls.read().unwrap_or_else(PoisonError::into_inner).clone();
        let accepting = tokio_rustls::TlsAcceptor::from(configuration).accept(stream);
        let stream = match tokio::time::timeout(PATIENCE, accepting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                return;
            }
            Err(_) => return,
        };
        let caller = stream.get_ref().1.peer_certificates().and_then(|chain| of_certificate(chain.first()?));
        let api = self.api;
        serve_connection(stream, end, move |request| {
            let (api, caller) = (api.clone(), caller.clone());
            async move {
                if caller.is_none() && !is_open(request.uri().path()) {
                    return refuse(
                        StatusCode::UNAUTHORIZED,
                        "Unauthorized",
                        "a client certificate is needed; hint: use the kubeconfig that `windlass up` wrote",
                    );
                }
                pass_as(api, caller.unwrap_or_else(anonymous), request).await
            }
        })
        .await;
    }

    async fn plain(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        if !is_api(path) {
            return pass(self.portal.clone(), request).await;
        }
        if !self.origins.names_us(&request) {
            return refuse(StatusCode::MISDIRECTED_REQUEST, "Forbidden", "this host name is not served here");
        }
        if is_open(path) {
            return pass_as(self.api.clone(), anonymous(), request).await;
        }
        if !(self.has_session)(request.headers()) {
            let message = "over plain HTTP the API needs a session of the portal; hint: API clients use https with the kubeconfig that `windlass up` wrote";
            return refuse(StatusCode::UNAUTHORIZED, "Unauthorized", message);
        }
        if !request.method().is_safe() && !self.origins.come_from_us(request.headers()) {
            return refuse(StatusCode::FORBIDDEN, "Forbidden", "the request comes from a page of another origin");
        }
        pass_as(self.api.clone(), admin(), request).await
    }
}

async fn pass_as(api: Router, caller: Caller, mut request: Request<Incoming>) -> Response<Body> {
    request.extensions_mut().insert(caller);
    pass(api, request).await
}

async fn pass(router: Router, request: Request<Incoming>) -> Response<Body> {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// How a connection learns that the platform stops.
struct End {
    watcher: Watcher,
    stop: watch::Receiver<bool>,
}

async fn serve_connection<S, F, R>(stream: S, end: End, answer: F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let service = hyper::service::service_fn(move |request| {
        let (response, stop) = (answer(request), end.stop.clone());
        async move { Ok::<_, Infallible>(until(stop, response.await)) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(1000);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = end.watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// A response whose body, where it is a stream, ends soon after the platform begins to stop: whoever has a page open or
/// follows something must not hold `windlass down` up.
fn until(mut stop: watch::Receiver<bool>, response: Response<Body>) -> Response<Body> {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let (head, body) = response.into_parts();
    let stopped = async move {
        // Without a sender there is nobody left to stop it.
        drop(stop.wait_for(|stop| *stop).await);
        tokio::time::sleep(LAST_WORDS).await;
    };
    Response::from_parts(head, Body::from_stream(body.into_data_stream().take_until(stopped)))
}

/// Whether a path belongs to the Kubernetes API.
fn is_api(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "api" | "apis" | "openapi" | "version" | "healthz" | "livez" | "readyz" | "metrics")
}

/// What anybody may ask, as on every Kubernetes API.
fn is_open(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "version" | "healthz" | "livez" | "readyz")
}

/// A refusal in the API's own form.
fn refuse(code: StatusCode, reason: &str, message: &str) -> Response<Body> {
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    (code, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `windlass down` took two seconds wherever a page was open.
    #[tokio::test(start_paused = true)]
    async fn streams_end_when_the_platform_stops() {
        let (stop, stopped) = watch::channel(false);
        let endless = futures::stream::once(async { Ok::<_, Infallible>("line\n") }).chain(futures::stream::pending());
        let response = until(stopped.clone(), Response::new(Body::from_stream(endless)));
        let began = tokio::time::Instant::now();
        stop.send_replace(true);
        let whole = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        assert_eq!(&whole[..], b"line\n");
        assert_eq!(began.elapsed(), LAST_WORDS);
        let short = until(stopped, Response::new(Body::from("whole")));
        assert!(short.body().size_hint().exact().is_some(), "what is there already is sent as it is");
    }

    #[test]
    fn the_paths_of_the_api_are_told_from_pages() {
        for path in ["/api", "/api/v1/pods", "/apis/windlass.dev/v1alpha1", "/openapi/v3", "/livez/ping", "//api/v1"] {
            assert!(is_api(path), "{path}");
        }
        for path in ["/", "/templates/api", "/ui/events", "/apiary", "/versions"] {
            assert!(!is_api(path), "{path}");
        }
    }
}
