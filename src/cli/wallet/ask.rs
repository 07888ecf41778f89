//! `wallet balance`, `wallet name` and `wallet nodes`: questions that need no password.

use std::time::Duration;

use crate::chain::amount::Amount;
use crate::chain::key::Address;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::online::{self, own_address, with_session};
use crate::cli::report::wallet::{Balance, NodeSeen, WalletName, WalletNodes};
use crate::cli::signal::Signals;
use crate::node::session::{NodeReport, Session, UsedAs};
use crate::wallet::light::Freshness;

/// Between two looks at the nodes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// `wallet balance`.
///
/// # Errors
/// If no node can be reached.
pub async fn balance(context: &Context) -> Result<Balance, Failure> {
    let address = own_address(context)?;
    with_session(context, async |session| {
        balance_of(context, session, address).await
    })
    .await
}

/// What an account has, proven now.
///
/// # Errors
/// If no node can be reached.
pub async fn balance_of(
    context: &Context,
    session: &Session,
    address: Address,
) -> Result<Balance, Failure> {
    let proven = session.account(address).await?;
    let account = proven.value.as_ref();
    online::keep_account(context, session, &proven);
    Ok(Balance {
        status: "ok",
        address,
        name: account.and_then(|account| account.name.clone()),
        balance: account.map_or(Amount::ZERO, |account| account.balance),
        height: proven.at.height,
        proven: true,
        quiet_for_s: match session.freshness() {
            Freshness::Fresh => None,
            Freshness::Quiet { for_ms } => Some(for_ms / 1000),
        },
    })
}

/// `wallet name` without a name to claim.
///
/// # Errors
/// If no node can be reached.
pub async fn name(context: &Context) -> Result<WalletName, Failure> {
    let balance = balance(context).await?;
    Ok(WalletName {
        status: "ok",
        address: balance.address,
        name: balance.name,
        height: balance.height,
        proven: true,
    })
}

/// `wallet nodes`: every node of the bootstrap file, reachable or not.
///
/// # Errors
/// If the bootstrap file is not sound.
pub async fn nodes(context: &Context) -> Result<WalletNodes, Failure> {
    let session = online::start(context).await?;
    let progress = context.output.progress("asking every node");
    let list = list_nodes(&session).await;
    drop(progress);
    session.close().await;
    Ok(list)
}

/// `wallet nodes --watch`: the same again every second, until a signal.
///
/// # Errors
/// If the bootstrap file is not sound, or nobody reads any more.
pub async fn watch_nodes(context: &Context) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let session = online::start(context).await?;
    context.output.note("Ctrl-C ends it");
    let ended = tokio::select! {
        () = signals.end() => Ok(()),
        ended = show_nodes(context, &session) => ended,
    };
    session.close().await;
    ended
}

async fn show_nodes(context: &Context, session: &Session) -> Result<(), Failure> {
    let live = context.output.live();
    let mut last = None;
    loop {
        let list = list_nodes(session).await;
        let standing = list.standing();
        live.show(&list, last.as_ref() != Some(&standing))?;
        last = Some(standing);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Every node of the bootstrap file, as the session finds it now.
pub async fn list_nodes(session: &Session) -> WalletNodes {
    let reports = session.nodes().await;
    let network = session.bootstrap().network().to_owned();
    let seen = reports.into_iter().map(seen).collect();
    WalletNodes::new(network, seen, session.quorum().needed)
}

fn seen(report: NodeReport) -> NodeSeen {
    NodeSeen {
        name: report.name.to_string(),
        peer_id: report.peer_id.to_string(),
        validator: report.validator,
        reachable: report.reachable,
        round_trip_ms: report
            .rtt
            .map(|rtt| (rtt.as_secs_f64() * 1e5).round() / 100.0),
        height: report.height,
        used_as: report.used_as.map(|used_as| match used_as {
            UsedAs::Active => "active",
            UsedAs::Standby => "standby",
        }),
        problem: report
            .lie
            .map(|lie| format!("it lied: {lie}"))
            .or(report.problem),
    }
}
