//! Closing that ends: a connection on a lost link is given up after a moment.
//!
//! The swarm waits for a multiplexer's closing without a deadline. On a TCP link that is lost with
//! full buffers the last frame cannot be written, so that the closing would hang for as long as the
//! system retries (a quarter of an hour), the peer would count as connected all the while, and
//! nobody would dial it again.
//!
//! Never: touch anything but the closing. Next: `transport.rs`, which wraps both transports.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use tokio::time::{Sleep, sleep};

/// What an orderly closing may take.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// A multiplexer whose closing takes a second at most.
pub(super) struct PromptClose<M> {
    inner: M,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<M> PromptClose<M> {
    pub(super) fn new(inner: M) -> Self {
        Self {
            inner,
            deadline: None,
        }
    }
}

impl<M: StreamMuxer + Unpin> StreamMuxer for PromptClose<M> {
    type Substream = M::Substream;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        Pin::new(&mut self.inner).poll_inbound(cx)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        Pin::new(&mut self.inner).poll_outbound(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if let Poll::Ready(closed) = Pin::new(&mut self.inner).poll_close(cx) {
            return Poll::Ready(closed);
        }
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(CLOSING_TIME)));
        deadline.as_mut().poll(cx).map(Ok)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io};

    use libp2p::futures::io::Cursor;

    use super::*;
    use crate::node::clock;

    /// A multiplexer on a link that is lost.
    struct Stuck;

    impl StreamMuxer for Stuck {
        type Substream = Cursor<Vec<u8>>;
        type Error = io::Error;

        fn poll_inbound(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<io::Result<Self::Substream>> {
            Poll::Pending
        }

        fn poll_outbound(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<io::Result<Self::Substream>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_closing_that_would_never_end_is_given_up() {
        let mut muxer = PromptClose::new(Stuck);
        let begun = clock::now();
        poll_fn(|cx| Pin::new(&mut muxer).poll_close(cx))
            .await
            .unwrap();
        assert!(begun.elapsed() >= CLOSING_TIME);
        assert!(begun.elapsed() < CLOSING_TIME * 5);
    }
}
