//! What lives as long as the portal: client, sessions, the shared cache and the watches that fill it.

use crate::PortalOptions;
use crate::cache::{Cache, KindKey};
use crate::errors::Failure;
use crate::logs::LogSource;
use crate::session::Sessions;
use futures::StreamExt as _;
use kube::Client;
use kube::api::DynamicObject;
use kube::runtime::{WatchStreamExt as _, watcher};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use windlass_api::names;
use windlass_client::objects::Kind;

/// How long after the portal's start requests wait for its first lists.
const START: Duration = Duration::from_secs(3);

/// The portal, shared by all requests.
pub(crate) type Shared = Arc<Portal>;

/// What lives as long as the portal.
pub(crate) struct Portal {
    /// The one way to the API.
    pub(crate) client: Client,
    /// Who may come in.
    pub(crate) sessions: Arc<Sessions>,
    /// Windlass' version.
    pub(crate) version: String,
    /// Hosts with port, in lower case.
    pub(crate) origins: Vec<String>,
    /// Path of the kubeconfig, for commands.
    pub(crate) kubeconfig: String,
    /// Where output can be read.
    pub(crate) logs: Option<Arc<dyn LogSource>>,
    /// What the watches saw.
    pub(crate) cache: Arc<Cache>,
    started: Instant,
    watches: Vec<JoinHandle<()>>,
}

impl Portal {
    /// Starts the watches of Templates (and so of each kind that they publish) and Runs.
    pub(crate) fn start(options: PortalOptions) -> Self {
        let cache = Arc::new(Cache::default());
        let watches = vec![
            tokio::spawn(follow_templates(options.client.clone(), Arc::clone(&cache))),
            tokio::spawn(follow_runs(options.client.clone(), Arc::clone(&cache))),
        ];
        Self {
            client: options.client,
            sessions: options.sessions,
            version: options.version,
            origins: options.public_origins.iter().map(|origin| origin.to_ascii_lowercase()).collect(),
            kubeconfig: options.kubeconfig_hint,
            logs: options.logs,
            cache,
            started: Instant::now(),
            watches,
        }
    }
}

impl Portal {
    /// Waits until the first lists are read, while the portal is young: afterwards pages rather say that something is missing.
    pub(crate) async fn settle(&self) {
        let left = START.saturating_sub(self.started.elapsed());
        if !left.is_zero() {
            self.cache.wait_for(left, Cache::is_complete).await;
        }
    }

    /// A published kind.
    pub(crate) fn kind(&self, group: &str, kind: &str) -> Result<Kind, Failure> {
        let key = (group.to_owned(), kind.to_owned());
        self.cache.published().remove(&key).ok_or_else(|| Failure::absent(format!("kind `{kind}` that a template publishes in `{group}`")))
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        for watch in &self.watches {
            watch.abort();
        }
    }
}

/// One of Windlass' own kinds.
pub(crate) fn own(kind: &str, plural: &str, namespaced: bool) -> Kind {
    let resource = kube::api::ApiResource {
        group: names::GROUP.into(),
        version: names::VERSION.into(),
        api_version: names::API_VERSION.into(),
        kind: kind.into(),
        plural: plural.into(),
    };
    Kind { resource, namespaced }
}

/// `Template`.
pub(crate) fn templates() -> Kind {
    own("Template", "templates", false)
}

/// `Run`.
pub(crate) fn runs() -> Kind {
    own("Run", "runs", true)
}

/// `Inventory`.
pub(crate) fn inventories() -> Kind {
    own("Inventory", "inventories", true)
}

async fn follow_runs(client: Client, cache: Arc<Cache>) {
    each_event(&client, &runs(), |event| match event {
        watcher::Event::Init => cache.begin_runs(),
        watcher::Event::InitApply(object) => cache.put_run(&object, false),
        watcher::Event::InitDone => cache.end_runs(),
        watcher::Event::Apply(object) => cache.put_run(&object, true),
        watcher::Event::Delete(object) => cache.drop_run(&object),
    })
    .await;
}

async fn follow_templates(client: Client, cache: Arc<Cache>) {
    let mut kinds = Kinds { client: client.clone(), cache: Arc::clone(&cache), tasks: JoinSet::new(), running: BTreeMap::new() };
    each_event(&client, &templates(), |event| {
        match event {
            watcher::Event::Init => cache.begin_templates(),
            watcher::Event::InitApply(object) => cache.put_template(&object, false),
            watcher::Event::InitDone => cache.end_templates(),
            watcher::Event::Apply(object) => cache.put_template(&object, true),
            watcher::Event::Delete(object) => cache.drop_template(&object),
        }
        kinds.adjust();
    })
    .await;
}

/// The watches of the published kinds. Dropping it ends them all.
struct Kinds {
    client: Client,
    cache: Arc<Cache>,
    tasks: JoinSet<()>,
    running: BTreeMap<KindKey, (Kind, AbortHandle)>,
}

impl Kinds {
    fn adjust(&mut self) {
        if !self.cache.templates_known() {
            return;
        }
        let wanted = self.cache.published();
        self.running.retain(|key, (kind, task)| {
            let keep = wanted.get(key) == Some(kind);
            if !keep {
                task.abort();
                self.cache.forget_kind(key);
            }
            keep
        });
        for (key, kind) in wanted {
            if !self.running.contains_key(&key) {
                let follow = follow_kind(self.client.clone(), Arc::clone(&self.cache), key.clone(), kind.clone());
                self.running.insert(key, (kind, self.tasks.spawn(follow)));
            }
        }
    }
}

async fn follow_kind(client: Client, cache: Arc<Cache>, key: KindKey, kind: Kind) {
    each_event(&client, &kind, |event| match event {
        watcher::Event::Init => cache.begin_kind(&key),
        watcher::Event::InitApply(object) => cache.put_instance(&key, &object, false),
        watcher::Event::InitDone => cache.end_kind(&key),
        watcher::Event::Apply(object) => cache.put_instance(&key, &object, true),
        watcher::Event::Delete(object) => cache.drop_instance(&key, &object),
    })
    .await;
}

/// Calls `take` for every event of a kind, for ever; a lost connection is taken up again with back-off.
async fn each_event(client: &Client, kind: &Kind, mut take: impl FnMut(watcher::Event<DynamicObject>)) {
    let api = kind.api(client, None);
    let mut events = std::pin::pin!(watcher(api, watcher::Config::default().page_size(windlass_client::watch::PAGE)).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => take(event),
            Err(error) => {
                let error = windlass_client::errors::chain(&error);
                tracing::debug!(kind = %kind.resource.kind, %error, "the watch was interrupted and is taken up again");
            }
        }
    }
}
