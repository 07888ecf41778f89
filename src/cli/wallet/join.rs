//! `wallet join`: from an invite to a wallet with money and a name.
//!
//! Every step may be the last one of a run: the next run goes on where it was left. Order: what can be found out is found
//! out before a wallet is made; the network's file is kept before anything is claimed, so that the wallet knows where it
//! belongs.

use super::till::{Till, with_open_till};
use super::voucher::claim_with;
use std::path::Path;

use crate::chain::amount::Amount;
use crate::chain::name::Name;
use crate::chain::rules::Rejection;
use crate::cli::arguments::Join;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::prompt;
use crate::cli::report::wallet::Joined;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::invite::Invite;
use crate::node::home;
use crate::node::session::{Intent, Session, SessionConfig};
use crate::node::welcome;
use crate::wallet::voucher::VoucherSecret;

/// `wallet join`.
///
/// # Errors
/// If the invite is damaged or leads nowhere, its voucher is gone, or the name is not free: then no wallet was made.
pub async fn join(context: &Context, arguments: &Join) -> Result<Joined, Failure> {
    let typed = arguments.invite.join(" ");
    let text = match typed.is_empty() {
        false => typed,
        true if prompt::somebody_is_there() => prompt::ask("The invite: ")?.to_string(),
        true => prompt::secret_of_stdin()?.to_string(),
    };
    let invite = Invite::read(&text)?;
    let name: Option<Name> = arguments.name.as_deref().map(str::parse).transpose()?;
    let (data, profile) = (context.data_dir()?, context.profile()?);
    let bootstrap = network(context, &invite).await?;
    let is_new = !data.has(&profile);
    let secret = invite.secret.map(VoucherSecret::new);
    if is_new {
        look(context, &bootstrap, secret.as_ref(), name.as_ref()).await?;
    }
    let (words, vault) = match is_new {
        true => {
            let (made, vault) = super::make_and_show(context)?;
            (Some(made.words), Some(vault))
        }
        false => (None, None),
    };
    data.keep_network(&profile, &bootstrap.to_toml())?;
    with_open_till(context, vault, async |till| {
        let (claim, claim_refused) = match secret {
            None => (None, None),
            Some(secret) => parted(claim_with(context, till, secret).await),
        };
        let own = till.vault.address();
        let (name, name_refused) = match name {
            None => (None, None),
            Some(name) => parted(take(context, till, name).await),
        };
        let account = till.session.account(own).await?;
        let known = account.value.as_ref();
        Ok(Joined {
            status: "ok",
            network: bootstrap.network().to_owned(),
            genesis: invite.genesis,
            profile: profile.to_string(),
            address: own,
            words,
            claim,
            claim_refused,
            name: name.or_else(|| known.and_then(|account| account.name.clone())),
            name_refused,
            balance: known.map_or(Amount::ZERO, |account| account.balance),
            height: account.at.height,
        })
    })
    .await
}

/// What came of something that does not make the joining a failure: the words of a new wallet must be shown.
fn parted<T>(done: Result<T, Failure>) -> (Option<T>, Option<String>) {
    match done {
        Ok(value) => (Some(value), None),
        Err(failure) => (None, Some(format!("{}; {}", failure.message, failure.hint))),
    }
}

/// The network of the invite: by the file that is named, or was kept by an earlier run; else a node gives it.
async fn network(context: &Context, invite: &Invite) -> Result<Bootstrap, Failure> {
    let (data, profile) = (context.data_dir()?, context.profile()?);
    let named = context.bootstrap_path().map(ToOwned::to_owned);
    let mut found = None;
    // What the wallet keeps stays, so that has to be of the same network, whatever is named.
    for path in [data.network_file(&profile), named].into_iter().flatten() {
        let bootstrap = home::read_bootstrap(&path)?;
        if bootstrap.genesis().hash() != invite.genesis {
            return Err(of_another(invite, &path, &bootstrap));
        }
        found = Some(bootstrap);
    }
    if let Some(bootstrap) = found {
        return Ok(bootstrap);
    }
    let _line = context.output.progress("looking for the network");
    Ok(welcome::fetch(invite).await?)
}

fn of_another(invite: &Invite, path: &Path, bootstrap: &Bootstrap) -> Failure {
    let known = bootstrap.genesis().hash();
    Failure::new(
        Exit::Usage,
        "other_network",
        format!(
            "the invite is to the network {}, {}; {} is of {}, {}",
            invite.network,
            invite.genesis.short(),
            path.display(),
            bootstrap.network(),
            known.short()
        ),
        "join with another wallet: natcoin --profile NAME wallet join INVITE",
    )
}

/// Looks whether the voucher and the name can be had, before a wallet is made for them.
async fn look(
    context: &Context,
    bootstrap: &Bootstrap,
    secret: Option<&VoucherSecret>,
    name: Option<&Name>,
) -> Result<(), Failure> {
    let _line = context.output.progress("looking at the invite");
    let session = Session::start(SessionConfig::new(bootstrap.clone())).await?;
    let looked = async {
        session.ready().await?;
        if let Some(secret) = secret {
            let voucher = secret.public(&bootstrap.genesis().hash());
            let open = session.voucher(voucher).await?;
            let gone = Rejection::NoVoucher { voucher };
            let until_ms = open.value.ok_or(gone)?.until_ms;
            let time_ms = open.at.time_ms;
            if time_ms > until_ms {
                return Err(Rejection::VoucherOver { until_ms, time_ms }.into());
            }
        }
        if let Some(name) = name
            && let Ok(owner) = session.resolve(name).await
        {
            let (name, owner) = (name.clone(), owner.value.address);
            return Err(Rejection::NameTaken { name, owner }.into());
        }
        Ok(())
    };
    let looked = looked.await;
    session.close().await;
    looked
}

/// Takes the name, unless the account has it.
async fn take(context: &Context, till: &mut Till, name: Name) -> Result<Name, Failure> {
    let account = till.session.account(till.vault.address()).await?;
    let has = account.value.and_then(|account| account.name);
    if has.as_ref() != Some(&name) {
        let intent = Intent::ClaimName(name.clone());
        till.settle(context, intent, |_| None).await?;
    }
    Ok(name)
}
