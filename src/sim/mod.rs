//! The other hands: a virtual clock, a network, disks and faults around many replicas and wallets.
//!
//! What runs is the nodes' own machine ([`crate::replica::Replica`] with its store on a simulated disk) and the wallets'
//! own; only clock, network and disk are made up, by chance from one seed. The same seed gives the same course of
//! events on any machine, and a [`judge`](Judge) holds the [`Invariant`]s at every step.
//!
//! Next: `plan.rs` (what is simulated), `run.rs` (a seed from first to last), `world.rs` (what happens).

mod campaign;
mod clock;
mod describe;
mod judge;
mod life;
mod mesh;
mod net;
mod node;
mod panics;
mod people;
mod plan;
mod plot;
mod regions;
mod run;
mod sizes;
mod speech;
mod spread;
mod stranger;
mod tally;
#[cfg(test)]
mod tests;
mod trace;
mod traitor;
mod trouble;
mod violation;
mod wallet;
mod world;

pub use campaign::{Campaign, Found, Gauge, MAX_FOUND, NoThread, Sums};
pub use judge::Judge;
pub use net::{Delay, Manners, Net};
pub use node::{Fate, Lie, Live, Node};
pub use people::cast;
pub use plan::{Limits, MAX_NODES, MAX_WALLETS, Plan, PlanError, Profile, UnknownProfile};
pub use plot::{Line, Panel, svg};
pub use regions::Regions;
pub use run::{Outcome, RECOVERY, simulate, simulate_while};
pub use sizes::{Size, plot};
pub use speech::Told;
pub use spread::Spread;
pub use tally::{Tally, Traffic};
pub use trace::{Listener, Stopwatch, Trace};
pub use traitor::{Habit, Plot, Recruits, Traitor};
pub use violation::{Invariant, Violation};
pub use wallet::Wallets;
pub use world::{Cast, Seen, World};
