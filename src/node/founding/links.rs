//! The streams of a room: one task that reads and one that writes for each, with bounded queues between.
//!
//! A stream that does not take what is written for [`WRITE`], or whose queue is full, is closed: one slow peer must
//! not hold the others up. What is said last must arrive, though the program ends behind it: who closes a stream waits
//! for the other side's end, which comes when that side has read ours, but at most for [`CLOSE`].

use std::collections::BTreeMap;
use std::time::Duration;

use futures::AsyncWriteExt as _;
use futures::io::AsyncReadExt as _;
use libp2p::Stream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::behaviour::frame::{read_frame, write_frame};
use crate::directory::founding::hub::Link;

/// Messages that wait for one peer: more than a whole ceremony has, and small.
const WAITING: usize = 256;
/// What was heard and not yet handled.
const HEARD: usize = 64;
/// How long a peer may not take what is written.
const WRITE: Duration = Duration::from_secs(10);
/// How long the other side may take to end a stream that we have ended.
const CLOSE: Duration = Duration::from_secs(3);
/// How long all streams together may take to end.
const FINISH: Duration = Duration::from_secs(5);

/// What came of a stream.
#[derive(Debug)]
pub(super) enum Came {
    /// A frame.
    Frame(Link, Vec<u8>),
    /// Its end.
    End(Link),
}

/// A stream that is open: dropped, what was said is still written, and what comes is not heard any more.
struct Open {
    say: mpsc::Sender<Vec<u8>>,
    _heed: oneshot::Sender<()>,
}

/// The streams.
pub(super) struct Links {
    open: BTreeMap<Link, Open>,
    came: mpsc::Receiver<Came>,
    tell: mpsc::Sender<Came>,
    tasks: JoinSet<()>,
    next: u64,
}

impl Links {
    pub(super) fn new() -> Self {
        let (tell, came) = mpsc::channel(HEARD);
        Self {
            open: BTreeMap::new(),
            came,
            tell,
            tasks: JoinSet::new(),
            // 0 is the host's own.
            next: 1,
        }
    }

    /// Takes a stream in; frames of it have at most so many bytes each way.
    pub(super) fn take(&mut self, stream: Stream, read_cap: usize, write_cap: usize) -> Link {
        let link = Link(self.next);
        self.next += 1;
        while self.tasks.try_join_next().is_some() {}
        let (mut reader, mut writer) = stream.split();
        let (say, mut said) = mpsc::channel::<Vec<u8>>(WAITING);
        let (heed, unheeded) = oneshot::channel();
        self.open.insert(link, Open { say, _heed: heed });
        self.tasks.spawn(async move {
            while let Some(frame) = said.recv().await {
                let written = write_frame(&mut writer, &frame, write_cap);
                if !matches!(tokio::time::timeout(WRITE, written).await, Ok(Ok(()))) {
                    break;
                }
            }
            // The other side reads the end behind what was said.
            let _ = tokio::time::timeout(WRITE, writer.close()).await;
        });
        let tell = self.tell.clone();
        self.tasks.spawn(async move {
            let hear = async {
                while let Ok(frame) = read_frame(&mut reader, read_cap).await {
                    if tell.send(Came::Frame(link, frame)).await.is_err() {
                        return;
                    }
                }
                let _ = tell.send(Came::End(link)).await;
            };
            tokio::select! {
                () = hear => return,
                _ = unheeded => {}
            }
            let mut left = [0; 1024];
            let end = async { while matches!(reader.read(&mut left).await, Ok(1..)) {} };
            let _ = tokio::time::timeout(CLOSE, end).await;
        });
        link
    }

    /// Says something; whether it could be said.
    pub(super) fn say(&mut self, link: Link, frame: Vec<u8>) -> bool {
        let is_said = self
            .open
            .get(&link)
            .map(|open| open.say.try_send(frame).is_ok());
        if is_said == Some(false) {
            self.open.remove(&link);
        }
        is_said == Some(true)
    }

    /// Closes a stream behind what was said.
    pub(super) fn close(&mut self, link: Link) {
        self.open.remove(&link);
    }

    /// What came next.
    pub(super) async fn came(&mut self) -> Came {
        // We hold a sender ourselves, so that the queue never ends.
        match self.came.recv().await {
            Some(came) => came,
            None => std::future::pending().await,
        }
    }

    /// Closes all streams, and waits until what was said is written, though not for ever.
    pub(super) async fn finish(&mut self) {
        self.open.clear();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FINISH, all).await;
    }
}
