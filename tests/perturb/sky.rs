//! What becomes of what is under way between two places.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How one direction of a link treats what goes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sky {
    /// All passes at once.
    #[default]
    Clear,
    /// Nothing passes.
    Shut,
    /// All passes, so much later.
    Slow { ms: u64 },
    /// So many of a hundred datagrams are lost. What TCP carries comes late instead: its sender repeats it.
    Lossy { percent: u32 },
    /// Open and shut in turns of this length.
    Flapping { ms: u64 },
}

/// What is to be done with a piece of data that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Passed on at this moment.
    At(Instant),
    /// Not passed on now; the sky may change at this moment (or whenever it is set anew).
    Held(Option<Instant>),
    /// Lost on the way. Only single pieces are: what comes behind may pass.
    Lost,
}

/// How long TCP takes to repeat what was lost.
const REPEATED_AFTER: Duration = Duration::from_millis(200);

/// The dice of one direction of one link.
#[derive(Debug)]
pub struct Dice(StdRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// What becomes of a piece that arrives `now` under a sky that is so since `since`.
    pub fn cast(&mut self, sky: Sky, since: Instant, now: Instant) -> Fate {
        match sky {
            Sky::Clear => Fate::At(now),
            Sky::Shut => Fate::Held(None),
            Sky::Slow { ms } => Fate::At(now + Duration::from_millis(ms)),
            Sky::Lossy { percent } => match self.0.random_range(0..100) < percent {
                true => Fate::Lost,
                false => Fate::At(now),
            },
            Sky::Flapping { ms } => {
                let turn = Duration::from_millis(ms);
                let turns = now.saturating_duration_since(since).as_millis() / turn.as_millis();
                // It begins shut: a short spell should be felt.
                match turns % 2 {
                    1 => Fate::At(now),
                    _ => {
                        let turns = u32::try_from(turns + 1).unwrap_or(u32::MAX);
                        Fate::Held(Some(since + turn * turns))
                    }
                }
            }
        }
    }

    /// The same for a piece of a stream, of which nothing is ever lost.
    pub fn cast_stream(&mut self, sky: Sky, since: Instant, now: Instant) -> Fate {
        match self.cast(sky, since, now) {
            Fate::Lost => Fate::At(now + REPEATED_AFTER),
            fate => fate,
        }
    }
}
