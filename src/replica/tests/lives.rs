//! Nodes that start, stop, lose their power or their way to each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;

use super::world::{Event, Live, World};
use crate::consensus::Timing;
use crate::replica::{Replica, Settings, StartError, Stored, perform};
use crate::store::{Store, Survival};

impl World {
    /// A node that runs.
    pub fn replica(&self, node: usize) -> &Replica {
        &self.nodes[node]
            .live
            .as_ref()
            .expect("the node runs")
            .replica
    }

    /// The height of a node, 0 if it is down.
    pub fn height(&self, node: usize) -> u64 {
        let live = self.nodes[node].live.as_ref();
        live.map_or(0, |live| live.replica.height())
    }

    /// Starts a node from its disk.
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
        };
        let (replica, effects) = Replica::open(settings, &store, self.moment(node))?;
        self.judge.reopened(node, &store);
        self.nodes[node].epoch += 1;
        self.nodes[node].stopped = None;
        self.nodes[node].live = Some(Live {
            replica,
            store,
            heard: BTreeMap::new(),
            tick_at: None,
        });
        self.perform(node, effects);
        self.greet(node);
        Ok(())
    }

    pub(super) fn greet(&mut self, node: usize) {
        let soon = Duration::from_millis(self.random.random_range(2..30));
        for other in 0..self.nodes.len() {
            if self.is_linked(node, other) {
                self.after(soon, node, Event::Up(other));
                self.after(soon, other, Event::Up(node));
            }
        }
    }

    pub(super) fn part(&mut self, node: usize, notice: Duration) {
        for other in 0..self.nodes.len() {
            if other != node && self.nodes[other].live.is_some() {
                self.after(notice, other, Event::Down(node));
            }
        }
    }

    /// The power fails.
    pub fn crash(&mut self, node: usize, survival: Survival) {
        self.judge.crashes += 1;
        let disk = self.nodes[node].disk.crash(survival);
        self.halt(node);
        self.nodes[node].disk = disk;
    }

    pub(super) fn halt(&mut self, node: usize) {
        self.nodes[node].live = None;
        self.nodes[node].epoch += 1;
        self.nodes[node].crash_in = None;
        let notice = Duration::from_millis(self.random.random_range(5..400));
        self.part(node, notice);
    }

    /// A clean stop: what it wants to do last is done.
    pub fn close(&mut self, node: usize) {
        let live = self.nodes[node].live.as_mut().expect("the node runs");
        let effects = live.replica.close();
        let store = live.store.clone();
        for effect in effects {
            if let Stored::Checkpoint(job) = perform(effect, &store).unwrap() {
                job.run().unwrap();
            }
        }
        self.halt(node);
    }

    pub(super) fn is_linked(&self, one: usize, other: usize) -> bool {
        let pair = (one.min(other), one.max(other));
        // Strangers have no place in the world.
        let is_known = one.max(other) < self.nodes.len();
        is_known
            && one != other
            && self.nodes[one].live.is_some()
            && self.nodes[other].live.is_some()
            && !self.net.cut.contains(&pair)
    }

    /// Cuts the net into two parts: those that `is_left`, and the others.
    pub fn cut(&mut self, is_left: impl Fn(usize) -> bool) {
        for one in 0..self.nodes.len() {
            for other in one + 1..self.nodes.len() {
                if is_left(one) != is_left(other) && self.net.cut.insert((one, other)) {
                    let notice = Duration::from_millis(self.random.random_range(50..3000));
                    self.after(notice, one, Event::Down(other));
                    self.after(notice, other, Event::Down(one));
                }
            }
        }
    }

    /// Mends all cuts.
    pub fn heal(&mut self) {
        for (one, other) in std::mem::take(&mut self.net.cut) {
            if self.is_linked(one, other) {
                let soon = Duration::from_millis(self.random.random_range(5..200));
                self.after(soon, one, Event::Up(other));
                self.after(soon, other, Event::Up(one));
            }
        }
    }
}
