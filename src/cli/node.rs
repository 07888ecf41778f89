//! `natcoin node`: one node of a network, until it is told to end.

use std::path::Path;
use std::time::{Duration, Instant};

use super::context::Context;
use super::face::{self, Surroundings};
use super::failure::{Exit, Failure};
use super::report::node::{NewestBlock, NodeEvent, NodeId, NodeStatus};
use super::report::resilience;
use super::signal::Signals;
use super::window;
use crate::directory::bootstrap::Node;
use crate::directory::{development, utc};
use crate::node::clock;
use crate::node::home::{Home, next_development_home};
use crate::node::inquiry::{self, NodeCondition};
use crate::node::runner::{self, Cause, NodeConfig, NodeHandle};

/// Where the development nodes' homes are, beside the wallets.
const DEVELOPMENT: &str = "development";

/// How often the line on the terminal is made anew.
const GLANCE: Duration = Duration::from_secs(1);
/// How often at most: under load a condition changes a hundred times a second.
const BLINK: Duration = Duration::from_millis(250);

/// `node id`: who the node of a home is.
///
/// # Errors
/// If the home cannot be read.
pub fn id(home: Option<&Path>) -> Result<NodeId, Failure> {
    let home = Home::load(home.ok_or_else(no_home)?)?;
    Ok(NodeId {
        status: "ok",
        name: home.name().to_string(),
        peer_id: home.peer_id().to_string(),
        address: home.secret().address(),
    })
}

/// `node status`: asks the running node of a home how it is.
///
/// # Errors
/// If it does not answer.
pub async fn status(context: &Context, home: Option<&Path>) -> Result<NodeStatus, Failure> {
    let home = named_home(context, home)?;
    let progress = context.output.progress("asking the node");
    let condition = inquiry::ask(&home).await?;
    drop(progress);
    let validators = &home.bootstrap().genesis().validators;
    let newest = newest(&home, &condition);
    let answered = condition.answered;
    Ok(NodeStatus {
        status: "ok",
        name: home.name().to_string(),
        peer_id: home.peer_id().to_string(),
        version: answered.version,
        height: answered.at.height,
        validators_up: usize::from(answered.validators_up),
        validators: validators.count(),
        validators_needed: validators.quorum_count(),
        waiting: answered.waiting,
        newest,
    })
}

/// Of the newest block that the node has: how it was decided, and how far others are.
fn newest(home: &Home, condition: &NodeCondition) -> NewestBlock {
    let (bootstrap, at) = (home.bootstrap(), condition.answered.at);
    let validators = &bootstrap.genesis().validators;
    let (round, signers) = match &condition.answered.decided {
        Some((round, signers)) => (Some(*round), signers.as_slice()),
        None => (None, &[][..]),
    };
    let has_signed = |node: &&Node| {
        let is_of = |place: &u16| {
            let validator = validators.get(usize::from(*place));
            validator.is_some_and(|validator| validator.key == node.key)
        };
        signers.iter().any(is_of)
    };
    let votes = bootstrap.nodes().iter().filter(|node| node.validator);
    let (signed, not_signed): (Vec<_>, Vec<_>) = votes.partition(has_signed);
    let names = |nodes: Vec<&Node>| nodes.iter().map(|node| node.name.to_string()).collect();
    let others = condition.others;
    NewestBlock {
        time: round.map(|_| utc::format(at.time_ms)),
        age_ms: round.map(|_| clock::unix_ms().saturating_sub(at.time_ms)),
        round,
        signed_by: names(signed),
        not_signed_by: match round {
            Some(_) => names(not_signed),
            None => Vec::new(),
        },
        others_answered: others.map_or(0, |(_, count)| count),
        behind: others.map(|(best, _)| best.saturating_sub(at.height)),
    }
}

/// `node`: says when it listens and when it is in step, and serves until there is a wish to end.
///
/// # Errors
/// If it does not start, or ends by itself.
pub async fn run(
    context: &Context,
    home: Option<&Path>,
    http: Option<&str>,
    mut signals: Signals,
) -> Result<(), Failure> {
    let (home, mut node) = match home {
        None if context.bootstrap_path().is_none() => start_development(context).await?,
        _ => {
            let home = named_home(context, home)?;
            let node = runner::start(NodeConfig::of_home(&home)).await?;
            (home, node)
        }
    };
    let served = tokio::select! {
        () = signals.end() => Ok(()),
        served = serve(context, &home, http, &mut node) => served,
    };
    let last = node.inspect().await;
    let network = node.network().clone();
    node.stop().await?;
    let counted = network.metrics();
    served?;
    match last {
        Some(last) => context.output.report(&NodeEvent::Ended {
            name: home.name().to_string(),
            height: last.height,
            state_root: last.state_root,
            bytes_received: counted.bytes_received,
            bytes_sent: counted.bytes_sent,
        }),
        None => Ok(()),
    }
}

async fn serve(
    context: &Context,
    home: &Home,
    http: Option<&str>,
    node: &mut NodeHandle,
) -> Result<(), Failure> {
    let output = &context.output;
    output.report(&NodeEvent::Listening {
        name: home.name().to_string(),
        peer_id: node.peer_id().to_string(),
        addresses: node.addresses().iter().map(ToString::to_string).collect(),
        resilience: resilience(&home.bootstrap().genesis().validators),
    })?;
    // Open for as long as the node is served.
    let _window = window::open(context, http, Some(node.view()))?;
    let mut condition = node.condition();
    let mut is_known = false;
    let mut was_paused = false;
    let face = output.face();
    let mut glance = tokio::time::interval(GLANCE);
    let (mut height, mut last_final) = (condition.borrow().height, None);
    let mut looked: Option<Instant> = None;
    loop {
        let now = condition.borrow_and_update().clone();
        if now.height > height {
            (height, last_final) = (now.height, Some(clock::now()));
        }
        let is_due = looked.is_none_or(|then| clock::now() - then >= BLINK);
        if let Some(face) = face.as_ref().filter(|_| is_due) {
            looked = Some(clock::now());
            let ago = last_final.map(|then: Instant| clock::now().duration_since(then));
            let around = Surroundings::now(node.network(), ago).await;
            face.set(&face::line(
                home.name().as_str(),
                &now,
                &around,
                output.style(),
            ));
        }
        let is_paused = now.validators_up < now.validators_needed;
        let is_in_step = !is_paused
            && now.height >= now.best_known_height
            && (now.is_voting || !now.is_validator);
        if is_in_step && !is_known {
            is_known = true;
            output.report(&NodeEvent::InStep {
                name: home.name().to_string(),
                height: now.height,
                validators_up: now.validators_up,
                validators: now.validators,
            })?;
        }
        // The line on the terminal says it already.
        if is_paused != was_paused && face.is_none() {
            was_paused = is_paused;
            let (up, all, needed) = (now.validators_up, now.validators, now.validators_needed);
            output.note(&match is_paused {
                true => format!("paused: {up} of {all} nodes, {needed} needed; nothing is lost"),
                false => format!("{up} of {all} nodes are up: payments become final"),
            });
        }
        tokio::select! {
            changed = condition.changed() => if changed.is_err() {
                return Ok(node.ended().await?);
            },
            _ = glance.tick(), if face.is_some() => {}
            ended = node.ended() => return Ok(ended?),
        }
    }
}

pub(super) fn named_home(context: &Context, home: Option<&Path>) -> Result<Home, Failure> {
    let home = Home::load(home.ok_or_else(no_home)?)?;
    match context.bootstrap_path() {
        Some(_) => Ok(home.with_bootstrap(context.bootstrap()?)?),
        None => Ok(home),
    }
}

/// Starts the next free development node; where another process is quicker, the one after it.
async fn start_development(context: &Context) -> Result<(Home, NodeHandle), Failure> {
    let parent = context.data_dir()?.path().join(DEVELOPMENT);
    let mut taken = Vec::new();
    while let Some(home) = next_development_home(&parent, &taken)? {
        match runner::start(NodeConfig::of_home(&home)).await {
            Ok(node) => {
                let left = home.bootstrap().genesis().validators.quorum_count();
                context.output.note(&format!(
                    "This is {} of the local development network: {left} of its nodes make a quorum, so start `natcoin node` in {left} terminals.\nIts money: `natcoin wallet restore --development {}`, in a further terminal ({}).",
                    home.name(),
                    development::WALLETS[0],
                    development::WALLETS.join(", "),
                ));
                return Ok((home, node));
            }
            Err(error) if matches!(error.cause(), Cause::HomeInUse | Cause::PortInUse) => {
                taken.push(home.name().clone());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::new(
        Exit::Locked,
        "port_in_use",
        "all four nodes of the local development network run on this machine already, or their ports 18000 to 18003 are in use",
        "end one of them, or make your own network with `natcoin network new`",
    ))
}

fn no_home() -> Failure {
    Failure::new(
        Exit::Usage,
        "home_missing",
        "no home was named for the node",
        "name it with --home; `natcoin network new` makes homes",
    )
}
