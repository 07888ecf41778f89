//! The hands of a wallet: connections to the bootstrap nodes, and questions that are answered with proofs.
//!
//! ```text
//! Session::open(SessionConfig::new(bootstrap)) -> dials every bootstrap node at once; ready with the first that proves its tip
//!   .account(address)  .resolve(name)  .network()  .history(address, at_most)  .transaction(id)  .block(height)   proven
//!   .watch(addresses)  -> Watch::next() -> WatchEvent: blocks and the accounts' activities, verified, without a gap
//!   .nodes()           -> every bootstrap node: round trip, height, reachable or not and why, whether it lied
//!   .quorum() .newest() .freshness()
//!   .whereabouts(patience)  .reach(peer, patience)   where this session is found, and the way to another
//!   .plan(purse, sender, intent) -> Plan (resolved and judged: to be shown and confirmed; nothing is signed)
//!   .look_up(whom) .everybody() -> cards: who is where, both signatures checked; hearsay all the same
//!   .appear(account, published): the session's own card, renewed until it closes, then withdrawn
//!   .pay(purse, secret, intent, progress) -> Outcome: the payment with its end, or not final yet
//!   .hand_over(purse, secret, order)   with no node at hand: signed, kept, and told to the payee
//!   .voucher(key) .own_vouchers(account) .claim_by(account, key)   vouchers, proven; opened, claimed and taken back by .pay
//!   .resume_pending(purse, progress) -> the ends of what an earlier run left open
//!   .deal(desk) -> Dealt events: requests, notices, receipts and thanks from and to other wallets; .deal_with(act) .book()
//!   .close()
//! ```
//! A [`Purse`] is an open profile with its journal: a payment is in it, on the disk, before its first byte is sent.
//! Every wait has a deadline; a node that fails or lies in the middle of a question is replaced by the next.
//!
//! Never: return anything about the chain that `wallet/light.rs` has not verified (but for what is called hearsay).
//! Next: `wallet/pool.rs` (whom to ask), `ask.rs` (asking), `pay/` (a payment to its end).

mod appear;
mod ask;
mod dealings;
mod directory;
mod error;
mod facts;
mod pay;
mod purse;
mod reach;
mod report;
mod task;
mod vouchers;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

pub use crate::wallet::pool::{Quorum, UsedAs};
pub use appear::Published;
pub use dealings::{Dealt, Desk};
pub use directory::Whom;
pub use error::{SessionError, Tried};
pub use facts::{History, MAX_HISTORY};
pub use pay::{HandOver, Intent, Outcome, Plan, Progress, Recipient, Terms};
pub use purse::Purse;
pub use reach::{Reached, peer_id};
pub use report::NodeReport;
pub use vouchers::{OwnVoucher, VoucherClaim, VoucherState};
pub use watch::{Watch, WatchEvent};

use self::appear::Appearance;
use self::dealings::Counter;
use crate::behaviour::{PeerId, Role, identity};
use crate::chain::key::SecretKey;
use crate::chain::name::Name;
use crate::chain::query::Moment;
use crate::directory::address::{Ground, Scope};
use crate::directory::bootstrap::Bootstrap;
use crate::node::clock;
use crate::node::network::{self, NetworkConfig, NetworkHandle, ReachConfig};
use crate::wallet::light::{Freshness, LightClient};
use crate::wallet::patience;
use crate::wallet::payment::NodeIndex;
use crate::wallet::pool::Pool;

/// How long the session waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the first node has proven its tip.
    pub opening: Duration,
    /// Until a question is answered by any node.
    pub question: Duration,
    /// Until a payment that cannot go on is left for later: too few nodes up, or refused by those asked.
    pub patience: Duration,
    /// Until any payment without an end is left for later.
    pub payment: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            opening: Duration::from_secs(6),
            question: patience::QUESTION,
            patience: patience::STUCK,
            payment: patience::PAYMENT,
        }
    }
}

/// After every node could not be dialled, how long a session that opens waits for one that can after all: the
/// dialler's first pause, and a handshake.
const ONCE_MORE: Duration = Duration::from_millis(1500);

/// Where a session listens that shall be found: one port for each transport, which it dials from as well, so that
/// routers see one machine.
const EVERYWHERE: [&str; 2] = ["/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/tcp/0"];

/// What a session is opened with.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The network: what to trust, and whom to ask.
    pub bootstrap: Bootstrap,
    /// A height that is remembered as proven; nothing older is believed. 0 if nothing is remembered.
    pub floor: u64,
    /// How long to wait.
    pub limits: Limits,
    /// How much is done so that other wallets find this session. By default nothing: it listens nowhere.
    pub reach: ReachConfig,
}

impl SessionConfig {
    /// A session with this network, with nothing remembered and the usual limits.
    pub fn new(bootstrap: Bootstrap) -> Self {
        Self {
            bootstrap,
            floor: 0,
            limits: Limits::default(),
            reach: ReachConfig::default(),
        }
    }
}

/// An open session; cloning gives another hand on the same one. It ends with [`Session::close`] or the last clone.
#[derive(Debug, Clone)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    network: NetworkHandle,
    bootstrap: Bootstrap,
    limits: Limits,
    light: Mutex<LightClient>,
    pool: Mutex<Pool>,
    /// Counts the pool's changes, for those who wait for one.
    changed: tokio::sync::watch::Sender<u64>,
    /// The key of the peer that this session is.
    peer: SecretKey,
    appearance: Mutex<Option<Appearance>>,
    /// Where it deals with other wallets, if it does.
    counter: OnceLock<Arc<Counter>>,
}

impl Session {
    /// Dials every bootstrap node at once, under a peer identity drawn for this session, and returns when the first has
    /// proven its tip. The others join as they come.
    ///
    /// # Errors
    /// [`SessionError::NoNode`] names every node and why not, as soon as all have failed or the time is up;
    /// [`SessionError::Network`], [`SessionError::Bootstrap`].
    pub async fn open(config: SessionConfig) -> Result<Self, SessionError> {
        let session = Self::start(config).await?;
        session.ready().await?;
        Ok(session)
    }

    /// As [`Session::open`], but returns before any node has answered: for lists of nodes, and for programs that wait
    /// for a network to come up. See [`Session::ready`].
    ///
    /// # Errors
    /// [`SessionError::Network`], [`SessionError::Bootstrap`].
    pub async fn start(config: SessionConfig) -> Result<Self, SessionError> {
        let bootstrap = config.bootstrap;
        let light = LightClient::new(bootstrap.genesis(), config.floor);
        let network_name =
            bootstrap
                .network()
                .parse()
                .map_err(|error| SessionError::Bootstrap {
                    reason: format!("{error}"),
                })?;
        let nodes = bootstrap.nodes();
        let validators = nodes.iter().filter(|node| node.validator);
        let peer = SecretKey::from_seed(&rand::random());
        let (network, events) = network::start(NetworkConfig {
            identity: identity::keypair(*peer.to_seed()),
            network_name,
            genesis: light.genesis().0,
            role: Role::Wallet,
            version: concat!("natcoin/", env!("CARGO_PKG_VERSION")).to_owned(),
            boot_nonce: rand::random(),
            height: config.floor,
            listen: match config.reach.be_reached {
                true => EVERYWHERE.iter().flat_map(|text| text.parse()).collect(),
                false => Vec::new(),
            },
            bootstrap: nodes
                .iter()
                .map(|node| (node.peer_id, node.addresses.clone()))
                .collect(),
            validators: validators.map(|node| node.peer_id).collect(),
            reach: config.reach,
        })
        .await?;
        let inner = Arc::new(Inner {
            network,
            limits: config.limits,
            light: Mutex::new(light),
            pool: Mutex::new(Pool::new(
                nodes.iter().map(|node| node.validator),
                bootstrap.genesis().validators.quorum_count(),
            )),
            changed: tokio::sync::watch::Sender::new(0),
            peer,
            appearance: Mutex::new(None),
            counter: OnceLock::new(),
            bootstrap,
        });
        tokio::spawn(task::run(Arc::downgrade(&inner), events));
        Ok(Self(inner))
    }

    /// Waits until a node can be asked, at most [`Limits::opening`].
    ///
    /// # Errors
    /// [`SessionError::NoNode`].
    pub async fn ready(&self) -> Result<(), SessionError> {
        let deadline = clock_now() + self.0.limits.opening;
        let mut changed = self.0.changed.subscribe();
        let mut given_up = None;
        loop {
            changed.borrow_and_update();
            {
                let pool = self.0.pool();
                if !pool.ranked().is_empty() {
                    return Ok(());
                }
                // A machine that is short of time misses every deadline at once: each node is dialled once more.
                given_up = match pool.is_hopeless() {
                    true => given_up.or(Some(clock_now() + ONCE_MORE)),
                    false => None,
                };
            }
            let until = given_up.map_or(deadline, |at| deadline.min(at));
            if timeout_at(until, changed.changed()).await.is_err() {
                break;
            }
        }
        Err(self.0.no_node(&Default::default()))
    }

    /// The network that this session is with.
    pub fn bootstrap(&self) -> &Bootstrap {
        &self.0.bootstrap
    }

    /// The newest moment proven so far. Its height is what a caller may remember as [`SessionConfig::floor`].
    pub fn newest(&self) -> Moment {
        self.0.light().newest()
    }

    /// Whether the newest moment may be old, by this machine's clock.
    pub fn freshness(&self) -> Freshness {
        self.0.light().freshness(clock::unix_ms())
    }

    /// Whether no node can be asked now.
    pub fn no_node_is_there(&self) -> bool {
        self.0.pool().ranked().is_empty()
    }

    /// How many validators are up.
    pub fn quorum(&self) -> Quorum {
        self.0.pool().quorum()
    }

    /// Closes the connections, so that the nodes notice at once. Everything asked fails from then on.
    ///
    /// A card that was published is withdrawn first, which takes a moment.
    pub async fn close(&self) {
        self.0.disappear().await;
        self.0.network.shutdown().await;
        self.0.change(|_| {});
    }
}

impl Inner {
    /// The pool; never held across an await.
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The light client; never held across an await.
    fn light(&self) -> MutexGuard<'_, LightClient> {
        self.light.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a node; `None` for peers that are not of the bootstrap file.
    fn index_of(&self, peer: &PeerId) -> Option<NodeIndex> {
        let mut nodes = self.bootstrap.nodes().iter();
        let position = nodes.position(|node| node.peer_id == *peer)?;
        u16::try_from(position).ok().map(NodeIndex)
    }

    fn peer_of(&self, node: NodeIndex) -> Option<PeerId> {
        let node = self.bootstrap.nodes().get(usize::from(node.0))?;
        Some(node.peer_id)
    }

    fn name_of(&self, node: NodeIndex) -> Option<Name> {
        let node = self.bootstrap.nodes().get(usize::from(node.0))?;
        Some(node.name.clone())
    }

    /// How far an address must reach to be of use in this network.
    fn network_scope(&self) -> Scope {
        let nodes = self.bootstrap.nodes().iter();
        Ground::of(nodes.flat_map(|node| &node.addresses)).scope()
    }

    /// Changes the pool and wakes those who wait for that.
    fn change(&self, change: impl FnOnce(&mut Pool)) {
        change(&mut self.pool());
        self.changed
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Now, for tokio's timers.
fn clock_now() -> Instant {
    Instant::from_std(clock::now())
}
