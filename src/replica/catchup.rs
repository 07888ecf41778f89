//! Catching up: final blocks from peers, with the same checks and the same commit as those agreed on here.
//!
//! One request at a time, to a peer that says it has more; whoever answers falsely is disconnected, whoever
//! does not answer is left alone for a while. While the signatures of an answer are checked on other threads
//! ([`queue`]), the next is fetched, and what was checked together becomes durable together. It also serves others.

mod queue;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;

use super::Replica;
use super::commit::Origin;
use super::effect::{Effect, Note, Peer, Tag};
use super::inspect::CheckId;
use super::timers::TimerKey;
use super::wire::{
    BlocksReply, BlocksRequest, FULL_BLOCKS_BYTES, FinalBlock, MAX_BLOCKS, MAX_SAID_BYTES,
    MissingReply, MissingRequest,
};
use crate::behaviour::Service;
use crate::chain::codec::{Decode, Encode};
use crate::chain::transaction::SignedTransaction;
use crate::mutation::{self, Mutation};
use crate::store::{NewBlock, Store};
use queue::{Part, Queue};

/// How long a peer that did not answer is left alone.
const REST: Duration = Duration::from_secs(2);
/// How often some peer is asked how far its chain goes.
const POLL: Duration = Duration::from_secs(3);
/// How often others are asked for messages of a height that takes long.
const ASK: Duration = Duration::from_millis(1000);

/// The state of catching up.
#[derive(Debug, Default)]
pub struct Catchup {
    asked: Option<Peer>,
    queue: Queue,
    resting: BTreeMap<Peer, Duration>,
    is_in_step: bool,
}

impl Catchup {
    /// A peer is gone.
    pub fn forget(&mut self, peer: &Peer) {
        self.resting.remove(peer);
        if self.asked == Some(*peer) {
            self.asked = None;
        }
    }
}

impl Replica {
    /// Asks for blocks, if a peer says that it has more than we.
    pub(super) fn catch_up(&mut self) {
        let now = self.hands.now.elapsed;
        // The last block that is here or on its way in.
        let height = self.catchup.queue.last(self.height());
        self.catchup.resting.retain(|_, until| *until > now);
        let resting = &self.catchup.resting;
        let mut ahead: Vec<Peer> = self
            .peers
            .nodes()
            .filter(|(peer, theirs)| *theirs > height && !resting.contains_key(peer))
            .map(|(peer, _)| peer)
            .collect();
        // Anybody can say that it has more, and then never answer: a crowd that does must not keep us from those who
        // are known.
        let validators = self.books.ledger.validators();
        let is_known = |peer: &Peer| validators.contains(&peer.address());
        let known_are_ahead = ahead.iter().any(is_known);
        if known_are_ahead {
            ahead.retain(is_known);
        }
        if let Some(asked) = &self.catchup.asked
            && (is_known(asked) || !known_are_ahead)
        {
            return;
        }
        if ahead.is_empty() {
            return self.note_in_step();
        }
        if mutation::is_on(Mutation::CatchUpOff) || !self.catchup.queue.has_room() {
            return;
        }
        let peer = ahead[self.hands.random.random_range(0..ahead.len())];
        self.catchup.asked = Some(peer);
        let from = height.saturating_add(1);
        self.ask_blocks(peer, from, u32::try_from(MAX_BLOCKS).unwrap_or(u32::MAX));
    }

    fn ask_blocks(&mut self, peer: Peer, from: u64, count: u32) {
        let request = BlocksRequest { from, count };
        self.hands.emit(Effect::Request {
            tag: Tag::Blocks { from },
            peer,
            service: Service::Blocks,
            data: request.to_bytes(),
        });
    }

    fn note_in_step(&mut self) {
        // A network of one has nobody to ask.
        let is_alone = self.identity.is_validator && self.books.ledger.validators().count() == 1;
        let has_asked = is_alone || self.peers.nodes().next().is_some();
        let is_in_step = has_asked && self.peers.best_height() <= self.height();
        if is_in_step && !self.catchup.is_in_step {
            let height = self.height();
            self.hands.emit(Effect::Note(Note::InStep { height }));
        }
        self.catchup.is_in_step |= is_in_step;
    }

    pub(super) fn on_reply(&mut self, tag: Tag, from: Peer, data: Option<Vec<u8>>) {
        match tag {
            Tag::Blocks { from: first } => self.on_blocks(from, first, data),
            Tag::Missing => self.on_missing(from, data),
        }
    }

    fn on_blocks(&mut self, peer: Peer, first: u64, data: Option<Vec<u8>>) {
        let was_asked = self.catchup.asked == Some(peer);
        if was_asked {
            self.catchup.asked = None;
        }
        let Some(data) = data else {
            self.let_rest(peer);
            return self.catch_up();
        };
        let Ok(reply) = BlocksReply::from_bytes(&data) else {
            return self.accuse(peer, "its answer about blocks cannot be read");
        };
        self.peers.note_height(&peer, reply.tip);
        if reply.blocks.is_empty() && first == self.height() + 1 && reply.tip < first {
            self.peers.doubt_height(&peer, reply.tip);
        }
        let (height, given) = (self.height(), reply.blocks.first());
        let has_given = given.is_some_and(|one| one.block.header.height == first);
        self.catchup.queue.push(height, peer, reply.blocks);
        // Whoever promises blocks and gives none would else be asked again at once, and for ever. Whose blocks follow on
        // nothing any more, because those before them were a lie of another, has given them.
        if was_asked && !has_given && self.catchup.queue.last(height) < first {
            self.let_rest(peer);
            // Nor does its word alone keep us from saying that we are in step.
            self.peers.doubt_height(&peer, height);
        }
        // Order: asked for first, so that the next answer is under way while these are checked.
        self.catch_up();
        self.check_blocks();
    }

    /// Has the signatures of what waits checked.
    fn check_blocks(&mut self) {
        loop {
            let check = self.intake.inspection.number();
            let Some(transactions) = self.catchup.queue.check(check) else {
                return;
            };
            self.emit_check(check, transactions);
        }
    }

    /// Whether the check with this number is of blocks.
    pub(super) fn is_check_of_blocks(&self, check: CheckId) -> bool {
        self.catchup.queue.awaits(check)
    }

    /// Signatures of blocks were checked.
    pub(super) fn on_checked_blocks(
        &mut self,
        check: CheckId,
        transactions: Vec<SignedTransaction>,
        good: &[bool],
    ) {
        self.catchup.queue.checked(check, transactions, good);
        let begin = self.hands.effects.len();
        let (mut kept, mut failed) = (Vec::new(), None);
        while let Some(part) = self.catchup.queue.pop() {
            let peer = part.peer;
            if let Err(reason) = self.take_part(part, &mut kept) {
                failed = Some((peer, reason));
                break;
            }
        }
        // Order: durable before anything else that came of it.
        self.keep(begin, kept);
        if let Some((peer, reason)) = failed {
            // What follows on it follows on nothing.
            self.catchup.queue.clear();
            self.accuse(peer, &reason);
        }
        self.catch_up();
        self.check_blocks();
    }

    /// Takes the blocks of a part that are next.
    fn take_part(&mut self, part: Part, kept: &mut Vec<NewBlock>) -> Result<(), String> {
        for one in part.blocks {
            // Agreement may have been quicker.
            if one.block.header.height == self.height().saturating_add(1) {
                kept.extend(self.take_final(one, part.are_good)?);
            }
        }
        Ok(())
    }

    fn let_rest(&mut self, peer: Peer) {
        let until = self.hands.now.elapsed + REST;
        self.catchup.resting.insert(peer, until);
    }

    /// Takes the next block from a peer: certificate, then execution, then commit.
    fn take_final(
        &mut self,
        one: FinalBlock,
        signatures_are_good: bool,
    ) -> Result<Option<NewBlock>, String> {
        let FinalBlock { block, certificate } = one;
        let height = block.header.height;
        if certificate.height != height || certificate.block != block.id() {
            return Err(format!(
                "its certificate of height {height} is of another block"
            ));
        }
        let verdict =
            certificate.verify(&self.identity.genesis_hash, self.books.ledger.validators());
        if !mutation::is_on(Mutation::CatchUpUnchecked) {
            verdict.map_err(|error| error.to_string())?;
        }
        // The certificate names the header; the transactions under it are the peer's word until here.
        if crate::chain::block::transactions_root(&block.transactions)
            != block.header.transactions_root
        {
            return Err(format!(
                "its block of height {height} has other transactions"
            ));
        }
        let execution = match signatures_are_good {
            true => self.books.ledger.validate(&self.head.tip, &block),
            // One of its part is not, perhaps not of this one.
            false => self.examine_certified(&block),
        };
        let committed = self.commit(&block, certificate, execution, Origin::CaughtUp);
        if committed.is_some() {
            self.turn_page();
        }
        Ok(committed)
    }

    fn accuse(&mut self, peer: Peer, reason: &str) {
        self.peers.doubt_height(&peer, 0);
        self.hands.emit(Effect::Disconnect {
            peer,
            reason: reason.to_owned(),
        });
        self.catch_up();
    }

    /// Asks some node how far its chain goes, so that nobody stays behind when all is quiet.
    pub(super) fn poll_a_peer(&mut self) {
        let nodes: Vec<Peer> = self.peers.nodes().map(|(peer, _)| peer).collect();
        if !nodes.is_empty() && self.catchup.asked.is_none() {
            let peer = nodes[self.hands.random.random_range(0..nodes.len())];
            let from = self.height().saturating_add(1);
            self.ask_blocks(peer, from, 0);
        }
        self.catch_up();
        let again = self.hands.now.elapsed + POLL;
        self.timers.set(TimerKey::Poll, again);
    }

    /// Asks a validator what was said at this height, because it takes long.
    pub(super) fn ask_for_missing(&mut self) {
        if !self.engine.is_started() {
            return;
        }
        let again = self.hands.now.elapsed + ASK;
        self.timers.set(TimerKey::Ask, again);
        let validators = self.books.ledger.validators();
        let up: Vec<Peer> = validators
            .as_slice()
            .iter()
            .map(|validator| validator.key)
            .filter(|key| self.peers.is_up(key))
            .collect();
        if up.is_empty() {
            return;
        }
        let peer = up[self.hands.random.random_range(0..up.len())];
        self.ask_missing(peer);
    }

    /// Asks a validator what was said at the next height, whether it is under way here or not.
    pub(super) fn ask_missing(&mut self, peer: Peer) {
        let request = MissingRequest {
            height: self.engine.height(),
            round: self.engine.round().unwrap_or(0),
        };
        self.hands.emit(Effect::Request {
            tag: Tag::Missing,
            peer,
            service: Service::Agreement,
            data: request.to_bytes(),
        });
    }

    fn on_missing(&mut self, peer: Peer, data: Option<Vec<u8>>) {
        let Some(data) = data else {
            return;
        };
        let Ok(reply) = MissingReply::from_bytes(&data) else {
            return self.accuse(peer, "its answer about the height under way cannot be read");
        };
        self.peers.note_height(&peer, reply.tip);
        for said in reply.said {
            if self.on_said(peer, said) == super::Verdict::Reject {
                return self.accuse(peer, "it passed on a message that nobody signed");
            }
        }
        self.catch_up();
    }

    /// Answers a [`MissingRequest`].
    pub(super) fn answer_missing(&self, request: &MissingRequest) -> Vec<u8> {
        let is_same = request.height == self.engine.height();
        let said = match is_same {
            true => self.round.transcript.since(request.round, MAX_SAID_BYTES),
            false => Vec::new(),
        };
        MissingReply {
            tip: self.height(),
            said,
        }
        .to_bytes()
    }

    /// Answers a [`BlocksRequest`] from the store, without decoding what is there.
    pub(super) fn answer_blocks(&self, request: &BlocksRequest, store: &Store) -> Vec<u8> {
        let mut records = Vec::new();
        let mut size = 0;
        let count = usize::try_from(request.count)
            .unwrap_or(MAX_BLOCKS)
            .min(MAX_BLOCKS);
        for height in (request.from.max(1)..=self.height()).take(count) {
            let Ok(Some(record)) = store.block(height) else {
                break;
            };
            size += record.len();
            records.push(record);
            if size >= FULL_BLOCKS_BYTES {
                break;
            }
        }
        let mut out = Vec::with_capacity(size + 16);
        self.height().encode(&mut out);
        u32::try_from(records.len()).unwrap_or(0).encode(&mut out);
        for record in records {
            out.extend_from_slice(&record);
        }
        out
    }
}
