//! Streams that are counted: how many bytes all protocols together say and hear.
//!
//! Counted is what passes inside the multiplexer, both ways: without the headers, the encryption and the repetitions
//! below it. One counter for all connections.
//!
//! Never: change or delay a byte. Next: `transport.rs`, which wraps every connection; `metrics.rs`.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use libp2p::{
    core::muxing::{StreamMuxer, StreamMuxerEvent},
    futures::{AsyncRead, AsyncWrite},
};

use super::metrics::{Count, Metrics};

/// A multiplexer whose streams are counted.
pub(super) struct Metered<M> {
    inner: M,
    metrics: Arc<Metrics>,
}

/// One counted stream.
pub(super) struct MeteredStream<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<M> Metered<M> {
    pub(super) fn new(inner: M, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    fn stream<S, E>(&self, opened: Poll<Result<S, E>>) -> Poll<Result<MeteredStream<S>, E>> {
        opened.map_ok(|inner| MeteredStream {
            inner,
            metrics: Arc::clone(&self.metrics),
        })
    }
}

impl<M> StreamMuxer for Metered<M>
where
    M: StreamMuxer + Unpin,
    M::Substream: Unpin,
{
    type Substream = MeteredStream<M::Substream>;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let opened = Pin::new(&mut self.inner).poll_inbound(cx);
        self.stream(opened)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let opened = Pin::new(&mut self.inner).poll_outbound(cx);
        self.stream(opened)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

impl<S> MeteredStream<S> {
    fn count(&self, what: Count, passed: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = passed {
            self.metrics.add(what, *bytes);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.count(Count::bytes_received, &read);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buffer);
        self.count(Count::bytes_sent, &written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, buffers);
        self.count(Count::bytes_sent, &written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use libp2p::futures::{AsyncReadExt as _, AsyncWriteExt as _, executor::block_on, io::Cursor};

    use super::*;

    #[test]
    fn what_passes_is_counted_each_way_and_arrives_as_it_was() {
        let metrics = Arc::new(Metrics::default());
        let mut stream = MeteredStream {
            inner: Cursor::new(b"what they say".to_vec()),
            metrics: Arc::clone(&metrics),
        };
        let mut heard = Vec::new();
        block_on(stream.read_to_end(&mut heard)).unwrap();
        assert_eq!(heard, b"what they say");
        block_on(stream.write_all(b"ours")).unwrap();
        let counted = metrics.read();
        assert_eq!((counted.bytes_received, counted.bytes_sent), (13, 4));
        assert_eq!(stream.inner.into_inner(), b"what they sayours");
    }
}
