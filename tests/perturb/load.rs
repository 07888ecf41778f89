//! The load: two people pay each other all the time, and remember what their wallets said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use natcoin::node::clock;
use serde_json::Value;

use crate::common::processes::{Done, Wallets};

use super::wait;

/// Who pays whom.
const PAYERS: [(&str, &str); 2] = [("alice", "bob"), ("bob", "alice")];
/// What each has at the beginning, in nits.
const ENDOWMENT: i128 = 1_000 * NAT;
const NAT: i128 = 100_000_000;
/// Between two payments of one wallet: people, not a benchmark; the machine is shared.
const REST: Duration = Duration::from_millis(150);
/// How long what waits may take to come to its end once the network is well.
const SETTLING: Duration = Duration::from_secs(120);
/// More entries than any course makes.
const ALL: &str = "1000000";

/// A time in which more nodes were disturbed than the network stands.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    pub began: Instant,
    pub ended: Instant,
    /// Whether no node at all could be reached.
    pub is_dark: bool,
}

/// A payment and what the wallet said of it.
#[derive(Debug)]
pub struct Payment {
    pub from: &'static str,
    /// A memo that no other payment has.
    pub memo: String,
    pub began: Instant,
    pub ended: Instant,
    pub done: Done,
}

/// The payers at work.
pub struct Load {
    wallets: Wallets,
    is_over: Arc<AtomicBool>,
    book: Arc<Mutex<Vec<Payment>>>,
    payers: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn begin(wallets: &Wallets) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let book = Arc::new(Mutex::new(Vec::new()));
        let payers = PAYERS.map(|(from, to)| {
            let (wallets, is_over, book) = (wallets.clone(), is_over.clone(), book.clone());
            std::thread::spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let payment = pay(&wallets, from, to, number);
                    book.lock().expect("no payer panics").push(payment);
                    wait::pass(REST, || {});
                }
            })
        });
        Self {
            wallets: wallets.clone(),
            is_over,
            book,
            payers: payers.into(),
        }
    }

    /// How many payments that were begun after this moment are final.
    pub fn finals_begun_after(&self, moment: Instant) -> usize {
        let book = self.book.lock().expect("no payer panics");
        let recent = book.iter().filter(|one| one.began >= moment);
        recent.filter(|one| one.done.is_final()).count()
    }

    /// No further payments; gives what was said of those that were made.
    pub fn end(mut self) -> Book {
        self.is_over.store(true, Ordering::Relaxed);
        for payer in std::mem::take(&mut self.payers) {
            payer.join().expect("the payer's wallet could be read");
        }
        let payments = std::mem::take(&mut *self.book.lock().expect("no payer panics"));
        Book {
            wallets: self.wallets.clone(),
            payments,
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn pay(wallets: &Wallets, from: &'static str, to: &str, number: u64) -> Payment {
    let memo = format!("{from} {number}");
    let amount = format!("0.{:08}", 1 + number % 97);
    let began = clock::now();
    let to = format!("@{to}");
    let done = wallets.ask(from, &["pay", &to, &amount, "--memo", &memo, "--yes"]);
    Payment {
        from,
        memo,
        began,
        ended: clock::now(),
        done,
    }
}

/// All payments of a course.
pub struct Book {
    wallets: Wallets,
    pub payments: Vec<Payment>,
}

/// An account's proven history.
struct History {
    /// How often each memo was sent, with its transaction.
    sent: BTreeMap<String, Vec<String>>,
    received: BTreeMap<String, Vec<String>>,
    /// Endowment, and all that came and went.
    balance: i128,
}

impl Book {
    /// Holds what the wallets said to what the chain says, to the last nit.
    ///
    /// In an outage a wallet may say "not final" (5), and "no node" (3) if none could be reached; otherwise every
    /// payment must be final.
    pub fn check(&self, outages: &[Outage]) {
        for one in &self.payments {
            let mut met = outages
                .iter()
                .filter(|outage| one.began <= outage.ended && one.ended >= outage.began);
            let is_expected = match one.done.code {
                0 => one.done.is_final(),
                3 => met.any(|outage| outage.is_dark),
                5 => met.next().is_some(),
                _ => false,
            };
            assert!(is_expected, "not to be said then: {one:?}");
            assert!(!one.done.stderr.contains("panicked"), "{one:?}");
        }
        let [alice, bob] = PAYERS.map(|(name, _)| self.history(name));
        self.check_side(PAYERS[0].0, &alice, &bob);
        self.check_side(PAYERS[1].0, &bob, &alice);
        let both = [&alice, &bob].map(|history| history.balance);
        assert_eq!(both[0] + both[1], 2 * ENDOWMENT, "the supply");
        for ((name, _), balance) in PAYERS.iter().zip(both) {
            assert_eq!(nits(&self.wallets.balance(name)), balance, "{name}");
        }
    }

    /// Everything that waits comes to its end; then all entries, proven to be complete.
    fn history(&self, profile: &str) -> History {
        let mut last = Value::Null;
        let settled = wait::up_to(SETTLING, || {
            let done = self.wallets.ask(profile, &["history", "--limit", ALL]);
            last = done.json;
            let pending = last["pending"].as_array()?;
            (done.code == 0 && pending.is_empty()).then_some(())
        });
        assert!(settled.is_some(), "{profile} waits still: {last}");
        assert_eq!(last["complete"], true, "{profile}");
        let mut history = History {
            sent: BTreeMap::new(),
            received: BTreeMap::new(),
            balance: ENDOWMENT,
        };
        for entry in last["entries"].as_array().expect("entries") {
            let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
            let (side, sign) = match text("kind").as_str() {
                "sent" => (&mut history.sent, -1),
                "received" => (&mut history.received, 1),
                _ => panic!("nobody took a name: {entry}"),
            };
            side.entry(text("memo"))
                .or_default()
                .push(text("transaction"));
            history.balance += sign * nits(&text("amount")) - nits(&text("fee"));
        }
        history
    }

    /// Every payment that was said to be final is there once on both sides; none is there twice; those that were
    /// never signed are not there; nothing else is.
    fn check_side(&self, from: &str, payer: &History, payee: &History) {
        let mut expected = BTreeSet::new();
        for one in self.payments.iter().filter(|one| one.from == from) {
            expected.insert(&one.memo);
            let none = Vec::new();
            let sent = payer.sent.get(&one.memo).unwrap_or(&none);
            let received = payee.received.get(&one.memo).unwrap_or(&none);
            assert_eq!(sent, received, "both sides of {one:?}");
            let at_least = usize::from(one.done.is_final());
            // Unreachable means that nothing was signed; only "not final" leaves open what becomes of a payment.
            let at_most = usize::from(one.done.code != 3);
            assert!((at_least..=at_most).contains(&sent.len()), "{one:?}");
            if let (Some(said), Some(is)) = (one.done.json["transaction"].as_str(), sent.first()) {
                assert_eq!(said, is, "{one:?}");
            }
        }
        for memo in payer.sent.keys() {
            assert!(expected.contains(memo), "{from} never paid {memo:?}");
        }
    }

    /// What was not final at once, for the diary: when it ended, and what was said.
    pub fn unusual(&self) -> impl Iterator<Item = (Instant, String)> {
        let unusual = self.payments.iter().filter(|one| !one.done.is_final());
        unusual.map(|one| {
            let (memo, code, error) = (&one.memo, one.done.code, &one.done.json["error"]);
            (
                one.ended,
                format!("  payment {memo:?} ended with {code}: {error}"),
            )
        })
    }

    /// For people: how many of which end, and how long the final ones took.
    pub fn summary(&self) -> String {
        let mut ends: BTreeMap<i32, usize> = BTreeMap::new();
        for one in &self.payments {
            *ends.entry(one.done.code).or_default() += 1;
        }
        let finals = self.payments.iter().filter(|one| one.done.is_final());
        let mut times: Vec<u128> = finals
            .map(|one| one.ended.saturating_duration_since(one.began).as_millis())
            .collect();
        times.sort_unstable();
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1));
        format!(
            "payments by exit code {ends:?}; a wallet's whole run took {:?} ms (half), {:?} (95 %), {:?} (all)",
            at(50),
            at(95),
            times.last()
        )
    }
}

/// An amount as it is printed, in nits.
fn nits(text: &str) -> i128 {
    let (nat, decimals) = text.split_once('.').expect("eight decimals");
    assert_eq!(decimals.len(), 8, "{text}");
    nat.parse::<i128>().unwrap() * NAT + decimals.parse::<i128>().unwrap()
}
