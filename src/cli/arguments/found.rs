//! The words of `natcoin network found`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// `natcoin network found`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("step").args(["join", "export", "assemble", "sign", "finish", "forget"])),
    after_help = "In a room: one hosts, the others --join the code that it shows.\nBy files: each --export, one --assemble, each --sign, each --finish."
)]
pub struct NetworkFound {
    /// The node's home, made at the end
    #[arg(long, value_name = "DIR", required_unless_present = "assemble")]
    pub home: Option<PathBuf>,
    /// Go into the room of this code
    #[arg(long, value_name = "CODE")]
    pub join: Option<String>,
    /// The node's name [default: the next mountain]
    #[arg(long, value_name = "NAME")]
    pub node_name: Option<String>,
    /// Where others reach the node [default: here]
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "IP")]
    pub address: Vec<String>,
    /// The node's port
    #[arg(long, default_value_t = 18_000, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Accept only these words [default: asked]
    #[arg(long, value_name = "WORDS")]
    pub words: Option<String>,
    /// Begin when so many are there [default: asked]
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// What the network begins with.
    #[command(flatten)]
    pub rules: FoundRules,
    /// The steps by files.
    #[command(flatten)]
    pub files: FoundFiles,
}

/// The community's rules; the host's or the assembler's to say.
#[derive(Debug, Args)]
#[command(next_help_heading = "The community's rules [default: asked]")]
pub struct FoundRules {
    /// The network's name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Who has money at first; nat1...=5@ana
    #[arg(long, value_name = "ACCOUNT=NAT", conflicts_with = "supply")]
    pub account: Vec<String>,
    /// The founder's, without --account
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub supply: Option<String>,
    /// What a transaction pays to its proposer
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub fee: Option<String>,
    /// The least that makes a new account
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub min_balance: Option<String>,
}

/// A founding by files, step by step; the last one also finishes what was cut off in a room.
#[derive(Debug, Args)]
#[command(next_help_heading = "By files, where no room is possible")]
pub struct FoundFiles {
    /// Make a key, write its card
    #[arg(long, value_name = "CARD")]
    pub export: Option<PathBuf>,
    /// Make a draft of all cards
    #[arg(long, num_args = 1.., value_name = "CARD")]
    pub assemble: Vec<PathBuf>,
    /// Sign a draft
    #[arg(long, value_name = "DRAFT")]
    pub sign: Option<PathBuf>,
    /// Write the home: of a file, or draft and signatures
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub finish: Vec<PathBuf>,
    /// Take away what a founding left that was cut off
    #[arg(long)]
    pub forget: bool,
    /// Where --assemble and --sign write
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
