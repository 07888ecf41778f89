//! The hands: clock, disk, swarm, event loops.

pub mod profile;
