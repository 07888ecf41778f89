//! What the pieces of a payment's way cost, each for itself, on one core.
//!
//! `cargo bench --bench pieces [-- --quick] [FILTER]`. Of groups with a throughput the time is for all elements at once.
//! Whole blocks of many payments, and signatures in batches, are in `benches/chain.rs`.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

#[path = "pieces/town.rs"]
mod town;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use libp2p::gossipsub::Message;
use natcoin::behaviour::Topic;
use natcoin::behaviour::topics::message_id;
use natcoin::chain::block::Block;
use natcoin::chain::codec::{Decode, Encode};
use natcoin::chain::hash::Hash;
use natcoin::chain::query::{AccountAnswer, Anchor, Answer};
use natcoin::chain::transaction::SignedTransaction;
use natcoin::chain::tree::{Batch as Changes, Tree};
use natcoin::mempool::Mempool;
use natcoin::replica::wire::{Batch, Submission, gossip};
use natcoin::wallet::light::LightClient;
use town::{ACCOUNTS, Town, transfer};

/// Payments of a large block.
const BLOCK: usize = 1_000;
/// Payments that a wallet hands in at once, at the most.
const SUBMISSION: usize = 256;

fn codec(criterion: &mut Criterion) {
    let town = Town::new(4);
    let payments = town.payments(BLOCK);
    let block = town.block(&payments);
    let submission = payments[..SUBMISSION].to_vec();
    let both = |criterion: &mut Criterion, what: &str, count: usize, forms: Forms<'_>| {
        let mut group = criterion.benchmark_group("codec");
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("encode {what}"), |bench| {
            bench.iter(|| (forms.encode)());
        });
        let bytes = (forms.encode)();
        group.bench_function(format!("decode {what}"), |bench| {
            bench.iter(|| (forms.decode)(black_box(&bytes)));
        });
        group.finish();
    };
    let one = &payments[0];
    let forms = Forms {
        encode: &|| black_box(one).to_bytes(),
        decode: &|bytes| SignedTransaction::from_bytes(bytes).is_ok(),
    };
    both(criterion, "a transaction", 1, forms);
    let whole = Submission(submission);
    let forms = Forms {
        encode: &|| black_box(&whole).to_bytes(),
        decode: &|bytes| Submission::from_bytes(bytes).is_ok(),
    };
    both(criterion, "a submission of 256", SUBMISSION, forms);
    let forms = Forms {
        encode: &|| black_box(&block).to_bytes(),
        decode: &|bytes| Block::from_bytes(bytes).is_ok(),
    };
    both(criterion, "a block of 1,000", BLOCK, forms);
    criterion.bench_function("codec/identity of a transaction", |bench| {
        bench.iter(|| black_box(one).id());
    });
}

/// The two ways of an encoding.
struct Forms<'a> {
    encode: &'a dyn Fn() -> Vec<u8>,
    decode: &'a dyn Fn(&[u8]) -> bool,
}

fn law(criterion: &mut Criterion) {
    let town = Town::new(4);
    for count in [1, 100] {
        let payments = town.payments(count);
        let context = town.context();
        let mut group = criterion.benchmark_group("law");
        group.throughput(Throughput::Elements(count as u64));
        if count == 1 {
            group.bench_function("verify a signature", |bench| {
                bench.iter(|| black_box(&payments[0]).signature_is_good());
            });
        }
        group.bench_function(format!("execute {count}"), |bench| {
            bench.iter(|| town.ledger.execute(&context, black_box(&payments)));
        });
        // Each block is executed on the one before, as in a node, also when this is measured anew.
        let (mut ledger, mut nonce) = (town.ledger.clone(), 0);
        group.bench_function(format!("execute {count} and commit in memory"), |bench| {
            bench.iter_batched(
                || {
                    let turn = nonce;
                    nonce += 1;
                    let next = (0..count).map(|one| transfer(&town.keys, one, turn, &town.id));
                    next.collect::<Vec<_>>()
                },
                |payments| {
                    let execution = ledger.execute(&context, &payments).expect("valid payments");
                    ledger.commit(execution.changes).expect("a fresh change");
                },
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

fn tree(criterion: &mut Criterion) {
    let key = |number: usize| Hash::of("bench/key", &[&number.to_le_bytes()]).0;
    let value = |number: usize| Some(Hash::of("bench/value", &[&number.to_le_bytes()]));
    let mut tree = Tree::new();
    tree.apply(&(0..ACCOUNTS).map(|one| (key(one), value(one))).collect());
    let root = tree.root();
    let mut group = criterion.benchmark_group("tree of 10,000");
    for count in [2, BLOCK] {
        let changes = |new: usize| -> Changes {
            let all = (0..count).map(|one| (key(one * 7), value(one + new)));
            all.collect()
        };
        let one = changes(1);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("root after {count} changes"), |bench| {
            bench.iter(|| tree.root_after(black_box(&one)));
        });
        // By turns: what stands already would not be a change.
        let (mut own, mut turns) = (tree.clone(), [one, changes(2)].into_iter().cycle());
        group.bench_function(format!("apply {count} changes"), |bench| {
            let next = || turns.next().expect("it has no end");
            let apply = |changes: Changes| own.apply(black_box(&changes));
            bench.iter_batched(next, apply, BatchSize::SmallInput);
        });
    }
    group.throughput(Throughput::Elements(1));
    let asked = key(5);
    group.bench_function("prove a key", |bench| {
        bench.iter(|| tree.prove(black_box(&asked)));
    });
    let (proof, leaf) = (tree.prove(&asked), tree.get(&asked));
    group.bench_function("check a proof", |bench| {
        bench.iter(|| black_box(&proof).verify(&root, &asked, leaf.as_ref()));
    });
    group.finish();
}

fn light(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("light client");
    for validators in [4, 7, 16, 100] {
        let town = Town::new(validators);
        let certified = town.certified(&town.block(&town.payments(1)));
        let client = LightClient::new(&town.genesis, 0);
        group.bench_function(format!("certificate of {validators} validators"), |bench| {
            bench.iter_batched(
                // A copy remembers no certificate that was checked.
                || client.clone(),
                |mut client| client.pushed(black_box(&certified), []).expect("a quorum"),
                BatchSize::SmallInput,
            );
        });
    }
    let town = Town::new(4);
    let block = town.block(&town.payments(BLOCK));
    let certified = town.certified(&block);
    let mut ledger = town.ledger.clone();
    let execution = ledger.execute(&town.context(), &block.transactions);
    let changes = execution.expect("valid payments").changes;
    ledger.commit(changes).expect("a fresh change");
    let address = town.keys[5].address();
    let answer = || {
        let anchor = Anchor::Block(Box::new(certified.clone()));
        Answer::Account(AccountAnswer::of(&ledger, anchor, &address)).to_bytes()
    };
    group.bench_function("a balance is answered by its proof", |bench| {
        bench.iter(|| black_box(answer()));
    });
    let bytes = answer();
    let client = LightClient::new(&town.genesis, 0);
    let check = |client: &mut LightClient| {
        let answer = LightClient::read(black_box(&bytes)).expect("an answer");
        client.account(answer, &address).expect("a proof")
    };
    group.bench_function("a balance is checked, of a new block", |bench| {
        let new = || client.clone();
        bench.iter_batched(new, |mut client| check(&mut client), BatchSize::SmallInput);
    });
    group.bench_function("a balance is checked, of a known block", |bench| {
        let mut client = client.clone();
        bench.iter(|| check(&mut client));
    });
    group.finish();
}

fn mempool(criterion: &mut Criterion) {
    let town = Town::new(4);
    let payments = town.payments(BLOCK);
    let known: Vec<_> = payments.iter().map(|one| (one.id(), one.clone())).collect();
    let next_nonce = |sender: &_| {
        let account = town.ledger.account(sender);
        account.map_or(0, |account| account.nonce)
    };
    let filled = || {
        let mut pool = Mempool::default();
        for (id, one) in known.clone() {
            pool.insert(id, one, next_nonce).expect("there is room");
        }
        pool
    };
    let mut group = criterion.benchmark_group("mempool");
    group.throughput(Throughput::Elements(BLOCK as u64));
    group.bench_function("insert 1,000", |bench| {
        let insert = |(mut pool, all): (Mempool, Vec<_>)| {
            for (id, one) in all {
                pool.insert(id, one, next_nonce).expect("there is room");
            }
            pool
        };
        let fresh = || (Mempool::default(), known.clone());
        bench.iter_batched(fresh, insert, BatchSize::LargeInput);
    });
    group.bench_function("remove 1,000", |bench| {
        let remove = |mut pool: Mempool| {
            for (id, _) in &known {
                pool.remove(id);
            }
            pool
        };
        bench.iter_batched(filled, remove, BatchSize::LargeInput);
    });
    let pool = filled();
    group.bench_function("candidates, 1,000 of 1,000", |bench| {
        bench.iter(|| pool.candidates(BLOCK, next_nonce));
    });
    group.finish();
}

fn speech(criterion: &mut Criterion) {
    let town = Town::new(4);
    let name = "bench".parse().expect("a network's name");
    let mut group = criterion.benchmark_group("gossip message id");
    for count in [1, SUBMISSION] {
        let data = gossip(0, &Batch(town.payments(count)));
        group.throughput(Throughput::Bytes(data.len() as u64));
        let message = Message {
            source: None,
            data,
            sequence_number: None,
            topic: Topic::Transactions.ident(&name).hash(),
        };
        group.bench_function(format!("{count} transactions"), |bench| {
            bench.iter(|| message_id(black_box(&message)));
        });
    }
    group.finish();
}

criterion_group!(benches, codec, law, tree, light, mempool, speech);
criterion_main!(benches);
