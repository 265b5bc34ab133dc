//! Checks of what a static site shows and what it does not.

use super::*;
use proptest::prelude::*;

fn site() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let site = root.path().join("site");
    fs::create_dir_all(site.join("empty")).unwrap();
    fs::create_dir_all(site.join(".git")).unwrap();
    fs::write(root.path().join("secret"), "outside").unwrap();
    fs::write(site.join("index.html"), "home").unwrap();
    fs::write(site.join("style.css"), "0123456789").unwrap();
    fs::write(site.join(".env"), "hidden").unwrap();
    fs::write(site.join(".git/config"), "hidden").unwrap();
    fs::os::unix::fs::symlink(root.path().join("secret"), site.join("link")).unwrap();
    fs::os::unix::fs::symlink(".env", site.join("env.txt")).unwrap();
    root
}

async fn get(root: &tempfile::TempDir, path: &str, header: Option<(&str, &str)>) -> (StatusCode, http::HeaderMap, String) {
    let mut request = Request::builder().uri(path);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let router = router(&root.path().join("site")).unwrap();
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn files_are_served_with_types_ranges_and_validators() {
    let root = site();
    let (status, headers, body) = get(&root, "/", None).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "home"));
    assert!(headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    let tag = headers[ETAG].to_str().unwrap().to_owned();
    assert_eq!(get(&root, "/", Some(("if-none-match", &tag))).await.0, StatusCode::NOT_MODIFIED);
    let (status, headers, body) = get(&root, "/style.css", Some(("range", "bytes=2-4"))).await;
    assert_eq!((status, body.as_str()), (StatusCode::PARTIAL_CONTENT, "234"));
    assert_eq!(headers["content-range"], "bytes 2-4/10");
    let modified = headers["last-modified"].to_str().unwrap().to_owned();
    assert_eq!(get(&root, "/style.css", Some(("if-modified-since", &modified))).await.0, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn nothing_hidden_or_outside_is_served() {
    let root = site();
    for path in [
        "/.env",
        "/.git/config",
        "/%2eenv",
        "/link",
        "/env.txt",
        "/empty/",
        "/empty",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/../secret",
        "/a%00",
    ] {
        let (status, _, body) = get(&root, path, None).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "There is nothing here.\n"), "{path}");
    }
    fs::write(root.path().join("site/404.html"), "own page").unwrap();
    let (status, _, body) = get(&root, "/nowhere", None).await;
    assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "own page"));
}

#[test]
fn a_directory_that_is_none_is_said() {
    assert!(router(Path::new("/no/such")).unwrap_err().to_string().contains("hint: "));
}

proptest! {
    #[test]
    fn no_path_leads_out(path in "[/.%a-z0-9]{0,40}") {
        let root = site();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let site = fs::canonicalize(root.path().join("site")).unwrap();
        if let Some(found) = runtime.block_on(allowed(&site, &path)) {
            prop_assert!(found.starts_with(&site));
        }
    }
}
