//! The owner, without IO: vault, light client, payments.
//!
//! Bytes, proofs and time come in; bytes, questions and ends go out. Nothing here opens a file or a connection, and
//! nothing is believed without proof. Begin with [`vault`] (the secret) and [`payment`] (money on its way).

pub mod contacts;
pub mod dealings;
pub mod draft;
pub mod journal;
pub mod light;
pub mod lookalike;
pub mod memo;
pub mod patience;
pub mod payment;
pub mod pool;
pub mod receipt;
pub mod strength;
pub mod vault;
pub mod voucher;
