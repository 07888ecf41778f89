//! The listener: takes connections that have a place, and lets none of them take more than its share.
//!
//! Limits: one request at a time a connection, heads of 16 KiB that come within ten seconds (so long an idle connection
//! is kept, too), HTTP/1.1 only. Bodies are read by the one route that takes them, `submit.rs`.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::doors::Place;
use super::failure::Failure;
use super::patience::Patient;
use super::{Shared, live, routes};
use crate::node::window::{Origin, View};

/// How long a request's head may take, and how long a connection may rest.
const HEAD: Duration = Duration::from_secs(10);
/// Most bytes of a request's head, and of what is read ahead.
const HEAD_BYTES: usize = 16 * 1024;
/// Most headers of a request.
const HEADERS: usize = 64;
/// How long to wait where the system gives no connection, such as for want of open files.
const PAUSE: Duration = Duration::from_millis(100);

type Routes = TowerToHyperService<axum::Router>;

/// Serves until the future is dropped.
pub async fn serve(listener: std::net::TcpListener, shared: Shared) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "the page cannot be served"),
    };
    let following = live::follow(shared.view.clone(), shared.live.clone());
    let accepting = async {
        let routes = TowerToHyperService::new(routes::all(shared.clone()));
        loop {
            match listener.accept().await {
                Ok((stream, from)) => {
                    let origin = View::origin(from.ip());
                    // Order: a place before anything is read. Who has none is let go without a word.
                    if let Some(place) = shared.doors.enter(origin) {
                        let (routes, shared) = (routes.clone(), shared.clone());
                        tokio::spawn(connection(stream, origin, place, routes, shared));
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection to the page was not taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::join!(following, accepting);
}

async fn connection(
    stream: TcpStream,
    origin: Origin,
    _place: Place,
    routes: Routes,
    shared: Shared,
) {
    // Small answers go out at once; where that is refused they go out later.
    let _ = stream.set_nodelay(true);
    let doors = shared.doors.clone();
    let answer = move |mut request: Request<Incoming>| {
        let is_allowed = doors.may_ask(origin);
        request.extensions_mut().insert(origin);
        let routes = routes.clone();
        async move {
            match is_allowed {
                true => routes.call(request.map(Body::new)).await,
                false => {
                    Ok::<Response, std::convert::Infallible>(Failure::too_often().into_response())
                }
            }
        }
    };
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(
            TokioIo::new(Patient::new(stream)),
            hyper::service::service_fn(answer),
        )
        .await;
    if let Err(error) = served {
        shared.doors.cut_off();
        tracing::trace!(%error, "a connection to the page ended");
    }
}
