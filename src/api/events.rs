//! `/v1/events`: server-sent events. How the network is and the newest blocks at once, then everything new.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use tokio::sync::broadcast::error::RecvError;

use super::Shared;
use super::failure::Failure;
use super::live::frame;
use super::network;
use crate::node::window::Origin;

/// When a listener that was cut off may come again, in milliseconds: browsers keep to it.
const AGAIN: &str = "retry: 3000\n\n";

/// `GET /v1/events`.
pub async fn events(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
) -> Result<Response, Failure> {
    let place = shared.doors.listen(origin);
    let place = place.ok_or_else(|| Failure::no_place("listeners"))?;
    // Order: listening first, so that nothing falls between what is and what comes.
    let heard = shared.live.listen();
    let status = network::summary(&shared.view, &shared.live);
    let first = [Bytes::from_static(AGAIN.as_bytes()), frame("status", &status)];
    let doors = shared.doors.clone();
    let rest = stream::unfold((heard, place), move |(mut heard, place)| {
        let doors = doors.clone();
        async move {
            match heard.recv().await {
                Ok(event) => Some((event, (heard, place))),
                // Too slow: cut off, so that nobody's wishes pile up here. Browsers come again by themselves.
                Err(RecvError::Lagged(_)) => {
                    doors.cut_off();
                    None
                }
                Err(RecvError::Closed) => None,
            }
        }
    });
    let all = stream::iter(first).chain(rest).map(Ok::<Bytes, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = (headers, Body::from_stream(all)).into_response();
    // Proxies would gather what should go out at once.
    let headers = response.headers_mut();
    headers.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(response)
}
