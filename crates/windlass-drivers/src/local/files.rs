//! `windlass files`: serves a directory over HTTP, for static sites. Types, ranges, ETag-like validators (Last-Modified) and
//! `index.html` are `tower-http`'s; what is refused is decided here: names that begin with a dot, links that lead out of the
//! directory, and listings.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use fs_err as fs;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

/// The directory cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// It is not there, or is none.
    #[error("the directory `{}` cannot be served\n  hint: it has to exist and be readable for this user", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else listens there, or this user may not.
    #[error("`{address}` cannot be listened on\n  hint: end the program that holds it, or choose another port")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Serving broke off.
    #[error("serving files broke off")]
    Serve(#[source] io::Error),
}

/// Serves `directory` on `address` until `stop` is done; requests that are being answered are finished.
///
/// # Errors
/// The directory is none, the address is taken, or serving breaks off.
pub async fn serve(directory: &Path, address: SocketAddr, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), FilesError> {
    let router = router(directory)?;
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|source| FilesError::Address { address, source })?;
    axum::serve(listener, router).with_graceful_shutdown(stop).await.map_err(FilesError::Serve)
}

/// The same as a router, to be served elsewhere.
///
/// # Errors
/// The directory is none.
pub fn router(directory: &Path) -> Result<Router, FilesError> {
    let unusable = |source| FilesError::Directory { path: directory.to_owned(), source };
    let root = fs::canonicalize(directory).map_err(unusable)?;
    fs::read_dir(&root).map_err(unusable)?;
    Ok(Router::new().fallback(answer).with_state(Arc::new(root)))
}

async fn answer(State(root): State<Arc<PathBuf>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET, HEAD")]).into_response();
    }
    let Some(path) = allowed(&root, request.uri().path()).await else { return not_found(&root).await };
    let tag = entity_tag(&path).await;
    let unchanged = tag.as_ref().is_some_and(|tag| request.headers().get_all(IF_NONE_MATCH).iter().any(|sent| names(sent, tag)));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match ServeDir::new(root.as_path()).oneshot(request).await {
            Ok(response) if response.status() == StatusCode::NOT_FOUND => return not_found(&root).await,
            Ok(response) => response.map(Body::new),
            Err(impossible) => match impossible {},
        }
    };
    let headers = response.headers_mut();
    if let Some(tag) = tag {
        headers.insert(ETAG, tag);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A browser asks each time whether its copy is still good, and mostly hears that it is.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The file or directory behind a path, if it may be seen.
async fn allowed(root: &Path, path: &str) -> Option<PathBuf> {
    let decoded = decode(path)?;
    let relative = Path::new(decoded.trim_start_matches('/'));
    let plain =
        |component: Component<'_>| matches!(component, Component::Normal(name) if !name.to_str().is_none_or(|name| name.starts_with('.')));
    if !relative.components().all(plain) {
        return None;
    }
    let mut wanted = root.join(relative);
    if tokio::fs::metadata(&wanted).await.ok()?.is_dir() {
        wanted = wanted.join("index.html");
    }
    let real = tokio::fs::canonicalize(&wanted).await.ok()?;
    let inside = real.strip_prefix(root).ok()?;
    inside.components().all(plain).then_some(real)
}

fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(['\0', '\\']))
}

/// Weak, because it is made of length and time, not of the content.
async fn entity_tag(path: &Path) -> Option<HeaderValue> {
    let found = tokio::fs::metadata(path).await.ok()?;
    HeaderValue::from_str(&format!("W/\"{:x}-{:x}-{:x}\"", found.len(), found.mtime(), found.mtime_nsec())).ok()
}

fn names(sent: &HeaderValue, tag: &HeaderValue) -> bool {
    let Ok(sent) = sent.to_str() else { return false };
    sent.split(',').any(|one| one.trim() == "*" || Some(one.trim()) == tag.to_str().ok())
}

async fn not_found(root: &Path) -> Response {
    let own = match allowed(root, "/404.html").await {
        Some(path) => tokio::fs::read(path).await.ok(),
        None => None,
    };
    match own {
        Some(page) => (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response(),
        None => (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response(),
    }
}

#[cfg(test)]
mod tests;
