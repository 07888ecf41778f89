//! A course: spells of trouble under a load of payments, and what must hold at its end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use natcoin::node::clock;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::common::processes::Transport;

use super::life::Conditions;
use super::load::{self, Load};
use super::plan::{Copy, Outage, Spell, Trouble};
use super::town::{HEALING, Town};
use super::wait;

/// Within what a network stands, payments become final; on a busy machine not at once.
const GOING_ON: Duration = Duration::from_secs(60);
/// Turns of a node that stutters: it runs for one of five.
const STUTTER: Duration = Duration::from_millis(100);
/// Payments that must become final while a spell lasts.
const PAID_MEANWHILE: usize = 2;

/// How long a node that must not vote is asked for its vote.
const TEMPTATION_MS: u64 = 4_000;

/// What a course is made of.
pub struct Setting {
    pub name: &'static str,
    pub nodes: usize,
    pub transport: Transport,
    pub seed: u64,
    pub time: Duration,
}

/// A course under way.
pub struct Course {
    setting: Setting,
    town: Town,
    load: Option<Load>,
    began: Instant,
    diary: Vec<(Instant, String)>,
    outages: Vec<load::Outage>,
    rng: StdRng,
}

/// Runs a course to its end.
pub fn run(setting: Setting, plan: impl Iterator<Item = Spell>) {
    let town = Town::new(setting.nodes, setting.transport, setting.seed);
    let mut course = Course {
        load: Some(Load::begin(town.wallets())),
        began: clock::now(),
        diary: Vec::new(),
        outages: Vec::new(),
        rng: StdRng::seed_from_u64(setting.seed ^ 0x5eed),
        town,
        setting,
    };
    course.go_on(course.began, "before the first spell");
    for spell in plan {
        course.note(spell.to_string());
        match spell {
            Spell::Within {
                victims,
                ms,
                last_first,
            } => course.within(victims, ms, last_first),
            Spell::Beyond { outage, first, ms } => course.beyond(outage, first, ms),
        }
        course.note("  all are in step".to_owned());
        if course.began.elapsed() >= course.setting.time {
            break;
        }
    }
    course.finish();
}

impl Course {
    fn note(&mut self, what: String) {
        self.diary.push((clock::now(), what));
    }

    fn load(&self) -> &Load {
        self.load.as_ref().expect("until the end")
    }

    /// Waits until payments begun after this moment became final.
    fn go_on(&mut self, since: Instant, what: &str) {
        let goes_on = wait::up_to(GOING_ON, || {
            self.town.check_alive();
            (self.load().finals_begun_after(since) >= PAID_MEANWHILE).then_some(())
        });
        assert!(
            goes_on.is_some(),
            "{what}: no {PAID_MEANWHILE} payments became final within {GOING_ON:?}"
        );
    }

    // ---- spells that the network stands ----

    fn within(&mut self, victims: Vec<(usize, Vec<Trouble>)>, ms: u64, last_first: bool) {
        let flat = |(victim, troubles): &(usize, Vec<Trouble>)| {
            let victim = *victim;
            let one = move |trouble: &Trouble| (victim, *trouble);
            troubles.iter().map(one).collect::<Vec<_>>()
        };
        let mut troubles: Vec<(usize, Trouble)> = victims.iter().flat_map(flat).collect();
        for (victim, trouble) in &troubles {
            self.begin(*victim, *trouble);
        }
        let begun = clock::now();
        let stutters: Vec<usize> = troubles
            .iter()
            .filter(|(_, trouble)| *trouble == Trouble::Stutter)
            .map(|(victim, _)| *victim)
            .collect();
        let town = &mut self.town;
        let mut is_stopped = false;
        wait::pass(Duration::from_millis(ms), || {
            town.check_alive();
            let turn = begun.elapsed().as_millis() / STUTTER.as_millis() % 5;
            if is_stopped != (turn > 0) {
                is_stopped = turn > 0;
                let name = if is_stopped { "STOP" } else { "CONT" };
                stutters.iter().for_each(|one| town.life(*one).signal(name));
            }
        });
        for victim in stutters {
            self.town.life(victim).signal("CONT");
        }
        self.go_on(begun, "while it lasts");
        if last_first {
            troubles.reverse();
        }
        for (victim, trouble) in &troubles {
            self.end(*victim, *trouble);
        }
        self.note("  ended".to_owned());
        let healing = clock::now();
        let victims: Vec<usize> = victims.iter().map(|(victim, _)| *victim).collect();
        self.town.wait_healed(&victims);
        self.go_on(healing, "after it");
    }

    fn begin(&mut self, victim: usize, trouble: Trouble) {
        if let Some(weather) = trouble.weather() {
            self.town.disturb(victim, weather);
        }
        match trouble {
            Trouble::Kill => self.town.take(victim).kill(),
            Trouble::Stop => drop(self.town.take(victim).interrupt()),
            Trouble::Freeze => self.town.life(victim).signal("STOP"),
            Trouble::SlowDisk { ms } => {
                self.town.take(victim).interrupt();
                self.town.start(victim, slow_disk(ms));
            }
            Trouble::FullDisk { kib } => {
                self.town.take(victim).interrupt();
                self.town.start(victim, small_files(kib));
            }
            Trouble::Estranged { from } => {
                let other = (victim + from) % self.town.size();
                self.town.part(victim, other);
            }
            Trouble::Restore(_) => {
                self.back_up(victim);
                self.town.take(victim).kill();
            }
            Trouble::Stutter | Trouble::Weather { .. } | Trouble::Without(_) => {}
        }
    }

    fn end(&mut self, victim: usize, trouble: Trouble) {
        match trouble {
            Trouble::Kill | Trouble::Stop => self.town.start(victim, Conditions::Usual),
            Trouble::Freeze => self.town.life(victim).signal("CONT"),
            Trouble::SlowDisk { .. } => {
                self.town.take(victim).interrupt();
                self.town.start(victim, Conditions::Usual);
            }
            Trouble::FullDisk { .. } => {
                self.fall(&[victim], 1);
                self.town.bury(victim);
                self.town.start(victim, Conditions::Usual);
            }
            // It was killed before the spell began to last, and payments that were begun after that are final: the
            // others have made a block that it cannot have signed anything against.
            Trouble::Restore(copy) => {
                restore(&self.store(victim), &self.backup(victim), copy);
                self.town.start(victim, Conditions::Usual);
            }
            Trouble::Estranged { .. } | Trouble::Weather { .. } | Trouble::Without(_) => {
                self.town.clear(victim);
            }
            Trouble::Stutter => {}
        }
    }

    /// Takes a copy of a node's store, and lets it take part for a while.
    fn back_up(&mut self, victim: usize) {
        self.town.take(victim).kill();
        copy_files(&self.store(victim), &self.backup(victim));
        let copied = clock::now();
        self.town.start(victim, Conditions::Usual);
        self.go_on(copied, "after the copy");
    }

    fn store(&self, victim: usize) -> std::path::PathBuf {
        self.town.home(victim).join("store")
    }

    fn backup(&self, victim: usize) -> std::path::PathBuf {
        self.town.home(victim).with_extension("backup")
    }

    // ---- outages ----

    fn beyond(&mut self, outage: Outage, first: usize, ms: u64) {
        let size = self.town.size();
        let nodes: Vec<usize> = (0..size).map(|step| (first + step) % size).collect();
        // So many that the rest is no quorum, which is more than two thirds.
        let blocking = size - size * 2 / 3;
        // So many that the rest is a quorum only with every vote.
        let (needed, frozen) = nodes.split_at(size - (size - 1) / 3);
        let (concerned, rest) = nodes.split_at(match outage {
            Outage::Killed | Outage::Frozen => blocking,
            Outage::Halves | Outage::SetBack => size / 2,
            Outage::Power | Outage::Scattered | Outage::FullDisks { .. } => size,
        });
        if outage == Outage::SetBack {
            self.back_up(first);
            self.town.wait_healed(&[first]);
        }
        let began = clock::now();
        match outage {
            Outage::Killed | Outage::Power | Outage::FullDisks { .. } => {
                for index in concerned {
                    self.town.take(*index).kill();
                }
            }
            Outage::Frozen => {
                for index in concerned {
                    self.town.life(*index).signal("STOP");
                }
            }
            Outage::Halves | Outage::SetBack => self.part_all(concerned, rest),
            Outage::Scattered => self.part_all(concerned, concerned),
        }
        if let Outage::FullDisks { kib } = outage {
            for index in concerned {
                self.town.start(*index, small_files(kib));
            }
            self.fall(concerned, blocking);
            concerned.iter().for_each(|index| self.town.bury(*index));
        }
        let reached: &[usize] = match outage {
            Outage::Killed | Outage::Frozen => rest,
            Outage::Power | Outage::FullDisks { .. } => &[],
            Outage::Halves | Outage::Scattered => &nodes,
            Outage::SetBack => needed,
        };
        let before = self.town.height_of(reached);
        self.pass(ms);
        if outage == Outage::SetBack {
            self.set_back(first, frozen);
        }
        let after = self.town.height_of(reached);
        // One block may have had its votes already.
        assert!(
            after <= before + 1,
            "{outage:?}: from {before} to {after} without a quorum"
        );
        self.note(format!("  stood still at height {after}"));
        if outage == Outage::SetBack {
            let town = &mut self.town;
            frozen.iter().for_each(|one| town.life(*one).signal("CONT"));
        }
        let mut again = concerned.to_vec();
        again.shuffle(&mut self.rng);
        for index in again {
            match outage {
                Outage::Killed | Outage::Power | Outage::FullDisks { .. } => {
                    self.town.start(index, Conditions::Usual);
                }
                Outage::Frozen => self.town.life(index).signal("CONT"),
                Outage::Halves | Outage::SetBack | Outage::Scattered => self.town.clear(index),
            }
        }
        self.note("  ended".to_owned());
        self.town.wait_healed(&nodes);
        let healed = clock::now();
        self.outages.push(load::Outage {
            began,
            ended: healed,
            is_dark: reached.is_empty(),
        });
        self.go_on(healed, "after it");
    }

    /// Starts a node with an older copy while its vote is needed, since others are frozen.
    ///
    /// Those who were with it have its votes of the height that stands still, and it has forgotten them. What it hears
    /// now is more than it heard then: if it voted again, it would often vote otherwise, and they would prove it.
    fn set_back(&mut self, victim: usize, frozen: &[usize]) {
        let town = &mut self.town;
        let guard = town.home(victim).join("store/signed.guard");
        let has_signed = wait::up_to(GOING_ON, || {
            town.check_alive();
            let height = town.status(victim)?.height;
            (signed_height(&guard) > height).then_some(())
        });
        assert!(has_signed.is_some(), "a height begins on each side");
        self.town.take(victim).kill();
        restore(
            &self.store(victim),
            &self.backup(victim),
            Copy::OlderButGuard,
        );
        for index in frozen {
            self.town.life(*index).signal("STOP");
        }
        (0..self.town.size()).for_each(|index| self.town.clear(index));
        self.town.start(victim, Conditions::Usual);
        let town = &mut self.town;
        let listens = wait::up_to(HEALING, || town.life(victim).said("listening"));
        assert!(listens.is_some(), "node {victim} starts with an older copy");
        self.note("  the older copy is up".to_owned());
        self.pass(TEMPTATION_MS);
    }

    fn pass(&mut self, ms: u64) {
        let town = &mut self.town;
        wait::pass(Duration::from_millis(ms), || town.check_alive());
    }

    /// Waits until so many of these have ended because their disks are full.
    fn fall(&mut self, nodes: &[usize], count: usize) {
        let fell = wait::up_to(GOING_ON, || {
            self.town.check_alive();
            (self.town.fallen(nodes) >= count).then_some(())
        });
        assert!(
            fell.is_some(),
            "a full disk ends a node within {GOING_ON:?}"
        );
    }

    fn part_all(&mut self, ones: &[usize], others: &[usize]) {
        for one in ones {
            for other in others.iter().filter(|other| *other != one) {
                self.town.part(*one, *other);
            }
        }
    }

    // ---- the end ----

    fn finish(&mut self) {
        let spent = self.began.elapsed();
        let book = self.load.take().expect("the first end").end();
        self.town.check_alive();
        self.note(format!("end of {spent:?}: {}", book.summary()));
        self.diary.extend(book.unusual());
        self.diary.sort();
        book.check(&self.outages);
        self.note("every payment is where it belongs".to_owned());
        self.check_roots();
        for index in 0..self.town.size() {
            let words = self.town.stderr(index);
            assert!(!words.contains("panicked"), "node {index} panicked");
            let evidence = self.town.home(index).join("evidence.log");
            assert!(!evidence.exists(), "node {index} proved a contradiction");
        }
        self.tell();
    }

    /// All nodes come to one height with one state root.
    fn check_roots(&mut self) {
        let mut roots: BTreeMap<u64, String> = BTreeMap::new();
        // Nodes that end while the last heartbeat's block is under way end at two heights: then once more.
        for _ in 0..5 {
            let mut heights = Vec::new();
            for last in self.town.end() {
                let height = last["height"].as_u64().expect("a height");
                let root = last["state_root"].as_str().expect("a root").to_owned();
                let known = roots.entry(height).or_insert_with(|| root.clone());
                assert_eq!(*known, root, "one state root at height {height}");
                heights.push(height);
            }
            self.note(format!("the nodes ended at {heights:?}"));
            if heights.iter().min() == heights.iter().max() {
                return;
            }
            let all: Vec<usize> = (0..self.town.size()).collect();
            for index in &all {
                self.town.start(*index, Conditions::Usual);
            }
            self.town.wait_healed(&all);
        }
        panic!("the nodes never came to one height: {roots:?}");
    }

    #[allow(
        clippy::print_stderr,
        reason = "the course is what one needs to know of a failure"
    )]
    fn tell(&self) {
        let Setting { name, seed, .. } = self.setting;
        eprintln!("{name}, seed {seed}:");
        for (at, what) in &self.diary {
            let at = at.saturating_duration_since(self.began).as_millis();
            eprintln!("{at:>7} ms  {what}");
        }
    }
}

impl Drop for Course {
    #[allow(
        clippy::print_stderr,
        reason = "the course is what one needs to know of a failure"
    )]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.note("failed".to_owned());
        self.tell();
        let Setting { name, seed, .. } = self.setting;
        eprintln!("{}", self.town.last_words());
        eprintln!("replay the plan: NATCOIN_SEED={seed} cargo test --test perturb {name}");
    }
}

/// The height of the last thing that a node signed; see `src/store/guard.rs` for where it stands.
fn signed_height(guard: &Path) -> u64 {
    let bytes = std::fs::read(guard).expect("a guard");
    let heights = [20, 4096 + 20].map(|at| {
        let height = bytes
            .get(at..at + 8)
            .and_then(|eight| eight.try_into().ok());
        height.map_or(0, u64::from_be_bytes)
    });
    heights[0].max(heights[1])
}

/// A slow disk, where it can be had: elsewhere an ordinary restart.
fn slow_disk(ms: u64) -> Conditions {
    match cfg!(target_os = "linux") {
        true => Conditions::SlowDisk { ms },
        false => Conditions::Usual,
    }
}

fn small_files(kib: u64) -> Conditions {
    Conditions::SmallFiles { bytes: kib * 1024 }
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

/// Leaves of a store what the kind of copy says.
fn restore(store: &Path, backup: &Path, copy: Copy) {
    let guard = std::fs::read(store.join("signed.guard")).expect("a guard");
    match copy {
        Copy::Nothing => std::fs::remove_dir_all(store).expect("removed"),
        Copy::Older | Copy::OlderButGuard => copy_files(backup, store),
    }
    if copy == Copy::OlderButGuard {
        std::fs::write(store.join("signed.guard"), guard).expect("written");
    }
}
