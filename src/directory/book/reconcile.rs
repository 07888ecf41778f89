//! How two books find out what one has and the other lacks: digests, listings, differences.
//!
//! Peers are parted by the first byte of their key into 256 buckets. A bucket's digest is the hash of its cards'
//! identities in the order of their peers, so equal contents have equal digests, and nobody can make unequal ones meet.
//! It is worked out when it is asked for and kept until a card of its bucket changes.
//! Where digests differ, ranges of keys are listed by short identities; what is behind them is fetched by peer.

use std::collections::BTreeSet;

use super::index::{FIRST, LAST};
use super::{Book, Entry};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::hash::Hash;
use crate::chain::key::PublicKey;
use crate::directory::card::{Card, Whereabouts};
use crate::directory::exchange::{Difference, Listing, MAX_FETCHED, MAX_LISTED, MAX_OFFERED};

/// Into how many buckets the peers are parted.
pub const BUCKETS: usize = 256;

/// The first bytes of a bucket's digest: enough that nobody finds two contents with one digest.
pub(in crate::directory) type BucketDigest = [u8; 16];

/// The first eight bytes of a card's identity: enough to tell apart what two honest books hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortId(pub [u8; 8]);

impl ShortId {
    /// That of a card.
    pub fn of(said: &Whereabouts) -> Self {
        Self::from_id(&said.id())
    }

    fn from_id(id: &Hash) -> Self {
        let mut short = [0; 8];
        short.copy_from_slice(&id.0[..8]);
        Self(short)
    }
}

/// The digests of all buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(Box<[BucketDigest; BUCKETS]>);

impl Digest {
    /// The buckets whose contents differ, rising.
    pub fn differing(&self, other: &Self) -> Vec<u8> {
        let pairs = (0..=u8::MAX).zip(self.0.iter().zip(other.0.iter()));
        pairs
            .filter(|(_, (ours, theirs))| ours != theirs)
            .map(|(bucket, _)| bucket)
            .collect()
    }
}

/// What is known of each bucket without looking at its cards.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    cards: [usize; BUCKETS],
    digests: Box<[Option<BucketDigest>; BUCKETS]>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            cards: [0; BUCKETS],
            digests: Box::new([None; BUCKETS]),
        }
    }
}

impl Buckets {
    pub fn added(&mut self, peer: &PublicKey) {
        let bucket = usize::from(peer.0[0]);
        self.cards[bucket] += 1;
        self.digests[bucket] = None;
    }

    pub fn removed(&mut self, peer: &PublicKey) {
        let bucket = usize::from(peer.0[0]);
        self.cards[bucket] -= 1;
        self.digests[bucket] = None;
    }
}

fn first_of(bucket: u8) -> PublicKey {
    let mut key = FIRST;
    key.0[0] = bucket;
    key
}

fn last_of(bucket: u8) -> PublicKey {
    let mut key = LAST;
    key.0[0] = bucket;
    key
}

/// The next greater key; `None` behind the last.
fn after(key: &PublicKey) -> Option<PublicKey> {
    let mut next = *key;
    for byte in next.0.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(next);
        }
    }
    None
}

impl Book {
    /// The digests of all that has not ended.
    pub fn digest(&mut self, now_ms: u64) -> Digest {
        self.expire(now_ms);
        let mut all = Box::new([[0; 16]; BUCKETS]);
        for (bucket, digest) in (0..=u8::MAX).zip(all.iter_mut()) {
            let place = usize::from(bucket);
            let known = self.buckets.digests[place];
            *digest = known.unwrap_or_else(|| self.bucket_digest(bucket));
            self.buckets.digests[place] = Some(*digest);
        }
        Digest(all)
    }

    /// Zero for an empty bucket.
    fn bucket_digest(&self, bucket: u8) -> BucketDigest {
        let mut short = [0; 16];
        let entries = self.entries(first_of(bucket), last_of(bucket));
        let ids: Vec<&[u8]> = entries.map(|(_, entry)| &entry.id.0[..]).collect();
        if !ids.is_empty() {
            let whole = Hash::of("natcoin/cards/1", &ids);
            short.copy_from_slice(&whole.0[..16]);
        }
        short
    }

    fn entries(
        &self,
        from: PublicKey,
        to: PublicKey,
    ) -> impl Iterator<Item = (&PublicKey, &Entry)> {
        // A range that ends before it begins holds nothing (and must not be asked of the map).
        (from <= to)
            .then(|| self.cards.range(from..=to))
            .into_iter()
            .flatten()
    }

    /// What the book holds in these buckets (rising), in as few listings as it fits into.
    ///
    /// Buckets between them are listed along where that fits, because a request costs more than a few identities.
    pub fn listings(&self, buckets: &[u8]) -> Vec<Listing> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for &bucket in buckets {
            if let Some((first, last)) = ranges.last_mut() {
                let places = usize::from(*first)..=usize::from(bucket);
                let cards: usize = self.buckets.cards[places].iter().sum();
                if cards <= MAX_LISTED {
                    *last = bucket;
                    continue;
                }
            }
            ranges.push((bucket, bucket));
        }
        let listed = |(first, last)| self.listings_of(first_of(first), last_of(last));
        ranges.into_iter().flat_map(listed).collect()
    }

    /// A range of keys, cut wherever a listing is full.
    fn listings_of(&self, first: PublicKey, last: PublicKey) -> Vec<Listing> {
        let mut listings = Vec::new();
        let mut from = Some(first).filter(|first| *first <= last);
        while let Some(begin) = from {
            let mut entries = self.entries(begin, last);
            let part: Vec<_> = entries.by_ref().take(MAX_LISTED).collect();
            let end = match (entries.next(), part.last()) {
                (Some(_), Some((peer, _))) => **peer,
                _ => last,
            };
            let held = part.iter().map(|(_, entry)| ShortId::from_id(&entry.id));
            listings.push(Listing::new(begin, end, held.collect()));
            from = after(&end).filter(|next| *next <= last);
        }
        listings
    }

    /// What this book has in a listing's range and the lister lacks, and what it lacks itself.
    pub fn difference(&self, listing: &Listing) -> Difference {
        let mut theirs: BTreeSet<ShortId> = listing.held().iter().copied().collect();
        let mut offered = Vec::new();
        for (peer, entry) in self.entries(listing.from(), listing.to()) {
            let is_theirs = theirs.remove(&ShortId::from_id(&entry.id));
            // What does not fit now differs still at the next exchange.
            if !is_theirs && offered.len() < MAX_OFFERED {
                offered.push(*peer);
            }
        }
        let wanted = theirs.into_iter().collect();
        Difference { offered, wanted }
    }

    /// The cards of a range that have these short identities: what another book wants of a listing.
    pub fn listed(&self, listing: &Listing, wanted: &[ShortId]) -> Vec<Card> {
        let wanted: BTreeSet<ShortId> = wanted.iter().copied().collect();
        let entries = self.entries(listing.from(), listing.to());
        entries
            .filter(|(_, entry)| wanted.contains(&ShortId::from_id(&entry.id)))
            .map(|(_, entry)| entry.card.card().clone())
            .collect()
    }

    /// The cards of these peers, as many as an answer may hold.
    pub fn fetch(&self, peers: &[PublicKey]) -> Vec<Card> {
        let found = peers.iter().filter_map(|peer| self.of_peer(peer));
        found.take(MAX_FETCHED).cloned().collect()
    }
}

impl Encode for ShortId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for ShortId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array().map(Self)
    }
}

impl Encode for Digest {
    fn encode(&self, out: &mut Vec<u8>) {
        for bucket in self.0.iter() {
            bucket.encode(out);
        }
    }
}

impl Decode for Digest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = reader.take(BUCKETS * size_of::<BucketDigest>())?;
        let mut all = Box::new([[0; 16]; BUCKETS]);
        all.as_flattened_mut().copy_from_slice(bytes);
        Ok(Self(all))
    }
}
