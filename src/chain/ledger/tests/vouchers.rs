//! Vouchers: opened, claimed and taken back; refused by each rule; and money and state against a naive model.

use super::*;
use crate::chain::key::SecretKey;
use crate::chain::rules::signature_is_good;
use crate::chain::testing::network::genesis_hash;
use crate::chain::voucher::ClaimWords;
use crate::mutation::{self, Mutation};

/// What the key of a voucher is made of; people have small numbers.
fn one_time(number: u8) -> SecretKey {
    key(100 + number)
}

fn open(number: u8, share: u64, count: u16) -> Operation {
    Operation::OpenVoucher {
        voucher: one_time(number).public(),
        share: nits(share),
        count,
        until_ms: 5_000,
        memo: Default::default(),
    }
}

/// Person 1 opens it with their first transaction.
fn opening(number: u8, share: u64, count: u16) -> SignedTransaction {
    transaction(1, 0, open(number, share, count)).sign(&key(1))
}

fn claim_of(opening: &SignedTransaction, person: u8, number: u8, share: u64) -> Operation {
    let voucher = one_time(number).public();
    let words = ClaimWords {
        genesis: genesis_hash(),
        voucher,
        opening: opening.id(),
        claimer: address(person),
    };
    Operation::ClaimVoucher {
        voucher,
        opener: opening.transaction.sender,
        opening: opening.id(),
        share: nits(share),
        proof: words.sign(&one_time(number)),
    }
}

fn claims(opening: &SignedTransaction, person: u8, nonce: u64, share: u64) -> SignedTransaction {
    transaction(person, nonce, claim_of(opening, person, 0, share)).sign(&key(person))
}

fn reclaim(person: u8, nonce: u64, amount: u64) -> SignedTransaction {
    let voucher = one_time(0).public();
    let amount = nits(amount);
    transaction(person, nonce, Operation::ReclaimVoucher { voucher, amount }).sign(&key(person))
}

fn opened(share: u64, count: u16) -> (Ledger, SignedTransaction) {
    let mut ledger = Ledger::from_genesis(&genesis());
    let opening = opening(0, share, count);
    committed(&mut ledger, 1, std::slice::from_ref(&opening));
    (ledger, opening)
}

fn refused(ledger: &Ledger, one: &SignedTransaction) -> Rejection {
    refused_at(ledger, 2, one)
}

fn refused_at(ledger: &Ledger, height: u64, one: &SignedTransaction) -> Rejection {
    let selection = ledger.select(&context(height), [one.clone()]).unwrap();
    selection
        .refused
        .into_iter()
        .next()
        .expect("it is refused")
        .1
}

fn balance(ledger: &Ledger, person: u8) -> u64 {
    let account = ledger.account(&address(person));
    account.map_or(0, |account| account.balance.nits())
}

fn locked(ledger: &Ledger) -> u128 {
    let keys = ledger.voucher_keys();
    keys.map(|key| ledger.voucher(key).unwrap().locked_nits())
        .sum()
}

#[test]
fn whoever_has_no_account_claims_a_voucher_and_has_one_and_its_opener_hears_of_it() {
    let (mut ledger, opening) = opened(100, 2);
    assert_eq!((balance(&ledger, 1), locked(&ledger)), (798, 200));
    let claim = claims(&opening, 9, 0, 100);
    assert_eq!(signature_is_good(&claim), Ok(()));
    let execution = committed(&mut ledger, 2, std::slice::from_ref(&claim));
    assert_eq!((balance(&ledger, 9), locked(&ledger)), (98, 100));
    assert_eq!(total(&ledger) + locked(&ledger), 2_000);
    let newcomer = ledger.account(&address(9)).unwrap();
    assert_eq!((newcomer.nonce, newcomer.activities), (1, 1));
    let heard: Vec<_> = execution
        .activities
        .iter()
        .map(|one| (one.address, one.number))
        .collect();
    assert_eq!(heard, [(address(9), 1), (address(1), 2)]);
    let head = activity_head(&Hash::ZERO, &opening.id(), 1, context(1).time_ms);
    let head = activity_head(&head, &claim.id(), 2, context(2).time_ms);
    assert_eq!(ledger.account(&address(1)).unwrap().head, head);

    // Proven under the root: who has claimed, and when nothing is left, that there is none.
    let key = one_time(0).public();
    let voucher = ledger.voucher(&key).unwrap().clone();
    assert_eq!((voucher.left, &voucher.claimed[..]), (1, &[address(9)][..]));
    let (root, place) = (ledger.state_root(), voucher_key(&key));
    let proof = ledger.prove_voucher(&key);
    assert_eq!(proof.verify(&root, &place, Some(&voucher.leaf())), Ok(()));
    committed(&mut ledger, 3, &[claims(&opening, 2, 0, 100)]);
    assert_eq!((ledger.voucher(&key), balance(&ledger, 2)), (None, 598));
    let proof = ledger.prove_voucher(&key);
    assert_eq!(proof.verify(&ledger.state_root(), &place, None), Ok(()));
    assert_eq!(total(&ledger), 2_000);
}

#[test]
fn of_two_claims_of_the_last_share_one_is_taken() {
    let (ledger, opening) = opened(100, 1);
    let both = [claims(&opening, 8, 0, 100), claims(&opening, 9, 0, 100)];
    let selection = ledger.select(&context(2), both.clone()).unwrap();
    assert_eq!(selection.transactions, both[..1]);
    let voucher = one_time(0).public();
    assert_eq!(
        selection.refused,
        [(both[1].id(), Rejection::NoVoucher { voucher })]
    );
}

#[test]
fn an_account_claims_once() {
    let (mut ledger, opening) = opened(100, 3);
    committed(&mut ledger, 2, &[claims(&opening, 2, 0, 100)]);
    let claimer = address(2);
    let again = refused(&ledger, &claims(&opening, 2, 1, 100));
    assert_eq!(again, Rejection::VoucherClaimed { claimer });
}

#[test]
fn a_claim_that_somebody_copied_is_of_no_use_to_them() {
    let (_, opening) = opened(100, 1);
    let proof_of_another = claim_of(&opening, 8, 0, 100);
    let thief = transaction(9, 0, proof_of_another).sign(&key(9));
    assert_eq!(signature_is_good(&thief), Err(Rejection::BadSignature));
    let mut copied = claims(&opening, 8, 0, 100);
    copied.transaction.sender = address(9);
    assert_eq!(signature_is_good(&copied), Err(Rejection::BadSignature));
    // Nor is it, when the key is used again.
    let elsewhere = Transaction {
        genesis: Hash([7; 32]),
        ..copied.transaction.clone()
    };
    assert!(!elsewhere.sign(&key(9)).signature_is_good());
}

#[test]
fn a_claim_says_what_it_takes_and_can_take_nothing_else() {
    let (ledger, opening) = opened(100, 2);
    let (opener, amount) = (address(1), nits(100));
    let differs = Rejection::VoucherDiffers { opener, amount };
    assert_eq!(refused(&ledger, &claims(&opening, 9, 0, 101)), differs);
    let other = self::opening(0, 100, 3);
    assert_eq!(refused(&ledger, &claims(&other, 9, 0, 100)), differs);
    let voucher = one_time(5).public();
    let unknown = transaction(9, 0, claim_of(&opening, 9, 5, 100)).sign(&key(9));
    assert_eq!(refused(&ledger, &unknown), Rejection::NoVoucher { voucher });
    let own = Rejection::OwnAddress { address: opener };
    assert_eq!(refused(&ledger, &claims(&opening, 1, 1, 100)), own);
}

#[test]
fn after_its_end_a_voucher_is_its_openers_alone() {
    let (mut ledger, opening) = opened(100, 2);
    // The block 40 has the time 5,000, which is the last.
    let late = claims(&opening, 9, 0, 100);
    assert!(
        ledger
            .execute(&context(40), std::slice::from_ref(&late))
            .is_ok()
    );
    let over = Rejection::VoucherOver {
        until_ms: 5_000,
        time_ms: 5_100,
    };
    assert_eq!(refused_at(&ledger, 41, &late), over);
    committed(&mut ledger, 41, &[reclaim(1, 1, 200)]);
    assert_eq!((balance(&ledger, 1), locked(&ledger)), (996, 0));
    assert_eq!(total(&ledger), 2_000);
    assert!(ledger.voucher(&one_time(0).public()).is_none());
}

#[test]
fn only_its_opener_takes_a_voucher_back_and_all_of_it_also_early() {
    let (mut ledger, opening) = opened(100, 2);
    let (opener, amount) = (address(1), nits(200));
    let differs = Rejection::VoucherDiffers { opener, amount };
    assert_eq!(refused(&ledger, &reclaim(2, 0, 200)), differs);
    assert_eq!(refused(&ledger, &reclaim(1, 1, 100)), differs);
    committed(&mut ledger, 2, &[claims(&opening, 9, 0, 100)]);
    committed(&mut ledger, 3, &[reclaim(1, 1, 100)]);
    assert_eq!((balance(&ledger, 1), locked(&ledger)), (896, 0));
    let voucher = one_time(0).public();
    let gone = Rejection::NoVoucher { voucher };
    assert_eq!(refused(&ledger, &reclaim(1, 2, 100)), gone);
    assert_eq!(refused(&ledger, &claims(&opening, 8, 0, 100)), gone);
}

#[test]
fn an_opening_is_refused_by_the_first_rule_that_it_breaks() {
    let (ledger, _) = opened(100, 1);
    let by = |operation| refused(&ledger, &transaction(2, 0, operation).sign(&key(2)));
    assert_eq!(by(open(1, 0, 1)), Rejection::ZeroAmount);
    assert_eq!(by(open(0, 250, 2)).rule(), 12);
    assert_eq!(by(open(0, u64::MAX, 2)).rule(), 12);
    let voucher = one_time(0).public();
    assert_eq!(by(open(0, 11, 1)), Rejection::VoucherOpen { voucher });
    let small = Rejection::SmallShare {
        share: nits(11),
        needed: nits(12),
    };
    assert_eq!(by(open(1, 11, 1)), small);
    let ends = |until_ms| {
        let mut operation = open(1, 12, 1);
        let Operation::OpenVoucher { until_ms: end, .. } = &mut operation else {
            unreachable!("an opening")
        };
        *end = until_ms;
        let one = transaction(2, 0, operation).sign(&key(2));
        ledger
            .select(&context(2), [one])
            .unwrap()
            .refused
            .pop()
            .map(|(_, why)| why.rule())
    };
    let now = context(2).time_ms;
    let last = now + crate::chain::voucher::MAX_VOUCHER_LIFE_MS;
    assert_eq!(
        [ends(now), ends(now + 1), ends(last), ends(last + 1)],
        [Some(18), None, None, Some(18)]
    );
}

#[test]
fn a_fee_goes_off_what_comes_out_and_leaves_a_new_account_enough() {
    let mut ledger = Ledger::from_genesis(&genesis());
    let opening = opening(0, 12, 3);
    committed(&mut ledger, 1, std::slice::from_ref(&opening));
    let with_fee = |fee| {
        let claim = claims(&opening, 9, 0, 12).transaction;
        Transaction {
            fee: nits(fee),
            ..claim
        }
        .sign(&key(9))
    };
    assert_eq!(refused(&ledger, &with_fee(1)).rule(), 9);
    assert_eq!(refused(&ledger, &with_fee(3)).rule(), 13);
    assert_eq!(refused(&ledger, &with_fee(13)).rule(), 12);
    committed(&mut ledger, 2, &[with_fee(2)]);
    assert_eq!(balance(&ledger, 9), 10);
    let dear = Transaction {
        fee: nits(25),
        ..reclaim(1, 1, 24).transaction
    }
    .sign(&key(1));
    assert_eq!(refused(&ledger, &dear).rule(), 12);
}

#[test]
fn a_key_can_be_used_again_and_the_old_claims_do_not_hold() {
    let (mut ledger, opening) = opened(100, 2);
    committed(&mut ledger, 2, &[claims(&opening, 9, 0, 100)]);
    committed(&mut ledger, 3, &[reclaim(1, 1, 100)]);
    let again = transaction(1, 2, open(0, 100, 2)).sign(&key(1));
    committed(&mut ledger, 4, std::slice::from_ref(&again));
    let (opener, amount) = (address(1), nits(100));
    let old = claims(&opening, 8, 0, 100);
    assert_eq!(
        refused(&ledger, &old),
        Rejection::VoucherDiffers { opener, amount }
    );
    committed(&mut ledger, 5, &[claims(&again, 9, 1, 100)]);
}

#[test]
fn what_is_written_restores_with_its_vouchers_and_what_is_gone_is_gone() {
    let (mut ledger, opening) = opened(100, 2);
    let restored = |ledger: &Ledger| {
        let entries = ledger
            .entries()
            .map(|entry| (entry.key, entry.value.unwrap()));
        Ledger::restore(&genesis(), entries)
    };
    assert_eq!(restored(&ledger).unwrap().state_root(), ledger.state_root());
    committed(&mut ledger, 2, &[claims(&opening, 9, 0, 100)]);
    let whole = restored(&ledger).unwrap();
    assert_eq!(whole.vouchers, ledger.vouchers);
    assert_eq!(whole.state_root(), ledger.state_root());
    let without = ledger.entries().filter(|entry| entry.key[0] == 0);
    let without = without.map(|entry| (entry.key, entry.value.unwrap()));
    assert!(matches!(
        Ledger::restore(&genesis(), without),
        Err(RestoreError::Supply { .. })
    ));
    let key = one_time(0).public();
    assert!(ledger.voucher_entry(&key).value.is_some());
    committed(&mut ledger, 3, &[reclaim(1, 1, 100)]);
    assert_eq!(ledger.voucher_entry(&key).value, None);
}

#[test]
fn locked_money_counts() {
    let (ledger, opening) = opened(100, 2);
    assert!(
        ledger
            .execute(&context(2), &[claims(&opening, 9, 0, 100)])
            .is_ok()
    );
}

/// Vouchers by the shortest rules that could be right: number -> (opener, opening, share, left, claimed).
#[derive(Default)]
struct Envelopes {
    nonces: BTreeMap<u8, u64>,
    money: BTreeMap<u8, i128>,
    open: BTreeMap<u8, (u8, SignedTransaction, u64, u16, BTreeSet<u8>)>,
}

/// Who does what with which voucher: 0 opens, 1 claims, 2 takes back.
fn act() -> impl Strategy<Value = (u8, u8, u8, u64, u16)> {
    (1..6_u8, 0..3_u8, 0..3_u8, 10..60_u64, 1..4_u16)
}

impl Envelopes {
    /// The transaction that would do it, and whether it is valid; what follows of it then.
    fn try_one(
        &mut self,
        (person, what, number, share, count): (u8, u8, u8, u64, u16),
    ) -> (SignedTransaction, bool) {
        let nonce = *self.nonces.get(&person).unwrap_or(&0);
        let has = |book: &Self| *book.money.get(&person).unwrap_or(&0);
        let known = self.open.get(&number).cloned();
        let voucher = one_time(number).public();
        let (operation, change) = match (what, &known) {
            (0, _) => {
                let cost = i128::from(share) * i128::from(count) + 2;
                let is_valid = nonce_exists(self, person)
                    && known.is_none()
                    && share >= 12
                    && has(self) >= cost;
                (open(number, share, count), is_valid.then_some(-cost))
            }
            (1, Some((opener, opening, share, _, claimed))) => {
                let is_valid = *opener != person && !claimed.contains(&person);
                (
                    claim_of(opening, person, number, *share),
                    is_valid.then_some(i128::from(*share) - 2),
                )
            }
            (2, Some((opener, _, share, left, _))) => {
                let amount = share * u64::from(*left);
                let operation = Operation::ReclaimVoucher {
                    voucher,
                    amount: nits(amount),
                };
                (
                    operation,
                    (*opener == person).then_some(i128::from(amount) - 2),
                )
            }
            _ => (
                Operation::ReclaimVoucher {
                    voucher,
                    amount: nits(5),
                },
                None,
            ),
        };
        let one = transaction(person, nonce, operation).sign(&key(person));
        let Some(change) = change else {
            return (one, false);
        };
        *self.nonces.entry(person).or_default() += 1;
        *self.money.entry(person).or_default() += change;
        match (what, known) {
            (0, _) => {
                self.open
                    .insert(number, (person, one.clone(), share, count, BTreeSet::new()));
            }
            (1, Some((opener, opening, share, left, mut claimed))) if left > 1 => {
                claimed.insert(person);
                self.open
                    .insert(number, (opener, opening, share, left - 1, claimed));
            }
            _ => drop(self.open.remove(&number)),
        }
        (one, true)
    }
}

fn nonce_exists(book: &Envelopes, person: u8) -> bool {
    book.money.contains_key(&person)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn vouchers_do_what_the_model_does_and_the_supply_is_constant(acts in vec(act(), 1..40)) {
        let mut model = Envelopes::default();
        model.money.extend([(1, 1_000), (2, 500), (3, 500)]);
        let mut ledger = Ledger::from_genesis(&genesis());
        for (height, act) in (1..).zip(acts) {
            let (one, is_valid) = model.try_one(act);
            let selection = ledger.select(&context(height.min(39)), [one]).unwrap();
            prop_assert_eq!(selection.transactions.len() == 1, is_valid, "{:?}: {:?}", act, selection.refused);
            ledger.commit(selection.execution.changes).unwrap();
            prop_assert_eq!(total(&ledger) + locked(&ledger), 2_000);
        }
        for (person, money) in &model.money {
            prop_assert_eq!(i128::from(balance(&ledger, *person)), *money);
        }
        prop_assert_eq!(ledger.vouchers.len(), model.open.len());
        let entries = ledger.entries().map(|entry| (entry.key, entry.value.unwrap()));
        let restored = Ledger::restore(&genesis(), entries).unwrap();
        prop_assert_eq!(restored.state_root(), ledger.state_root());
    }
}

#[test]
fn a_law_of_vouchers_left_out_is_noticed() {
    mutation::assert_noticed(&[
        (
            Mutation::VoucherTermsUnchecked,
            a_claim_says_what_it_takes_and_can_take_nothing_else,
        ),
        (
            Mutation::ReclaimedByAnybody,
            only_its_opener_takes_a_voucher_back_and_all_of_it_also_early,
        ),
        (
            Mutation::VoucherExpiryUnchecked,
            after_its_end_a_voucher_is_its_openers_alone,
        ),
        (Mutation::ClaimedTwice, an_account_claims_once),
        (Mutation::LockedUncounted, locked_money_counts),
    ]);
}
