//! The plan of a course: what is done to whom, in which order. It follows from its seed alone.
//!
//! A course is a row of spells. In a spell at most as many nodes are disturbed as the network stands, each by one or
//! two troubles at a time; the network must go on. Now and then there is an outage instead: more are disturbed, and
//! the network must stand still and go on by itself afterwards. The next spell begins when all are in step again.
//!
//! The troubles are dealt from a shuffled pack, so that a short course has as many different ones as it can.

use std::fmt;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::link::{Ways, Weather};
use super::sky::Sky;

/// What is done to one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// `kill -9`; started again at the end.
    Kill,
    /// SIGINT; started again at the end.
    Stop,
    /// SIGSTOP; SIGCONT at the end. QUIC connections die of 3 s, the others' patience of some 9 s.
    Freeze,
    /// SIGSTOP and SIGCONT in turns: a machine that is busy with something else.
    Stutter,
    /// Restarted on a disk that takes so long for each sync.
    SlowDisk { ms: u64 },
    /// Restarted where no file can be larger than this, so that it ends by itself; started again at the end.
    FullDisk { kib: u64 },
    /// The links from and to it, the wallets' too.
    Weather { inbound: Sky, outbound: Sky },
    /// Only one transport goes, as behind a firewall.
    Without(Transport),
    /// The link with one other node, the n-th after it, is cut.
    Estranged { from: usize },
    /// Killed, and started again with a copy of its store that was taken some payments ago.
    Restore(Copy),
}

/// A transport that does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
}

/// What is left of a store. What the node signed must not be forgotten while it matters; see
/// `docs/decisions/agreement.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// Blocks, state and log are older; the guard is kept. Started at once.
    OlderButGuard,
    /// All is older, the guard too. Started when the others have made one more block.
    Older,
    /// Nothing is left. Started when the others have made one more block.
    Nothing,
}

/// What is done to more nodes than the network stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// So many are killed that no quorum is left.
    Killed,
    /// So many are frozen.
    Frozen,
    /// The network is cut in two; the wallets reach both halves.
    Halves,
    /// The power fails: all are killed at once, and started again.
    Power,
    /// Every link among the nodes is cut.
    Scattered,
    /// All are killed, and started where no file can be larger than this: less than what the blocks need.
    FullDisks { kib: u64 },
}

/// A piece of the course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spell {
    /// The network must go on.
    Within {
        victims: Vec<(usize, Vec<Trouble>)>,
        /// How long at least; it lasts until payments became final, too.
        ms: u64,
        /// Whether what began last ends first.
        last_first: bool,
    },
    /// The network must stand still, and go on afterwards.
    Beyond {
        outage: Outage,
        /// The first of the nodes concerned; the others follow in a row.
        first: usize,
        ms: u64,
    },
    /// Cut in two; then one node is killed and started with an older copy, but for its guard: it must not contradict
    /// what it has signed at the height that stands still.
    SetBack { victim: usize, ms: u64 },
}

/// The endless plan of a seed.
pub struct Plan {
    rng: StdRng,
    nodes: usize,
    pack: Vec<Card>,
}

/// A card of the pack: its details are drawn when it is dealt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Card {
    One(&'static str),
    /// Two at once on one node.
    Two(&'static str, &'static str),
    Outage(Outage),
    SetBack,
}

const KINDS: [&str; 17] = [
    "kill",
    "stop",
    "freeze",
    "long freeze",
    "stutter",
    "slow disk",
    "cut",
    "deaf",
    "mute",
    "slow",
    "lossy",
    "flapping",
    "without",
    "estranged",
    "older but guard",
    "older",
    "full disk",
];

const TOGETHER: [(&str, &str); 6] = [
    ("lossy", "kill"),
    ("slow", "freeze"),
    ("flapping", "stop"),
    ("slow disk", "estranged"),
    ("stutter", "deaf"),
    ("slow", "nothing left"),
];

const BEYOND: [Card; 7] = [
    Card::Outage(Outage::Killed),
    Card::Outage(Outage::Frozen),
    Card::Outage(Outage::Halves),
    Card::SetBack,
    Card::Outage(Outage::Power),
    Card::Outage(Outage::Scattered),
    Card::Outage(Outage::FullDisks { kib: 80 }),
];

impl Plan {
    /// The plan of a network of so many nodes.
    pub fn new(seed: u64, nodes: usize) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            nodes,
            pack: Vec::new(),
        }
    }

    /// How many nodes the network stands without.
    fn tolerated(&self) -> usize {
        (self.nodes - 1) / 3
    }

    fn deal(&mut self) -> Card {
        if self.pack.is_empty() {
            let ones = KINDS.iter().map(|kind| Card::One(kind));
            let twos = TOGETHER.iter().map(|(one, two)| Card::Two(one, two));
            self.pack = ones.chain(twos).chain(BEYOND).collect();
            self.pack.shuffle(&mut self.rng);
        }
        self.pack.pop().expect("a shuffled pack")
    }

    fn spell(&mut self) -> Spell {
        match self.deal() {
            Card::Outage(outage) => Spell::Beyond {
                outage,
                first: self.rng.random_range(0..self.nodes),
                ms: self.long(),
            },
            Card::SetBack => Spell::SetBack {
                victim: self.rng.random_range(0..self.nodes),
                ms: self.long(),
            },
            card => self.within(card),
        }
    }

    /// How long an outage lasts: now and then longer than the 10 s that wallets wait.
    fn long(&mut self) -> u64 {
        match self.rng.random_ratio(1, 4) {
            true => self.rng.random_range(10_500..14_000),
            false => self.rng.random_range(2_000..4_000),
        }
    }

    fn within(&mut self, card: Card) -> Spell {
        let mut others: Vec<usize> = (0..self.nodes).collect();
        others.shuffle(&mut self.rng);
        let count = self.rng.random_range(1..=self.tolerated());
        let mut ms = self.rng.random_range(300..2_000);
        let mut victims = Vec::new();
        for (number, victim) in others.into_iter().take(count).enumerate() {
            let kinds = match (&card, number) {
                (Card::One(kind), 0) => vec![*kind],
                (Card::Two(one, two), 0) => vec![*one, *two],
                // Further victims have anything.
                _ => vec![KINDS[self.rng.random_range(0..KINDS.len())]],
            };
            if kinds.contains(&"long freeze") {
                ms = self.rng.random_range(4_000..15_000);
            }
            let troubles = kinds.into_iter().map(|kind| self.trouble(kind)).collect();
            victims.push((victim, troubles));
        }
        Spell::Within {
            victims,
            ms,
            last_first: self.rng.random(),
        }
    }

    fn trouble(&mut self, kind: &str) -> Trouble {
        let same = |sky| Trouble::Weather {
            inbound: sky,
            outbound: sky,
        };
        match kind {
            "kill" => Trouble::Kill,
            "stop" => Trouble::Stop,
            "freeze" | "long freeze" => Trouble::Freeze,
            "stutter" => Trouble::Stutter,
            "slow disk" => Trouble::SlowDisk {
                ms: self.rng.random_range(20..400),
            },
            "full disk" => Trouble::FullDisk {
                kib: self.rng.random_range(16..=128),
            },
            "cut" => same(Sky::Shut),
            "deaf" => Trouble::Weather {
                inbound: Sky::Shut,
                outbound: Sky::Clear,
            },
            "mute" => Trouble::Weather {
                inbound: Sky::Clear,
                outbound: Sky::Shut,
            },
            "slow" => same(Sky::Slow {
                ms: self.rng.random_range(50..300),
            }),
            "lossy" => same(Sky::Lossy {
                percent: self.rng.random_range(10..=30),
            }),
            "flapping" => same(Sky::Flapping {
                ms: self.rng.random_range(100..1_500),
            }),
            "without" => Trouble::Without(match self.rng.random() {
                true => Transport::Tcp,
                false => Transport::Udp,
            }),
            "estranged" => Trouble::Estranged {
                from: self.rng.random_range(1..self.nodes),
            },
            "older but guard" => Trouble::Restore(Copy::OlderButGuard),
            "older" => Trouble::Restore(Copy::Older),
            "nothing left" => Trouble::Restore(Copy::Nothing),
            kind => unreachable!("no such trouble: {kind}"),
        }
    }
}

impl Iterator for Plan {
    type Item = Spell;

    fn next(&mut self) -> Option<Spell> {
        Some(self.spell())
    }
}

impl Trouble {
    /// The weather on a link that comes to its node, and on one that goes from it.
    pub fn weather(self) -> Option<(Weather, Weather)> {
        match self {
            Self::Weather { inbound, outbound } => Some((
                Weather::both(inbound, outbound),
                Weather::both(outbound, inbound),
            )),
            Self::Without(transport) => {
                let shut = Ways {
                    forth: Sky::Shut,
                    back: Sky::Shut,
                };
                let mut weather = Weather::default();
                match transport {
                    Transport::Tcp => weather.tcp = shut,
                    Transport::Udp => weather.udp = shut,
                }
                Some((weather, weather))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Spell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within { victims, ms, .. } => {
                for (victim, troubles) in victims {
                    write!(f, "node {victim} {troubles:?} ")?;
                }
                write!(f, "for {ms} ms")
            }
            Self::Beyond { outage, first, ms } => {
                write!(f, "outage {outage:?} from node {first} for {ms} ms")
            }
            Self::SetBack { victim, ms } => {
                write!(f, "node {victim} is set back, cut in two for {ms} ms")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_follows_from_its_seed_and_disturbs_no_more_nodes_than_it_says() {
        for (nodes, most) in [(4, 1), (7, 2)] {
            let plan: Vec<Spell> = Plan::new(17, nodes).take(200).collect();
            let again: Vec<Spell> = Plan::new(17, nodes).take(200).collect();
            assert_eq!(plan, again);
            let other: Vec<Spell> = Plan::new(18, nodes).take(200).collect();
            assert_ne!(plan, other);
            for spell in plan {
                if let Spell::Within { victims, .. } = spell {
                    let mut whom: Vec<usize> = victims.iter().map(|(whom, _)| *whom).collect();
                    whom.dedup();
                    assert!((1..=most).contains(&whom.len()), "{victims:?}");
                    assert_eq!(whom.len(), victims.len(), "{victims:?}");
                }
            }
        }
    }

    #[test]
    fn no_trouble_comes_twice_before_every_trouble_has_come() {
        let pack = KINDS.len() + TOGETHER.len() + BEYOND.len();
        let mut plan = Plan::new(17, 4);
        let mut first: Vec<String> = (0..pack).map(|_| format!("{:?}", plan.deal())).collect();
        let mut second: Vec<String> = (0..pack).map(|_| format!("{:?}", plan.deal())).collect();
        first.sort();
        second.sort();
        assert_eq!(first, second);
        first.dedup();
        assert_eq!(first.len(), pack);
    }
}
