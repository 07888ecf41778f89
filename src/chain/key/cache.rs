//! Keys that have signed, as points of the curve: to work the point out costs a square root, a quarter of a check.
//!
//! The cache saves work and changes no answer. It holds nothing but what [`KeyPoint::of`] made of the key's own bytes,
//! and only keys whose signature was good get in, so that forgers cannot push honest keys out. Whoever has many keys
//! and signs with all of them can; then honest keys cost what they cost without a cache.
//!
//! Next: `batch.rs`, which asks it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};

use super::PublicKey;

/// A key that is a point, and the point. It cannot be put together otherwise than by [`KeyPoint::of`].
#[derive(Clone, Copy)]
pub(super) struct KeyPoint {
    key: PublicKey,
    point: EdwardsPoint,
}

impl KeyPoint {
    /// The point whose encoding the key is; ZIP 215 takes encodings that are not canonical, too. `None` if it is none.
    pub(super) fn of(key: PublicKey) -> Option<Self> {
        let point = CompressedEdwardsY(key.0).decompress()?;
        Some(Self { key, point })
    }

    /// The key's bytes.
    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The point.
    pub(super) fn point(&self) -> &EdwardsPoint {
        &self.point
    }
}

/// Keys of a generation: what a hash table of 16,384 slots takes before it grows. Each of the two takes 3.2 MB when
/// it is full (192 bytes and one a slot), so that the cache never holds more than 28,672 keys or takes more than
/// 6.4 MB; a node that nobody pays with has next to nothing in it.
const GENERATION: usize = 14_336;

/// The keys that signed last, as points; shared by all threads of a node that check signatures.
///
/// A batch takes the lock twice, for fractions of a millisecond, and never while it computes.
pub struct KeyCache {
    generations: Mutex<Generations>,
    /// Keys of a generation.
    bound: usize,
}

/// When the young are as many as the bound, they are the old ones, and the old ones of before are forgotten. What is
/// asked for becomes young again: so a key stays as long as no more than the bound of others came since.
#[derive(Default)]
struct Generations {
    young: HashMap<PublicKey, EdwardsPoint>,
    old: HashMap<PublicKey, EdwardsPoint>,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self::with_generations_of(GENERATION)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCache({} keys)", self.len())
    }
}

impl KeyCache {
    pub(super) fn with_generations_of(bound: usize) -> Self {
        Self {
            generations: Mutex::default(),
            bound,
        }
    }

    /// How many keys it holds.
    pub(super) fn len(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    /// The points of the keys that it holds, in the order of the keys.
    pub(super) fn look_up(&self, keys: &[PublicKey]) -> Vec<Option<KeyPoint>> {
        let mut generations = self.lock();
        let points = keys.iter().map(|key| {
            let point = generations.find(key, self.bound)?;
            Some(KeyPoint { key: *key, point })
        });
        points.collect()
    }

    /// Takes in keys whose signature was good.
    pub(super) fn learn(&self, points: impl Iterator<Item = KeyPoint>) {
        let mut generations = self.lock();
        for KeyPoint { key, point } in points {
            generations.put(key, point, self.bound);
        }
    }

    /// A thread that panicked under the lock has left whole entries, so they are as good as before.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn find(&mut self, key: &PublicKey, bound: usize) -> Option<EdwardsPoint> {
        if let Some(point) = self.young.get(key) {
            return Some(*point);
        }
        let point = self.old.remove(key)?;
        self.put(*key, point, bound);
        Some(point)
    }

    fn put(&mut self, key: PublicKey, point: EdwardsPoint, bound: usize) {
        if self.young.len() >= bound {
            // The table of the forgotten is used again: a full cache asks for no more memory.
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, point);
    }
}
