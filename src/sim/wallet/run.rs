//! A wallet's program while it runs: the real light client, pool of nodes, payment machines and journal.
//!
//! What happens comes in as [`Heard`]; what is to be done goes out as [`Act`]s, which `hands.rs` performs in their
//! order. The waits and retries are those of `node/session/`, whose hands cannot live in a virtual clock.
//! Never: draw by chance. Next: `ask.rs` (questions), `pay.rs` (payments), `feed.rs` (pushed blocks).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::ask::{Asking, Flight};
use super::desk::Desk;
use super::feed::Feed;
use super::user::Intent;
use crate::behaviour::Service;
use crate::chain::account::Account;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey, SecretKey};
use crate::chain::query::{HistoryEntry, Moment};
use crate::chain::transaction::TransactionId;
use crate::replica::WatchId;
use crate::wallet::journal::Journal;
use crate::wallet::light::LightClient;
use crate::wallet::patience;
use crate::wallet::payment::{NodeIndex, Payment};
use crate::wallet::pool::Pool;

/// The dialler's first pause after a failure; it doubles.
const DIAL_AGAIN: Duration = Duration::from_secs(1);
/// The dialler's longest pause.
const DIAL_CAP: Duration = Duration::from_secs(5);

/// What a run hears.
pub(super) enum Heard {
    /// A connection stands.
    Linked(NodeIndex),
    /// A dial failed.
    Unreachable(NodeIndex),
    /// A connection that stood is lost.
    Lost(NodeIndex),
    /// An answer to a call.
    Answer(u64, Vec<u8>),
    /// A frame of a watch.
    Frame(WatchId, Vec<u8>),
    /// A watch is over.
    WatchOver(WatchId),
    /// The journal is on the disk.
    Written,
    /// Time has passed.
    Wake,
    /// The owner wants to pay.
    Pay(Intent),
    /// The owner wants to see the whole history.
    Audit,
}

/// What a run wants done.
pub(super) enum Act {
    /// Try to connect, after a while.
    Dial(NodeIndex, Duration),
    /// Send a question; its answer comes under this number.
    Call(u64, NodeIndex, Service, Vec<u8>),
    /// Forget the answer to a question.
    Forget(u64),
    /// Open a watch for the feed of this place.
    Watch(usize, NodeIndex, Vec<u8>),
    /// End a watch.
    Leave(WatchId),
    /// Write the journal.
    Write(Vec<u8>),
    /// An intent is signed.
    Signed(u64, TransactionId),
    /// An intent could not be begun: the reason.
    NotBegun(Intent, String),
    /// What a node says of the present is believed: the newest height proven before, its own, and an account if it is
    /// about one.
    Believed(u64, u64, Option<Box<(Address, Option<Account>)>>),
    /// Show the owner a payment's end.
    Show(Box<Payment>),
    /// Show the owner the whole history as of a moment.
    History(Moment, Vec<HistoryEntry>),
    /// A quorum is proven to have signed two blocks.
    Fork(String),
    /// The journal cannot be kept: why.
    Fault(String),
    /// Leave off, to go on later.
    Close,
}

impl Act {
    /// Whether it leaves the program's memory, so that a crash before it differs from one after it.
    pub(super) fn is_felt(&self) -> bool {
        matches!(
            self,
            Self::Call(..) | Self::Watch(..) | Self::Write(_) | Self::Show(_)
        )
    }
}

/// What a run begins with.
pub(super) struct Start {
    pub(super) secret: SecretKey,
    pub(super) session: PublicKey,
    pub(super) light: LightClient,
    pub(super) journal: Journal,
    /// The nodes that it knows: whether each votes.
    pub(super) nodes: Vec<bool>,
    pub(super) needed: usize,
    pub(super) clock_ms: u64,
}

/// Who the wallet is.
pub(super) struct Identity {
    pub(super) secret: SecretKey,
    pub(super) address: Address,
    pub(super) genesis: Hash,
    /// The key of its connections, fresh for each run.
    pub(super) session: Arc<PublicKey>,
    /// The wall clock at the world's beginning, in milliseconds since 1970.
    clock_ms: u64,
}

/// See the file's head.
pub(super) struct Run {
    pub(super) me: Identity,
    pub(super) now: Duration,
    pub(super) light: LightClient,
    pub(super) pool: Pool,
    /// Failed dials of each node since it was last connected.
    dials: Vec<u32>,
    pub(super) flights: BTreeMap<u64, Flight>,
    pub(super) asking: BTreeMap<u64, Asking>,
    pub(super) feeds: [Feed; 2],
    pub(super) desk: Desk,
    next: u64,
    pub(super) acts: VecDeque<Act>,
    /// When the next [`Heard::Wake`] is planned.
    pub(super) wake_at: Option<Duration>,
}

impl Run {
    /// Begins to run: dials all nodes, and takes up what waits in the journal.
    pub(super) fn start(start: Start, now: Duration) -> Self {
        let count = start.nodes.len();
        let genesis = *start.light.genesis();
        let mut run = Self {
            me: Identity {
                address: start.secret.address(),
                secret: start.secret,
                genesis,
                session: Arc::new(start.session),
                clock_ms: start.clock_ms,
            },
            now,
            light: start.light,
            pool: Pool::new(start.nodes, start.needed),
            dials: vec![0; count],
            flights: BTreeMap::new(),
            asking: BTreeMap::new(),
            feeds: [Feed::default(), Feed::default()],
            desk: Desk::new(start.journal),
            next: 0,
            acts: VecDeque::new(),
            wake_at: None,
        };
        for node in run.nodes() {
            run.acts.push_back(Act::Dial(node, Duration::ZERO));
        }
        run.resume_all();
        run
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        let count = u16::try_from(self.dials.len()).unwrap_or(u16::MAX);
        (0..count).map(NodeIndex)
    }

    /// Milliseconds since 1970, as its machine's clock has it.
    pub(super) fn now_ms(&self) -> u64 {
        let since = u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX);
        self.me.clock_ms.saturating_add(since)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Takes what happens; what follows from it stands in `acts`.
    pub(super) fn handle(&mut self, heard: Heard, now: Duration) {
        self.now = now;
        match heard {
            Heard::Linked(node) => {
                self.dials[usize::from(node.0)] = 0;
                self.pool.came(node);
                self.probe(node);
                self.pool_changed();
            }
            Heard::Unreachable(node) => {
                let failed = &mut self.dials[usize::from(node.0)];
                let wait = DIAL_AGAIN.saturating_mul(1 << (*failed).min(8));
                *failed += 1;
                self.pool
                    .unreachable(node, "it cannot be dialled".to_owned());
                self.acts.push_back(Act::Dial(node, wait.min(DIAL_CAP)));
                self.pool_changed();
            }
            Heard::Lost(node) => {
                self.pool.lost(node);
                self.acts.push_back(Act::Dial(node, Duration::ZERO));
                self.flights_lost(node);
                self.feeds_lost(node);
                self.pool_changed();
            }
            Heard::Answer(flight, data) => self.landed(flight, Ok(data)),
            Heard::Frame(watch, frame) => self.on_frame(watch, &frame),
            Heard::WatchOver(watch) => self.feed_over(watch),
            Heard::Written => self.written(),
            Heard::Wake => self.wake(),
            Heard::Pay(intent) => self.gather(intent),
            Heard::Audit => self.audit(),
        }
        self.follow();
        self.give_up();
    }

    /// Nodes came or went: those who wait for that go on.
    fn pool_changed(&mut self) {
        self.ask_again(|_| true);
        self.feed_nodes();
    }

    fn wake(&mut self) {
        if self.wake_at.is_some_and(|at| at <= self.now) {
            self.wake_at = None;
        }
        self.flights_late();
        self.asking_late();
        let now = self.now;
        self.ask_again(|asking| asking.again_at.is_some_and(|at| at <= now));
        self.tick();
    }

    /// Leaves off when nothing can become of it for now, as the session does.
    fn give_up(&mut self) {
        if self.give_up_at().is_some_and(|at| at <= self.now) && !self.desk.is_writing() {
            self.acts.push_back(Act::Close);
        }
    }

    fn give_up_at(&mut self) -> Option<Duration> {
        if !self.desk.is_open() {
            self.desk.stuck_since = None;
            return None;
        }
        let is_stuck = self.pool.quorum().is_lost() || self.desk.all_are_refused();
        let stuck_since = is_stuck.then(|| self.desk.stuck_since.unwrap_or(self.now));
        self.desk.stuck_since = stuck_since;
        let limit = self.desk.busy_since + patience::PAYMENT;
        Some(stuck_since.map_or(limit, |since| limit.min(since + patience::STUCK)))
    }

    /// When to wake it next.
    pub(super) fn due(&mut self) -> Option<Duration> {
        let flights = self.flights.values().map(|flight| flight.until);
        let asking = self.asking.values().filter_map(Asking::due);
        let feeds = self.feeds.iter().filter_map(Feed::due);
        // While the journal is written nothing of the payments goes on.
        let is_writing = self.desk.is_writing();
        let machines = self.desk.wake_at_ms().filter(|_| !is_writing);
        let machines =
            machines.map(|at| Duration::from_millis(at.saturating_sub(self.me.clock_ms)));
        let first = flights.chain(asking).chain(feeds).chain(machines).min();
        let give_up_at = self.give_up_at().filter(|_| !is_writing);
        first.into_iter().chain(give_up_at).min()
    }

    /// Its condition, for people.
    pub(super) fn state(&self) -> String {
        let nodes = self.pool.ranked();
        format!("asks {nodes:?}, {}", self.desk.state())
    }

    /// Whether it does anything that must come to an end.
    pub(super) fn is_busy(&self) -> bool {
        self.desk.is_open()
            || self.desk.is_gathering()
            || self.desk.is_writing()
            || self.is_auditing()
    }
}
