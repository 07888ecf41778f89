//! Who knows what must never happen, and looks at everything.
//!
//! The judge sees each block that a node makes durable, each message that it signs, each state it stands in, each
//! store that is opened again, and what wallets show. The first violation is kept; the world stops there.
//! Never: change what it looks at. Next: `world.rs`, which shows it everything.

mod book;
mod shown;
mod signed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::behaviour::{Service, Topic};
use crate::chain::block::{Block, Header, transactions_root};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::genesis::Genesis;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::ledger::{Ledger, Tip};
use crate::chain::query::{Answer, Certified, Trust};
use crate::chain::transaction::TransactionId;
use crate::mutation;
use crate::replica::Replica;
use crate::replica::wire::{
    Batch, BlocksReply, FinalBlock, MissingReply, Said, SubmitReply, WatchFrame, from_gossip,
};
use crate::store::Store;

use self::book::Book;
use self::shown::Shown;
use self::signed::Signed;
use super::violation::{Invariant, Violation};

/// So many heights back, a certificate that was checked need not be checked again.
const CHECKED_HEIGHTS: u64 = 64;
/// Blocks that are read again when a store is opened: the last, and about as many of all the others.
const REREAD: u64 = 8;

/// See the module's text.
pub struct Judge {
    /// What wallets go by.
    pub trust: Trust,
    /// The chain: its headers, and when each was first durable.
    pub chain: BTreeMap<u64, (Header, Duration)>,
    /// Where each transaction is final.
    pub finals: BTreeMap<TransactionId, u64>,
    /// How often each invariant was held against something.
    pub checks: BTreeMap<Invariant, u64>,
    violation: Option<Violation>,
    books: Books,
    law: Law,
    /// What each node has made durable.
    durable: BTreeMap<usize, u64>,
    signed: Signed,
    checked: BTreeMap<u64, BTreeSet<Hash>>,
}

/// Whose money there is, and whose nonces are spent.
struct Books {
    money: Book,
    /// The last height at which a node's ledger was compared with it.
    counted: Option<u64>,
    nonces: BTreeMap<(Address, u64), TransactionId>,
    shown: Shown,
}

/// The chain executed by the judge itself, with the code that ships: it holds headers and state roots. What everybody has
/// is held by [`Book`] too, which shares no code with it.
struct Law {
    ledger: Ledger,
    tip: Tip,
}

impl Law {
    /// Moves on by a block; or says which law it breaks.
    fn follow(&mut self, block: &Block) -> Result<(), String> {
        let mut forged = block
            .transactions
            .iter()
            .filter(|one| !one.signature_is_good());
        if let Some(one) = forged.next() {
            return Err(format!("nobody has signed {}", one.id()));
        }
        let execution = self.ledger.validate(&self.tip, block);
        let changes = execution.map_err(|error| error.to_string())?.changes;
        self.tip = Tip::after(&block.header);
        self.ledger
            .commit(changes)
            .map_err(|fault| fault.to_string())
    }
}

impl Judge {
    /// A judge of this network.
    pub(super) fn new(genesis: &Genesis) -> Self {
        let ledger = Ledger::from_genesis(genesis);
        Self {
            trust: Trust::new(genesis),
            chain: BTreeMap::new(),
            finals: BTreeMap::new(),
            checks: BTreeMap::new(),
            violation: None,
            books: Books {
                money: Book::new(genesis),
                counted: None,
                nonces: BTreeMap::new(),
                shown: Shown::new(&ledger, genesis),
            },
            law: Law {
                ledger,
                tip: Tip::genesis(genesis),
            },
            durable: BTreeMap::new(),
            signed: Signed::default(),
            checked: BTreeMap::new(),
        }
    }

    /// Expects double signatures of this key.
    pub fn distrust(&mut self, key: Address) {
        self.signed.distrust(key);
    }

    /// The first violation.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The chain's height.
    pub fn height(&self) -> u64 {
        self.chain.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// Holds an invariant: counts, and keeps the first violation.
    pub(super) fn hold(
        &mut self,
        invariant: Invariant,
        at: Duration,
        is_held: bool,
        what: impl FnOnce() -> String,
    ) -> bool {
        *self.checks.entry(invariant).or_default() += 1;
        if !is_held && self.violation.is_none() {
            let what = what();
            self.violation = Some(Violation {
                invariant,
                at,
                what,
            });
        }
        is_held
    }

    /// A block is durable at a node.
    pub(super) fn committed(&mut self, node: usize, now: Duration, height: u64, record: &[u8]) {
        use Invariant as I;
        let found = match FinalBlock::from_bytes(record) {
            Ok(found) => found,
            Err(error) => {
                let what = || format!("node {node} keeps a record that cannot be read: {error}");
                self.hold(I::Certificate, now, false, what);
                return;
            }
        };
        let header = found.block.header.clone();
        self.check_certificate(node, now, height, &found, record);
        let before = self.durable.insert(node, height).unwrap_or(0);
        self.hold(I::Durability, now, before + 1 == height, || {
            format!("node {node} keeps block {height} after block {before}")
        });
        let known = self.chain.get(&height).map(|(known, _)| known.clone());
        self.hold(
            I::Agreement,
            now,
            known.as_ref().is_none_or(|known| *known == header),
            || format!("node {node} has another block at height {height}"),
        );
        if known.is_some() {
            return;
        }
        for one in &found.block.transactions {
            let (id, sender, nonce) = (one.id(), one.transaction.sender, one.transaction.nonce);
            let other = self.books.nonces.insert((sender, nonce), id);
            self.hold(I::NonceOnce, now, other.is_none(), || {
                format!("nonce {nonce} of {sender} is spent again, at height {height}")
            });
        }
        let verdict = self.books.money.write(&found.block);
        let verdict = verdict.and_then(|()| mutation::unmutated(|| self.law.follow(&found.block)));
        self.hold(I::Lawful, now, verdict.is_ok(), || {
            let law = verdict.as_ref().err().map_or("", String::as_str);
            format!("the block of height {height} at node {node}: {law}")
        });
        for one in &found.block.transactions {
            self.happened(now, one, height);
        }
        self.chain.insert(height, (header, now));
    }

    fn check_certificate(
        &mut self,
        node: usize,
        now: Duration,
        height: u64,
        found: &FinalBlock,
        record: &[u8],
    ) {
        let digest = Hash::of("natcoin/sim/record", &[record]);
        if !self.checked.entry(height).or_default().insert(digest) {
            return;
        }
        self.checked = self
            .checked
            .split_off(&height.saturating_sub(CHECKED_HEIGHTS));
        let certified = Certified {
            header: found.block.header.clone(),
            certificate: found.certificate.clone(),
        };
        let problem = match mutation::unmutated(|| certified.verify(&self.trust)) {
            Err(error) => Some(error.to_string()),
            Ok(moment) if moment.height != height => Some(format!("it is of {}", moment.height)),
            Ok(_)
                if transactions_root(&found.block.transactions)
                    != certified.header.transactions_root =>
            {
                Some("it holds other transactions".to_owned())
            }
            Ok(_) => None,
        };
        self.hold(Invariant::Certificate, now, problem.is_none(), || {
            let problem = problem.as_deref().unwrap_or_default();
            format!("node {node} keeps block {height}: {problem}")
        });
    }

    /// A node tells others of a block, in whatever way.
    pub(super) fn told(&mut self, node: usize, now: Duration, height: u64) {
        let durable = self.durable.get(&node).copied().unwrap_or(0);
        self.hold(Invariant::Durability, now, height <= durable, || {
            format!("node {node} tells of block {height}, and has {durable}")
        });
    }

    /// A node has opened its store again, which may go back to `floor` if it was put back from a backup.
    pub(super) fn reopened(
        &mut self,
        node: usize,
        now: Duration,
        store: &Store,
        floor: Option<u64>,
    ) {
        if let Some(floor) = floor {
            self.durable.insert(node, floor);
        }
        let durable = self.durable.get(&node).copied().unwrap_or(0);
        let tip = store.tip();
        self.hold(Invariant::Durability, now, tip >= durable, || {
            format!("node {node} had block {durable}, and has {tip} now")
        });
        let block = |height: u64| store.block(height).ok().flatten();
        // Its last blocks, and some of all the others.
        let stride = usize::try_from(durable / REREAD).unwrap_or(usize::MAX) + 1;
        let some = (1..=durable).step_by(stride);
        let last = durable.saturating_sub(REREAD).max(1)..=durable;
        for height in some.chain(last).collect::<BTreeSet<u64>>() {
            let known = self.chain.get(&height).map(|(known, _)| known.clone());
            if let Some(known) = known {
                let found = block(height).and_then(|bytes| FinalBlock::from_bytes(&bytes).ok());
                let is_same = found.is_some_and(|found| found.block.header == known);
                self.hold(Invariant::Durability, now, is_same, || {
                    format!("node {node} has no block {height} any more, or another one")
                });
            }
        }
        // The power may have failed when the block was down, and before anybody knew.
        for height in durable + 1..=tip {
            match block(height) {
                Some(bytes) => self.committed(node, now, height, &bytes),
                None => {
                    self.hold(Invariant::Durability, now, false, || {
                        format!("node {node} has no block {height} below its tip {tip}")
                    });
                }
            }
        }
    }

    /// A node stands somewhere on the chain.
    pub(super) fn stands(&mut self, node: usize, now: Duration, replica: &Replica) {
        let height = replica.height();
        let Some((header, _)) = self.chain.get(&height) else {
            return;
        };
        let (root, certified) = (replica.state_root(), header.state_root);
        self.hold(Invariant::OneStateRoot, now, root == certified, || {
            format!("node {node} has the state {root} at height {height}, certified is {certified}")
        });
        if self.books.counted >= Some(height) {
            return;
        }
        self.books.counted = Some(height);
        let ledger = replica.ledger();
        let same = self
            .books
            .money
            .compare(ledger.account_count(), |one| ledger.account(one));
        self.hold(Invariant::Supply, now, same.is_ok(), || {
            let what = same.as_ref().err().map_or("", String::as_str);
            format!("at height {height} of node {node}: {what}")
        });
    }

    /// A node says something to all.
    pub(super) fn published(&mut self, node: usize, now: Duration, topic: Topic, data: &[u8]) {
        let (limit, size) = (topic.max_bytes(), data.len());
        self.hold(Invariant::Manners, now, size <= limit, || {
            format!("node {node} says {size} bytes on {topic:?}, at most {limit} are allowed")
        });
        if topic == Topic::Transactions {
            let batch = from_gossip::<Batch>(data);
            let is_good = batch.is_ok_and(|batch| !batch.0.is_empty());
            self.hold(Invariant::Manners, now, is_good, || {
                format!("node {node} sends a batch that is empty or cannot be read")
            });
            return;
        }
        let said = from_gossip::<Said>(data).ok();
        let is_canonical = said
            .as_ref()
            .is_some_and(|said| data[4..] == *said.to_bytes());
        self.hold(Invariant::Manners, now, is_canonical, || {
            format!("node {node} cannot be understood")
        });
        if let Some(said) = said {
            self.uttered(node, now, &said);
        }
    }

    /// A node says what it or others have signed.
    fn uttered(&mut self, node: usize, now: Duration, said: &Said) {
        let contradiction = self.signed.note(said);
        self.hold(
            Invariant::NoDoubleSignature,
            now,
            contradiction.is_none(),
            || format!("node {node} says {}", contradiction.unwrap_or_default()),
        );
    }

    /// A node answers: nothing that is not durable there, and nothing that contradicts what was signed.
    pub(super) fn answered(&mut self, node: usize, now: Duration, service: Service, data: &[u8]) {
        let height = match service {
            Service::Submit => match SubmitReply::from_bytes(data) {
                Ok(SubmitReply::Final { height }) => Some(height),
                _ => None,
            },
            Service::Query => Answer::from_bytes(data)
                .ok()
                .and_then(|answer| height_of(&answer)),
            Service::Blocks => BlocksReply::from_bytes(data).ok().map(|reply| {
                let last = reply.blocks.last().map(|last| last.block.header.height);
                reply.tip.max(last.unwrap_or(0))
            }),
            Service::Agreement => MissingReply::from_bytes(data).ok().map(|reply| {
                for said in &reply.said {
                    self.uttered(node, now, said);
                }
                reply.tip
            }),
            Service::Directory | Service::LookUp | Service::Pay => None,
        };
        if let Some(height) = height {
            self.told(node, now, height);
        }
    }

    /// A node tells who watches.
    pub(super) fn pushed(&mut self, node: usize, now: Duration, frame: &[u8]) {
        if let Ok(frame) = WatchFrame::from_bytes(frame) {
            self.told(node, now, frame.certified.header.height);
        }
    }
}

/// Of which block an answer is.
fn height_of(answer: &Answer) -> Option<u64> {
    match answer {
        Answer::Status(one) => Some(one.anchor.height()),
        Answer::Network(one) => Some(one.anchor.height()),
        Answer::Account(one) => Some(one.anchor.height()),
        Answer::Name(one) => Some(one.anchor.height()),
        Answer::Activities(one) => Some(one.anchor.height()),
        Answer::Voucher(one) => Some(one.anchor.height()),
        Answer::Transaction(one) => Some(one.certified.header.height),
        Answer::Block(one) => Some(one.certified.header.height),
        Answer::Unavailable(_) => None,
    }
}
