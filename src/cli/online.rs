//! Commands that ask the network: a session opened, used and closed.

use std::time::Duration;

use tokio::time::timeout;

use super::context::Context;
use super::failure::{Exit, Failure, NodeFailure};
use crate::chain::account::Account;
use crate::chain::key::Address;
use crate::chain::query::Proven;
use crate::node::network::ReachConfig;
use crate::node::session::{Session, SessionConfig, SessionError, Tried};
use crate::wallet::vault::Vault;

/// How long a command that is done waits to learn its account once more.
const REMEMBERING: Duration = Duration::from_millis(500);

/// Opens a session, waits for the first node that proves its tip, and closes it after the work.
///
/// # Errors
/// If no node can be reached; what the work says.
pub async fn with_session<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    within(context, start(context).await?, work).await
}

/// As [`with_session`], with a session that others can find.
///
/// # Errors
/// As [`with_session`].
pub async fn with_reachable_session<T>(
    context: &Context,
    reach: ReachConfig,
    work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    within(context, begin(context, reach).await?, work).await
}

async fn within<T>(
    context: &Context,
    session: Session,
    work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let progress = context.output.progress("connecting");
    let ready = session.ready().await;
    drop(progress);
    let done = match ready {
        Ok(()) => work(&session).await,
        Err(error) => Err(error.into()),
    };
    remember(context, &session);
    session.close().await;
    done
}

/// Begins a session; nodes are dialled while something else is done. What the wallet has seen before is its floor.
///
/// # Errors
/// If the bootstrap file or the wallet's name is not sound.
pub async fn start(context: &Context) -> Result<Session, Failure> {
    begin(context, ReachConfig::default()).await
}

/// As [`start`], with a session that others can find.
///
/// # Errors
/// As [`start`].
pub async fn begin(context: &Context, reach: ReachConfig) -> Result<Session, Failure> {
    let bootstrap = context.bootstrap()?;
    let (name, genesis) = (context.profile()?, bootstrap.genesis().hash());
    let floor = match context.data_dir() {
        Ok(data) => data.seen_height(&name, &genesis)?,
        // Whoever has no place for wallets has none, and can still look at the ledger.
        Err(_) => 0,
    };
    let config = SessionConfig {
        floor,
        reach,
        ..SessionConfig::new(bootstrap)
    };
    Ok(Session::start(config).await?)
}

/// Remembers how far the chain was seen, before anything of it is shown. A disk that fails here spoils no answer.
pub fn remember(context: &Context, session: &Session) {
    let genesis = session.bootstrap().genesis().hash();
    let height = session.newest().height;
    let kept = context.data_dir().and_then(|data| {
        let name = context.profile()?;
        Ok(data.remember_height(&name, &genesis, height)?)
    });
    if let Err(failure) = kept {
        tracing::warn!(
            message = failure.message,
            "the newest height is not remembered"
        );
    }
}

/// Remembers the wallet's own account as it is proven now, to sign by where no node can be asked. What fails here spoils
/// nothing.
pub async fn remember_account(context: &Context, session: &Session, address: Address) {
    if let Ok(Ok(proven)) = timeout(REMEMBERING, session.account(address)).await {
        keep_account(context, session, &proven);
    }
}

/// The same of an account that was just proven.
pub fn keep_account(context: &Context, session: &Session, proven: &Proven<Option<Account>>) {
    let Some(account) = &proven.value else {
        return;
    };
    let genesis = session.bootstrap().genesis().hash();
    let kept = context.data_dir().and_then(|data| {
        let name = context.profile()?;
        Ok(data.remember_account(&name, &genesis, proven.at.height, account)?)
    });
    if let Err(failure) = kept {
        tracing::warn!(message = failure.message, "the account is not remembered");
    }
}

/// The address of the wallet, without its password.
///
/// # Errors
/// If there is no such wallet, or its keystore is damaged.
pub fn own_address(context: &Context) -> Result<Address, Failure> {
    let keystore = context.data_dir()?.read_keystore(&context.profile()?)?;
    Ok(Vault::address_hint(&keystore)?)
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let (exit, code) = match error {
            SessionError::Network(error) => return error.into(),
            SessionError::Rejected(rejection) => return rejection.into(),
            SessionError::Profile(error) => return error.into(),
            SessionError::Journal(error) => return error.into(),
            SessionError::Private(refusal) => return refusal.into(),
            SessionError::Dealing(error) => return error.into(),
            SessionError::NoDesk => (Exit::Unexpected, "no_desk"),
            SessionError::UnknownName { name, height } => return Self::name_unknown(&name, height),
            SessionError::Bootstrap { .. } => (Exit::Usage, "bootstrap_invalid"),
            // Why each did not answer is long: it is for scripts, and `wallet nodes` tells it people in a table.
            SessionError::NoNode { network, tried } => {
                let why = |Tried { name, why, .. }| NodeFailure { name, why };
                return Self::unreachable(&network, tried.into_iter().map(why).collect());
            }
            SessionError::OtherNetwork { .. } => (Exit::Usage, "other_network"),
            SessionError::ChainBehind { .. } => (Exit::Unreachable, "chain_behind"),
            SessionError::NotFound { .. } => (Exit::Rejected, "not_found"),
            SessionError::UnknownPayment { .. } => (Exit::Rejected, "payment_unknown"),
            SessionError::PeerUnreachable { .. } => (Exit::Unreachable, "peer_unreachable"),
            SessionError::Fork(_) => (Exit::Unexpected, "fork"),
            SessionError::Closed => (Exit::Unexpected, "closed"),
        };
        Self::of(
            exit,
            code,
            &error,
            "see `natcoin wallet nodes`, and tell the network's operators",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_is_behind_what_was_seen_says_what_to_do() {
        let failure = Failure::from(SessionError::ChainBehind {
            network: "village".to_owned(),
            height: 3,
            seen: 90,
        });
        assert_eq!((&*failure.code, failure.exit as u8), ("chain_behind", 3));
        assert!(
            failure
                .message
                .ends_with("this wallet has seen height 90 final")
        );
        assert!(failure.hint.contains("try again") && failure.hint.contains("`seen`"));
    }
}
