//! An open wallet at work with a network: what every command needs that moves money.
//!
//! Next: `pay.rs`, which has more to ask and to tell.

use super::open_vault;
use super::pay::Story;
use super::payment;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::online;
use crate::cli::prompt;
use crate::cli::report::payment::PaymentFinal;
use crate::cli::signal::Signals;
use crate::node::session::{Intent, Plan, Purse, Session};
use crate::wallet::payment::Payment;
use crate::wallet::vault::Vault;

/// An open wallet, and a network.
pub(super) struct Till {
    pub(super) purse: Purse,
    pub(super) vault: Vault,
    pub(super) session: Session,
}

/// Opens the wallet and a session, and closes that after the work.
///
/// # Errors
/// If there is no such wallet, it cannot be opened, no node is reached; what the work says.
pub(super) async fn with_till<T>(
    context: &Context,
    work: impl AsyncFnOnce(&mut Till) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_open_till(context, None, work).await
}

/// As [`with_till`], with the wallet already open if it was just made.
///
/// # Errors
/// As [`with_till`].
pub(super) async fn with_open_till<T>(
    context: &Context,
    vault: Option<Vault>,
    work: impl AsyncFnOnce(&mut Till) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let profile = context.data_dir()?.open(&context.profile()?)?;
    let keystore = profile.keystore()?;
    let name = profile.name().clone();
    let purse = Purse::open(profile)?;
    // The nodes are dialled while the password is typed and stretched.
    let session = online::start(context).await?;
    let done = async {
        let vault = match vault {
            Some(vault) => vault,
            None => open_vault(context, &name, &keystore)?,
        };
        let line = context.output.progress("connecting");
        let ready = session.ready().await;
        drop(line);
        ready?;
        let mut till = Till {
            purse,
            vault,
            session: session.clone(),
        };
        work(&mut till).await
    };
    let done = done.await;
    online::remember(context, &session);
    session.close().await;
    done
}

impl Till {
    /// Does what is wanted, and follows it to its end; `question` is asked before anything is signed, if there is one.
    ///
    /// # Errors
    /// If the rules refuse it, it is not confirmed, or not final in time.
    pub(super) async fn settle(
        &mut self,
        context: &Context,
        intent: Intent,
        question: impl FnOnce(&Plan) -> Option<String>,
    ) -> Result<(PaymentFinal, Payment), Failure> {
        let address = self.vault.address();
        let plan = self.session.plan(&self.purse, address, intent).await?;
        if let Some(question) = question(&plan) {
            prompt::confirm(context, &question)?;
        }
        // Only now: while a question is asked, Ctrl-C ends the program at once.
        let mut signals = Signals::new()?;
        let mut story = Story::new(context.output.progress("sending"));
        let outcome = {
            let mut tell = |progress| story.tell(&progress);
            let (purse, secret) = (&mut self.purse, self.vault.secret());
            tokio::select! {
                outcome = self.session.pay(purse, secret, plan, &mut tell) => Some(outcome),
                () = signals.end() => None,
            }
        };
        let outcome = match outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => return Err(story.course.broken_off(error.into())),
            None => return Err(story.course.interrupted()),
        };
        let done = payment::result(&outcome)?;
        online::remember_account(context, &self.session, address).await;
        Ok((done, outcome.payment))
    }

    /// Follows what an earlier run left open, so that nothing is done twice.
    ///
    /// # Errors
    /// If nothing can be kept.
    pub(super) async fn take_up(&mut self, context: &Context) -> Result<(), Failure> {
        let _line = context.output.progress("following what still waits");
        let mut tell = |_| {};
        let resumed = self.session.resume_pending(&mut self.purse, &mut tell);
        resumed.await?;
        Ok(())
    }
}
