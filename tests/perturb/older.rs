//! Nodes that come back with an older copy of their store, as from a backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use natcoin::node::clock;

use super::course::{Course, GOING_ON};
use super::life::Conditions;
use super::plan::Copy;
use super::town::HEALING;
use super::wait;

/// How long a node that must not vote is asked for its vote.
const TEMPTATION: Duration = Duration::from_secs(4);
/// How often the network is parted until nobody has precommitted.
const PARTINGS: u32 = 20;

/// Height, round and step, as they stand in the guard.
type Place = (u64, u32, u8);

/// The step of a precommit, as it stands in the guard.
const PRECOMMIT: u8 = 3;

impl Course {
    /// Takes a copy of a node's store, and lets it take part for a while.
    pub fn back_up(&mut self, victim: usize) {
        self.town.take(victim).kill();
        copy_files(&self.store(victim), &self.backup(victim));
        let copied = clock::now();
        self.town.start(victim, Conditions::Usual);
        self.go_on(copied, "after the copy");
    }

    /// Leaves of a node's store what the kind of copy says.
    pub fn restore(&self, victim: usize, copy: Copy) {
        let (store, backup) = (self.store(victim), self.backup(victim));
        let guard = std::fs::read(store.join("signed.guard")).expect("a guard");
        match copy {
            Copy::Nothing => std::fs::remove_dir_all(&store).expect("removed"),
            Copy::Older | Copy::OlderButGuard => copy_files(&backup, &store),
        }
        if copy == Copy::OlderButGuard {
            std::fs::write(store.join("signed.guard"), guard).expect("written");
        }
    }

    fn store(&self, victim: usize) -> PathBuf {
        self.town.home(victim).join("store")
    }

    fn backup(&self, victim: usize) -> PathBuf {
        self.town.home(victim).with_extension("backup")
    }

    /// Starts a node with an older copy while its vote is needed, since others are frozen.
    ///
    /// The network is cut in two while it votes for a height, so those on the victim's side have its vote of a height
    /// that stands still, and it forgets that vote. What it hears afterwards is more than it heard then: if it voted
    /// again, it would often vote otherwise, and they would prove it. As long as it does not, the height has no quorum.
    pub fn set_back(&mut self, victim: usize, ms: u64) {
        let size = self.town.size();
        let nodes: Vec<usize> = (0..size).map(|step| (victim + step) % size).collect();
        let (side, others) = nodes.split_at(size / 2);
        // So many that the rest is a quorum only with every vote.
        let (needed, frozen) = nodes.split_at(size - (size - 1) / 3);
        let stands_at = (0..PARTINGS).find_map(|_| {
            self.back_up(victim);
            self.town.wait_healed(&nodes);
            let began = clock::now();
            self.part_all(side, others);
            self.pass(Duration::from_millis(ms));
            let height = self.height_under_way(victim);
            self.town.take(victim).kill();
            self.signal(frozen, "STOP");
            // Whoever has precommitted may have made the block already, with those who are not asked: then the height
            // is over at once, and the victim may vote for the next one as anybody may.
            let mut asked = frozen.iter().chain([&victim]);
            if asked.all(|node| self.last_signed(*node) < (height, 0, PRECOMMIT)) {
                return Some((height, began));
            }
            self.note(format!("  height {height} has precommits: parted again"));
            self.signal(frozen, "CONT");
            self.clear_all();
            self.town.start(victim, Conditions::Usual);
            self.heal(began, false);
            None
        });
        let (height, began) = stands_at.expect("a parting before the precommits");
        self.restore(victim, Copy::OlderButGuard);
        self.clear_all();
        self.town.start(victim, Conditions::Usual);
        let listens = wait::up_to(HEALING, || self.town.life(victim).said("listening"));
        assert!(listens.is_some(), "node {victim} starts with an older copy");
        self.note("  the older copy is up".to_owned());
        self.pass(TEMPTATION);
        let after = self.town.height_of(needed);
        assert!(
            after < height,
            "node {victim} signed at height {height} before it forgot, and its vote is needed there, but height \
             {after} is final; it last signed {:?}",
            self.last_signed(victim)
        );
        self.note(format!("  stood still at height {after}"));
        self.signal(frozen, "CONT");
        self.heal(began, false);
    }

    /// Waits until a node has signed something of the height after its last block; gives that height.
    fn height_under_way(&mut self, node: usize) -> u64 {
        let signed = wait::up_to(GOING_ON, || {
            self.town.check_alive();
            let height = self.town.status(node)?.height;
            let (signed, ..) = self.last_signed(node);
            (signed > height).then_some(signed)
        });
        signed.expect("a height begins on each side")
    }

    fn signal(&mut self, nodes: &[usize], name: &str) {
        let town = &mut self.town;
        nodes.iter().for_each(|one| town.life(*one).signal(name));
    }

    fn clear_all(&mut self) {
        (0..self.town.size()).for_each(|index| self.town.clear(index));
    }

    /// Where the last thing stands that a node signed; see `src/store/guard.rs` for the file's form.
    fn last_signed(&self, node: usize) -> Place {
        let bytes = std::fs::read(self.store(node).join("signed.guard")).expect("a guard");
        [0, 4096]
            .map(|at| place(&bytes[at..]))
            .into_iter()
            .max()
            .unwrap_or_default()
    }
}

/// What a slot of the guard says; a slot that was never written says zero.
fn place(slot: &[u8]) -> Place {
    let height = slot[20..28].try_into().map(u64::from_be_bytes);
    let round = slot[28..32].try_into().map(u32::from_be_bytes);
    (height.unwrap_or(0), round.unwrap_or(0), slot[32])
}

/// Copies the files of a folder into a new one.
fn copy_files(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).expect("a folder for the copy");
    for entry in from.read_dir().expect("the folder") {
        let entry = entry.expect("the folder");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}
