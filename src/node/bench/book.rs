//! What becomes of each payment, from the time when it was meant to be handed in to its proof. Pure: time comes in.

use std::collections::BTreeMap;

/// How a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its time has not come.
    Ahead,
    /// Its time has come; it has been handed in to nobody.
    Due,
    /// It was handed in, and never taken so far: a node has said no to it each time, or has not answered yet.
    Tried,
    /// It may be in a mempool: a node has taken it, or has not said whether it has.
    Taken,
    /// It is proven to be final.
    Final,
}

/// What came of handing a payment in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// A node has it.
    Taken,
    /// A node did not take it, for this reason.
    Shed(&'static str),
    /// It is not known whether a node has it, for this reason.
    Unknown(&'static str),
}

/// What is counted of all payments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Handed in at least once.
    pub submitted: u64,
    /// Handed in again, although a node had taken them.
    pub resent: u64,
    /// Times that they were not taken, by reason.
    pub shed: BTreeMap<&'static str, u64>,
    /// Proven to be final.
    pub finals: u64,
    /// Proven within the time of the load.
    pub finals_in_time: u64,
}

/// The book of all payments. Times are microseconds from the beginning of the load.
#[derive(Debug)]
pub struct Book {
    states: Vec<State>,
    meant: Vec<u64>,
    latencies: Vec<u64>,
    wallets: usize,
    /// How many have become due.
    due: usize,
    /// Tried or taken, not final.
    open: usize,
    end: u64,
    counts: Counts,
}

impl Book {
    /// A book of so many payments, of which none is due. All its room is taken now.
    pub fn new(payments: usize, wallets: usize) -> Self {
        // Written once, so that the system gives the memory before anything is measured.
        let mut latencies = vec![u64::MAX; payments];
        latencies.clear();
        Self {
            states: vec![State::Ahead; payments],
            meant: vec![u64::MAX; payments],
            latencies,
            wallets: wallets.max(1),
            due: 0,
            open: 0,
            end: u64::MAX,
            counts: Counts::default(),
        }
    }

    /// The next payment becomes due; `None` if there is no more.
    pub fn release(&mut self, meant: u64) -> Option<usize> {
        let number = self.due;
        *self.states.get_mut(number)? = State::Due;
        self.meant[number] = meant;
        self.due += 1;
        Some(number)
    }

    /// What becomes final after this is not final in time.
    pub fn set_end(&mut self, end: u64) {
        self.end = end;
    }

    /// How many have become due.
    pub fn due(&self) -> usize {
        self.due
    }

    /// How many were handed in and are not final.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Of all.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether it is proven.
    pub fn is_final(&self, number: usize) -> bool {
        self.states[number] == State::Final
    }

    /// Whether it was handed in, and is not proven.
    pub fn is_open(&self, number: usize) -> bool {
        matches!(self.states[number], State::Tried | State::Taken)
    }

    /// Whether a node may have it, and it is not proven.
    pub fn is_taken(&self, number: usize) -> bool {
        self.states[number] == State::Taken
    }

    /// It is handed in to a node.
    pub fn hand_in(&mut self, number: usize) {
        match self.states[number] {
            State::Due => {
                self.states[number] = State::Tried;
                self.open += 1;
                self.counts.submitted += 1;
            }
            State::Taken => self.counts.resent += 1,
            State::Ahead | State::Tried | State::Final => {}
        }
    }

    /// What came of that; tells whether it is to be handed in again.
    pub fn handed(&mut self, number: usize, what: Handed) -> bool {
        let is_final = self.is_final(number);
        match what {
            Handed::Taken => {}
            // The answer came after the proof: whatever it is, it is no matter any more.
            Handed::Shed(_) | Handed::Unknown(_) if is_final => return false,
            Handed::Shed(why) | Handed::Unknown(why) => {
                *self.counts.shed.entry(why).or_default() += 1;
            }
        }
        if !is_final && !matches!(what, Handed::Shed(_)) {
            self.states[number] = State::Taken;
        }
        what != Handed::Taken
    }

    /// It is proven to be final, at this time; tells whether that is new.
    pub fn proven(&mut self, number: usize, at: u64) -> bool {
        match self.states[number] {
            State::Final => return false,
            State::Tried | State::Taken => self.open -= 1,
            State::Ahead | State::Due => {}
        }
        self.states[number] = State::Final;
        self.latencies.push(at.saturating_sub(self.meant[number]));
        self.counts.finals += 1;
        if at <= self.end {
            self.counts.finals_in_time += 1;
        }
        true
    }

    /// How many were due and handed in to nobody: the connections were full all the time.
    pub fn unsent(&self) -> u64 {
        self.count(State::Due)
    }

    /// How many no node has ever taken.
    pub fn refused(&self) -> u64 {
        self.count(State::Tried)
    }

    /// How many a node may have, and are not final.
    pub fn unproven(&self) -> u64 {
        self.count(State::Taken)
    }

    fn count(&self, state: State) -> u64 {
        let those = self.states[..self.due].iter().filter(|one| **one == state);
        u64::try_from(those.count()).unwrap_or(u64::MAX)
    }

    /// Wallets that had a payment due, and none final.
    pub fn starved(&self) -> u64 {
        let paying = self.wallets.min(self.due);
        let is_starved = |wallet: &usize| {
            let mut own = (*wallet..self.due).step_by(self.wallets);
            !own.any(|number| self.is_final(number))
        };
        let starved = (0..paying).filter(is_starved).count();
        u64::try_from(starved).unwrap_or(u64::MAX)
    }

    /// How long those that are final took, in order.
    pub fn into_latencies(mut self) -> Vec<u64> {
        self.latencies.sort_unstable();
        self.latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_from_when_a_payment_was_meant_and_not_from_when_it_was_sent() {
        let mut book = Book::new(3, 2);
        assert_eq!([book.release(100), book.release(200)], [Some(0), Some(1)]);
        book.hand_in(0);
        assert!(!book.handed(0, Handed::Taken));
        assert!(book.proven(0, 350));
        assert!(!book.proven(0, 900), "once");
        book.hand_in(1);
        assert!(book.proven(1, 5_200), "also before the answer");
        assert!(!book.handed(1, Handed::Unknown("timeout")));
        assert_eq!(book.counts().shed, BTreeMap::new());
        assert_eq!((book.open(), book.counts().finals), (0, 2));
        assert_eq!((book.release(1), book.release(2)), (Some(2), None));
        assert_eq!(book.into_latencies(), [250, 5_000]);
    }

    #[test]
    fn every_payment_ends_in_one_place() {
        let mut book = Book::new(6, 3);
        for _ in 0..6 {
            book.release(0);
        }
        for number in 0..5 {
            book.hand_in(number);
        }
        // 0 final, 1 refused, 2 taken, 3 unanswered, 4 refused and then taken, 5 never sent.
        book.handed(0, Handed::Taken);
        assert!(book.handed(1, Handed::Shed("busy")));
        book.handed(2, Handed::Taken);
        assert!(book.handed(3, Handed::Unknown("timeout")));
        assert!(book.handed(4, Handed::Shed("busy")));
        book.hand_in(4);
        book.handed(4, Handed::Taken);
        // A refusal does not unmake what another node has taken.
        assert!(book.handed(2, Handed::Shed("busy")));
        book.set_end(10);
        book.proven(0, 11);
        assert_eq!(book.counts().finals_in_time, 0);
        assert_eq!((book.unsent(), book.refused(), book.unproven()), (1, 1, 3));
        assert_eq!(book.open(), 4);
        assert_eq!(book.counts().shed["busy"], 3);
        // Wallet 0 has 0 and 3; 1 has 1 and 4; 2 has 2 and 5.
        assert_eq!(book.starved(), 2);
        assert_eq!(book.counts().submitted, 5);
    }
}
