//! A wallet's program starts, dies or leaves off; what is on its disk goes on.
//!
//! Never: keep anything across a crash but the disk and what the owner remembers. Next: `run.rs`.

use rand::RngExt as _;

use super::run::{Act, Run, Start};
use super::{Live, WalletEvent};
use crate::chain::hash::Hash;
use crate::chain::key::SecretKey;
use crate::sim::people::person;
use crate::sim::trace::Parties;
use crate::sim::violation::Invariant;
use crate::sim::world::World;
use crate::wallet::journal::Journal;

/// How far a wallet's clock may be off, in milliseconds.
const SKEW_MS: i64 = 3_000;

impl World {
    /// Starts a wallet's program from its disk.
    pub(super) fn start_wallet(&mut self, wallet: usize) {
        let now = self.now();
        self.wallet(wallet).is_down = false;
        if self.wallet(wallet).live.is_some() {
            return;
        }
        let Some(pristine) = self.wallets.pristine.clone() else {
            return;
        };
        let mut seed = [0; 32];
        self.random.fill(&mut seed[..]);
        let skew_ms = match self.wallets.habits.is_rough {
            true => self.random.random_range(-SKEW_MS..=SKEW_MS),
            false => 0,
        };
        let leaves = !self.wallets.habits.stays || self.random.random_range(0..2) == 0;
        let text = self.wallets.all[wallet].disk.journal.as_deref();
        let journal = match text.map_or_else(|| Ok(Journal::new()), Journal::decode) {
            Ok(journal) => journal,
            Err(error) => {
                let what = || format!("the journal of wallet {wallet}: {error}");
                self.judge.hold(Invariant::Soundness, now, false, what);
                return;
            }
        };
        let (validators, needed) = {
            let set = &self.genesis.validators;
            (set.count(), set.quorum_count())
        };
        let this = &self.wallets.all[wallet];
        let nodes = this.nodes.iter();
        let start = Start {
            secret: person(this.person),
            session: SecretKey::from_seed(&seed).public(),
            light: pristine.remembering(this.disk.seen),
            journal: journal.clone(),
            nodes: nodes.map(|node| usize::from(*node) < validators).collect(),
            needed,
            clock_ms: self.genesis.time_ms.saturating_add_signed(skew_ms),
        };
        let digest = Hash::of("natcoin/sim/wallet", &[&journal.encode()]);
        self.note(
            "wallet",
            Parties(self.party(wallet), None),
            digest.as_bytes(),
            || {
                let open = journal.payments().iter().filter(|one| one.is_unresolved());
                format!("starts with {} payments under way", open.count())
            },
        );
        let this = self.wallet(wallet);
        this.run += 1;
        let mut run = Run::start(start, now);
        run.follow();
        this.live = Some(Box::new(Live {
            run,
            calls: std::collections::BTreeMap::new(),
            leaves,
            is_spent: false,
        }));
        self.take_up(wallet, &journal);
        self.settle_down(wallet);
    }

    /// A wallet's program dies, perhaps while the journal is being written.
    pub(in crate::sim) fn crash_wallet(&mut self, wallet: usize) {
        if self.wallet(wallet).live.is_none() {
            return;
        }
        self.tally.fault("wallet crash");
        let is_new = self.random.random_range(0..2) == 0;
        let this = self.wallet(wallet);
        this.crash_in = None;
        this.is_down = true;
        let writing = this.disk.writing.take();
        let was_writing = writing.is_some();
        if let (true, Some(text)) = (is_new, writing) {
            this.disk.journal = Some(text);
        }
        let party = self.party(wallet);
        self.note(
            "wallet",
            Parties(party, None),
            &[u8::from(was_writing && is_new)],
            || {
                let journal = match (was_writing, is_new) {
                    (false, _) => "",
                    (true, true) => ", the journal just written",
                    (true, false) => ", the journal not yet written",
                };
                format!("crashes{journal}")
            },
        );
        self.end_run(wallet);
        let after = self.between_ms(100, 5_000);
        self.after_wallet(after, wallet, WalletEvent::Start);
        self.note_openness(wallet);
    }

    /// A wallet's program leaves off; what is not done is taken up later.
    pub(super) fn close_wallet(&mut self, wallet: usize) {
        let Some(live) = &self.wallet(wallet).live else {
            return;
        };
        let newest = live.run.light.newest().height;
        let disk = &mut self.wallet(wallet).disk;
        disk.seen = disk.seen.max(newest);
        let party = self.party(wallet);
        self.note("wallet", Parties(party, None), &[], || {
            "leaves off".to_owned()
        });
        self.end_run(wallet);
        let this = self.wallet(wallet);
        if !this.wants.is_empty() || !this.begun.is_empty() {
            let later = self.between_ms(1_000, 5_000);
            self.after_wallet(later, wallet, WalletEvent::Start);
        }
    }

    fn end_run(&mut self, wallet: usize) {
        self.wallet(wallet).run += 1;
        let Some(live) = self.wallet(wallet).live.take() else {
            return;
        };
        for call in live.calls.into_values() {
            self.end_call(call);
        }
        let mut run = live.run;
        for watch in run.feeds.iter_mut().filter_map(|feed| feed.close()) {
            self.leave_watch(watch);
        }
        let nodes = self.wallets.all[wallet].nodes.clone();
        for node in nodes {
            if let Some(linked) = self.wallets.linked.get_mut(&usize::from(node)) {
                linked.remove(&wallet);
            }
        }
        for act in run.acts {
            match act {
                Act::Signed(story, id) => self.signed(wallet, story, id),
                Act::NotBegun(intent, _) => self.wallet(wallet).wants.push(intent),
                _ => {}
            }
        }
        if let Some(intent) = run.desk.into_intent() {
            self.wallet(wallet).wants.insert(0, intent);
        }
    }
}
