//! What is counted while the world turns.
//!
//! Next: `report.rs` of the command line, which shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::violation::Invariant;

/// Messages and bytes of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many were sent.
    pub messages: u64,
    /// Their bytes on the wire: each payload with 90 bytes around it.
    pub bytes: u64,
}

/// What was sent, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// By nodes: to each other and to wallets.
    pub by_nodes: BTreeMap<&'static str, Traffic>,
    /// By wallets, to nodes.
    pub by_wallets: BTreeMap<&'static str, Traffic>,
}

/// Everything that is counted. Tallies of several worlds add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Virtual time.
    pub time: Duration,
    /// Things that happened.
    pub events: u64,
    /// Processor time that all nodes' machines took for what they were given, if it was measured; their disks not.
    pub handled: Duration,
    /// What was sent.
    pub sent: Sent,
    /// Faults that were made, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What honest nodes noticed of the malicious, by kind.
    pub noticed: BTreeMap<&'static str, u64>,
    /// How often each invariant was held against something.
    pub checks: BTreeMap<Invariant, u64>,
    /// Blocks by the round in which they became final.
    pub rounds: BTreeMap<u32, u64>,
    /// Checkpoints that nodes have written.
    pub checkpoints: u64,
    /// Transactions in blocks.
    pub transactions: u64,
    /// Payments of wallets by what became of them.
    pub payments: BTreeMap<&'static str, u64>,
    /// From the first signing of what an owner wanted to the wallet's own proof, in microseconds.
    pub finality_micros: Vec<u64>,
}

impl Tally {
    /// Counts a node's message.
    pub(super) fn sent(&mut self, kind: &'static str, bytes: usize) {
        count(&mut self.sent.by_nodes, kind, bytes);
    }

    /// Counts a wallet's message to a node.
    pub(super) fn sent_by_wallet(&mut self, kind: &'static str, bytes: usize) {
        count(&mut self.sent.by_wallets, kind, bytes);
    }

    /// Counts a fault.
    pub(super) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Counts what an honest node noticed.
    pub(super) fn notice(&mut self, kind: &'static str) {
        *self.noticed.entry(kind).or_default() += 1;
    }

    /// Blocks in all.
    pub fn blocks(&self) -> u64 {
        self.rounds.values().sum()
    }

    /// Adds what another world counted.
    pub fn add(&mut self, other: &Self) {
        self.time += other.time;
        self.events += other.events;
        self.handled += other.handled;
        self.transactions += other.transactions;
        self.checkpoints += other.checkpoints;
        add_traffic(&mut self.sent.by_nodes, &other.sent.by_nodes);
        add_traffic(&mut self.sent.by_wallets, &other.sent.by_wallets);
        add_counts(&mut self.faults, &other.faults);
        add_counts(&mut self.noticed, &other.noticed);
        add_counts(&mut self.checks, &other.checks);
        add_counts(&mut self.rounds, &other.rounds);
        add_counts(&mut self.payments, &other.payments);
        self.finality_micros.extend(&other.finality_micros);
    }
}

fn count(sums: &mut BTreeMap<&'static str, Traffic>, kind: &'static str, bytes: usize) {
    let traffic = sums.entry(kind).or_default();
    traffic.messages += 1;
    traffic.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
}

fn add_traffic(
    sums: &mut BTreeMap<&'static str, Traffic>,
    others: &BTreeMap<&'static str, Traffic>,
) {
    for (kind, other) in others {
        let sum = sums.entry(kind).or_default();
        sum.messages += other.messages;
        sum.bytes += other.bytes;
    }
}

fn add_counts<K: Ord + Copy>(sums: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
    for (key, count) in counts {
        *sums.entry(*key).or_default() += count;
    }
}
