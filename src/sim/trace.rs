//! The trace: every thing that happens, as one running hash, and as lines for people.
//!
//! Two runs with the same hash had the same things happen at the same times to the same parties, and the same was said.
//! The lines say who sent what to whom, and what
//! was decided; they are made only when somebody listens.
//! Next: `describe.rs`, which puts messages into words.

use std::time::Duration;

use crate::chain::codec::Encode;
use crate::chain::hash::Hash;

/// Who hears the lines.
pub type Listener = Box<dyn FnMut(&str)>;

/// Tells how much time of a real processor its thread has had. What it says is counted and never acted upon: nothing that happens
/// depends on it.
pub type Stopwatch = fn() -> Duration;

/// Everything that has happened, and who looks on from outside.
pub struct Trace {
    hash: Hash,
    events: u64,
    listener: Option<Listener>,
    pub(super) stopwatch: Option<Stopwatch>,
}

/// A party of the world, or two of them: who does it, and with whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parties(pub usize, pub Option<usize>);

impl Trace {
    /// Nothing has happened; `listener` hears a line for each thing that does.
    pub(super) fn new(seed: u64, listener: Option<Listener>) -> Self {
        Self {
            hash: Hash::of("natcoin/sim/seed", &[&seed.to_bytes()]),
            events: 0,
            listener,
            stopwatch: None,
        }
    }

    /// Notes what happens: a word for its kind, between whom, and its content's digest or number.
    pub(super) fn note(
        &mut self,
        at: Duration,
        kind: &'static str,
        parties: Parties,
        content: &[u8],
        line: impl FnOnce() -> String,
    ) {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let place = |party: usize| u64::try_from(party).unwrap_or(u64::MAX);
        let mut place_bytes = nanos.to_bytes();
        place(parties.0).encode(&mut place_bytes);
        parties.1.map_or(u64::MAX, place).encode(&mut place_bytes);
        self.events += 1;
        self.hash = Hash::of(
            "natcoin/sim/trace",
            &[self.hash.as_bytes(), kind.as_bytes(), &place_bytes, content],
        );
        if let Some(listener) = &mut self.listener {
            listener(&format!("{:>12.6}  {}", at.as_secs_f64(), line()));
        }
    }

    /// Something is due, with whom; what is said of it is noted apart, and much is not worth a line.
    pub(super) fn due(&mut self, at: Duration, party: &[u64; 2]) {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let mut content = nanos.to_bytes();
        party.iter().for_each(|part| part.encode(&mut content));
        self.hash = Hash::of("natcoin/sim/due", &[self.hash.as_bytes(), &content]);
    }

    /// The running hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// How many things have happened.
    pub fn events(&self) -> u64 {
        self.events
    }
}
