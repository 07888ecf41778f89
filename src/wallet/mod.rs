//! The owner, without IO: vault, light client, payments.
