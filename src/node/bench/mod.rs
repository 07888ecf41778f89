//! A load on a real network: what one machine carries, and what it costs.
//!
//! ```text
//! load.rs     payments signed before anything starts          limit.rs    what the signatures alone would allow
//! nodes.rs    the nodes: in this process, or one each         links.rs    real peers in the role of wallets
//! drive.rs    hands payments in at their time                 observe.rs  proves blocks as a wallet does
//! book.rs     what became of each payment (pure)              figures.rs  what it comes to
//! usage.rs    processor time, memory, disk                    gauge.rs    how far it is, and the wish to end
//! ```
//! A payment is final when the block that holds it is proven: its certificate by the light client, its place by the
//! transactions root over the whole block. Its time runs from when it was meant to be handed in, so that a network that is
//! late cannot hide it by slowing the load down.
//!
//! Never: leave out a check that a node or a wallet makes. Begin with [`run`].

mod book;
mod drive;
mod error;
mod figures;
mod gauge;
mod limit;
mod links;
mod load;
mod nodes;
mod observe;
mod turns;
mod usage;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub use self::error::BenchError;
pub use self::figures::{Cost, Course, Figures, histogram};
pub use self::gauge::{Gauge, Phase};

use self::drive::Pace;
use self::links::Links;
use self::load::{Load, Town};
use self::nodes::Nodes;
use crate::chain::genesis::MAX_GENESIS_ACCOUNTS;
use crate::wallet::light::LightClient;

/// How many nodes there may be.
pub const NODES: RangeInclusive<u64> = 1..=16;
/// How many wallets: each must have somebody to pay, and all stand in the genesis.
pub const WALLETS: RangeInclusive<u64> = 2..=(MAX_GENESIS_ACCOUNTS as u64);
/// How many payments may be asked for in a second.
pub const RATES: RangeInclusive<u64> = 1..=100_000;
/// How long a load may last.
pub const MAX_DURATION: Duration = Duration::from_secs(60 * 60);
/// How many payments are signed in advance at most: about 300 bytes each.
pub const MAX_PAYMENTS: u64 = 2_000_000;

/// Payments that are open at a time when as many are handed in as are carried: enough that no node waits for work.
const WINDOW: usize = 4_000;
/// Of these, of one wallet; a node lets 64 wait.
const WINDOW_OF_WALLET: usize = 16;
/// Of what the signatures allow, the most that could be final. A load that should be as large as it can be has so much.
const MOST_SHARE: f64 = 0.8;
/// Blocks that may wait to be entered in the book.
const PROVEN_BLOCKS: usize = 64;

/// How many payments are handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// So many a second, come what may.
    PerSecond(u32),
    /// As many as are carried.
    Max,
}

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct BenchConfig {
    /// Where the nodes' homes are made; it is empty or not there.
    pub folder: PathBuf,
    /// Nodes, as [`NODES`]; all of them validators.
    pub nodes: usize,
    /// Wallets, as [`WALLETS`].
    pub wallets: usize,
    /// How many payments.
    pub rate: Rate,
    /// For how long.
    pub duration: Duration,
    /// The program that is started for each node; none if all run in this process.
    pub program: Option<PathBuf>,
}

/// Runs it all, and ends when every node has ended. It takes the thread that calls, which must not be one of a runtime.
///
/// # Errors
/// A [`BenchError`]; [`BenchError::Ended`] if [`Gauge::end`] came before the load.
pub fn run(config: &BenchConfig, gauge: &Gauge) -> Result<Figures, BenchError> {
    let town = Town::new(config.nodes, config.wallets);
    let mut load = Load::new(&town)?;
    gauge.enter(Phase::Signing);
    load.sign(limit::sample(), gauge)?;
    gauge.enter(Phase::Limit);
    let limit_per_s = limit::measure(&load, config.nodes)?;
    gauge.enter(Phase::Signing);
    load.sign(wanted(config, limit_per_s), gauge)?;
    gauge.enter(Phase::Starting);
    let load = Arc::new(load);
    // Order: the book and its tables before the nodes, so that what they take is not taken for the nodes'.
    let book = book::Book::new(load.count(), load.wallets());
    let mut nodes = Nodes::start(config, &town, gauge)?;
    let measured = measure(config, gauge, &load, book, limit_per_s, &mut nodes);
    gauge.enter(Phase::Ending);
    let ended = nodes.stop();
    let (course, mut cost, links) = measured?;
    cost.told(&ended?, course.finals());
    Ok(Figures {
        nodes: config.nodes,
        wallets: config.wallets,
        rate: config.rate,
        is_apart: config.program.is_some(),
        connections: links,
        limit_per_s,
        course,
        cost,
    })
}

/// How many payments there are to be: all that will be handed in, or as much as could be final at the very most.
fn wanted(config: &BenchConfig, limit_per_s: f64) -> usize {
    let per_second = match config.rate {
        Rate::PerSecond(rate) => f64::from(rate),
        Rate::Max => (limit_per_s * MOST_SHARE).max(1_000.0),
    };
    let most = u32::try_from(MAX_PAYMENTS).map_or(f64::MAX, f64::from);
    let wanted = (per_second * config.duration.as_secs_f64())
        .ceil()
        .clamp(1.0, most);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded just above"
    )]
    let wanted = wanted as usize;
    wanted
}

fn measure(
    config: &BenchConfig,
    gauge: &Gauge,
    load: &Arc<Load>,
    book: book::Book,
    limit_per_s: f64,
    nodes: &mut Nodes,
) -> Result<(Course, Cost, usize), BenchError> {
    // A runtime of its own, so that its threads are known from the nodes'.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name(usage::LOAD_THREADS)
        .enable_all()
        .build()
        .map_err(BenchError::Thread)?;
    runtime.block_on(async {
        let count = links::lanes(config, limit_per_s);
        let mut links = Links::open(nodes.bootstrap(), count, gauge).await?;
        let light = LightClient::new(nodes.bootstrap().genesis(), 0);
        let (proven, blocks) = mpsc::channel(PROVEN_BLOCKS);
        let eyes = links.eyes();
        let observer = tokio::spawn(observe::observe(Arc::clone(load), eyes, light, proven));
        let pace = match config.rate {
            Rate::PerSecond(rate) => Pace::Every(rate),
            Rate::Max => Pace::Open(WINDOW.min(load.wallets() * WINDOW_OF_WALLET)),
        };
        let before = nodes.usage();
        gauge.enter(Phase::Running);
        let driven = drive::drive(load, book, &mut links, pace, config.duration, blocks, gauge);
        let driven = driven.await;
        let after = nodes.usage();
        let connections = links.count();
        links.close().await;
        // Order: why the observer has ended says more than that the blocks have.
        let observed = observer.await.unwrap_or_else(|_| Err(BenchError::Observer));
        let course = match (driven, observed) {
            (Ok(course), Ok(())) => course,
            (_, Err(error)) | (Err(error), Ok(())) => return Err(error),
        };
        let cost = Cost::between(&before, &after, nodes.count(), course.finals());
        Ok((course, cost, connections))
    })
}
