//! The whole node as one deterministic machine, without IO.
//!
//! [`Replica::handle`] takes one [`Input`] and the time, and gives ordered [`Effect`]s; `node/` performs
//! them against the real network and disk, a simulator against others. It composes ledger, agreement,
//! mempool, catching up and the service to wallets; each kind of input has its own file. It must never
//! let anything leave that is not durable or not checked. Past blocks are read from the store, which
//! holds just what earlier effects put there.
//!
//! Read next: `effect.rs` for the language, `agree.rs` for a height's course.

mod admit;
mod agree;
mod catchup;
mod commit;
mod effect;
mod herald;
mod inspect;
mod peers;
mod perform;
mod service;
mod start;
#[cfg(test)]
mod tests;
mod timers;
mod transcript;
pub mod wire;

use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::rngs::StdRng;

#[cfg(test)]
pub(crate) use commit::all_entries;
pub use commit::{CheckpointPace, index_of};
pub use effect::{
    Condition, Effect, GossipId, Halt, Input, Moment, Note, Peer, RequestId, Tag, Verdict, WatchId,
};
pub use inspect::{CheckId, CheckJob, FULL_CHECK, check};
pub use perform::{Stored, perform};
pub use service::stored_answer;
pub use start::{Settings, StartError};

use crate::chain::block::BlockId;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::ledger::{Execution, Ledger, Tip};
use crate::chain::query::Certified;
use crate::consensus::Engine;
use crate::mempool::Mempool;
use crate::store::Store;

use admit::Outbox;
use catchup::Catchup;
use commit::Pending;
use herald::Watchers;
use inspect::Inspection;
use peers::Peers;
use timers::{TimerKey, Timers};
use transcript::Transcript;

/// Who we are, and on which network.
struct Identity {
    key: PublicKey,
    genesis_hash: Hash,
    is_validator: bool,
}

impl Identity {
    fn address(&self) -> Address {
        self.key.address()
    }
}

/// The last block: where the next one stands, and its proof (none before the first).
struct Head {
    tip: Tip,
    certified: Option<Certified>,
    /// When it was committed here; `None` if that was before the start.
    committed_at: Option<std::time::Duration>,
}

/// The state, and what of it is not yet in a checkpoint.
struct Books {
    ledger: Ledger,
    pending: Pending,
    checkpoint_height: u64,
    pace: CheckpointPace,
    checkpoint_is_running: bool,
}

/// What is known of the height under way.
#[derive(Default)]
struct Round {
    /// Blocks executed on the side, by identity; `None` for those that are not valid.
    judged: BTreeMap<BlockId, Option<Execution>>,
    /// Our turn to propose, and nothing to propose yet.
    awaited_build: Option<(u64, u32)>,
    /// Messages of this height, for who missed some; and proposals of the next.
    transcript: Transcript,
}

/// What comes in and goes on to others.
#[derive(Default)]
struct Intake {
    inspection: Inspection,
    outbox: Outbox,
}

/// The node's machine. See the module's text.
pub struct Replica {
    identity: Identity,
    head: Head,
    books: Books,
    engine: Engine,
    round: Round,
    mempool: Mempool,
    intake: Intake,
    peers: Peers,
    catchup: Catchup,
    watchers: Watchers,
    timers: Timers,
    hands: Hands,
}

/// What a step gives, and the chance it may use.
struct Hands {
    effects: Vec<Effect>,
    now: Moment,
    random: StdRng,
}

impl Hands {
    fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// A salt for what is said again; see [`wire::gossip`].
    fn salt(&mut self) -> u32 {
        self.random.random_range(1..=u32::MAX)
    }
}

impl Replica {
    /// Whether an account is in the ledger.
    pub fn knows(&self, account: &Address) -> bool {
        self.books.ledger.has_account(account)
    }

    /// Takes one input at a time; `now` never goes back. Perform the effects in order; if one of the
    /// storage effects fails, stop without performing the rest.
    pub fn handle(&mut self, input: Input, now: Moment, store: &Store) -> Vec<Effect> {
        self.hands.now = now;
        match input {
            Input::Tick => {}
            Input::Gossip {
                id,
                from,
                topic,
                data,
            } => self.on_gossip(id, from, topic, &data),
            Input::Request {
                id,
                from,
                service,
                data,
            } => self.on_request(id, from, service, &data, store),
            Input::Reply { tag, from, data } => self.on_reply(tag, from, data),
            Input::PeerUp { peer, role, height } => self.on_peer_up(peer, role, height),
            Input::PeerHeight { peer, height } => self.on_peer_height(peer, height),
            Input::PeerDown { peer } => self.on_peer_down(peer),
            Input::WatchOpened { watch, data } => self.on_watch_opened(watch, &data),
            Input::WatchClosed { watch } => self.watchers.close(watch),
            Input::Checked {
                check,
                transactions,
                good,
            } => self.on_checked(check, transactions, &good),
            Input::CheckpointWritten { height } => {
                self.books.checkpoint_height = height;
                self.books.checkpoint_is_running = false;
            }
        }
        for key in self.timers.due(now.elapsed) {
            self.on_timer(key);
        }
        self.settle();
        std::mem::take(&mut self.hands.effects)
    }

    /// When [`Input::Tick`] is wanted at the latest, on [`Moment::elapsed`]'s scale.
    pub fn next_deadline(&self) -> Option<std::time::Duration> {
        self.timers.next()
    }

    /// The height of the last final block; 0 before the first.
    pub fn height(&self) -> u64 {
        self.head.tip.height
    }

    /// The state's root after the last final block.
    pub fn state_root(&self) -> Hash {
        self.books.ledger.state_root()
    }

    /// The state after the last final block.
    pub fn ledger(&self) -> &Ledger {
        &self.books.ledger
    }

    /// How many blocks of the height under way were executed on the side, and are kept.
    #[cfg(test)]
    pub(crate) fn judged_blocks(&self) -> usize {
        self.round.judged.len()
    }

    /// Everything known of the node's condition.
    pub fn status(&self) -> Condition {
        let validators = self.books.ledger.validators();
        Condition {
            height: self.height(),
            round: self.engine.round(),
            is_validator: self.identity.is_validator,
            is_voting: self.engine.is_voting(),
            validators: u32::try_from(validators.count()).unwrap_or(u32::MAX),
            validators_up: self.validators_up(),
            validators_needed: u32::try_from(validators.quorum_count()).unwrap_or(u32::MAX),
            waiting: u32::try_from(self.mempool.len()).unwrap_or(u32::MAX),
            best_known_height: self.peers.best_height().max(self.height()),
        }
    }

    /// Brings agreement to rest: performs what the engine wants, begins a height if there is reason.
    fn settle(&mut self) {
        loop {
            self.drain_engine();
            if !self.begin_if_due() {
                break;
            }
        }
        if let Some(fault) = self.engine.fault() {
            let fault = fault.clone();
            self.hands.emit(Effect::Halt(Halt::Agreement(fault)));
        }
    }

    fn on_timer(&mut self, key: TimerKey) {
        match key {
            TimerKey::Engine(timer) => self.engine.timeout(timer),
            TimerKey::Build => self.build_if_awaited(true),
            TimerKey::Outbox => self.send_outbox(),
            TimerKey::Retell => self.retell_waiting(),
            TimerKey::Heartbeat => {}
            TimerKey::Ask => self.ask_for_missing(),
            TimerKey::Poll => self.poll_a_peer(),
            TimerKey::Herald => self.tell_some(),
        }
    }
}
