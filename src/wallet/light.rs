//! The light client: what a wallet may believe of what nodes say.
//!
//! It trusts the genesis of its bootstrap file and nothing else. Every answer is verified under it, and no answer about
//! the present is taken that is older than what was proven before, so that what the owner sees never runs backwards.
//! An old answer is no lie: an honest node may be a block behind for a moment. So [`Doubt`] tells the two apart: a node
//! that lies is not asked again; one that is behind is asked again later, and another one meanwhile.
//!
//! It must never give out a value that is not proven. It asks nobody and reads no clock. Read next: `chain/query/trust.rs`
//! for what a proof is; `node/session/` asks with it.

#[cfg(test)]
mod tests;

use crate::chain::account::Account;
use crate::chain::block::transaction_leaf;
use crate::chain::codec::{Decode, DecodeError};
use crate::chain::genesis::Genesis;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::merkle::Path;
use crate::chain::name::Name;
use crate::chain::query::{
    Anchor, Answer, AnswerError, BlockRecord, Certified, HistoryMark, HistoryPage, Moment, Network,
    Proven, ProvenOwner, TransactionAnswer, TransactionRecord, Trust, Unavailable,
};
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::chain::validator::ValidatorSet;
use crate::chain::voucher::Voucher;
use crate::mutation::{self, Mutation};

/// Heartbeats without a new block after which the network may be paused, in halves: two and a half.
const QUIET_HALF_HEARTBEATS: u64 = 5;

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The node has no answer. Nothing is said against it.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The answer holds, but it is older than what was proven before.
    #[error(
        "the node is behind: it answers for height {height}, {newest} was proven before; ask another node or again"
    )]
    Behind {
        /// Of when the answer is.
        height: u64,
        /// The newest height proven so far.
        newest: u64,
    },
    /// What it says is not proven: it is faulty, lies, or is of another network.
    #[error(transparent)]
    Lie(AnswerError),
    /// Its bytes are no answer.
    #[error("the node's answer cannot be read ({0}): ask another node")]
    Malformed(#[from] DecodeError),
    /// A quorum has signed two blocks of one height. No light client can tell which one stands.
    #[error(
        "two blocks of height {height} are signed by a quorum: a third of the validators or more cheat; pay nothing and ask those who run them"
    )]
    Fork {
        /// The height.
        height: u64,
    },
}

impl Doubt {
    /// Whether the node is not to be asked again: everything but having no answer and being behind.
    pub fn is_lie(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Behind { .. })
    }
}

impl From<AnswerError> for Doubt {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Unavailable(why) => Self::Unavailable(why),
            lie => Self::Lie(lie),
        }
    }
}

/// How a node says it is: the tip is proven, the rest is its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearsay {
    /// How many validators it hears.
    pub validators_up: u16,
    /// How many transactions wait there.
    pub waiting: u32,
}

/// Whether what was proven last may be old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// A block came lately, or none was made yet.
    Fresh,
    /// No block for more than two heartbeats: the network is paused, or all nodes asked hide the newest ones.
    Quiet {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
}

/// What is believed, and the newest moment that was proven.
#[derive(Debug, Clone)]
pub struct LightClient {
    trust: Trust,
    newest: Moment,
    /// What was proven in an earlier life of this wallet.
    floor: u64,
    quiet_ms: u64,
}

impl LightClient {
    /// A client of the network with this genesis. `floor` is a height that the caller remembers as proven: nothing older
    /// is taken; 0 if nothing is remembered.
    pub fn new(genesis: &Genesis, floor: u64) -> Self {
        let trust = Trust::new(genesis);
        let newest = Anchor::Genesis
            .verify(&trust)
            .expect("the genesis follows from the bootstrap file and needs no signature");
        Self {
            trust,
            newest,
            floor,
            quiet_ms: u64::from(genesis.rules.heartbeat_ms) * QUIET_HALF_HEARTBEATS / 2,
        }
    }

    /// Another client of the same network, which remembers this height as proven and knows nothing else.
    pub fn remembering(&self, floor: u64) -> Self {
        let trust = self.trust.clone();
        let newest = Anchor::Genesis
            .verify(&trust)
            .expect("the genesis follows from the bootstrap file and needs no signature");
        Self {
            trust,
            newest,
            floor,
            quiet_ms: self.quiet_ms,
        }
    }

    /// The network.
    pub fn genesis(&self) -> &Hash {
        &self.trust.genesis
    }

    /// What it believes to begin with.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Those whose quorum makes a block final.
    pub fn validators(&self) -> &ValidatorSet {
        &self.trust.validators
    }

    /// The newest moment proven so far; the caller may remember its height as the next `floor`.
    pub fn newest(&self) -> Moment {
        self.newest
    }

    /// The height below which nothing is taken, remembered from an earlier life of this wallet.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Whether the newest moment may be old, by the wall clock (milliseconds since 1970).
    pub fn freshness(&self, now_ms: u64) -> Freshness {
        let for_ms = now_ms.saturating_sub(self.newest.time_ms);
        match self.newest.height > 0 && for_ms > self.quiet_ms {
            true => Freshness::Quiet { for_ms },
            false => Freshness::Fresh,
        }
    }

    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// [`Doubt::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Answer, Doubt> {
        Ok(Answer::from_bytes(bytes)?)
    }

    /// How a node is.
    ///
    /// # Errors
    /// A [`Doubt`]; nothing of the answer is then believed. So in all that follow.
    pub fn status(&mut self, answer: Answer) -> Result<Proven<Hearsay>, Doubt> {
        let status = answer.into_status()?;
        let at = status.verify(&self.trust)?;
        let value = Hearsay {
            validators_up: status.validators_up,
            waiting: status.waiting,
        };
        self.present(Proven { value, at })
    }

    /// An account as it is now; `None` if there is proven to be none.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn account(
        &mut self,
        answer: Answer,
        address: &Address,
    ) -> Result<Proven<Option<Account>>, Doubt> {
        let proven = answer.into_account()?.verify(&self.trust, address)?;
        self.present(proven)
    }

    /// Whose a name is now; `None` if it is proven to be free.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn name(
        &mut self,
        answer: Answer,
        name: &Name,
    ) -> Result<Proven<Option<ProvenOwner>>, Doubt> {
        let proven = answer.into_name()?.verify(&self.trust, name)?;
        self.present(proven)
    }

    /// The voucher under a key as it is now; `None` if it is proven that none is open.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn voucher(
        &mut self,
        answer: Answer,
        key: &PublicKey,
    ) -> Result<Proven<Option<Voucher>>, Doubt> {
        let proven = answer.into_voucher()?.verify(&self.trust, key)?;
        self.present(proven)
    }

    /// The rules and validators now.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn network(&mut self, answer: Answer) -> Result<Proven<Network>, Doubt> {
        let proven = answer.into_network()?.verify(&self.trust)?;
        self.present(proven)
    }

    /// An account and the newest page of its history.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn history(
        &mut self,
        answer: Answer,
        address: &Address,
    ) -> Result<Proven<(Option<Account>, HistoryPage)>, Doubt> {
        let proven = answer.into_activities()?.verify(&self.trust, address)?;
        self.present(proven)
    }

    /// An older page of a history, which must lead to `end`: the beginning of the page after it.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn older_history(
        &mut self,
        answer: Answer,
        address: &Address,
        end: &HistoryMark,
    ) -> Result<Proven<HistoryPage>, Doubt> {
        let found = answer.into_activities()?;
        found.page.verify(address, end)?;
        // What the page hangs on was proven with the page after it; the anchor tells only how far the node is.
        let at = found.anchor.verify(&self.trust)?;
        self.past(Proven {
            value: found.page,
            at,
        })
    }

    /// A final transaction.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn transaction(
        &mut self,
        answer: Answer,
        id: &TransactionId,
    ) -> Result<Proven<TransactionRecord>, Doubt> {
        let proven = answer.into_transaction()?.verify(&self.trust, id)?;
        self.past(proven)
    }

    /// The proof of a final transaction, checked: what a receipt is made of.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn transaction_proof(
        &mut self,
        answer: Answer,
        id: &TransactionId,
    ) -> Result<Proven<TransactionAnswer>, Doubt> {
        let value = *answer.into_transaction()?;
        let at = value.clone().verify(&self.trust, id)?.at;
        self.past(Proven { value, at })
    }

    /// A block.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn block(&mut self, answer: Answer, height: u64) -> Result<Proven<BlockRecord>, Doubt> {
        let proven = answer.into_block()?.verify(&self.trust, height)?;
        self.past(proven)
    }

    /// A certified header that was pushed, with transactions of its block and their paths. It may be of the past: pushed
    /// headers come in order from one node, but several nodes push.
    ///
    /// # Errors
    /// A [`Doubt`].
    pub fn pushed(
        &mut self,
        certified: &Certified,
        placed: impl IntoIterator<Item = (SignedTransaction, Path)>,
    ) -> Result<Proven<Vec<SignedTransaction>>, Doubt> {
        let at = certified.verify(&self.trust)?;
        let mut value = Vec::new();
        for (transaction, path) in placed {
            let root = path.root_of(transaction_leaf(&transaction));
            if root != Some(certified.header.transactions_root) {
                return Err(Doubt::Lie(AnswerError::NotInBlock { height: at.height }));
            }
            value.push(transaction);
        }
        self.past(Proven { value, at })
    }

    /// Takes what is true of the present: it must not be older than what is known.
    fn present<T>(&mut self, proven: Proven<T>) -> Result<Proven<T>, Doubt> {
        let newest = self.newest.height.max(self.floor);
        if proven.at.height < newest && !mutation::is_on(Mutation::StaleBelieved) {
            let height = proven.at.height;
            return Err(Doubt::Behind { height, newest });
        }
        self.past(proven)
    }

    /// Takes what is true for ever, of whatever age.
    fn past<T>(&mut self, proven: Proven<T>) -> Result<Proven<T>, Doubt> {
        let at = proven.at;
        if at.height == self.newest.height && at.block != self.newest.block {
            return Err(Doubt::Fork { height: at.height });
        }
        if at.height > self.newest.height {
            self.newest = at;
        }
        Ok(proven)
    }
}
