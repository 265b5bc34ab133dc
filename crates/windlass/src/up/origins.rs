//! Which hosts and origins are this installation's own; every other one is refused (DNS rebinding, foreign pages).

use http::{HeaderMap, Request, header};
use std::net::SocketAddr;

/// Hosts with port under which the portal is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    /// Those of an address on loopback.
    pub(crate) fn of(address: SocketAddr) -> Self {
        let port = address.port();
        Self(vec![address.to_string(), format!("localhost:{port}")])
    }

    /// As a list, the address itself first.
    pub(crate) fn list(&self) -> Vec<String> {
        self.0.clone()
    }

    /// Whether a request names one of them as its host.
    pub(crate) fn names_us<B>(&self, request: &Request<B>) -> bool {
        let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
        let host = named.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
        host.is_some_and(|host| self.0.iter().any(|known| known.eq_ignore_ascii_case(host)))
    }

    /// Whether a request that changes something was made by one of our pages. One that names no origin was not.
    pub(crate) fn come_from_us(&self, headers: &HeaderMap) -> bool {
        if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin") {
            return false;
        }
        let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some_and(|origin| self.0.iter().any(|known| known.eq_ignore_ascii_case(origin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &'static str, value: &'static str) -> Request<()> {
        Request::builder().uri("/api").header(name, value).body(()).expect("a request")
    }

    #[test]
    fn foreign_hosts_and_origins_are_not_ours() {
        let origins = Origins::of(SocketAddr::from(([127, 0, 0, 1], 7400)));
        for (host, ours) in [("127.0.0.1:7400", true), ("LOCALHOST:7400", true), ("evil.example:7400", false), ("127.0.0.1", false)] {
            assert_eq!(origins.names_us(&request("host", host)), ours, "{host}");
        }
        for (origin, ours) in
            [("http://127.0.0.1:7400", true), ("http://127.0.0.1:7401", false), ("null", false), ("https://localhost:7400", false)]
        {
            assert_eq!(origins.come_from_us(request("origin", origin).headers()), ours, "{origin}");
        }
        assert!(!origins.come_from_us(&HeaderMap::new()));
    }
}
