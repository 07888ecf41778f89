//! The engine: one validator's (or follower's) part in agreement, height after height.
//!
//! Order of calls: [`Engine::new`]; then, if the write-ahead log holds entries of this height,
//! [`Engine::recover`] with all of them, else [`Engine::start`] when there is reason to begin. Between
//! heights the engine rests (no empty blocks) and [`Engine::start`] begins the next one. After each call
//! perform [`Engine::take_effects`] in order. A block certified elsewhere is committed by the host, which
//! then calls [`Engine::advance`]: a certificate needs no agreement of ours.

use std::sync::Arc;

use arc_malachitebft_core_consensus as mc;
use arc_malachitebft_core_types as core;
use core::{Round, Validity, ValueOrigin, VoteExtensionPolicy};
use mc::{Input, LocallyProposedValue, MisbehaviorEvidence, Params, ProposedValue, State};

use super::context::{Ctx, Height, Value, Voters};
use super::handler::{
    Effect, Evidence, Fault, Handler, Mark, Marks, Timer, Timing, evidence_of, own_mark_of,
    to_core_timeout,
};
use super::message::Message;
use super::signing::{Verifier, to_core_input};
use super::wal;
use crate::chain::block::Block;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::validator::ValidatorSet;
use crate::mutation::{self, Mutation};

/// Heights for which the core keeps early messages, and messages a height.
const EARLY_HEIGHTS: usize = 2;
const EARLY_MESSAGES: usize = 1024;

/// How many rounds ahead of ours a proposal is looked at; the core drops later ones too.
const ROUNDS_AHEAD: u32 = 10;

/// What an engine is made of.
pub struct Settings {
    /// The network.
    pub genesis: Hash,
    /// The node's key; it votes if the key is a validator's.
    pub key: SecretKey,
    /// The validators.
    pub validators: Arc<ValidatorSet>,
    /// The next height: one above the last committed block.
    pub height: u64,
    /// What the guard knows to be signed.
    pub guard: Option<Mark>,
    /// The timeouts.
    pub timing: Timing,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Good, and taken into account.
    Taken,
    /// About a height that is over.
    Stale,
    /// Good, but of a height that we are not near to: we have to catch up.
    Ahead,
    /// Not signed by whom it says, or not by a validator.
    Forged,
}

/// Agreement as a machine; see the module's text for the order of calls.
pub struct Engine {
    state: State<Ctx>,
    handler: Handler,
    is_started: bool,
}

impl Engine {
    /// An engine that rests before `settings.height`.
    pub fn new(settings: Settings) -> Self {
        let voters = Voters::new(settings.validators);
        let me = settings.key.address();
        let params = Params {
            address: me,
            threshold_params: core::ThresholdParams::default(),
            value_payload: core::ValuePayload::ProposalAndParts,
            enabled: true,
        };
        let state = State::new(
            Ctx,
            Height(settings.height),
            voters.clone(),
            params,
            EARLY_HEIGHTS,
            EARLY_MESSAGES,
        );
        let handler = Handler {
            me,
            key: settings.key,
            voters,
            verifier: Verifier::new(settings.genesis),
            timing: settings.timing,
            effects: Vec::new(),
            is_recovering: false,
            marks: Marks {
                last: settings.guard,
                unlogged: None,
                unrecorded: None,
                logged: None,
                is_forgetful: false,
            },
            height: settings.height,
            bodies: Default::default(),
            absent: Default::default(),
            fault: None,
        };
        Self {
            state,
            handler,
            is_started: false,
        }
    }

    /// The height under way, or the next one if the engine rests.
    pub fn height(&self) -> u64 {
        self.handler.height
    }

    /// The round under way; `None` while the engine rests.
    pub fn round(&self) -> Option<u32> {
        self.state.round().as_u32().filter(|_| self.is_started)
    }

    /// Whether the height is under way.
    pub fn is_started(&self) -> bool {
        self.is_started
    }

    /// Whether this node votes at this height. A validator does not, if it has signed more than its
    /// log can tell (its store was restored from a backup): it follows until the others have passed
    /// what it signed.
    pub fn is_voting(&self) -> bool {
        self.state.is_active_validator()
    }

    /// The latched fault, if agreement has to stop. No effects come out after it.
    pub fn fault(&self) -> Option<&Fault> {
        self.handler.fault.as_ref()
    }

    /// The effects since the last call, to be performed in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.handler.effects)
    }

    /// Tells which validators are known to be away, so that nobody waits long for their proposals.
    pub fn set_absent(&mut self, absent: impl IntoIterator<Item = Address>) {
        self.handler.absent = absent.into_iter().collect();
    }

    /// Begins the height.
    pub fn start(&mut self) {
        if self.is_started || self.handler.fault.is_some() {
            return;
        }
        let guard = self.handler.marks.last;
        let is_behind_guard = guard.is_some_and(|mark| mark.height >= self.height());
        self.handler.marks.is_forgetful = is_behind_guard;
        self.state.params.enabled = !is_behind_guard;
        self.begin();
    }

    fn begin(&mut self) {
        self.is_started = true;
        if mutation::is_on(Mutation::BodiesCleared) {
            self.handler.bodies.clear();
        }
        let height = Height(self.handler.height);
        let voters = self.handler.voters.clone();
        self.feed(Input::StartHeight(
            height,
            voters,
            false,
            None,
            VoteExtensionPolicy::Disabled,
        ));
    }

    /// Begins the height after a crash, from what the write-ahead log holds of it (law 3).
    pub fn recover(&mut self, entries: &[Vec<u8>]) {
        if self.is_started || self.handler.fault.is_some() {
            return;
        }
        let mut inputs = Vec::with_capacity(entries.len());
        for bytes in entries {
            match wal::decode(bytes) {
                Ok(entry) => {
                    if let (Some(body), Input::ProposedValue(value, _)) = (entry.body, &entry.input)
                    {
                        let round = value.round.as_u32().unwrap_or(0);
                        self.handler.bodies.keep(round, body, None);
                    }
                    inputs.push(entry.input);
                }
                Err(error) => {
                    return self.handler.fail(Fault::Log {
                        height: self.handler.height,
                        reason: error.to_string(),
                    });
                }
            }
        }
        let guard = self.handler.marks.last;
        let logged = self.logged_mark(entries);
        let is_behind_guard =
            guard.is_some_and(|mark| mark.height >= self.height() && logged < Some(mark));
        self.state.params.enabled = !is_behind_guard;
        // What the crash kept from the guard is recorded with the first message that leaves.
        self.handler.marks = Marks {
            last: guard.max(logged),
            unlogged: None,
            unrecorded: logged.filter(|_| logged > guard),
            logged,
            is_forgetful: is_behind_guard,
        };
        // Order: what came before the replay is handled (and logged) after it. Handled by it, our votes
        // would follow from messages that the log does not hold.
        let early = self.state.take_pending_inputs(&());
        self.handler.is_recovering = true;
        self.begin();
        self.state
            .record_recovered_own_precommit_extensions(inputs.iter());
        self.state.index_wal_entries(inputs.iter());
        if mutation::is_on(Mutation::ReplaySkipped) {
            inputs.clear();
        }
        for input in inputs {
            self.feed(input);
        }
        self.state.reset_entries_index();
        self.handler.is_recovering = false;
        for input in early {
            self.feed(input);
        }
    }

    /// The greatest mark among our own messages in the log.
    fn logged_mark(&self, entries: &[Vec<u8>]) -> Option<Mark> {
        let Handler { me, verifier, .. } = &self.handler;
        entries
            .iter()
            .filter_map(|entry| own_mark_of(entry, me, verifier))
            .max()
    }

    /// Whether a message is signed by whom it says (law 4), without taking it into account.
    pub fn authenticate(&mut self, message: &Message) -> bool {
        let Handler {
            verifier, voters, ..
        } = &mut self.handler;
        verifier.authenticate(message, voters) || mutation::is_on(Mutation::VotesUnchecked)
    }

    /// Takes a message from the network. Messages of the next height are kept until it begins.
    pub fn receive(&mut self, message: Message) -> Receipt {
        let height = self.handler.height;
        if message.height() < height {
            return Receipt::Stale;
        }
        if !self.authenticate(&message) {
            return Receipt::Forged;
        }
        // The core would keep this one too; but who is that far ahead has what we need.
        if message.height() > height.saturating_add(1) {
            return Receipt::Ahead;
        }
        let is_early = !self.is_started || message.height() > height;
        let of = Height(message.height());
        let is_certificate = matches!(message, Message::Polka(_) | Message::Round(_));
        let input = to_core_input(message);
        match is_early && is_certificate {
            // The core keeps early votes and proposals by itself. A certificate it would take at once,
            // log, act on without our having begun, and forget when we begin.
            true => self.state.buffer_input(of, input, &()),
            false => self.feed(input),
        }
        Receipt::Taken
    }

    /// Whether a proposal of the height under way is worth judging. A proposer has few proposals a round,
    /// and few rounds ahead, however many it signs: it must not fill our memory and our time.
    pub fn admits(&self, proposal: &super::message::Proposal) -> bool {
        let latest = self.round().unwrap_or(0).saturating_add(ROUNDS_AHEAD);
        let (height, round) = (Height(proposal.height), Round::new(proposal.round));
        let is_one_too_many = self
            .state
            .exceeds_per_round_cap(height, round, &proposal.block);
        proposal.round <= latest && !is_one_too_many
    }

    /// Gives the verdict on a proposed block: whether it may follow the last one.
    pub fn judged(
        &mut self,
        proposal: &super::message::Proposal,
        block: Arc<Block>,
        is_valid: bool,
    ) {
        if !self.is_started || proposal.height != self.height() || block.id() != proposal.block {
            return;
        }
        // The core holds a verdict for all rounds; to repeat it would log the whole block again.
        if self.has_body(&proposal.block) {
            return;
        }
        if !self.admits(proposal) {
            return;
        }
        let (height, round) = (Height(proposal.height), Round::new(proposal.round));
        self.keep(proposal.round, block);
        let value = ProposedValue {
            height,
            round,
            valid_round: wal::round_or_nil(proposal.pol_round),
            proposer: proposal.proposer,
            value: Value(proposal.block),
            validity: Validity::from_bool(is_valid),
        };
        self.feed(Input::ProposedValue(value, ValueOrigin::Consensus));
    }

    /// Whether the body of a block is at hand.
    pub fn has_body(&self, block: &Hash) -> bool {
        self.handler.bodies.get(block).is_some()
    }

    /// Answers [`Effect::BuildProposal`].
    pub fn propose(&mut self, height: u64, round: u32, block: Block) {
        if height != self.height() || self.round() != Some(round) {
            return;
        }
        let value = Value(block.id());
        self.keep(round, Arc::new(block));
        let proposed = LocallyProposedValue::new(Height(height), Round::new(round), value);
        self.feed(Input::Propose(proposed));
    }

    /// A timer has gone off.
    pub fn timeout(&mut self, timer: Timer) {
        if self.is_started {
            self.feed(Input::TimeoutElapsed(to_core_timeout(timer)));
        }
    }

    /// The block of this height is committed; rests before the next. Gives contradictions that were
    /// seen and not yet reported (none, if the height ended by [`Effect::Finalized`]).
    pub fn advance(&mut self) -> Vec<Evidence> {
        let evidence = evidence_of(&MisbehaviorEvidence {
            proposals: self.state.driver.take_proposal_evidence(),
            votes: self.state.driver.take_vote_evidence(),
        });
        let ended = self.handler.height;
        self.handler.height = ended.saturating_add(1);
        self.handler.bodies.clear();
        self.is_started = false;
        // Order: reset now, so that messages of the next height queue in the core until it begins.
        self.state.reset_and_start_height(
            Height(self.handler.height),
            self.handler.voters.clone(),
            None,
            VoteExtensionPolicy::Disabled,
        );
        self.handler.effects.push(Effect::CancelAll);
        evidence
    }

    fn keep(&mut self, round: u32, block: Arc<Block>) {
        let needed = self.state.driver.valid_value();
        let needed = needed.map(|valid| valid.value.0);
        self.handler.bodies.keep(round, block, needed);
    }

    fn feed(&mut self, input: Input<Ctx>) {
        if self.handler.fault.is_some() {
            return;
        }
        let (state, handler) = (&mut self.state, &mut self.handler);
        let result: Result<(), mc::Error<Ctx>> = mc::process!(input: input, state: state, metrics: &(), with: effect => handler.handle(effect));
        if let Err(error) = result {
            let fault = Fault::Core {
                height: self.handler.height,
                reason: error.to_string(),
            };
            self.handler.fail(fault);
        }
    }
}
