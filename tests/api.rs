//! The HTTP API over real nodes: what it answers, what it proves, what it refuses, and that no flood stops the network.

#[path = "api/answers.rs"]
mod answers;
#[path = "api/attacks.rs"]
mod attacks;
mod common;
#[path = "api/description.rs"]
mod description;
#[path = "api/proofs.rs"]
mod proofs;
