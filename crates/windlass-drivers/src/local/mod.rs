//! The target `local`: workloads as processes on this machine, each under a small shim that outlives Windlass, behind a
//! gateway with stable addresses.
//!
//! Start with [`LocalTarget`]; then `driver` for effects, [`shim`] for processes, `gateway` for addresses, `records` for
//! what is kept where. What runs is described by `render` alone.

mod control;
mod control_group;
mod driver;
pub mod files;
mod gateway;
mod health;
mod logs;
mod part;
mod plan;
mod port_holder;
mod ports;
mod process;
mod procfile;
mod records;
mod render;
pub mod shim;
mod slot;
mod target;
mod wish;

pub use logs::{LogError, LogLine, LogQuery};
pub use port_holder::{port_holder, processes_with_open};
pub use process::use_huge_pages;
pub use slot::Timings;
pub use target::{LocalError, LocalOptions};

use crate::driver::Driver;
use futures::stream::BoxStream;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::broadcast;

/// This machine as a target. Dropping it ends the gateway; programs go on, and the next one finds them again.
pub struct LocalTarget {
    local: Arc<target::Local>,
    follower: tokio::task::JoinHandle<()>,
}

impl LocalTarget {
    /// Takes over what is there, starts what should run and does not, and opens every address, before anything else is done.
    ///
    /// # Errors
    /// The directory cannot be used, or the apps' address is taken.
    pub async fn start(options: LocalOptions) -> Result<Self, LocalError> {
        let (local, apps, pokes) = target::Local::open(options).await?;
        local.gateway.serve(apps);
        let follower = tokio::spawn(Arc::clone(&local).follow(pokes));
        Ok(Self { local, follower })
    }

    /// The driver of `workload` nodes.
    pub fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(driver::LocalWorkloads { local: Arc::clone(&self.local) })
    }

    /// Where the shared gateway listens.
    pub fn apps_address(&self) -> SocketAddr {
        self.local.apps
    }

    /// UIDs of instances of which something changed.
    pub fn changes(&self) -> broadcast::Receiver<String> {
        self.local.changes.subscribe()
    }

    /// What the programs of an instance wrote, in batches that are never empty, by the order of time. With `follow`, also what
    /// they and those that come after them go on to write, until the instance is gone.
    ///
    /// # Errors
    /// Nothing was started yet, or there is nothing of the name that was asked for.
    pub async fn logs(&self, query: LogQuery) -> Result<BoxStream<'static, Vec<LogLine>>, LogError> {
        logs::open(self.local.directory.clone(), query).await
    }

    /// Ends every program, gracefully; what was wished stays, and the next start runs it again.
    pub async fn stop_all(&self) {
        self.follower.abort();
        self.local.stop_all().await;
    }
}

impl Drop for LocalTarget {
    fn drop(&mut self) {
        self.follower.abort();
        self.local.gateway.stop();
    }
}

#[cfg(test)]
mod tests;
