//! The API alone on a port of this machine, over plain HTTP, for trying things with kubectl:
//!
//! ```text
//! cargo run -p windlass-apiserver --example serve -- data.db 8001
//! kubectl --server http://127.0.0.1:8001 get namespaces
//! ```
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::error::Error;
use std::path::PathBuf;

use windlass_apiserver::{EncryptionKey, Options, Server};
use windlass_store::Store;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().unwrap_or_else(|| "data.db".to_owned()));
    let port: u16 = arguments.next().map_or(Ok(8001), |port| port.parse())?;
    let store = Store::open(&path, &windlass_store::Options::default())?;
    // A key for trying things: an installation makes its own.
    let server = Server::open(store, Options::new(EncryptionKey::new(&[7; 32]))).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, server.router()).with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}
