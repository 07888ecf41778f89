//! What goes wrong for wallets: their programs die at any step, and ways to nodes are cut.
//!
//! Next: `sim/trouble.rs`, for the nodes' bad luck.

use rand::RngExt as _;

use crate::sim::trace::Parties;
use crate::sim::world::World;

/// Of so many chances one brings something of each kind.
const ODDS: u32 = 60;
/// A planned crash comes within so many things that the wallet does.
const SOON: u32 = 16;

impl World {
    /// One step of bad luck for one wallet.
    pub(in crate::sim) fn trouble_wallets(&mut self) {
        if self.wallets.all.is_empty() {
            return;
        }
        let wallet = self.random.random_range(0..self.wallets.all.len());
        match self.random.random_range(0..ODDS) {
            0 => self.crash_wallet(wallet),
            1 | 2 => {
                let left = self.random.random_range(0..SOON);
                self.doom_wallet(wallet, left);
            }
            3 => {
                let nodes = &self.wallets.all[wallet].nodes;
                let which = self.random.random_range(0..nodes.len());
                let node = usize::from(nodes[which]);
                self.cut_wallet(wallet, node);
            }
            _ => {}
        }
    }

    /// A wallet crashes before it does anything more than so many things.
    pub(in crate::sim) fn doom_wallet(&mut self, wallet: usize, left: u32) {
        self.wallets.all[wallet].crash_in = Some(left);
        let party = self.party(wallet);
        self.remark(Parties(party, None), || {
            format!("will crash after {left} more things that it does")
        });
    }

    /// Cuts one direction or both between a wallet and a node; the wallet notices after a while.
    fn cut_wallet(&mut self, wallet: usize, node: usize) {
        let party = self.party(wallet);
        self.tally.fault("wallet cut off");
        let which = self.random.random_range(0..3);
        if which != 0 {
            self.net.cut(party, node);
        }
        if which != 1 {
            self.net.cut(node, party);
        }
        let words = match which {
            0 => "hears nothing of what it says to it",
            1 => "is not heard any more",
            _ => "cut off",
        };
        self.remark(Parties(party, Some(node)), || words.to_owned());
        let notice = self.between_ms(50, 3_000);
        self.loses(wallet, node, notice);
    }

    /// From here on all goes well for wallets.
    pub(in crate::sim) fn spare_wallets(&mut self) {
        for wallet in &mut self.wallets.all {
            wallet.crash_in = None;
        }
    }
}
