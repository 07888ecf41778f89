//! What several test files need: networks in this process, and waiting with a deadline.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod http;
pub mod net;
pub mod processes;
pub mod proxy;
pub mod stranger;
pub mod town;
pub mod wait;
pub mod window;
