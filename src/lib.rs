//! NAT-Coin: a currency that a community runs itself.
//!
//! The rooms below stand on floors; a room imports only from floors beneath it
//! (`tests/architecture.rs` holds the table). Read `docs/architecture.md` first.

pub mod api;
pub mod behaviour;
pub mod chain;
pub mod cli;
pub mod consensus;
pub mod directory;
pub mod mempool;
mod mutation;
pub mod node;
pub mod replica;
pub mod sim;
pub mod store;
pub mod wallet;
