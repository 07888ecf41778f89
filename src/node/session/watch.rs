//! Watching: blocks as they become final, and the watched accounts' activities, verified and without a gap.
//!
//! A node pushes; what it pushes is verified. When it dies, lies or falls behind, another one takes its place, and what
//! happened meanwhile is fetched from the accounts' proven histories. Each activity is told once, in order of height.
//!
//! Never: tell an activity that is not proven to be in a final block. Next: `wallet/light.rs`.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::error::SessionError;
use super::{Inner, Session};
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::query::{HistoryEntry, Moment};
use crate::node::network::WatchStream;
use crate::replica::wire::{MAX_WATCHED, WatchFrame, WatchRequest};
use crate::wallet::light::Doubt;
use crate::wallet::patience::{WATCH_AGAIN, WATCH_OPENING};
use crate::wallet::payment::NodeIndex;

/// What a watch tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// This node pushes now.
    Connected {
        /// Its name.
        node: Name,
    },
    /// The node is gone and no other can be watched; it goes on by itself when one comes.
    Disconnected,
    /// A block is final: the newest that the node has told of. A node that many watch does not tell of each.
    Block(Moment),
    /// A watched account sent or received this; the block's own event follows.
    Activity(Box<HistoryEntry>),
}

/// A watch. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    session: Arc<Inner>,
    addresses: Vec<Address>,
    frames: Option<Frames>,
    /// Nothing at or below this height is told: it was before the watch.
    base: u64,
    /// All activities below this height are told.
    upto: u64,
    /// Those told at it or above.
    told: BTreeSet<(u64, Hash)>,
    /// The newest block told.
    block: u64,
    /// A frame that waits until what is missing before it is fetched.
    waiting: Option<Frame>,
    missing: bool,
    events: VecDeque<WatchEvent>,
    is_down: bool,
}

/// A stream of frames from one node.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) node: NodeIndex,
    stream: WatchStream,
    /// Whether none has come yet. Of what is before the first the node tells nothing, and after it all that concerns us.
    is_new: bool,
}

/// A verified frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) at: Moment,
    pub(super) entries: Vec<HistoryEntry>,
}

impl Session {
    /// Watches accounts, 1 to 8, from the newest proven moment on.
    pub fn watch(&self, addresses: &[Address]) -> Watch {
        let newest = self.newest().height;
        Watch {
            session: Arc::clone(&self.0),
            addresses: addresses.iter().copied().take(MAX_WATCHED).collect(),
            frames: None,
            base: newest,
            upto: newest,
            told: BTreeSet::new(),
            block: newest,
            waiting: None,
            missing: true,
            events: VecDeque::new(),
            is_down: false,
        }
    }
}

impl Watch {
    /// The next event; waits for ever if nothing happens. Cancel-safe.
    ///
    /// # Errors
    /// [`SessionError::Closed`] after the session was closed; [`SessionError::Fork`].
    pub async fn next(&mut self) -> Result<WatchEvent, SessionError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if self.session.network.is_closed() {
                return Err(SessionError::Closed);
            }
            if self.frames.is_none() && !self.connect().await {
                continue;
            }
            if self.missing {
                match self.fetch_missing().await {
                    Ok(()) => {}
                    Err(SessionError::Fork(doubt)) => return Err(SessionError::Fork(doubt)),
                    Err(_) => {
                        self.frames = None;
                        continue;
                    }
                }
            }
            if let Some(frame) = self.waiting.take() {
                self.tell(frame);
                continue;
            }
            self.step().await;
        }
    }

    /// Waits for a frame, or for the node to be of no use.
    async fn step(&mut self) {
        let session = Arc::clone(&self.session);
        let mut changed = session.changed.subscribe();
        let Some(frames) = &mut self.frames else {
            return;
        };
        if !session.pool().should_watch(frames.node) {
            self.frames = None;
            return;
        }
        let is_first = frames.is_new;
        tokio::select! {
            frame = session.next_frame(frames) => match frame {
                Some(frame) => {
                    self.missing |= is_first && frame.at.height > self.upto;
                    self.waiting = Some(frame);
                }
                None => self.frames = None,
            },
            _ = changed.changed() => {}
        }
    }

    /// Opens a watch on the best node that lets us; waits a while if none does.
    async fn connect(&mut self) -> bool {
        let mut changed = self.session.changed.subscribe();
        let ranked = self.session.pool().ranked();
        for node in ranked {
            if let Some(frames) = self.session.open_frames(node, &self.addresses).await {
                let name = self.session.name_of(node);
                self.events
                    .extend(name.map(|node| WatchEvent::Connected { node }));
                self.frames = Some(frames);
                // Whatever happened while nobody was watched is missing.
                self.missing = true;
                self.is_down = false;
                return true;
            }
        }
        if !self.is_down {
            self.is_down = true;
            self.events.push_back(WatchEvent::Disconnected);
            return false;
        }
        tokio::select! {
            _ = changed.changed() => {}
            () = sleep(WATCH_AGAIN) => {}
        }
        false
    }

    async fn fetch_missing(&mut self) -> Result<(), SessionError> {
        let mut reached = u64::MAX;
        let mut found = Vec::new();
        for address in &self.addresses {
            let upto = self.upto;
            let enough = |entries: &[HistoryEntry]| {
                entries.first().is_none_or(|oldest| oldest.height < upto)
            };
            let history = self.session.history(*address, enough).await?;
            reached = reached.min(history.at.height);
            found.extend(history.entries);
        }
        found.sort_by_key(|entry| entry.height);
        for entry in found {
            self.tell_activity(entry);
        }
        self.missing = false;
        if !self.addresses.is_empty() {
            self.complete(reached);
        }
        Ok(())
    }

    fn tell(&mut self, frame: Frame) {
        let height = frame.at.height;
        for entry in frame.entries {
            self.tell_activity(entry);
        }
        self.complete(height);
        if height > self.block {
            self.block = height;
            self.events.push_back(WatchEvent::Block(frame.at));
        }
    }

    fn tell_activity(&mut self, entry: HistoryEntry) {
        let place = (entry.height, entry.transaction.id());
        if entry.height > self.base && entry.height >= self.upto && self.told.insert(place) {
            self.events.push_back(WatchEvent::Activity(Box::new(entry)));
        }
    }

    /// All below this height is told.
    fn complete(&mut self, height: u64) {
        self.upto = self.upto.max(height);
        self.told = self.told.split_off(&(self.upto, Hash::ZERO));
    }
}

impl Inner {
    /// Opens a stream of frames on a node; `None` if it does not let us.
    pub(super) async fn open_frames(
        &self,
        node: NodeIndex,
        addresses: &[Address],
    ) -> Option<Frames> {
        let peer = self.peer_of(node)?;
        let request = WatchRequest {
            addresses: addresses.to_vec(),
        };
        let opening = self.network.open_watch(peer, request.to_bytes());
        let why = match timeout(WATCH_OPENING, opening).await {
            Ok(Ok(stream)) => {
                let is_new = true;
                return Some(Frames {
                    node,
                    stream,
                    is_new,
                });
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no watch within {WATCH_OPENING:?}"),
        };
        self.change(|pool| pool.struck(node, why));
        None
    }

    /// The next frame, verified; `None` when the stream is over or the node lied. Cancel-safe.
    pub(super) async fn next_frame(&self, frames: &mut Frames) -> Option<Frame> {
        let bytes = frames.stream.next().await?;
        frames.is_new = false;
        match self.read_frame(&bytes) {
            Ok(frame) => {
                self.change(|pool| pool.proved(frames.node, &frame.at, None));
                Some(frame)
            }
            Err(doubt) => {
                self.distrust(frames.node, &doubt);
                None
            }
        }
    }

    fn read_frame(&self, bytes: &[u8]) -> Result<Frame, Doubt> {
        let frame = WatchFrame::from_bytes(bytes)?;
        let placed = frame
            .transactions
            .into_iter()
            .map(|placed| (placed.transaction, placed.path));
        let proven = self.light().pushed(&frame.certified, placed)?;
        let at = proven.at;
        let entries = proven.value.into_iter().map(|signed| HistoryEntry {
            height: at.height,
            time_ms: at.time_ms,
            transaction: signed.transaction,
        });
        Ok(Frame {
            at,
            entries: entries.collect(),
        })
    }
}
