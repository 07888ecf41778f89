//! What the core asks for, turned into ordered effects for the host.
//!
//! Law 1: nothing here returns an error to the core. A fault is latched, the core is answered safely,
//! and from then on no effect leaves.

use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_core_consensus::{
    Effect as CoreEffect, Input, MisbehaviorEvidence, Resumable, Resume, SignedConsensusMsg,
};
use arc_malachitebft_core_types as core;
use core::{SignedMessage, Timeout, TimeoutKind, VoteType};

use super::bodies::Bodies;
use super::context::{Ctx, Height, Voters};
use super::message::{Message, Proposal, Vote};
use super::signing::{
    Verifier, from_core_commit, from_core_liveness, from_core_proposal, from_core_round,
    from_core_vote, to_core_input,
};
use super::wal;
use crate::chain::block::Block;
use crate::chain::certificate::Certificate;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::mutation::{self, Mutation};

/// The steps of a round in which a validator signs, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The proposal.
    Propose,
    /// The first vote.
    Prevote,
    /// The second vote.
    Precommit,
}

/// What was signed last; later ones are greater. Two different digests at one place are a double signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The height.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// The step.
    pub step: Step,
    /// The hash of the signed bytes.
    pub digest: Hash,
}

impl Mark {
    fn place(&self) -> (u64, u32, Step) {
        (self.height, self.round, self.step)
    }
}

/// The kinds of timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKind {
    /// When to give up waiting for the proposal and prevote nil.
    Propose,
    /// When to give up waiting for prevotes to agree, and precommit nil.
    Prevote,
    /// When to give up waiting for precommits to agree, and begin the next round.
    Precommit,
    /// When to say again what we said last.
    Rebroadcast,
}

/// A timer of the height under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// What for.
    pub kind: TimerKind,
    /// In which round.
    pub round: u32,
}

/// What is sent to all validators.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// A message that stands by itself.
    Message(Message),
    /// A proposal with its block.
    Proposal(Proposal, Arc<Block>),
}

/// Two signed messages of one validator that contradict each other: proof that it lied or that its key is used twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Two votes for one place.
    Votes(Vote, Vote),
    /// Two proposals for one round.
    Proposals(Proposal, Proposal),
}

/// Why agreement has to stop: our own state is not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The core refused an input of ours.
    #[error(
        "agreement stopped at height {height}: {reason}; keep the store folder and report this"
    )]
    Core {
        /// The height.
        height: u64,
        /// The core's words.
        reason: String,
    },
    /// We were about to contradict what we signed before.
    #[error(
        "about to sign twice at height {height}, round {round}: is this node's key in use elsewhere, or its store restored from a backup?"
    )]
    DoubleSign {
        /// The height.
        height: u64,
        /// The round.
        round: u32,
    },
    /// A decision about a block that we do not have.
    #[error("height {height} was decided for block {block}, which is not here")]
    MissingBody {
        /// The height.
        height: u64,
        /// The block.
        block: Hash,
    },
    /// An entry of the write-ahead log cannot be read.
    #[error("the write-ahead log of height {height} is damaged: {reason}")]
    Log {
        /// The height.
        height: u64,
        /// What is wrong.
        reason: String,
    },
}

/// What the host must do, in this order, each done before the next.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Append an entry to the write-ahead log of a height.
    Append {
        /// The height.
        height: u64,
        /// The entry.
        entry: Vec<u8>,
    },
    /// Make the log durable. If that fails, stop before anything else is done.
    Flush,
    /// Record durably what was signed. If that fails, stop.
    Guard(Mark),
    /// Send to all validators.
    Publish(Outgoing),
    /// Send again to all validators what was sent before: somebody may have missed it.
    Republish(Outgoing),
    /// Start a timer, in place of an equal one.
    Schedule {
        /// The timer.
        timer: Timer,
        /// After how long.
        after: Duration,
    },
    /// Stop a timer.
    Cancel(Timer),
    /// Stop all timers.
    CancelAll,
    /// It is our turn: answer with [`super::Engine::propose`].
    BuildProposal {
        /// The height.
        height: u64,
        /// The round.
        round: u32,
    },
    /// A block is decided: commit it.
    Decide {
        /// The block.
        block: Arc<Block>,
        /// Its proof.
        certificate: Certificate,
    },
    /// The height is over; what contradictions were seen.
    Finalized {
        /// The height.
        height: u64,
        /// Contradictions, to be kept.
        evidence: Vec<Evidence>,
    },
}

/// How long the steps may take before a round is given up.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The timeouts of round 0 and their growth by round.
    pub(super) timeouts: core::LinearTimeouts,
    /// The propose timeout when the proposer is known to be away.
    pub absent_proposer: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            timeouts: core::LinearTimeouts {
                propose: ms(1000),
                propose_delta: ms(500),
                prevote: ms(300),
                prevote_delta: ms(150),
                precommit: ms(300),
                precommit_delta: ms(150),
                rebroadcast: ms(1000),
                max_timeout: ms(10_000),
            },
            absent_proposer: ms(60),
        }
    }
}

/// What was signed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks {
    /// The greatest mark ever.
    pub last: Option<Mark>,
    /// The same, while the log does not have it: the core may publish other things before it logs what it signed.
    pub unlogged: Option<Mark>,
    /// The greatest mark of the log, while the guard has not recorded it.
    pub unrecorded: Option<Mark>,
    /// The greatest mark of the log that is replayed, or was when the height began.
    pub logged: Option<Mark>,
    /// More was signed at this height than the log tells.
    pub is_forgetful: bool,
}

/// Everything that effects touch; apart from the core's own state.
pub struct Handler {
    pub me: Address,
    pub key: SecretKey,
    pub voters: Voters,
    pub verifier: Verifier,
    pub timing: Timing,
    pub effects: Vec<Effect>,
    /// While the log is replayed nothing of it is logged again.
    pub is_recovering: bool,
    pub marks: Marks,
    /// The height under way, or the next one.
    pub height: u64,
    pub bodies: Bodies,
    pub absent: std::collections::BTreeSet<Address>,
    pub fault: Option<Fault>,
}

impl Handler {
    /// Latches the first fault; nothing leaves from then on.
    pub fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn emit(&mut self, effect: Effect) {
        if self.fault.is_none() {
            self.effects.push(effect);
        }
    }

    /// Order: the log before the guard, so that the guard is never ahead of what can be replayed; and
    /// both before anything signed leaves, so that a crash cannot make us sign otherwise.
    fn seal(&mut self) {
        if !mutation::is_on(Mutation::FlushOff) {
            self.emit(Effect::Flush);
        }
        if let Some(mark) = self.marks.unrecorded.take() {
            self.emit(Effect::Guard(mark));
        }
    }

    fn publish(&mut self, outgoing: Outgoing) {
        self.seal();
        self.emit(Effect::Publish(outgoing));
    }

    fn republish(&mut self, message: Message) {
        self.seal();
        self.emit(Effect::Republish(Outgoing::Message(message)));
    }

    fn mark(&mut self, height: Height, round: core::Round, step: Step, bytes: &[u8]) {
        let mark = Mark {
            height: height.0,
            round: round.as_u32().unwrap_or(0),
            step,
            digest: Hash::of("natcoin/mark/1", &[bytes]),
        };
        match self.marks.last {
            Some(last) if last == mark => {}
            Some(last) if last.place() >= mark.place() => self.fail(Fault::DoubleSign {
                height: mark.height,
                round: mark.round,
            }),
            _ => {
                self.marks.last = Some(mark);
                self.marks.unlogged = Some(mark);
            }
        }
    }

    /// Answers one of the core's effects.
    pub fn handle(&mut self, effect: CoreEffect<Ctx>) -> Result<Resume<Ctx>, Fault> {
        Ok(match effect {
            CoreEffect::CancelAllTimeouts(r) => {
                self.emit(Effect::CancelAll);
                r.resume_with(())
            }
            CoreEffect::CancelTimeout(timeout, r) => {
                if let Some(timer) = timer_of(timeout) {
                    self.emit(Effect::Cancel(timer));
                }
                r.resume_with(())
            }
            CoreEffect::ScheduleTimeout(timeout, r) => {
                self.schedule(timeout);
                r.resume_with(())
            }
            CoreEffect::StartRound(_, _, _, _, r)
            // Bodies travel with their proposals, so there is nothing to stream again.
            | CoreEffect::RestreamProposal(_, _, _, _, _, r)
            // Blocks of certified heights are committed by the replica, not through the core.
            | CoreEffect::CertVerifiedSyncValue(_, _, r)
            | CoreEffect::CertRejectedSyncValue(_, _, _, r) => r.resume_with(()),
            CoreEffect::PublishConsensusMsg(message, r) => {
                self.publish_signed(&message);
                r.resume_with(())
            }
            CoreEffect::PublishLivenessMsg(message, r) => {
                if let Some(message) = from_core_liveness(&message) {
                    self.publish(Outgoing::Message(message));
                }
                r.resume_with(())
            }
            CoreEffect::RepublishVote(vote, r) => {
                if let Some(vote) = from_core_vote(&vote) {
                    self.republish(Message::Vote(vote));
                }
                r.resume_with(())
            }
            CoreEffect::RepublishRoundCertificate(certificate, r) => {
                if let Some(certificate) = from_core_round(&certificate) {
                    self.republish(Message::Round(certificate));
                }
                r.resume_with(())
            }
            CoreEffect::GetValue(height, round, _, r) => {
                self.emit(Effect::BuildProposal {
                    height: height.0,
                    round: round.as_u32().unwrap_or(0),
                });
                r.resume_with(())
            }
            CoreEffect::Decide(certificate, _, r) => {
                self.decide(&certificate);
                r.resume_with(())
            }
            CoreEffect::Finalize(certificate, _, evidence, r) => {
                let evidence = evidence_of(&evidence);
                self.emit(Effect::Finalized {
                    height: certificate.height.0,
                    evidence,
                });
                r.resume_with(())
            }
            CoreEffect::SignVote(vote, r) => {
                let bytes = self.verifier.vote_bytes(&vote).unwrap_or_default();
                let step = match vote.kind {
                    VoteType::Prevote => Step::Prevote,
                    VoteType::Precommit => Step::Precommit,
                };
                self.mark(vote.height, vote.round, step, &bytes);
                let signature = self.key.sign(&bytes);
                r.resume_with(SignedMessage::new(vote, signature))
            }
            CoreEffect::SignProposal(proposal, r) => {
                let bytes = self.verifier.proposal_bytes(&proposal).unwrap_or_default();
                self.mark(proposal.height, proposal.round, Step::Propose, &bytes);
                let signature = self.key.sign(&bytes);
                r.resume_with(SignedMessage::new(proposal, signature))
            }
            CoreEffect::VerifySignature(message, key, r) => {
                let is_good =
                    self.verifier
                        .check_message(&message.message, &key, &message.signature);
                r.resume_with(is_good)
            }
            CoreEffect::VerifyCommitCertificate(certificate, voters, _, r) => {
                r.resume_with(self.verifier.commit(&certificate, &voters))
            }
            CoreEffect::VerifyExtendedCommitCertificate(certificate, voters, _, _, r) => {
                let certificate = certificate.trim_vote_extensions();
                r.resume_with(self.verifier.commit(&certificate, &voters))
            }
            CoreEffect::VerifyPolkaCertificate(certificate, voters, _, r) => {
                r.resume_with(self.verifier.polka(&certificate, &voters))
            }
            CoreEffect::VerifyRoundCertificate(certificate, voters, _, r) => {
                r.resume_with(self.verifier.round(&certificate, &voters))
            }
            CoreEffect::WalAppend(height, input, r) => {
                self.log(height, &input);
                r.resume_with(())
            }
            // Vote extensions are not used.
            CoreEffect::ExtendVote(_, _, _, _, r) => r.resume_with(None),
            CoreEffect::VerifyVoteExtension(_, _, _, _, _, _, r) => r.resume_with(Ok(())),
        })
    }

    fn log(&mut self, height: Height, input: &Input<Ctx>) {
        let Some(entry) = wal::encode(input, |block| self.bodies.get(block).cloned()) else {
            return;
        };
        let mark = own_mark_of(&entry, &self.me, &self.verifier);
        // Met in a replay, our own message may be one that the crash kept from the log. It follows from the log's
        // end, so it belongs there; if it were not logged, the guard would know more than the log after the next crash.
        if self.is_recovering && mark <= self.marks.logged {
            return;
        }
        // The others give a forgetful node its own words back. With them its log would seem to tell all that it
        // signed; but it would not tell why (a lock).
        if self.marks.is_forgetful && mark.is_some() {
            return;
        }
        if !mutation::is_on(Mutation::LogOff) {
            self.emit(Effect::Append {
                height: height.0,
                entry,
            });
        }
        if mark.is_some() && mark == self.marks.unlogged {
            self.marks.unrecorded = self.marks.unlogged.take();
        }
    }

    fn schedule(&mut self, timeout: Timeout) {
        let Some(timer) = timer_of(timeout) else {
            return;
        };
        let mut after = self.timing.timeouts.duration_for(timeout);
        let proposer = self.voters.proposer(self.height, timer.round).address;
        // Timeouts decide only how fast a round ends, never what it decides.
        if timer.kind == TimerKind::Propose && self.absent.contains(&proposer) {
            after = after.min(self.timing.absent_proposer);
        }
        self.emit(Effect::Schedule { timer, after });
    }

    fn publish_signed(&mut self, message: &SignedConsensusMsg<Ctx>) {
        let signer = match message {
            SignedConsensusMsg::Vote(vote) => vote.voter,
            SignedConsensusMsg::Proposal(proposal) => proposal.proposer,
        };
        if signer == self.me {
            // The core has logged it by now. Had it not, the guard must know it all the more.
            let unlogged = self.marks.unlogged.take();
            self.marks.unrecorded = self.marks.unrecorded.max(unlogged);
        }
        match message {
            SignedConsensusMsg::Vote(vote) => {
                if let Some(vote) = from_core_vote(vote) {
                    self.publish(Outgoing::Message(Message::Vote(vote)));
                }
            }
            SignedConsensusMsg::Proposal(proposal) => {
                let Some(proposal) = from_core_proposal(proposal) else {
                    return;
                };
                match self.bodies.get(&proposal.block).cloned() {
                    Some(body) => self.publish(Outgoing::Proposal(proposal, body)),
                    None => self.fail(Fault::MissingBody {
                        height: proposal.height,
                        block: proposal.block,
                    }),
                }
            }
        }
    }

    fn decide(&mut self, certificate: &core::CommitCertificate<Ctx>) {
        let block = self.bodies.get(&certificate.value_id).cloned();
        let proof = from_core_commit(certificate, &self.voters);
        let (Some(block), Some(certificate)) = (block, proof) else {
            return self.fail(Fault::MissingBody {
                height: certificate.height.0,
                block: certificate.value_id,
            });
        };
        // What we have signed of this height is sealed since it left. What others said needs no place in the log any
        // more: the block is about to be durable, with its certificate.
        if self.marks.unrecorded.is_some() {
            self.seal();
        }
        self.emit(Effect::Decide { block, certificate });
    }
}

/// The timers that hosts see; the core's finalisation timer is never used (law 8).
fn timer_of(timeout: Timeout) -> Option<Timer> {
    let kind = match timeout.kind {
        TimeoutKind::Propose => TimerKind::Propose,
        TimeoutKind::Prevote => TimerKind::Prevote,
        TimeoutKind::Precommit => TimerKind::Precommit,
        TimeoutKind::Rebroadcast => TimerKind::Rebroadcast,
        TimeoutKind::FinalizeHeight(_) => return None,
    };
    Some(Timer {
        kind,
        round: timeout.round.as_u32()?,
    })
}

/// The core's form of a timer.
pub fn to_core_timeout(timer: Timer) -> Timeout {
    let kind = match timer.kind {
        TimerKind::Propose => TimeoutKind::Propose,
        TimerKind::Prevote => TimeoutKind::Prevote,
        TimerKind::Precommit => TimeoutKind::Precommit,
        TimerKind::Rebroadcast => TimeoutKind::Rebroadcast,
    };
    Timeout::new(core::Round::new(timer.round), kind)
}

/// All contradictions of a height, in our form.
pub fn evidence_of(evidence: &MisbehaviorEvidence<Ctx>) -> Vec<Evidence> {
    let votes = evidence.votes.iter().flat_map(|(_, pairs)| pairs);
    let votes = votes.filter_map(|(first, second)| {
        Some(Evidence::Votes(
            from_core_vote(first)?,
            from_core_vote(second)?,
        ))
    });
    let proposals = evidence.proposals.iter().flat_map(|(_, pairs)| pairs);
    let proposals = proposals.filter_map(|(first, second)| {
        Some(Evidence::Proposals(
            from_core_proposal(first)?,
            from_core_proposal(second)?,
        ))
    });
    votes.chain(proposals).collect()
}

/// Whether a message is a vote or proposal of this validator.
pub fn is_by(message: &Message, signer: &Address) -> bool {
    match message {
        Message::Vote(vote) => vote.voter == *signer,
        Message::Proposal(proposal) => proposal.proposer == *signer,
        Message::Polka(_) | Message::Round(_) => false,
    }
}

/// The mark of a log's entry, if it is a message of this validator.
pub fn own_mark_of(entry: &[u8], me: &Address, verifier: &Verifier) -> Option<Mark> {
    wal::message_of(entry)
        .filter(|message| is_by(message, me))
        .and_then(|message| mark_of(&message, verifier))
}

/// The mark of a message, if it is a vote or a proposal.
pub fn mark_of(message: &Message, verifier: &Verifier) -> Option<Mark> {
    let (step, bytes) = match to_core_input(message.clone()) {
        Input::Vote(vote) => {
            let step = match vote.message.kind {
                VoteType::Prevote => Step::Prevote,
                VoteType::Precommit => Step::Precommit,
            };
            (step, verifier.vote_bytes(&vote.message)?)
        }
        Input::Proposal(proposal) => (Step::Propose, verifier.proposal_bytes(&proposal.message)?),
        _ => return None,
    };
    Some(Mark {
        height: message.height(),
        round: message.round(),
        step,
        digest: Hash::of("natcoin/mark/1", &[&bytes]),
    })
}
