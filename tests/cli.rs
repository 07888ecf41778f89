//! The contract of the command line: what it prints and how it ends, through the real program.

#[path = "cli/program.rs"]
mod program;

#[path = "cli/network.rs"]
mod network;
#[path = "cli/usage.rs"]
mod usage;
#[path = "cli/wallet.rs"]
mod wallet;
