//! Runs payment machines to their ends: feeds them time, nodes, pushed blocks and answers, and does what they say.
//!
//! All payments of the purse that wait run together, since a later one can only become final after those before it.
//!
//! Never: go on after the purse could not be written. Next: `jobs.rs`; the machine is `wallet/payment/machine.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::feed::{Fed, Feed};
use super::{Outcome, Progress, jobs};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::query::Moment;
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::node::clock;
use crate::node::session::error::SessionError;
use crate::node::session::purse::Purse;
use crate::node::session::watch::Frame;
use crate::node::session::{Inner, clock_now};
use crate::wallet::journal::Journal;
use crate::wallet::payment::{
    Input, NodeIndex, Output, Payment, PaymentMachine, Question, SubmitAnswer,
};
use crate::wallet::pool::Quorum;

/// The machines of one purse while they run.
pub(super) struct Driver<'a> {
    session: Arc<Inner>,
    purse: &'a mut Purse,
    progress: &'a mut (dyn FnMut(Progress) + Send),
    feed: Feed,
    time: Timeline,
    machines: BTreeMap<TransactionId, PaymentMachine>,
    ended: BTreeMap<TransactionId, Payment>,
    jobs: JoinSet<(TransactionId, Done)>,
    /// Questions under way: none is asked twice at a time.
    asking: BTreeSet<(TransactionId, u8)>,
    holders: BTreeMap<TransactionId, BTreeSet<NodeIndex>>,
    told: Option<Quorum>,
}

/// What a job brings.
enum Done {
    Submitted {
        to: NodeIndex,
        answer: SubmitAnswer,
        said_final: Option<u64>,
    },
    Answered {
        kind: u8,
        inputs: Vec<Input>,
    },
}

/// Milliseconds since 1970 that never run backwards, whatever becomes of the wall clock.
struct Timeline {
    began: Instant,
    began_ms: u64,
}

impl Timeline {
    fn start() -> Self {
        Self {
            began: clock_now(),
            began_ms: clock::unix_ms(),
        }
    }

    fn now_ms(&self) -> u64 {
        let since = (clock_now() - self.began).as_millis();
        self.began_ms
            .saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }

    fn instant(&self, at_ms: u64) -> Instant {
        self.began + Duration::from_millis(at_ms.saturating_sub(self.began_ms))
    }
}

impl Inner {
    /// What a machine hears of its payment being in the block of a moment.
    pub(super) fn inclusion(&self, id: TransactionId, at: &Moment) -> Input {
        let validators = self.light().validators().count();
        Input::ProvenInclusion {
            id,
            height: at.height,
            signed_by: at.signed_by,
            validators: u16::try_from(validators).unwrap_or(u16::MAX),
        }
    }
}

impl<'a> Driver<'a> {
    /// A driver without payments. The feed opens meanwhile.
    pub(super) fn new(
        session: &Arc<Inner>,
        purse: &'a mut Purse,
        senders: &[Address],
        progress: &'a mut (dyn FnMut(Progress) + Send),
    ) -> Self {
        Self {
            session: Arc::clone(session),
            purse,
            progress,
            feed: Feed::open(session, senders),
            time: Timeline::start(),
            machines: BTreeMap::new(),
            ended: BTreeMap::new(),
            jobs: JoinSet::new(),
            asking: BTreeSet::new(),
            holders: BTreeMap::new(),
            told: None,
        }
    }

    pub(super) fn journal(&self) -> Journal {
        self.purse.journal()
    }

    /// Takes up every payment of the purse that waits.
    pub(super) async fn resume_all(&mut self) -> Result<(), SessionError> {
        let genesis: Hash = *self.session.light().genesis();
        let pending: Vec<Payment> = self.journal().unresolved(genesis).cloned().collect();
        for payment in pending {
            let id = payment.id();
            let (machine, outputs) = PaymentMachine::resume(payment, self.time.now_ms());
            self.machines.insert(id, machine);
            self.perform(id, outputs).await?;
            self.feed_nodes(id).await?;
        }
        Ok(())
    }

    /// Takes up a new payment: on the disk when this returns, then sent.
    pub(super) async fn begin(
        &mut self,
        transaction: SignedTransaction,
        to_name: Option<Name>,
    ) -> Result<TransactionId, SessionError> {
        let id = transaction.id();
        let now = self.time.now_ms();
        let payment = Payment::new(transaction, to_name, now);
        let (machine, outputs) = PaymentMachine::new(payment, now);
        self.machines.insert(id, machine);
        self.perform(id, outputs).await?;
        (self.progress)(Progress::Signed { id });
        self.feed_nodes(id).await?;
        Ok(id)
    }

    /// Runs until the payment (or all of them) has its end, or the session's limits are reached.
    pub(super) async fn run(&mut self, target: Option<TransactionId>) -> Result<(), SessionError> {
        let mut changed = self.session.changed.subscribe();
        let limits = self.session.limits;
        let end = clock_now() + limits.payment;
        let mut stuck_since = None;
        while self.is_open(target) && !self.session.network.is_closed() {
            self.tell_quorum();
            let now = clock_now();
            let stuck = match self.is_stuck(target) {
                true => Some(*stuck_since.get_or_insert(now) + limits.patience),
                false => None,
            };
            if stuck.is_none() {
                stuck_since = None;
            }
            let give_up = stuck.unwrap_or(end).min(end);
            if now >= give_up {
                return Ok(());
            }
            let wake = self
                .machines
                .values()
                .filter_map(|one| one.wake_at_ms())
                .min();
            let wake = wake.map_or(give_up, |at_ms| self.time.instant(at_ms).min(give_up));
            tokio::select! {
                fed = self.feed.next() => self.on_fed(&fed).await?,
                Some(done) = self.jobs.join_next() => {
                    if let Ok((id, done)) = done {
                        self.on_done(id, done).await?;
                    }
                }
                _ = changed.changed() => self.on_nodes().await?,
                () = sleep_until(wake) => self.on_tick().await?,
            }
        }
        Ok(())
    }

    /// How a payment stands.
    pub(super) fn outcome(&self, id: TransactionId) -> Result<Outcome, SessionError> {
        let open = self.machines.get(&id).map(PaymentMachine::payment);
        let payment = self.ended.get(&id).or(open).cloned();
        Ok(Outcome {
            payment: payment.ok_or(SessionError::UnknownPayment { id })?,
            quorum: self.session.pool().quorum(),
        })
    }

    fn is_open(&self, target: Option<TransactionId>) -> bool {
        match target {
            Some(id) => self.machines.contains_key(&id),
            None => !self.machines.is_empty(),
        }
    }

    /// Whether nothing can become of it for now: too few nodes are up, or those asked refuse it.
    fn is_stuck(&self, target: Option<TransactionId>) -> bool {
        let is_refused = |machine: &PaymentMachine| machine.payment().last_refusal().is_some();
        let refused = match target {
            Some(id) => self.machines.get(&id).is_some_and(is_refused),
            None => self.machines.values().all(is_refused),
        };
        refused || self.session.pool().quorum().is_lost()
    }

    fn tell_quorum(&mut self) {
        let quorum = self.session.pool().quorum();
        if self.told != Some(quorum) {
            self.told = Some(quorum);
            (self.progress)(Progress::Quorum(quorum));
        }
    }

    fn ids(&self) -> Vec<TransactionId> {
        self.machines.keys().copied().collect()
    }

    async fn on_fed(&mut self, fed: &Fed) -> Result<(), SessionError> {
        self.on_frame(&fed.frame).await?;
        if !fed.is_first {
            return Ok(());
        }
        // A payment may have become final between its handing in and the opening of the stream.
        let height = fed.frame.at.height;
        for id in self.ids() {
            self.handle(id, Input::Head { height }).await?;
        }
        Ok(())
    }

    async fn on_frame(&mut self, frame: &Frame) -> Result<(), SessionError> {
        for entry in &frame.entries {
            let (by, nonce) = (entry.transaction.id(), entry.transaction.nonce);
            let sender = entry.transaction.sender;
            let input = self.session.inclusion(by, &frame.at);
            self.handle(by, input).await?;
            let rivals = self.machines.values().map(PaymentMachine::payment);
            let rivals: Vec<TransactionId> = rivals
                .filter(|one| one.nonce() == nonce && one.id() != by)
                .filter(|one| one.transaction().transaction.sender == sender)
                .map(Payment::id)
                .collect();
            for rival in rivals {
                let height = entry.height;
                let other = Input::ProvenOther { by, nonce, height };
                self.handle(rival, other).await?;
            }
        }
        Ok(())
    }

    async fn on_done(&mut self, id: TransactionId, done: Done) -> Result<(), SessionError> {
        match done {
            Done::Submitted {
                to,
                answer,
                said_final,
            } => {
                self.tell_answer(id, to, &answer);
                let from = to;
                self.handle(id, Input::Answer { from, answer }).await?;
                if let Some(height) = said_final {
                    // Its word is no end, but a reason to ask for the proof.
                    self.handle(id, Input::Head { height }).await?;
                }
            }
            Done::Answered { kind, inputs } => {
                self.asking.remove(&(id, kind));
                for input in inputs {
                    self.handle(id, input).await?;
                }
            }
        }
        Ok(())
    }

    fn tell_answer(&mut self, id: TransactionId, node: NodeIndex, answer: &SubmitAnswer) {
        match answer {
            SubmitAnswer::Accepted => {
                let holders = self.holders.entry(id).or_default();
                if holders.insert(node) {
                    let nodes = holders.len();
                    (self.progress)(Progress::Submitted { id, nodes });
                }
            }
            SubmitAnswer::Refused(refusal) => {
                let name = self.session.name_of(node);
                if let Some(node) = name {
                    let refusal = refusal.clone();
                    (self.progress)(Progress::Refused { id, node, refusal });
                }
            }
            SubmitAnswer::Unreachable => {}
        }
    }

    async fn on_nodes(&mut self) -> Result<(), SessionError> {
        for id in self.ids() {
            self.feed_nodes(id).await?;
        }
        Ok(())
    }

    async fn feed_nodes(&mut self, id: TransactionId) -> Result<(), SessionError> {
        let nodes = self.session.pool().ranked();
        self.handle(id, Input::Nodes(nodes)).await
    }

    async fn on_tick(&mut self) -> Result<(), SessionError> {
        for id in self.ids() {
            self.handle(id, Input::Tick).await?;
        }
        Ok(())
    }

    async fn handle(&mut self, id: TransactionId, input: Input) -> Result<(), SessionError> {
        let now_ms = self.time.now_ms();
        let Some(machine) = self.machines.get_mut(&id) else {
            return Ok(());
        };
        let outputs = machine.handle(input, now_ms);
        self.perform(id, outputs).await
    }

    /// Does what a machine says, in its order.
    async fn perform(
        &mut self,
        id: TransactionId,
        outputs: Vec<Output>,
    ) -> Result<(), SessionError> {
        let mut outputs = VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            match output {
                Output::Save(payment) => {
                    // Order: on the disk before anything that follows. Swapped, a crash could forget what was sent.
                    self.purse.record(*payment).await?;
                    let now_ms = self.time.now_ms();
                    if let Some(machine) = self.machines.get_mut(&id) {
                        outputs.extend(machine.handle(Input::Saved, now_ms));
                    }
                }
                Output::Submit { to, transaction } => self.submit(id, to, *transaction),
                Output::Ask(question) => self.ask(id, question),
                Output::Done(_) => {
                    if let Some(machine) = self.machines.remove(&id) {
                        let payment = machine.payment().clone();
                        (self.progress)(Progress::Ended(Box::new(payment.clone())));
                        self.ended.insert(id, payment);
                    }
                }
            }
        }
        Ok(())
    }

    fn submit(&mut self, id: TransactionId, to: NodeIndex, transaction: SignedTransaction) {
        let session = Arc::clone(&self.session);
        self.jobs.spawn(async move {
            let (answer, said_final) = jobs::submit(&session, to, &transaction).await;
            let done = Done::Submitted {
                to,
                answer,
                said_final,
            };
            (id, done)
        });
    }

    fn ask(&mut self, id: TransactionId, question: Question) {
        let kind = match question {
            Question::Inclusion => 0,
            Question::Account => 1,
            Question::WhoTook { .. } => 2,
            Question::NameFacts { .. } | Question::VoucherFacts { .. } => 3,
        };
        let Some(machine) = self.machines.get(&id) else {
            return;
        };
        if !self.asking.insert((id, kind)) {
            return;
        }
        let transaction = machine.payment().transaction().clone();
        let session = Arc::clone(&self.session);
        self.jobs.spawn(async move {
            let inputs = jobs::answer(&session, &transaction, question).await;
            (id, Done::Answered { kind, inputs })
        });
    }
}
