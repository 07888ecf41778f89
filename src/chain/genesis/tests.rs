//! What makes a sound genesis, every refusal, and what its hash covers.

use super::*;
use crate::chain::testing::network::key;
use crate::chain::testing::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn account(number: u8, nits: u64, name: Option<&str>) -> GenesisAccount {
    GenesisAccount {
        address: key(number).address(),
        balance: Amount::from_nits(nits),
        name: name.map(|name| name.parse().unwrap()),
    }
}

fn genesis() -> Genesis {
    Genesis {
        network: "natcoin-test".to_owned(),
        time_ms: 1_767_225_600_000,
        rules: Rules::default(),
        accounts: vec![account(1, 1000, Some("alice")), account(2, 2000, None)],
        validators: validators(4).1,
    }
}

/// The refusal of the genesis after a change.
fn refusal(change: impl FnOnce(&mut Genesis)) -> GenesisError {
    let mut changed = genesis();
    change(&mut changed);
    changed.checked().unwrap_err()
}

#[test]
fn a_sound_genesis_is_ordered_and_counts_its_supply() {
    let mut turned = genesis();
    turned.accounts.reverse();
    let (a, b) = (genesis().checked().unwrap(), turned.checked().unwrap());
    assert_eq!(a, b);
    assert_eq!(a.hash(), b.hash());
    assert!(a.accounts.is_sorted_by_key(|account| account.address));
    assert_eq!(a.supply(), Amount::from_nits(3000));
    let empty = Genesis {
        accounts: vec![],
        ..genesis()
    };
    assert_eq!(empty.checked().unwrap().supply(), Amount::ZERO);
}

#[test]
fn the_hash_covers_every_field() {
    let changes: [fn(&mut Genesis); 17] = [
        |_| (),
        |g| g.network.push('x'),
        |g| g.time_ms += 1,
        |g| g.rules.fee = Amount::from_nits(1),
        |g| g.rules.min_balance = Amount::ZERO,
        |g| g.rules.max_block_bytes -= 1,
        |g| g.rules.max_block_transactions -= 1,
        |g| g.rules.max_validity -= 1,
        |g| g.rules.heartbeat_ms -= 1,
        |g| g.accounts[0].address = key(7).address(),
        |g| g.accounts[0].balance = Amount::from_nits(7),
        |g| g.accounts[0].name = None,
        |g| g.accounts[1].name = Some("bob".parse().unwrap()),
        |g| g.accounts.push(account(8, 1, None)),
        |g| drop(g.accounts.pop()),
        |g| g.validators = validators(3).1,
        |g| g.validators = validators(5).1,
    ];
    let hashes: BTreeSet<Hash> = changes
        .iter()
        .map(|change| {
            let mut changed = genesis();
            change(&mut changed);
            changed.checked().unwrap().hash()
        })
        .collect();
    assert_eq!(hashes.len(), changes.len());
}

#[test]
fn the_hash_covers_the_validators_power() {
    let mut validators = genesis().validators.as_slice().to_vec();
    validators[2].power = 2;
    let stronger = Genesis {
        validators: ValidatorSet::new(validators).unwrap(),
        ..genesis()
    };
    assert_ne!(stronger.hash(), genesis().hash());
}

#[test]
fn a_network_name_has_1_to_32_of_its_characters() {
    for name in ["x", "natcoin-local", "9", &"n".repeat(32)] {
        let named = Genesis {
            network: name.to_owned(),
            ..genesis()
        };
        assert!(named.checked().is_ok(), "{name}");
    }
    for name in ["", "NAT", "a b", "a_b", "é", &"n".repeat(33)] {
        let error = refusal(|g| g.network = name.to_owned());
        assert_eq!(error, GenesisError::NetworkName(name.to_owned()));
    }
}

#[test]
fn every_rule_is_held_to_its_bounds() {
    type Change = fn(&mut Rules, u64);
    let cases: [(&str, u64, Change); 8] = [
        ("max_block_bytes", 16_383, |r, v| {
            r.max_block_bytes = v as u32
        }),
        ("max_block_bytes", (1 << 20) + 1, |r, v| {
            r.max_block_bytes = v as u32
        }),
        ("max_block_transactions", 0, |r, v| {
            r.max_block_transactions = v as u32
        }),
        ("max_block_transactions", 8193, |r, v| {
            r.max_block_transactions = v as u32
        }),
        ("max_validity", 9, |r, v| r.max_validity = v),
        ("max_validity", 1_000_001, |r, v| r.max_validity = v),
        ("heartbeat_ms", 999, |r, v| r.heartbeat_ms = v as u32),
        ("heartbeat_ms", 600_001, |r, v| r.heartbeat_ms = v as u32),
    ];
    for (name, wrong, set) in cases {
        let error = refusal(|g| set(&mut g.rules, wrong));
        assert!(
            matches!(error, GenesisError::Rule { rule, value, .. } if rule == name && value == wrong),
            "{error}"
        );
        let mut rules = Rules::default();
        set(&mut rules, wrong);
        assert!(Rules::from_bytes(&rules.to_bytes()).is_err());
    }
    let error = refusal(|g| g.rules.heartbeat_ms = 0);
    assert_eq!(
        error.to_string(),
        "the rule heartbeat_ms is 0: 1000 to 600000 is allowed"
    );
}

#[test]
fn accounts_and_names_stand_once() {
    let twice = refusal(|g| g.accounts.push(account(1, 5, None)));
    assert_eq!(twice, GenesisError::AccountTwice(key(1).address()));
    let name = refusal(|g| g.accounts[1].name = Some("alice".parse().unwrap()));
    assert_eq!(name, GenesisError::NameTwice("alice".parse().unwrap()));
}

#[test]
fn a_balance_below_the_smallest_is_dust() {
    let error = refusal(|g| {
        g.rules.min_balance = Amount::from_nits(1001);
    });
    assert_eq!(
        error,
        GenesisError::Dust {
            address: key(1).address(),
            balance: Amount::from_nits(1000),
            min_balance: Amount::from_nits(1001),
        }
    );
}

#[test]
fn more_money_than_can_be_written_is_refused() {
    assert_eq!(
        refusal(|g| g.accounts[0].balance = Amount::MAX),
        GenesisError::SupplyTooLarge
    );
}

#[test]
fn more_accounts_than_the_most_are_refused() {
    let many = |count: u16| {
        let accounts = (0..count).map(|i| {
            let mut address = Address([0; 32]);
            address.0[..2].copy_from_slice(&i.to_be_bytes());
            GenesisAccount {
                address,
                balance: Amount::from_nits(1),
                name: None,
            }
        });
        Genesis {
            accounts: accounts.collect(),
            ..genesis()
        }
    };
    assert!(many(10_000).checked().is_ok());
    assert_eq!(
        many(10_001).checked(),
        Err(GenesisError::TooManyAccounts(10_001))
    );
}

#[test]
fn what_makes_no_validator_set_makes_no_genesis() {
    let error = ValidatorSet::new(vec![]).map_err(GenesisError::from);
    assert_eq!(
        error.unwrap_err().to_string(),
        "there is no validator: a network needs at least one"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn checking_twice_changes_nothing(genesis in any_genesis()) {
        prop_assert_eq!(genesis.clone().checked(), Ok(genesis));
    }
}
