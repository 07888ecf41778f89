//! Proofs and answers: whatever bytes a node sends, a wallet believes only what is true.
//!
//! The validators of the world have signed its three blocks and nothing else, so everything that the light client
//! takes has to be found in the world. Signatures cannot be made up by mutation; what is tried is everything around
//! them: other fields, other proofs, other pages, parts of one answer in another.

use natcoin::chain::block::Block;
use natcoin::chain::key::Address;
use natcoin::chain::name::Name;
use natcoin::chain::query::{Answer, Certified, HistoryMark, HistoryPage, Moment, Trust};
use natcoin::replica::wire::WatchFrame;
use natcoin::wallet::light::LightClient;

use super::form::canonical;
use super::world::{VOUCHER, World, person, world};

/// Holds of any bytes that claim to prove something.
pub fn check(bytes: &[u8]) {
    if let Some(certified) = canonical::<Certified>(bytes)
        && let Ok(at) = certified.verify(&Trust::new(&world().genesis))
    {
        world().holds(&at);
        assert!(certified.header == world().block(&at).header);
    }
    if let Some(frame) = canonical::<WatchFrame>(bytes) {
        pushed(frame);
    }
    if let Some(answer) = canonical::<Answer>(bytes) {
        believed(&answer);
    }
}

/// What a watch pushes is believed only with its place in a block.
fn pushed(frame: WatchFrame) {
    let placed = frame.transactions.into_iter();
    let placed = placed.map(|one| (one.transaction, one.path));
    let Ok(proven) = client().pushed(&frame.certified, placed) else {
        return;
    };
    world().holds(&proven.at);
    let block = world().block(&proven.at);
    assert!(
        proven
            .value
            .iter()
            .all(|one| block.transactions.contains(one))
    );
}

/// The same answer, as one to each question of the world.
fn believed(answer: &Answer) {
    let world = world();
    let answer = || answer.clone();
    if let Ok(proven) = client().status(answer()) {
        world.holds(&proven.at);
    }
    if let Ok(proven) = client().network(answer()) {
        world.holds(&proven.at);
        assert!(proven.value.rules == world.genesis.rules);
        assert!(proven.value.validators == world.genesis.validators);
    }
    for number in [1, 2, 77] {
        account(answer(), &person(number).address());
    }
    for text in ["bob", "nobody"] {
        name(answer(), &text.parse().expect("a lawful name"));
    }
    for number in [VOUCHER, 77] {
        let key = person(number).public();
        if let Ok(proven) = client().voucher(answer(), &key) {
            world.holds(&proven.at);
            let known = world.ledgers[proven.at.height as usize].voucher(&key);
            assert!(proven.value.as_ref() == known);
        }
    }
    for one in world.transactions() {
        if let Ok(proven) = client().transaction(answer(), &one.id()) {
            world.holds(&proven.at);
            let block = world.block(&proven.at);
            assert!(proven.value.transaction == *one);
            assert!(block.transactions[proven.value.index as usize] == *one);
        }
    }
    for height in 1..=3 {
        if let Ok(proven) = client().block(answer(), height) {
            world.holds(&proven.at);
            let block = world.block(&proven.at);
            assert!(proven.at.height == height && proven.value.header == block.header);
            assert!(
                proven
                    .value
                    .transactions
                    .is_none_or(|all| all == block.transactions)
            );
        }
    }
}

fn account(answer: Answer, of: &Address) {
    let world = world();
    if let Ok(proven) = client().account(answer.clone(), of) {
        world.holds(&proven.at);
        let known = world.ledgers[proven.at.height as usize].account(of);
        assert!(proven.value == known);
    }
    if let Ok(proven) = client().history(answer.clone(), of) {
        world.holds(&proven.at);
        let (found, page) = proven.value;
        let known = world.ledgers[proven.at.height as usize].account(of);
        assert!(found == known);
        let end = known.map_or(0, |known| known.activities);
        true_page(of, &page, end);
    }
    for (number, (_, head)) in (1..).zip(world.history(of)) {
        let end = HistoryMark { number, head };
        if let Ok(proven) = client().older_history(answer.clone(), of, &end) {
            true_page(of, &proven.value, number);
        }
    }
}

/// A page is the account's activities from its beginning to `end`, all of them and no others.
fn true_page(of: &Address, page: &HistoryPage, end: u64) {
    let all = world().history(of);
    let range = page.start.number as usize..end as usize;
    let known = all[range].iter().map(|(entry, _)| entry);
    assert!(known.eq(&page.entries), "a history that did not happen");
}

fn name(answer: Answer, name: &Name) {
    let world = world();
    if let Ok(proven) = client().name(answer, name) {
        world.holds(&proven.at);
        let ledger = &world.ledgers[proven.at.height as usize];
        let owner = proven.value.as_ref();
        assert!(owner.map(|owner| owner.address) == ledger.owner(name));
        if let Some(owner) = owner {
            assert!(Some(&owner.account) == ledger.account(&owner.address).as_ref());
        }
    }
}

fn client() -> LightClient {
    LightClient::new(&world().genesis, 0)
}

impl World {
    /// Holds that a proven moment is one of this world.
    fn holds(&self, at: &Moment) {
        let root = self.ledgers[at.height as usize].state_root();
        assert!(at.state_root == root, "a state that never was");
        if at.height > 0 {
            let header = &self.block(at).header;
            assert!(at.block == header.id() && at.time_ms == header.time_ms);
            assert!(at.signed_by >= 3, "no quorum");
        }
    }

    fn block(&self, at: &Moment) -> &Block {
        &self.blocks[at.height as usize - 1].0
    }
}
