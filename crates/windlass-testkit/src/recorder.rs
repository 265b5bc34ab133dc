//! What really happened, seen from outside, and whether an approved plan allowed it.
//!
//! Every write that goes through a [`Recorder::client`] is judged in its order: an effect must stand in the plan of a Run that
//! was stored before, has not ended, and was approved where its policy asks for that. What a driver says it did is not
//! believed. Bookkeeping (status, finalizers, Runs, Inventories, published kinds) is no effect. Start with [`Recorder`].

mod judge;
mod request;

use judge::Known;
use kube::Client;
use kube::client::Body;
use request::Target;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_api::plan::{Action, Identity};

/// Whose hand writes through a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Controllers and drivers: each effect is judged.
    Windlass,
    /// Anybody else: only what they decide is noted.
    Person,
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An object of the API.
    Object(Identity),
    /// Something outside the API, by its effect key.
    Outside(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(identity) => write!(f, "{identity}"),
            Self::Outside(key) => write!(f, "`{key}` outside"),
        }
    }
}

/// Something that really happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// UID of the instance for which it was done, where that can be seen.
    pub instance: Option<String>,
    /// What was done.
    pub action: Action,
    /// To what.
    pub place: Place,
    /// Why no approved plan allowed it; absent where one did.
    pub violation: Option<String>,
}

/// See the module head.
#[derive(Default)]
pub struct Recorder {
    known: Mutex<Known>,
    in_flight: AtomicUsize,
    /// How often Windlass read an object of this name.
    reads: Mutex<HashMap<String, u64>>,
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A client whose writes are recorded.
    ///
    /// A write that was sent arrives even where its sender is dropped meanwhile, as with a process that is killed.
    pub fn client(self: &Arc<Self>, inner: &Client, hand: Hand) -> Client {
        let (recorder, namespace) = (self.clone(), inner.default_namespace().to_owned());
        let inner = inner.clone();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let (recorder, inner) = (recorder.clone(), inner.clone());
            async move {
                let Some(target) = Target::of(request.method(), request.uri()) else {
                    if hand == Hand::Windlass {
                        let name = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
                        *recorder.read().entry(name).or_default() += 1;
                    }
                    return inner.send(request).await;
                };
                recorder.in_flight.fetch_add(1, Ordering::SeqCst);
                let sent = tokio::spawn(async move {
                    let answer = recorder.send(inner, hand, target, request).await;
                    recorder.in_flight.fetch_sub(1, Ordering::SeqCst);
                    answer
                });
                sent.await.unwrap_or_else(|error| Err(kube::Error::Service(error.into())))
            }
        });
        Client::new(service, namespace)
    }

    /// Writes that were sent and not answered yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Writes of Windlass that changed something, bookkeeping too, as `PLURAL NAME PART`; of what was read from elsewhere
    /// a write that changes nothing counts, too.
    pub fn writes(&self) -> Vec<String> {
        self.known().writes.clone()
    }

    /// How often Windlass has read, or tried a write of, an object of this name.
    pub fn reads(&self, name: &str) -> u64 {
        self.read().get(name).copied().unwrap_or_default()
    }

    /// Counts reads anew.
    pub fn forget_reads(&self) {
        self.read().clear();
    }

    /// Everything that happened, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.known().effects.clone()
    }

    /// What happened outside every approved plan, one sentence each.
    pub fn violations(&self) -> Vec<String> {
        self.known().effects.iter().filter_map(|effect| effect.violation.clone()).collect()
    }

    /// Notes something that happened outside the API.
    pub fn outside(&self, instance: &str, key: &str, action: Action) {
        self.known().effect(Some(instance.to_owned()), action, Place::Outside(key.to_owned()));
    }

    async fn send(
        &self,
        inner: Client,
        hand: Hand,
        target: Target,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, kube::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.known().before(hand, &target, &sent);
        let answer = inner.send(http::Request::from_parts(head, Body::from(body))).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect_bytes().await?;
        if head.status.is_success() {
            let answered: Value = serde_json::from_slice(&body).unwrap_or_default();
            self.known().after(hand, &target, &sent, &answered, head.status == http::StatusCode::CREATED);
        }
        Ok(http::Response::from_parts(head, Body::from(body)))
    }

    fn read(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
