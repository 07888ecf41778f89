//! Every rule broken alone, and all of them at once: the first names the cause.

use proptest::prelude::*;

use super::*;
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::hex;
use crate::chain::ledger::{Ledger, Tip};
use crate::chain::name::Name;
use crate::chain::testing::network::{
    address, assert_golden, claim, genesis, genesis_hash, key, nits, transaction, transfer,
};

fn judge(transaction: &Transaction, height: u64) -> Result<(), Rejection> {
    Ledger::from_genesis(&genesis()).check(transaction, &before(height), 0)
}

/// What a block of this height stands on.
fn before(height: u64) -> Tip {
    Tip {
        height: height - 1,
        block: Hash::ZERO,
        time_ms: 1_000,
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn a_payment_that_breaks_no_rule_is_valid() {
    let payment = transaction(1, 0, transfer(100, 2));
    assert_eq!(judge(&payment, 1), Ok(()));
    assert_eq!(judge(&payment, 50), Ok(()));
    assert_eq!(signature_is_good(&payment.sign(&key(1))), Ok(()));
    assert_eq!(judge(&transaction(2, 0, claim("bob")), 1), Ok(()));
}

#[test]
fn a_payment_of_another_network_is_rejected() {
    let given = Hash([7; 32]);
    let payment = Transaction {
        genesis: given,
        ..transaction(1, 0, transfer(100, 2))
    };
    let expected = genesis_hash();
    assert_eq!(
        judge(&payment, 1),
        Err(Rejection::ForeignNetwork { given, expected })
    );
}

#[test]
fn a_signature_of_another_key_or_over_another_payment_is_rejected() {
    let payment = transaction(1, 0, transfer(100, 2));
    assert_eq!(
        signature_is_good(&payment.clone().sign(&key(2))),
        Err(Rejection::BadSignature)
    );
    let mut changed = payment.sign(&key(1));
    changed.transaction.nonce = 1;
    assert_eq!(signature_is_good(&changed), Err(Rejection::BadSignature));
}

#[test]
fn a_payment_after_its_last_height_is_rejected() {
    let payment = transaction(1, 0, transfer(100, 2));
    assert_eq!(
        judge(&payment, 51),
        Err(Rejection::Expired {
            valid_until: 50,
            height: 51
        })
    );
}

#[test]
fn a_payment_that_is_valid_for_too_long_is_rejected() {
    let until = |valid_until| Transaction {
        valid_until,
        ..transaction(1, 0, transfer(100, 2))
    };
    assert_eq!(judge(&until(101), 1), Ok(()));
    let rejection = Rejection::TooFarAhead {
        valid_until: 102,
        limit: 101,
    };
    assert_eq!(judge(&until(102), 1), Err(rejection));
    assert!(judge(&until(u64::MAX), u64::MAX).is_ok());
}

#[test]
fn a_sender_without_account_is_rejected() {
    let sender = address(9);
    assert_eq!(
        judge(&transaction(9, 0, transfer(1, 2)), 1),
        Err(Rejection::UnknownSender { sender })
    );
}

#[test]
fn a_key_that_is_not_the_senders_is_rejected() {
    let given = key(2).public();
    let payment = Transaction {
        key: given,
        ..transaction(1, 0, transfer(100, 2))
    };
    let current = key(1).public();
    assert_eq!(
        judge(&payment, 1),
        Err(Rejection::WrongKey { given, current })
    );
}

#[test]
fn a_nonce_used_or_ahead_is_rejected_but_waiting_ones_may_be_ahead() {
    let genesis = genesis();
    let mut ledger = Ledger::from_genesis(&genesis);
    let context = crate::chain::testing::network::context(1);
    let done = ledger
        .execute(
            &context,
            &[crate::chain::testing::network::pay(1, 0, 100, 2)],
        )
        .unwrap();
    ledger.commit(done.changes).unwrap();
    let nonce = |nonce| transaction(1, nonce, transfer(100, 2));
    assert_eq!(
        ledger.check(&nonce(0), &before(2), 0),
        Err(Rejection::NonceUsed { given: 0, next: 1 })
    );
    assert_eq!(ledger.check(&nonce(1), &before(2), 0), Ok(()));
    assert_eq!(
        ledger.check(&nonce(2), &before(2), 0),
        Err(Rejection::NonceAhead { given: 2, next: 1 })
    );
    assert_eq!(ledger.check(&nonce(4), &before(2), 3), Ok(()));
    assert_eq!(
        ledger.check(&nonce(5), &before(2), 3),
        Err(Rejection::NonceAhead { given: 5, next: 1 })
    );
    assert_eq!(
        ledger.check(&nonce(0), &before(2), 3),
        Err(Rejection::NonceUsed { given: 0, next: 1 })
    );
}

#[test]
fn a_fee_below_the_rule_is_rejected_and_a_higher_one_is_not() {
    let fee = |fee| Transaction {
        fee: nits(fee),
        ..transaction(1, 0, transfer(100, 2))
    };
    let rejection = Rejection::FeeTooLow {
        given: nits(1),
        needed: nits(2),
    };
    assert_eq!(judge(&fee(1), 1), Err(rejection));
    assert_eq!(judge(&fee(3), 1), Ok(()));
}

#[test]
fn a_payment_of_nothing_is_rejected() {
    assert_eq!(
        judge(&transaction(1, 0, transfer(0, 2)), 1),
        Err(Rejection::ZeroAmount)
    );
}

#[test]
fn a_payment_to_oneself_is_rejected() {
    let own = Rejection::OwnAddress {
        address: address(1),
    };
    assert_eq!(judge(&transaction(1, 0, transfer(100, 1)), 1), Err(own));
}

#[test]
fn a_payment_of_more_than_there_is_is_rejected_and_of_all_is_not() {
    let missing = |amount, fee| Rejection::InsufficientFunds {
        balance: nits(500),
        amount: nits(amount),
        fee: nits(fee),
    };
    assert_eq!(judge(&transaction(2, 0, transfer(498, 1)), 1), Ok(()));
    assert_eq!(
        judge(&transaction(2, 0, transfer(499, 1)), 1),
        Err(missing(499, 2))
    );
    assert_eq!(
        judge(&transaction(2, 0, transfer(u64::MAX, 1)), 1),
        Err(missing(u64::MAX, 2))
    );
    let dear = Transaction {
        fee: nits(501),
        ..transaction(2, 0, claim("bob"))
    };
    assert_eq!(judge(&dear, 1), Err(missing(0, 501)));
}

#[test]
fn a_new_account_with_too_little_is_rejected() {
    let rejection = Rejection::DustAccount {
        payee: address(9),
        amount: nits(9),
        min_balance: nits(10),
    };
    assert_eq!(judge(&transaction(1, 0, transfer(9, 9)), 1), Err(rejection));
    assert_eq!(judge(&transaction(1, 0, transfer(10, 9)), 1), Ok(()));
    assert_eq!(judge(&transaction(1, 0, transfer(9, 2)), 1), Ok(()));
}

#[test]
fn a_second_name_and_a_taken_name_are_rejected() {
    let second = Rejection::AlreadyNamed {
        claimed: name("alicia"),
        own: name("alice"),
    };
    assert_eq!(judge(&transaction(1, 0, claim("alicia")), 1), Err(second));
    let taken = Rejection::NameTaken {
        name: name("alice"),
        owner: address(1),
    };
    assert_eq!(judge(&transaction(2, 0, claim("alice")), 1), Err(taken));
}

/// What is mended, step by step, on a transaction that breaks every rule.
type Mend = fn(&mut Transaction, &mut Facts<'_>);

#[test]
fn of_all_rules_broken_the_first_is_named() {
    let rules = genesis().rules;
    let ours = genesis_hash();
    let poor = Account {
        balance: nits(1),
        nonce: 5,
        ..Account::new(&address(1))
    };
    let rich = Account {
        balance: nits(9_000),
        ..poor.clone()
    };
    let mut facts = Facts {
        genesis: &ours,
        rules: &rules,
        height: 60,
        sender: None,
        payee: Payee::New,
        name_owner: None,
        voucher: None,
        time_ms: 0,
        nonces_ahead: 0,
    };
    let mut payment = transaction(1, 4, transfer(0, 1));
    payment.genesis = Hash::ZERO;
    payment.key = key(2).public();
    payment.fee = nits(1);
    let mends: [(u8, Mend); 9] = [
        (1, |payment, facts| payment.genesis = *facts.genesis),
        (3, |payment, _| payment.valid_until = 1_000),
        (4, |payment, _| payment.valid_until = 100),
        (5, |_, _| {}),
        (6, |payment, _| payment.key = key(1).public()),
        (7, |payment, _| payment.nonce = 6),
        (8, |payment, _| payment.nonce = 5),
        (9, |payment, _| payment.fee = nits(2)),
        (10, |payment, _| payment.operation = transfer(9, 1)),
    ];
    for (rule, mend) in mends {
        assert_eq!(check(&payment, &facts).unwrap_err().rule(), rule);
        mend(&mut payment, &mut facts);
        if rule == 5 {
            facts.sender = Some(&poor);
        }
    }
    assert_eq!(check(&payment, &facts).unwrap_err().rule(), 11);
    payment.operation = transfer(9, 2);
    assert_eq!(check(&payment, &facts).unwrap_err().rule(), 12);
    facts.sender = Some(&rich);
    assert_eq!(check(&payment, &facts).unwrap_err().rule(), 13);
    facts.payee = Payee::Exists;
    assert_eq!(check(&payment, &facts), Ok(()));

    let (named, poor_named) = (
        Account {
            name: Some(name("alice")),
            ..rich.clone()
        },
        Account {
            name: Some(name("alice")),
            ..poor.clone()
        },
    );
    payment.operation = claim("bob");
    facts.name_owner = Some(address(2));
    for (sender, rule) in [(&poor_named, 12), (&named, 14), (&rich, 15)] {
        facts.sender = Some(sender);
        assert_eq!(check(&payment, &facts).unwrap_err().rule(), rule);
    }
}

#[test]
fn a_rule_left_out_is_noticed() {
    mutation::assert_noticed(&[
        (
            Mutation::NetworkUnchecked,
            a_payment_of_another_network_is_rejected,
        ),
        (
            Mutation::ExpiryUnchecked,
            a_payment_after_its_last_height_is_rejected,
        ),
        (
            Mutation::NonceUnchecked,
            a_nonce_used_or_ahead_is_rejected_but_waiting_ones_may_be_ahead,
        ),
        (
            Mutation::FundsUnchecked,
            a_payment_of_more_than_there_is_is_rejected_and_of_all_is_not,
        ),
    ]);
}

fn all() -> Vec<Rejection> {
    let (one, two) = (address(1), address(2));
    vec![
        Rejection::ForeignNetwork {
            given: Hash([1; 32]),
            expected: Hash([2; 32]),
        },
        Rejection::BadSignature,
        Rejection::Expired {
            valid_until: 1,
            height: 2,
        },
        Rejection::TooFarAhead {
            valid_until: 2,
            limit: 1,
        },
        Rejection::UnknownSender { sender: one },
        Rejection::WrongKey {
            given: one.birth_key(),
            current: two.birth_key(),
        },
        Rejection::NonceUsed { given: 1, next: 2 },
        Rejection::NonceAhead { given: 2, next: 1 },
        Rejection::FeeTooLow {
            given: nits(1),
            needed: nits(2),
        },
        Rejection::ZeroAmount,
        Rejection::OwnAddress { address: one },
        Rejection::InsufficientFunds {
            balance: nits(1),
            amount: nits(2),
            fee: nits(3),
        },
        Rejection::DustAccount {
            payee: two,
            amount: nits(1),
            min_balance: nits(2),
        },
        Rejection::AlreadyNamed {
            claimed: name("bob"),
            own: name("alice"),
        },
        Rejection::NameTaken {
            name: name("alice"),
            owner: two,
        },
        Rejection::VoucherOpen {
            voucher: one.birth_key(),
        },
        Rejection::SmallShare {
            share: nits(1),
            needed: nits(2),
        },
        Rejection::VoucherLife {
            until_ms: 3,
            time_ms: 1,
            limit_ms: 2,
        },
        Rejection::NoVoucher {
            voucher: one.birth_key(),
        },
        Rejection::VoucherDiffers {
            opener: one,
            amount: nits(5),
        },
        Rejection::VoucherOver {
            until_ms: 1,
            time_ms: 2,
        },
        Rejection::VoucherClaimed { claimer: two },
    ]
}

#[test]
fn the_bytes_codes_and_numbers_of_rejections_are_frozen() {
    let lines: Vec<String> = all()
        .iter()
        .map(|one| format!("R{} {} {}\n", one.rule(), one.code(), hex(&one.to_bytes())))
        .collect();
    assert_golden("rejections.txt", &lines.concat());
    let numbers: Vec<u8> = all().iter().map(Rejection::rule).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<_>>());
}

#[test]
fn a_rejection_reads_back_as_it_was_and_says_what_is_there() {
    for rejection in all() {
        assert_eq!(Rejection::from_bytes(&rejection.to_bytes()), Ok(rejection));
    }
    let text = Rejection::InsufficientFunds {
        balance: nits(100),
        amount: nits(200),
        fee: nits(3),
    }
    .to_string();
    for part in ["0.00000100", "0.00000200", "0.00000003"] {
        assert!(text.contains(part), "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_a_rejection(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(rejection) = Rejection::from_bytes(&bytes) {
            prop_assert_eq!(rejection.to_bytes(), bytes);
        }
    }
}
