//! The wallets' owners: who they are, and when they pay whom.
//!
//! Next: `run.rs` (the program that they start), `shown.rs` (what they are shown).

use std::time::Duration;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use super::run::Heard;
use super::{Disk, Habits, Wallet, WalletEvent};
use crate::chain::amount::Amount;
use crate::chain::codec::Encode;
use crate::chain::key::Address;
use crate::chain::transaction::{Memo, TransactionId};
use crate::sim::net::Delay;
use crate::sim::people::person;
use crate::sim::plan::{Plan, Profile};
use crate::sim::trace::Parties;
use crate::sim::world::World;
use crate::wallet::draft::DEFAULT_VALIDITY;
use crate::wallet::light::LightClient;

/// Nodes that a wallet deals with.
const KNOWN: usize = 7;
/// Payments of one wallet that may be under way at once.
const AT_ONCE: usize = 6;
/// Wallets whose whole history is looked at, at the end.
pub(super) const AUDITED: usize = 64;
/// Of so many wallets one has a second device, if it is rough.
const SECOND_DEVICE: usize = 8;

/// What an owner wants to pay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intent {
    /// The number of its story.
    pub(super) number: u64,
    pub(super) payee: Address,
    pub(super) amount: Amount,
    /// For how many heights it is to be valid.
    pub(super) validity: u64,
}

impl Intent {
    /// Every intent has a note of its own, so that two of them are never one transaction.
    pub(super) fn memo(&self) -> Memo {
        Memo::new(self.number.to_bytes()).expect("eight bytes fit into a memo")
    }
}

/// What became of an intent.
pub(super) struct Story {
    pub(super) intent: Intent,
    /// The transactions that were signed for it.
    pub(super) signed: Vec<TransactionId>,
    /// When the first of them was: what has to be signed again has kept its owner waiting since then.
    pub(super) signed_at: Option<Duration>,
}

impl World {
    /// Sets the wallets of a plan up.
    pub(in crate::sim) fn settle(&mut self, plan: &Plan) {
        let count = usize::try_from(plan.wallets).unwrap_or(usize::MAX);
        if count == 0 {
            return;
        }
        let is_rough = plan.profile.is_rough();
        self.wallets.pristine = Some(LightClient::new(&self.genesis, 0));
        self.wallets.habits = Habits {
            pause: plan.pause(),
            until: plan.duration,
            is_rough,
            stays: plan.profile != Profile::World,
        };
        let doubles = if is_rough { count / SECOND_DEVICE } else { 0 };
        for number in (0..count).chain(0..doubles) {
            let person_number = u32::try_from(number).unwrap_or(u32::MAX);
            let wallet = self.wallets.all.len();
            let nodes = self.known_nodes(wallet);
            let address = person(person_number).address();
            self.trace.name(&address, || format!("wallet {wallet}"));
            self.wallets.all.push(Wallet {
                address,
                person: person_number,
                nodes,
                run: 0,
                live: None,
                disk: Disk::default(),
                wants: Vec::new(),
                begun: Vec::new(),
                is_down: false,
                is_open: false,
                crash_in: None,
            });
            let pause = self.pause();
            self.after_wallet(pause, wallet, WalletEvent::Decide);
        }
    }

    /// Up to [`KNOWN`] nodes by chance; where distances are known the nearest. A wallet's program dials every node of its
    /// list at once and uses the first that answer, so that of a long list the others do not matter.
    fn known_nodes(&mut self, wallet: usize) -> Vec<u16> {
        let mut nodes: Vec<u16> = (0..self.nodes.len())
            .filter_map(|node| u16::try_from(node).ok())
            .collect();
        if let Delay::Regions(regions) = &self.net.manners.delay {
            let party = self.party(wallet);
            nodes.shuffle(&mut self.random);
            nodes.sort_by_key(|node| regions.least(party, usize::from(*node)));
            nodes.truncate(KNOWN);
        }
        while nodes.len() > KNOWN {
            let which = self.random.random_range(0..nodes.len());
            nodes.swap_remove(which);
        }
        nodes
    }

    /// How long an owner does nothing: about exponential, by whole numbers, which are the same on any machine.
    fn pause(&mut self) -> Duration {
        let halvings = u32::from(self.random.random::<u64>().leading_zeros().min(8) as u8);
        let rest = self.random.random_range(0..1000);
        // The mean of a geometric number of halvings and a half is 1.5.
        self.wallets
            .habits
            .pause
            .saturating_mul(halvings * 1000 + rest)
            / 1500
    }

    /// An owner decides to pay somebody something.
    pub(super) fn decide(&mut self, wallet: usize) {
        if self.now() >= self.wallets.habits.until {
            return;
        }
        let pause = self.pause();
        self.after_wallet(pause, wallet, WalletEvent::Decide);
        let payee = self.random.random_range(0..self.wallets.all.len());
        self.wish(wallet, payee);
    }

    /// An owner wants to pay another one.
    pub(in crate::sim) fn wish(&mut self, wallet: usize, payee: usize) {
        let (place, payee) = (payee, self.wallets.all[payee].address);
        if payee == self.wallets.all[wallet].address {
            return;
        }
        let is_short = self.wallets.habits.is_rough && self.random.random_range(0..6) == 0;
        let intent = Intent {
            number: u64::try_from(self.wallets.stories.len()).unwrap_or(u64::MAX),
            payee,
            amount: Amount::from_nits(self.random.random_range(10..1_000_000)),
            validity: match is_short {
                true => self.random.random_range(0..3),
                false => DEFAULT_VALIDITY,
            },
        };
        let parties = Parties(self.party(wallet), Some(self.party(place)));
        self.remark(parties, || {
            let Intent { number, amount, .. } = intent;
            format!("wants to pay {amount} NAT: payment {number}")
        });
        self.wallets.stories.push(Story {
            intent,
            signed: Vec::new(),
            signed_at: None,
        });
        *self.tally.payments.entry("begun").or_default() += 1;
        self.wallet(wallet).wants.push(intent);
        self.rouse(wallet);
    }

    /// Lets a wallet's program see to what its owner wants; starts it if it can be.
    pub(super) fn rouse(&mut self, wallet: usize) {
        let this = &self.wallets.all[wallet];
        match this.live.is_none() && !this.is_down {
            true => self.start_wallet(wallet),
            false => self.settle_down(wallet),
        }
    }

    /// Gives a program that runs the next thing to do, or closes it.
    pub(super) fn serve(&mut self, wallet: usize) {
        let now = self.now();
        let is_unaudited = self.wallets.unaudited.contains(&wallet);
        let this = &mut self.wallets.all[wallet];
        let Some(live) = &mut this.live else {
            return;
        };
        if live.is_spent {
            if !live.run.is_busy() {
                self.close_wallet(wallet);
            }
        } else if !this.wants.is_empty() {
            if !live.run.desk.is_gathering() && live.run.desk.open() < AT_ONCE {
                let intent = this.wants.remove(0);
                live.run.handle(Heard::Pay(intent), now);
            }
        } else if !live.run.is_busy() {
            if is_unaudited {
                live.run.handle(Heard::Audit, now);
            } else if live.leaves {
                self.close_wallet(wallet);
            }
        }
    }

    /// Counts the wallets that have something to do.
    pub(super) fn note_openness(&mut self, wallet: usize) {
        let this = &mut self.wallets.all[wallet];
        let live = this.live.as_ref();
        let is_open = !this.wants.is_empty()
            || !this.begun.is_empty()
            || live.is_some_and(|live| live.run.is_busy());
        match (std::mem::replace(&mut this.is_open, is_open), is_open) {
            (false, true) => self.wallets.open += 1,
            (true, false) => self.wallets.open -= 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Listener, Manners, Regions, cast};

    #[test]
    fn a_wallet_deals_with_the_nearest_nodes_where_distances_are_known() {
        let plan = Plan {
            nodes: 31,
            followers: 0,
            wallets: 40,
            profile: Profile::World,
            duration: Duration::from_secs(1),
        };
        let mut world = World::new(
            cast(plan.nodes, plan.followers, plan.wallets).unwrap(),
            Manners::good(Duration::ZERO, Duration::ZERO),
            1,
            None::<Listener>,
        );
        let regions = Regions::spread(&mut world.random, 31, 40);
        world.net.manners = Manners::world(regions.clone());
        world.settle(&plan);
        for wallet in 0..40 {
            let known = &world.wallets.all[wallet].nodes;
            assert_eq!(known.len(), KNOWN);
            let far = |node: &u16| regions.least(31 + wallet, usize::from(*node));
            let farthest = known.iter().map(far).max().unwrap();
            let mut others = (0..31).filter(|node| !known.contains(node));
            assert!(others.all(|node| far(&node) >= farthest), "wallet {wallet}");
        }
    }
}
