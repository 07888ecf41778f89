//! Vouchers by the library, against whole nodes: two at once through different nodes, over, and given with a fee.

use std::time::Duration;

use natcoin::{
    chain::{amount::Amount, key::SecretKey},
    node::{
        clock,
        session::{
            Intent, Limits, Outcome, Purse, Session, SessionConfig, SessionError, Terms,
            VoucherState,
        },
    },
    wallet::{memo::Note, payment::Status, voucher::VoucherSecret},
};

use crate::common::{
    town::{Town, address, nat, person},
    wait::eventually,
};

fn terms(each: Amount, count: u16, life: Duration) -> Intent {
    Intent::OpenVoucher(Terms {
        each,
        count,
        life,
        note: Note::default(),
    })
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn settle(
    session: &Session,
    purse: &mut Purse,
    secret: &SecretKey,
    intent: Intent,
) -> Result<Outcome, SessionError> {
    let plan = session.plan(purse, secret.address(), intent).await?;
    session.pay(purse, secret, plan, &mut |_| {}).await
}

/// Alice opens a voucher; its secret.
async fn opened(session: &Session, purse: &mut Purse, intent: Intent) -> VoucherSecret {
    let done = settle(session, purse, &person(0), intent).await.unwrap();
    assert!(
        matches!(done.payment.status(), Status::Final { .. }),
        "{:?}",
        done.payment
    );
    let one = &done.payment.transaction().transaction;
    VoucherSecret::of(&person(0), &one.genesis, one.nonce)
}

fn code(outcome: &Result<Outcome, SessionError>) -> String {
    match outcome {
        Ok(outcome) => match outcome.payment.status() {
            Status::Final { .. } => "final".to_owned(),
            Status::Rejected { code, .. } => code.clone(),
            other => format!("{other:?}"),
        },
        Err(SessionError::Rejected(rejection)) => rejection.code().to_owned(),
        Err(other) => other.to_string(),
    }
}

async fn balance(session: &Session, of: &SecretKey) -> Amount {
    let account = session.account(of.address()).await.unwrap().value;
    account.map_or(Amount::ZERO, |account| account.balance)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_newcomers_who_claim_at_once_through_different_nodes_one_has_it_and_the_other_is_told()
 {
    let town = Town::of(4).await;
    let session = town.session().await;
    let mut purse = town.purse("alice");
    let secret = opened(&session, &mut purse, terms(nat(7), 1, DAY)).await;
    let (one, two) = (
        SecretKey::from_seed(&[81; 32]),
        SecretKey::from_seed(&[82; 32]),
    );
    let limits = Limits::default();
    let by = |place: usize| {
        let node = session.bootstrap().nodes()[place].clone();
        SessionConfig {
            limits,
            ..SessionConfig::new(session.bootstrap().through(node))
        }
    };
    let first = Session::open(by(0)).await.unwrap();
    let second = Session::open(by(2)).await.unwrap();
    let (mut left, mut right) = (town.purse("one"), town.purse("two"));
    let claim = || Intent::ClaimVoucher(secret.clone());
    let outcomes = tokio::join!(
        settle(&first, &mut left, &one, claim()),
        settle(&second, &mut right, &two, claim())
    );
    let mut codes = [code(&outcomes.0), code(&outcomes.1)];
    codes.sort_unstable();
    assert_eq!(codes, ["final", "voucher_gone"]);
    let sum = balance(&session, &one)
        .await
        .checked_add(balance(&session, &two).await);
    assert_eq!(sum, Some(nat(7)));
    let own = session.own_vouchers(address(0)).await.unwrap().value;
    assert_eq!(
        (own[0].state, own[0].claims.len()),
        (VoucherState::Claimed, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_end_a_voucher_is_refused_and_its_opener_takes_it_back() {
    let town = Town::of(4).await;
    let session = town.session().await;
    let mut purse = town.purse("alice");
    let secret = opened(
        &session,
        &mut purse,
        terms(nat(7), 2, Duration::from_secs(10)),
    )
    .await;
    let newcomer = SecretKey::from_seed(&[83; 32]);
    let mut own = town.purse("new");
    let claim = || Intent::ClaimVoucher(secret.clone());
    assert_eq!(
        code(&settle(&session, &mut own, &newcomer, claim()).await),
        "final"
    );
    let found = session.own_vouchers(address(0)).await.unwrap().value;
    let (voucher, end) = (found[0].voucher, found[0].until_ms);
    assert_eq!(found[0].state, VoucherState::Open(1));
    eventually("its end is over", async || clock::unix_ms() > end).await;
    let mut late = town.purse("late");
    let tardy = SecretKey::from_seed(&[84; 32]);
    assert_eq!(
        code(&settle(&session, &mut late, &tardy, claim()).await),
        "voucher_expired"
    );
    let found = session.own_vouchers(address(0)).await.unwrap().value;
    assert_eq!(found[0].state, VoucherState::Expired(1));
    let before = balance(&session, &person(0)).await;
    let back = Intent::ReclaimVoucher(voucher);
    assert_eq!(
        code(&settle(&session, &mut purse, &person(0), back).await),
        "final"
    );
    let after = balance(&session, &person(0)).await;
    assert_eq!(after.checked_sub(before), Some(nat(7)));
    let found = session.own_vouchers(address(0)).await.unwrap().value;
    assert_eq!(found[0].state, VoucherState::TakenBack);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_claims_twice_and_who_claims_their_own_are_told() {
    let town = Town::of(1).await;
    let session = town.session().await;
    let mut purse = town.purse("alice");
    let secret = opened(&session, &mut purse, terms(nat(1), 3, DAY)).await;
    let claim = || Intent::ClaimVoucher(secret.clone());
    let mut bob = town.purse("bob");
    assert_eq!(
        code(&settle(&session, &mut bob, &person(1), claim()).await),
        "final"
    );
    assert_eq!(
        code(&settle(&session, &mut bob, &person(1), claim()).await),
        "voucher_claimed"
    );
    assert_eq!(
        code(&settle(&session, &mut purse, &person(0), claim()).await),
        "own_address"
    );
    let key = secret.public(&session.bootstrap().genesis().hash());
    let found = session.claim_by(address(1), key).await.unwrap();
    assert!(found.is_some_and(|(claim, height)| claim.sender == address(1) && height > 1));
    assert!(session.claim_by(address(2), key).await.unwrap().is_none());
    let stranger = VoucherSecret::new([9; 16]);
    let gone = settle(
        &session,
        &mut bob,
        &person(1),
        Intent::ClaimVoucher(stranger),
    )
    .await;
    assert_eq!(code(&gone), "voucher_gone");
}
