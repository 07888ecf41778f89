//! What is simulated: how many of whom, in which weather, for how long.
//!
//! Next: `run.rs`, which does it.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::regions::Regions;
use crate::chain::genesis::MAX_GENESIS_ACCOUNTS;

/// The weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A good local network: 0.2 to 1 ms, nothing fails.
    Lan,
    /// Everything that can fail by itself does: messages, ways, clocks, disks, power.
    Chaos,
    /// As many validators as may be are malicious, and some of the rest fails too.
    Byzantine,
    /// Nodes and wallets in regions of the world, as far apart as these are.
    World,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lan, Self::Chaos, Self::Byzantine, Self::World];

    /// Whether anything goes wrong in it.
    pub(super) fn is_rough(self) -> bool {
        matches!(self, Self::Chaos | Self::Byzantine)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Chaos => "chaos",
            Self::Byzantine => "byzantine",
            Self::World => "world",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Not the name of a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no profile; there are lan, chaos, byzantine and world")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == text);
        found.ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}

/// Most validators that a simulation takes.
pub const MAX_NODES: u32 = 128;
/// Most wallets that a simulation takes: each has an account in the genesis. Where a stranger acts it is one fewer.
pub const MAX_WALLETS: u32 = 10_000;

const _: () = assert!(MAX_WALLETS as usize <= MAX_GENESIS_ACCOUNTS);

/// What is simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Validators.
    pub nodes: u32,
    /// Nodes that follow without voting.
    pub followers: u32,
    /// Wallets that pay each other.
    pub wallets: u32,
    /// The weather.
    pub profile: Profile,
    /// Virtual time for which wallets begin payments, and things go wrong.
    pub duration: Duration,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Too few or too many of something.
    #[error("{count} {} cannot be simulated: from {least} to {most} can", one_or_many(what, *count))]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u32,
        /// The fewest.
        least: u32,
        /// The most.
        most: u32,
    },
}

/// How many there may be of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Validators.
    pub nodes: RangeInclusive<u32>,
    /// Nodes that follow.
    pub followers: RangeInclusive<u32>,
    /// Wallets; one alone has nobody to pay.
    pub wallets: RangeInclusive<u32>,
}

impl Profile {
    /// How many of each it takes.
    pub fn limits(self) -> Limits {
        // A malicious validator is one too many for networks of one to three.
        let least = if self == Self::Byzantine { 4 } else { 1 };
        // The stranger's account has to fit in too.
        let most_wallets = MAX_WALLETS - u32::from(self.is_rough());
        Limits {
            nodes: least..=MAX_NODES,
            followers: 0..=MAX_NODES,
            wallets: 0..=most_wallets,
        }
    }
}

fn one_or_many(what: &'static str, count: u32) -> &'static str {
    match count {
        1 => what.strip_suffix('s').unwrap_or(what),
        _ => what,
    }
}

impl Plan {
    /// Checks the bounds.
    ///
    /// # Errors
    /// [`PlanError::Count`].
    pub fn check(&self) -> Result<(), PlanError> {
        let limits = self.profile.limits();
        let wallets = if self.wallets == 0 { 0 } else { 2 };
        let counts = [
            ("nodes", self.nodes, limits.nodes),
            ("followers", self.followers, limits.followers),
            ("wallets", self.wallets, wallets..=*limits.wallets.end()),
        ];
        for (what, count, limits) in counts {
            if !limits.contains(&count) {
                return Err(PlanError::Count {
                    what,
                    count,
                    least: *limits.start(),
                    most: *limits.end(),
                });
            }
        }
        Ok(())
    }

    /// About how many bytes of memory a seed takes at most: measured from 1 to 128 nodes and 0 to 10,000 wallets, it took
    /// from a third of it to all. Each node keeps its own copy of every account.
    pub fn memory_bytes(&self) -> u64 {
        let nodes = u64::from(self.nodes) + u64::from(self.followers);
        let wallets = u64::from(self.wallets);
        (16 << 20) + nodes * (1 << 20) + wallets * (8 << 10) + nodes * wallets * (1 << 10)
    }

    /// How long a wallet's owner does nothing, on the average.
    pub fn pause(&self) -> Duration {
        match self.profile {
            Profile::Lan | Profile::Chaos | Profile::Byzantine => Duration::from_secs(4),
            Profile::World => Duration::from_secs(100),
        }
    }

    /// The one-way quorum delay, where distances are known: see [`Regions::quorum_delay`].
    pub fn quorum_delay(&self) -> Option<Duration> {
        let validators = usize::try_from(self.nodes).unwrap_or(usize::MAX);
        match self.profile {
            Profile::World => Some(Regions::even(validators).quorum_delay(validators)),
            Profile::Lan | Profile::Chaos | Profile::Byzantine => None,
        }
    }

    /// How many validators may be malicious or down: less than a third.
    pub fn tolerance(&self) -> u32 {
        self.nodes.saturating_sub(1) / 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::people::{self, stranger};

    #[test]
    fn as_many_wallets_as_a_plan_takes_fit_into_the_genesis_and_so_does_the_stranger() {
        for profile in Profile::ALL {
            let plan = |wallets: u32| Plan {
                nodes: 4,
                followers: 0,
                wallets,
                profile,
                duration: Duration::from_secs(1),
            };
            let most = (0..=MAX_WALLETS + 1).rev();
            let most = most.take(3).find(|wallets| plan(*wallets).check().is_ok());
            let cast = people::cast(4, 0, most.unwrap()).unwrap();
            let mut accounts = cast.genesis.accounts.iter();
            let is_there = accounts.any(|account| account.address == stranger().address());
            assert_eq!(is_there, profile.is_rough(), "{profile:?}");
        }
    }
}
