//! Reach: whoever has a name can be reached, also behind a NAT. In network namespaces, with routers of every kind.
//!
//! Needs root and Linux; elsewhere it says so and tries nothing, unless `CI` is set: there it must run. See
//! `docs/testing.md`.
#![cfg(target_os = "linux")]

#[path = "reach/bounds.rs"]
mod bounds;
#[path = "reach/cards.rs"]
mod cards;
mod common;
#[path = "reach/fallback.rs"]
mod fallback;
#[path = "reach/lab.rs"]
mod lab;
#[path = "reach/namespace.rs"]
mod namespace;
#[path = "reach/nats.rs"]
mod nats;
#[path = "reach/pairs.rs"]
mod pairs;
#[path = "reach/payments.rs"]
mod payments;
#[path = "reach/program.rs"]
mod program;
#[path = "reach/recovery.rs"]
mod recovery;
#[path = "reach/restart.rs"]
mod restart;
#[path = "reach/standing.rs"]
mod standing;
#[path = "reach/switch.rs"]
mod switch;
#[path = "reach/town.rs"]
mod town;
#[path = "reach/world.rs"]
mod world;
