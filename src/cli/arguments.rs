//! The words that people type: commands and options, as clap reads them.
//!
//! Values that have rules of their own (amounts, names, addresses) stay texts here and are read by
//! the commands, so that each refusal has its own code instead of `usage`. A password is never an
//! argument: other users of the machine can read those.

mod found;
mod laboratory;
mod receipt;
mod vouchers;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{
    ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    ValueEnum,
};

pub use self::found::{FoundFiles, FoundRules, NetworkFound};
use self::laboratory::DEFAULT_PROFILE;
pub use self::laboratory::{Bench, Simulate};
pub use self::receipt::{Receipt, Verify};
pub use self::vouchers::{
    Invite, Join, VoucherClaim, VoucherCommand, VoucherNew, VoucherReclaim, VoucherSheet,
    VoucherTerms,
};

/// A currency that a community runs itself.
#[derive(Debug, Parser)]
#[command(
    name = "natcoin",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Reads what was typed.
    ///
    /// # Errors
    /// What clap says of a mistake, or to whom asks for help.
    pub fn read(words: &[OsString]) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let mut arguments = Self::from_arg_matches(&matches)?;
        if let Command::Simulate(simulate) = &mut arguments.command
            && !is_typed(&matches, "profile")
        {
            // A wallet's profile in the environment is not meant for the simulation, whose own has the same name.
            simulate.profile = DEFAULT_PROFILE.to_owned();
        }
        Ok(arguments)
    }
}

/// Whether an option was given by word, to the program or to its command.
fn is_typed(matches: &ArgMatches, name: &str) -> bool {
    let inner = matches.subcommand().map(|(_, inner)| inner);
    let source = inner.unwrap_or(matches).value_source(name);
    source == Some(ValueSource::CommandLine)
}

/// What holds for every command, before or after it.
#[derive(Debug, Clone, Args)]
#[command(
    next_help_heading = "Everywhere (or NATCOIN_PROFILE, NATCOIN_OUTPUT, ... in the environment)"
)]
pub struct Global {
    /// The wallet to use
    #[arg(
        long,
        global = true,
        hide_env = true,
        env = "NATCOIN_PROFILE",
        value_name = "NAME",
        default_value = "default"
    )]
    pub profile: String,
    /// The folder of wallets [default: your data folder]
    #[arg(
        long,
        global = true,
        hide_env = true,
        env = "NATCOIN_DATA_DIR",
        value_name = "DIR"
    )]
    pub data_dir: Option<PathBuf>,
    /// A bootstrap.toml [default: development network]
    #[arg(
        long,
        global = true,
        hide_env = true,
        env = "NATCOIN_BOOTSTRAP",
        value_name = "FILE"
    )]
    pub bootstrap: Option<PathBuf>,
    /// The file whose first line is the wallet's password
    #[arg(
        long,
        global = true,
        hide_env = true,
        env = "NATCOIN_PASSWORD_FILE",
        value_name = "FILE"
    )]
    pub password_file: Option<PathBuf>,
    /// text, or json for scripts
    #[arg(
        hide_possible_values = true,
        long,
        global = true,
        hide_env = true,
        env = "NATCOIN_OUTPUT",
        value_name = "FORM",
        default_value = "text"
    )]
    pub output: Form,
    /// Answer every question with yes
    #[arg(long, short, global = true, hide_env = true, env = "NATCOIN_YES", value_parser = FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub yes: bool,
    /// Show results and errors only
    #[arg(long, short, global = true, hide_env = true, env = "NATCOIN_QUIET", value_parser = FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub quiet: bool,
    /// Tell more on stderr; -vv and -vvv: still more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A whole network in one command, for trying things out
    Devnet(Devnet),
    /// Run whole networks in virtual time, with all that can go wrong
    Simulate(Simulate),
    /// Measure what a network on this machine carries
    Bench(Bench),
    /// Make a network, or look at one
    Network {
        /// What to do.
        #[command(subcommand)]
        command: NetworkCommand,
    },
    /// Start a node of a network
    Node(Node),
    /// Your money: pay, be paid, see what happened; alone: as screens
    Wallet {
        /// What to do; on a whole terminal if nothing is said.
        #[command(subcommand)]
        command: Option<WalletCommand>,
    },
    /// Check a receipt, with no network
    Verify(Verify),
    /// Look things up in the public ledger
    Explore {
        /// What to show.
        #[command(subcommand)]
        command: ExploreCommand,
    },
    /// Find what keeps a node, or this machine, from its work
    Doctor {
        /// The node's home [default: this machine and the network]
        #[arg(long, hide_env = true, env = "NATCOIN_HOME", value_name = "DIR")]
        home: Option<PathBuf>,
    },
    /// Show what every error code means, and the next step
    Errors {
        /// One code [default: all of them]
        #[arg(value_name = "CODE")]
        code: Option<String>,
    },
    /// Print what completes commands in your shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        #[arg(value_name = "SHELL", hide_possible_values = true)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands
    Man {
        /// The folder for the pages [default: print the first]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// `natcoin network`.
#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Write a new network's bootstrap.toml and a home for each node
    New(NetworkNew),
    /// Found a network together, each with his own key
    Found(Box<NetworkFound>),
    /// Show the network of the bootstrap file
    Show,
    /// Check a bootstrap file, and that it is the network you mean
    Verify(NetworkVerify),
}

/// `natcoin network new`.
#[derive(Debug, Args)]
pub struct NetworkNew {
    /// How many nodes, 1 to 128; each is a validator
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub nodes: usize,
    /// The folder to make
    #[arg(long, value_name = "NET")]
    pub dir: PathBuf,
    /// The network's name
    #[arg(long, default_value = "natcoin")]
    pub name: String,
    /// IP numbers or host names, taken in turn
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "IP", default_value = "127.0.0.1")]
    pub address: Vec<String>,
    /// The first port; more nodes take the next ones
    #[arg(long, default_value_t = 18_000, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Who has money from the beginning; may be given often
    #[arg(long, value_name = "ADDRESS=AMOUNT[@NAME]", conflicts_with = "supply")]
    pub account: Vec<String>,
    /// What the new founder has, without --account
    #[arg(
        long,
        value_name = "AMOUNT",
        default_value = "1000000",
        allow_negative_numbers = true
    )]
    pub supply: String,
    /// What every transaction pays to the node that proposes it
    #[arg(
        long,
        value_name = "AMOUNT",
        default_value = "0",
        allow_negative_numbers = true
    )]
    pub fee: String,
}

/// `natcoin network verify`.
#[derive(Debug, Args)]
pub struct NetworkVerify {
    /// The genesis hash, from somebody you trust
    #[arg(long, value_name = "HASH")]
    pub genesis: Option<String>,
}

/// `natcoin devnet`.
#[derive(Debug, Args)]
pub struct Devnet {
    /// How many nodes, 1 to 16
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub nodes: usize,
    /// How many wallets with money: alice, bob, ...
    #[arg(long, default_value_t = 3, value_name = "K")]
    pub wallets: usize,
    /// The folder that keeps it [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Serve the page and the API of its first node
    #[arg(long, value_name = "AT", num_args = 0..=1, default_missing_value = PAGE)]
    pub http: Option<String>,
}

/// Where `--http` alone serves: on this machine only.
const PAGE: &str = crate::api::DEFAULT_ADDRESS;

/// `natcoin node`.
#[derive(Debug, Args)]
pub struct Node {
    /// Its home [default: the next free development node]
    #[arg(
        long,
        global = true,
        hide_env = true,
        env = "NATCOIN_HOME",
        value_name = "DIR"
    )]
    pub home: Option<PathBuf>,
    /// End it, too, when its standard input closes
    #[arg(long)]
    pub until_stdin_closes: bool,
    /// Serve the page and the API [alone: on this machine]
    #[arg(long, value_name = "AT", num_args = 0..=1, default_missing_value = PAGE)]
    pub http: Option<String>,
    /// What to do instead of starting it.
    #[command(subcommand)]
    pub command: Option<NodeCommand>,
}

/// `natcoin node ...`.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Show a node's name, peer id and account
    Id,
    /// Ask the running node of a home how it is
    Status,
    /// Ask the running node of a home who is where
    Directory(Directory),
}

/// `natcoin wallet`.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Make a wallet; its twelve recovery words are shown once
    New,
    /// Make a wallet again from its twelve words
    Restore(WalletRestore),
    /// Show the wallet's address
    Address,
    /// Show what the wallet has, proven
    Balance,
    /// Pay to a name or an address
    Pay(Pay),
    /// Ask to be paid; the line that it prints can be shown anywhere
    Request(Request),
    /// Show requests, and what was said of payments
    Dealings,
    /// Do not pay a request
    Decline(OneRequest),
    /// Take a request of your own back
    Withdraw(OneRequest),
    /// Take a line that you were given: a request, or a payment
    Take(Take),
    /// Thank for a payment
    Thank(Thank),
    /// Money under a code, for whoever has it, also on paper
    Voucher {
        /// What to do.
        #[command(subcommand)]
        command: VoucherCommand,
    },
    /// Invite somebody: the network and a voucher, as one line
    Invite(Invite),
    /// Join a network by an invite: all that a newcomer needs
    Join(Join),
    /// Show what happened, proven, after following what still waits
    History(History),
    /// Write a file that proves a final payment to anybody
    Receipt(Receipt),
    /// Show what happens, as it becomes final; others find you meanwhile
    Watch(Watch),
    /// Show the account's name, or take one for good
    Name {
        /// The name to take
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Show every node of the bootstrap file, reachable or not
    Nodes {
        /// Look again every second, until Ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Show who is there, since when and by which way
    Directory(Directory),
    /// The plain $ prompt: send, transactions, iptables, blockchain
    Shell,
    /// Show where the wallet can be found, or the way to another one
    Reach(Reach),
}

/// `natcoin wallet watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Do not let others find you: without it the password is needed
    #[arg(long)]
    pub private: bool,
    /// Also be found on the local network, with or without a node
    #[arg(long, conflicts_with = "private")]
    pub lan: bool,
    /// Tell everybody your internet address: reached with no relay
    #[arg(long, conflicts_with = "private")]
    pub direct: bool,
}

/// `natcoin wallet directory` and `natcoin node directory`.
#[derive(Debug, Args)]
pub struct Directory {
    /// @alice, an address (nat1...) or a peer id [default: everybody]
    #[arg(value_name = "WHO")]
    pub who: Option<String>,
}

/// `natcoin wallet reach`.
#[derive(Debug, Args)]
pub struct Reach {
    /// The peer id of another wallet that stays to be found
    #[arg(value_name = "PEER")]
    pub peer: Option<String>,
    /// Also look on the local network, and be seen there
    #[arg(long)]
    pub lan: bool,
    /// Stay to be found, until Ctrl-C
    #[arg(long, conflicts_with = "peer")]
    pub stay: bool,
}

/// `natcoin wallet pay`.
#[derive(Debug, Args)]
pub struct Pay {
    /// Whom: @alice or an address (nat1...); or a request's line or number
    #[arg(value_name = "TO")]
    pub to: String,
    /// How many NAT: 5 or 0.25; a request says it itself
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub amount: Option<String>,
    /// A note of at most 225 bytes, which only the payee can read
    #[arg(long, value_name = "TEXT")]
    pub memo: Option<String>,
    /// Let everybody read the note, for ever
    #[arg(long, requires = "memo")]
    pub public_memo: bool,
    /// Do not tell the payee's wallet: only the chain does
    #[arg(long)]
    pub private: bool,
    /// With no node: sign it, and hand it to the payee
    #[arg(long, conflicts_with = "private")]
    pub hand_over: bool,
}

/// `natcoin wallet request`.
#[derive(Debug, Args)]
pub struct Request {
    /// How many NAT: 5 or 0.25
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub amount: String,
    /// Who is asked: @bob or an address [default: anybody]
    #[arg(long, value_name = "WHO")]
    pub from: Option<String>,
    /// What for, in at most 209 bytes; private if one is asked
    #[arg(long, value_name = "TEXT")]
    pub memo: Option<String>,
    /// For how many days it may be paid
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
}

/// A request, in `natcoin wallet decline` and `withdraw`.
#[derive(Debug, Args)]
pub struct OneRequest {
    /// Its number, or the beginning, as `wallet dealings` shows it
    #[arg(value_name = "REQUEST")]
    pub request: String,
}

/// `natcoin wallet take`.
#[derive(Debug, Args)]
pub struct Take {
    /// natcoin:request1... or natcoin:payment1...
    #[arg(value_name = "LINE")]
    pub line: String,
}

/// `natcoin wallet thank`.
#[derive(Debug, Args)]
pub struct Thank {
    /// The payment's number, or the beginning of it
    #[arg(value_name = "PAYMENT")]
    pub payment: String,
    /// What you say to the payer alone, in at most 225 bytes
    #[arg(value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub text: String,
}

/// `natcoin wallet history`.
#[derive(Debug, Args)]
pub struct History {
    /// At most so many entries, the newest
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: usize,
}

/// `natcoin explore`.
#[derive(Debug, Subcommand)]
pub enum ExploreCommand {
    /// Show a block
    Block {
        /// Its height [default: the newest]
        height: Option<u64>,
    },
    /// Show a transaction
    Transaction {
        /// Its 64 hexadecimal digits
        id: String,
    },
    /// Show an account
    Account {
        /// Its address, or @name
        who: String,
    },
    /// Show whose a name is
    Name {
        /// The name
        name: String,
    },
}

/// `natcoin wallet restore`.
#[derive(Debug, Args)]
pub struct WalletRestore {
    /// The file of the words [default: ask, or stdin]
    #[arg(long, value_name = "FILE")]
    pub words_file: Option<PathBuf>,
    /// alice, bob or carol of the local development network
    #[arg(long, value_name = "NAME", conflicts_with = "words_file")]
    pub development: Option<String>,
}
