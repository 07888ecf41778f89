//! The wallets' owners: when they pay whom, and what they are shown; held against the judge.
//!
//! An owner who is shown that a payment has not happened may pay again, and one whose wallet has forgotten a payment
//! does: so a wallet that shows what is not true makes somebody pay twice.
//! Never: look at the chain but to judge what was shown. Next: `run.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt as _;

use super::pay::intent_of;
use super::run::Heard;
use super::{Disk, Habits, Wallet, WalletEvent};
use crate::chain::amount::Amount;
use crate::chain::codec::Encode;
use crate::chain::key::Address;
use crate::chain::query::{HistoryEntry, Moment};
use crate::chain::transaction::{Memo, TransactionId};
use crate::sim::people::person;
use crate::sim::plan::{Plan, Profile};
use crate::sim::trace::Parties;
use crate::sim::violation::Invariant;
use crate::sim::world::World;
use crate::wallet::draft::DEFAULT_VALIDITY;
use crate::wallet::journal::Journal;
use crate::wallet::light::LightClient;
use crate::wallet::payment::{Payment, Status};

/// Nodes that a wallet knows.
const KNOWN: usize = 7;
/// Payments of one wallet that may be under way at once.
const AT_ONCE: usize = 6;
/// Wallets whose whole history is looked at, at the end.
const AUDITED: usize = 64;
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
    intent: Intent,
    /// The transactions that were signed for it.
    signed: Vec<TransactionId>,
    signed_at: Duration,
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
            let nodes = self.known_nodes();
            let wallet = self.wallets.all.len();
            self.wallets.all.push(Wallet {
                address: person(person_number).address(),
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

    /// Up to [`KNOWN`] nodes, by chance.
    fn known_nodes(&mut self) -> Vec<u16> {
        let mut nodes: Vec<u16> = (0..self.nodes.len())
            .filter_map(|node| u16::try_from(node).ok())
            .collect();
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
        let me = self.wallets.all[wallet].address;
        let others = self.wallets.all.len();
        let other = self.random.random_range(0..others);
        let payee = self.wallets.all[other].address;
        if payee == me {
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
        self.wallets.stories.push(Story {
            intent,
            signed: Vec::new(),
            signed_at: Duration::ZERO,
        });
        *self.tally.payments.entry("begun").or_default() += 1;
        self.wallet(wallet).wants.push(intent);
        self.rouse(wallet);
    }

    /// Lets a wallet's program see to what its owner wants; starts it if it can be.
    fn rouse(&mut self, wallet: usize) {
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

    // ---- what owners are shown ----

    /// After a start: what the journal knows of what was begun is shown, and what it has forgotten is begun anew.
    pub(super) fn take_up(&mut self, wallet: usize, journal: &Journal) {
        for number in std::mem::take(&mut self.wallet(wallet).begun) {
            let story = &self.wallets.stories[number];
            let last = story.signed.last().and_then(|id| journal.get(id));
            match last.cloned() {
                Some(payment) if payment.is_unresolved() => self.wallet(wallet).begun.push(number),
                Some(payment) => {
                    self.wallet(wallet).begun.push(number);
                    self.shown(wallet, &payment);
                }
                None => {
                    let intent = story.intent;
                    self.wallet(wallet).wants.push(intent);
                }
            }
        }
    }

    /// An intent is signed.
    pub(super) fn signed(&mut self, wallet: usize, number: u64, id: TransactionId) {
        let now = self.now();
        let party = self.party(wallet);
        self.note("signed", Parties(party, None), id.as_bytes(), || {
            format!("payment {number} is signed: {}", id.short())
        });
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(story) = self.wallets.stories.get_mut(place) else {
            return;
        };
        story.signed.push(id);
        story.signed_at = now;
        self.wallet(wallet).begun.push(place);
    }

    /// An intent could not be begun. Who must pay tries again; who has not signed anything for it lets it be.
    pub(super) fn not_begun(&mut self, wallet: usize, intent: Intent, why: &str) {
        let party = self.party(wallet);
        self.note(
            "wallet",
            Parties(party, None),
            &intent.number.to_bytes(),
            || format!("payment {} is not begun: {why}", intent.number),
        );
        if let Some(live) = &mut self.wallet(wallet).live {
            live.is_spent = true;
        }
        let place = usize::try_from(intent.number).unwrap_or(usize::MAX);
        let story = self.wallets.stories.get(place);
        match story.is_some_and(|story| story.signed.is_empty()) {
            true => *self.tally.payments.entry("not begun").or_default() += 1,
            false => self.wallet(wallet).wants.push(intent),
        }
    }

    /// A payment's end is shown to its owner.
    pub(super) fn shown(&mut self, wallet: usize, payment: &Payment) {
        let (now, id, party) = (self.now(), payment.id(), self.party(wallet));
        let words = format!("{:?}", payment.status());
        self.note("ended", Parties(party, None), id.as_bytes(), || {
            format!("payment {} ends: {words}", id.short())
        });
        let this = &mut self.wallets.all[wallet];
        if let Some(live) = &this.live {
            this.disk.seen = this.disk.seen.max(live.run.light.newest().height);
        }
        let number = intent_of(payment.transaction());
        let place = usize::try_from(number.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        this.begun.retain(|begun| *begun != place);
        let end = match payment.status() {
            Status::Final { height, .. } => {
                self.judge.shown_final(wallet, now, id, *height);
                "final"
            }
            Status::Expired { .. } => "expired",
            Status::Replaced { .. } => "replaced",
            Status::Rejected { .. } => "rejected",
            Status::Signed | Status::Submitted => "none",
        };
        *self.tally.payments.entry(end).or_default() += 1;
        let Some(story) = self.wallets.stories.get(place) else {
            return;
        };
        if end == "final" {
            let took = now.saturating_sub(story.signed_at).as_micros();
            let took = u64::try_from(took).unwrap_or(u64::MAX);
            self.tally.finality_micros.push(took);
            return self.is_paid_once(place);
        }
        self.judge.shown_otherwise(wallet, now, id);
        // It is said not to have happened: who has to pay pays again. An expired one may hold later ones up.
        let intent = Intent {
            validity: DEFAULT_VALIDITY,
            ..story.intent
        };
        if end == "expired" || self.random.random_range(0..2) == 0 {
            self.wallet(wallet).wants.push(intent);
        }
    }

    /// Holds that at most one of the transactions of an intent is final.
    fn is_paid_once(&mut self, place: usize) {
        let (now, Some(story)) = (self.now(), self.wallets.stories.get(place)) else {
            return;
        };
        let finals: BTreeSet<&TransactionId> = story
            .signed
            .iter()
            .filter(|id| self.judge.finals.contains_key(*id))
            .collect();
        let count = finals.len();
        self.judge.hold(Invariant::PaidOnce, now, count <= 1, || {
            format!("payment {place} was made {count} times")
        });
    }

    // ---- the end ----

    /// Lets some owners look at their whole history, and holds every intent to have been paid at most once.
    pub(in crate::sim) fn audit(&mut self) {
        for place in 0..self.wallets.stories.len() {
            self.is_paid_once(place);
        }
        let count = self.wallets.all.len();
        let every = count.div_ceil(AUDITED).max(1);
        for wallet in (0..count).step_by(every) {
            self.wallets.unaudited.insert(wallet);
            self.rouse(wallet);
        }
    }

    /// Whether all of those have seen it.
    pub(in crate::sim) fn is_audited(&self) -> bool {
        self.wallets.unaudited.is_empty()
    }

    /// A whole history is shown to its owner.
    pub(super) fn audited(&mut self, wallet: usize, at: Moment, entries: &[HistoryEntry]) {
        self.wallets.unaudited.remove(&wallet);
        let now = self.now();
        let address = self.wallets.all[wallet].address;
        let place = |one: &HistoryEntry| (one.height, one.transaction.id());
        let entries: Vec<(u64, TransactionId)> = entries.iter().map(place).collect();
        let upto = (address, at.height);
        self.judge.shown_history(wallet, now, upto, &entries);
    }
}
