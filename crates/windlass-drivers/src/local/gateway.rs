//! The gateway: one stable listener per service port, and one shared listener that tells instances apart by their host.
//!
//! It passes requests to replicas that are ready, the least busy of two drawn ones first. What it knows is read from the
//! target's directory, so that it is the same after a restart. Proxying itself (hop-by-hop headers, WebSocket, streaming,
//! `X-Forwarded-*`) is `axum-reverse-proxy`'s. Start with [`Gateway::serve`] and [`Gateway::answer`].

mod page;

use super::part::Part;
use super::port_holder::port_holder;
use super::records::{NodeKey, NodeView, Record, What};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum_reverse_proxy::{HostBehaviour, ProxyError, ProxyPolicy, TunnelCancellation, TunnelGuard, proxy_request_on_stream};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use windlass_api::plan::InstanceReference;

/// A replica on this machine that does not take a connection in this time is passed over.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a request goes: a port of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Way {
    node: NodeKey,
    port: String,
}

#[derive(Clone)]
struct HostRoute {
    path: String,
    since: i64,
    instance: InstanceReference,
    way: Way,
}

struct Listening {
    port: u16,
    http: bool,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Table {
    nodes: BTreeMap<NodeKey, NodeView>,
    hosts: HashMap<String, Vec<HostRoute>>,
}

/// The gateway of the local target.
pub(super) struct Gateway {
    table: RwLock<Table>,
    listening: Mutex<BTreeMap<Way, Listening>>,
    faults: Mutex<BTreeMap<Way, String>>,
    tunnels: Mutex<HashMap<NodeKey, CancellationToken>>,
    loads: Mutex<HashMap<SocketAddr, Arc<AtomicUsize>>>,
    policy: ProxyPolicy,
    stop: CancellationToken,
}

/// Counts a request while it lasts.
struct Load(Arc<AtomicUsize>);

impl Load {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Clone)]
enum Door {
    Apps,
    One(Way),
}

impl Gateway {
    pub(super) fn new() -> Arc<Self> {
        let policy = ProxyPolicy::new().with_host_behaviour(HostBehaviour::Preserve).with_public_scheme("http");
        Arc::new(Self {
            table: RwLock::default(),
            listening: Mutex::default(),
            faults: Mutex::default(),
            tunnels: Mutex::default(),
            loads: Mutex::default(),
            policy,
            stop: CancellationToken::new(),
        })
    }

    /// Serves the shared listener until the gateway is stopped.
    pub(super) fn serve(self: &Arc<Self>, listener: TcpListener) {
        drop(tokio::spawn(serve_http(Arc::clone(self), Door::Apps, listener, self.stop.child_token())));
    }

    /// Ends every listener and every connection that was handed over.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Takes over what a node is now.
    pub(super) async fn refresh(self: &Arc<Self>, key: &NodeKey, view: NodeView) {
        self.put(key, view);
        let wished = self.wished_listeners(key);
        let gone: Vec<Listening> = {
            let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
            let gone = |way: &Way, found: &Listening| way.node == *key && wished.get(way) != Some(&(found.port, found.http));
            let ways: Vec<Way> = listening.iter().filter(|(way, found)| gone(way, found)).map(|(way, _)| way.clone()).collect();
            ways.iter().filter_map(|way| listening.remove(way)).collect()
        };
        for listening in gone {
            listening.stop.cancel();
            // Waits until the socket is closed: an address that was given back accepts nothing any more.
            drop(listening.task.await);
        }
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).retain(|way, _| way.node != *key || wished.contains_key(way));
        for (way, (port, http)) in wished {
            self.listen(way, port, http).await;
        }
    }

    /// Enters a route before its node is read anew.
    pub(super) fn claim(&self, key: &NodeKey, record: &Record) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if let What::Route { host, path, port, since } = &record.what {
            let way = Way { node: key.clone(), port: port.clone() };
            let route = HostRoute { path: path.clone(), since: *since, instance: record.instance.clone(), way };
            table.hosts.entry(host.clone()).or_default().push(route);
        }
    }

    fn put(&self, key: &NodeKey, view: NodeView) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for routes in table.hosts.values_mut() {
            routes.retain(|route| route.way.node != *key);
        }
        for record in view.records.values() {
            if let What::Route { host, path, port, since } = &record.what {
                let way = Way { node: key.clone(), port: port.clone() };
                let route = HostRoute { path: path.clone(), since: *since, instance: record.instance.clone(), way };
                table.hosts.entry(host.clone()).or_default().push(route);
            }
        }
        for routes in table.hosts.values_mut() {
            routes.sort_by_key(|route| route.since);
        }
        table.hosts.retain(|_, routes| !routes.is_empty());
        if view.is_empty() {
            table.nodes.remove(key);
            if let Some(token) = self.tunnels.lock().unwrap_or_else(PoisonError::into_inner).remove(key) {
                token.cancel();
            }
        } else {
            table.nodes.insert(key.clone(), view);
        }
    }

    fn wished_listeners(&self, key: &NodeKey) -> BTreeMap<Way, (u16, bool)> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let records = table.nodes.get(key).map(|view| &view.records).into_iter().flatten();
        records
            .filter_map(|(part, record)| match (part, &record.what) {
                (Part::Listener(name), What::Listener { port, http, .. }) => {
                    Some((Way { node: key.clone(), port: name.clone() }, (*port, *http)))
                }
                _ => None,
            })
            .collect()
    }

    async fn listen(self: &Arc<Self>, way: Way, port: u16, http: bool) {
        if self.listening.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&way) {
            return;
        }
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => listener,
            Err(_) => {
                let who = port_holder(port).unwrap_or_else(|| "another program".into());
                let said = format!(
                    "port {port} of this instance's address is held by {who}\n  hint: end that program; the port is tried again by itself"
                );
                self.faults.lock().unwrap_or_else(PoisonError::into_inner).insert(way, said);
                return;
            }
        };
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).remove(&way);
        let stop = self.stop.child_token();
        let task = if http {
            tokio::spawn(serve_http(Arc::clone(self), Door::One(way.clone()), listener, stop.clone()))
        } else {
            tokio::spawn(serve_bytes(Arc::clone(self), way.clone(), listener, stop.clone()))
        };
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).insert(way, Listening { port, http, stop, task });
    }

    /// Why a listener does not listen; `None` if it does, or is none.
    pub(super) fn fault(&self, node: &NodeKey, port: &str) -> Option<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).get(&Way { node: node.clone(), port: port.to_owned() }).cloned()
    }

    /// The nodes with a listener that does not listen.
    pub(super) fn faulty(&self) -> Vec<NodeKey> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).keys().map(|way| way.node.clone()).collect()
    }

    /// Who holds this host and path, if it is not this node. The first holder of a host has all of it; two nodes of one
    /// instance share it by path.
    pub(super) fn holder(&self, node: &NodeKey, host: &str, path: &str) -> Option<InstanceReference> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let routes = table.hosts.get(host)?;
        let first = routes.first()?;
        if first.way.node.uid != node.uid {
            return Some(first.instance.clone());
        }
        routes.iter().find(|route| route.way.node != *node && route.path == path).map(|route| route.instance.clone())
    }

    fn way_of_host(&self, host: &str, path: &str) -> Option<Way> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let routes = table.hosts.get(host)?;
        let holder = &routes.first()?.way.node.uid;
        let fitting = routes.iter().filter(|route| route.way.node.uid == *holder && is_below(path, &route.path));
        fitting.max_by_key(|route| route.path.len()).map(|route| route.way.clone())
    }

    /// The replicas of a way that are ready, except some, the better one first.
    fn choose(&self, way: &Way, except: &[SocketAddr]) -> Option<(SocketAddr, Arc<AtomicUsize>)> {
        let mut ready = {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            table.nodes.get(&way.node).map(|view| backends(view, &way.port)).unwrap_or_default()
        };
        ready.retain(|address| !except.contains(address));
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        if loads.len() > 4096 {
            loads.retain(|_, load| Arc::strong_count(load) > 1);
        }
        let mut drawn = Vec::new();
        while drawn.len() < 2 && !ready.is_empty() {
            let address = ready.swap_remove(rand::random_range(0..ready.len()));
            drawn.push((address, Arc::clone(loads.entry(address).or_default())));
        }
        drawn.into_iter().min_by_key(|(_, load)| load.load(Ordering::Relaxed))
    }

    async fn connect(&self, way: &Way) -> Option<(TcpStream, SocketAddr, Load)> {
        let mut tried = Vec::new();
        while let Some((address, load)) = self.choose(way, &tried) {
            let load = Load::begin(&load);
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Some((stream, address, load)),
                Ok(Err(_)) | Err(_) => tried.push(address),
            }
        }
        None
    }

    fn tunnel(&self, node: &NodeKey) -> CancellationToken {
        let mut tunnels = self.tunnels.lock().unwrap_or_else(PoisonError::into_inner);
        tunnels.entry(node.clone()).or_insert_with(|| self.stop.child_token()).clone()
    }

    async fn answer(&self, door: &Door, mut request: Request) -> Response {
        let way = match door {
            Door::One(way) => Some(way.clone()),
            Door::Apps => host_of(&request).and_then(|host| self.way_of_host(&host, request.uri().path())),
        };
        let wants_html = page::wants_html(request.headers());
        let Some(way) = way else { return page::unknown_host(wants_html) };
        let Some((stream, address, load)) = self.connect(&way).await else {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            return page::none_ready(table.nodes.get(&way.node), &way.node.node, wants_html);
        };
        let path = request.uri().path_and_query().map_or("/", |found| found.as_str());
        let Ok(uri) = format!("http://{address}{path}").parse() else { return page::unknown_host(wants_html) };
        request.extensions_mut().insert(TunnelGuard::new(load));
        request.extensions_mut().insert(TunnelCancellation(self.tunnel(&way.node)));
        let Ok(response) = proxy_request_on_stream(uri, request, stream, &self.policy).await;
        if response.extensions().get::<ProxyError>().is_some() { page::broke_off(wants_html) } else { response }
    }
}

/// The addresses of the replicas that are ready; all containers of a replica have to be.
fn backends(view: &NodeView, port: &str) -> Vec<SocketAddr> {
    let mut replicas: BTreeMap<(u32, u32), (bool, Option<SocketAddr>)> = BTreeMap::new();
    for slot in &view.slots {
        let entry = replicas.entry((slot.config.replica, slot.generation)).or_insert((true, None));
        entry.0 &= slot.is_ready();
        let listens_on = slot.state.as_ref().and_then(|state| state.listens_on);
        if let Some(port) = slot.config.ports.get(port)
            && (entry.1.is_none() || listens_on.is_some())
        {
            entry.1 = Some(SocketAddr::new(listens_on.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), *port));
        }
    }
    replicas.into_values().filter(|(ready, _)| *ready).filter_map(|(_, address)| address).collect()
}

/// The host that a request names, in lower case, without its port.
fn host_of(request: &Request) -> Option<String> {
    let of_uri = request.uri().host().map(str::to_owned);
    let host = of_uri.or_else(|| {
        let header = request.headers().get(http::header::HOST)?.to_str().ok()?;
        Some(
            header
                .rsplit_once(':')
                .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
                .map_or(header, |(host, _)| host)
                .to_owned(),
        )
    })?;
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether a path is a prefix's own or below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn serve_http(gateway: Arc<Gateway>, door: Door, listener: TcpListener, stop: CancellationToken) {
    let handler =
        |State((gateway, door)): State<(Arc<Gateway>, Door)>, request: Request<Body>| async move { gateway.answer(&door, request).await };
    let router = Router::new().fallback(handler).with_state((gateway, door));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stopped = stop.clone();
    let served = axum::serve(listener, service).with_graceful_shutdown(async move { stopped.cancelled().await });
    // The socket closes at once. Connections that are still busy are not waited for: they end by themselves, or with their replica.
    tokio::select! {
        result = served.into_future() => if let Err(error) = result { tracing::warn!(%error, "a listener of the gateway ended") },
        () = stop.cancelled() => {}
    }
}

async fn serve_bytes(gateway: Arc<Gateway>, way: Way, listener: TcpListener, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((mut client, _)) = accepted else { continue };
        let (gateway, way) = (Arc::clone(&gateway), way.clone());
        tokio::spawn(async move {
            let end = gateway.tunnel(&way.node);
            // Without a ready replica the connection is closed: bytes have no page.
            let Some((mut stream, _, _load)) = gateway.connect(&way).await else { return };
            tokio::select! {
                // How a connection ends is between the two.
                _ = tokio::io::copy_bidirectional(&mut client, &mut stream) => {}
                () = end.cancelled() => {}
            }
        });
    }
}

#[cfg(test)]
mod tests;
