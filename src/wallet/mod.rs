//! The owner, without IO: vault, light client, payments.

pub mod vault;
