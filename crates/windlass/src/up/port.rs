//! The one port, and who has it where it is taken.

use crate::exit::{Exit, failed};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

/// Takes the port.
///
/// # Errors
/// Somebody else has it (named where that can be seen), or it is not allowed.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let port = address.port();
        match error.kind() {
            ErrorKind::AddrInUse => {
                let who = holder(port).unwrap_or_else(|| "another program".into());
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

/// `NAME (process 123)`, where this user may see it.
fn holder(port: u16) -> Option<String> {
    let inodes = listening_inodes(port);
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    for entry in fs_err::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(descriptors) = fs_err::read_dir(entry.path().join("fd")) else { continue };
        let holds = descriptors
            .flatten()
            .filter_map(|fd| fs_err::read_link(fd.path()).ok())
            .any(|link| wanted.iter().any(|socket| link.as_os_str() == socket.as_str()));
        if holds {
            let name = fs_err::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(format!("`{}` (process {pid})", name.trim()));
        }
    }
    None
}

/// Inodes of the sockets that listen on a port, from `/proc/net/tcp` (state `0A` is listening).
fn listening_inodes(port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs_err::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == "0A").then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
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
