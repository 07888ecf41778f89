//! Starting: the last checkpoint, the blocks after it, the height that was under way.
//!
//! Order: the state is rebuilt and held against the certified header before anything else is done; an
//! unsound store stops the node here.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::commit::{CheckpointPace, Pending, index_of};
use super::effect::{Effect, Moment};
use super::perform::mark_of_guard;
use super::timers::TimerKey;
use super::wire::FinalBlock;
use super::{Books, Hands, Head, Identity, Replica};
use crate::chain::codec::{Decode, DecodeError};
use crate::chain::genesis::Genesis;
use crate::chain::key::SecretKey;
use crate::chain::ledger::{Ledger, Restoration, Tip};
use crate::chain::query::{Certified, Trust};
use crate::consensus::{Engine, Settings as EngineSettings, Timing};
use crate::mutation::{self, Mutation};
use crate::store::{Store, StoreError};

/// What a replica is made of.
pub struct Settings {
    /// The network.
    pub genesis: Arc<Genesis>,
    /// The node's key.
    pub key: SecretKey,
    /// Chance: from the system in a node, from the seed in a simulation.
    pub seed: [u8; 32],
    /// The timeouts of agreement.
    pub timing: Timing,
    /// When a checkpoint is written: sooner in a simulation, so that there are some.
    pub pace: CheckpointPace,
}

/// Why a node cannot start from its store.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store's own.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record cannot be read.
    #[error("the block log is damaged at height {height}: {error}; {NEXT_STEP}")]
    Record {
        /// The height.
        height: u64,
        /// What is wrong.
        error: DecodeError,
    },
    /// The state is not what the quorum certified.
    #[error("the state at height {height} is not the certified one: {reason}; {NEXT_STEP}")]
    State {
        /// The height.
        height: u64,
        /// What does not fit.
        reason: String,
    },
}

const NEXT_STEP: &str = "move the folder `store` aside and keep the file `signed.guard` of it: the node will fetch the chain from its peers";

impl Replica {
    /// Rebuilds the node from its store. Perform the effects before anything else.
    ///
    /// # Errors
    /// A [`StartError`]; the store is then as it was.
    pub fn open(
        settings: Settings,
        store: &Store,
        now: Moment,
    ) -> Result<(Self, Vec<Effect>), StartError> {
        let (books, head) = restore(&settings, store)?;
        let genesis = settings.genesis;
        let key = settings.key.public();
        let validators = Arc::new(books.ledger.validators().clone());
        let height = head.tip.height.saturating_add(1);
        let engine = Engine::new(EngineSettings {
            genesis: genesis.hash(),
            key: settings.key,
            validators: validators.clone(),
            height,
            guard: store.guard_last().map(mark_of_guard),
            timing: settings.timing,
        });
        let mut replica = Self {
            identity: Identity {
                key,
                genesis_hash: genesis.hash(),
                is_validator: validators.contains(&key.address()),
            },
            head,
            books,
            engine,
            round: Default::default(),
            mempool: Default::default(),
            intake: Default::default(),
            peers: Default::default(),
            catchup: Default::default(),
            watchers: Default::default(),
            timers: Default::default(),
            hands: Hands {
                effects: Vec::new(),
                now,
                random: StdRng::from_seed(settings.seed),
            },
        };
        replica.on_validators_changed();
        replica
            .timers
            .set(TimerKey::Poll, now.elapsed + Duration::from_millis(500));
        let log = store.wal_entries(height)?;
        if !log.is_empty() {
            replica.begin(log);
        }
        replica.settle();
        let effects = std::mem::take(&mut replica.hands.effects);
        Ok((replica, effects))
    }
}

/// The state of the last checkpoint, moved on by the blocks after it.
fn restore(settings: &Settings, store: &Store) -> Result<(Books, Head), StartError> {
    let genesis: &Genesis = &settings.genesis;
    let pace = settings.pace;
    let mut state = Restoration::default();
    let checkpoint = store.load_checkpoint(|key, value| state.take(key, value))?;
    let mut head = Head {
        tip: Tip::genesis(genesis),
        certified: None,
        committed_at: None,
    };
    let mut books = match checkpoint {
        None => {
            let ledger = Ledger::from_genesis(genesis);
            Books {
                pending: Pending::all(&ledger),
                ledger,
                checkpoint_height: 0,
                pace,
                checkpoint_is_running: false,
            }
        }
        Some(checkpoint) => {
            let height = checkpoint.height;
            let ledger = state.finish(genesis).map_err(|error| StartError::State {
                height,
                reason: error.to_string(),
            })?;
            let record = store.block(height)?.ok_or_else(|| StartError::State {
                height,
                reason: "the block log has no such block".to_owned(),
            })?;
            let record = read(height, &record)?;
            hold(&ledger, &record)?;
            head = head_of(record);
            Books {
                ledger,
                pending: Pending::default(),
                checkpoint_height: height,
                pace,
                checkpoint_is_running: false,
            }
        }
    };
    for record in store.blocks_after(head.tip.height)? {
        let (height, bytes) = record?;
        let record = read(height, &bytes)?;
        let wrong = |reason: String| StartError::State { height, reason };
        let execution = books
            .ledger
            .validate(&head.tip, &record.block)
            .map_err(|error| wrong(error.to_string()))?;
        store.reindex(height, &index_of(&execution))?;
        books.note_changes(&execution);
        books
            .ledger
            .commit(execution.changes)
            .map_err(|fault| wrong(fault.to_string()))?;
        head = head_of(record);
    }
    // The blocks are chained by their parents, so the last certificate vouches for all of them.
    if let Some(certified) = &head.certified {
        certified
            .verify(&Trust::new(genesis))
            .map_err(|error| StartError::State {
                height: head.tip.height,
                reason: error.to_string(),
            })?;
    }
    Ok((books, head))
}

fn read(height: u64, bytes: &[u8]) -> Result<FinalBlock, StartError> {
    FinalBlock::from_bytes(bytes).map_err(|error| StartError::Record { height, error })
}

fn head_of(record: FinalBlock) -> Head {
    Head {
        tip: Tip::after(&record.block.header),
        certified: Some(Certified {
            header: record.block.header,
            certificate: record.certificate,
        }),
        committed_at: None,
    }
}

fn hold(ledger: &Ledger, record: &FinalBlock) -> Result<(), StartError> {
    let header = &record.block.header;
    let root = ledger.state_root();
    if root == header.state_root || mutation::is_on(Mutation::RootUnheld) {
        return Ok(());
    }
    Err(StartError::State {
        height: header.height,
        reason: format!("its root is {root}, the header says {}", header.state_root),
    })
}
