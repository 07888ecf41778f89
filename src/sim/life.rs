//! Nodes that start, stop, lose their power, come back from a backup, or lose their way to each other.
//!
//! Next: `trouble.rs`, which decides when.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;

use super::describe;
use super::mesh::Gossip;
use super::net::between;
use super::node::Live;
use super::trace::Parties;
use super::violation::Invariant;
use super::world::{Event, World};
use crate::chain::account::Account;
use crate::chain::codec::{Decode as _, Encode as _};
use crate::consensus::Timing;
use crate::replica::{CheckJob, Effect, Input, Replica, Settings, StartError};
use crate::store::{SimDisk, Store, Survival};

/// Checking signatures takes so long, or up to
const SHORTEST_CHECK: Duration = Duration::from_micros(50);
/// so long.
const LONGEST_CHECK: Duration = Duration::from_micros(500);
/// A checkpoint syncs its file so often, or oftener.
const CHECKPOINT_SYNCS: u64 = 4;

impl World {
    /// Starts a node from its disk.
    ///
    /// # Errors
    /// As [`Replica::open`] and [`Store::open`]; the node stays down.
    pub fn start(&mut self, node: usize) -> Result<(), StartError> {
        let disk = Arc::new(self.nodes[node].disk.clone());
        let store = Store::open(disk, self.genesis.hash().0)?;
        let mut seed = [0; 32];
        self.random.fill(&mut seed[..]);
        let settings = Settings {
            genesis: self.genesis.clone(),
            key: self.nodes[node].key.clone(),
            seed,
            timing: Timing::default(),
            pace: self.nodes[node].pace,
        };
        let (replica, effects) = Replica::open(settings, &store, self.moment(node))?;
        let now = self.now();
        let floor = self.nodes[node].fate.floor.take();
        if floor.is_some() {
            let signed = store.guard_last().map_or(0, |mark| mark.height);
            self.nodes[node].fate.votes_above = signed;
        }
        if self.is_honest(node) {
            self.judge.reopened(node, now, &store, floor);
        }
        self.nodes[node].epoch += 1;
        self.nodes[node].stopped = None;
        let height = replica.height();
        self.nodes[node].live = Some(Live {
            replica,
            store,
            peers: BTreeSet::new(),
            gossip: Gossip::default(),
            checkpoint: None,
            checks: VecDeque::new(),
            tick_at: None,
        });
        self.note("start", Parties(node, None), &height.to_le_bytes(), || {
            format!("starts at height {height}")
        });
        self.begin_gossip(node);
        self.perform(node, effects);
        for other in 0..self.nodes.len() {
            self.meet(node, other);
        }
        Ok(())
    }

    /// Starts a node that must start; it is a violation if it does not.
    pub fn must_start(&mut self, node: usize) {
        let is_spoiled = std::mem::take(&mut self.nodes[node].fate.is_spoiled);
        let mut started = self.start(node);
        if is_spoiled && let Err(StartError::State { .. }) = started {
            self.set_aside(node);
            started = self.start(node);
        }
        if let Err(error) = started
            && self.is_honest(node)
        {
            let now = self.now();
            self.judge.hold(Invariant::Durability, now, false, || {
                format!("node {node} does not start again: {error}")
            });
        }
    }

    /// Two nodes that can connect do so, soon.
    fn meet(&mut self, one: usize, other: usize) {
        if self.is_linked(one, other) {
            let soon = self.between_ms(2, 30);
            self.after(soon, one, Event::Up(other));
            self.after(soon, other, Event::Up(one));
        }
    }

    /// The power fails.
    pub fn crash(&mut self, node: usize, survival: Survival) {
        self.fall(node, survival, "the power fails");
    }

    /// A node is gone at once, for a reason.
    fn fall(&mut self, node: usize, survival: Survival, why: &str) {
        let disk = self.nodes[node].disk.crash(survival);
        self.note("crash", Parties(node, None), &[], || {
            let left = describe::survival(survival);
            format!("{why}; of unsynced writes {left}")
        });
        self.halt(node);
        self.nodes[node].disk = disk;
    }

    /// A node stops by itself, because its disk fails.
    pub(super) fn stop(&mut self, node: usize, reason: String) {
        let survival = self.nodes[node].fate.survival;
        let cause = self.nodes[node].fate.disk_trouble.take();
        self.tally.fault(cause.unwrap_or("disk failure"));
        self.fall(node, survival, &format!("stops by itself: {reason}"));
        self.nodes[node].stopped = Some(reason);
    }

    fn halt(&mut self, node: usize) {
        self.nodes[node].live = None;
        self.nodes[node].epoch += 1;
        self.nodes[node].fate.crash_in = None;
        let notice = self.between_ms(5, 400);
        for other in 0..self.nodes.len() {
            if self.nodes[other].has_peer(node) {
                self.after(notice, other, Event::Down(node));
            }
        }
        self.speech.forget(node);
        self.close_watches_of(node);
        self.wallets_lose(node);
    }

    /// A clean stop, as the node's own hands do it: the checkpoint under way, then what the machine wants to do last.
    pub fn close(&mut self, node: usize) {
        self.close_with(node, |_| {});
    }

    /// A clean stop, but the last checkpoint is not what the node has in memory: a bit was flipped on the way. Its
    /// checksums are right. Tells whether there was a checkpoint.
    pub fn close_spoilt(&mut self, node: usize) -> bool {
        let mut is_spoiled = false;
        self.close_with(node, |effects| is_spoiled = effects.iter_mut().any(spoil));
        self.nodes[node].fate.is_spoiled |= is_spoiled;
        if is_spoiled {
            self.remark(Parties(node, None), || {
                "a bit of its last checkpoint has flipped on the way to the disk".to_owned()
            });
        }
        is_spoiled
    }

    fn close_with(&mut self, node: usize, change: impl FnOnce(&mut [Effect])) {
        self.finish_checkpoint(node);
        let Some(live) = self.nodes[node].live.as_mut() else {
            return;
        };
        let mut effects = live.replica.close();
        change(&mut effects);
        self.perform(node, effects);
        self.finish_checkpoint(node);
        if self.nodes[node].live.is_some() {
            self.note("close", Parties(node, None), &[], || "stops".to_owned());
            self.halt(node);
        }
    }

    fn finish_checkpoint(&mut self, node: usize) {
        if let Some(written) = self.write_checkpoint(node) {
            self.step(node, written);
        }
    }

    /// A node has signatures checked.
    pub(super) fn begin_check(&mut self, node: usize, job: CheckJob) {
        let wait = between(&mut self.random, SHORTEST_CHECK, LONGEST_CHECK);
        if let Some(live) = self.nodes[node].live.as_mut() {
            live.checks.push_back(job);
            self.after(wait, node, Event::Checked);
        }
    }

    /// Signatures are checked now.
    pub(super) fn check_signatures(&mut self, node: usize) -> Option<Input> {
        let job = self.nodes[node].live.as_mut()?.checks.pop_front()?;
        Some(job.run())
    }

    /// Writes the checkpoint under way; what its end is to the node's machine. The power may fail in its midst.
    pub(super) fn write_checkpoint(&mut self, node: usize) -> Option<Input> {
        let job = self.nodes[node].live.as_mut()?.checkpoint.take()?;
        // A power failure that is near anyway comes now.
        let soon = self.nodes[node].fate.crash_in;
        if let Some((left, _)) = soon {
            let syncs = left % CHECKPOINT_SYNCS;
            self.nodes[node].disk.fail_syncs_after(syncs);
        }
        match job.run() {
            Ok(checkpoint) => {
                if soon.is_some() {
                    self.nodes[node].disk.mend();
                }
                let height = checkpoint.height;
                self.note(
                    "checkpoint",
                    Parties(node, None),
                    &height.to_le_bytes(),
                    || format!("has written a checkpoint of height {height}"),
                );
                self.tally.checkpoints += 1;
                Some(Input::CheckpointWritten { height })
            }
            Err(error) => {
                match soon {
                    Some((_, survival)) => {
                        self.tally.fault("crash in a checkpoint");
                        self.remark(Parties(node, None), || {
                            "is amid writing a checkpoint".to_owned()
                        });
                        self.crash(node, survival);
                    }
                    None => self.stop(node, error.to_string()),
                }
                None
            }
        }
    }

    /// What the operator of a node does that refuses its store: as the error says.
    fn set_aside(&mut self, node: usize) {
        self.note("set aside", Parties(node, None), &[], || {
            "refuses its store, which is set aside, all but the guard".to_owned()
        });
        let disk = SimDisk::new().with_guard_of(&self.nodes[node].disk);
        self.nodes[node].disk = disk;
        self.nodes[node].fate.floor = Some(0);
    }

    /// Keeps a copy of a node's disk as it is, as a backup program would: of a machine that is switched off.
    pub fn back_up(&mut self, node: usize) {
        let height = self.nodes[node].height();
        let copy = self.nodes[node].disk.crash(Survival::Everything);
        self.nodes[node].fate.backup = Some((copy, height));
        self.remark(Parties(node, None), || {
            format!("its disk is backed up at height {height}")
        });
    }

    /// Puts a node's disk back as it was backed up, all but the guard of what was signed, which no backup may turn
    /// back. The node must be down. Tells whether there was a backup.
    pub fn put_back(&mut self, node: usize) -> bool {
        let Some((copy, height)) = self.nodes[node].fate.backup.take() else {
            return false;
        };
        let disk = copy.with_guard_of(&self.nodes[node].disk);
        self.note(
            "restore",
            Parties(node, None),
            &height.to_le_bytes(),
            || format!("its disk is put back to a backup of height {height}"),
        );
        self.nodes[node].disk = disk;
        self.nodes[node].fate.is_spoiled = false;
        self.nodes[node].fate.floor = Some(height);
        true
    }

    /// The disk of a node is as good as new: room for all, and syncs that succeed.
    pub fn mend_disk(&mut self, node: usize) {
        self.nodes[node].disk.mend();
        self.nodes[node].fate.disk_trouble = None;
    }

    /// Whether two nodes run and can hold a connection.
    pub fn is_linked(&self, one: usize, other: usize) -> bool {
        // Strangers have no place in the world.
        let is_live = |place: usize| {
            self.nodes
                .get(place)
                .is_some_and(|node| node.live.is_some())
        };
        let is_whole = one != other && is_live(one) && is_live(other);
        // Who has the same key takes the other for itself.
        is_whole
            && self.net.is_whole(one, other)
            && self.nodes[one].key.public() != self.nodes[other].key.public()
    }

    /// Cuts ways between two nodes, the first one's to the second, and back if `both`. They notice after a while. Tells
    /// whether a way was open.
    pub fn cut(&mut self, one: usize, other: usize, both: bool) -> bool {
        let is_new = self.net.cut(one, other);
        let is_new_back = both && self.net.cut(other, one);
        if is_new || is_new_back {
            self.note("cut", Parties(one, Some(other)), &[u8::from(both)], || {
                if both { "cut off" } else { "cut off, one way" }.to_owned()
            });
            let notice = self.between_ms(50, 3000);
            self.after(notice, one, Event::Down(other));
            self.after(notice, other, Event::Down(one));
        }
        is_new || is_new_back
    }

    /// Cuts the net into two parts: those that `is_left`, and the others. Tells whether a way was open.
    pub fn split(&mut self, is_left: impl Fn(usize) -> bool) -> bool {
        let mut is_new = false;
        for one in 0..self.nodes.len() {
            for other in one + 1..self.nodes.len() {
                if is_left(one) != is_left(other) {
                    is_new |= self.cut(one, other, true);
                }
            }
        }
        is_new
    }

    /// Mends the way between two nodes.
    pub fn mend(&mut self, one: usize, other: usize) {
        if !self.net.is_whole(one, other) {
            self.remark(Parties(one, Some(other)), || "the way is mended".to_owned());
        }
        self.net.mend(one, other);
        self.net.mend(other, one);
        self.meet(one, other);
    }

    /// Mends all cuts.
    pub fn heal(&mut self) {
        for (one, other) in self.net.mend_all() {
            self.remark(Parties(one, Some(other)), || "the way is mended".to_owned());
            self.meet(one, other);
        }
    }
}

/// Changes an account of a checkpoint that is about to be written; tells whether it is one.
fn spoil(effect: &mut Effect) -> bool {
    let Effect::Checkpoint { changes, .. } = effect else {
        return false;
    };
    for value in changes.values_mut().flatten() {
        if let Ok(mut account) = Account::from_bytes(value) {
            account.nonce ^= 1;
            *value = account.to_bytes();
            return true;
        }
    }
    false
}
