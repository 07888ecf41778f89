//! `wallet voucher` and `wallet invite`: money under a code.
//!
//! A code is a secret: it is printed where its owner asks for it, and never logged. Next: `till.rs`, `voucher/sheet.rs`.

mod sheet;

pub use sheet::sheet;

use super::till::{Till, with_till};
use crate::chain::amount::Amount;
use crate::chain::key::PublicKey;
use crate::chain::transaction::Operation;
use crate::cli::arguments::{
    Invite as InviteArguments, VoucherClaim, VoucherNew, VoucherReclaim, VoucherTerms,
};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::prompt;
use crate::cli::qr::Qr;
use crate::cli::report::wallet::{
    InviteMade, VoucherClaimed, VoucherLine, VoucherMade, VoucherReclaimed, Vouchers,
};
use crate::cli::values::{self, Count, Readers};
use crate::directory::invite::Invite;
use crate::directory::utc;
use crate::node::session::{Intent, OwnVoucher, Terms, VoucherState};
use crate::wallet::memo;
use crate::wallet::voucher::{Code, VoucherSecret};

/// How many may claim.
const COUNT: Count = Count {
    what: "claims",
    done: "made of a voucher",
    option: "count",
    limits: 1..=256,
};
/// Fewest digits by which a voucher can be named.
const FEWEST_DIGITS: usize = 4;

/// `wallet voucher new`.
///
/// # Errors
/// If a value is refused, the rules refuse it, or it is not final in time.
pub async fn new(context: &Context, arguments: &VoucherNew) -> Result<VoucherMade, Failure> {
    let each = values::amount(&arguments.amount)?;
    let terms = terms(each, &arguments.terms)?;
    with_till(context, async |till| open(context, till, terms).await).await
}

/// `wallet invite`.
///
/// # Errors
/// As [`new`].
pub async fn invite(context: &Context, arguments: &InviteArguments) -> Result<InviteMade, Failure> {
    let each: Amount = arguments.amount.parse()?;
    let bootstrap = context.bootstrap()?;
    let made = |invite: Invite, voucher: Option<VoucherMade>| {
        let line = invite.line();
        InviteMade {
            status: "ok",
            network: invite.network.clone(),
            genesis: invite.genesis,
            picture: picture(context, &line),
            line,
            voucher,
        }
    };
    if each.is_zero() {
        return Ok(made(Invite::new(&bootstrap, None), None));
    }
    let terms = terms(each, &arguments.terms)?;
    with_till(context, async |till| {
        let voucher = open(context, till, terms).await?;
        let code = Code::read(&voucher.code)?;
        let secret = code.for_network(&bootstrap.genesis().hash())?;
        let invite = Invite::new(&bootstrap, Some(*secret.as_bytes()));
        Ok(made(invite, Some(voucher)))
    })
    .await
}

fn terms(each: Amount, typed: &VoucherTerms) -> Result<Terms, Failure> {
    Ok(Terms {
        each,
        count: u16::try_from(COUNT.read(&typed.count)?).unwrap_or(u16::MAX),
        life: values::life(&typed.expires)?,
        note: values::note(typed.note.as_deref(), Readers::PayeeAlone)?,
    })
}

/// Opens a voucher. What is shown of it is final.
async fn open(context: &Context, till: &mut Till, terms: Terms) -> Result<VoucherMade, Failure> {
    let (each, count) = (terms.each, terms.count);
    let intent = Intent::OpenVoucher(terms);
    let (done, payment) = till
        .settle(context, intent, |plan| {
            let locked = plan.operation.spent().unwrap_or(Amount::MAX);
            let claims = match count {
                1 => "one claim".to_owned(),
                many => format!("{many} claims"),
            };
            let beside = match locked.nits() == each.nits().saturating_mul(u64::from(count)) {
                true => "",
                false => ", their fees included",
            };
            Some(format!(
                "Lock {locked} NAT in a voucher: {claims} of {each} NAT{beside}\nWhoever has its code has the money. You can take back what nobody has claimed.\nYou have {} NAT. Do it?",
                plan.balance
            ))
        })
        .await?;
    let transaction = &payment.transaction().transaction;
    let (genesis, nonce) = (transaction.genesis, transaction.nonce);
    let code = Code::new(
        VoucherSecret::of(till.vault.secret(), &genesis, nonce),
        &genesis,
    );
    let (voucher, until_ms) = match &transaction.operation {
        Operation::OpenVoucher {
            voucher, until_ms, ..
        } => (*voucher, *until_ms),
        _ => (PublicKey([0; 32]), 0),
    };
    let link = code.link();
    Ok(VoucherMade {
        status: "final",
        voucher: voucher.to_string(),
        each,
        count,
        locked: transaction.operation.spent().unwrap_or(Amount::MAX),
        until: utc::format(until_ms),
        code: code.line(),
        picture: picture(context, &link),
        link,
        transaction: done.transaction,
        height: done.height,
    })
}

/// The QR code of a link, where a person looks at it.
fn picture(context: &Context, link: &str) -> Vec<String> {
    match context.output.is_json() || !crate::cli::output::is_unicode_welcome() {
        true => Vec::new(),
        false => Qr::of(link).map_or_else(Vec::new, |qr| qr.lines(false)),
    }
}

/// The secret of a code, or of an invite, for this network.
fn secret_of(context: &Context, text: &str) -> Result<VoucherSecret, Failure> {
    let bootstrap = context.bootstrap()?;
    let genesis = bootstrap.genesis().hash();
    if !Invite::is_line(text) {
        return Ok(Code::read(text)?.for_network(&genesis)?);
    }
    let invite = Invite::read(text)?;
    if invite.genesis != genesis {
        return Err(Failure::new(
            Exit::Usage,
            "other_network",
            format!(
                "the invite is to the network {}, {}; this is {}, {}",
                invite.network,
                invite.genesis.short(),
                bootstrap.network(),
                genesis.short()
            ),
            "join that network: natcoin --profile NAME wallet join INVITE",
        ));
    }
    invite.secret.map(VoucherSecret::new).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "voucher_invalid",
            "this invite has no voucher in it",
            "you are in its network already; there is nothing to claim",
        )
    })
}

/// `wallet voucher claim`.
///
/// # Errors
/// If the code is mistyped, of another network, claimed, taken back or over, or the claim is not final in time.
pub async fn claim(context: &Context, arguments: &VoucherClaim) -> Result<VoucherClaimed, Failure> {
    let typed = arguments.code.join(" ");
    let text = match typed.is_empty() {
        false => typed,
        true if prompt::somebody_is_there() => prompt::ask("The voucher's code: ")?.to_string(),
        true => prompt::secret_of_stdin()?.to_string(),
    };
    let secret = secret_of(context, &text)?;
    with_till(context, async |till| {
        claim_with(context, till, secret).await
    })
    .await
}

/// Claims a voucher; one that this wallet has claimed before is told as it was.
pub(super) async fn claim_with(
    context: &Context,
    till: &mut Till,
    secret: VoucherSecret,
) -> Result<VoucherClaimed, Failure> {
    let genesis = till.session.bootstrap().genesis().hash();
    let (key, own) = (secret.key(&genesis), till.vault.address());
    // Order: first what an earlier run has begun; so a claim that was cut off is not made twice.
    till.take_up(context).await?;
    let before = till.session.claim_by(own, key.public()).await?;
    let is_new = before.is_none();
    let (transaction, height) = match before {
        Some(before) => before,
        None => {
            let intent = Intent::ClaimVoucher(secret);
            let (done, payment) = till.settle(context, intent, |_| None).await?;
            (payment.transaction().transaction.clone(), done.height)
        }
    };
    let (opener, opening) = match &transaction.operation {
        Operation::ClaimVoucher {
            opener, opening, ..
        } => (*opener, *opening),
        _ => (own, transaction.id()),
    };
    // What is nice to know is left out rather than told as a failure: the money is there.
    let opened = till.session.transaction(opening).await.ok();
    let note = opened.map_or_else(String::new, |found| {
        let opened = &found.value.transaction.transaction;
        memo::read(opened, Some(&key)).to_text()
    });
    let known = till.session.account(opener).await.ok();
    let share = transaction.income().unwrap_or(Amount::ZERO);
    Ok(VoucherClaimed {
        status: "final",
        is_new,
        amount: share.checked_sub(transaction.fee).unwrap_or(share),
        fee: transaction.fee,
        from: opener,
        from_name: known.and_then(|found| found.value?.name),
        note,
        transaction: transaction.id(),
        height,
    })
}

/// `wallet voucher list`.
///
/// # Errors
/// If the wallet cannot be opened, or no node is reached.
pub async fn list(context: &Context) -> Result<Vouchers, Failure> {
    with_till(context, async |till| {
        till.take_up(context).await?;
        let own = till.vault.address();
        let found = till.session.own_vouchers(own).await?;
        let lines = found.value.iter().rev();
        Ok(Vouchers {
            status: "ok",
            address: own,
            height: found.at.height,
            vouchers: lines.map(|one| line(till, one)).collect(),
        })
    })
    .await
}

fn line(till: &Till, one: &OwnVoucher) -> VoucherLine {
    let (state, left) = match one.state {
        VoucherState::Open(left) => ("open", left),
        VoucherState::Expired(left) => ("expired", left),
        VoucherState::Claimed => ("claimed", 0),
        VoucherState::TakenBack => ("taken_back", 0),
    };
    let secret = till.vault.secret();
    VoucherLine {
        state,
        voucher: one.voucher.to_string(),
        share: one.share,
        count: one.count,
        left,
        locked: one.left(),
        opened: utc::format(one.opened_ms),
        until: utc::format(one.until_ms),
        claimed_by: one.claims.iter().map(|claim| claim.by).collect(),
        note: memo::read(&one.opening, Some(secret)).to_text(),
        code: code_of(till, one).map(|code| code.line()),
        transaction: one.opening.id(),
    }
}

/// The code of a voucher of one's own, while it is worth something. None if it was made with a key of another origin.
fn code_of(till: &Till, one: &OwnVoucher) -> Option<Code> {
    let genesis = one.opening.genesis;
    let secret = VoucherSecret::of(till.vault.secret(), &genesis, one.opening.nonce);
    let is_ours = secret.public(&genesis) == one.voucher;
    let is_open = matches!(one.state, VoucherState::Open(_));
    (is_ours && is_open).then(|| Code::new(secret, &genesis))
}

/// `wallet voucher reclaim`.
///
/// # Errors
/// If there is no such voucher, nothing is left in it, or it is not final in time.
pub async fn reclaim(
    context: &Context,
    arguments: &VoucherReclaim,
) -> Result<VoucherReclaimed, Failure> {
    with_till(context, async |till| {
        till.take_up(context).await?;
        let found = till.session.own_vouchers(till.vault.address()).await?;
        let one = named(&arguments.voucher, &found.value)?.clone();
        let intent = Intent::ReclaimVoucher(one.voucher);
        let (done, payment) = till
            .settle(context, intent, |plan| {
                let amount = income(&plan.operation);
                Some(format!(
                    "Take {amount} NAT back out of the voucher {}\nIts code is worth nothing then. Do it?",
                    short(&one.voucher)
                ))
            })
            .await?;
        let transaction = &payment.transaction().transaction;
        let amount = transaction.income().unwrap_or(Amount::ZERO);
        Ok(VoucherReclaimed {
            status: "final",
            voucher: one.voucher.to_string(),
            amount: amount.checked_sub(transaction.fee).unwrap_or(amount),
            transaction: done.transaction,
            height: done.height,
        })
    })
    .await
}

fn income(operation: &Operation) -> Amount {
    match operation {
        Operation::ReclaimVoucher { amount, .. } => *amount,
        _ => Amount::ZERO,
    }
}

fn short(voucher: &PublicKey) -> String {
    voucher.to_string().chars().take(12).collect()
}

/// The one whose number begins so.
fn named<'a>(text: &str, all: &'a [OwnVoucher]) -> Result<&'a OwnVoucher, Failure> {
    let text = text.trim().to_lowercase();
    let found: Vec<&OwnVoucher> = all
        .iter()
        .filter(|one| text.len() >= FEWEST_DIGITS && one.voucher.to_string().starts_with(&text))
        .collect();
    let shown: String = text.chars().take(64).collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(Failure::new(
            Exit::Rejected,
            "voucher_unknown",
            format!("this wallet has opened no voucher {shown:?}"),
            format!(
                "give at least {FEWEST_DIGITS} digits of one that `natcoin wallet voucher list` shows"
            ),
        )),
        _ => Err(Failure::new(
            Exit::Usage,
            "voucher_unknown",
            format!("{} vouchers begin with {shown:?}", found.len()),
            "give more digits",
        )),
    }
}
