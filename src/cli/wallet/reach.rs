//! `wallet reach`: where this wallet can be found, and the way to another one. A tool for finding out what a router does.

use std::time::Duration;

use crate::cli::arguments::Reach;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::online::{self, with_reachable_session};
use crate::cli::report::wallet::{WalletReach, WalletReached};
use crate::cli::signal::Signals;
use crate::node::network::{ReachConfig, Standing, Whereabouts};
use crate::node::session::{Session, peer_id};

/// How long reservations are waited for.
const RESERVING: Duration = Duration::from_secs(8);
/// How long another wallet is sought.
const SEEKING: Duration = Duration::from_secs(20);

/// `wallet reach` without a peer: where we can be found; with `--stay` until a signal.
///
/// # Errors
/// If no node can be reached.
pub async fn own(context: &Context, arguments: &Reach) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    with_reachable_session(context, wishes(arguments), async |session| {
        let progress = context.output.progress("asking nodes to relay");
        let found = session.whereabouts(RESERVING).await?;
        drop(progress);
        online::remember(context, session);
        context.output.report(&report(session, &found))?;
        if arguments.stay {
            context.output.note("staying to be found; Ctrl-C ends it");
            signals.end().await;
        }
        Ok(())
    })
    .await
}

/// Where a session can be found.
pub(super) fn report(session: &Session, found: &Whereabouts) -> WalletReach {
    WalletReach {
        status: match found.relayed.is_empty() && found.public.is_empty() {
            true => "unreachable",
            false => "ok",
        },
        peer_id: session.peer_id().to_string(),
        standing: match found.standing {
            Standing::Unknown => "unknown",
            Standing::Public => "public",
            Standing::Private => "private",
        },
        public: found.public.iter().map(ToString::to_string).collect(),
        relayed: found.relayed.iter().map(ToString::to_string).collect(),
    }
}

/// `wallet reach PEER`.
///
/// # Errors
/// `peer_invalid`; `peer_unreachable` if it is not found.
pub async fn other(
    context: &Context,
    arguments: &Reach,
    text: &str,
) -> Result<WalletReached, Failure> {
    let Some(peer) = peer_id(text) else {
        let shown: String = text.chars().take(64).collect();
        return Err(Failure::new(
            Exit::Usage,
            "peer_invalid",
            format!("{shown:?} is not a peer id"),
            "on the other machine, `natcoin wallet reach --stay` shows it",
        ));
    };
    with_reachable_session(context, wishes(arguments), async |session: &Session| {
        let progress = context.output.progress("seeking the peer");
        let reached = session.reach(peer, SEEKING).await?;
        drop(progress);
        Ok(WalletReached {
            status: "ok",
            peer_id: peer.to_string(),
            route: reached.route.to_string(),
            found_after_ms: milliseconds(reached.found_after),
            round_trip_ms: milliseconds(reached.round_trip),
        })
    })
    .await
}

/// The router is asked for a port only by who stays; the LAN is listened to only on demand.
fn wishes(arguments: &Reach) -> ReachConfig {
    ReachConfig {
        be_reached: true,
        map_ports: arguments.stay,
        neighbours: arguments.lan,
    }
}

/// To a tenth.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}
