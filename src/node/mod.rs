//! The hands: clock, disk, swarm, event loops.

pub mod bench;
pub mod clock;
pub mod devnet;
pub mod directory;
pub mod doctor;
mod durable;
pub mod founding;
pub mod home;
pub mod inquiry;
pub mod network;
pub mod profile;
pub mod runner;
pub mod session;
pub mod survey;
pub mod welcome;
pub mod window;
