//! How long a wallet waits for what, whoever carries its questions: the session of a person, or the simulation.
//!
//! Next: `node/session/`, `sim/wallet/`, which wait so long.

use std::time::Duration;

/// A node that takes longer to answer is not waited for alone: the next one is asked, too.
pub const SLOW: Duration = Duration::from_millis(700);
/// An answer that takes longer does not come.
pub const ANSWER: Duration = Duration::from_secs(4);
/// A question that no node answered is asked again after so long, or as soon as a node comes or goes.
pub const ASK_AGAIN: Duration = Duration::from_millis(150);
/// How long a question is asked, of one node after another.
pub const QUESTION: Duration = Duration::from_secs(8);
/// A node that does not open a watch in this time is passed over.
pub const WATCH_OPENING: Duration = Duration::from_secs(3);
/// When no node can be watched, it is tried again after so long, or as soon as one comes.
pub const WATCH_AGAIN: Duration = Duration::from_millis(250);
/// A payment that cannot go on is left for later after so long: too few nodes are up, or those asked refuse it.
pub const STUCK: Duration = Duration::from_secs(10);
/// Any payment without an end is left for later after so long.
pub const PAYMENT: Duration = Duration::from_secs(60);
