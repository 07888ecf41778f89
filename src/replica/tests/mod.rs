//! The whole node under test: real replicas and stores in a world of virtual time, network and disks.
//!
//! Read first: `world.rs` for what happens, `judge.rs` for what must never happen. A failing seed says
//! how it is replayed.

mod absence;
mod chaos;
mod judge;
mod liars;
mod lives;
mod net;
mod payments;
mod people;
mod queries;
mod recovery;
mod storage;
mod strangers;
mod world;
