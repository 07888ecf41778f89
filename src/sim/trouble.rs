//! What goes wrong, by chance: power, disks, ways, clocks, backups.
//!
//! Trouble acts ten times a second of virtual time, on one node at a time; what it began it need not end:
//! [`Trouble::end`] sets everything right.
//! Never: touch what a node means to do. Next: `life.rs`.

use std::time::Duration;

use rand::RngExt as _;

use super::describe;
use super::net::{Delay, Manners};
use super::plan::{Plan, Profile};
use super::regions::Regions;
use super::trace::Parties;
use super::world::World;
use crate::store::Survival;

/// How often trouble acts.
pub(super) const STEP: Duration = Duration::from_millis(100);
/// How far a clock may be off, in milliseconds.
const SKEW_MS: i64 = 3_000;

/// The network when nothing is wrong with it.
fn calm(plan: &Plan, world: &mut World) -> Manners {
    let good = |least: u64, most: u64| {
        Manners::good(Duration::from_micros(least), Duration::from_micros(most))
    };
    match plan.profile {
        Profile::Lan => Manners {
            is_ordered: true,
            ..good(200, 1_000)
        },
        Profile::Chaos | Profile::Byzantine => good(1_000, 20_000),
        Profile::World => {
            let validators = plan.nodes as usize;
            let others = world.nodes.len().saturating_sub(validators) + plan.wallets as usize;
            Manners::world(Regions::spread(&mut world.random, validators, others))
        }
    }
}

/// The network as bad as chance wills.
fn rough(world: &mut World, worst: u32) -> Manners {
    let lost = world.random.random_range(0..=worst);
    let most = world.random.random_range(2..400);
    let rate = world.random.random_range(0..4) == 0;
    Manners {
        delay: Delay::Between(Duration::from_millis(1), Duration::from_millis(most)),
        lost,
        lost_calls: lost / 2,
        doubled: world.random.random_range(0..100),
        bytes_per_second: rate.then(|| world.random.random_range(20_000..2_000_000)),
        line_bytes_per_second: None,
        is_ordered: world.random.random_range(0..3) == 0,
    }
}

/// A way that opens and closes.
struct Flap {
    one: usize,
    other: usize,
    until: Duration,
    is_shut: bool,
}

/// See the module's text.
pub(super) struct Trouble {
    profile: Profile,
    calm: Manners,
    /// Of so many chances, how many bring something.
    odds: u32,
    flaps: Vec<Flap>,
}

impl Trouble {
    /// The trouble of a plan; the network is as it will be from the beginning.
    pub(super) fn begin(plan: &Plan, world: &mut World) -> Self {
        let calm = calm(plan, world);
        let (manners, odds) = match plan.profile {
            Profile::Lan | Profile::World => (calm.clone(), 0),
            Profile::Chaos => (rough(world, 300), [22, 50][world.random.random_range(0..2)]),
            Profile::Byzantine => (rough(world, 100), 120),
        };
        world.net.manners = manners;
        if odds > 0 {
            let blocks = [1, 2, 3, 5, 8, 1000][world.random.random_range(0..6)];
            for node in 0..world.nodes.len() {
                world.nodes[node].pace.blocks = blocks;
                world.nodes[node].skew_ms = world.random.random_range(-SKEW_MS..=SKEW_MS);
            }
            let clocks: Vec<i64> = world.nodes.iter().map(|node| node.skew_ms).collect();
            world.announce(|| format!("the nodes' clocks are off by {clocks:?} ms"));
        }
        tell_weather(world);
        Self {
            profile: plan.profile,
            calm,
            odds,
            flaps: Vec::new(),
        }
    }

    /// One step of bad luck.
    pub(super) fn act(&mut self, world: &mut World) {
        self.flap(world);
        if self.odds == 0 {
            return;
        }
        world.trouble_wallets();
        let node = world.random.random_range(0..world.nodes.len());
        if world.nodes[node].live.is_none() {
            if world.random.random_range(0..3) == 0 {
                self.revive(world, node);
            }
            return;
        }
        let luck = world.random.random_range(0..self.odds);
        self.befall(world, node, luck);
    }

    /// A node that is down comes back, perhaps from a backup.
    fn revive(&self, world: &mut World, node: usize) {
        world.mend_disk(node);
        let is_restored = world.random.random_range(0..4) == 0;
        // A malicious validator may be silent for ever: then none can be spared.
        let is_spared = self.profile != Profile::Byzantine && may_forget(world, node);
        if is_restored && is_spared && world.put_back(node) {
            world.tally.fault("restored from a backup");
        }
        world.must_start(node);
    }

    fn befall(&mut self, world: &mut World, node: usize, luck: u32) {
        // Who is not trusted anyway is the byzantine profile's own trouble.
        let is_quiet = self.profile == Profile::Byzantine && !self.may_fail(world);
        let fault = match luck {
            0 | 1 if !is_quiet => {
                let survival = survival(world);
                world.crash(node, survival);
                "crash"
            }
            2..=4 if !is_quiet => {
                let survival = survival(world);
                let left = world.random.random_range(0..60);
                world.nodes[node].fate.crash_in = Some((left, survival));
                world.remark(Parties(node, None), || {
                    format!("will lose its power after {left} more things that it does")
                });
                return;
            }
            5 => {
                let mask: u64 = world.random.random();
                let is_left = |node: usize| mask >> (node % 64) & 1 == 0;
                let left: Vec<usize> = (0..world.nodes.len())
                    .filter(|node| is_left(*node))
                    .collect();
                world.announce(|| format!("partition: nodes {left:?} and the others"));
                if !world.split(is_left) {
                    return;
                }
                "partition"
            }
            6 => {
                let other = world.random.random_range(0..world.nodes.len());
                if other == node || !world.cut(node, other, false) {
                    return;
                }
                "one-way cut"
            }
            7 => {
                let other = world.random.random_range(0..world.nodes.len());
                if other == node {
                    return;
                }
                let until = world.now() + world.between_ms(500, 5_000);
                world.remark(Parties(node, Some(other)), || {
                    format!("the way opens and closes till {:.6}", until.as_secs_f64())
                });
                self.flaps.push(Flap {
                    one: node,
                    other,
                    until,
                    is_shut: false,
                });
                return;
            }
            8..=10 => {
                world.announce(|| "all ways are mended".to_owned());
                world.heal();
                return;
            }
            11 if !is_quiet => {
                world.mend_disk(node);
                let is_spared = self.profile != Profile::Byzantine && may_forget(world, node);
                let is_unlucky = is_spared && world.random.random_range(0..3) == 0;
                if is_unlucky && world.close_spoilt(node) {
                    "spoilt checkpoint"
                } else {
                    world.close(node);
                    "clean restart"
                }
            }
            12 if !is_quiet => {
                world.nodes[node].fate.survival = survival(world);
                let syncs = world.random.random_range(0..12);
                world.nodes[node].disk.fail_syncs_after(syncs);
                world.nodes[node].fate.disk_trouble = Some("disk that fails to sync");
                world.remark(Parties(node, None), || {
                    format!("its disk will fail to sync after {syncs} more")
                });
                return;
            }
            13 if !is_quiet => {
                world.nodes[node].fate.survival = survival(world);
                let bytes = world.random.random_range(0..200_000);
                world.nodes[node].disk.full_after(bytes);
                world.nodes[node].fate.disk_trouble = Some("full disk");
                world.remark(Parties(node, None), || {
                    format!("its disk will be full after {bytes} more bytes")
                });
                return;
            }
            14 | 15 => {
                world.back_up(node);
                return;
            }
            16 => {
                let skew_ms = world.random.random_range(-SKEW_MS..=SKEW_MS);
                world.nodes[node].skew_ms = skew_ms;
                world.remark(Parties(node, None), || {
                    format!("its clock jumps: it is off by {skew_ms:+} ms now")
                });
                "clock that jumps"
            }
            17 => {
                let worst = if self.profile == Profile::Chaos {
                    300
                } else {
                    100
                };
                world.net.manners = rough(world, worst);
                tell_weather(world);
                "change of weather"
            }
            18 if !is_quiet && world.random.random_range(0..4) == 0 => {
                world.announce(|| "blackout".to_owned());
                for node in 0..world.nodes.len() {
                    if world.nodes[node].live.is_some() {
                        let survival = survival(world);
                        world.crash(node, survival);
                    }
                }
                "blackout"
            }
            _ => return,
        };
        world.tally.fault(fault);
    }

    /// Whether one more node may fail beside those that are down already, and those that are malicious.
    fn may_fail(&self, world: &World) -> bool {
        world.nodes.iter().all(|node| node.live.is_some())
    }

    fn flap(&mut self, world: &mut World) {
        let now = world.now();
        for flap in &mut self.flaps {
            // What something else has cut is not its to mend.
            if flap.is_shut {
                flap.is_shut = false;
                world.mend(flap.one, flap.other);
            } else if now < flap.until
                && world.net.is_whole(flap.one, flap.other)
                && world.random.random_range(0..3) == 0
            {
                flap.is_shut = world.cut(flap.one, flap.other, true);
                world.tally.fault("flapping way");
            }
        }
        self.flaps.retain(|flap| now < flap.until);
    }

    /// Sets everything right: from here on all must go well.
    pub(super) fn end(&mut self, world: &mut World) {
        self.flaps.clear();
        world.announce(|| {
            "trouble ends: all is mended, and what was armed does not come".to_owned()
        });
        world.heal();
        world.net.manners = self.calm.clone();
        tell_weather(world);
        world.spare_wallets();
        for node in 0..world.nodes.len() {
            world.nodes[node].fate.crash_in = None;
            world.mend_disk(node);
            world.nodes[node].skew_ms /= 10;
            if world.nodes[node].live.is_none() {
                world.must_start(node);
            }
        }
    }
}

fn tell_weather(world: &mut World) {
    let manners = world.net.manners.clone();
    world.announce(|| format!("weather: {}", describe::weather(&manners)));
}

/// Whether a node may come back without the log of what it signed. It then follows without voting until the others
/// have passed its guard: so they must be enough by themselves, and none of them in the same plight.
fn may_forget(world: &World, node: usize) -> bool {
    let remembers = |place: usize| {
        let fate = &world.nodes[place].fate;
        let remembers = !fate.is_spoiled && fate.votes_above <= world.nodes[place].height();
        place == node || remembers
    };
    let validators = &world.genesis.validators;
    let is_spare = validators.quorum_count() < validators.count();
    is_spare && (0..world.nodes.len()).all(remembers)
}

/// What is left of unsynced writes, by chance.
fn survival(world: &mut World) -> Survival {
    let seed = world.random.random();
    match world.random.random_range(0..5) {
        0 => Survival::Nothing,
        1 => Survival::Everything,
        2 => Survival::Newest,
        3 => Survival::Writes(seed),
        _ => Survival::Sectors(seed),
    }
}
