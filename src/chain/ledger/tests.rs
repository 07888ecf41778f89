//! The ledger against a naive model of it; what is refused leaves no trace; what is written restores.

mod blocks;
mod vouchers;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::chain::account::activity_head;
use crate::chain::codec::Encode;
use crate::chain::hash::hex;
use crate::chain::testing::network::{
    address, assert_golden, claim, context, genesis, key, nits, pay, transaction, transfer,
};

fn committed(ledger: &mut Ledger, height: u64, transactions: &[SignedTransaction]) -> Execution {
    let execution = ledger.execute(&context(height), transactions).unwrap();
    ledger.commit(execution.changes.clone()).unwrap();
    assert_eq!(ledger.state_root(), execution.state_root);
    execution
}

fn total(ledger: &Ledger) -> u128 {
    ledger
        .accounts
        .iter()
        .map(|(_, account)| u128::from(account.balance.nits()))
        .sum()
}

/// Money, nonces and names, by the shortest rules that could be right.
#[derive(Debug, Default)]
struct Model {
    accounts: BTreeMap<Address, (u64, u64, Option<Name>)>,
    taken: BTreeSet<Name>,
}

impl Model {
    fn of_genesis() -> Self {
        let mut model = Self::default();
        for account in genesis().accounts {
            model.taken.extend(account.name.clone());
            model
                .accounts
                .insert(account.address, (account.balance.nits(), 0, account.name));
        }
        model
    }

    fn try_one(&mut self, one: &Transaction) -> bool {
        let Some((balance, nonce, name)) = self.accounts.get(&one.sender).cloned() else {
            return false;
        };
        let fee = one.fee.nits();
        if one.nonce != nonce || fee < 2 || one.valid_until < 1 {
            return false;
        }
        match &one.operation {
            Operation::Transfer { to, amount, .. } => {
                let amount = amount.nits();
                let is_new = !self.accounts.contains_key(to);
                if amount == 0
                    || *to == one.sender
                    || amount + fee > balance
                    || (is_new && amount < 10)
                {
                    return false;
                }
                self.accounts
                    .insert(one.sender, (balance - amount - fee, nonce + 1, name));
                self.accounts.entry(*to).or_insert((0, 0, None)).0 += amount;
            }
            Operation::ClaimName { name: claimed } => {
                if name.is_some() || fee > balance || !self.taken.insert(claimed.clone()) {
                    return false;
                }
                self.accounts.insert(
                    one.sender,
                    (balance - fee, nonce + 1, Some(claimed.clone())),
                );
            }
            // `tests/vouchers.rs` has a model of its own.
            _ => return false,
        }
        true
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let amount = prop_oneof![3 => 0..40_u64, 1 => 300..1_200_u64];
    prop_oneof![
        5 => (amount, 1..7_u8).prop_map(|(amount, to)| transfer(amount, to)),
        1 => (0..4_u8).prop_map(|n| claim(["alice", "bob", "carol", "dave"][usize::from(n)])),
    ]
}

/// Who, how far off the nonce is (mostly not), what.
fn candidate() -> impl Strategy<Value = (u8, u64, Operation)> {
    (
        1..6_u8,
        prop_oneof![9 => Just(0_u64), 1 => Just(1)],
        operation(),
    )
}

/// Transactions that follow one another as if each were valid, with the model's verdicts.
fn judged(candidates: &[(u8, u64, Operation)]) -> (Model, Vec<(SignedTransaction, bool)>) {
    let mut model = Model::of_genesis();
    let mut judged = Vec::new();
    for (person, off, operation) in candidates {
        let nonce = model
            .accounts
            .get(&address(*person))
            .map_or(0, |account| account.1)
            + off;
        let one = transaction(*person, nonce, operation.clone());
        let is_valid = model.try_one(&one);
        // Signatures are not the ledger's to check, and signing is slow.
        judged.push((
            SignedTransaction {
                transaction: one,
                signature: crate::chain::key::Signature([0; 64]),
            },
            is_valid,
        ));
    }
    (model, judged)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_ledger_does_what_the_model_does_and_the_supply_is_constant(candidates in vec(candidate(), 1..45)) {
        let (model, judged) = judged(&candidates);
        let mut ledger = Ledger::from_genesis(&genesis());
        let all = judged.iter().map(|(one, _)| one.clone());
        let selection = ledger.select(&context(1), all).unwrap();
        let valid: Vec<SignedTransaction> = judged.iter().filter(|(_, ok)| *ok).map(|(one, _)| one.clone()).collect();
        prop_assert_eq!(&selection.transactions, &valid);
        prop_assert_eq!(selection.refused.len(), judged.len() - valid.len());

        // Leaving out the refused by hand gives the same state: they left no trace.
        let execution = ledger.execute(&context(1), &valid).unwrap();
        prop_assert_eq!(execution.state_root, selection.execution.state_root);
        let before = ledger.state_root();
        prop_assert_eq!(total(&ledger), 2_000);
        ledger.commit(execution.changes).unwrap();
        prop_assert_eq!(total(&ledger), 2_000);
        prop_assert_eq!(ledger.state_root() == before, valid.is_empty());

        let proposer = context(1).proposer;
        for (address, account) in ledger.accounts.iter() {
            if *address == proposer {
                prop_assert_eq!(account.balance, execution.fees);
                continue;
            }
            let (balance, nonce, name) = &model.accounts[address];
            prop_assert_eq!((account.balance.nits(), account.nonce, &account.name), (*balance, *nonce, name));
        }
        let restored = Ledger::restore(&genesis(), ledger.entries().map(|entry| (entry.key, entry.value.unwrap()))).unwrap();
        prop_assert_eq!(restored.state_root(), ledger.state_root());
        prop_assert_eq!(restored.names, ledger.names);
    }

    #[test]
    fn a_block_with_one_invalid_transaction_changes_nothing_and_names_it(candidates in vec(candidate(), 1..20)) {
        let (_, judged) = judged(&candidates);
        let ledger = Ledger::from_genesis(&genesis());
        let root = ledger.state_root();
        let all: Vec<SignedTransaction> = judged.iter().map(|(one, _)| one.clone()).collect();
        match (ledger.execute(&context(1), &all), judged.iter().position(|(_, ok)| !ok)) {
            (Err(ExecuteError::Rejected { index, .. }), first) => prop_assert_eq!(Some(index), first),
            (outcome, first) => prop_assert!(outcome.is_ok() && first.is_none()),
        }
        prop_assert_eq!(ledger.state_root(), root);
    }
}

#[test]
fn a_payment_moves_money_and_its_fee_goes_to_the_proposer() {
    let mut ledger = Ledger::from_genesis(&genesis());
    let execution = committed(&mut ledger, 1, &[pay(1, 0, 100, 2), pay(2, 0, 50, 9)]);
    let balance = |person| ledger.account(&address(person)).unwrap().balance;
    assert_eq!(
        (balance(1), balance(2), balance(9)),
        (nits(898), nits(548), nits(50))
    );
    assert_eq!(execution.fees, nits(4));
    assert_eq!(
        ledger.account(&context(1).proposer).unwrap().balance,
        nits(4)
    );
    let numbers: Vec<_> = execution
        .activities
        .iter()
        .map(|one| (one.address, one.number, one.index))
        .collect();
    assert_eq!(
        numbers,
        [
            (address(1), 1, 0),
            (address(2), 1, 0),
            (address(2), 2, 1),
            (address(9), 1, 1)
        ]
    );
}

#[test]
fn the_activity_chain_runs_for_payer_and_payee() {
    let mut ledger = Ledger::from_genesis(&genesis());
    let (first, second) = (pay(1, 0, 100, 2), pay(2, 0, 50, 1));
    committed(&mut ledger, 1, std::slice::from_ref(&first));
    committed(&mut ledger, 2, std::slice::from_ref(&second));
    let head = activity_head(&Hash::ZERO, &first.id(), 1, context(1).time_ms);
    let head = activity_head(&head, &second.id(), 2, context(2).time_ms);
    for person in [1, 2] {
        let account = ledger.account(&address(person)).unwrap();
        assert_eq!((account.activities, account.head), (2, head));
    }
}

#[test]
fn a_double_spend_is_executed_once() {
    let ledger = Ledger::from_genesis(&genesis());
    let (one, other) = (pay(2, 0, 400, 1), pay(2, 0, 400, 3));
    let selection = ledger
        .select(&context(1), [one.clone(), other.clone(), one.clone()])
        .unwrap();
    assert_eq!(selection.transactions, std::slice::from_ref(&one));
    let used = Rejection::NonceUsed { given: 0, next: 1 };
    assert_eq!(
        selection.refused,
        [(other.id(), used.clone()), (one.id(), used.clone())]
    );
    let error = ledger.execute(&context(1), &[one, other]).unwrap_err();
    assert_eq!(
        error,
        ExecuteError::Rejected {
            index: 1,
            rejection: used
        }
    );
}

#[test]
fn a_name_is_the_first_claimants_also_within_one_block() {
    let mut ledger = Ledger::from_genesis(&genesis());
    let by = |person: u8, nonce, name| transaction(person, nonce, claim(name)).sign(&key(person));
    let selection = ledger
        .select(
            &context(1),
            [by(2, 0, "bob"), by(3, 0, "bob"), by(2, 1, "bobby")],
        )
        .unwrap();
    let codes: Vec<&str> = selection
        .refused
        .iter()
        .map(|(_, rejection)| rejection.code())
        .collect();
    assert_eq!(codes, ["name_taken", "already_named"]);
    ledger.commit(selection.execution.changes).unwrap();
    let bob: Name = "bob".parse().unwrap();
    assert_eq!(ledger.owner(&bob), Some(address(2)));
    let (root, leaf) = (ledger.state_root(), name_leaf(&address(2)));
    assert_eq!(
        ledger
            .prove_name(&bob)
            .verify(&root, &name_key(&bob), Some(&leaf)),
        Ok(())
    );
}

#[test]
fn a_block_takes_no_more_than_the_rules_allow() {
    let mut few = genesis();
    few.rules.max_block_transactions = 3;
    let many = |genesis: &Genesis, count: u64| {
        let hash = genesis.hash();
        let one = move |nonce| Transaction {
            genesis: hash,
            ..transaction(1, nonce, transfer(1, 2))
        };
        (0..count)
            .map(move |nonce| one(nonce).sign(&key(1)))
            .collect::<Vec<_>>()
    };
    let selection = Ledger::from_genesis(&few)
        .select(&context(1), many(&few, 5))
        .unwrap();
    assert_eq!(selection.transactions.len(), 3);

    let mut small = genesis();
    small.rules.max_block_bytes = 16_384;
    small.rules.max_block_transactions = 4_096;
    small.rules.fee = nits(0);
    let candidates = many(&small, 120);
    let each = candidates[0].to_bytes().len();
    let selection = Ledger::from_genesis(&small)
        .select(&context(1), candidates)
        .unwrap();
    assert_eq!(
        selection.transactions.len(),
        (16_384 - BLOCK_ROOM_BYTES) / each
    );
}

#[test]
fn changes_made_from_another_state_are_refused() {
    let mut ledger = Ledger::from_genesis(&genesis());
    let stale = ledger.execute(&context(1), &[pay(1, 0, 100, 2)]).unwrap();
    committed(&mut ledger, 1, &[pay(2, 0, 100, 1)]);
    let (root, account) = (ledger.state_root(), ledger.account(&address(1)));
    assert!(matches!(ledger.commit(stale.changes), Err(Fault::Stale(_))));
    assert_eq!(
        (ledger.state_root(), ledger.account(&address(1))),
        (root, account)
    );
}

#[test]
fn money_from_nowhere_is_a_fault() {
    let ledger = Ledger::from_genesis(&genesis());
    let context = context(1);
    let mut draft = Draft::new(&ledger, &context);
    let payment = pay(1, 0, 100, 2);
    draft.apply(&payment.transaction, payment.id()).unwrap();
    draft.accounts.get_mut(&address(2)).unwrap().balance = nits(601);
    assert_eq!(
        draft.finish().unwrap_err(),
        Fault::SupplyChanged {
            before: 1_500,
            after: 1_501
        }
    );
}

#[test]
fn an_account_is_given_back_as_it_was_put_in() {
    let plain = Account {
        balance: nits(7),
        nonce: 3,
        activities: 5,
        head: Hash([4; 32]),
        ..Account::new(&address(1))
    };
    let named = Account {
        name: Some("alice".parse().unwrap()),
        ..plain.clone()
    };
    let moved = Account {
        key: address(2).birth_key(),
        ..plain.clone()
    };
    let both = Account {
        name: named.name.clone(),
        ..moved.clone()
    };
    let mut accounts = Accounts::default();
    for account in [plain, named, moved, both] {
        accounts.put([(address(1), account.clone())]);
        assert_eq!(accounts.get(&address(1)), Some(account));
    }
    assert_eq!((accounts.len(), accounts.get(&address(2))), (1, None));
}

#[test]
fn what_a_disk_has_changed_does_not_restore() {
    let genesis = genesis();
    let ledger = Ledger::from_genesis(&genesis);
    let entries: Vec<(Vec<u8>, Vec<u8>)> = ledger
        .entries()
        .map(|entry| (entry.key, entry.value.unwrap()))
        .collect();
    let restore = |entries: &[(Vec<u8>, Vec<u8>)]| {
        Ledger::restore(&genesis, entries.iter().map(|(k, v)| (k, v)))
            .map(|ledger| ledger.state_root())
    };
    assert_eq!(restore(&entries), Ok(ledger.state_root()));
    assert!(matches!(
        restore(&entries[1..]),
        Err(RestoreError::Supply { .. })
    ));
    let mut repeated = entries.clone();
    repeated.push(entries[0].clone());
    assert_eq!(restore(&repeated), Err(RestoreError::Repeated { index: 3 }));
    let mut torn = entries.clone();
    torn[1].1.pop();
    assert!(matches!(
        restore(&torn),
        Err(RestoreError::Damaged { index: 1, .. })
    ));
    let mut foreign = entries.clone();
    foreign[2].0[0] = 9;
    assert!(matches!(
        restore(&foreign),
        Err(RestoreError::Damaged { index: 2, .. })
    ));
    let mut richer = entries.clone();
    richer[0].1[0] ^= 1;
    assert!(matches!(restore(&richer), Err(RestoreError::Supply { .. })));
    // What adds up is caught by the root, which the caller holds against the certified header.
    let mut swapped = entries.clone();
    swapped[0].1[8] ^= 1;
    assert_ne!(restore(&swapped).unwrap(), ledger.state_root());
}

#[test]
fn the_state_is_frozen() {
    let mut ledger = Ledger::from_genesis(&genesis());
    let mut text = format!("genesis {}\n", hex(&ledger.state_root().0));
    let named = transaction(2, 0, claim("bob")).sign(&key(2));
    committed(&mut ledger, 1, &[pay(1, 0, 100, 9), named]);
    text += &format!("block   {}\n", hex(&ledger.state_root().0));
    for entry in ledger.entries() {
        text += &format!("{} {}\n", hex(&entry.key), hex(&entry.value.unwrap()));
    }
    assert_golden("state.txt", &text);
}
