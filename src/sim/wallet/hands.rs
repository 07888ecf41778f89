//! The hands of a wallet's program in the world: connections, calls, watches, the disk; and its crashes.
//!
//! Never: decide what is asked or believed; `run.rs` does. Next: `speech.rs`.

use std::time::Duration;

use super::ask::Freight;
use super::run::{Act, Heard};
use super::{Wallet, WalletEvent};
use crate::behaviour::Service;
use crate::chain::hash::Hash;
use crate::sim::describe;
use crate::sim::trace::Parties;
use crate::sim::violation::Invariant;
use crate::sim::world::World;
use crate::wallet::payment::NodeIndex;

/// How long a dial over a cut waits.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a handshake's message.
const HANDSHAKE_BYTES: usize = 600;

impl World {
    pub(super) fn wallet(&mut self, wallet: usize) -> &mut Wallet {
        &mut self.wallets.all[wallet]
    }

    /// The number of a wallet among all parties.
    pub(super) fn party(&self, wallet: usize) -> usize {
        self.nodes.len() + wallet
    }

    /// The place of a node that a wallet knows.
    fn node_of(&self, wallet: usize, node: NodeIndex) -> usize {
        usize::from(self.wallets.all[wallet].nodes[usize::from(node.0)])
    }

    fn is_reachable(&self, wallet: usize, node: usize) -> bool {
        self.nodes[node].live.is_some() && self.net.is_whole(self.party(wallet), node)
    }

    /// Something happens to a wallet.
    pub(in crate::sim) fn wallet_happens(&mut self, wallet: usize, run: u64, event: WalletEvent) {
        if wallet >= self.wallets.all.len() {
            // Somebody from outside the world asked in its name.
            if let WalletEvent::Answer { call, .. } = event {
                self.end_call(call);
            }
            return;
        }
        match event {
            WalletEvent::Decide => return self.decide(wallet),
            WalletEvent::Start => return self.start_wallet(wallet),
            WalletEvent::Answer { call, data } => {
                let from = self.end_call(call);
                if self.wallets.run_of(wallet) == run
                    && let (Some(from), Some(data)) = (from, data)
                {
                    self.wallet_answered(wallet, from, call, data);
                }
                return;
            }
            _ if self.wallets.run_of(wallet) != run => return,
            _ => {}
        }
        let heard = match event {
            WalletEvent::Dial(node) => return self.dial(wallet, node),
            WalletEvent::Linked(node, epoch) => {
                let place = self.node_of(wallet, node);
                if !self.is_reachable(wallet, place) || self.nodes[place].epoch != epoch {
                    Heard::Unreachable(node)
                } else {
                    self.wallets.linked.entry(place).or_default().insert(wallet);
                    Heard::Linked(node)
                }
            }
            WalletEvent::Unreachable(node) => Heard::Unreachable(node),
            WalletEvent::Lost(node) => {
                let place = self.node_of(wallet, node);
                let linked = self.wallets.linked.entry(place).or_default();
                if !linked.remove(&wallet) {
                    return;
                }
                Heard::Lost(node)
            }
            WalletEvent::Written => {
                let disk = &mut self.wallet(wallet).disk;
                if let Some(text) = disk.writing.take() {
                    disk.journal = Some(text);
                }
                Heard::Written
            }
            WalletEvent::Frame { watch, frame } => {
                let party = self.party(wallet);
                let from = self.speech.watches.get(&watch).map(|(_, node)| *node);
                let digest = Hash::of("natcoin/sim/frame", &[&frame]);
                let parties = Parties(from.unwrap_or(party), Some(party));
                self.note("frame", parties, digest.as_bytes(), || {
                    describe::frame(&frame)
                });
                Heard::Frame(watch, frame)
            }
            WalletEvent::WatchLost { watch } => Heard::WatchOver(watch),
            WalletEvent::Wake => Heard::Wake,
            WalletEvent::Decide | WalletEvent::Start | WalletEvent::Answer { .. } => return,
        };
        self.tell_wallet(wallet, heard);
    }

    /// Lets a wallet's program hear something, and does what follows.
    pub(super) fn tell_wallet(&mut self, wallet: usize, heard: Heard) {
        let now = self.now();
        if let Some(live) = &mut self.wallet(wallet).live {
            live.run.handle(heard, now);
        }
        self.settle_down(wallet);
    }

    /// Does what follows from what a wallet has heard.
    pub(super) fn settle_down(&mut self, wallet: usize) {
        self.perform_acts(wallet);
        self.serve(wallet);
        self.perform_acts(wallet);
        self.plan_wake(wallet);
        self.note_openness(wallet);
    }

    fn plan_wake(&mut self, wallet: usize) {
        let now = self.now();
        let Some(live) = &mut self.wallet(wallet).live else {
            return;
        };
        if let Some(due) = live.run.due()
            && live.run.wake_at.is_none_or(|at| due < at)
        {
            live.run.wake_at = Some(due);
            self.after_wallet(due.saturating_sub(now), wallet, WalletEvent::Wake);
        }
    }

    // ---- what it does ----

    pub(super) fn perform_acts(&mut self, wallet: usize) {
        while let Some(live) = &mut self.wallet(wallet).live
            && let Some(act) = live.run.acts.pop_front()
        {
            // The journal may be half written when the crash comes.
            if let Act::Write(text) = &act {
                self.wallet(wallet).disk.writing = Some(text.clone());
            }
            if let (true, Some(left)) = (act.is_felt(), &mut self.wallet(wallet).crash_in) {
                match left.checked_sub(1) {
                    Some(less) => *left = less,
                    None => return self.crash_wallet(wallet),
                }
            }
            self.act_for(wallet, act);
        }
    }

    fn act_for(&mut self, wallet: usize, act: Act) {
        let now = self.now();
        match act {
            Act::Dial(node, wait) => {
                let wait = wait + self.between_ms(0, 50);
                self.after_wallet(wait, wallet, WalletEvent::Dial(node));
            }
            Act::Call(flight, node, service, data) => {
                let (from, to) = (self.party(wallet), self.node_of(wallet, node));
                let Some(live) = &self.wallet(wallet).live else {
                    return;
                };
                let key = *live.run.me.session;
                let call = self.call(from, to, None, (key, service, data));
                if let Some(live) = &mut self.wallet(wallet).live {
                    live.calls.insert(flight, call);
                }
            }
            Act::Forget(flight) => {
                let live = self.wallet(wallet).live.as_mut();
                if let Some(call) = live.and_then(|live| live.calls.remove(&flight)) {
                    self.end_call(call);
                }
            }
            Act::Watch(place, node, data) => {
                let to = self.node_of(wallet, node);
                let watch = self.open_watch(wallet, to, data);
                let is_open = self.speech.watches.contains_key(&watch);
                if let (true, Some(live)) = (is_open, &mut self.wallet(wallet).live) {
                    live.run.watched(place, node, watch);
                }
            }
            Act::Leave(watch) => self.leave_watch(watch),
            Act::Write(_) => {
                let soon = self.between_ms(1, 4);
                self.after_wallet(soon, wallet, WalletEvent::Written);
            }
            Act::Signed(story, id) => self.signed(wallet, story, id),
            Act::NotBegun(intent, why) => self.not_begun(wallet, intent, &why),
            Act::Show(payment) => self.shown(wallet, &payment),
            Act::Believed(before, height, account) => {
                let heights = (before, height);
                self.judge
                    .believed(wallet, now, heights, account.as_deref());
            }
            Act::History(at, entries) => self.audited(wallet, at, &entries),
            Act::Fork(what) => {
                let what = || format!("wallet {wallet} has seen a fork: {what}");
                self.judge.hold(Invariant::Agreement, now, false, what);
            }
            Act::Fault(what) => {
                let what = || format!("wallet {wallet} cannot keep its journal: {what}");
                self.judge.hold(Invariant::Soundness, now, false, what);
            }
            Act::Close => self.close_wallet(wallet),
        }
    }

    fn dial(&mut self, wallet: usize, node: NodeIndex) {
        let (from, to) = (self.party(wallet), self.node_of(wallet, node));
        let now = self.now();
        let event = match self.is_reachable(wallet, to) {
            true => WalletEvent::Linked(node, self.nodes[to].epoch),
            false => WalletEvent::Unreachable(node),
        };
        let wait = match (&event, self.net.is_whole(from, to)) {
            (WalletEvent::Unreachable(_), false) => DIAL_TIMEOUT,
            // One round trip for the connection, and half a one for the greeting.
            _ => (0..3)
                .map(|leg| {
                    let way = if leg == 1 { (to, from) } else { (from, to) };
                    let took = self.net.way(&mut self.random, now, way, HANDSHAKE_BYTES, 0);
                    took.unwrap_or_default()
                })
                .sum(),
        };
        self.after_wallet(wait, wallet, event);
    }

    fn wallet_answered(&mut self, wallet: usize, from: usize, call: u64, data: Vec<u8>) {
        let party = self.party(wallet);
        let Some(live) = &mut self.wallets.all[wallet].live else {
            return;
        };
        let mut calls = live.calls.iter();
        let Some(flight) = calls
            .find(|(_, of)| **of == call)
            .map(|(flight, _)| *flight)
        else {
            return;
        };
        live.calls.remove(&flight);
        let freight = live.run.flights.get(&flight).map(|flight| flight.what);
        let service = match freight {
            Some(Freight::Payment(_)) => Service::Submit,
            Some(Freight::Question(_)) | None => Service::Query,
        };
        // What comes over a cut does not come; the wait for it goes on.
        if !self.net.passes(from, party) {
            return;
        }
        let digest = Hash::of("natcoin/sim/answer", &[&data]);
        self.note(
            "answer",
            Parties(from, Some(party)),
            digest.as_bytes(),
            || describe::reply(service, &data),
        );
        self.tell_wallet(wallet, Heard::Answer(flight, data));
    }

    /// A node is gone: wallets that are connected to it notice.
    pub(in crate::sim) fn wallets_lose(&mut self, node: usize) {
        let linked = self.wallets.linked.get(&node).into_iter().flatten();
        for wallet in linked.copied().collect::<Vec<_>>() {
            let notice = self.between_ms(5, 400);
            self.loses(wallet, node, notice);
        }
    }

    pub(super) fn loses(&mut self, wallet: usize, node: usize, notice: Duration) {
        let mut nodes = self.wallets.all[wallet].nodes.iter();
        let index = nodes.position(|known| usize::from(*known) == node);
        if let Some(index) = index.and_then(|index| u16::try_from(index).ok()) {
            self.after_wallet(notice, wallet, WalletEvent::Lost(NodeIndex(index)));
        }
    }
}
