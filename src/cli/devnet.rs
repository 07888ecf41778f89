//! `natcoin devnet`: a whole network in one process, until it is told to end.

use std::path::PathBuf;

use super::arguments::Devnet;
use super::context::Context;
use super::failure::Failure;
use super::place::Place;
use super::report::devnet::DevnetReady;
use super::signal::Signals;
use super::window;
use crate::node::clock;
use crate::node::devnet::{self, DevnetConfig};

/// Starts the network, says when payments can be made, and serves until a signal.
///
/// # Errors
/// If it does not start, or a node ends by itself.
pub async fn run(context: &Context, arguments: Devnet) -> Result<(), Failure> {
    let began = clock::now();
    let mut signals = Signals::new()?;
    let place = Place::new(arguments.dir.as_deref(), "natcoin-devnet-")?;
    let config = DevnetConfig {
        folder: place.folder().to_owned(),
        nodes: arguments.nodes,
        wallets: arguments.wallets,
    };
    let progress = context.output.progress("starting the nodes");
    let started = tokio::select! {
        started = devnet::start(&config) => Some(started?),
        () = signals.end() => None,
    };
    drop(progress);
    let Some(mut devnet) = started else {
        return Ok(());
    };
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let ready = DevnetReady::new(&devnet, place.folder(), took_ms, program());
    let told = context.output.report(&ready);
    let first = devnet.nodes.first().map(|(_, node)| node.view());
    let window = told.and_then(|()| window::open(context, arguments.http.as_deref(), first));
    let served = match window {
        // Open until the match is over.
        Ok(_window) => tokio::select! {
            () = signals.end() => Ok(()),
            ended = devnet.ended() => ended.map_err(Failure::from),
        },
        Err(failure) => Err(failure),
    };
    // Order: the nodes end before their folder goes.
    let stopped = devnet.stop().await.map_err(Failure::from);
    served.and(stopped)
}

/// How this program is called from any folder: by its name if the system found it by that, else by its path.
pub fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = PathBuf::from(called);
    let is_found_by_name = called.components().count() < 2;
    let path = match is_found_by_name {
        true => called,
        false => std::path::absolute(&called).unwrap_or(called),
    };
    path.to_string_lossy().into_owned()
}
