//! The page and its parts, compiled in: nothing is asked of anybody else.

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::failure::Failure;

/// What is served as it is: its path, its kind, its bytes.
const PARTS: &[(&str, &str, &[u8])] = &[
    (
        "style.css",
        "text/css; charset=utf-8",
        include_bytes!("page/style.css"),
    ),
    (
        "app.js",
        "text/javascript; charset=utf-8",
        include_bytes!("page/app.js"),
    ),
    (
        "pages.js",
        "text/javascript; charset=utf-8",
        include_bytes!("page/pages.js"),
    ),
    (
        "show.js",
        "text/javascript; charset=utf-8",
        include_bytes!("page/show.js"),
    ),
    (
        "docs.js",
        "text/javascript; charset=utf-8",
        include_bytes!("page/docs.js"),
    ),
    ("icon.svg", "image/svg+xml", include_bytes!("page/icon.svg")),
];

/// The description of the API.
pub const OPENAPI: &str = include_str!("page/openapi.json");

/// The page; its script shows what its path says.
pub async fn index() -> Response {
    served(
        "text/html; charset=utf-8",
        include_bytes!("page/index.html"),
    )
}

/// One of its parts.
pub async fn part(Path(name): Path<String>) -> Result<Response, Failure> {
    let found = PARTS.iter().find(|(path, ..)| *path == name);
    found
        .map(|(_, kind, bytes)| served(kind, bytes))
        .ok_or_else(|| {
            let name: String = name.chars().take(80).collect();
            Failure::not_found(&format!("the file {name:?}"), "`/` is the page")
        })
}

/// `GET /openapi.json`.
pub async fn openapi() -> Response {
    served("application/json", OPENAPI.as_bytes())
}

fn served(kind: &'static str, bytes: &'static [u8]) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Another version of the program may be behind this address tomorrow.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
