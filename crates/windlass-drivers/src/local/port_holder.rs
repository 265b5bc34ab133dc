//! Who listens on a port of this machine or has a file open, as far as this user may see it. Looks only.

use std::fs;
use std::path::Path;

/// `` `NAME` (process 123) ``; none where nobody listens, or somebody whose processes this user may not look into.
pub fn port_holder(port: u16) -> Option<String> {
    let inodes = listening_inodes(port);
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let found = processes_with_open(|link| wanted.iter().any(|socket| link == Path::new(socket))).next();
    found.map(|(name, pid)| format!("`{name}` (process {pid})"))
}

/// Name and process id of each process that has such a file or socket open, by what its descriptor points to.
pub fn processes_with_open(is_it: impl Fn(&Path) -> bool) -> impl Iterator<Item = (String, u32)> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(move |entry| {
        let pid = entry.file_name().to_str()?.parse::<u32>().ok()?;
        let mut open = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        open.any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|link| is_it(&link))).then(|| {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            (name.trim().to_owned(), pid)
        })
    })
}

/// Inodes of the sockets that listen on a port, from `/proc/net/tcp` (state `0A` is listening).
fn listening_inodes(port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
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
    use std::net::TcpListener;

    #[test]
    fn who_listens_is_named() {
        let held = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = held.local_addr().expect("an address").port();
        assert!(port_holder(port).expect("we hold it").ends_with(&format!("(process {})", std::process::id())));
        drop(held);
        assert_eq!(port_holder(port), None);
    }
}
