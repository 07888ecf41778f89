//! The rules of a block, each broken alone.

use crate::chain::block::Block;
use crate::chain::hash::Hash;
use crate::chain::ledger::{BlockError, ExecuteError, Ledger, Tip};
use crate::chain::testing::network::{address, context, genesis, pay};
use crate::mutation::{self, Mutation};

fn made(ledger: &Ledger, tip: &Tip) -> Block {
    let context = context(tip.height + 1);
    let body = ledger
        .select(&context, [pay(1, 0, 100, 2), pay(2, 0, 5, 1)])
        .unwrap();
    let header = ledger.header(tip, &context, &body);
    Block {
        header,
        transactions: body.transactions,
    }
}

fn refusal(change: impl FnOnce(&mut Block)) -> BlockError {
    let genesis = genesis();
    let ledger = Ledger::from_genesis(&genesis);
    let tip = Tip::genesis(&genesis);
    let mut block = made(&ledger, &tip);
    change(&mut block);
    ledger.validate(&tip, &block).unwrap_err()
}

#[test]
fn a_block_as_proposers_make_it_is_valid_and_the_next_stands_on_it() {
    let genesis = genesis();
    let mut ledger = Ledger::from_genesis(&genesis);
    let tip = Tip::genesis(&genesis);
    let first = made(&ledger, &tip);
    let execution = ledger.validate(&tip, &first).unwrap();
    ledger.commit(execution.changes).unwrap();
    assert_eq!(ledger.state_root(), first.header.state_root);
    let tip = Tip::after(&first.header);
    let second = made(&ledger, &tip);
    assert!(second.transactions.is_empty());
    assert!(ledger.validate(&tip, &second).is_ok());
    assert!(matches!(
        ledger.validate(&tip, &first),
        Err(BlockError::Height {
            given: 1,
            expected: 2
        })
    ));
}

#[test]
fn a_header_that_does_not_fit_is_refused_with_its_rule() {
    assert_eq!(
        refusal(|block| block.header.version = 9),
        BlockError::Version { given: 9 }
    );
    assert!(matches!(
        refusal(|block| block.header.genesis = Hash::ZERO),
        BlockError::ForeignNetwork { .. }
    ));
    assert_eq!(
        refusal(|block| block.header.height = 2),
        BlockError::Height {
            given: 2,
            expected: 1
        }
    );
    assert!(matches!(
        refusal(|block| block.header.parent = Hash([1; 32])),
        BlockError::Parent { .. }
    ));
    assert_eq!(
        refusal(|block| block.header.time_ms = 1_000),
        BlockError::Time {
            given: 1_000,
            parent: 1_000
        }
    );
    assert_eq!(
        refusal(|block| block.header.proposer = address(1)),
        BlockError::Proposer(address(1))
    );
    assert!(matches!(
        refusal(|block| block.header.next_validators = Hash::ZERO),
        BlockError::NextValidators { .. }
    ));
    assert!(matches!(
        refusal(|block| block.header.state_root = Hash::ZERO),
        BlockError::StateRoot { .. }
    ));
}

#[test]
fn a_body_that_does_not_fit_is_refused_with_its_rule() {
    let root = refusal(|block| block.transactions.reverse());
    assert!(matches!(root, BlockError::TransactionsRoot { .. }));
    let invalid = refusal(|block| {
        block.transactions.reverse();
        block.transactions[0] = pay(1, 7, 100, 2);
        block.header.transactions_root =
            crate::chain::block::transactions_root(&block.transactions);
    });
    assert!(matches!(
        invalid,
        BlockError::Execution(ExecuteError::Rejected { index: 0, .. })
    ));
    let large = refusal(|block| block.transactions = vec![block.transactions[0].clone(); 51]);
    assert!(matches!(
        large,
        BlockError::TooLarge {
            transactions: 50,
            ..
        }
    ));
}

#[test]
fn a_false_state_and_minted_fees_are_noticed() {
    mutation::assert_noticed(&[
        (
            Mutation::StateRootUnchecked,
            a_header_that_does_not_fit_is_refused_with_its_rule,
        ),
        (
            Mutation::FeesMinted,
            super::a_payment_moves_money_and_its_fee_goes_to_the_proposer,
        ),
    ]);
}
