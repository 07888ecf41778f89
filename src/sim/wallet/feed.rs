//! Finality pushed by two nodes at once, as `node/session/pay/feed.rs` follows them.
//!
//! Never: believe a frame that the light client has not verified. Next: `pay.rs`, which is told what was pushed.

use std::time::Duration;

use super::run::{Act, Run};
use crate::chain::codec::{Decode, Encode};
use crate::chain::query::Moment;
use crate::chain::transaction::Transaction;
use crate::replica::WatchId;
use crate::replica::wire::{WatchFrame, WatchRequest};
use crate::wallet::light::Doubt;
use crate::wallet::patience::{WATCH_AGAIN, WATCH_OPENING};
use crate::wallet::payment::NodeIndex;

/// The watch at the node of a rank.
#[derive(Default)]
pub(super) struct Feed {
    open: Option<(NodeIndex, WatchId)>,
    /// A node that seems not to open.
    opening: Option<NodeIndex>,
    /// When it is tried again.
    again_at: Option<Duration>,
}

/// A verified frame.
pub(super) struct Frame {
    pub(super) at: Moment,
    pub(super) transactions: Vec<Transaction>,
}

impl Feed {
    pub(super) fn close(&mut self) -> Option<WatchId> {
        std::mem::take(self).open.map(|(_, watch)| watch)
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.again_at
    }
}

impl Run {
    /// Opens what should be open and is not: two watches while a payment is under way.
    pub(super) fn follow(&mut self) {
        if !self.desk.is_open() && !self.desk.is_gathering() {
            for feed in &mut self.feeds {
                if let Some(watch) = feed.close() {
                    self.acts.push_back(Act::Leave(watch));
                }
            }
            return;
        }
        for place in 0..self.feeds.len() {
            let feed = &mut self.feeds[place];
            if feed.open.is_some() || feed.again_at.is_some_and(|at| at > self.now) {
                continue;
            }
            if let Some(node) = std::mem::take(feed).opening {
                let why = format!("no watch within {WATCH_OPENING:?}");
                self.pool.struck(node, why);
            }
            if let Some(node) = self.pool.ranked().get(place).copied() {
                let addresses = vec![self.me.address];
                let data = WatchRequest { addresses }.to_bytes();
                self.feeds[place].opening = Some(node);
                self.feeds[place].again_at = Some(self.now + WATCH_OPENING);
                self.acts.push_back(Act::Watch(place, node, data));
            }
        }
    }

    /// A watch stands.
    pub(super) fn watched(&mut self, place: usize, node: NodeIndex, watch: WatchId) {
        self.feeds[place] = Feed {
            open: Some((node, watch)),
            ..Feed::default()
        };
    }

    pub(super) fn on_frame(&mut self, watch: WatchId, bytes: &[u8]) {
        let open = self.feeds.iter().filter_map(|feed| feed.open);
        let Some((node, _)) = open.into_iter().find(|(_, open)| *open == watch) else {
            return;
        };
        match self.read_frame(bytes) {
            Ok(frame) => {
                self.pool.proved(node, &frame.at, None);
                self.frame(frame);
            }
            Err(doubt) => {
                if let Doubt::Fork { .. } = doubt {
                    self.acts.push_back(Act::Fork(doubt.to_string()));
                }
                self.pool.lied(node, doubt.to_string());
                self.acts.push_back(Act::Leave(watch));
                self.feed_over(watch);
            }
        }
        self.feed_nodes();
    }

    fn read_frame(&mut self, bytes: &[u8]) -> Result<Frame, Doubt> {
        let frame = WatchFrame::from_bytes(bytes)?;
        let placed = frame.transactions.into_iter();
        let placed = placed.map(|placed| (placed.transaction, placed.path));
        let proven = self.light.pushed(&frame.certified, placed)?;
        let transactions = proven.value.into_iter().map(|signed| signed.transaction);
        Ok(Frame {
            at: proven.at,
            transactions: transactions.collect(),
        })
    }

    pub(super) fn feed_over(&mut self, watch: WatchId) {
        let again_at = Some(self.now + WATCH_AGAIN);
        for feed in &mut self.feeds {
            if feed.open.is_some_and(|(_, open)| open == watch) {
                *feed = Feed {
                    again_at,
                    ..Feed::default()
                };
            }
        }
    }

    pub(super) fn feeds_lost(&mut self, node: NodeIndex) {
        let open = self.feeds.iter().filter_map(|feed| feed.open);
        let lost = open.filter(|(of, _)| *of == node);
        for (_, watch) in lost.collect::<Vec<_>>() {
            self.acts.push_back(Act::Leave(watch));
            self.feed_over(watch);
        }
    }
}
