//! The numbers of cards that have left, so that an older card of the same peer does not come back.
//!
//! A number is kept for 24 h after its card's end. There is room for as many as for cards; the one that would go soonest
//! goes first. What that can cost is small: no card outlives its own 60 minutes, so an older card that comes back ends
//! soon whatever is remembered.

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::key::PublicKey;
use crate::directory::card::{REMEMBERED_MS, Whereabouts};

/// A number that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub peer: PublicKey,
    pub sequence: u64,
    pub until_ms: u64,
}

/// Numbers by peer, and by when they are forgotten.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    room: usize,
    by_peer: BTreeMap<PublicKey, Number>,
    by_end: BTreeSet<(u64, PublicKey)>,
}

impl Numbers {
    pub fn with_room(room: usize) -> Self {
        Self {
            room,
            by_peer: BTreeMap::new(),
            by_end: BTreeSet::new(),
        }
    }

    /// The number of the peer's last card that has left.
    pub fn of(&self, peer: &PublicKey) -> Option<u64> {
        self.by_peer.get(peer).map(|number| number.sequence)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Number> {
        self.by_peer.values()
    }

    /// Remembers the number of a card that leaves.
    pub fn remember(&mut self, said: &Whereabouts) {
        self.insert(Number {
            peer: said.peer,
            sequence: said.sequence,
            until_ms: said.ends_at_ms().saturating_add(REMEMBERED_MS),
        });
    }

    pub fn insert(&mut self, number: Number) {
        self.forget(&number.peer);
        self.by_end.insert((number.until_ms, number.peer));
        self.by_peer.insert(number.peer, number);
        while self.by_peer.len() > self.room {
            self.forget_first();
        }
    }

    pub fn forget(&mut self, peer: &PublicKey) {
        if let Some(number) = self.by_peer.remove(peer) {
            self.by_end.remove(&(number.until_ms, number.peer));
        }
    }

    pub fn expire(&mut self, now_ms: u64) {
        while self
            .by_end
            .first()
            .is_some_and(|(until, _)| *until <= now_ms)
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, peer)) = self.by_end.pop_first() {
            self.by_peer.remove(&peer);
        }
    }
}

impl Encode for Number {
    fn encode(&self, out: &mut Vec<u8>) {
        self.peer.encode(out);
        self.sequence.encode(out);
        self.until_ms.encode(out);
    }
}

impl Decode for Number {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            peer: PublicKey::decode(reader)?,
            sequence: u64::decode(reader)?,
            until_ms: u64::decode(reader)?,
        })
    }
}
