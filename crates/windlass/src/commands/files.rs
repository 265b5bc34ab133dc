//! `windlass files`: serves a directory over HTTP on loopback; what the starter template for static sites runs.

use crate::exit::Exit;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use windlass_drivers::local::files;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct FilesArguments {
    /// The directory
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// The port on loopback
    #[arg(long, value_name = "PORT", env = "PORT")]
    port: u16,
}

/// Serves until it is told to stop.
pub(crate) async fn run(arguments: &FilesArguments) -> anyhow::Result<Exit> {
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    files::serve(&arguments.directory, SocketAddr::from(([127, 0, 0, 1], arguments.port)), stop).await?;
    Ok(Exit::Success)
}
