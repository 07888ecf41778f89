//! What a run of the world is made of, and where its chance comes from.

use super::host::Tail;

/// A millisecond.
pub const MS: u64 = 1_000;
/// A second.
pub const SECOND: u64 = 1_000_000;
/// As the longest rest: nodes begin only when they are woken.
pub const FOR_EVER: u64 = u64::MAX;

/// SplitMix64: small, and the same everywhere.
pub struct Rng(pub u64);

impl Rng {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Whether a chance of so many percent comes true.
    pub fn percent(&mut self, percent: u64) -> bool {
        percent > 0 && self.below(100) < percent
    }
}

/// What a run is made of.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// From which all chance follows.
    pub seed: u64,
    /// How many validators.
    pub count: usize,
    /// Percent of packets lost.
    pub drop: u64,
    /// Percent of packets that come twice.
    pub duplicate: u64,
    /// Longest delay while there are faults (shortest: 500 us).
    pub max_delay: u64,
    /// When the faults of the network end.
    pub faults_until: u64,
    /// Longest rest between two heights.
    pub max_rest: u64,
    /// Longest time that a node is down after a crash (shortest: 50 ms).
    pub max_down: u64,
    /// What unflushed entries become.
    pub tail: Tail,
    /// The last validator tells odd nodes otherwise.
    pub has_liar: bool,
    /// One node more, which has the last validator's key.
    pub has_twin: bool,
}

impl Plan {
    /// A network without faults.
    pub fn calm(count: usize) -> Self {
        Self {
            seed: 1,
            count,
            drop: 0,
            duplicate: 0,
            max_delay: MS,
            faults_until: 0,
            max_rest: 5 * MS,
            max_down: 3 * SECOND,
            tail: Tail::Lost,
            has_liar: false,
            has_twin: false,
        }
    }
}
