//! How the cost of a payment grows with the number of accounts: as its logarithm, and no faster.

use allocation_counter::{AllocationInfo, measure};
use natcoin::chain::amount::Amount;
use natcoin::chain::genesis::{Genesis, GenesisAccount, Rules};
use natcoin::chain::hash::Hash;
use natcoin::chain::key::{Address, SecretKey, Signature};
use natcoin::chain::ledger::{BlockContext, Ledger};
use natcoin::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use natcoin::chain::tree::{Batch, Key, Tree};
use natcoin::chain::validator::{Validator, ValidatorSet};

/// Payments that are looked at.
const PAYMENTS: usize = 64;

fn tree_key(number: usize) -> Key {
    Hash::of("costs/key", &[&number.to_le_bytes()]).0
}

fn tree_value(number: usize) -> Option<Hash> {
    Some(Hash::of("costs/value", &[&number.to_le_bytes()]))
}

/// Inner nodes that a payment touches, and bytes that planning it allocates: both of all payments together.
fn of_a_tree(leaves: usize) -> (usize, u64) {
    let mut tree = Tree::new();
    tree.apply(
        &(0..leaves)
            .map(|one| (tree_key(one), tree_value(one)))
            .collect(),
    );
    let (mut nodes, mut bytes) = (0, 0);
    for payment in 0..PAYMENTS {
        let ends = [payment * 11, payment * 13 + 1].map(tree_key);
        nodes += ends
            .iter()
            .map(|key| tree.prove(key).depth())
            .sum::<usize>();
        let changes: Batch = ends.map(|key| (key, tree_value(leaves + payment))).into();
        let before = tree.root();
        bytes += measure(|| assert_ne!(tree.root_after(&changes), before)).bytes_total;
    }
    (nodes, bytes)
}

#[test]
fn a_payment_among_100_times_as_many_accounts_touches_only_some_more_nodes_of_the_tree() {
    let (few, few_bytes) = of_a_tree(1_000);
    let (many, many_bytes) = of_a_tree(100_000);
    // Keys are hashes: a leaf lies about 1.3 deeper than in a tree that is cut evenly, and that one has 10 and 17 levels.
    let ends = 2 * PAYMENTS;
    assert!((9 * ends..13 * ends).contains(&few), "{few} of {ends} ends");
    assert!(
        (16 * ends..20 * ends).contains(&many),
        "{many} of {ends} ends"
    );
    assert!(few_bytes > 0);
    assert!(
        many_bytes <= few_bytes * 2,
        "{many_bytes} bytes are allocated where {few_bytes} were"
    );
}

fn ledger(accounts: usize) -> (Ledger, SecretKey) {
    let payer = SecretKey::from_seed(&[7; 32]);
    let endowed = |address| GenesisAccount {
        address,
        balance: Amount::from_nits(1_000_000),
        name: None,
    };
    let others = (1..accounts).map(|one| endowed(Address(tree_key(one))));
    let validator = Validator {
        key: payer.public(),
        power: 1,
    };
    let genesis = Genesis {
        network: "costs".to_owned(),
        time_ms: 1_000,
        rules: Rules::default(),
        accounts: others.chain([endowed(payer.address())]).collect(),
        validators: ValidatorSet::new(vec![validator]).unwrap(),
    };
    (Ledger::from_genesis(&genesis.checked().unwrap()), payer)
}

/// What executing payments and committing them allocates.
fn of_a_ledger(accounts: usize) -> AllocationInfo {
    let (mut ledger, payer) = ledger(accounts);
    let payment = |number: usize| SignedTransaction {
        transaction: Transaction {
            genesis: *ledger.genesis(),
            sender: payer.address(),
            key: payer.public(),
            nonce: u64::try_from(number).unwrap(),
            valid_until: 100,
            fee: ledger.rules().fee,
            operation: Operation::Transfer {
                to: Address(tree_key(number * 3 + 1)),
                amount: Amount::from_nits(1),
                memo: Memo::default(),
            },
        },
        // The ledger's own functions do not look at it.
        signature: Signature([0; 64]),
    };
    let payments: Vec<SignedTransaction> = (0..PAYMENTS).map(payment).collect();
    let context = BlockContext {
        height: 1,
        time_ms: 2_000,
        proposer: payer.address(),
    };
    let counted = measure(|| {
        let execution = ledger.execute(&context, &payments).unwrap();
        ledger.commit(execution.changes).unwrap();
    });
    let nonce = ledger.account(&payer.address()).unwrap().nonce;
    assert_eq!(nonce, PAYMENTS as u64, "all were executed");
    counted
}

#[test]
fn a_block_on_100_times_as_many_accounts_allocates_only_some_more() {
    let (few, many) = (of_a_ledger(100), of_a_ledger(10_000));
    assert!(few.count_total > 0);
    // Paths are twice as long there and meet less near the root; what does not depend on them stays.
    assert!(
        many.bytes_total <= few.bytes_total * 3 && many.count_total <= few.count_total * 2,
        "{many:?} where {few:?} were allocated"
    );
}
