//! `DIR/kubeconfig` (mode 0600): the address, the authority's certificate, and the owner's client certificate.

use super::certificates::{ADMIN, Certificates};
use super::directory::write_private;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;

/// Name of cluster and context.
const NAME: &str = "windlass";

/// Writes it where it changed.
///
/// # Errors
/// The certificates cannot be read, or the file cannot be written.
pub(crate) fn write(path: &Path, api: &str, certificates: &Certificates) -> anyhow::Result<()> {
    let (certificate, key) = certificates.admin()?;
    let document = document(api, &certificates.authority()?, &certificate, &key);
    let text = serde_saphyr::to_string(&document)?;
    if fs_err::read_to_string(path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    write_private(path, text.as_bytes())
}

fn document(api: &str, authority: &str, certificate: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {"server": api, "certificate-authority-data": STANDARD.encode(authority)}}],
        "users": [{"name": ADMIN, "user": {
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(key),
        }}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": ADMIN, "namespace": "default"}}],
        "current-context": NAME,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_reads_it() {
        let text = serde_saphyr::to_string(&document("https://127.0.0.1:7400", "a", "b", "c")).expect("YAML");
        let read = kube::config::Kubeconfig::from_yaml(&text).expect("a kubeconfig");
        assert_eq!(read.current_context.as_deref(), Some(NAME));
        assert_eq!(read.clusters[0].cluster.as_ref().and_then(|cluster| cluster.server.as_deref()), Some("https://127.0.0.1:7400"));
    }
}
