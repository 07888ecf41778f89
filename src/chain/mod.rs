//! The law, pure: amounts, keys, transactions, blocks, rules, ledger, tree and proofs.
//!
//! Nothing here reads a clock, a file, a socket or chance: every node that runs it on the same
//! input gets the same result. Begin with [`transaction`] and [`block`]; the bytes are in [`codec`].

pub mod account;
pub mod amount;
pub mod armour;
pub mod block;
pub mod certificate;
pub mod codec;
pub mod genesis;
#[cfg(test)]
mod golden_tests;
pub mod hash;
pub mod key;
pub mod ledger;
pub mod merkle;
pub mod name;
pub mod query;
pub mod rules;
#[cfg(test)]
pub(crate) mod testing;
pub mod transaction;
pub mod tree;
pub mod utc;
pub mod validator;
pub mod voucher;
