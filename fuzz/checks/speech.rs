//! Speech: hellos and their answers, frames with their lengths, the opening of a watch.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::executor::block_on;
use futures::io::{AsyncRead, AsyncWrite, Cursor};
use natcoin::behaviour::frame::{CHUNK_BYTES, read_frame, write_frame};
use natcoin::behaviour::hello::{ANSWER_MAX_BYTES, HELLO_MAX_BYTES};
use natcoin::behaviour::{Hello, HelloAnswer, Service, watch};

use super::form::{bounded, bounded_with_room};

/// Holds of any bytes that a peer sends us before any other room reads them.
pub fn check(bytes: &[u8]) {
    hello(bytes);
    hello_answer(bytes);
    let services = Service::ALL.map(Service::caps);
    let caps = services.map(|caps| [caps.request_bytes, caps.answer_bytes]);
    let others = [HELLO_MAX_BYTES, watch::FRAME_MAX_BYTES, 1];
    for cap in caps.into_iter().flatten().chain(others) {
        frame(bytes, cap);
    }
    opening(bytes);
}

/// A stranger's text may be cleaned by reading; what was read is then written and read as it is.
fn hello(bytes: &[u8]) {
    let Ok(hello) = bounded(bytes, 4, || Hello::decode(bytes)) else {
        return;
    };
    let again = hello.encode();
    assert!(again.len() <= HELLO_MAX_BYTES);
    assert_eq!(Hello::decode(&again).as_ref(), Ok(&hello));
    assert!(!hello.version.chars().any(char::is_control));
}

fn hello_answer(bytes: &[u8]) {
    let Ok(answer) = bounded(bytes, 4, || HelloAnswer::decode(bytes)) else {
        return;
    };
    let again = answer.encode();
    assert!(again.len() <= ANSWER_MAX_BYTES);
    assert_eq!(HelloAnswer::decode(&again), Ok(answer));
}

/// A frame is what its length says and nothing of it is made up; its length alone buys one chunk.
fn frame(bytes: &[u8], cap: usize) {
    let room = 2 * CHUNK_BYTES;
    let read = bounded_with_room(bytes, 4, room, || {
        block_on(read_frame(&mut Cursor::new(bytes), cap))
    });
    let Ok(frame) = read else { return };
    assert!(frame.len() <= cap);
    let mut out = Cursor::new(Vec::new());
    block_on(write_frame(&mut out, &frame, cap)).expect("what was read is within the cap");
    assert!(bytes.starts_with(&out.into_inner()));
}

/// A watch is accepted only by the one byte that says so.
fn opening(bytes: &[u8]) {
    let mut line = Line {
        from_peer: Cursor::new(bytes),
    };
    if let Ok(Ok(())) = block_on(watch::ask(&mut line, b"a request")) {
        assert!(bytes.starts_with(&[1, 0, 0, 0, 0]));
    }
}

/// A peer that says its bytes whatever we say.
struct Line<'a> {
    from_peer: Cursor<&'a [u8]>,
}

impl AsyncRead for Line<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.from_peer).poll_read(context, into)
    }
}

impl AsyncWrite for Line<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
