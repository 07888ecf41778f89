//! Questions of a wallet, one node after another till an answer is proven, as `node/session/ask.rs` asks.
//!
//! Next: `answer.rs`, for what comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use super::run::{Act, Run};
use crate::behaviour::Service;
use crate::chain::account::Account;
use crate::chain::codec::Encode;
use crate::chain::genesis::Rules;
use crate::chain::query::{HistoryEntry, HistoryMark, MAX_PAGE, Moment, Query};
use crate::chain::transaction::TransactionId;
use crate::wallet::patience::{ANSWER, ASK_AGAIN, QUESTION, SLOW};
use crate::wallet::payment::{NodeIndex, SUBMIT_COPIES, SUBMIT_TIMEOUT_MS};

/// What a question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To know how a node is.
    Probe,
    /// For a payment: is it in a block?
    Inclusion(TransactionId),
    /// For a payment: how is the account?
    Account(TransactionId),
    /// For a payment: who took its nonce?
    WhoTook(TransactionId, u64),
    /// For a new payment: how is the account?
    Payer,
    /// For a new payment: is the payee there?
    Payee,
    /// For a new payment: which rules?
    Rules,
    /// For the owner: all that ever was.
    Audit,
}

/// What is proven.
pub(super) enum Found {
    Status(u16),
    Account(Option<Account>, Moment),
    Rules(Rules),
    Inclusion(Moment),
    History(Vec<HistoryEntry>, Moment),
}

/// A question under way.
pub(super) struct Asking {
    pub(super) purpose: Purpose,
    pub(super) query: Query,
    pub(super) most: usize,
    /// Till when it is asked again; `None`: one round.
    pub(super) deadline: Option<Duration>,
    /// When the next round begins, if it waits for one.
    pub(super) again_at: Option<Duration>,
    pub(super) round: Round,
    pub(super) pages: Pages,
}

/// One round of all nodes.
#[derive(Default)]
pub(super) struct Round {
    pub(super) asked: Vec<NodeIndex>,
    pub(super) late: BTreeSet<NodeIndex>,
    pub(super) flying: usize,
    pub(super) is_unknown: bool,
    pub(super) slow_at: Option<Duration>,
}

/// A history as far as it is there.
#[derive(Default)]
pub(super) struct Pages {
    pub(super) start: Option<HistoryMark>,
    pub(super) entries: Vec<HistoryEntry>,
    pub(super) at: Option<Moment>,
}

/// A question or a payment on its way to one node.
pub(super) struct Flight {
    pub(super) node: NodeIndex,
    pub(super) began: Duration,
    pub(super) until: Duration,
    pub(super) what: Freight,
}

#[derive(Clone, Copy)]
pub(super) enum Freight {
    Question(u64),
    Payment(TransactionId),
}

impl Asking {
    pub(super) fn due(&self) -> Option<Duration> {
        self.again_at.or(self.round.slow_at)
    }
}

impl Run {
    // ---- asking ----

    pub(super) fn probe(&mut self, node: NodeIndex) {
        let number = self.begin(Purpose::Probe, Query::Status, 1, None);
        self.exchange(number, node);
    }

    /// Asks till it is proven or the time is up.
    pub(super) fn ask(&mut self, purpose: Purpose, query: Query) {
        let deadline = Some(self.now + QUESTION);
        let number = self.begin(purpose, query, usize::MAX, deadline);
        self.go_on(number);
    }

    /// Asks so many nodes, once each.
    pub(super) fn ask_round(&mut self, purpose: Purpose, query: Query, most: usize) {
        let number = self.begin(purpose, query, most, None);
        self.go_on(number);
    }

    pub(super) fn ask_inclusion(&mut self, id: TransactionId) {
        self.ask_round(
            Purpose::Inclusion(id),
            Query::Transaction(id),
            SUBMIT_COPIES,
        );
    }

    /// Asks for the history, page by page.
    pub(super) fn ask_history(&mut self, purpose: Purpose) {
        self.ask(purpose, self.page(None));
    }

    pub(super) fn page(&self, upto: Option<u64>) -> Query {
        Query::Activities {
            address: self.me.address,
            upto,
            limit: MAX_PAGE,
        }
    }

    pub(super) fn is_asking(&self, purpose: Purpose) -> bool {
        self.asking.values().any(|asking| asking.purpose == purpose)
    }

    fn begin(
        &mut self,
        purpose: Purpose,
        query: Query,
        most: usize,
        deadline: Option<Duration>,
    ) -> u64 {
        let number = self.number();
        let asking = Asking {
            purpose,
            query,
            most,
            deadline,
            again_at: None,
            round: Round::default(),
            pages: Pages::default(),
        };
        self.asking.insert(number, asking);
        number
    }

    fn exchange(&mut self, number: u64, node: NodeIndex) {
        let now = self.now;
        let Some(asking) = self.asking.get_mut(&number) else {
            return;
        };
        asking.round.late.insert(node);
        asking.round.asked.push(node);
        asking.round.flying += 1;
        asking.round.slow_at = Some(now + SLOW);
        let data = asking.query.to_bytes();
        self.fly(
            Freight::Question(number),
            node,
            (Service::Query, data),
            ANSWER,
        );
    }

    /// Sends a payment to a node.
    pub(super) fn submit(&mut self, id: TransactionId, node: NodeIndex, data: Vec<u8>) {
        let patience = Duration::from_millis(SUBMIT_TIMEOUT_MS);
        self.fly(
            Freight::Payment(id),
            node,
            (Service::Submit, data),
            patience,
        );
    }

    fn fly(
        &mut self,
        what: Freight,
        node: NodeIndex,
        said: (Service, Vec<u8>),
        patience: Duration,
    ) {
        let (began, flight) = (self.now, self.number());
        let until = began + patience;
        self.flights.insert(
            flight,
            Flight {
                node,
                began,
                until,
                what,
            },
        );
        self.acts.push_back(Act::Call(flight, node, said.0, said.1));
    }

    fn next_node(&self, number: u64) -> Option<NodeIndex> {
        let asking = self.asking.get(&number)?;
        let round = &asking.round;
        let mut ranked = self.pool.ranked().into_iter();
        ranked.find(|node| round.asked.len() < asking.most && !round.asked.contains(node))
    }

    /// Asks the next node if nobody is being asked.
    pub(super) fn go_on(&mut self, number: u64) {
        let now = self.now;
        let next = self.next_node(number);
        let Some(asking) = self.asking.get_mut(&number) else {
            return;
        };
        if asking.round.flying > 0 {
            asking.round.slow_at = Some(now + SLOW);
            return;
        }
        if let (Some(node), true) = (next, asking.purpose != Purpose::Probe) {
            return self.exchange(number, node);
        }
        let is_unknown = asking.round.is_unknown;
        let deadline = asking.deadline.filter(|at| *at > now && !is_unknown);
        match deadline {
            Some(deadline) => {
                asking.round = Round::default();
                asking.again_at = Some(deadline.min(now + ASK_AGAIN));
            }
            None => self.answered(number, None),
        }
    }

    /// Begins the next round of those that wait for it.
    pub(super) fn ask_again(&mut self, is_time: impl Fn(&Asking) -> bool) {
        let waiting = self.asking.iter_mut();
        let waiting = waiting.filter(|(_, asking)| asking.again_at.is_some() && is_time(asking));
        let again: Vec<u64> = waiting
            .map(|(number, asking)| {
                asking.again_at = None;
                *number
            })
            .collect();
        for number in again {
            self.go_on(number);
        }
    }

    /// A slow node is not waited for alone.
    pub(super) fn asking_late(&mut self) {
        let now = self.now;
        let is_slow = |asking: &Asking| asking.round.slow_at.is_some_and(|at| at <= now);
        let slow = self.asking.iter().filter(|(_, asking)| is_slow(asking));
        for number in slow.map(|(number, _)| *number).collect::<Vec<_>>() {
            let next = self.next_node(number);
            let Some(asking) = self.asking.get_mut(&number) else {
                continue;
            };
            asking.round.slow_at = next.map(|_| now + SLOW);
            if let Some(node) = next {
                for late in std::mem::take(&mut asking.round.late) {
                    self.pool.struck(late, format!("no answer within {SLOW:?}"));
                }
                self.exchange(number, node);
            }
        }
    }
}
