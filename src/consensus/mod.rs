//! Agreement, without IO: Tendermint by the Malachite core, driven as a deterministic machine.
//!
//! [`engine::Engine`] takes inputs and gives ordered effects; it must never let a signed message out
//! before the log that explains it is durable. The twelve laws it keeps are in `docs/protocol.md`,
//! section "Agreement". Malachite's types do not leave this room.

mod bodies;
mod context;
pub mod engine;
mod handler;
pub mod message;
mod signing;
#[cfg(test)]
mod tests;
mod wal;

pub use engine::{Engine, Receipt, Settings};
pub use handler::{Effect, Evidence, Fault, Mark, Outgoing, Step, Timer, TimerKind, Timing};
pub use message::{Message, Proposal};
