//! Who may enter, how often, and how many at a time: everything that the window gives to strangers is counted here.
//!
//! An address is an IPv4 address or an IPv6 /56, as on the node's other doors. This machine has no bound of its own: it
//! is its own user, or a proxy behind which are many. Never: wait; who does not fit is turned away at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::sync::watch;

use crate::node::clock;
use crate::node::window::{Bucket, Condition, Origin, Rate, View};

/// Connections at a time, of all.
pub const CONNECTIONS: usize = 512;
/// However few files there are, so many.
const LEAST: usize = 16;
/// Of one address.
pub const CONNECTIONS_OF_ADDRESS: usize = 32;
/// Of the connections, those that listen to events.
pub const LISTENERS: usize = 256;
/// Of one address.
pub const LISTENERS_OF_ADDRESS: usize = 8;
/// Requests of one address.
const REQUESTS_OF_ADDRESS: Rate = Rate::of_bucket(120, 30);
/// Requests of all.
const REQUESTS: Rate = Rate::of_bucket(1_000, 300);
/// Transactions of one address.
const SUBMITS_OF_ADDRESS: Rate = Rate::of_bucket(20, 2);
/// Transactions of all.
const SUBMITS: Rate = Rate::of_bucket(100, 50);
/// Addresses that are remembered.
const ORIGINS: usize = 4_096;

// The page and the API stay open while all listeners' places are taken.
const _: () = assert!(LISTENERS * 2 <= CONNECTIONS);
const _: () = assert!(CONNECTIONS < ORIGINS);

/// Whom one address has here.
struct Guest {
    connections: usize,
    listeners: usize,
    requests: Bucket,
    submits: Bucket,
}

impl Guest {
    fn new() -> Self {
        let now = clock::now();
        Self {
            connections: 0,
            listeners: 0,
            requests: Bucket::new(REQUESTS_OF_ADDRESS, now),
            submits: Bucket::new(SUBMITS_OF_ADDRESS, now),
        }
    }
}

struct Book {
    guests: HashMap<Origin, Guest>,
    connections: usize,
    listeners: usize,
    requests: Bucket,
    submits: Bucket,
}

/// What was counted.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    limited: AtomicU64,
    turned_away: AtomicU64,
    cut_off: AtomicU64,
    submitted: AtomicU64,
}

/// The doors.
pub struct Doors {
    /// How many connections there may be.
    connections: usize,
    book: Mutex<Book>,
    counts: Counts,
}

/// A place of somebody; it is free again when this is dropped.
pub struct Place {
    doors: Arc<Doors>,
    origin: Origin,
    is_listener: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut book = self.doors.book();
        let is_listener = self.is_listener;
        *book.places(is_listener) -= 1;
        if let Some(guest) = book.guests.get_mut(&self.origin) {
            *guest.places(is_listener) -= 1;
        }
    }
}

impl Guest {
    fn places(&mut self, is_listener: bool) -> &mut usize {
        match is_listener {
            true => &mut self.listeners,
            false => &mut self.connections,
        }
    }
}

impl Book {
    fn places(&mut self, is_listener: bool) -> &mut usize {
        match is_listener {
            true => &mut self.listeners,
            false => &mut self.connections,
        }
    }

    fn guest(&mut self, origin: Origin) -> &mut Guest {
        if self.guests.len() >= ORIGINS && !self.guests.contains_key(&origin) {
            // Whoever is connected stays, and there are fewer of those than places.
            let now = clock::now();
            self.guests
                .retain(|_, guest| guest.connections > 0 || !guest.requests.is_full(now));
            if self.guests.len() >= ORIGINS {
                self.guests.retain(|_, guest| guest.connections > 0);
            }
        }
        self.guests.entry(origin).or_insert_with(Guest::new)
    }
}

impl Doors {
    /// Doors through which nobody has come, for so many connections as there are files.
    pub fn new(files: usize) -> Self {
        let now = clock::now();
        Self {
            book: Mutex::new(Book {
                guests: HashMap::new(),
                connections: 0,
                listeners: 0,
                requests: Bucket::new(REQUESTS, now),
                submits: Bucket::new(SUBMITS, now),
            }),
            counts: Counts::default(),
            connections: files.clamp(LEAST, CONNECTIONS),
        }
    }

    /// A place for a connection.
    pub fn enter(self: &Arc<Self>, origin: Origin) -> Option<Place> {
        let limits = (self.connections, CONNECTIONS_OF_ADDRESS);
        self.place(origin, false, limits)
    }

    /// A place for one who listens to events.
    pub fn listen(self: &Arc<Self>, origin: Origin) -> Option<Place> {
        let limits = (LISTENERS.min(self.connections / 2), LISTENERS_OF_ADDRESS);
        self.place(origin, true, limits)
    }

    fn place(
        self: &Arc<Self>,
        origin: Origin,
        is_listener: bool,
        (all, each): (usize, usize),
    ) -> Option<Place> {
        let mut book = self.book();
        let is_full = *book.places(is_listener) >= all;
        let has_enough =
            origin != Origin::Unnumbered && *book.guest(origin).places(is_listener) >= each;
        if is_full || has_enough {
            self.counts.turned_away.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *book.places(is_listener) += 1;
        *book.guest(origin).places(is_listener) += 1;
        drop(book);
        Some(Place {
            doors: Arc::clone(self),
            origin,
            is_listener,
        })
    }

    /// Whether an address may ask now.
    pub fn may_ask(&self, origin: Origin) -> bool {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let now = clock::now();
        let mut book = self.book();
        // Order: its own bucket first, so that who has had enough takes nothing from the others.
        let may = (origin == Origin::Unnumbered || book.guest(origin).requests.take(now))
            && book.requests.take(now);
        if !may {
            self.counts.limited.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    /// Whether an address may hand a transaction in now.
    pub fn may_submit(&self, origin: Origin) -> bool {
        self.counts.submitted.fetch_add(1, Ordering::Relaxed);
        let now = clock::now();
        let mut book = self.book();
        let may = (origin == Origin::Unnumbered || book.guest(origin).submits.take(now))
            && book.submits.take(now);
        if !may {
            self.counts.limited.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    /// Counts a connection that was ended because its other side took or gave nothing.
    pub fn cut_off(&self) {
        self.counts.cut_off.fetch_add(1, Ordering::Relaxed);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window's own counters and the node's condition, for the registry.
pub struct Counted {
    doors: Weak<Doors>,
    condition: watch::Receiver<Condition>,
}

impl Counted {
    /// Those of these doors, and of the node behind them.
    pub fn new(doors: &Arc<Doors>, view: &View) -> Self {
        Self {
            doors: Arc::downgrade(doors),
            condition: view.condition(),
        }
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted")
    }
}

impl Collector for Counted {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = self.condition.borrow().clone();
        let can_pay = now.validators_up >= now.validators_needed;
        let gauges = [
            (
                "natcoin_height",
                "Height of the last final block",
                now.height,
            ),
            (
                "natcoin_best_known_height",
                "Greatest height that a peer has told",
                now.best_known_height,
            ),
            (
                "natcoin_validators",
                "Validators of the network",
                now.validators.into(),
            ),
            (
                "natcoin_validators_up",
                "Validators that this node hears, itself included",
                now.validators_up.into(),
            ),
            (
                "natcoin_validators_needed",
                "Validators that a quorum takes",
                now.validators_needed.into(),
            ),
            (
                "natcoin_can_pay",
                "1 if enough validators are up for payments to become final",
                can_pay.into(),
            ),
            (
                "natcoin_round",
                "Round under way at the next height",
                now.round.unwrap_or(0).into(),
            ),
            (
                "natcoin_voting",
                "1 if this node votes",
                now.is_voting.into(),
            ),
            (
                "natcoin_transactions_waiting",
                "Transactions that wait here",
                now.waiting.into(),
            ),
        ];
        for (name, help, value) in gauges {
            gauge(&mut encoder, name, help, value)?;
        }
        let Some(doors) = self.doors.upgrade() else {
            return Ok(());
        };
        let (connections, listeners) = {
            let book = doors.book();
            (book.connections as u64, book.listeners as u64)
        };
        gauge(
            &mut encoder,
            "natcoin_http_connections",
            "Open HTTP connections",
            connections,
        )?;
        gauge(
            &mut encoder,
            "natcoin_http_listeners",
            "Open event streams",
            listeners,
        )?;
        let counts = &doors.counts;
        let counters = [
            ("natcoin_http_requests", "HTTP requests", &counts.requests),
            (
                "natcoin_http_limited",
                "HTTP requests beyond a rate",
                &counts.limited,
            ),
            (
                "natcoin_http_turned_away",
                "Connections and listeners for whom there was no place",
                &counts.turned_away,
            ),
            (
                "natcoin_http_cut_off",
                "Connections ended because the other side was too slow",
                &counts.cut_off,
            ),
            (
                "natcoin_http_submitted",
                "Transactions handed in over HTTP",
                &counts.submitted,
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value.load(Ordering::Relaxed));
            let descriptor = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(descriptor)?;
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    let descriptor = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
    gauge.encode(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> Origin {
        View::origin(std::net::Ipv4Addr::new(77, 1, 1, last).into())
    }

    #[test]
    fn an_address_has_its_share_and_others_still_enter() {
        let doors = Arc::new(Doors::new(CONNECTIONS));
        let one: Vec<Place> = std::iter::from_fn(|| doors.enter(at(1)))
            .take(1_000)
            .collect();
        assert_eq!(one.len(), CONNECTIONS_OF_ADDRESS);
        assert!(doors.enter(at(2)).is_some());
        drop(one);
        assert!(doors.enter(at(1)).is_some());
    }

    #[test]
    fn listeners_leave_places_for_those_who_ask() {
        let doors = Arc::new(Doors::new(CONNECTIONS));
        let this = View::origin(std::net::Ipv4Addr::LOCALHOST.into());
        let listeners: Vec<Place> = std::iter::from_fn(|| doors.listen(this))
            .take(9_999)
            .collect();
        assert_eq!(listeners.len(), LISTENERS);
        assert!(doors.enter(this).is_some());
    }

    #[test]
    fn where_files_are_few_there_are_few_places_and_half_of_them_listen() {
        let doors = Arc::new(Doors::new(0));
        let this = View::origin(std::net::Ipv4Addr::LOCALHOST.into());
        let entered: Vec<Place> = std::iter::from_fn(|| doors.enter(this)).take(99).collect();
        let listen: Vec<Place> = std::iter::from_fn(|| doors.listen(this)).take(99).collect();
        assert_eq!((entered.len(), listen.len()), (LEAST, LEAST / 2));
    }

    #[test]
    fn one_who_asks_too_often_is_refused_and_the_others_are_not() {
        let doors = Doors::new(CONNECTIONS);
        let asked = (0..REQUESTS_OF_ADDRESS.burst * 3).filter(|_| doors.may_ask(at(1)));
        let asked = asked.count();
        assert!(asked < REQUESTS_OF_ADDRESS.burst as usize * 2, "{asked}");
        assert!(doors.may_ask(at(2)));
        let handed = (0..999).filter(|_| doors.may_submit(at(1))).count();
        assert!(handed < SUBMITS_OF_ADDRESS.burst as usize * 2, "{handed}");
        assert!(doors.may_submit(at(2)));
    }

    #[test]
    fn however_many_addresses_come_few_are_remembered() {
        let doors = Arc::new(Doors::new(CONNECTIONS));
        let held = doors.enter(at(1));
        for number in 0..ORIGINS as u32 * 3 {
            let ip = std::net::Ipv4Addr::from_bits(0x4d02_0000 + number);
            doors.may_ask(View::origin(ip.into()));
        }
        assert!(doors.book().guests.len() <= ORIGINS);
        drop(held);
        assert_eq!(doors.book().connections, 0);
    }
}
