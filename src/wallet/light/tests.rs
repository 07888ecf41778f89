//! Nothing that a lying or lagging node says is taken.

use super::*;
use crate::chain::block::{Header, transaction_leaves};
use crate::chain::key::SecretKey;
use crate::chain::ledger::{Ledger, Tip};
use crate::chain::merkle;
use crate::chain::query::{
    AccountAnswer, ActivitiesAnswer, HistoryEntry, NameAnswer, NetworkAnswer, Status,
    TransactionAnswer,
};
use crate::chain::testing::network::{
    address, certificate, context, genesis, key, nits, pay, validator,
};

/// A chain of one payment a block, and what a node of it answers at each height.
struct Chain {
    ledgers: Vec<Ledger>,
    anchors: Vec<Anchor>,
    blocks: Vec<Vec<SignedTransaction>>,
}

fn signers(count: u8) -> Vec<SecretKey> {
    (0..count).map(validator).collect()
}

impl Chain {
    fn of(height: u64) -> Self {
        let mut chain = Self {
            ledgers: vec![Ledger::from_genesis(&genesis())],
            anchors: vec![Anchor::Genesis],
            blocks: vec![vec![]],
        };
        for nonce in 0..height {
            chain.append(vec![pay(1, nonce, 10, 2)]);
        }
        chain
    }

    fn append(&mut self, transactions: Vec<SignedTransaction>) {
        let mut ledger = self.ledgers.last().unwrap().clone();
        let tip = self.anchors.last().unwrap().tip(&genesis());
        let context = context(tip.height + 1);
        let body = ledger.select(&context, transactions.clone()).unwrap();
        let header = ledger.header(&tip, &context, &body);
        ledger.commit(body.execution.changes).unwrap();
        self.ledgers.push(ledger);
        self.anchors.push(certified(header, &signers(3)));
        self.blocks.push(transactions);
    }

    fn account_at(&self, height: usize, person: u8) -> AccountAnswer {
        let anchor = self.anchors[height].clone();
        AccountAnswer::of(&self.ledgers[height], anchor, &address(person))
    }
}

fn certified(header: Header, signers: &[SecretKey]) -> Anchor {
    let certificate = certificate(&header, signers);
    Anchor::Block(Box::new(Certified {
        header,
        certificate,
    }))
}

fn header_of(anchor: &Anchor) -> Certified {
    match anchor {
        Anchor::Block(certified) => (**certified).clone(),
        Anchor::Genesis => panic!("the genesis has no header"),
    }
}

fn client() -> LightClient {
    LightClient::new(&genesis(), 0)
}

#[test]
fn an_answer_that_proves_itself_is_taken_and_moves_the_newest_moment() {
    let chain = Chain::of(2);
    let mut client = client();
    let answer = Answer::Account(chain.account_at(2, 1));
    let proven = client.account(answer, &address(1)).unwrap();
    assert_eq!(proven.at.height, 2);
    assert_eq!(proven.value.unwrap().balance, nits(1_000 - 2 * 12));
    assert_eq!(client.newest(), proven.at);
}

#[test]
fn what_is_older_than_what_was_proven_is_behind_and_no_lie() {
    let chain = Chain::of(3);
    let mut client = client();
    client
        .account(Answer::Account(chain.account_at(3, 1)), &address(1))
        .unwrap();
    for old in 0..3 {
        let answer = Answer::Account(chain.account_at(old, 1));
        let doubt = client.account(answer, &address(1)).unwrap_err();
        let height = u64::try_from(old).unwrap();
        assert_eq!(doubt, Doubt::Behind { height, newest: 3 });
        assert!(!doubt.is_lie());
    }
    // The same height again is no step back.
    let again = Answer::Account(chain.account_at(3, 2));
    assert!(client.account(again, &address(2)).is_ok());
}

#[test]
fn an_older_page_is_taken_of_a_node_that_is_behind_and_says_how_far_it_is() {
    let chain = Chain::of(3);
    let mut client = client();
    client
        .account(Answer::Account(chain.account_at(3, 1)), &address(1))
        .unwrap();
    let first = HistoryEntry {
        height: 1,
        time_ms: header_of(&chain.anchors[1]).header.time_ms,
        transaction: chain.blocks[1][0].transaction.clone(),
    };
    let page = HistoryPage {
        start: HistoryMark::BIRTH,
        entries: vec![first],
    };
    let end = HistoryMark::of(&chain.ledgers[1].account(&address(1)).unwrap());
    let answer = |anchor: &Anchor| {
        let ledger = &chain.ledgers[1];
        let found = ActivitiesAnswer::of(ledger, anchor.clone(), &address(1), page.clone());
        Answer::Activities(found)
    };
    let proven = client.older_history(answer(&chain.anchors[1]), &address(1), &end);
    assert_eq!(proven.unwrap().at.height, 1);
    assert_eq!(client.newest().height, 3);
    let mut forged = header_of(&chain.anchors[1]);
    forged.header.height = 9;
    let forged = Anchor::Block(Box::new(forged));
    let doubt = client.older_history(answer(&forged), &address(1), &end);
    assert!(doubt.unwrap_err().is_lie());
}

#[test]
fn what_an_earlier_life_of_the_wallet_has_seen_counts() {
    let chain = Chain::of(2);
    let mut client = LightClient::new(&genesis(), 2);
    let old = Answer::Account(chain.account_at(1, 1));
    let doubt = client.account(old, &address(1)).unwrap_err();
    assert_eq!(
        doubt,
        Doubt::Behind {
            height: 1,
            newest: 2
        }
    );
    let now = Answer::Account(chain.account_at(2, 1));
    assert!(client.account(now, &address(1)).is_ok());
}

#[test]
fn every_lie_is_found_and_changes_nothing() {
    let chain = Chain::of(2);
    let honest = || chain.account_at(2, 1);
    let header = header_of(&honest().anchor).header;
    let stranger: Vec<SecretKey> = (60..64).map(key).collect();
    let foreign = Header {
        genesis: Hash([9; 32]),
        ..header.clone()
    };
    let richer = Account {
        balance: nits(999_999),
        ..honest().account.unwrap()
    };
    let lies = [
        AccountAnswer {
            account: Some(richer),
            ..honest()
        },
        AccountAnswer {
            account: None,
            ..honest()
        },
        AccountAnswer {
            proof: chain.ledgers[1].prove_account(&address(1)),
            ..honest()
        },
        AccountAnswer {
            proof: chain.ledgers[2].prove_account(&address(2)),
            ..honest()
        },
        AccountAnswer {
            anchor: certified(header.clone(), &signers(2)),
            ..honest()
        },
        AccountAnswer {
            anchor: certified(header.clone(), &stranger),
            ..honest()
        },
        AccountAnswer {
            anchor: certified(foreign, &signers(3)),
            ..honest()
        },
        AccountAnswer {
            anchor: Anchor::Genesis,
            ..honest()
        },
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let mut client = client();
        let doubt = client
            .account(Answer::Account(lie), &address(1))
            .unwrap_err();
        assert!(doubt.is_lie(), "lie {number}: {doubt}");
        assert_eq!(client.newest().height, 0, "lie {number}");
    }
}

#[test]
fn an_answer_to_another_question_is_a_lie() {
    let chain = Chain::of(1);
    let (ledger, anchor) = (&chain.ledgers[1], &chain.anchors[1]);
    let name: Name = "alice".parse().unwrap();
    let mut client = client();
    let other = Answer::Name(NameAnswer::of(ledger, anchor.clone(), &name));
    assert!(client.account(other, &address(1)).unwrap_err().is_lie());
    let other = Answer::Account(chain.account_at(1, 2));
    assert!(client.account(other, &address(1)).unwrap_err().is_lie());
    let none = Answer::Unavailable(Unavailable::Busy);
    let doubt = client.account(none, &address(1)).unwrap_err();
    assert_eq!(doubt, Doubt::Unavailable(Unavailable::Busy));
    assert!(!doubt.is_lie());
    assert!(LightClient::read(b"\xff nonsense").unwrap_err().is_lie());
}

#[test]
fn names_rules_and_tips_are_proven_too() {
    let chain = Chain::of(1);
    let (ledger, anchor) = (&chain.ledgers[1], &chain.anchors[1]);
    let mut client = client();
    let name: Name = "alice".parse().unwrap();
    let answer = Answer::Name(NameAnswer::of(ledger, anchor.clone(), &name));
    let owner = client.name(answer, &name).unwrap().value.unwrap();
    assert_eq!(owner.address, address(1));
    let free: Name = "nobody".parse().unwrap();
    let answer = Answer::Name(NameAnswer::of(ledger, anchor.clone(), &free));
    assert_eq!(client.name(answer, &free).unwrap().value, None);
    let answer = Answer::Network(NetworkAnswer::of(ledger, anchor.clone()));
    let network = client.network(answer).unwrap().value;
    assert_eq!(network.rules, genesis().rules);
    let status = Status {
        anchor: anchor.clone(),
        validators_up: 4,
        waiting: 0,
    };
    let heard = client.status(Answer::Status(status)).unwrap();
    assert_eq!((heard.value.validators_up, heard.at.height), (4, 1));
}

#[test]
fn a_pushed_transaction_must_stand_in_its_block() {
    let chain = Chain::of(2);
    let mut client = client();
    let place = |height: usize| {
        let transaction = chain.blocks[height][0].clone();
        let leaves = transaction_leaves(&chain.blocks[height]);
        (transaction, merkle::path(&leaves, 0).unwrap())
    };
    let newest = header_of(&chain.anchors[2]);
    let proven = client.pushed(&newest, [place(2)]).unwrap();
    assert_eq!((proven.at.height, proven.value.len()), (2, 1));
    // An older header is still true.
    let older = header_of(&chain.anchors[1]);
    assert_eq!(client.pushed(&older, [place(1)]).unwrap().at.height, 1);
    assert_eq!(client.newest().height, 2);
    assert!(client.pushed(&newest, [place(1)]).unwrap_err().is_lie());
    let (transaction, path) = place(1);
    let answer = TransactionAnswer {
        certified: newest,
        transaction: transaction.clone(),
        path,
    };
    let answer = Answer::Transaction(Box::new(answer));
    let doubt = client.transaction(answer, &transaction.id()).unwrap_err();
    assert!(doubt.is_lie());
}

#[test]
fn two_certified_blocks_of_one_height_are_named_as_what_they_are() {
    let chain = Chain::of(1);
    let mut client = client();
    client
        .account(Answer::Account(chain.account_at(1, 1)), &address(1))
        .unwrap();
    let mut other = Chain::of(0);
    other.append(vec![pay(1, 0, 11, 3)]);
    let doubt = client
        .account(Answer::Account(other.account_at(1, 1)), &address(1))
        .unwrap_err();
    assert_eq!(doubt, Doubt::Fork { height: 1 });
}

#[test]
fn a_tip_of_long_ago_is_said_to_be_quiet() {
    let chain = Chain::of(1);
    let mut client = client();
    assert_eq!(client.freshness(1 << 40), Freshness::Fresh);
    client
        .account(Answer::Account(chain.account_at(1, 1)), &address(1))
        .unwrap();
    let made = client.newest().time_ms;
    assert_eq!(client.freshness(made + 60_000), Freshness::Fresh);
    let for_ms = 76_000;
    assert_eq!(client.freshness(made + for_ms), Freshness::Quiet { for_ms });
    // A wall clock that is behind the network's is no reason to worry the owner.
    assert_eq!(client.freshness(0), Freshness::Fresh);
    let tip: Tip = chain.anchors[1].tip(&genesis());
    assert_eq!(tip.height, 1);
}

#[test]
fn a_state_of_the_past_taken_for_the_present_is_noticed() {
    mutation::assert_noticed(&[(
        Mutation::StaleBelieved,
        what_is_older_than_what_was_proven_is_behind_and_no_lie,
    )]);
}
