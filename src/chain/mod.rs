//! The law, pure: amounts, keys, transactions, blocks, rules, ledger, tree and proofs.
