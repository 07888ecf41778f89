//! Watch streams: the tasks that carry them, on the server's and on the client's side.
//!
//! Each stream has its own task, a bounded queue and a deadline for every frame. The server ends a
//! watch whose queue is full; the client's queue pushes back on the stream, so that a client that
//! does not read is the one that is cut off.
//!
//! Never: let a watcher slow anybody down. Next: [`crate::behaviour::watch`] for the wire.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use libp2p::{
    PeerId, Stream, StreamProtocol,
    futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _},
};
use libp2p_stream::{Control, IncomingStreams, OpenStreamError};
use thiserror::Error;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

use super::{
    error::RequestError,
    event::{Event, EventSender, Lane},
    metrics::{Count, Metrics},
};
use crate::behaviour::{
    Declined,
    frame::{read_frame, write_frame},
    limits::{WATCHES, WATCHES_BYTES, WATCHES_PER_PEER},
    watch::{self as speech, FRAME_DEADLINE, FRAME_MAX_BYTES, QUEUE_FRAMES, REQUEST_MAX_BYTES},
};

/// Bytes that may wait for one watcher: a full queue of its usual frames.
const QUEUE_BYTES: usize = 1024 * 1024;
/// Frames that may wait on the client's side; more wait on the server's.
const CLIENT_QUEUE_FRAMES: usize = 8;
/// Streams that may wait for the network task to look at them.
const INCOMING_STREAMS: usize = 64;

/// A frame could not be pushed; the watch is over.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum WatchEnded {
    /// The watcher went away, or the connection did.
    #[error("the watcher is gone")]
    Gone,
    /// The watcher read too slowly and was cut off.
    #[error("the watcher fell {QUEUE_FRAMES} frames or {QUEUE_BYTES} bytes behind and was cut off")]
    Slow,
    /// The frame is over the limit; it was not sent, and the watch goes on.
    #[error("a frame of {size_bytes} bytes is over the limit of {FRAME_MAX_BYTES}")]
    TooLarge {
        /// What was to be pushed.
        size_bytes: usize,
    },
}

/// The server's end of a watch. Dropping it ends the watch after what is queued has been sent.
#[derive(Debug, Clone)]
pub struct WatchSink {
    frames: mpsc::Sender<Vec<u8>>,
    cut: Arc<Notify>,
    waiting: Arc<Waiting>,
}

/// The bytes that wait for one watcher, counted among those of all.
#[derive(Debug)]
struct Waiting {
    own: AtomicUsize,
    all: Arc<AtomicUsize>,
}

impl Waiting {
    /// Whether so many more may wait. Where all is full, only who keeps up gets more.
    fn admits(&self, bytes: usize) -> bool {
        let own = self.own.load(Ordering::Relaxed);
        let all = self.all.load(Ordering::Relaxed);
        own + bytes <= QUEUE_BYTES && (own == 0 || all + bytes <= WATCHES_BYTES)
    }

    fn add(&self, bytes: usize) {
        self.own.fetch_add(bytes, Ordering::Relaxed);
        self.all.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sent(&self, bytes: usize) {
        self.own.fetch_sub(bytes, Ordering::Relaxed);
        self.all.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let left = self.own.load(Ordering::Relaxed);
        self.all.fetch_sub(left, Ordering::Relaxed);
    }
}

impl WatchSink {
    /// Queues a frame; never waits.
    ///
    /// # Errors
    /// See [`WatchEnded`].
    pub fn push(&self, frame: Vec<u8>) -> Result<(), WatchEnded> {
        if frame.len() > FRAME_MAX_BYTES {
            return Err(WatchEnded::TooLarge {
                size_bytes: frame.len(),
            });
        }
        let bytes = frame.len();
        if !self.waiting.admits(bytes) {
            self.cut.notify_one();
            return Err(WatchEnded::Slow);
        }
        // Order: counted before it can be sent.
        self.waiting.add(bytes);
        self.frames.try_send(frame).map_err(|refused| {
            self.waiting.sent(bytes);
            match refused {
                mpsc::error::TrySendError::Closed(_) => WatchEnded::Gone,
                mpsc::error::TrySendError::Full(_) => {
                    self.cut.notify_one();
                    WatchEnded::Slow
                }
            }
        })
    }

    /// Whether the watch is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.frames.is_closed()
    }
}

/// The client's end of a watch. Dropping it ends the watch.
#[derive(Debug)]
pub struct WatchStream {
    frames: mpsc::Receiver<Vec<u8>>,
}

impl WatchStream {
    /// The next frame; `None` when the watch is over, by whatever cause. Cancel-safe.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.frames.recv().await
    }
}

/// How many streams there are, and whose.
#[derive(Debug, Default)]
struct Seats {
    by_peer: BTreeMap<PeerId, usize>,
    total: usize,
}

/// One stream's place among the allowed; given back on drop.
struct Seat {
    seats: Arc<Mutex<Seats>>,
    peer: PeerId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.total = seats.total.saturating_sub(1);
        let left = seats.by_peer.get(&self.peer).copied().unwrap_or(0);
        if left > 1 {
            seats.by_peer.insert(self.peer, left - 1);
        } else {
            seats.by_peer.remove(&self.peer);
        }
    }
}

/// All watches of this program: opens ours and seats those of others.
pub(super) struct Watches {
    control: Control,
    protocol: StreamProtocol,
    seats: Arc<Mutex<Seats>>,
    /// Bytes that wait in all watches.
    waiting: Arc<AtomicUsize>,
    incoming: mpsc::Receiver<(PeerId, Stream)>,
}

impl Watches {
    /// `incoming` are the streams that peers open; none are accepted without it.
    pub(super) fn new(
        control: Control,
        protocol: StreamProtocol,
        incoming: Option<IncomingStreams>,
    ) -> Self {
        let (pump, received) = mpsc::channel(INCOMING_STREAMS);
        if let Some(mut streams) = incoming {
            // The library holds one waiting stream only and drops the next: keep it empty.
            tokio::spawn(async move {
                while let Some(stream) = streams.next().await {
                    if pump.send(stream).await.is_err() {
                        return;
                    }
                }
            });
        }
        Self {
            control,
            protocol,
            seats: Arc::default(),
            waiting: Arc::default(),
            incoming: received,
        }
    }

    /// The next stream that a peer opened. Pends for ever where none are accepted.
    pub(super) async fn incoming(&mut self) -> (PeerId, Stream) {
        match self.incoming.recv().await {
            Some(stream) => stream,
            None => std::future::pending().await,
        }
    }

    /// Serves a stream in its own task; `verdict` is what the greeting says about the peer.
    pub(super) fn serve(
        &self,
        peer: PeerId,
        stream: Stream,
        verdict: Result<(), Declined>,
        events: EventSender,
        metrics: Arc<Metrics>,
    ) {
        let seat = verdict.and_then(|()| self.seat(peer));
        let waiting = Arc::new(Waiting {
            own: AtomicUsize::new(0),
            all: Arc::clone(&self.waiting),
        });
        // A refused stream costs a task too, for the deadline at most; the connection's limit on
        // negotiating streams bounds how many.
        tokio::spawn(async move {
            match seat {
                Ok(seat) => {
                    let _ = serve(peer, stream, events, &metrics, waiting).await;
                    drop(seat);
                }
                Err(reason) => {
                    metrics.count(Count::watches_refused);
                    let _ = refuse(stream, reason).await;
                }
            }
        });
    }

    fn seat(&self, peer: PeerId) -> Result<Seat, Declined> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = seats.by_peer.get(&peer).copied().unwrap_or(0);
        if taken >= WATCHES_PER_PEER || seats.total >= WATCHES {
            return Err(Declined::Busy);
        }
        seats.by_peer.insert(peer, taken + 1);
        seats.total += 1;
        Ok(Seat {
            seats: Arc::clone(&self.seats),
            peer,
        })
    }

    /// Opens a watch on `peer` in its own task.
    pub(super) fn open(
        &self,
        peer: PeerId,
        request: Vec<u8>,
        opened: oneshot::Sender<Result<WatchStream, RequestError>>,
    ) {
        let (mut control, protocol) = (self.control.clone(), self.protocol.clone());
        tokio::spawn(async move {
            let opening = async {
                let mut stream = control
                    .open_stream(peer, protocol)
                    .await
                    .map_err(open_error)?;
                match speech::ask(&mut stream, &request).await {
                    Ok(Ok(())) => Ok(stream),
                    Ok(Err(reason)) => Err(RequestError::Declined(reason)),
                    Err(error) => Err(stream_error(&error)),
                }
            };
            let stream = match timeout(FRAME_DEADLINE, opening).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    let _ = opened.send(Err(error));
                    return;
                }
                Err(_) => {
                    let _ = opened.send(Err(RequestError::Timeout {
                        deadline: FRAME_DEADLINE,
                    }));
                    return;
                }
            };
            let (sender, frames) = mpsc::channel(CLIENT_QUEUE_FRAMES);
            if opened.send(Ok(WatchStream { frames })).is_ok() {
                receive(stream, sender).await;
            }
        });
    }
}

async fn receive(mut stream: Stream, sender: mpsc::Sender<Vec<u8>>) {
    loop {
        let frame = tokio::select! {
            frame = read_frame(&mut stream, FRAME_MAX_BYTES) => frame,
            () = sender.closed() => break,
        };
        let Ok(frame) = frame else { break };
        if sender.send(frame).await.is_err() {
            break;
        }
    }
    let _ = timeout(FRAME_DEADLINE, stream.close()).await;
}

async fn serve(
    peer: PeerId,
    mut stream: Stream,
    events: EventSender,
    metrics: &Metrics,
    waiting: Arc<Waiting>,
) -> io::Result<()> {
    let request = timeout(FRAME_DEADLINE, read_frame(&mut stream, REQUEST_MAX_BYTES)).await;
    let Ok(Ok(request)) = request else {
        metrics.count(Count::requests_malformed);
        return Err(io::ErrorKind::InvalidData.into());
    };
    let (frames, mut queue) = mpsc::channel(QUEUE_FRAMES);
    let cut = Arc::new(Notify::new());
    let sink = WatchSink {
        frames,
        cut: Arc::clone(&cut),
        waiting: Arc::clone(&waiting),
    };
    let event = Event::WatchOpened {
        peer,
        request,
        sink,
    };
    if events.offer(Lane::Bulk, event).is_err() {
        metrics.count(Count::watches_refused);
        return refuse(stream, Declined::Busy).await;
    }
    drop(events);
    metrics.count(Count::watches_opened);
    timeout(FRAME_DEADLINE, speech::open(&mut stream, Ok(()))).await??;
    let (mut reader, mut writer) = stream.split();
    let push = async {
        while let Some(frame) = queue.recv().await {
            let written = write_frame(&mut writer, &frame, FRAME_MAX_BYTES);
            timeout(FRAME_DEADLINE, written).await??;
            waiting.sent(frame.len());
        }
        timeout(FRAME_DEADLINE, writer.close()).await??;
        Ok(())
    };
    // The client has nothing more to say: its end, or any byte, ends the watch.
    let mut byte = [0u8; 1];
    tokio::select! {
        done = push => done,
        _ = reader.read(&mut byte) => Ok(()),
        () = cut.notified() => Ok(()),
    }
}

async fn refuse(mut stream: Stream, reason: Declined) -> io::Result<()> {
    let opening = async {
        speech::open(&mut stream, Err(reason)).await?;
        stream.close().await
    };
    timeout(FRAME_DEADLINE, opening).await?
}

fn open_error(error: OpenStreamError) -> RequestError {
    match error {
        OpenStreamError::UnsupportedProtocol(_) => RequestError::Unsupported,
        OpenStreamError::Io(error) => stream_error(&error),
        other => RequestError::Failed {
            reason: other.to_string(),
        },
    }
}

fn stream_error(error: &io::Error) -> RequestError {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => RequestError::ConnectionLost,
        _ => RequestError::Failed {
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(all: &Arc<AtomicUsize>) -> (WatchSink, mpsc::Receiver<Vec<u8>>) {
        let (frames, queue) = mpsc::channel(QUEUE_FRAMES);
        let waiting = Arc::new(Waiting {
            own: AtomicUsize::new(0),
            all: Arc::clone(all),
        });
        let cut = Arc::default();
        let sink = WatchSink {
            frames,
            cut,
            waiting,
        };
        (sink, queue)
    }

    #[test]
    fn watchers_that_read_nothing_hold_a_bounded_amount_and_keep_nobody_else_waiting() {
        let all = Arc::new(AtomicUsize::new(0));
        let mut idle = Vec::new();
        for _ in 0..WATCHES_BYTES / QUEUE_BYTES + 9 {
            let (sink, queue) = sink(&all);
            while sink.push(vec![0; FRAME_MAX_BYTES]).is_ok() {}
            assert!(sink.waiting.own.load(Ordering::Relaxed) <= QUEUE_BYTES);
            idle.push((sink, queue));
        }
        let full = all.load(Ordering::Relaxed);
        assert!(full <= WATCHES_BYTES + 10 * FRAME_MAX_BYTES, "{full}");
        let (keen, mut queue) = sink(&all);
        for _ in 0..3 {
            keen.push(vec![0; FRAME_MAX_BYTES]).unwrap();
            let frame = queue.try_recv().unwrap();
            keen.waiting.sent(frame.len());
        }
        drop(idle);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
