//! What the law costs on one core: signatures, execution, the state tree, blocks and certificates.
//!
//! `cargo bench --bench chain`; throughput is in transactions a second.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use natcoin::chain::amount::Amount;
use natcoin::chain::block::{Block, transactions_root};
use natcoin::chain::codec::{Decode, Encode};
use natcoin::chain::genesis::{Genesis, GenesisAccount, Rules};
use natcoin::chain::key::{Claim, KeyCache, SecretKey, verify_batch};
use natcoin::chain::ledger::{BlockContext, Ledger, Tip};
use natcoin::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use natcoin::chain::validator::{Validator, ValidatorSet};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// Accounts that pay each other.
const ACCOUNTS: usize = 10_000;
/// Transactions of a block.
const BLOCK: usize = 1_000;
/// Signatures in a batch.
const BATCHES: [usize; 5] = [4, 64, 512, 1_024, 2_048];
/// Bad ones among [`SPOILED_BATCH`] signatures.
const BAD: [usize; 3] = [1, 32, 512];
/// As many as a node checks at once.
const SPOILED_BATCH: usize = 512;

struct World {
    keys: Vec<SecretKey>,
    ledger: Ledger,
    tip: Tip,
    context: BlockContext,
}

fn key(number: usize) -> SecretKey {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&seed)
}

fn world() -> World {
    let keys: Vec<SecretKey> = (0..ACCOUNTS).map(key).collect();
    let accounts = keys.iter().map(|key| GenesisAccount {
        address: key.address(),
        balance: Amount::from_nits(1_000_000),
        name: None,
    });
    let validator = Validator {
        key: keys[0].public(),
        power: 1,
    };
    let genesis = Genesis {
        network: "bench".to_owned(),
        time_ms: 1_000,
        rules: Rules::default(),
        accounts: accounts.collect(),
        validators: ValidatorSet::new(vec![validator]).expect("one validator is a set"),
    }
    .checked()
    .expect("a sound genesis");
    World {
        ledger: Ledger::from_genesis(&genesis),
        tip: Tip::genesis(&genesis),
        context: BlockContext {
            height: 1,
            time_ms: 2_000,
            proposer: keys[0].address(),
        },
        keys,
    }
}

fn payments(world: &World, count: usize) -> Vec<SignedTransaction> {
    let payment = |number: usize| {
        let key = &world.keys[number * 7 % ACCOUNTS];
        Transaction {
            genesis: *world.ledger.genesis(),
            sender: key.address(),
            key: key.public(),
            nonce: 0,
            valid_until: 100,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: world.keys[(number * 13 + 1) % ACCOUNTS].address(),
                amount: Amount::from_nits(1),
                memo: Memo::default(),
            },
        }
        .sign(key)
    };
    (0..count).map(payment).collect()
}

fn messages(payments: &[SignedTransaction]) -> Vec<Vec<u8>> {
    let messages = payments.iter().map(|one| one.transaction.sign_bytes());
    messages.collect()
}

fn claims<'a>(payments: &[SignedTransaction], messages: &'a [Vec<u8>]) -> Vec<Claim<'a>> {
    let claims = payments.iter().zip(messages);
    claims.map(|(one, message)| one.claim(message)).collect()
}

/// As ed25519-zebra does it: what our own batches are measured by.
fn zebra(claims: &[Claim<'_>], random: &mut StdRng) -> bool {
    let mut verifier = ed25519_zebra::batch::Verifier::new();
    for claim in claims {
        let key = ed25519_zebra::VerificationKeyBytes::from(claim.key.0);
        verifier.queue((key, claim.signature.0.into(), claim.message));
    }
    verifier.verify(random).is_ok()
}

fn signatures(criterion: &mut Criterion) {
    let payments = payments(&world(), 2_048);
    let messages = messages(&payments);
    let all = claims(&payments, &messages);
    let mut random = StdRng::from_seed([1; 32]);
    let mut group = criterion.benchmark_group("signatures");
    let warm = KeyCache::default();
    assert!(!warm.verify_batch(&all, &mut random).contains(&false));
    for size in BATCHES {
        let claims = &all[..size];
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::new("ed25519-zebra", size), |bench| {
            bench.iter(|| zebra(black_box(claims), &mut random));
        });
        group.bench_function(BenchmarkId::new("no key known", size), |bench| {
            bench.iter(|| KeyCache::default().verify_batch(black_box(claims), &mut random));
        });
        group.bench_function(BenchmarkId::new("all keys known", size), |bench| {
            bench.iter(|| warm.verify_batch(black_box(claims), &mut random));
        });
    }
    group.throughput(Throughput::Elements(SPOILED_BATCH as u64));
    for bad in BAD {
        let mut claims = all[..SPOILED_BATCH].to_vec();
        for claim in claims.iter_mut().step_by(SPOILED_BATCH / bad) {
            claim.signature.0[40] ^= 1;
        }
        let id = BenchmarkId::new(format!("bad ones of {SPOILED_BATCH}"), bad);
        group.bench_function(id, |bench| {
            bench.iter(|| warm.verify_batch(black_box(&claims), &mut random));
        });
    }
    group.finish();
}

fn law(criterion: &mut Criterion) {
    let world = world();
    let payments = payments(&world, BLOCK);
    let mut group = criterion.benchmark_group("chain");
    group.throughput(Throughput::Elements(BLOCK as u64));

    let messages = messages(&payments);
    let claims = claims(&payments, &messages);
    let mut random = StdRng::from_seed([1; 32]);
    group.bench_function("verify signatures, in a batch", |bench| {
        bench.iter(|| verify_batch(black_box(&claims), &mut random));
    });
    group.bench_function("verify signatures, one by one", |bench| {
        bench.iter(|| payments.iter().all(SignedTransaction::signature_is_good));
    });
    group.bench_function("execute transfers, with the state root", |bench| {
        bench.iter(|| world.ledger.execute(&world.context, black_box(&payments)));
    });
    group.bench_function("commit", |bench| {
        let executed = || {
            let execution = world.ledger.execute(&world.context, &payments);
            (world.ledger.clone(), execution.expect("valid payments"))
        };
        let commit = |(mut ledger, execution): (Ledger, natcoin::chain::ledger::Execution)| {
            ledger.commit(execution.changes).expect("a fresh change");
            ledger
        };
        bench.iter_batched(executed, commit, BatchSize::LargeInput);
    });
    let selection = world
        .ledger
        .select(&world.context, payments.clone())
        .expect("valid payments");
    let block = Block {
        header: world.ledger.header(&world.tip, &world.context, &selection),
        transactions: selection.transactions,
    };
    group.bench_function("validate a block, signatures apart", |bench| {
        bench.iter(|| world.ledger.validate(&world.tip, black_box(&block)));
    });
    let bytes = block.to_bytes();
    group.bench_function("encode a block", |bench| {
        bench.iter(|| black_box(&block).to_bytes());
    });
    group.bench_function("decode a block", |bench| {
        bench.iter(|| Block::from_bytes(black_box(&bytes)));
    });
    group.bench_function("transactions root", |bench| {
        bench.iter(|| transactions_root(black_box(&block.transactions)));
    });
    group.finish();

    let address = world.keys[5].address();
    criterion.bench_function("prove an account", |bench| {
        bench.iter(|| world.ledger.prove_account(black_box(&address)));
    });
}

criterion_group!(benches, signatures, law);
criterion_main!(benches);
