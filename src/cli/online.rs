//! Commands that ask the network: a session opened, used and closed.

use super::context::Context;
use super::failure::{Exit, Failure};
use crate::chain::key::Address;
use crate::node::session::{Session, SessionConfig, SessionError};
use crate::wallet::vault::Vault;

/// Opens a session, waits for the first node that proves its tip, and closes it after the work.
///
/// # Errors
/// If no node can be reached; what the work says.
pub async fn with_session<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let session = start(context).await?;
    let progress = context.output.progress("connecting");
    let ready = session.ready().await;
    drop(progress);
    let done = match ready {
        Ok(()) => work(&session).await,
        Err(error) => Err(error.into()),
    };
    session.close().await;
    done
}

/// Begins a session; nodes are dialled while something else is done.
///
/// # Errors
/// If the bootstrap file is not sound.
pub async fn start(context: &Context) -> Result<Session, Failure> {
    Ok(Session::start(SessionConfig::new(context.bootstrap()?)).await?)
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
            SessionError::UnknownName { name, height } => return Self::name_unknown(&name, height),
            SessionError::Bootstrap { .. } => (Exit::Usage, "bootstrap_invalid"),
            // Why each did not answer is long, and `wallet nodes` tells it in a table.
            SessionError::NoNode { network, tried } => {
                return Self::unreachable(&network, tried.len());
            }
            SessionError::NotFound { .. } => (Exit::Rejected, "not_found"),
            SessionError::UnknownPayment { .. } => (Exit::Rejected, "payment_unknown"),
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
