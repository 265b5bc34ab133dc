//! The platform in one process: composes the subsystems in order, says when all is ready, and takes them down again.
//!
//! Each subsystem's start stands in its own file. Start with [`run`].

use super::announce::{self, Addresses, Form};
use super::app_logs::AppLogs;
use super::certificates::Certificates;
use super::control::{Answer, Answers, Question};
use super::directory::{DataDirectory, Hold, Holder};
use super::doors::Doors;
use super::origins::Origins;
use super::{api, apps, control, controllers, installation_key, kubeconfig, log, pages, port, starters};
use crate::exit::{Exit, failed};
use crate::settings::Settings;
use crate::terminal::say;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often certificates are looked at.
const RENEWAL: Duration = Duration::from_secs(12 * 3600);
/// How long a platform that is just starting may take to answer another `up`.
const PATIENCE: Duration = Duration::from_secs(10);

/// How `up` is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// The portal is opened in a browser.
    pub(crate) browser: bool,
    /// How the addresses are printed.
    pub(crate) form: Form,
    /// This is the process that `--detach` started.
    pub(crate) detached: bool,
}

/// Runs the platform until it is told to stop, or says where it runs already.
///
/// # Errors
/// Something that it needs cannot be had; the message says what to do.
pub(crate) fn run(settings: &Settings, wants: &Wants) -> anyhow::Result<Exit> {
    let started = Instant::now();
    if wants.detached {
        super::detach::leave_terminal();
    }
    windlass_drivers::local::use_huge_pages(false);
    let hold = DataDirectory::hold(&settings.data_dir, &settings.listen.to_string())?;
    match hold {
        Hold::Ours(data) => {
            log::start(data.path(), wants.detached)?;
            runtime()?.block_on(Box::pin(serve(settings, wants, data, started)))
        }
        Hold::Theirs(holder) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(meet(settings, wants, holder))
        }
    }
}

/// Few threads: an idle platform should cost little, and the disk decides how fast writes are.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 4);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(16)
        .thread_keep_alive(Duration::from_secs(2))
        .enable_all()
        .build()
}

/// Somebody holds the data: asks them for a new login link.
async fn meet(settings: &Settings, wants: &Wants, holder: Option<Holder>) -> anyhow::Result<Exit> {
    let who = match (&holder, super::directory::process_at(&settings.data_dir)) {
        (Some(holder), _) => format!("process {}, since {}", holder.pid, holder.since),
        (None, Some((name, pid))) => format!("`{name}` (process {pid})"),
        (None, None) => "another process".to_owned(),
    };
    let place = settings.data_dir.display();
    let deadline = Instant::now() + PATIENCE;
    let answer = loop {
        match control::ask(&settings.data_dir, Question::Where).await {
            Ok(answer) => break answer,
            // It may be starting.
            Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => return Err(error.context(format!("the data directory `{place}` is held by {who}, which does not answer\n  hint: end it, or say another directory with --data-dir"))),
        }
    };
    let Answer::Here(addresses) = answer else {
        return Err(failed(
            Exit::Failure,
            format!(
                "the data directory `{place}` is held by {who}, which is of another version\n  hint: `windlass down`, then start again"
            ),
        ));
    };
    let here = addresses.api.trim_start_matches("https://");
    if settings.listen_is_asked && settings.listen.port() != 0 && here != settings.listen.to_string() {
        return Err(failed(
            Exit::Failure,
            format!(
                "the data directory `{place}` is held by {who}, which listens on `{here}`, not on `{}`\n  hint: `windlass down` first, or say another directory with --data-dir",
                settings.listen
            ),
        ));
    }
    say(&format!("Windlass runs already on `{place}` ({who})."));
    announce::print(&addresses, wants.form)?;
    if wants.browser {
        announce::open_browser(&addresses.portal);
    }
    Ok(Exit::Success)
}

/// How the platform is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Not yet.
    Not,
    /// End; apps go on.
    KeepApps,
    /// End, and stop apps.
    StopApps,
}

async fn serve(settings: &Settings, wants: &Wants, data: DataDirectory, started: Instant) -> anyhow::Result<Exit> {
    let listener = port::bind(settings.listen)?;
    let address = listener.local_addr()?;
    let certificates = Certificates::prepare(&data)?;
    let key = installation_key::read(&data)?;
    let logs = AppLogs::default();
    let api = api::open(&data, &key, &certificates.authority()?, &logs).await?;
    let apps = apps::start(&data, address).await?;
    logs.begin(apps.target.clone(), api.platform.clone());
    let origins = Origins::of(address);
    let kubeconfig_path = data.join("kubeconfig");
    kubeconfig::write(&kubeconfig_path, &format!("https://{address}"), &certificates)?;
    // Before anybody watches them: a watch of a kind that is not there yet is only tried again after a while.
    windlass_controllers::install_kinds(&api.platform).await.context("the API does not take Windlass' own kinds")?;
    let pages = pages::start(&api, &data, origins.list(), &kubeconfig_path, Arc::new(logs.clone()));
    let tls = Arc::new(RwLock::new(Arc::new(certificates.tls()?)));
    let doors =
        Doors { api: api.router.clone(), portal: pages.router.clone(), has_session: pages.has_session(), origins, tls: tls.clone() };
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(doors.serve(tokio::net::TcpListener::from_std(listener)?, stopped));
    let controllers = controllers::start(&api, apps.target.driver(), &key);
    starters::install(&api.platform).await.context("the starter templates could not be installed")?;
    let (end, mut ended) = watch::channel(End::Not);
    let running = Arc::new(Running {
        address,
        apps: apps.address,
        kubeconfig: kubeconfig_path.display().to_string(),
        pages: pages.sessions.clone(),
        client: api.platform.clone(),
        end,
    });
    let answering = tokio::spawn(control::serve(control::listen(data.path())?, running.clone()));
    let renewing = tokio::spawn(renew(certificates, tls, kubeconfig_path, address));
    tracing::info!(%address, milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX), "ready");
    let addresses = running.addresses();
    announce::print(&addresses, wants.form)?;
    if wants.browser {
        announce::open_browser(&addresses.portal);
    }
    let how = until_told(&mut ended, wants.detached).await?;
    tracing::info!(?how, "stopping");
    renewing.abort();
    drop(controllers);
    if how == End::StopApps {
        apps.target.stop_all().await;
    }
    pages.keep_sessions(&data);
    stop.send_replace(true);
    serving.await.ok();
    answering.abort();
    logs.end();
    drop(apps);
    drop(api);
    if !wants.detached {
        say(if how == End::StopApps { "Windlass has stopped, and its apps." } else { "Windlass has stopped; its apps go on." });
    }
    Ok(Exit::Success)
}

/// Ctrl-C ends everything, as `windlass down` does; a plain SIGTERM (a service manager that restarts) lets apps go on.
async fn until_told(ended: &mut watch::Receiver<End>, detached: bool) -> anyhow::Result<End> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            end = ended.wait_for(|end| *end != End::Not) => return Ok(end.map_or(End::KeepApps, |end| *end)),
            _ = tokio::signal::ctrl_c() => {
                if !detached {
                    say("\nStopping; apps are stopped, too.");
                }
                return Ok(End::StopApps);
            }
            _ = terminate.recv() => return Ok(End::KeepApps),
            // The terminal went away; a detached platform has none.
            _ = hangup.recv() => if !detached { return Ok(End::KeepApps) },
        }
    }
}

async fn renew(
    certificates: Certificates,
    tls: Arc<RwLock<Arc<rustls::ServerConfig>>>,
    kubeconfig_path: std::path::PathBuf,
    address: SocketAddr,
) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let renewed = certificates.renew().and_then(|renewed| {
            if renewed {
                *tls.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificates.tls()?);
                kubeconfig::write(&kubeconfig_path, &format!("https://{address}"), &certificates)?;
            }
            Ok(renewed)
        });
        match renewed {
            Ok(true) => tracing::info!("certificates were renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(error = %crate::exit::text(&error), "certificates could not be renewed"),
        }
    }
}

/// What the control socket answers from.
struct Running {
    address: SocketAddr,
    apps: SocketAddr,
    kubeconfig: String,
    pages: Arc<windlass_portal::Sessions>,
    client: kube::Client,
    end: watch::Sender<End>,
}

impl Running {
    fn addresses(&self) -> Addresses {
        Addresses {
            portal: format!("http://{}/login?token={}", self.address, self.pages.issue_link()),
            api: format!("https://{}", self.address),
            kubeconfig: self.kubeconfig.clone(),
            apps: format!("http://{}", self.apps),
        }
    }
}

#[async_trait::async_trait]
impl Answers for Running {
    async fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Where => Answer::Here(self.addresses()),
            Question::Stop { keep_apps } => {
                let apps = apps::names(&self.client).await;
                self.end.send_replace(if keep_apps { End::KeepApps } else { End::StopApps });
                Answer::Stopping { apps, kept: keep_apps }
            }
        }
    }
}
