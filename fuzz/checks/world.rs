//! A small network whose whole truth is known: three blocks, signed by three of its four validators.
//!
//! The seeds are its encodings, and a check that something false is never believed compares with it.

use std::sync::LazyLock;

use natcoin::chain::amount::Amount;
use natcoin::chain::block::{Block, transaction_leaves};
use natcoin::chain::certificate::{Certificate, CertificateSignature, VoteKind, vote_sign_bytes};
use natcoin::chain::genesis::{Genesis, GenesisAccount, Rules};
use natcoin::chain::hash::Hash;
use natcoin::chain::key::{Address, SecretKey};
use natcoin::chain::ledger::{Activity, BlockContext, Ledger, Tip};
use natcoin::chain::merkle;
use natcoin::chain::name::Name;
use natcoin::chain::query::{
    AccountAnswer, ActivitiesAnswer, Anchor, Answer, BlockAnswer, Certified, HistoryEntry,
    HistoryMark, HistoryPage, NameAnswer, NetworkAnswer, Query, Status, TransactionAnswer,
    Unavailable, VoucherAnswer, page_range,
};
use natcoin::chain::transaction::{Memo, Operation, SignedTransaction, Transaction, TransactionId};
use natcoin::chain::validator::{Validator, ValidatorSet};
use natcoin::chain::voucher::ClaimWords;
use natcoin::replica::wire::{PlacedTransaction, WatchFrame};

/// The network and all that happened in it.
pub struct World {
    /// What it begins with.
    pub genesis: Genesis,
    /// The state at each height, from 0.
    pub ledgers: Vec<Ledger>,
    /// The blocks from height 1, and their certificates.
    pub blocks: Vec<(Block, Certificate)>,
    /// Who did or got what, and at which height.
    activities: Vec<(Activity, u64)>,
}

/// The world; the same in each process.
pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(World::new);
    &WORLD
}

/// A person's key: the same for the same number.
pub fn person(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

/// The key of the validator at a number from 0.
pub fn validator(number: u8) -> SecretKey {
    person(200 + number)
}

fn nits(nits: u64) -> Amount {
    Amount::from_nits(nits)
}

fn name(text: &str) -> Name {
    text.parse().expect("a name of the world is lawful")
}

fn genesis() -> Genesis {
    let endow = |number, balance, name| GenesisAccount {
        address: person(number).address(),
        balance: nits(balance),
        name,
    };
    let one_vote = |number| Validator {
        key: validator(number).public(),
        power: 1,
    };
    let genesis = Genesis {
        network: "fuzz".to_owned(),
        time_ms: 1_000,
        rules: Rules {
            fee: nits(2),
            min_balance: nits(10),
            ..Rules::default()
        },
        accounts: vec![
            endow(1, 1_000, Some(name("alice"))),
            endow(2, 500, None),
            endow(3, 500, None),
        ],
        validators: ValidatorSet::new((0..4).map(one_vote).collect()).expect("four sound keys"),
    };
    genesis.checked().expect("a sound genesis")
}

impl World {
    fn new() -> Self {
        let genesis = genesis();
        let mut world = Self {
            ledgers: vec![Ledger::from_genesis(&genesis)],
            genesis,
            blocks: Vec::new(),
            activities: Vec::new(),
        };
        world.append(vec![pay(1, 0, 100, 2), pay(3, 0, 20, 9)]);
        world.append(vec![claim(2, 0, "bob"), pay(1, 1, 7, 2), pay(2, 1, 8, 1)]);
        let opening = opening(3, 1);
        let claimed = claim_of(&opening, 8);
        world.append(vec![pay(1, 2, 5, 3), opening, claimed]);
        world
    }

    fn append(&mut self, transactions: Vec<SignedTransaction>) {
        let tip = self.tip();
        let ledger = self.ledger();
        let context = BlockContext {
            height: tip.height + 1,
            time_ms: tip.time_ms + 100,
            proposer: validator(0).address(),
        };
        let body = ledger
            .select(&context, transactions)
            .expect("a sound ledger");
        assert!(body.refused.is_empty(), "{:?}", body.refused);
        let header = ledger.header(&tip, &context, &body);
        let mut after = ledger.clone();
        after
            .commit(body.execution.changes)
            .expect("made from this ledger");
        let happened = body.execution.activities.into_iter();
        self.activities
            .extend(happened.map(|one| (one, header.height)));
        self.ledgers.push(after);
        let signers = [validator(0), validator(1), validator(3)];
        let certificate = certificate(&self.genesis, header.height, &header.id(), &signers);
        let block = Block {
            header,
            transactions: body.transactions,
        };
        self.blocks.push((block, certificate));
    }

    /// What the next block stands on.
    pub fn tip(&self) -> Tip {
        let last = self.blocks.last();
        last.map_or(Tip::genesis(&self.genesis), |(block, _)| {
            Tip::after(&block.header)
        })
    }

    /// What the block after each height stands on, from height 0.
    pub fn tips(&self) -> impl Iterator<Item = Tip> {
        let after = self
            .blocks
            .iter()
            .map(|(block, _)| Tip::after(&block.header));
        std::iter::once(Tip::genesis(&self.genesis)).chain(after)
    }

    /// The newest state.
    pub fn ledger(&self) -> &Ledger {
        self.ledgers
            .last()
            .expect("there is the state of the genesis")
    }

    /// All that became final.
    pub fn transactions(&self) -> Vec<&SignedTransaction> {
        let blocks = self.blocks.iter();
        blocks.flat_map(|(block, _)| &block.transactions).collect()
    }

    /// A block's header with its proof.
    pub fn certified(&self, height: usize) -> Certified {
        let (block, certificate) = &self.blocks[height - 1];
        Certified {
            header: block.header.clone(),
            certificate: certificate.clone(),
        }
    }

    /// The activities of an account as its history shows them, and the head after each.
    pub fn history(&self, of: &Address) -> Vec<(HistoryEntry, Hash)> {
        let own = self.activities.iter().filter(|(one, _)| one.address == *of);
        let entries = own.map(|(one, height)| {
            let block = &self.blocks[*height as usize - 1].0;
            let entry = HistoryEntry {
                height: *height,
                time_ms: block.header.time_ms,
                transaction: block.transactions[one.index as usize].transaction.clone(),
            };
            (entry, one.head)
        });
        entries.collect()
    }

    fn page(&self, of: &Address, upto: Option<u64>, limit: u8) -> HistoryPage {
        let all = self.history(of);
        let range = page_range(all.len() as u64, upto, limit);
        let head = match range.start {
            0 => Hash::ZERO,
            number => all[number as usize - 1].1,
        };
        let entries = &all[range.start as usize..range.end as usize];
        HistoryPage {
            start: HistoryMark {
                number: range.start,
                head,
            },
            entries: entries.iter().map(|(entry, _)| entry.clone()).collect(),
        }
    }

    /// What an honest node answers.
    pub fn answer(&self, query: &Query) -> Answer {
        let anchor = || Anchor::Block(Box::new(self.certified(self.blocks.len())));
        let ledger = self.ledger();
        match query {
            Query::Status => Answer::Status(Status {
                anchor: anchor(),
                validators_up: 3,
                waiting: 5,
            }),
            Query::Network => Answer::Network(NetworkAnswer::of(ledger, anchor())),
            Query::Account(of) => Answer::Account(AccountAnswer::of(ledger, anchor(), of)),
            Query::Name(name) => Answer::Name(NameAnswer::of(ledger, anchor(), name)),
            Query::Voucher(key) => Answer::Voucher(VoucherAnswer::of(ledger, anchor(), key)),
            Query::Transaction(id) => self.placed(id),
            Query::Activities {
                address,
                upto,
                limit,
            } => {
                let page = self.page(address, *upto, *limit);
                Answer::Activities(ActivitiesAnswer::of(ledger, anchor(), address, page))
            }
            Query::Block(height) => {
                let transactions = self.blocks[*height as usize - 1].0.transactions.clone();
                Answer::Block(BlockAnswer::of(
                    self.certified(*height as usize),
                    transactions,
                ))
            }
        }
    }

    fn placed(&self, id: &TransactionId) -> Answer {
        for (height, (block, _)) in (1..).zip(&self.blocks) {
            if let Some(index) = block.transactions.iter().position(|one| one.id() == *id) {
                let leaves = transaction_leaves(&block.transactions);
                return Answer::Transaction(Box::new(TransactionAnswer {
                    certified: self.certified(height),
                    transaction: block.transactions[index].clone(),
                    path: merkle::path(&leaves, index).expect("there is such a leaf"),
                }));
            }
        }
        Answer::Unavailable(Unavailable::Unknown)
    }

    /// What is pushed to a watch of all accounts at a height.
    pub fn frame(&self, height: usize) -> WatchFrame {
        let block = &self.blocks[height - 1].0;
        let leaves = transaction_leaves(&block.transactions);
        let placed = block.transactions.iter().enumerate();
        let placed = placed.map(|(index, transaction)| PlacedTransaction {
            transaction: transaction.clone(),
            path: merkle::path(&leaves, index).expect("there is such a leaf"),
        });
        WatchFrame {
            certified: self.certified(height),
            transactions: placed.collect(),
        }
    }

    /// A question of each kind, and some that are answered with an absence.
    pub fn queries(&self) -> Vec<Query> {
        let activities = |number, upto, limit| Query::Activities {
            address: person(number).address(),
            upto,
            limit,
        };
        vec![
            Query::Status,
            Query::Network,
            Query::Account(person(1).address()),
            Query::Account(person(77).address()),
            Query::Name(name("bob")),
            Query::Name(name("nobody")),
            Query::Transaction(self.blocks[1].0.transactions[1].id()),
            activities(1, None, 2),
            activities(1, Some(2), 2),
            activities(77, None, 2),
            Query::Block(2),
            Query::Voucher(person(VOUCHER).public()),
            Query::Voucher(person(77).public()),
        ]
    }
}

/// The certificate of a block by these validators.
pub fn certificate(
    genesis: &Genesis,
    height: u64,
    block: &Hash,
    signers: &[SecretKey],
) -> Certificate {
    let parts = signers.iter().map(|signer| {
        let voter = signer.address();
        let kind = VoteKind::Precommit;
        let bytes = vote_sign_bytes(&genesis.hash(), kind, height, 0, &voter, Some(block));
        let place = genesis.validators.index_of(&voter).expect("a validator");
        CertificateSignature {
            validator: u16::try_from(place).expect("four validators"),
            signature: signer.sign(&bytes),
        }
    });
    let mut signatures: Vec<_> = parts.collect();
    signatures.sort_by_key(|part| part.validator);
    Certificate {
        height,
        round: 0,
        block: *block,
        signatures,
    }
}

/// A signed payment of the world's network.
pub fn pay(from: u8, nonce: u64, amount: u64, to: u8) -> SignedTransaction {
    let operation = Operation::Transfer {
        to: person(to).address(),
        amount: nits(amount),
        memo: Memo::new("for the coffee").expect("a short memo"),
    };
    signed(from, nonce, operation)
}

fn claim(from: u8, nonce: u64, claimed: &str) -> SignedTransaction {
    let name = name(claimed);
    signed(from, nonce, Operation::ClaimName { name })
}

/// What the voucher's key is made of.
pub const VOUCHER: u8 = 90;

fn opening(from: u8, nonce: u64) -> SignedTransaction {
    let operation = Operation::OpenVoucher {
        voucher: person(VOUCHER).public(),
        share: nits(20),
        count: 2,
        until_ms: 100_000,
        memo: Memo::default(),
    };
    signed(from, nonce, operation)
}

fn claim_of(opening: &SignedTransaction, by: u8) -> SignedTransaction {
    let words = ClaimWords {
        genesis: opening.transaction.genesis,
        voucher: person(VOUCHER).public(),
        opening: opening.id(),
        claimer: person(by).address(),
    };
    let operation = Operation::ClaimVoucher {
        voucher: words.voucher,
        opener: opening.transaction.sender,
        opening: words.opening,
        share: nits(20),
        proof: words.sign(&person(VOUCHER)),
    };
    signed(by, 0, operation)
}

fn signed(from: u8, nonce: u64, operation: Operation) -> SignedTransaction {
    static GENESIS: LazyLock<Hash> = LazyLock::new(|| genesis().hash());
    let key = person(from);
    let transaction = Transaction {
        genesis: *GENESIS,
        sender: key.address(),
        key: key.public(),
        nonce,
        valid_until: 50,
        fee: nits(2),
        operation,
    };
    transaction.sign(&key)
}
