//! Each answer proves what is true, and no byte of it can be changed to prove anything else.

mod vouchers;

use proptest::prelude::*;

use super::*;
use crate::chain::account::Account;
use crate::chain::block::{Block, transaction_leaves};
use crate::chain::certificate::CertificateError;
use crate::chain::hash::{Hash, hex};
use crate::chain::ledger::{Activity, Ledger, Tip};
use crate::chain::merkle;
use crate::chain::testing::network::{
    address, assert_golden, certificate, claim, context, genesis, key, nits, pay, transaction,
    validator,
};
use crate::chain::transaction::SignedTransaction;
use crate::chain::tree::ProofError;
use crate::mutation::{self, Mutation};

/// A chain of three blocks and what a node keeps of it.
struct Node {
    ledger: Ledger,
    blocks: Vec<(Block, Certified)>,
    activities: Vec<(Activity, u64)>,
}

impl Node {
    fn new() -> Self {
        let ledger = Ledger::from_genesis(&genesis());
        let (blocks, activities) = (Vec::new(), Vec::new());
        let mut node = Self {
            ledger,
            blocks,
            activities,
        };
        node.append(vec![pay(1, 0, 100, 2), pay(3, 0, 20, 9)]);
        node.append(vec![
            transaction(2, 0, claim("bob")).sign(&key(2)),
            pay(1, 1, 7, 2),
            pay(2, 1, 8, 1),
        ]);
        node.append(vec![pay(1, 2, 5, 3)]);
        node
    }

    fn append(&mut self, transactions: Vec<SignedTransaction>) {
        let genesis = genesis();
        let tip = self
            .blocks
            .last()
            .map_or(Tip::genesis(&genesis), |(block, _)| {
                Tip::after(&block.header)
            });
        let context = context(tip.height + 1);
        let body = self.ledger.select(&context, transactions).unwrap();
        assert!(body.refused.is_empty());
        let header = self.ledger.header(&tip, &context, &body);
        let height = header.height;
        self.activities
            .extend(body.execution.activities.iter().map(|one| (*one, height)));
        self.ledger.commit(body.execution.changes).unwrap();
        let certificate = certificate(&header, &[validator(0), validator(1), validator(3)]);
        let certified = Certified {
            header: header.clone(),
            certificate,
        };
        self.blocks.push((
            Block {
                header,
                transactions: body.transactions,
            },
            certified,
        ));
    }

    fn anchor(&self) -> Anchor {
        Anchor::Block(Box::new(self.blocks.last().unwrap().1.clone()))
    }

    fn page(&self, of: &Address, upto: Option<u64>, limit: u8) -> HistoryPage {
        let own: Vec<_> = self
            .activities
            .iter()
            .filter(|(one, _)| one.address == *of)
            .collect();
        let range = page_range(own.len() as u64, upto, limit);
        let head = |number: u64| {
            if number == 0 {
                Hash::ZERO
            } else {
                own[number as usize - 1].0.head
            }
        };
        let start = HistoryMark {
            number: range.start,
            head: head(range.start),
        };
        let entries = range.map(|number| {
            let (one, height) = own[number as usize];
            let block = &self.blocks[*height as usize - 1].0;
            let transaction = block.transactions[one.index as usize].transaction.clone();
            HistoryEntry {
                height: *height,
                time_ms: block.header.time_ms,
                transaction,
            }
        });
        HistoryPage {
            start,
            entries: entries.collect(),
        }
    }

    fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Status => Answer::Status(Status {
                anchor: self.anchor(),
                validators_up: 3,
                waiting: 5,
            }),
            Query::Network => Answer::Network(NetworkAnswer::of(&self.ledger, self.anchor())),
            Query::Account(of) => {
                Answer::Account(AccountAnswer::of(&self.ledger, self.anchor(), of))
            }
            Query::Name(name) => Answer::Name(NameAnswer::of(&self.ledger, self.anchor(), name)),
            Query::Voucher(key) => {
                Answer::Voucher(VoucherAnswer::of(&self.ledger, self.anchor(), key))
            }
            Query::Transaction(id) => self.transaction(id),
            Query::Activities {
                address,
                upto,
                limit,
            } => {
                let page = self.page(address, *upto, *limit);
                Answer::Activities(ActivitiesAnswer::of(
                    &self.ledger,
                    self.anchor(),
                    address,
                    page,
                ))
            }
            Query::Block(height) => match self.blocks.get(*height as usize - 1) {
                Some((block, certified)) => Answer::Block(BlockAnswer::of(
                    certified.clone(),
                    block.transactions.clone(),
                )),
                None => Answer::Unavailable(Unavailable::Unknown),
            },
        }
    }

    fn transaction(&self, id: &TransactionId) -> Answer {
        for (block, certified) in &self.blocks {
            if let Some(index) = block.transactions.iter().position(|one| one.id() == *id) {
                return Answer::Transaction(Box::new(TransactionAnswer {
                    certified: certified.clone(),
                    transaction: block.transactions[index].clone(),
                    path: merkle::path(&transaction_leaves(&block.transactions), index).unwrap(),
                }));
            }
        }
        Answer::Unavailable(Unavailable::Unknown)
    }
}

fn trust() -> Trust {
    Trust::new(&genesis())
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn activities(person: u8, upto: Option<u64>, limit: u8) -> Query {
    Query::Activities {
        address: address(person),
        upto,
        limit,
    }
}

fn queries() -> Vec<Query> {
    vec![
        Query::Status,
        Query::Network,
        Query::Account(address(1)),
        Query::Account(address(77)),
        Query::Name(name("bob")),
        Query::Name(name("nobody")),
        Query::Transaction(pay(1, 1, 7, 2).id()),
        activities(1, None, 2),
        activities(77, None, 2),
        Query::Block(2),
        Query::Voucher(key(99).public()),
    ]
}

/// Whether the answer is believed, as an answer to the query.
fn believed(answer: Answer, query: &Query, trust: &Trust) -> Result<Moment, AnswerError> {
    match query {
        Query::Status => answer.into_status()?.verify(trust),
        Query::Network => Ok(answer.into_network()?.verify(trust)?.at),
        Query::Account(of) => Ok(answer.into_account()?.verify(trust, of)?.at),
        Query::Name(name) => Ok(answer.into_name()?.verify(trust, name)?.at),
        Query::Transaction(id) => Ok(answer.into_transaction()?.verify(trust, id)?.at),
        Query::Activities { address, .. } => {
            Ok(answer.into_activities()?.verify(trust, address)?.at)
        }
        Query::Block(height) => Ok(answer.into_block()?.verify(trust, *height)?.at),
        Query::Voucher(key) => Ok(answer.into_voucher()?.verify(trust, key)?.at),
    }
}

#[test]
fn every_answer_of_an_honest_node_is_believed() {
    let (node, trust) = (Node::new(), trust());
    for query in queries() {
        let answer = node.answer(&query);
        assert_eq!(Answer::from_bytes(&answer.to_bytes()), Ok(answer.clone()));
        assert_eq!(Query::from_bytes(&query.to_bytes()), Ok(query.clone()));
        assert!(query.to_bytes().len() <= MAX_QUERY_BYTES);
        let at = believed(answer, &query, &trust).unwrap();
        let old = matches!(query, Query::Transaction(_) | Query::Block(_));
        assert_eq!(
            (at.height, at.signed_by),
            (if old { 2 } else { 3 }, 3),
            "{query:?}"
        );
    }
    let alice = node
        .answer(&Query::Account(address(1)))
        .into_account()
        .unwrap();
    let account = alice.verify(&trust, &address(1)).unwrap().value.unwrap();
    assert_eq!((account.balance, account.nonce), (nits(890), 3));
    let bob = node.answer(&Query::Name(name("bob"))).into_name().unwrap();
    let owner = bob.verify(&trust, &name("bob")).unwrap().value.unwrap();
    assert_eq!(
        (owner.address, owner.account.name),
        (address(2), Some(name("bob")))
    );
    let none = node
        .answer(&Query::Account(address(77)))
        .into_account()
        .unwrap();
    assert_eq!(none.verify(&trust, &address(77)).unwrap().value, None);
}

#[test]
fn no_answer_survives_a_change_of_any_byte() {
    let (node, trust) = (Node::new(), trust());
    for query in queries() {
        let bytes = node.answer(&query).to_bytes();
        // The last six bytes of a status are hearsay, and said to be.
        let proven = if query == Query::Status {
            bytes.len() - 6
        } else {
            bytes.len()
        };
        for place in 0..proven {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << (place % 8);
            if let Ok(answer) = Answer::from_bytes(&changed) {
                assert!(
                    believed(answer, &query, &trust).is_err(),
                    "{query:?} byte {place}"
                );
            }
        }
    }
}

#[test]
fn no_answer_is_believed_as_the_answer_to_another_question() {
    let (node, trust) = (Node::new(), trust());
    let queries = queries();
    for (i, asked) in queries.iter().enumerate() {
        for (j, answered) in queries.iter().enumerate() {
            let verdict = believed(node.answer(answered), asked, &trust);
            // A page of nothing for the unknown account is no answer for another one, and so on for all.
            assert_eq!(
                verdict.is_ok(),
                i == j,
                "{asked:?} answered as {answered:?}"
            );
        }
    }
    let other = Query::Transaction(pay(1, 0, 100, 2).id());
    let verdict = believed(node.answer(&queries[6]), &other, &trust);
    assert!(matches!(verdict, Err(AnswerError::OtherTransaction { .. })));
    assert!(matches!(
        believed(node.answer(&Query::Block(1)), &Query::Block(2), &trust),
        Err(AnswerError::OtherHeight { .. })
    ));
    let unknown = believed(node.answer(&Query::Block(9)), &Query::Block(9), &trust);
    assert_eq!(unknown, Err(AnswerError::Unavailable(Unavailable::Unknown)));
}

fn with_certificate(make: impl FnOnce(&mut Certified)) -> Result<Moment, AnswerError> {
    let node = Node::new();
    let mut certified = node.blocks[2].1.clone();
    make(&mut certified);
    let anchor = Anchor::Block(Box::new(certified));
    believed(
        Answer::Account(AccountAnswer::of(&node.ledger, anchor, &address(1))),
        &Query::Account(address(1)),
        &trust(),
    )
}

#[test]
fn what_was_believed_of_a_block_makes_no_other_certificate_of_it_good() {
    let (node, trust) = (Node::new(), trust());
    let good = &node.blocks[2].1;
    let mut spoilt = good.clone();
    spoilt.certificate.signatures[0].signature = good.certificate.signatures[1].signature;
    let others = certificate(&good.header, &[validator(1), validator(2), validator(3)]);
    let other = Certified {
        header: good.header.clone(),
        certificate: others,
    };
    for _ in 0..2 {
        assert!(good.verify(&trust).is_ok());
        let refused = spoilt.verify(&trust);
        assert!(matches!(refused, Err(AnswerError::Certificate(_))));
        assert_eq!(other.verify(&trust), good.verify(&trust));
    }
    for (_, certified) in &node.blocks {
        assert!(certified.verify(&trust).is_ok());
    }
    assert!(matches!(
        spoilt.verify(&trust.clone()),
        Err(AnswerError::Certificate(_))
    ));
}

#[test]
fn a_certificate_of_too_few_of_strangers_or_of_another_block_is_not_believed() {
    let by =
        |signers: Vec<_>| with_certificate(|it| it.certificate = certificate(&it.header, &signers));
    assert!(by(vec![validator(1), validator(2), validator(3)]).is_ok());
    let few = by(vec![validator(0), validator(1)]);
    assert!(matches!(
        few,
        Err(AnswerError::Certificate(CertificateError::NoQuorum { .. }))
    ));
    let strangers = by(vec![validator(0), validator(1), key(1)]);
    assert!(matches!(strangers, Err(AnswerError::Certificate(_))));
    let twice = by(vec![validator(0), validator(1), validator(1)]);
    assert!(matches!(
        twice,
        Err(AnswerError::Certificate(
            CertificateError::NotOrdered { .. }
        ))
    ));
    let other = with_certificate(|it| it.certificate = Node::new().blocks[1].1.certificate.clone());
    assert!(matches!(other, Err(AnswerError::OtherBlock { .. })));
    let changed = with_certificate(|it| it.header.state_root = Hash::ZERO);
    assert!(matches!(changed, Err(AnswerError::OtherBlock { .. })));
}

#[test]
fn a_node_of_another_network_is_found_out() {
    let foreign = with_certificate(|it| {
        it.header.genesis = Hash::ZERO;
        it.certificate = certificate(&it.header, &[validator(0), validator(1), validator(2)]);
    });
    assert!(matches!(foreign, Err(AnswerError::ForeignNetwork { .. })));
    let newer = with_certificate(|it| it.header.version = 2);
    assert_eq!(newer, Err(AnswerError::Version(2)));
}

#[test]
fn an_old_state_does_not_pass_for_the_new_one() {
    let node = Node::new();
    let old = Anchor::Block(Box::new(node.blocks[1].1.clone()));
    let answer = Answer::Account(AccountAnswer::of(&node.ledger, old, &address(1)));
    let verdict = believed(answer, &Query::Account(address(1)), &trust());
    assert!(matches!(
        verdict,
        Err(AnswerError::Proof {
            error: ProofError::WrongRoot { .. },
            ..
        })
    ));
}

#[test]
fn a_richer_account_or_a_hidden_one_is_not_believed() {
    let (node, trust) = (Node::new(), trust());
    let honest = AccountAnswer::of(&node.ledger, node.anchor(), &address(1));
    let mut richer = honest.clone();
    richer.account = honest.account.clone().map(|account| Account {
        balance: nits(9_999),
        ..account
    });
    assert!(matches!(
        richer.verify(&trust, &address(1)),
        Err(AnswerError::Proof { .. })
    ));
    let hidden = AccountAnswer {
        account: None,
        ..honest
    };
    assert!(matches!(
        hidden.verify(&trust, &address(1)),
        Err(AnswerError::Proof {
            error: ProofError::ProvesPresence,
            ..
        })
    ));
    let mut thief = NameAnswer::of(&node.ledger, node.anchor(), &name("bob"));
    thief.owner = NameAnswer::of(&node.ledger, node.anchor(), &name("alice")).owner;
    assert!(matches!(
        thief.verify(&trust, &name("bob")),
        Err(AnswerError::Proof { .. })
    ));
}

#[test]
fn before_the_first_block_answers_rest_on_the_genesis() {
    let ledger = Ledger::from_genesis(&genesis());
    let answer = AccountAnswer::of(&ledger, Anchor::Genesis, &address(1));
    let proven = answer.verify(&trust(), &address(1)).unwrap();
    assert_eq!(
        (proven.at.height, proven.value.unwrap().balance),
        (0, nits(1_000))
    );
}

#[test]
fn a_history_is_read_page_by_page_back_to_the_birth() {
    let (node, trust, alice) = (Node::new(), trust(), address(1));
    let newest = node
        .answer(&activities(1, None, 2))
        .into_activities()
        .unwrap();
    let (account, page) = newest.verify(&trust, &alice).unwrap().value;
    assert_eq!(
        (
            account.unwrap().activities,
            page.entries.len(),
            page.start.number
        ),
        (4, 2, 2)
    );
    assert_eq!(page.entries[1].time_ms, context(3).time_ms);
    let older = node.page(&alice, Some(page.start.number), 100);
    assert_eq!(older.verify(&alice, &page.start), Ok(HistoryMark::BIRTH));
    assert_eq!(older.entries.len(), 2);
}

#[test]
fn a_history_with_anything_left_out_changed_or_of_another_is_not_believed() {
    let (node, alice) = (Node::new(), address(1));
    let end = HistoryMark::of(&node.ledger.account(&alice).unwrap());
    let whole = node.page(&alice, None, 100);
    assert_eq!(whole.verify(&alice, &end), Ok(HistoryMark::BIRTH));
    let refused = |change: &dyn Fn(&mut HistoryPage)| {
        let mut page = whole.clone();
        change(&mut page);
        assert_eq!(
            page.verify(&alice, &end),
            Err(AnswerError::BrokenHistory { number: 4 })
        );
    };
    refused(&|page| drop(page.entries.remove(1)));
    refused(&|page| drop(page.entries.pop()));
    refused(&|page| page.entries.swap(0, 1));
    refused(&|page| page.entries[0].height = 2);
    refused(&|page| page.entries[0].time_ms += 1);
    refused(&|page| page.entries[0].transaction.nonce += 1);
    refused(&|page| page.entries.clear());
    refused(&|page| page.start.number = 1);
    // The head at the end, as a page that begins there and holds nothing: true, but it hides all.
    refused(&|page| {
        *page = HistoryPage {
            start: end,
            entries: vec![],
        }
    });
    assert!(whole.verify(&address(2), &end).is_err());
}

#[test]
fn a_proof_that_nobody_checks_is_noticed() {
    mutation::assert_noticed(&[
        (
            Mutation::ProofUnchecked,
            a_richer_account_or_a_hidden_one_is_not_believed,
        ),
        (
            Mutation::HistoryUnchained,
            a_history_with_anything_left_out_changed_or_of_another_is_not_believed,
        ),
        (
            Mutation::InclusionUnchecked,
            no_answer_survives_a_change_of_any_byte,
        ),
    ]);
}

#[test]
fn pages_have_the_range_that_was_asked_for() {
    assert_eq!(page_range(250, None, 100), 150..250);
    assert_eq!(page_range(250, Some(50), 100), 0..50);
    assert_eq!(page_range(3, Some(9), 255), 0..3);
    assert_eq!(page_range(0, None, 1), 0..0);
    let mut bytes = activities(1, None, 1).to_bytes();
    for limit in [0, MAX_PAGE + 1] {
        *bytes.last_mut().unwrap() = limit;
        assert!(Query::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_block_that_does_not_fit_into_an_answer_comes_without_its_transactions() {
    let node = Node::new();
    let (block, certified) = &node.blocks[0];
    let many = vec![block.transactions[0].clone(); 2_000];
    let answer = BlockAnswer::of(certified.clone(), many);
    assert_eq!(answer.transactions, None);
    assert_eq!(answer.verify(&trust(), 1).unwrap().value.transactions, None);
    let too_long = vec![0; MAX_ANSWER_BYTES + 1];
    assert!(matches!(
        Answer::from_bytes(&too_long),
        Err(DecodeError::TooLong { .. })
    ));
}

#[test]
fn the_bytes_of_queries_and_answers_are_frozen() {
    let node = Node::new();
    let mut text = String::new();
    for query in queries() {
        text += &format!(
            "{}\n{}\n",
            hex(&query.to_bytes()),
            hex(&node.answer(&query).to_bytes())
        );
    }
    for why in [Unavailable::Unknown, Unavailable::Busy] {
        text += &format!("{}\n", hex(&Answer::Unavailable(why).to_bytes()));
    }
    assert_golden("queries.txt", &text);
}

proptest! {
    #[test]
    fn no_bytes_panic_a_query_or_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..600), tag in 0..9_u8) {
        let bytes: Vec<u8> = [tag].into_iter().chain(bytes).collect();
        if let Ok(query) = Query::from_bytes(&bytes) {
            prop_assert_eq!(query.to_bytes(), bytes.clone());
        }
        if let Ok(answer) = Answer::from_bytes(&bytes) {
            prop_assert_eq!(answer.to_bytes(), bytes);
        }
    }
}
