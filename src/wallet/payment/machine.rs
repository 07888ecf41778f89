//! One payment's way to its end, as a machine: answers, proofs and time in; sending, asking and remembering out.
//!
//! Call order: make it with [`PaymentMachine::new`] (or [`PaymentMachine::resume`] for one out of the journal), feed
//! [`Input`]s, perform the [`Output`]s in their order, and feed [`Input::Tick`] at [`PaymentMachine::wake_at_ms`].
//! It must never send a byte of a payment that is not on the disk, and never write down an end without a proof.
//! The payment may be dropped here at any moment: what the journal holds is enough to go on.
//!
//! | end | what proves it |
//! |---|---|
//! | final | [`Input::ProvenInclusion`] |
//! | replaced | [`Input::ProvenOther`]: another transaction of this account in a block with this nonce |
//! | expired | [`Input::ProvenAccount`] at `valid_until` or later whose nonce has not passed this payment's |
//! | rejected | [`Input::ProvenRejection`] of a kind that no later block can heal |

use super::{Payment, Refusal, Status};
use crate::chain::key::PublicKey;
use crate::chain::name::Name;
use crate::chain::rules::Rejection;
use crate::chain::transaction::{Operation, SignedTransaction, TransactionId};
use crate::mutation::{self, Mutation};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that a payment is given to at once: one may be down, or keep it to itself.
pub const SUBMIT_COPIES: usize = 2;

/// How long a node may take to answer before another is tried, in milliseconds.
pub const SUBMIT_TIMEOUT_MS: u64 = 5_000;

/// Least time between two rounds of questions, in milliseconds, however fast blocks come.
pub const MIN_ASK_GAP_MS: u64 = 20;

/// Time after which is asked without any new block, in milliseconds.
const ASK_EVERY_MS: u64 = 1_000;

/// First and longest time between two rounds of sending, in milliseconds; it doubles in between. Accepted payments are
/// sent again too, since a node may lose its memory.
const RESEND_MS: std::ops::RangeInclusive<u64> = 1_000..=15_000;

/// A node, by its place in the bootstrap file's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u16);

/// What a node said to a payment that was sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitAnswer {
    /// It keeps and spreads it (or has it already).
    Accepted,
    /// It refuses it by a rule.
    Refused(Refusal),
    /// No answer, or a trouble of its own (too busy, catching up): another node is tried.
    Unreachable,
}

/// What comes into the machine. Whoever feeds a `Proven...` has checked certificate and proof against the network's
/// validators; the machine takes it as a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The payment given by [`Output::Save`] is on the disk.
    Saved,
    /// The nodes that can be reached now, the preferred first.
    Nodes(Vec<NodeIndex>),
    /// A node's answer to [`Output::Submit`].
    Answer {
        /// Who answered.
        from: NodeIndex,
        /// What it said.
        answer: SubmitAnswer,
    },
    /// A verified header is new: the payment may be in its block.
    Head {
        /// Its height.
        height: u64,
    },
    /// Proven: this transaction stands in the block of this height.
    ProvenInclusion {
        /// The transaction.
        id: TransactionId,
        /// The block.
        height: u64,
        /// Validators whose signatures the certificate carries.
        signed_by: u16,
        /// Validators there are.
        validators: u16,
    },
    /// Proven: after the block of this height the payer's account had this nonce (0 if proven absent).
    ProvenAccount {
        /// The state's height.
        height: u64,
        /// Its transactions so far.
        nonce: u64,
    },
    /// Proven: a transaction of the payer's account with this nonce stands in the block of this height.
    ProvenOther {
        /// The transaction.
        by: TransactionId,
        /// Its nonce.
        nonce: u64,
        /// The block.
        height: u64,
    },
    /// What [`crate::chain::rules::check`] says of the payment, given facts that are all proven for one state.
    ProvenRejection(Rejection),
    /// Time has passed.
    Tick,
}

/// A question to be answered with proofs, by whichever node; it is asked again until the payment has its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Is it in a block? -> [`Input::ProvenInclusion`].
    Inclusion,
    /// The payer's account? -> [`Input::ProvenAccount`].
    Account,
    /// Which transaction took this nonce (through the account's history)? -> [`Input::ProvenOther`].
    WhoTook {
        /// The nonce.
        nonce: u64,
    },
    /// Whose is this name, and which one has the payer? -> [`Input::ProvenRejection`].
    NameFacts {
        /// The name that is claimed.
        name: Name,
    },
    /// What is left of this voucher? -> [`Input::ProvenRejection`].
    VoucherFacts {
        /// The voucher that is claimed or taken back.
        voucher: PublicKey,
    },
}

/// What the machine wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write the payment into the journal, durably.
    Save(Box<Payment>),
    /// Send the payment's bytes to a node.
    Submit {
        /// The node.
        to: NodeIndex,
        /// What to send.
        transaction: Box<SignedTransaction>,
    },
    /// Ask.
    Ask(Question),
    /// The end is proven: nothing follows.
    Done(Status),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Given out to be saved, not yet known to be: nothing may be sent.
    Unsaved,
    Open,
    Ended,
}

/// The machine of one payment. See the file's head for the order of calls.
#[derive(Debug, Clone)]
pub struct PaymentMachine {
    payment: Payment,
    stage: Stage,
    /// Reachable, the preferred first.
    nodes: Vec<NodeIndex>,
    /// Sent and not answered, with the time of sending.
    in_flight: BTreeMap<NodeIndex, u64>,
    /// Sent to in this round.
    tried: BTreeSet<NodeIndex>,
    /// Accepted in this round.
    holders: BTreeSet<NodeIndex>,
    next_round_ms: u64,
    round_every_ms: u64,
    last_asked_ms: Option<u64>,
    next_ask_ms: u64,
    /// The account's proven nonce has passed the payment's: no later block can take it, and what remains is to prove
    /// which transaction did.
    nonce_taken: bool,
}

impl PaymentMachine {
    /// A machine for a payment that was just signed, and the first outputs. It sends nothing before [`Input::Saved`].
    pub fn new(payment: Payment, now_ms: u64) -> (Self, Vec<Output>) {
        if mutation::is_on(Mutation::SentUnsaved) {
            return (Self::at(payment, Stage::Open, now_ms), Vec::new());
        }
        let save = Output::Save(Box::new(payment.clone()));
        let machine = Self::at(payment, Stage::Unsaved, now_ms);
        // Nothing can be known about it yet: first to ask is whoever sees the next block.
        (machine, vec![save])
    }

    /// A machine for a payment out of the journal. It asks at once: the end may have come meanwhile.
    pub fn resume(payment: Payment, now_ms: u64) -> (Self, Vec<Output>) {
        if payment.status().is_end() {
            let done = Output::Done(payment.status().clone());
            return (Self::at(payment, Stage::Ended, now_ms), vec![done]);
        }
        let mut machine = Self::at(payment, Stage::Open, now_ms);
        let mut out = Vec::new();
        machine.ask(now_ms, &mut out);
        (machine, out)
    }

    fn at(payment: Payment, stage: Stage, now_ms: u64) -> Self {
        Self {
            payment,
            stage,
            nodes: Vec::new(),
            in_flight: BTreeMap::new(),
            tried: BTreeSet::new(),
            holders: BTreeSet::new(),
            next_round_ms: now_ms + RESEND_MS.start(),
            round_every_ms: *RESEND_MS.start(),
            last_asked_ms: None,
            next_ask_ms: now_ms + ASK_EVERY_MS,
            nonce_taken: false,
        }
    }

    /// The payment as it is now.
    pub fn payment(&self) -> &Payment {
        &self.payment
    }

    /// When to feed the next [`Input::Tick`], in the milliseconds of `now_ms`; `None` when time changes nothing.
    pub fn wake_at_ms(&self) -> Option<u64> {
        if self.stage != Stage::Open {
            return None;
        }
        let answer = self.in_flight.values().map(|sent| sent + SUBMIT_TIMEOUT_MS);
        answer.chain([self.next_round_ms, self.next_ask_ms]).min()
    }

    /// Takes one input. `now_ms` never runs backwards within one machine; it is milliseconds since 1970, so that the
    /// latency can be told also after a crash.
    pub fn handle(&mut self, input: Input, now_ms: u64) -> Vec<Output> {
        let mut out = Vec::new();
        match (self.stage, input) {
            (Stage::Ended, _) => return out,
            (Stage::Unsaved, Input::Saved) => self.stage = Stage::Open,
            (Stage::Unsaved, Input::Nodes(nodes)) => self.nodes = nodes,
            // Nobody can have it, so nothing can be true of it: what says otherwise speaks of something else.
            (Stage::Unsaved, _) | (Stage::Open, Input::Saved) => return out,
            (Stage::Open, input) => self.take(input, now_ms, &mut out),
        }
        if self.stage == Stage::Open {
            self.submit(now_ms, &mut out);
        }
        out
    }

    fn take(&mut self, input: Input, now_ms: u64, out: &mut Vec<Output>) {
        match input {
            Input::Saved => {}
            Input::Nodes(nodes) => self.nodes_changed(nodes),
            Input::Answer { from, answer } => self.answered(from, answer, now_ms, out),
            Input::Head { .. } => self.ask_soon(now_ms, out),
            Input::Tick => self.tick(now_ms, out),
            Input::ProvenInclusion {
                id,
                height,
                signed_by,
                validators,
            } => {
                if id == self.payment.id() {
                    let latency_ms = now_ms.saturating_sub(self.payment.created_ms());
                    let end = Status::Final {
                        height,
                        latency_ms,
                        signed_by,
                        validators,
                    };
                    self.end(end, out);
                }
            }
            Input::ProvenOther { by, nonce, height } => {
                if nonce == self.payment.nonce() && by != self.payment.id() {
                    self.end(Status::Replaced { by, height }, out);
                }
            }
            Input::ProvenAccount { height, nonce } => {
                self.account_is(height, nonce, now_ms, out);
            }
            Input::ProvenRejection(rejection) => {
                if self.is_for_good(&rejection) {
                    self.end(rejected(&Refusal::from(&rejection)), out);
                }
            }
        }
    }

    /// A node that went and came back is sent the payment anew.
    fn nodes_changed(&mut self, nodes: Vec<NodeIndex>) {
        let gone = |node: &NodeIndex| !nodes.contains(node);
        self.in_flight.retain(|node, _| !gone(node));
        self.tried.retain(|node| !gone(node));
        self.holders.retain(|node| !gone(node));
        self.nodes = nodes;
    }

    fn answered(
        &mut self,
        from: NodeIndex,
        answer: SubmitAnswer,
        now_ms: u64,
        out: &mut Vec<Output>,
    ) {
        // Also an answer that comes after its time is an answer, if we ever asked this node in this round.
        self.in_flight.remove(&from);
        if !self.tried.contains(&from) {
            return;
        }
        let news = match answer {
            SubmitAnswer::Accepted if mutation::is_on(Mutation::AcceptanceBelieved) => {
                let end = Status::Final {
                    height: 0,
                    latency_ms: 0,
                    signed_by: 0,
                    validators: 0,
                };
                return self.end(end, out);
            }
            SubmitAnswer::Refused(refusal) if mutation::is_on(Mutation::RefusalBelieved) => {
                return self.end(rejected(&refusal), out);
            }
            SubmitAnswer::Accepted => {
                self.holders.insert(from);
                self.payment.note_accepted()
            }
            SubmitAnswer::Refused(refusal) => {
                let news = self.payment.note_refused(refusal);
                // It may be refused because it is in a block already.
                self.ask_soon(now_ms, out);
                news
            }
            SubmitAnswer::Unreachable => false,
        };
        if news {
            out.insert(0, Output::Save(Box::new(self.payment.clone())));
        }
    }

    fn account_is(&mut self, height: u64, nonce: u64, now_ms: u64, out: &mut Vec<Output>) {
        if nonce > self.payment.nonce() {
            let news = !self.nonce_taken;
            self.nonce_taken = true;
            if news {
                self.ask_soon(now_ms, out);
            }
        } else if height.saturating_add(u64::from(mutation::is_on(Mutation::ExpiredTooSoon)))
            >= self.payment.valid_until()
        {
            // Every block that could have held it is in this state, and none did.
            self.end(Status::Expired { height }, out);
        }
    }

    /// Whether no later block can take the payment, given that this is what the rules say of a proven state.
    ///
    /// A balance may grow, an account may come to be, the rules may change: those wait for the payment to expire.
    fn is_for_good(&self, rejection: &Rejection) -> bool {
        let sender = self.payment.transaction().transaction.sender;
        match rejection {
            Rejection::BadSignature | Rejection::ZeroAmount | Rejection::OwnAddress { .. } => true,
            // Our own claim, once final, looks like this too.
            Rejection::AlreadyNamed { claimed, own } => claimed != own,
            Rejection::NameTaken { owner, .. } => *owner != sender,
            // What is gone comes back under the same key at most, and never as what was opened by this transaction; what is
            // left of a voucher only shrinks, and time only goes on.
            Rejection::NoVoucher { .. }
            | Rejection::VoucherDiffers { .. }
            | Rejection::VoucherOver { .. } => true,
            // Our own claim, once final, looks like this too.
            Rejection::VoucherClaimed { .. } => false,
            // It may be final on its own network: whoever says so here has mixed two networks up.
            Rejection::ForeignNetwork { .. }
            | Rejection::Expired { .. }
            | Rejection::TooFarAhead { .. }
            | Rejection::UnknownSender { .. }
            | Rejection::WrongKey { .. }
            | Rejection::NonceUsed { .. }
            | Rejection::NonceAhead { .. }
            | Rejection::FeeTooLow { .. }
            | Rejection::InsufficientFunds { .. }
            | Rejection::DustAccount { .. }
            | Rejection::VoucherOpen { .. }
            | Rejection::SmallShare { .. }
            | Rejection::VoucherLife { .. } => false,
        }
    }

    fn tick(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        self.in_flight
            .retain(|_, sent| now_ms < sent.saturating_add(SUBMIT_TIMEOUT_MS));
        if now_ms >= self.next_round_ms {
            self.tried.clear();
            self.holders.clear();
            self.tried.extend(self.in_flight.keys());
            self.round_every_ms = (self.round_every_ms * 2).min(*RESEND_MS.end());
            self.next_round_ms = now_ms + self.round_every_ms;
        }
        if now_ms >= self.next_ask_ms {
            self.ask(now_ms, out);
        }
    }

    /// Sends to so many nodes that [`SUBMIT_COPIES`] have it or are being asked.
    fn submit(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        if self.nonce_taken {
            return;
        }
        for node in &self.nodes {
            if self.holders.len() + self.in_flight.len() >= SUBMIT_COPIES {
                return;
            }
            if self.tried.insert(*node) {
                self.in_flight.insert(*node, now_ms);
                out.push(Output::Submit {
                    to: *node,
                    transaction: Box::new(self.payment.transaction().clone()),
                });
            }
        }
    }

    fn ask_soon(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        let earliest = self
            .last_asked_ms
            .map_or(now_ms, |last| last + MIN_ASK_GAP_MS);
        if now_ms >= earliest {
            self.ask(now_ms, out);
        } else {
            self.next_ask_ms = self.next_ask_ms.min(earliest);
        }
    }

    fn ask(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        self.last_asked_ms = Some(now_ms);
        self.next_ask_ms = now_ms + ASK_EVERY_MS;
        out.push(Output::Ask(Question::Inclusion));
        if self.nonce_taken {
            out.push(Output::Ask(Question::WhoTook {
                nonce: self.payment.nonce(),
            }));
            return;
        }
        out.push(Output::Ask(Question::Account));
        let is_refused = self.payment.last_refusal().is_some();
        match &self.payment.transaction().transaction.operation {
            Operation::ClaimName { name } if is_refused => {
                out.push(Output::Ask(Question::NameFacts { name: name.clone() }));
            }
            // Always: of two who claim the last share both are accepted at first, by different nodes, and whoever was
            // accepted hears no refusal any more.
            Operation::ClaimVoucher { voucher, .. } | Operation::ReclaimVoucher { voucher, .. } => {
                let voucher = *voucher;
                out.push(Output::Ask(Question::VoucherFacts { voucher }));
            }
            Operation::Transfer { .. }
            | Operation::ClaimName { .. }
            | Operation::OpenVoucher { .. } => {}
        }
    }

    fn end(&mut self, status: Status, out: &mut Vec<Output>) {
        self.payment.end(status);
        self.stage = Stage::Ended;
        // Order: remembered before told. Swapped, a crash between the two would make the wallet forget an end that it showed.
        out.push(Output::Save(Box::new(self.payment.clone())));
        out.push(Output::Done(self.payment.status().clone()));
    }
}

/// The end of a payment that is refused for good.
fn rejected(refusal: &Refusal) -> Status {
    Status::Rejected {
        code: refusal.code().to_owned(),
        message: refusal.message().to_owned(),
    }
}
