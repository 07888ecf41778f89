//! What must hold of any bytes whatever: one check for each family of decoders that meets a stranger's bytes.
//!
//! The fuzzer (`fuzz_targets/`) and the property tests (`tests/decoders.rs`) run the same checks: no panic, one form
//! for each value, memory bounded by the bytes that are really there, and never a belief in what is not true.
//! Only the library's public doors are used here; nothing is made public for it.
//! Read next: `form.rs` for what holds of every decoder, `seeds.rs` for what the mutations begin with.

pub mod answers;
pub mod bootstrap;
pub mod chain;
pub mod dealings;
pub mod directory;
pub mod form;
pub mod founding;
pub mod gossip;
pub mod logs;
pub mod node;
pub mod receipts;
pub mod seeds;
pub mod services;
pub mod speech;
pub mod wallet_files;
pub mod world;

/// A check of arbitrary bytes; it panics if what must hold does not.
pub type Check = fn(&[u8]);

/// Every check by the name of its fuzz target.
pub const ALL: [(&str, Check); 13] = [
    ("gossip", gossip::check),
    ("services", services::check),
    ("speech", speech::check),
    ("chain", chain::check),
    ("answers", answers::check),
    ("bootstrap", bootstrap::check),
    ("wallet_files", wallet_files::check),
    ("logs", logs::check),
    ("node", node::check),
    ("directory", directory::check),
    ("dealings", dealings::check),
    ("receipts", receipts::check),
    ("founding", founding::check),
];
