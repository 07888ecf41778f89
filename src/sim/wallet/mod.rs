//! Wallets: the real payment machine, light client, pool and journal, with simulated hands and simulated owners.
//!
//! An owner wants to pay (`user.rs`); a program is started for that and runs (`run.rs`) till all is done, it crashes, or
//! it leaves off for a while; the journal's text and the newest height seen are what survives it. The hands
//! (`hands.rs`) connect it with the world. A wallet without anything to do costs nothing.
//! Next: `user.rs`.

mod answer;
mod ask;
mod desk;
mod feed;
mod hands;
mod life;
mod pay;
mod run;
mod shown;
mod trouble;
mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::run::Run;
use self::user::{Intent, Story};
use super::world::World;
use crate::chain::key::Address;
use crate::replica::WatchId;
use crate::wallet::light::LightClient;
use crate::wallet::payment::NodeIndex;

/// What happens to a wallet.
pub(super) enum WalletEvent {
    /// Its owner may want something.
    Decide,
    /// Its program is started.
    Start,
    /// A dial begins.
    Dial(NodeIndex),
    /// A dial succeeds, if the node still lives that life.
    Linked(NodeIndex, u64),
    /// A dial fails.
    Unreachable(NodeIndex),
    /// The loss of a connection is noticed.
    Lost(NodeIndex),
    /// The journal is on the disk.
    Written,
    /// Time has passed.
    Wake,
    /// An answer has come.
    Answer {
        /// To which call.
        call: u64,
        /// Its bytes.
        data: Option<Vec<u8>>,
    },
    /// A frame of a watch has come.
    Frame {
        /// Of which.
        watch: WatchId,
        /// Its bytes.
        frame: Vec<u8>,
    },
    /// A watch is over.
    WatchLost {
        /// Which.
        watch: WatchId,
    },
}

/// All wallets.
#[derive(Default)]
pub struct Wallets {
    all: Vec<Wallet>,
    /// A client that knows nothing yet, for new ones to be copied from.
    pristine: Option<LightClient>,
    /// Which wallets are connected to a node.
    linked: BTreeMap<usize, BTreeSet<usize>>,
    /// What became of every intent.
    stories: Vec<Story>,
    /// How many wallets have something to do.
    open: usize,
    /// Which wallets' owners have yet to look at their whole history.
    unaudited: BTreeSet<usize>,
    habits: Habits,
}

/// What owners do.
#[derive(Debug, Clone, Default)]
struct Habits {
    /// How long they do nothing, on the average.
    pause: Duration,
    /// When they begin their last payment.
    until: Duration,
    /// Whether wallets' clocks are off, payments are short of time, and programs are kept open for long.
    is_rough: bool,
    /// Whether a program is left running by every other owner.
    stays: bool,
}

/// One wallet.
struct Wallet {
    address: Address,
    /// Whose key it has. Two devices may have one key.
    person: u32,
    /// The nodes that it knows.
    nodes: Vec<u16>,
    /// Counts its runs: what was meant for an earlier one is lost.
    run: u64,
    live: Option<Box<Live>>,
    disk: Disk,
    /// What its owner wants to pay and has not begun.
    wants: Vec<Intent>,
    /// What was begun and has not been seen to end: numbers of stories.
    begun: Vec<usize>,
    /// Whether it cannot be started, after a crash.
    is_down: bool,
    is_open: bool,
    /// It crashes before it does anything more than so many things.
    crash_in: Option<u32>,
}

/// What survives a wallet's crash.
#[derive(Default)]
struct Disk {
    journal: Option<Vec<u8>>,
    /// What is being written over it.
    writing: Option<Vec<u8>>,
    /// The newest height that was shown.
    seen: u64,
}

/// A program that runs.
struct Live {
    run: Run,
    /// The number of the call of each flight.
    calls: BTreeMap<u64, u64>,
    /// Whether it is closed as soon as nothing is left to do.
    leaves: bool,
    /// Whether it found no node: it is closed, and perhaps started again.
    is_spent: bool,
}

impl Wallets {
    pub(super) fn run_of(&self, wallet: usize) -> u64 {
        self.all.get(wallet).map_or(0, |wallet| wallet.run)
    }
}

impl World {
    /// Whether no wallet has anything to do.
    pub fn wallets_are_done(&self) -> bool {
        self.wallets.open == 0
    }

    /// The nodes that have lied to a wallet in its present run, by their places in its list.
    pub fn distrusted(&self, wallet: usize) -> Vec<u16> {
        let live = self
            .wallets
            .all
            .get(wallet)
            .and_then(|one| one.live.as_ref());
        let nodes = live.map(|live| live.run.pool.entries());
        let nodes = (0..).zip(nodes.into_iter().flatten());
        nodes
            .filter(|(_, entry)| entry.lie.is_some())
            .map(|(node, _)| node)
            .collect()
    }

    /// What wallets have not done yet, for people.
    pub(super) fn wallets_state(&self) -> String {
        let all = self.wallets.all.iter().enumerate();
        let open = all.filter(|(_, wallet)| wallet.is_open);
        let of = |(number, wallet): (usize, &Wallet)| {
            let run = wallet.live.as_ref().map(|live| live.run.state());
            let wants = wallet.wants.len();
            format!(
                "wallet {number}: {wants} wanted, {}",
                run.unwrap_or_default()
            )
        };
        open.take(4).map(of).collect::<Vec<_>>().join("\n")
    }
}
