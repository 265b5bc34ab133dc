//! Ports on the loopback address: none is given away twice, and none that somebody listens on.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// Below the range from which the system takes ports for outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// The ports that the targets of this process gave away: a program may take a while until it listens on its own.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// The ports that are given away.
#[derive(Debug, Default)]
pub(super) struct Ports {
    taken: BTreeSet<u16>,
}

impl Ports {
    /// Notes a port that was given away before a restart.
    pub(super) fn reserve(&mut self, port: u16) {
        self.taken.insert(port);
        GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
    }

    /// Gives a port away. `None` where all are taken.
    pub(super) fn take(&mut self) -> Option<u16> {
        let start = rand::random_range(0..COUNT);
        let mut candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = candidates.find(|port| !self.taken.contains(port) && !given.contains(port) && is_free(*port))?;
        given.insert(found);
        self.taken.insert(found);
        Some(found)
    }

    /// Takes a port back.
    pub(super) fn release(&mut self, port: u16) {
        self.taken.remove(&port);
        GIVEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }
}

/// Whether nobody listens on it, on whatever address.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let mut ports = Ports::default();
        let given: BTreeSet<u16> = (0..200).map(|_| ports.take().unwrap()).collect();
        assert_eq!(given.len(), 200);
    }

    #[test]
    fn a_port_in_use_is_not_given() {
        let mut ports = Ports::default();
        let port = ports.take().unwrap();
        let held = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(!is_free(port));
        drop(held);
        assert!(is_free(port));
    }
}
