//! The law's own types: transactions, blocks, certificates, proofs, and what is kept of the state.

use natcoin::chain::account::Account;
use natcoin::chain::amount::Amount;
use natcoin::chain::block::{Block, Header};
use natcoin::chain::certificate::Certificate;
use natcoin::chain::codec::Decode;
use natcoin::chain::genesis::Rules;
use natcoin::chain::hash::Hash;
use natcoin::chain::key::PublicKey;
use natcoin::chain::ledger::{BlockContext, ChangeSet, Ledger, Tip};
use natcoin::chain::merkle::{self, Path};
use natcoin::chain::name::Name;
use natcoin::chain::rules::Rejection;
use natcoin::chain::transaction::{Operation, SignedTransaction, Transaction};
use natcoin::chain::tree::Proof;
use natcoin::chain::validator::ValidatorSet;
use natcoin::chain::voucher::Voucher;
use natcoin::replica::wire::FinalBlock;

use super::form::canonical;
use super::world::{person, world};

/// Holds of any bytes that claim to be something of the chain.
pub fn check(bytes: &[u8]) {
    canonical::<Name>(bytes);
    canonical::<Operation>(bytes);
    canonical::<Transaction>(bytes);
    canonical::<Header>(bytes);
    canonical::<Rules>(bytes);
    canonical::<ValidatorSet>(bytes);
    canonical::<Voucher>(bytes);
    canonical::<Account>(bytes);
    canonical::<Rejection>(bytes);
    if let Some(key) = canonical::<PublicKey>(bytes) {
        let _ = key.is_sound();
    }
    if let Some(one) = canonical::<SignedTransaction>(bytes) {
        transaction(&one);
    }
    if let Some(one) = canonical::<Block>(bytes) {
        block(&one);
    }
    if let Some(one) = canonical::<FinalBlock>(bytes) {
        block(&one.block);
        certificate(&one.certificate);
    }
    if let Some(one) = canonical::<Certificate>(bytes) {
        certificate(&one);
    }
    if let Some(path) = canonical::<Path>(bytes) {
        let _ = path.root_of(merkle::leaf(bytes));
    }
    if let Some(proof) = canonical::<Proof>(bytes) {
        let root = world().ledger().state_root();
        let forged = proof.verify(&root, &[7; 32], Some(&Hash([7; 32])));
        assert!(forged.is_err(), "a proof of what is not there");
    }
    checkpoint(bytes);
}

/// A signature holds only for what was signed, nobody else can make a second one, and any height may judge it.
fn transaction(one: &SignedTransaction) {
    let mut known = world().transactions().into_iter();
    let known = known.find(|known| known.id() == one.id());
    if one.signature_is_good() {
        assert!(known.is_none_or(|known| known == one), "a second signature");
    }
    for height in [0, 3, u64::MAX] {
        let tip = Tip {
            height,
            block: Hash::ZERO,
            time_ms: height,
        };
        let _ = world().ledger().check(&one.transaction, &tip, 16);
    }
}

/// What a block does to any state of the world leaves the supply as it is, whatever its transactions say.
fn block(block: &Block) {
    let world = world();
    let _ = (block.id(), block.leaves());
    for (ledger, tip) in world.ledgers.iter().zip(world.tips()) {
        if let Ok(execution) = ledger.validate(&tip, block) {
            assert_eq!(execution.state_root, block.header.state_root);
        }
        let context = BlockContext {
            height: tip.height + 1,
            time_ms: tip.time_ms + 1,
            proposer: person(1).address(),
        };
        if let Ok(execution) = ledger.execute(&context, &block.transactions) {
            holds_supply(ledger, execution.changes);
        }
        let chosen = ledger.select(&context, block.transactions.iter().cloned());
        let chosen = chosen.expect("a stranger's transactions are no fault of ours");
        holds_supply(ledger, chosen.execution.changes);
    }
}

fn holds_supply(ledger: &Ledger, changes: ChangeSet) {
    let mut after = ledger.clone();
    after.commit(changes).expect("made from this ledger");
    let things = after.account_count() + after.voucher_keys().count();
    assert_eq!(after.entries().count(), things);
    // The first byte of a key says what the entry is.
    let mut sums = after.entries().filter_map(|entry| {
        let value = entry.value?;
        match entry.key.first() {
            Some(0) => Some(Account::from_bytes(&value).ok()?.balance),
            _ => Some(Voucher::from_bytes(&value).ok()?.locked()),
        }
    });
    let total = sums.try_fold(Amount::ZERO, Amount::checked_add);
    assert_eq!(total, Some(ledger.supply()));
}

/// A quorum's word is not forged: what holds was signed by the world's validators.
fn certificate(certificate: &Certificate) {
    let genesis = &world().genesis;
    if certificate
        .verify(&genesis.hash(), &genesis.validators)
        .is_ok()
    {
        let known = world()
            .blocks
            .iter()
            .any(|(block, _)| block.id() == certificate.block);
        assert!(known, "a certificate that nobody signed");
    }
}

/// Bytes in place of an account of a checkpoint give that account's state or none.
fn checkpoint(bytes: &[u8]) {
    let ledger = world().ledger();
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = ledger
        .entries()
        .filter_map(|entry| Some((entry.key, entry.value?)))
        .collect();
    let kept = std::mem::replace(&mut entries[0].1, bytes.to_vec());
    if let Ok(restored) = Ledger::restore(&world().genesis, entries) {
        assert_eq!(restored.state_root() == ledger.state_root(), kept == bytes);
    }
}
