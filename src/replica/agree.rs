//! A height's course: from the reason to begin to the decision.
//!
//! No empty blocks: a height begins when something waits, when others have begun it, or when the
//! heartbeat is due. What the engine wants is performed in its order.

use std::sync::Arc;
use std::time::Duration;

use super::Replica;
use super::effect::{Effect, GossipId, Halt, Note, Peer, Verdict};
use super::timers::TimerKey;
use super::wire::{Said, from_gossip, gossip};
use crate::behaviour::Topic;
use crate::chain::block::Block;
use crate::chain::ledger::{BlockContext, BlockError, ExecuteError};
use crate::consensus::{self, Message, Outgoing, Proposal, Receipt};

/// How long a proposer with nothing to propose waits for something, before it proposes an empty block.
const BUILD_PATIENCE: Duration = Duration::from_millis(150);
/// How far a block's time may be ahead of our clock.
const MAX_CLOCK_AHEAD_MS: u64 = 10_000;
/// How long a height may take before we ask others for what we may have missed.
const ASK_AFTER: Duration = Duration::from_millis(700);

impl Replica {
    pub(super) fn on_gossip(&mut self, id: GossipId, from: Peer, topic: Topic, data: &[u8]) {
        let said = match topic {
            Topic::Transactions => return self.on_transactions(id, data),
            Topic::Proposals | Topic::Votes => from_gossip::<Said>(data),
            // The keeper of the directory judges its cards; here they are nothing.
            Topic::Directory => {
                let verdict = Verdict::Ignore;
                return self.hands.emit(Effect::Judge { id, verdict });
            }
        };
        let verdict = match said {
            Ok(said) => self.on_said(from, said),
            Err(_) => Verdict::Reject,
        };
        self.hands.emit(Effect::Judge { id, verdict });
    }

    /// Takes into account what somebody said in agreement, however it came here.
    pub(super) fn on_said(&mut self, from: Peer, said: Said) -> Verdict {
        match said {
            // A bare proposal is of no use: its block would have to come from somewhere.
            Said::Message(Message::Proposal(_)) => Verdict::Reject,
            Said::Message(message) => self.on_message(from, message),
            Said::Proposal(proposal, block) => self.on_proposal(from, proposal, block),
        }
    }

    fn on_message(&mut self, from: Peer, message: Message) -> Verdict {
        let is_current = message.height() == self.engine.height();
        let height = message.height();
        if is_current && !self.engine.is_started() {
            if !self.engine.authenticate(&message) {
                return Verdict::Reject;
            }
            self.begin(Vec::new());
        }
        match self.engine.receive(message.clone()) {
            Receipt::Taken => {
                if is_current {
                    self.round.transcript.note(&message);
                } else {
                    self.peers.note_height(&from, height.saturating_sub(1));
                    self.catch_up();
                }
                self.drain_engine();
                Verdict::Accept
            }
            Receipt::Ahead => {
                self.peers.note_height(&from, height.saturating_sub(1));
                self.catch_up();
                Verdict::Ignore
            }
            Receipt::Stale => Verdict::Ignore,
            Receipt::Forged => Verdict::Reject,
        }
    }

    fn on_proposal(&mut self, from: Peer, proposal: Proposal, block: Arc<Block>) -> Verdict {
        let height = self.engine.height();
        if proposal.height < height {
            return Verdict::Ignore;
        }
        if block.header.height != proposal.height || block.id() != proposal.block {
            return Verdict::Reject;
        }
        if !self
            .engine
            .authenticate(&Message::Proposal(proposal.clone()))
        {
            return Verdict::Reject;
        }
        if proposal.height > height {
            self.peers.note_height(&from, proposal.height - 1);
            self.catch_up();
            if proposal.height == height + 1 {
                self.round.transcript.keep_early(proposal, block);
                return Verdict::Accept;
            }
            return Verdict::Ignore;
        }
        self.begin(Vec::new());
        if !self.engine.admits(&proposal) {
            return Verdict::Ignore;
        }
        self.take_proposal(proposal, block);
        self.drain_engine();
        Verdict::Accept
    }

    /// A proposal of the height under way, signed by whose turn it is.
    fn take_proposal(&mut self, proposal: Proposal, block: Arc<Block>) {
        self.round.transcript.note_proposal(&proposal, &block);
        self.engine.receive(Message::Proposal(proposal.clone()));
        if !self.engine.has_body(&proposal.block) {
            let is_valid = self.judge(&block);
            self.engine.judged(&proposal, block, is_valid);
        }
    }

    /// Whether a block may follow the last one; executes it on the side.
    fn judge(&mut self, block: &Arc<Block>) -> bool {
        let id = block.id();
        if let Some(known) = self.round.judged.get(&id) {
            return known.is_some();
        }
        let execution = match self.examine(block) {
            Ok(execution) => Some(execution),
            Err(BlockError::Execution(ExecuteError::Fault(fault))) => {
                self.hands.emit(Effect::Halt(Halt::Ledger(fault)));
                None
            }
            Err(_) => None,
        };
        let is_valid = execution.is_some();
        self.round.judged.insert(id, execution);
        is_valid
    }

    fn examine(&mut self, block: &Block) -> Result<crate::chain::ledger::Execution, BlockError> {
        let latest = self.hands.now.unix_ms.saturating_add(MAX_CLOCK_AHEAD_MS);
        // The least time that the rules allow is always good: else a chain whose clocks were once ahead would stand
        // still, when they are set right, until they have come so far again.
        let latest = latest.max(self.head.tip.time_ms.saturating_add(1));
        if block.header.time_ms > latest {
            return Err(BlockError::Time {
                given: block.header.time_ms,
                parent: self.head.tip.time_ms,
            });
        }
        self.examine_certified(block)
    }

    /// As [`Self::examine`], without the clock: the quorum has looked at theirs.
    pub(super) fn examine_certified(
        &mut self,
        block: &Block,
    ) -> Result<crate::chain::ledger::Execution, BlockError> {
        // Order: executed first, which is cheap and tells the identities; nothing comes of it before the signatures.
        let execution = self.books.ledger.validate(&self.head.tip, block)?;
        let unknown: Vec<_> = block
            .transactions
            .iter()
            .zip(&execution.ids)
            // What waits in the mempool was checked when it came in, signature and all.
            .filter(|(one, id)| self.mempool.get(id) != Some(one))
            .map(|(one, _)| one.clone())
            .collect();
        if !self.signatures_are_good(&unknown) {
            let index = block
                .transactions
                .iter()
                .position(|one| !one.signature_is_good())
                .unwrap_or(0);
            return Err(BlockError::Execution(ExecuteError::Rejected {
                index,
                rejection: crate::chain::rules::Rejection::BadSignature,
            }));
        }
        Ok(execution)
    }

    /// Begins the height if there is reason to; tells whether it did.
    pub(super) fn begin_if_due(&mut self) -> bool {
        if self.engine.is_started() || self.engine.fault().is_some() {
            return false;
        }
        let has_reason = self.round.transcript.has_early()
            || (self.identity.is_validator
                && (self.has_something_to_propose() || self.heartbeat_is_due()));
        if has_reason {
            self.begin(Vec::new());
        }
        has_reason
    }

    /// Begins the height, from the log's entries if there are any.
    pub(super) fn begin(&mut self, log: Vec<Vec<u8>>) {
        if self.engine.is_started() || self.engine.fault().is_some() {
            return;
        }
        let height = self.engine.height();
        self.hands.emit(Effect::LogStart { height });
        let ask = self.hands.now.elapsed + ASK_AFTER;
        self.timers.set(TimerKey::Ask, ask);
        match log.is_empty() {
            true => self.engine.start(),
            false => self.engine.recover(&log),
        }
        if self.identity.is_validator && !self.engine.is_voting() {
            self.hands.emit(Effect::Note(Note::NotVoting { height }));
        }
        for (proposal, block) in self.round.transcript.take_early() {
            if proposal.height == height {
                self.take_proposal(proposal, block);
            }
        }
    }

    /// Whether anything that waits could be in the next block. What waits for an earlier nonce could not,
    /// and would otherwise call for empty blocks without end.
    fn has_something_to_propose(&self) -> bool {
        let next_nonce = |sender: &_| {
            let account = self.books.ledger.account(sender);
            account.map_or(0, |account| account.nonce)
        };
        !self.mempool.is_empty() && !self.mempool.candidates(1, next_nonce).is_empty()
    }

    /// Whether the network has been idle for so long that an empty block is due: since we saw a block
    /// committed, by our own steady clock; before that, by the last block's time. A wall clock that is
    /// ahead of all others must not call for a block as soon as it has seen one.
    fn heartbeat_is_due(&mut self) -> bool {
        let now = self.hands.now;
        let beat_ms = u64::from(self.books.ledger.rules().heartbeat_ms);
        let beat = Duration::from_millis(beat_ms);
        let left = match self.head.committed_at {
            Some(committed) => (committed + beat).saturating_sub(now.elapsed),
            None => {
                let due_ms = self.head.tip.time_ms.saturating_add(beat_ms);
                Duration::from_millis(due_ms.saturating_sub(now.unix_ms)).min(beat)
            }
        };
        if left.is_zero() {
            return true;
        }
        self.timers.set(TimerKey::Heartbeat, now.elapsed + left);
        false
    }

    /// Performs what the engine wants until it wants nothing.
    pub(super) fn drain_engine(&mut self) {
        loop {
            let effects = self.engine.take_effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.on_engine(effect);
            }
        }
    }

    fn on_engine(&mut self, effect: consensus::Effect) {
        match effect {
            consensus::Effect::Append { height, entry } => {
                self.hands.emit(Effect::LogAppend { height, entry });
            }
            consensus::Effect::Flush => self.hands.emit(Effect::LogFlush),
            consensus::Effect::Guard(mark) => self.hands.emit(Effect::Guard(mark)),
            consensus::Effect::Publish(outgoing) => self.publish(outgoing, 0),
            consensus::Effect::Republish(outgoing) => {
                let salt = self.hands.salt();
                self.publish(outgoing, salt);
            }
            consensus::Effect::Schedule { timer, after } => {
                let deadline = self.hands.now.elapsed + after;
                self.timers.set(TimerKey::Engine(timer), deadline);
            }
            consensus::Effect::Cancel(timer) => self.timers.cancel(TimerKey::Engine(timer)),
            consensus::Effect::CancelAll => self.timers.cancel_engine(),
            consensus::Effect::BuildProposal { height, round } => {
                self.round.awaited_build = Some((height, round));
                let deadline = self.hands.now.elapsed + BUILD_PATIENCE;
                self.timers.set(TimerKey::Build, deadline);
                let is_heartbeat = self.heartbeat_is_due();
                self.build_if_awaited(is_heartbeat);
            }
            consensus::Effect::Decide { block, certificate } => {
                self.commit_decided(&block, certificate);
            }
            consensus::Effect::Finalized { height, evidence } => {
                if !evidence.is_empty() {
                    self.hands.emit(Effect::Evidence(evidence));
                }
                if self.height() == height {
                    self.turn_page();
                }
            }
        }
    }

    fn publish(&mut self, outgoing: Outgoing, salt: u32) {
        let (topic, said) = match outgoing {
            Outgoing::Message(message) => {
                if message.height() == self.engine.height() {
                    self.round.transcript.note(&message);
                }
                (Topic::Votes, Said::Message(message))
            }
            Outgoing::Proposal(proposal, block) => {
                if proposal.height == self.engine.height() {
                    self.round.transcript.note_proposal(&proposal, &block);
                }
                (Topic::Proposals, Said::Proposal(proposal, block))
            }
        };
        self.hands.emit(Effect::Publish {
            topic,
            data: gossip(salt, &said),
        });
    }

    /// Builds the proposal that the engine waits for, if there is something to propose; or anyhow.
    pub(super) fn build_if_awaited(&mut self, even_if_empty: bool) {
        let Some((height, round)) = self.round.awaited_build else {
            return;
        };
        if height != self.engine.height() || self.engine.round() != Some(round) {
            self.round.awaited_build = None;
            return;
        }
        if self.mempool.is_empty() && !even_if_empty {
            return;
        }
        let context = BlockContext {
            height,
            time_ms: self.hands.now.unix_ms.max(self.head.tip.time_ms + 1),
            proposer: self.identity.address(),
        };
        let ledger = &self.books.ledger;
        let limit = usize::try_from(ledger.rules().max_block_transactions).unwrap_or(usize::MAX);
        let candidates = self.mempool.candidates(limit, |sender| {
            ledger.account(sender).map_or(0, |account| account.nonce)
        });
        let selection = match ledger.select(&context, candidates) {
            Ok(selection) => selection,
            Err(fault) => return self.hands.emit(Effect::Halt(Halt::Ledger(fault))),
        };
        let header = ledger.header(&self.head.tip, &context, &selection);
        for (id, _) in &selection.refused {
            self.mempool.remove(id);
        }
        if selection.transactions.is_empty() && !even_if_empty {
            return;
        }
        self.round.awaited_build = None;
        self.timers.cancel(TimerKey::Build);
        let block = Block {
            header,
            transactions: selection.transactions,
        };
        self.round
            .judged
            .insert(block.id(), Some(selection.execution));
        self.engine.propose(height, round, block);
    }

    /// The block of the height under way is committed: rest before the next.
    pub(super) fn turn_page(&mut self) {
        let evidence = self.engine.advance();
        if !evidence.is_empty() {
            self.hands.emit(Effect::Evidence(evidence));
        }
        self.round.judged.clear();
        self.round.awaited_build = None;
        self.round.transcript.turn_page();
        for key in [TimerKey::Build, TimerKey::Ask] {
            self.timers.cancel(key);
        }
    }
}
