//! Watch: `/natcoin/<network>/watch/1`, a long-lived stream of what happens.
//!
//! The client opens a stream and writes one request frame. The server answers with one opening
//! frame (accepted, or why not) and then pushes frames for as long as both like. The client says
//! nothing more: more bytes from it, or its closing, end the watch.
//!
//! Never: wait for a slow watcher; its queue is bounded and a full one ends the watch.
//! Next: `node/network/watch.rs`, which runs the streams.

use std::{io, time::Duration};

use libp2p::{
    StreamProtocol,
    futures::{AsyncRead, AsyncWrite},
};

use super::{
    NetworkName,
    frame::{read_frame, write_frame},
    service::Declined,
};

/// Largest request, in bytes.
pub const REQUEST_MAX_BYTES: usize = 4 * 1024;
/// Largest pushed frame, in bytes.
pub const FRAME_MAX_BYTES: usize = 64 * 1024;
/// Frames that may wait for one watcher; their bytes are bounded besides, and those of all watchers together.
pub const QUEUE_FRAMES: usize = 32;
/// How long one frame may take to be written, and the opening to be exchanged.
pub const FRAME_DEADLINE: Duration = Duration::from_secs(5);

const OPENING_MAX_BYTES: usize = 1;
const ACCEPTED: u8 = 0;

/// The protocol's name.
#[must_use]
pub fn protocol(network: &NetworkName) -> StreamProtocol {
    StreamProtocol::try_from_owned(format!("/natcoin/{network}/watch/1"))
        .expect("the name begins with a slash")
}

/// Client: asks for a watch and reads whether it was accepted.
///
/// # Errors
/// The stream's own, `InvalidInput` for too long a request, `InvalidData` for an unknown opening.
/// The inner error is the server's refusal.
pub async fn ask<S>(stream: &mut S, request: &[u8]) -> io::Result<Result<(), Declined>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    write_frame(stream, request, REQUEST_MAX_BYTES).await?;
    let opening = read_frame(stream, OPENING_MAX_BYTES).await?;
    match opening.first() {
        Some(&ACCEPTED) => Ok(Ok(())),
        Some(&tag) => Declined::from_tag(tag).map(Err).ok_or_else(unknown),
        None => Err(unknown()),
    }
}

/// Server: answers an opening.
///
/// # Errors
/// The stream's own.
pub async fn open<S>(stream: &mut S, verdict: Result<(), Declined>) -> io::Result<()>
where
    S: AsyncWrite + Unpin + Send,
{
    let mark = verdict.map_or_else(Declined::tag, |()| ACCEPTED);
    write_frame(stream, &[mark], OPENING_MAX_BYTES).await
}

fn unknown() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "an opening with an unknown mark",
    )
}
