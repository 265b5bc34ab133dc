//! Checks of how requests find their way.

use super::*;

#[test]
fn a_prefix_ends_at_a_segment() {
    let check = |path: &str, prefix: &str, expected: bool| assert_eq!(is_below(path, prefix), expected, "{path} {prefix}");
    check("/", "/", true);
    check("/a", "/", true);
    check("/api", "/api", true);
    check("/api/x", "/api/", true);
    check("/apis", "/api", false);
    check("/", "/api", false);
}

#[test]
fn a_host_is_read_without_its_port() {
    let check = |host: &str, expected: &str| {
        let request = Request::builder().uri("/").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(host_of(&request).as_deref(), Some(expected));
    };
    check("Shop.Dev.localhost:7401", "shop.dev.localhost");
    check("shop.dev.localhost.", "shop.dev.localhost");
    check("[::1]:80", "[::1]");
}
