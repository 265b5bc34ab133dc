//! The one port, and who has it where it is taken.

use crate::exit::{Exit, failed};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use windlass_drivers::local::port_holder;

/// Takes the port.
///
/// # Errors
/// Somebody else has it (named where that can be seen), or it is not allowed.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let port = address.port();
        match error.kind() {
            ErrorKind::AddrInUse => {
                let who = port_holder(port).unwrap_or_else(|| "another program".into());
                failed(
                    Exit::Failure,
                    format!("cannot listen on `{address}`: {who} has the port\n  hint: stop it, or use another port with --listen 127.0.0.1:0 (0 picks a free one)"),
                )
            }
            ErrorKind::PermissionDenied => {
                failed(Exit::Failure, format!("cannot listen on `{address}`: ports below 1024 need more rights\n  hint: use a port above 1023"))
            }
            _ => anyhow::Error::new(error).context(format!("cannot listen on `{address}`")),
        }
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_who_has_the_port() {
        let taken = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = taken.local_addr().expect("an address");
        let error = bind(address).expect_err("it is taken").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.contains("hint: "), "{error}");
    }
}
