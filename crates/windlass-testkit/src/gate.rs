//! A client some of whose requests wait: so one watch is late on purpose, where order otherwise depends on luck.

use kube::Client;
use kube::client::Body;
use tokio::sync::watch;

/// A client over another one, whose requests to addresses that end so wait until the gate is open.
pub fn client(inner: &Client, ending: &'static str, gate: watch::Receiver<bool>) -> Client {
    let (inner, namespace) = (inner.clone(), inner.default_namespace().to_owned());
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (inner, mut gate) = (inner.clone(), gate.clone());
        async move {
            if request.uri().path().ends_with(ending) {
                // A gate that nobody can open any more is open.
                gate.wait_for(|open| *open).await.ok();
            }
            inner.send(request).await
        }
    });
    Client::new(service, namespace)
}
