//! Wallets: the real payment machine, light client and journal, with simulated hands.
//!
//! Next: `wallet/payment/machine.rs` for what they do.

use super::world::World;
use crate::replica::WatchId;

/// What happens to a wallet.
pub(super) enum WalletEvent {
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
}

/// One wallet.
struct Wallet {
    /// Counts its runs: what was meant for an earlier one is lost.
    run: u64,
}

impl Wallets {
    pub(super) fn run_of(&self, wallet: usize) -> u64 {
        self.all.get(wallet).map_or(0, |wallet| wallet.run)
    }
}

impl World {
    pub(super) fn wallet_happens(&mut self, wallet: usize, run: u64, event: WalletEvent) {
        if self.wallets.run_of(wallet) != run {
            return;
        }
        match event {
            WalletEvent::Answer { call, data } => {
                let _ = (self.end_call(call), data);
            }
            WalletEvent::Frame { watch, frame } => drop((watch, frame)),
            WalletEvent::WatchLost { watch } => self.leave_watch(watch),
        }
    }

    /// A node is gone: wallets that are connected to it notice.
    pub(super) fn wallets_lose(&mut self, _node: usize) {}
}
