//! The words of `natcoin simulate` and `natcoin bench`, which run whole networks to learn something.

use std::path::PathBuf;

use clap::Args;

/// What the simulation runs in, unless something else is asked for.
pub(super) const DEFAULT_PROFILE: &str = "chaos";

/// `natcoin simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Validators, 1 to 128; a table if several
    #[arg(
        long,
        default_value = "4",
        value_name = "N",
        value_delimiter = ',',
        num_args = 1,
        allow_negative_numbers = true
    )]
    pub nodes: Vec<String>,
    /// Nodes that follow without voting
    #[arg(
        long,
        default_value = "0",
        value_name = "F",
        allow_negative_numbers = true
    )]
    pub followers: String,
    /// Wallets that pay each other, 0 or from 2
    #[arg(
        long,
        default_value = "8",
        value_name = "K",
        allow_negative_numbers = true
    )]
    pub wallets: String,
    /// lan, chaos, byzantine or world
    // It has the id of the wallet's profile, which clap then leaves out of this command.
    #[arg(id = "profile", long, value_name = "WEATHER", default_value = DEFAULT_PROFILE)]
    pub profile: String,
    /// Which seeds [default: 0..100, world: 0..1]
    #[arg(
        long,
        value_name = "A..B",
        conflicts_with = "seed",
        allow_negative_numbers = true
    )]
    pub seeds: Option<String>,
    /// One seed
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Virtual time of a seed: 500ms, 30s, 5m
    #[arg(
        long,
        value_name = "T",
        default_value = "20s",
        allow_negative_numbers = true
    )]
    pub duration: String,
    /// On how many threads [default: all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub threads: Option<String>,
    /// End when so many seeds have failed [default: go on]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub stop_at: Option<String>,
    /// Show every event of one seed
    #[arg(long)]
    pub trace: bool,
    /// Write the table as a picture, in SVG
    #[arg(long, value_name = "FILE", conflicts_with = "trace")]
    pub plot: Option<PathBuf>,
}

/// `natcoin bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Nodes, 1 to 16, all of them validators
    #[arg(
        long,
        default_value = "4",
        value_name = "N",
        allow_negative_numbers = true
    )]
    pub nodes: String,
    /// Wallets that pay each other, 2 to 10000
    #[arg(
        long,
        default_value = "10000",
        value_name = "K",
        allow_negative_numbers = true
    )]
    pub wallets: String,
    /// Payments a second, or max; or several
    #[arg(
        long,
        default_value = "max",
        value_name = "RATE",
        value_delimiter = ',',
        num_args = 1,
        allow_negative_numbers = true
    )]
    pub rate: Vec<String>,
    /// For how long at each rate: 500ms, 30s, 5m
    #[arg(
        long,
        value_name = "T",
        default_value = "30s",
        allow_negative_numbers = true
    )]
    pub duration: String,
    /// Give each node a process of its own
    #[arg(long)]
    pub processes: bool,
    /// The folder that keeps the nodes [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Draw latency and throughput over the load, in SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}
