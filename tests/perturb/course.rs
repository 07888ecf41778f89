//! A course: spells of trouble under a load of payments, and what must hold at its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use natcoin::node::clock;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::common::processes::Transport;

use super::life::Conditions;
use super::load::{self, Load};
use super::plan::{Outage, Spell, Trouble};
use super::town::Town;
use super::wait;

/// Within what a network stands, payments become final; on a busy machine not at once.
pub const GOING_ON: Duration = Duration::from_secs(60);
/// Turns of a node that stutters: it runs for one of five.
const STUTTER: Duration = Duration::from_millis(100);
/// Payments that must become final while a spell lasts.
const PAID_MEANWHILE: usize = 2;

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
    pub town: Town,
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
            Spell::SetBack { victim, ms } => course.set_back(victim, ms),
        }
        course.note("  all are in step".to_owned());
        if course.began.elapsed() >= course.setting.time {
            break;
        }
    }
    course.finish();
}

impl Course {
    pub fn note(&mut self, what: String) {
        self.diary.push((clock::now(), what));
    }

    fn load(&self) -> &Load {
        self.load.as_ref().expect("until the end")
    }

    /// Waits until payments begun after this moment became final.
    pub fn go_on(&mut self, since: Instant, what: &str) {
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
                self.restore(victim, copy);
                self.town.start(victim, Conditions::Usual);
            }
            Trouble::Estranged { .. } | Trouble::Weather { .. } | Trouble::Without(_) => {
                self.town.clear(victim);
            }
            Trouble::Stutter => {}
        }
    }

    // ---- outages ----

    fn beyond(&mut self, outage: Outage, first: usize, ms: u64) {
        let size = self.town.size();
        let nodes: Vec<usize> = (0..size).map(|step| (first + step) % size).collect();
        // So many that the rest is no quorum, which is more than two thirds.
        let blocking = size - size * 2 / 3;
        let (concerned, rest) = nodes.split_at(match outage {
            Outage::Killed | Outage::Frozen => blocking,
            Outage::Halves => size / 2,
            Outage::Power | Outage::Scattered | Outage::FullDisks { .. } => size,
        });
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
            Outage::Halves => self.part_all(concerned, rest),
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
        };
        let before = self.town.height_of(reached);
        self.pass(Duration::from_millis(ms));
        let after = self.town.height_of(reached);
        // One block may have had its votes already.
        assert!(
            after <= before + 1,
            "{outage:?}: from {before} to {after} without a quorum"
        );
        self.note(format!("  stood still at height {after}"));
        let mut again = concerned.to_vec();
        again.shuffle(&mut self.rng);
        for index in again {
            match outage {
                Outage::Killed | Outage::Power | Outage::FullDisks { .. } => {
                    self.town.start(index, Conditions::Usual);
                }
                Outage::Frozen => self.town.life(index).signal("CONT"),
                Outage::Halves | Outage::Scattered => self.town.clear(index),
            }
        }
        self.heal(began, reached.is_empty());
    }

    /// Waits until all are in step after an outage, and payments become final again.
    pub fn heal(&mut self, began: Instant, is_dark: bool) {
        self.note("  ended".to_owned());
        let all: Vec<usize> = (0..self.town.size()).collect();
        self.town.wait_healed(&all);
        let ended = clock::now();
        self.outages.push(load::Outage {
            began,
            ended,
            is_dark,
        });
        self.go_on(ended, "after it");
    }

    pub fn pass(&mut self, time: Duration) {
        let town = &mut self.town;
        wait::pass(time, || town.check_alive());
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

    pub fn part_all(&mut self, ones: &[usize], others: &[usize]) {
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
