//! Asking a program whether it works. Questions over the network run in a thread of their own, one at a time, so that a
//! program that does not answer never keeps its shim from anything else.

use crate::local::slot::SlotProbe;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a question brought.
pub(super) type Answer = Result<Option<IpAddr>, String>;

/// Asks over the network in a thread; `wake` gets a byte once there is an answer.
pub(super) fn ask(probe: SlotProbe, timeout: Duration, wake: UnixStream) -> io::Result<mpsc::Receiver<Answer>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        let answer = answer(&probe, timeout);
        // The receiver is gone where the program ended meanwhile; nobody wants the answer then.
        if sender.send(answer).is_ok() {
            let mut wake = wake;
            drop(wake.write_all(b"p"));
        }
    })?;
    Ok(receiver)
}

fn answer(probe: &SlotProbe, timeout: Duration) -> Answer {
    let (SlotProbe::Port { port } | SlotProbe::Http { port, .. }) = probe else { return Ok(None) };
    let (stream, address) = connect(*port, timeout)?;
    match probe {
        SlotProbe::Http { path, host, headers, .. } => {
            http(stream, address, path, host.as_deref(), headers, timeout).map(|()| Some(address.ip()))
        }
        SlotProbe::Started | SlotProbe::Port { .. } | SlotProbe::Exec { .. } => Ok(Some(address.ip())),
    }
}

/// A program may listen on either loopback address.
fn connect(port: u16, timeout: Duration) -> Result<(TcpStream, SocketAddr), String> {
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let address = SocketAddr::new(address, port);
        if let Ok(stream) = TcpStream::connect_timeout(&address, timeout) {
            return Ok((stream, address));
        }
    }
    Err(format!("nothing accepts connections on port {port}\n  hint: let the program listen on the port that the variable `PORT` names"))
}

fn http(
    mut stream: TcpStream,
    address: SocketAddr,
    path: &str,
    host: Option<&str>,
    headers: &[(String, String)],
    timeout: Duration,
) -> Result<(), String> {
    let no_answer = |_| format!("GET {path} was not answered in time\n  hint: look into the program's logs");
    let until = Instant::now() + timeout;
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: windlass-probe\r\nConnection: close\r\n",
        host.map_or_else(|| address.to_string(), str::to_owned)
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.set_write_timeout(Some(timeout)).map_err(no_answer)?;
    stream.write_all(request.as_bytes()).map_err(no_answer)?;
    let mut head = Vec::new();
    let mut buffer = [0; 64];
    while head.len() < 12 {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left)).map_err(no_answer)?;
        match stream.read(&mut buffer).map_err(no_answer)? {
            0 => break,
            count => head.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
    match status(&head) {
        Some(200..=399) => Ok(()),
        Some(code) => Err(format!("GET {path} answers {code}\n  hint: look into the program's logs, or correct the probe's path")),
        None => Err(format!("GET {path} is not answered with HTTP\n  hint: correct the probe's port")),
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(head.get(..12)?).ok()?;
    text.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_http_status_is_one() {
        let check = |head: &str, expected: Option<u16>| assert_eq!(status(head.as_bytes()), expected, "{head}");
        check("HTTP/1.1 204 No Content\r\n", Some(204));
        check("HTTP/1.0 500 Oh", Some(500));
        check("SSH-2.0-OpenSSH", None);
        check("HTTP/1.1", None);
    }

    #[test]
    fn a_silent_program_fails_the_probe_in_time() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let probe = SlotProbe::Http { port, path: "/".into(), host: None, headers: Vec::new() };
        let said = answer(&probe, Duration::from_millis(50)).unwrap_err();
        assert!(said.starts_with("GET / was not answered in time"), "{said}");
        assert_eq!(answer(&SlotProbe::Port { port }, Duration::from_millis(50)), Ok(Some(IpAddr::V4(Ipv4Addr::LOCALHOST))));
    }
}
