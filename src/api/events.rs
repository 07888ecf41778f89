//! `/v1/events`: server-sent events. How the network is and the newest blocks at once, then everything new.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::Shared;
use super::doors::{Doors, Place};
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
    let first = [
        Bytes::from_static(AGAIN.as_bytes()),
        frame("status", &status),
    ];
    let rest = news(heard, place, shared.doors.clone());
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

/// Everything that is heard, until its reader is too slow.
fn news(heard: Receiver<Bytes>, place: Place, doors: Arc<Doors>) -> impl Stream<Item = Bytes> {
    stream::unfold((heard, place, doors), |(mut heard, place, doors)| async {
        match heard.recv().await {
            Ok(event) => Some((event, (heard, place, doors))),
            // Too slow: cut off, so that nobody's wishes pile up here. Browsers come again by themselves.
            Err(RecvError::Lagged(_)) => {
                doors.cut_off();
                None
            }
            Err(RecvError::Closed) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::window::View;

    #[tokio::test]
    async fn who_does_not_keep_up_is_cut_off_and_gives_its_place_back() {
        let doors = Arc::new(Doors::new(99));
        let (events, heard) = tokio::sync::broadcast::channel(4);
        let origin = View::origin(std::net::Ipv4Addr::new(77, 1, 1, 1).into());
        let place = doors.listen(origin).unwrap();
        let mut news = Box::pin(news(heard, place, doors.clone()));
        for number in 0..4u8 {
            events.send(Bytes::from(vec![number])).unwrap();
        }
        assert_eq!(news.next().await.unwrap()[0], 0);
        for number in 4..9u8 {
            events.send(Bytes::from(vec![number])).unwrap();
        }
        assert_eq!(news.next().await, None);
        let held: Vec<Place> = std::iter::from_fn(|| doors.listen(origin))
            .take(99)
            .collect();
        assert_eq!(held.len(), super::super::doors::LISTENERS_OF_ADDRESS);
    }
}
