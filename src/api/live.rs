//! What is new: follows the chain, remembers the newest blocks and payments, and speaks to all who listen.
//!
//! An event is written once for everybody. A listener who falls too far behind is cut off, and asks again. A chain that
//! runs faster than it is followed here is followed from its end: nothing waits for us.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::{interval, sleep};

use super::{network, show};
use crate::chain::codec::Decode as _;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::query::{Answer, Query};
use crate::chain::transaction::Operation;
use crate::node::window::{FinalBlock, View};

/// Blocks that are remembered: so many can be found by their hash.
pub const REMEMBERED: usize = 4_096;
/// Payments that are remembered.
pub const PAYMENTS: usize = 100;
/// Blocks over which votes are counted.
pub const COUNTED: usize = 100;
/// Blocks read in one step.
const STEP: u64 = 16;
/// Events that may wait for a listener.
const EVENTS: usize = 256;
/// Payments of one block that are told as events; the block's own event says how many there are.
const TOLD: usize = 16;
/// Accounts whose names are asked for in one step.
const NAMED: usize = 16;
/// Names that are remembered.
const NAMES: usize = 50_000;
/// Between two looks at what is new: so long a block may wait to be shown.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(10);

/// What is remembered of a block.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its time.
    pub time_ms: u64,
    /// Who proposed it.
    pub proposer: Address,
    /// In which round it was decided.
    pub round: u32,
    /// How many transactions it has.
    pub transactions: usize,
    /// The places of those who signed, in the set of validators.
    pub signed_by: Vec<u16>,
}

impl Summary {
    /// Of a block.
    pub fn of(found: &FinalBlock) -> Self {
        let header = &found.block.header;
        let signatures = &found.certificate.signatures;
        Self {
            height: header.height,
            hash: header.id(),
            time_ms: header.time_ms,
            proposer: header.proposer,
            round: found.certificate.round,
            transactions: found.block.transactions.len(),
            signed_by: signatures.iter().map(|one| one.validator).collect(),
        }
    }
}

#[derive(Default)]
struct Recent {
    /// Newest last, without a gap.
    blocks: VecDeque<Summary>,
    heights: HashMap<Hash, u64>,
    /// Newest first.
    payments: VecDeque<Value>,
    names: HashMap<Address, Option<Name>>,
}

/// What is new.
pub struct Live {
    recent: Mutex<Recent>,
    events: broadcast::Sender<Bytes>,
}

impl Live {
    /// With the names of the genesis.
    pub fn new(view: &View) -> Self {
        let accounts = &view.bootstrap().genesis().accounts;
        let names = accounts.iter().filter(|one| one.name.is_some());
        let names = names.map(|one| (one.address, one.name.clone())).take(NAMES);
        Self {
            recent: Mutex::new(Recent {
                names: names.collect(),
                ..Recent::default()
            }),
            events: broadcast::channel(EVENTS).0,
        }
    }

    /// Everything from now on.
    pub fn listen(&self) -> broadcast::Receiver<Bytes> {
        self.events.subscribe()
    }

    /// The newest blocks, newest first.
    pub fn newest(&self, count: usize) -> Vec<Summary> {
        self.recent()
            .blocks
            .iter()
            .rev()
            .take(count)
            .cloned()
            .collect()
    }

    /// The height of a remembered block.
    pub fn height_of(&self, hash: &Hash) -> Option<u64> {
        self.recent().heights.get(hash).copied()
    }

    /// The newest payments, newest first.
    pub fn payments(&self, count: usize) -> Vec<Value> {
        self.recent().payments.iter().take(count).cloned().collect()
    }

    /// An account's name, as far as it is remembered.
    pub fn name_of(&self, address: &Address) -> Option<Name> {
        self.recent().names.get(address).cloned().flatten()
    }

    /// Remembers whether an account has a name.
    pub fn remember_name(&self, address: Address, name: Option<Name>) {
        let names = &mut self.recent().names;
        if names.len() >= NAMES && !names.contains_key(&address) {
            names.clear();
        }
        names.insert(address, name);
    }

    /// An account's name, asked for if it is not remembered; none if the node is busy.
    pub async fn ask_name(&self, view: &View, address: Address) -> Option<Name> {
        if let Some(known) = self.recent().names.get(&address) {
            return known.clone();
        }
        let answer = view.ask(&Query::Account(address)).await.ok()?;
        let Ok(Answer::Account(answer)) = Answer::from_bytes(&answer) else {
            return None;
        };
        let name = answer.account.and_then(|account| account.name);
        self.remember_name(address, name.clone());
        name
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, kind: &str, value: &Value) {
        // Nobody may be listening.
        let _ = self.events.send(frame(kind, value));
    }

    fn add(&self, summary: Summary) {
        let mut recent = self.recent();
        let follows = recent.blocks.back();
        if follows.is_some_and(|last| last.height.checked_add(1) != Some(summary.height)) {
            recent.blocks.clear();
            recent.heights.clear();
        }
        recent.heights.insert(summary.hash, summary.height);
        recent.blocks.push_back(summary);
        if recent.blocks.len() > REMEMBERED
            && let Some(oldest) = recent.blocks.pop_front()
        {
            recent.heights.remove(&oldest.hash);
        }
    }

    fn add_payment(&self, payment: Value) {
        let mut recent = self.recent();
        recent.payments.push_front(payment);
        recent.payments.truncate(PAYMENTS);
    }
}

/// One event, as it goes over the wire.
pub fn frame(kind: &str, value: &Value) -> Bytes {
    format!("event: {kind}\ndata: {value}\n\n").into()
}

/// Follows the chain for as long as the node lives.
pub async fn follow(view: View, live: Arc<Live>) {
    let mut condition = view.condition();
    let mut beat = interval(BEAT);
    let mut told = Value::Null;
    let now = condition.borrow_and_update().height;
    let mut next = now.saturating_sub(REMEMBERED as u64 - 1).max(1);
    let mut is_new = false;
    loop {
        let height = condition.borrow_and_update().height;
        while next <= height {
            // Order: what was there before is remembered and not told.
            is_new |= next > now;
            if is_new && height - next >= STEP {
                next = height - STEP + 1;
            }
            let Ok(blocks) = view.blocks(next..=height.min(next + STEP - 1)).await else {
                break;
            };
            if blocks.is_empty() {
                break;
            }
            for found in blocks {
                next = found.block.header.height + 1;
                take(&view, &live, &found, is_new || height - next < STEP).await;
            }
            // Others have their turn, also while the past is read.
            tokio::task::yield_now().await;
        }
        let status = network::summary(&view, &live);
        if status != told {
            live.tell("status", &status);
            told = status;
        }
        tokio::select! {
            changed = condition.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            _ = beat.tick() => live.tell("beat", &Value::Null),
        }
        sleep(PAUSE).await;
    }
}

async fn take(view: &View, live: &Live, found: &FinalBlock, is_shown: bool) {
    let summary = Summary::of(found);
    let validators = &view.bootstrap().genesis().validators;
    let block = show::summary(&summary, validators, view.bootstrap());
    live.add(summary);
    for one in &found.block.transactions {
        if let Operation::ClaimName { name } = &one.transaction.operation {
            live.remember_name(one.transaction.sender, Some(name.clone()));
        }
    }
    if !is_shown {
        return;
    }
    live.tell("block", &block);
    let mut asked = 0;
    for (index, one) in found.block.transactions.iter().enumerate().take(TOLD) {
        let transaction = &one.transaction;
        for party in [Some(transaction.sender), transaction.payee()]
            .into_iter()
            .flatten()
        {
            if asked < NAMED && !live.recent().names.contains_key(&party) {
                asked += 1;
                live.ask_name(view, party).await;
            }
        }
        let mut payment = show::transaction(transaction, live);
        show::place(&mut payment, &found.block.header, index);
        live.tell("payment", &payment);
        live.add_payment(payment);
    }
}
