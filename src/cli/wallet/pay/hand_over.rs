//! `wallet pay --hand-over` with no node at hand: signed by what was proven last, and handed to the payee.

use tokio::sync::mpsc;

use crate::chain::key::Address;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::prompt;
use crate::cli::report::payment::{PaymentHandedOver, PaymentPlan};
use crate::cli::report::wallet::Told;
use crate::cli::wallet::dealings;
use crate::node::session::{Dealt, HandOver, Intent, Purse, Recipient, Session};
use crate::wallet::dealings::message::{Delivery, Message, Notice};
use crate::wallet::dealings::request::RequestId;
use crate::wallet::vault::Vault;

/// A payment that is signed and kept.
pub(super) struct HandedOver {
    notice: Notice,
    payee: Address,
    what: String,
}

/// Signs and keeps it, after asking.
///
/// # Errors
/// If nothing is remembered to sign by, or the rules would refuse it.
pub(super) async fn perform(
    context: &Context,
    session: &Session,
    (purse, vault): (&mut Purse, &Vault),
    intent: Intent,
    request: Option<RequestId>,
) -> Result<HandedOver, Failure> {
    let Intent::Transfer { to, amount, note } = intent else {
        return Err(no_node("a name cannot be taken without a node"));
    };
    let (name, genesis) = (context.profile()?, session.bootstrap().genesis().hash());
    let seen = context.data_dir()?.seen_account(&name, &genesis)?;
    let Some((height, account)) = seen else {
        return Err(no_node(
            "this wallet has never seen its balance on this network",
        ));
    };
    let (to, to_name) = match to {
        Recipient::Address(address) => (address, None),
        Recipient::Name(name) => {
            let journal = purse.journal();
            let known = journal
                .payments()
                .iter()
                .rev()
                .find(|one| one.genesis() == genesis && one.to_name() == Some(&name));
            let address = known.and_then(|one| one.transaction().transaction.payee());
            let address = address.ok_or_else(|| {
                no_node(&format!(
                    "whose the name @{name} is cannot be proven without a node"
                ))
            })?;
            (address, Some(name))
        }
    };
    let fee = session.bootstrap().genesis().rules.fee;
    let plan = PaymentPlan {
        to,
        name: to_name.clone(),
        amount,
        fee,
        memo: note.reading(),
        balance: account.balance,
    };
    let question = plan.question();
    prompt::confirm(
        context,
        &format!("No node can be reached: this is signed, and final only later.\n{question}"),
    )?;
    let order = HandOver {
        account,
        height,
        to,
        to_name: to_name.clone(),
        amount,
        note,
        request,
    };
    let payment = session.hand_over(purse, vault.secret(), order).await?;
    let who = to_name.map_or_else(|| to.short(), |name| format!("@{name}"));
    Ok(HandedOver {
        notice: Notice {
            payment,
            delivery: Delivery::HandedOver,
            request,
        },
        payee: to,
        what: format!("{amount} NAT to {who}"),
    })
}

impl HandedOver {
    /// What became of telling the payee.
    pub(super) async fn told(self, dealt: Option<&mut mpsc::Receiver<Dealt>>) -> PaymentHandedOver {
        let payee = match dealt {
            Some(dealt) => {
                let id = Message::Notice(self.notice.clone()).id();
                dealings::hearing(dealt, &self.payee, &id).await
            }
            None => Told::NotThere,
        };
        PaymentHandedOver {
            status: "signed_not_final",
            transaction: self.notice.payment.id(),
            payee,
            line: self.notice.to_line(),
            what: self.what,
        }
    }
}

fn no_node(why: &str) -> Failure {
    Failure::new(
        Exit::Unreachable,
        "no_node_reachable",
        format!("no node can be reached, and {why}"),
        "pay to an address, after `natcoin wallet balance` was shown once",
    )
}
