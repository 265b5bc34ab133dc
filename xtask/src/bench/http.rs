//! A client of a few lines for measuring: HTTP/1.1 on one kept connection, over TLS or plain, blocking.
//!
//! It measures servers, so it must not be what is slow: no pool, no futures. It is for loopback only; not for other use.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

/// Where a server is, and who asks.
#[derive(Clone)]
pub(super) struct Server {
    /// `127.0.0.1:PORT`.
    pub(super) address: String,
    tls: Option<Arc<ClientConfig>>,
}

/// One connection.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Duplex>>,
    host: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Server {
    /// The server of a kubeconfig as `kubectl config view --raw --flatten -o json` prints it.
    pub(super) fn of_kubeconfig(config: &Value) -> Result<Server> {
        let bytes = |pointer: &str| -> Result<Vec<u8>> {
            let text = config.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the kubeconfig has no `{pointer}`"))?;
            base64::engine::general_purpose::STANDARD.decode(text).with_context(|| format!("`{pointer}` is not base64"))
        };
        let address = config.pointer("/clusters/0/cluster/server").and_then(Value::as_str).context("the kubeconfig names no server")?;
        let address = address.strip_prefix("https://").context("the server is not reached by https")?.to_owned();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&bytes("/clusters/0/cluster/certificate-authority-data")?) {
            roots.add(certificate?)?;
        }
        let chain = bytes("/users/0/user/client-certificate-data")?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&bytes("/users/0/user/client-key-data")?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Server { address, tls: Some(Arc::new(config)) })
    }

    /// A server without TLS.
    pub(super) fn plain(address: &str) -> Server {
        Server { address: address.to_owned(), tls: None }
    }

    /// Opens a connection.
    pub(super) fn connect(&self) -> Result<Connection> {
        let socket = TcpStream::connect(&self.address).with_context(|| format!("`{}` takes no connection", self.address))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let stream: Box<dyn Duplex> = match &self.tls {
            None => Box::new(socket),
            Some(config) => {
                let name = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host).to_owned();
                Box::new(StreamOwned::new(ClientConnection::new(Arc::clone(config), ServerName::try_from(name)?)?, socket))
            }
        };
        Ok(Connection { stream: BufReader::new(stream), host: self.address.clone() })
    }
}

impl Connection {
    /// Sends a request and reads the answer to its end.
    pub(super) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        self.ask(method, path, headers, body)?;
        let (status, headers) = head(&mut self.stream)?;
        let body = whole(&mut self.stream, status, &headers)?;
        Ok(Answer { status, headers, body })
    }

    /// Sends a request whose answer never ends, and leaves it open.
    pub(super) fn open(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<()> {
        self.ask("GET", path, headers, &[])?;
        let (status, _) = head(&mut self.stream)?;
        if status == 200 { Ok(()) } else { bail!("`{path}` answers {status}") }
    }

    /// Reads a JSON object.
    pub(super) fn read(&mut self, path: &str) -> Result<Value> {
        let answer = self.send("GET", path, &[], &[])?;
        if answer.status != 200 {
            bail!("`{path}` answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Creates an object.
    pub(super) fn create(&mut self, path: &str, object: &Value) -> Result<()> {
        let answer = self.send("POST", path, &[("content-type", "application/json")], &serde_json::to_vec(object)?)?;
        if answer.status != 201 {
            bail!("`{path}` answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(())
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<()> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        let stream = self.stream.get_mut();
        stream.write_all(&bytes)?;
        Ok(stream.flush()?)
    }
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut text = String::new();
    if stream.read_line(&mut text)? == 0 {
        bail!("the server closed the connection");
    }
    Ok(text.trim_end().to_owned())
}

fn head(stream: &mut impl BufRead) -> Result<(u16, Vec<(String, String)>)> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).with_context(|| format!("`{first}` is no status line"))?;
    let mut headers = Vec::new();
    loop {
        let text = line(stream)?;
        let Some((name, value)) = text.split_once(':') else { return Ok((status, headers)) };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn whole(stream: &mut impl BufRead, status: u16, headers: &[(String, String)]) -> Result<Vec<u8>> {
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let text = line(stream)?;
            let size = u64::from_str_radix(text.split(';').next().unwrap_or_default(), 16)
                .with_context(|| format!("`{text}` is no chunk size"))?;
            std::io::copy(&mut stream.by_ref().take(size), &mut body)?;
            line(stream)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    if status != 204 && status != 304 {
        let length: u64 = header("content-length").context("an answer has no length")?.parse()?;
        stream.take(length).read_to_end(&mut body)?;
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::{head, whole};

    #[test]
    fn an_answer_in_chunks_and_one_with_a_length_are_read_to_their_end() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok";
        let mut stream = text.as_bytes();
        let (status, headers) = head(&mut stream).expect("a head");
        assert_eq!((status, whole(&mut stream, status, &headers).expect("a body")), (200, b"abcde".to_vec()));
        let (status, headers) = head(&mut stream).expect("a second head");
        assert_eq!((status, whole(&mut stream, status, &headers).expect("a body")), (201, b"ok".to_vec()));
        assert!(head(&mut stream).is_err(), "the connection is at its end");
    }
}
