//! The machines of a running wallet and its journal: what they hear, and what they want done.
//!
//! While the journal is being written nothing else of the payments goes on. Never: let a payment be sent that is not on
//! the disk. Next: `wallet/payment/machine.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::ask::Purpose;
use super::feed::Frame;
use super::pay::Gathering;
use super::run::{Act, Run};
use super::user::Intent;
use crate::chain::codec::{Decode, Encode};
use crate::chain::query::Query;
use crate::chain::transaction::TransactionId;
use crate::replica::wire::SubmitReply;
use crate::wallet::journal::Journal;
use crate::wallet::payment::{
    Input, NodeIndex, Output, Payment, PaymentMachine, Question, Refusal, SubmitAnswer,
};

/// The payments of a run.
pub(super) struct Desk {
    pub(super) journal: Journal,
    pub(super) machines: BTreeMap<TransactionId, PaymentMachine>,
    pub(super) gathering: Option<Gathering>,
    /// The journal that is being written, and whose machine waits for that.
    writing: Option<(TransactionId, Journal)>,
    /// What the machines want done, in its order.
    outputs: VecDeque<(TransactionId, Output)>,
    /// What waits till the journal is written.
    inbox: VecDeque<Mail>,
    /// When the latest payment was taken up.
    pub(super) busy_since: Duration,
    /// Since when nothing can become of the payments.
    pub(super) stuck_since: Option<Duration>,
}

pub(super) enum Mail {
    Input(TransactionId, Input),
    Frame(Frame),
    Nodes,
    Tick,
    Begin(Box<Gathering>),
}

impl Desk {
    pub(super) fn new(journal: Journal) -> Self {
        Self {
            journal,
            machines: BTreeMap::new(),
            gathering: None,
            writing: None,
            outputs: VecDeque::new(),
            inbox: VecDeque::new(),
            busy_since: Duration::ZERO,
            stuck_since: None,
        }
    }

    /// Payments without an end.
    pub(super) fn open(&self) -> usize {
        self.machines.len()
    }

    pub(super) fn is_open(&self) -> bool {
        !self.machines.is_empty()
    }

    pub(super) fn is_gathering(&self) -> bool {
        let is_begin = |mail: &Mail| matches!(mail, Mail::Begin(_));
        self.gathering.is_some() || self.inbox.iter().any(is_begin)
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    pub(super) fn all_are_refused(&self) -> bool {
        let is_refused = |machine: &PaymentMachine| machine.payment().last_refusal().is_some();
        self.machines.values().all(is_refused)
    }

    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        let machines = self.machines.values();
        machines.filter_map(PaymentMachine::wake_at_ms).min()
    }

    /// The payments' condition, for people.
    pub(super) fn state(&self) -> String {
        let machines = self.machines.values().map(PaymentMachine::payment);
        let of = |one: &Payment| {
            let (nonce, until) = (one.nonce(), one.valid_until());
            let refusal = one.last_refusal().map(Refusal::code);
            let id = one.id().short();
            format!(
                "{id} nonce {nonce} until {until} {:?} {refusal:?}",
                one.status()
            )
        };
        machines.map(of).collect::<Vec<_>>().join(", ")
    }

    /// The intent that is not signed yet, if there is one.
    pub(super) fn into_intent(self) -> Option<Intent> {
        let begun = self.inbox.into_iter().find_map(|mail| match mail {
            Mail::Begin(gathering) => Some(*gathering),
            _ => None,
        });
        self.gathering.or(begun).map(|gathering| gathering.intent)
    }
}

impl Run {
    pub(super) fn feed_nodes(&mut self) {
        self.mail(Mail::Nodes);
    }

    pub(super) fn tick(&mut self) {
        self.mail(Mail::Tick);
    }

    pub(super) fn frame(&mut self, frame: Frame) {
        self.mail(Mail::Frame(frame));
    }

    /// A node's answer to a payment.
    pub(super) fn submitted(&mut self, id: TransactionId, from: NodeIndex, data: Option<Vec<u8>>) {
        let reply =
            data.map(|data| SubmitReply::from_bytes(&data).map_err(|error| error.to_string()));
        let (answer, said_final) = match reply {
            Some(Ok(SubmitReply::Waiting)) => (SubmitAnswer::Accepted, None),
            Some(Ok(SubmitReply::Final { height })) => (SubmitAnswer::Accepted, Some(height)),
            Some(Ok(SubmitReply::Rejected(rejection))) => {
                (SubmitAnswer::Refused(Refusal::from(&rejection)), None)
            }
            Some(Ok(SubmitReply::NonceTaken { other })) => {
                let refusal = Refusal::new("nonce_taken", &format!("the node has {other}"));
                (SubmitAnswer::Refused(refusal), None)
            }
            Some(Ok(SubmitReply::Busy | SubmitReply::Malformed)) | None => {
                (SubmitAnswer::Unreachable, None)
            }
            Some(Err(why)) => {
                self.pool.struck(from, why);
                (SubmitAnswer::Unreachable, None)
            }
        };
        self.mail(Mail::Input(id, Input::Answer { from, answer }));
        if let Some(height) = said_final {
            // Its word is no end, but a reason to ask for the proof.
            self.mail(Mail::Input(id, Input::Head { height }));
        }
    }

    pub(super) fn mail(&mut self, mail: Mail) {
        self.desk.inbox.push_back(mail);
        self.read_mail();
    }

    fn read_mail(&mut self) {
        while self.desk.writing.is_none()
            && let Some(mail) = self.desk.inbox.pop_front()
        {
            match mail {
                Mail::Input(id, input) => self.feed_machine(id, input),
                Mail::Frame(frame) => self.told(frame),
                Mail::Nodes => {
                    for id in self.ids() {
                        self.feed_machine(id, Input::Nodes(self.pool.ranked()));
                    }
                }
                Mail::Tick => {
                    for id in self.ids() {
                        self.feed_machine(id, Input::Tick);
                    }
                }
                Mail::Begin(gathering) => self.begin_payment(*gathering),
            }
        }
    }

    fn ids(&self) -> Vec<TransactionId> {
        self.desk.machines.keys().copied().collect()
    }

    /// A verified frame: payments that it holds are final, and their rivals replaced.
    fn told(&mut self, frame: Frame) {
        for transaction in &frame.transactions {
            let (by, nonce) = (transaction.id(), transaction.nonce);
            let height = frame.at.height;
            let input = self.inclusion(by, &frame.at);
            self.feed_machine(by, input);
            let machines = self.desk.machines.values().map(PaymentMachine::payment);
            let rivals = machines.filter(|one| one.nonce() == nonce && one.id() != by);
            let rivals =
                rivals.filter(|one| one.transaction().transaction.sender == transaction.sender);
            for rival in rivals.map(Payment::id).collect::<Vec<_>>() {
                self.feed_machine(rival, Input::ProvenOther { by, nonce, height });
            }
        }
    }

    fn feed_machine(&mut self, id: TransactionId, input: Input) {
        let now_ms = self.now_ms();
        let Some(machine) = self.desk.machines.get_mut(&id) else {
            return;
        };
        let outputs = machine.handle(input, now_ms);
        self.take_outputs(id, outputs);
    }

    pub(super) fn take_outputs(&mut self, id: TransactionId, outputs: Vec<Output>) {
        let outputs = outputs.into_iter().map(|output| (id, output));
        self.desk.outputs.extend(outputs);
        self.perform_outputs();
    }

    /// Does what the machines say, till something is to be written.
    fn perform_outputs(&mut self) {
        while self.desk.writing.is_none()
            && let Some((id, output)) = self.desk.outputs.pop_front()
        {
            match output {
                Output::Save(payment) => self.save(id, *payment),
                Output::Submit { to, transaction } => self.submit(id, to, transaction.to_bytes()),
                Output::Ask(question) => self.question(id, question),
                Output::Done(_) => {
                    if let Some(machine) = self.desk.machines.remove(&id) {
                        let payment = Box::new(machine.payment().clone());
                        self.acts.push_back(Act::Show(payment));
                    }
                }
            }
        }
    }

    fn save(&mut self, id: TransactionId, payment: Payment) {
        let mut next = self.desk.journal.clone();
        if let Err(error) = next.record(payment) {
            // The machine stays where it is, as if the disk had failed.
            let error = error.to_string();
            return self.acts.push_back(Act::Fault(error));
        }
        self.acts.push_back(Act::Write(next.encode()));
        self.desk.writing = Some((id, next));
    }

    /// The journal is on the disk.
    pub(super) fn written(&mut self) {
        let Some((id, journal)) = self.desk.writing.take() else {
            return;
        };
        self.desk.journal = journal;
        let now_ms = self.now_ms();
        if let Some(machine) = self.desk.machines.get_mut(&id) {
            let outputs = machine.handle(Input::Saved, now_ms);
            self.desk
                .outputs
                .extend(outputs.into_iter().map(|output| (id, output)));
        }
        self.perform_outputs();
        self.read_mail();
    }

    fn question(&mut self, id: TransactionId, question: Question) {
        let purpose = match question {
            Question::Inclusion => Purpose::Inclusion(id),
            Question::Account => Purpose::Account(id),
            Question::WhoTook { nonce } => Purpose::WhoTook(id, nonce),
            // Simulated wallets claim no names.
            Question::NameFacts { .. } | Question::VoucherFacts { .. } => return,
        };
        // None is asked twice at a time.
        if self.is_asking(purpose) {
            return;
        }
        match purpose {
            Purpose::Inclusion(id) => self.ask_inclusion(id),
            Purpose::WhoTook(..) => self.ask_history(purpose),
            _ => self.ask_round(purpose, Query::Account(self.me.address), usize::MAX),
        }
    }
}
