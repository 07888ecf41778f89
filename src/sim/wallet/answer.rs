//! What comes back to a wallet's questions: verified by its light client, and no earlier believed.
//!
//! Next: `wallet/light.rs`; `pay.rs` is told what was found.

use super::ask::{Flight, Found, Freight, Purpose, Round};
use super::run::{Act, Run};
use crate::chain::query::{Answer, HistoryEntry, HistoryMark, Moment, Query, Unavailable};
use crate::wallet::light::{Doubt, LightClient};
use crate::wallet::patience::QUESTION;
use crate::wallet::payment::NodeIndex;

impl Run {
    pub(super) fn flights_lost(&mut self, node: NodeIndex) {
        let flights = self.flights.iter();
        let lost = flights.filter(|(_, flight)| flight.node == node);
        for flight in lost.map(|(flight, _)| *flight).collect::<Vec<_>>() {
            self.acts.push_back(Act::Forget(flight));
            self.landed(flight, Err("the connection was lost"));
        }
    }

    pub(super) fn flights_late(&mut self) {
        let now = self.now;
        let late = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.until <= now);
        for flight in late.map(|(flight, _)| *flight).collect::<Vec<_>>() {
            self.acts.push_back(Act::Forget(flight));
            self.landed(flight, Err("no answer in time"));
        }
    }

    /// A question has its answer, or never will.
    pub(super) fn landed(&mut self, flight: u64, answer: Result<Vec<u8>, &str>) {
        let Some(flight) = self.flights.remove(&flight) else {
            return;
        };
        let node = flight.node;
        if let Err(why) = &answer {
            self.pool.struck(node, (*why).to_owned());
        }
        let number = match flight.what {
            Freight::Payment(id) => return self.submitted(id, node, answer.ok()),
            Freight::Question(number) => number,
        };
        let Some(asking) = self.asking.get_mut(&number) else {
            return;
        };
        asking.round.late.remove(&node);
        asking.round.flying -= 1;
        let Ok(data) = answer else {
            return self.go_on(number);
        };
        match LightClient::read(&data).and_then(|answer| self.read(number, answer)) {
            Ok((found, at)) => {
                let rtt = self.now - flight.began;
                self.pool.proved(node, &at, Some(rtt));
                if let Found::Status(up) = found {
                    self.pool.heard(node, up);
                    self.feed_nodes();
                }
                self.answered(number, Some(found));
            }
            Err(doubt) => {
                self.pool.doubted(node, &doubt);
                if let Doubt::Fork { .. } = doubt {
                    self.acts.push_back(Act::Fork(doubt.to_string()));
                }
                if let Some(asking) = self.asking.get_mut(&number) {
                    asking.round.is_unknown |= doubt == Doubt::Unavailable(Unavailable::Unknown);
                }
                self.go_on(number);
            }
        }
    }

    /// Verifies an answer. The second value is the block that the node has proven.
    fn read(&mut self, number: u64, answer: Answer) -> Result<(Found, Moment), Doubt> {
        let asking = self.asking.get_mut(&number);
        let asking = asking.expect("an answer is read for a question under way");
        let before = self.light.newest().height.max(self.light.floor());
        let acts = &mut self.acts;
        let mut believe = |height: u64, account| {
            acts.push_back(Act::Believed(before, height, account));
        };
        Ok(match &asking.query {
            Query::Account(address) => {
                let proven = self.light.account(answer, address)?;
                let account = Box::new((*address, proven.value.clone()));
                believe(proven.at.height, Some(account));
                (Found::Account(proven.value, proven.at), proven.at)
            }
            Query::Network => {
                let proven = self.light.network(answer)?;
                believe(proven.at.height, None);
                (Found::Rules(proven.value.rules), proven.at)
            }
            Query::Transaction(id) => {
                let at = self.light.transaction(answer, id)?.at;
                (Found::Inclusion(at), at)
            }
            Query::Activities { address, .. } => {
                let pages = &mut asking.pages;
                let (page, at) = match &pages.start {
                    None => {
                        let proven = self.light.history(answer, address)?;
                        believe(proven.at.height, None);
                        (proven.value.1, proven.at)
                    }
                    Some(end) => {
                        let proven = self.light.older_history(answer, address, end)?;
                        (proven.value, proven.at)
                    }
                };
                pages.start = Some(page.start);
                pages.entries.splice(0..0, page.entries);
                let first = *pages.at.get_or_insert(at);
                (Found::History(Vec::new(), first), at)
            }
            Query::Status | Query::Name(_) | Query::Block(_) | Query::Voucher(_) => {
                let proven = self.light.status(answer)?;
                believe(proven.at.height, None);
                (Found::Status(proven.value.validators_up), proven.at)
            }
        })
    }

    /// A question is answered, or has failed.
    pub(super) fn answered(&mut self, number: u64, found: Option<Found>) {
        let found = match found {
            Some(Found::History(_, at)) => match self.history_so_far(number) {
                Some(entries) => Some(Found::History(entries, at)),
                None => return,
            },
            found => found,
        };
        let Some(asking) = self.asking.remove(&number) else {
            return;
        };
        let is_of = |flight: &Flight| matches!(flight.what, Freight::Question(of) if of == number);
        let unread = self.flights.iter().filter(|(_, flight)| is_of(flight));
        for flight in unread.map(|(flight, _)| *flight).collect::<Vec<_>>() {
            self.flights.remove(&flight);
            self.acts.push_back(Act::Forget(flight));
        }
        self.found(asking.purpose, found);
    }

    /// The history if enough of it is there; else the next page is asked for.
    fn history_so_far(&mut self, number: u64) -> Option<Vec<HistoryEntry>> {
        let asking = self.asking.get(&number)?;
        let (me, entries) = (self.me.address, &asking.pages.entries);
        let is_enough = match asking.purpose {
            Purpose::WhoTook(_, nonce) => entries
                .iter()
                .any(|entry| entry.transaction.sender == me && entry.transaction.nonce == nonce),
            _ => false,
        };
        let start = asking.pages.start?;
        if is_enough || start == HistoryMark::BIRTH {
            return Some(entries.clone());
        }
        let query = self.page(Some(start.number));
        let deadline = Some(self.now + QUESTION);
        let asking = self.asking.get_mut(&number)?;
        asking.query = query;
        asking.deadline = deadline;
        asking.round = Round::default();
        self.go_on(number);
        None
    }
}
