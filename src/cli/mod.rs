//! The door: arguments, prompts, all printing.
//!
//! Every command is a function from its arguments to a [`report::Report`] or a [`failure::Failure`];
//! [`output::Output`] shows either to people or to scripts. No other room prints. Begin with
//! [`arguments`], then the file named like the command.

pub mod arguments;
pub mod bench;
pub mod context;
pub mod devnet;
pub mod directory;
pub mod doctor;
pub mod explore;
pub mod face;
pub mod failure;
pub mod log;
pub mod manual;
pub mod network;
pub mod node;
pub mod online;
pub mod outcome;
pub mod output;
mod picture;
mod place;
pub mod prompt;
mod qr;
pub mod receipt;
pub mod report;
mod shell;
pub mod signal;
pub mod simulate;
mod tui;
pub mod values;
pub mod wallet;
mod window;

use std::ffi::OsString;
use std::process::ExitCode;

use self::arguments::{
    Arguments, Command, ExploreCommand, NetworkCommand, Node as NodeArguments, NodeCommand,
    VoucherCommand, WalletCommand,
};
use self::context::Context;
use self::failure::Failure;
use self::output::Output;
use self::signal::Signals;

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let arguments = match Arguments::read(&words) {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&words, &error),
    };
    log::start(&arguments.global);
    let context = Context::new(arguments.global);
    let outcome = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::io("start the program", &error))
        .and_then(|runtime| runtime.block_on(run(&context, arguments.command)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => context.output.failure(&failure),
    }
}

async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let output: &Output = &context.output;
    match command {
        Command::Network { command } => match command {
            NetworkCommand::New(arguments) => output.report(&network::new(context, arguments)?),
            NetworkCommand::Found(arguments) => network::found::run(context, &arguments).await,
            NetworkCommand::Show => output.report(&network::show(context)?),
            NetworkCommand::Verify(arguments) => {
                output.report(&network::verify(context, &arguments)?)
            }
        },
        Command::Devnet(arguments) => devnet::run(context, arguments).await,
        Command::Bench(arguments) => bench::run(context, &arguments).await,
        Command::Simulate(arguments) => simulate::run(context, &arguments).await,
        Command::Node(arguments) => run_node(context, arguments).await,
        Command::Doctor { home } => doctor::run(context, home.as_deref()).await,
        Command::Errors { code } => output.report(&manual::errors(code.as_deref())?),
        Command::Completions { shell } => output.report(&manual::completions(shell)),
        Command::Man { out } => output.report(&manual::pages(out.as_deref())?),
        Command::Verify(arguments) => output.report(&receipt::verify(context, &arguments)?),
        Command::Wallet { command: None } => tui::run(context).await,
        Command::Wallet {
            command: Some(command),
        } => run_wallet(context, command).await,
        Command::Explore { command } => match command {
            ExploreCommand::Block { height } => {
                output.report(&explore::block(context, height).await?)
            }
            ExploreCommand::Transaction { id } => {
                output.report(&explore::transaction(context, &id).await?)
            }
            ExploreCommand::Account { who } => {
                output.report(&explore::account(context, &who).await?)
            }
            ExploreCommand::Name { name } => output.report(&explore::name(context, &name).await?),
        },
    }
}

async fn run_node(context: &Context, arguments: NodeArguments) -> Result<(), Failure> {
    let output: &Output = &context.output;
    let home = arguments.home.as_deref();
    match arguments.command {
        Some(NodeCommand::Id) => output.report(&node::id(home)?),
        Some(NodeCommand::Status) => output.report(&node::status(context, home).await?),
        Some(NodeCommand::Directory(arguments)) => {
            output.report(&directory::of_node(context, home, &arguments).await?)
        }
        None => {
            let mut signals = Signals::new()?;
            if arguments.until_stdin_closes {
                signals.heed_stdin()?;
            }
            node::run(context, home, arguments.http.as_deref(), signals).await
        }
    }
}

async fn run_wallet(context: &Context, command: WalletCommand) -> Result<(), Failure> {
    let output: &Output = &context.output;
    match command {
        WalletCommand::New => output.report(&wallet::new(context)?),
        WalletCommand::Restore(arguments) => output.report(&wallet::restore(context, &arguments)?),
        WalletCommand::Address => output.report(&wallet::address(context)?),
        WalletCommand::Balance => output.report(&wallet::ask::balance(context).await?),
        WalletCommand::Pay(arguments) => wallet::pay::pay(context, &arguments).await,
        WalletCommand::Request(arguments) => {
            output.report(&wallet::dealings::request(context, &arguments).await?)
        }
        WalletCommand::Dealings => output.report(&wallet::dealings::list(context)?),
        WalletCommand::Decline(arguments) => {
            output.report(&wallet::dealings::decline(context, &arguments)?)
        }
        WalletCommand::Withdraw(arguments) => {
            output.report(&wallet::dealings::withdraw(context, &arguments)?)
        }
        WalletCommand::Take(arguments) => {
            output.report(&wallet::dealings::take(context, &arguments).await?)
        }
        WalletCommand::Thank(arguments) => {
            output.report(&wallet::dealings::thank(context, &arguments).await?)
        }
        WalletCommand::Voucher { command } => run_voucher(context, command).await,
        WalletCommand::Invite(arguments) => {
            output.report(&wallet::voucher::invite(context, &arguments).await?)
        }
        WalletCommand::Join(arguments) => {
            output.report(&wallet::join::join(context, &arguments).await?)
        }
        WalletCommand::History(arguments) => {
            output.report(&wallet::past::history(context, &arguments).await?)
        }
        WalletCommand::Receipt(arguments) => {
            output.report(&receipt::write(context, &arguments).await?)
        }
        WalletCommand::Watch(arguments) => wallet::watch::watch(context, &arguments).await,
        WalletCommand::Name { name: Some(name) } => wallet::pay::claim_name(context, &name).await,
        WalletCommand::Name { name: None } => output.report(&wallet::ask::name(context).await?),
        WalletCommand::Nodes { watch: false } => output.report(&wallet::ask::nodes(context).await?),
        WalletCommand::Nodes { watch: true } => wallet::ask::watch_nodes(context).await,
        WalletCommand::Directory(arguments) => {
            output.report(&directory::of_wallet(context, &arguments).await?)
        }
        WalletCommand::Shell => shell::run(context).await,
        WalletCommand::Reach(arguments) => match &arguments.peer {
            Some(peer) => output.report(&wallet::reach::other(context, &arguments, peer).await?),
            None => wallet::reach::own(context, &arguments).await,
        },
    }
}

async fn run_voucher(context: &Context, command: VoucherCommand) -> Result<(), Failure> {
    let output: &Output = &context.output;
    match command {
        VoucherCommand::New(arguments) => {
            output.report(&wallet::voucher::new(context, &arguments).await?)
        }
        VoucherCommand::Claim(arguments) => {
            output.report(&wallet::voucher::claim(context, &arguments).await?)
        }
        VoucherCommand::List => output.report(&wallet::voucher::list(context).await?),
        VoucherCommand::Reclaim(arguments) => {
            output.report(&wallet::voucher::reclaim(context, &arguments).await?)
        }
        VoucherCommand::Sheet(arguments) => {
            output.report(&wallet::voucher::sheet(context, &arguments).await?)
        }
    }
}
