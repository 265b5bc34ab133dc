//! The portal alone over any kubeconfig, for working on its pages: no controllers, plain HTTP on loopback.
//!
//! `cargo run -p windlass-portal --example portal -- KUBECONFIG [ADDRESS]` prints a login link. The kinds of
//! `windlass_api::definitions()` are applied first, so that an empty cluster will do.
#![expect(clippy::print_stdout, reason = "an example for people at a terminal")]

use std::path::Path;
use std::sync::Arc;
use windlass_client::objects::{apply, discover};
use windlass_portal::{PortalOptions, Sessions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kubeconfig = arguments.next().ok_or("usage: portal KUBECONFIG [ADDRESS]")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7400".into());
    let client = windlass_client::connect::from_kubeconfig(Path::new(&kubeconfig), None).await?;
    let definitions = discover(&client, "apiextensions.k8s.io/v1", "CustomResourceDefinition").await?.api(&client, None);
    for definition in windlass_api::definitions() {
        let object = serde_json::to_value(&definition)?;
        apply(&definitions, definition.metadata.name.as_deref().unwrap_or_default(), &object, "windlass", true, false).await?;
    }
    let sessions = Arc::new(Sessions::default());
    let options = PortalOptions {
        client,
        sessions: Arc::clone(&sessions),
        version: env!("CARGO_PKG_VERSION").into(),
        public_origins: vec![address.clone()],
        kubeconfig_hint: kubeconfig,
        logs: None,
    };
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let router = windlass_portal::router(options);
    println!("http://{address}/login?token={}", sessions.issue_link());
    std::thread::spawn(move || {
        // A new link for each line that is entered.
        for _ in std::io::stdin().lines() {
            println!("http://{address}/login?token={}", sessions.issue_link());
        }
    });
    axum::serve(listener, router).await?;
    Ok(())
}
