//! Which path is what, and what every answer carries.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::failure::Failure;
use super::{Shared, chain, events, network, page, people, submit};

/// What a browser may do with the page: nothing but show what this node gives.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What every answer carries.
const HEADERS: &[(HeaderName, &str)] = &[
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// The paths of the page; each shows what its path says.
const PAGES: &[&str] = &[
    "/",
    "/search",
    "/payments",
    "/payment/{id}",
    "/account/{who}",
    "/names",
    "/name/{name}",
    "/blocks",
    "/block/{which}",
    "/nodes",
    "/supply",
    "/docs",
];

/// All routes.
pub fn all(shared: Shared) -> Router {
    let mut routes = Router::new()
        .route("/v1/status", get(network::status))
        .route("/v1/nodes", get(network::nodes))
        .route("/v1/supply", get(network::supply))
        .route("/v1/blocks", get(chain::blocks))
        .route("/v1/blocks/{block}", get(chain::block))
        .route(
            "/v1/transactions",
            get(chain::transactions).post(submit::submit),
        )
        .route("/v1/transactions/{transaction}", get(chain::transaction))
        .route("/v1/accounts/{account}", get(people::account))
        .route("/v1/accounts/{account}/activities", get(people::activities))
        .route("/v1/names", get(people::names))
        .route("/v1/names/{name}", get(people::name))
        .route("/v1/search", get(people::search))
        .route("/v1/events", get(events::events))
        .route("/openapi.json", get(page::openapi))
        .route("/healthy", get(network::healthy))
        .route("/ready", get(network::ready))
        .route("/metrics", get(network::metrics))
        .route("/page/{name}", get(page::part));
    for path in PAGES {
        routes = routes.route(path, get(page::index));
    }
    routes
        .fallback(unknown)
        .method_not_allowed_fallback(not_so)
        .layer(from_fn(dress))
        .layer(from_fn_with_state(shared.clone(), only_this_machine))
        .with_state(shared)
}

async fn unknown() -> Failure {
    Failure::not_found("this path", "`/docs` lists what there is, `/` is the page")
}

async fn not_so() -> Failure {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let message = "this path does not take this method";
    Failure::new(
        status,
        "method_not_allowed",
        message,
        "`/docs` lists what there is",
    )
}

/// Gives every answer its headers. What the framework refuses by itself is told like all else.
async fn dress(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if response.status().is_client_error() && is_text {
        let hint = "`/docs` says what is expected";
        response = Failure::usage("a part of the path or of the query cannot be read", hint)
            .into_response();
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let storing = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(storing);
    response
}

/// A window for this machine only is for those who mean this machine: a site elsewhere that lets its own name point here
/// must not look through its visitors' windows.
async fn only_this_machine(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if shared.is_private && !host.is_some_and(is_this_machine) {
        return Failure::new(
            StatusCode::MISDIRECTED_REQUEST,
            "other_host",
            "this page is served for this machine only, and was asked for by another name",
            "open it as http://127.0.0.1 or http://localhost; a proxy in front must send that as Host",
        )
        .into_response();
    }
    next.run(request).await
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    match name {
        Some(name) if name.eq_ignore_ascii_case("localhost") => true,
        Some(name) => name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_window_is_found_by_the_names_of_this_machine_only() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:18080",
            "localhost:7",
            "LOCALHOST",
            "[::1]:7",
            "[::1]",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1:7",
            "localhost.evil:7",
            "[2001:db8::1]",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
