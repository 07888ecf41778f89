//! One seed of a plan, from the first start to the last proof.
//!
//! Next: `trouble.rs` (the rough part), `world.rs`.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::net::Manners;
use super::panics;
use super::people;
use super::plan::{Plan, Profile};
use super::stranger::Stranger;
use super::tally::Tally;
use super::trace::{Listener, Stopwatch};
use super::traitor::Recruits;
use super::trouble::{STEP, Trouble};
use super::violation::{Invariant, Violation};
use super::world::World;
use crate::chain::hash::Hash;

/// When faults have ended, all must be in step and every payment at its end within this virtual time.
pub const RECOVERY: Duration = Duration::from_secs(120);

/// What came of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The same for the same seed, on any machine.
    pub trace: Hash,
    /// What was counted.
    pub tally: Tally,
    /// What did not hold.
    pub violation: Option<Violation>,
}

/// Runs a seed. A listener hears what happens, line by line.
///
/// The plan must have passed [`Plan::check`]; whatever goes wrong beyond that is a [`Violation`].
pub fn simulate(plan: &Plan, seed: u64, listener: Option<Listener>) -> Outcome {
    run(plan, seed, (listener, None), &mut |_| true).0
}

/// As [`simulate`], but `goes_on` is asked now and then, with the virtual time: `None` if it said no. It is asked before
/// each start of a node, ten times a second of virtual time, and after every few thousand events.
/// With a stopwatch it is measured what the nodes' machines take.
pub fn simulate_while(
    plan: &Plan,
    seed: u64,
    onlookers: (Option<Listener>, Option<Stopwatch>),
    goes_on: &mut dyn FnMut(Duration) -> bool,
) -> Option<Outcome> {
    let (outcome, end) = run(plan, seed, onlookers, goes_on);
    (end == End::Reached).then_some(outcome)
}

/// So many events are at most between two questions whether to go on.
const EVENTS_UNASKED: u32 = 4096;

/// Asks whether to go on, often enough for a person who waits, and remembers a no.
struct Patience<'a> {
    goes_on: RefCell<&'a mut dyn FnMut(Duration) -> bool>,
    unasked: Cell<u32>,
    is_over: Cell<bool>,
}

impl<'a> Patience<'a> {
    fn new(goes_on: &'a mut dyn FnMut(Duration) -> bool) -> Self {
        Self {
            goes_on: RefCell::new(goes_on),
            unasked: Cell::new(0),
            is_over: Cell::new(false),
        }
    }

    /// Asks; tells whether it is over.
    fn ask(&self, world: &World) -> bool {
        self.unasked.set(0);
        if !self.is_over.get() && !(self.goes_on.borrow_mut())(world.now()) {
            self.is_over.set(true);
        }
        self.is_over.get()
    }

    /// One more event has happened: asks if it is time to. Tells whether it is over.
    fn wears(&self, world: &World) -> bool {
        let unasked = self.unasked.get() + 1;
        self.unasked.set(unasked);
        match unasked < EVENTS_UNASKED {
            true => self.is_over.get(),
            false => self.ask(world),
        }
    }
}

/// How a course ends that violates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Reached,
    GivenUp,
}

fn run(
    plan: &Plan,
    seed: u64,
    onlookers: (Option<Listener>, Option<Stopwatch>),
    goes_on: &mut dyn FnMut(Duration) -> bool,
) -> (Outcome, End) {
    let mut world = None;
    let result = panics::catch(|| course(plan, seed, onlookers, &mut world, goes_on));
    let mut outcome = Outcome {
        seed,
        trace: Hash::ZERO,
        tally: Tally::default(),
        violation: None,
    };
    let mut at = Duration::ZERO;
    if let Some(world) = &mut world {
        at = world.now();
        outcome.trace = world.trace.hash();
        outcome.tally = world.count().clone();
    }
    let result = result.unwrap_or_else(|words| {
        Err(Violation {
            invariant: Invariant::Soundness,
            at,
            what: format!("a panic: {words}"),
        })
    });
    let end = *result.as_ref().unwrap_or(&End::Reached);
    outcome.violation = result.err();
    (outcome, end)
}

fn course(
    plan: &Plan,
    seed: u64,
    (listener, stopwatch): (Option<Listener>, Option<Stopwatch>),
    place: &mut Option<World>,
    goes_on: &mut dyn FnMut(Duration) -> bool,
) -> Result<End, Violation> {
    let unsound = |what: String| Violation {
        invariant: Invariant::Soundness,
        at: Duration::ZERO,
        what,
    };
    let cast = people::cast(plan.nodes, plan.followers, plan.wallets);
    let mut cast = cast.map_err(|error| unsound(error.to_string()))?;
    let recruits = match plan.profile {
        Profile::Byzantine => Recruits::draw(plan, seed, &mut cast),
        Profile::Lan | Profile::Chaos | Profile::World => Recruits::default(),
    };
    let manners = Manners::good(Duration::ZERO, Duration::ZERO);
    let world = place.insert(World::new(cast, manners, seed, listener));
    recruits.corrupt(world);
    world.trace.stopwatch = stopwatch;
    let patience = Patience::new(goes_on);
    let mut trouble = Trouble::begin(plan, world);
    let mut stranger = Stranger::default();
    for node in 0..world.nodes.len() {
        if patience.ask(world) {
            return Ok(End::GivenUp);
        }
        world.must_start(node);
    }
    world.settle(plan);
    while world.now() < plan.duration {
        if patience.ask(world) || world.advance(STEP, |world| patience.wears(world))? {
            return Ok(End::GivenUp);
        }
        trouble.act(world);
        if plan.profile.is_rough() {
            stranger.act(world);
        }
    }
    trouble.end(world);
    // Nodes that all stand still are in step, too: after trouble there has to be one more block.
    let goal = world.judge.height() + u64::from(plan.profile.is_rough());
    let is_done = |world: &World| {
        let is_quiet = world.wallets_are_done() && !world.judge.has_open_promises();
        is_quiet && world.judge.height() >= goal && world.is_in_step()
    };
    let Some(is_done) = recover(world, &patience, is_done)? else {
        return Ok(End::GivenUp);
    };
    let now = world.now();
    let state = || {
        format!(
            "not in step {RECOVERY:?} after all faults have ended: {}\n{}",
            world.state(),
            world.wallets_state()
        )
    };
    let state = if is_done { String::new() } else { state() };
    world
        .judge
        .hold(Invariant::Progress, now, is_done, || state);
    world.audit();
    let Some(is_audited) = recover(world, &patience, World::is_audited)? else {
        return Ok(End::GivenUp);
    };
    let now = world.now();
    world.judge.hold(Invariant::Progress, now, is_audited, || {
        "a wallet cannot see its whole history".to_owned()
    });
    let wronged = &world.seen.wronged;
    let blame = format!("honest nodes are blamed (by whom, who, for what): {wronged:?}");
    let is_blameless = wronged.is_empty();
    world
        .judge
        .hold(Invariant::Manners, now, is_blameless, || blame);
    world
        .advance(Duration::ZERO, |_| true)
        .map(|_| End::Reached)
}

/// Lets all go well till something is so; tells whether it is, or nothing if it is to be given up.
fn recover(
    world: &mut World,
    patience: &Patience<'_>,
    is_so: impl Fn(&World) -> bool,
) -> Result<Option<bool>, Violation> {
    let end = world.now() + RECOVERY;
    loop {
        let is_reached = world.advance(STEP, |world| is_so(world) || patience.wears(world))?;
        if is_reached && is_so(world) {
            return Ok(Some(true));
        }
        if world.now() >= end {
            return Ok(Some(false));
        }
        if patience.ask(world) {
            return Ok(None);
        }
    }
}

impl World {
    /// Whether all honest nodes run and stand at one height.
    pub fn is_in_step(&self) -> bool {
        let height = self.judge.height();
        let is_there = |node: &usize| {
            let node = &self.nodes[*node];
            node.live.is_some() && node.height() == height
        };
        let mut honest = (0..self.nodes.len()).filter(|node| self.is_honest(*node));
        honest.all(|node| is_there(&node))
    }

    /// The nodes' condition, for people.
    pub fn state(&self) -> String {
        let of = |(place, node): (usize, &super::node::Node)| match &node.live {
            Some(live) => format!("node {place}: {:?}", live.replica.status()),
            None => match &node.stopped {
                Some(why) => format!("node {place} is down: {why}"),
                None => format!("node {place} is down"),
            },
        };
        let all = self.nodes.iter().enumerate().map(of);
        all.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it is asked, and how far the course comes, if it says no at its so many-th question.
    fn asked(plan: &Plan, most: u32) -> (u32, Duration, Option<Outcome>) {
        let (mut asked, mut last) = (0, Duration::ZERO);
        let outcome = simulate_while(plan, 1, (None, None), &mut |now| {
            (asked, last) = (asked + 1, now);
            asked < most
        });
        (asked, last, outcome)
    }

    #[test]
    fn a_course_can_be_ended_between_two_starts() {
        let plan = Plan {
            nodes: 30,
            followers: 0,
            wallets: 0,
            profile: Profile::World,
            duration: Duration::from_secs(1),
        };
        assert_eq!(asked(&plan, 3), (3, Duration::ZERO, None));
        assert_eq!(asked(&plan, 30), (30, Duration::ZERO, None));
    }

    #[test]
    fn a_course_can_be_ended_amid_a_step_full_of_events() {
        let plan = Plan {
            nodes: 30,
            followers: 0,
            wallets: 0,
            profile: Profile::Lan,
            duration: Duration::from_secs(60),
        };
        // At 30 starts and ten steps a second a question amid a step is one that comes at no multiple of a step.
        let mut amid = None;
        simulate_while(&plan, 1, (None, None), &mut |now| {
            if now.as_millis() % STEP.as_millis() != 0 || now.subsec_nanos() % 1_000_000 != 0 {
                amid = Some(now);
            }
            amid.is_none()
        });
        assert!(amid.is_some());
    }

    #[test]
    fn to_be_asked_changes_nothing() {
        let plan = Plan {
            nodes: 2,
            followers: 0,
            wallets: 2,
            profile: Profile::Chaos,
            duration: Duration::from_secs(1),
        };
        let (count, _, outcome) = asked(&plan, u32::MAX);
        assert_eq!(outcome, Some(simulate(&plan, 1, None)));
        // Its last question too can end it.
        assert_eq!(asked(&plan, count).2, None);
    }
}
