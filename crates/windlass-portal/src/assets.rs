//! Style, script and icon, embedded; the hash of the content is in the path, so that browsers may keep them for ever.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};
use std::sync::OnceLock;
use windlass_client::preview::hex;

const STYLE: &str = include_str!("../assets/portal.css");
const SCRIPT: &str = include_str!("../assets/portal.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// One embedded file.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset { name: "portal.css", content_type: "text/css; charset=utf-8", content: STYLE },
    Asset { name: "portal.js", content_type: "text/javascript; charset=utf-8", content: SCRIPT },
    Asset { name: "icon.svg", content_type: "image/svg+xml", content: ICON },
];

/// Addresses of the embedded files.
pub(crate) struct Paths {
    /// Style sheet.
    pub(crate) style: String,
    /// Script.
    pub(crate) script: String,
    /// Icon.
    pub(crate) icon: String,
}

/// Addresses of the embedded files, worked out once.
pub(crate) fn paths() -> &'static Paths {
    static PATHS: OnceLock<Paths> = OnceLock::new();
    PATHS.get_or_init(|| {
        let path = |asset: &Asset| format!("/ui/assets/{}/{}", hash(asset.content), asset.name);
        let [style, script, icon] = &ASSETS;
        Paths { style: path(style), script: path(script), icon: path(icon) }
    })
}

/// `GET /ui/assets/{hash}/{name}`.
pub(crate) async fn serve(Path((wanted, name)): Path<(String, String)>) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name && hash(asset.content) == wanted) {
        Some(asset) => answer(asset, "public, max-age=31536000, immutable"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET /favicon.ico` and `/favicon.svg`, which browsers ask for by themselves.
pub(crate) async fn icon() -> Response {
    let [_, _, icon] = &ASSETS;
    answer(icon, "public, max-age=86400")
}

fn answer(asset: &Asset, caching: &'static str) -> Response {
    let mut response = asset.content.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", hash(asset.content))) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn hash(content: &str) -> String {
    let mut text = hex(&Sha256::digest(content.as_bytes()));
    text.truncate(16);
    text
}
