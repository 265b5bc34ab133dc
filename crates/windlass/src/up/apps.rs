//! The target `local`: processes on this machine behind a gateway whose port is kept from start to start.

use super::directory::{DataDirectory, write_private};
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::Arc;
use windlass_api::inventory::Inventory;
use windlass_api::names;
use windlass_api::target::LOCAL;
use windlass_drivers::local::{LocalOptions, LocalTarget, Timings};

/// The running target.
pub(crate) struct Apps {
    /// It.
    pub(crate) target: Arc<LocalTarget>,
    /// Where its gateway listens.
    pub(crate) address: SocketAddr,
}

/// Starts it. The gateway has the port that it had before; at first the one after the portal's, or a free one.
///
/// # Errors
/// The port that apps are known under is taken, or the directory cannot be used.
pub(crate) async fn start(data: &DataDirectory, portal: SocketAddr) -> anyhow::Result<Apps> {
    let remembered = data.join("apps-port");
    let known = fs_err::read_to_string(&remembered).ok().and_then(|text| text.trim().parse::<u16>().ok());
    let next = portal.port().checked_add(1).filter(|port| std::net::TcpListener::bind(SocketAddr::new(portal.ip(), *port)).is_ok());
    let port = known.or(next).unwrap_or(0);
    let options = LocalOptions {
        directory: data.join("local"),
        apps_listen: SocketAddr::new(portal.ip(), port),
        executable: std::env::current_exe()?,
        timings: Timings::default(),
    };
    let started = LocalTarget::start(options).await;
    let target = Arc::new(started.with_context(|| match known {
        Some(_) => format!("the apps keep their address\n  hint: remove `{}`, and apps get another", remembered.display()),
        None => "the target `local` does not start".to_owned(),
    })?);
    let address = target.apps_address();
    if known != Some(address.port()) {
        write_private(&remembered, address.port().to_string().as_bytes())?;
    }
    Ok(Apps { target, address })
}

/// Names of instances that have something on this machine; empty where the API does not answer any more.
pub(crate) async fn names(client: &kube::Client) -> Vec<String> {
    let api: kube::Api<Inventory> = kube::Api::namespaced(client.clone(), names::SYSTEM_NAMESPACE);
    let inventories = api.list(&kube::api::ListParams::default()).await.map(|list| list.items).unwrap_or_default();
    let here = inventories.into_iter().filter(|inventory| inventory.spec.entries.iter().any(|entry| entry.target == LOCAL));
    let mut names: Vec<String> = here.map(|inventory| inventory.spec.instance.to_string()).collect();
    names.sort();
    names.dedup();
    names
}
