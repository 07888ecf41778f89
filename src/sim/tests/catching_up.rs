//! A node that is far behind: fetching, checking and keeping blocks overlap, and lies cost their teller the connection.

use std::sync::Arc;
use std::time::Duration;

use crate::behaviour::{Role, Service};
use crate::chain::codec::{Decode, Encode};
use crate::chain::testing::network::key;
use crate::replica::wire::{BlocksReply, BlocksRequest, FinalBlock, MAX_BLOCKS};
use crate::replica::{Effect, Input, Moment, Peer, Replica, Settings, Tag, perform};
use crate::sim::World;
use crate::store::{SimDisk, Store};

/// A network of one that has made so many blocks.
fn chain(blocks: u64) -> World {
    let mut world = World::town(1, 0, 64);
    for nonce in 0..blocks {
        let payment = world.payment(1, nonce, 1, 2);
        world.pay_and_wait(0, &payment);
    }
    world
}

/// A follower with nothing yet, driven by hand.
struct Follower {
    replica: Replica,
    store: Store,
    clock: Duration,
}

impl Follower {
    fn new(world: &World) -> Self {
        let store = Store::open(Arc::new(SimDisk::new()), world.genesis.hash().0).unwrap();
        let settings = Settings {
            genesis: world.genesis.clone(),
            key: key(3),
            seed: [0; 32],
            timing: Default::default(),
            pace: Default::default(),
        };
        let (replica, _) = Replica::open(settings, &store, Moment::default()).unwrap();
        Self {
            replica,
            store,
            clock: Duration::from_secs(1),
        }
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        self.clock += Duration::from_millis(1);
        let now = Moment {
            unix_ms: u64::MAX / 2,
            elapsed: self.clock,
        };
        self.replica.handle(input, now, &self.store)
    }

    fn meets(&mut self, peer: Peer, height: u64) -> Vec<Effect> {
        self.handle(Input::PeerUp {
            peer,
            role: Role::Validator,
            height,
        })
    }

    /// Performs what the store and other threads do; gives the effects that came of the checks, unperformed.
    fn perform(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut came = Vec::new();
        for effect in effects {
            if let Effect::Check(job) = effect {
                came.extend(self.handle(job.run()));
            } else {
                perform(effect, &self.store).unwrap();
            }
        }
        came
    }
}

/// What is asked for: the first block, and of whom.
fn asked(effects: &[Effect]) -> Option<(u64, Peer, BlocksRequest)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Request {
            tag: Tag::Blocks { from },
            peer,
            service: Service::Blocks,
            data,
        } => Some((*from, *peer, BlocksRequest::from_bytes(data).unwrap())),
        _ => None,
    })
}

fn answer(world: &World, request: &BlocksRequest) -> BlocksReply {
    let store = &world.nodes[0].live.as_ref().unwrap().store;
    let heights = (request.from..=store.tip()).take(MAX_BLOCKS.min(request.count as usize));
    let record = |height| store.block(height).unwrap().unwrap();
    BlocksReply {
        tip: store.tip(),
        blocks: heights
            .map(|height| FinalBlock::from_bytes(&record(height)).unwrap())
            .collect(),
    }
}

fn reply(from: u64, peer: Peer, reply: &BlocksReply) -> Input {
    Input::Reply {
        tag: Tag::Blocks { from },
        from: peer,
        data: Some(reply.to_bytes()),
    }
}

#[test]
fn the_next_blocks_are_fetched_while_these_are_checked_and_all_become_durable_at_once() {
    let beyond = 5;
    let tip = MAX_BLOCKS as u64 + beyond;
    let world = chain(tip);
    let mut follower = Follower::new(&world);
    let peer = world.nodes[0].key.public();
    let (first, whom, request) = asked(&follower.meets(peer, tip)).expect("it is behind");
    assert_eq!((first, whom), (1, peer));

    let effects = follower.handle(reply(first, peer, &answer(&world, &request)));
    assert_eq!(
        follower.replica.height(),
        0,
        "nothing is believed unchecked"
    );
    let (next, _, request) = asked(&effects).expect("the next are fetched meanwhile");
    assert_eq!(next, MAX_BLOCKS as u64 + 1);

    let came = follower.perform(effects);
    assert_eq!(follower.replica.height(), MAX_BLOCKS as u64);
    assert_eq!(follower.store.tip(), 0, "not performed yet");
    let Some(Effect::Commit(blocks)) = came.first() else {
        panic!("durable before anything else: {:?}", came.first());
    };
    assert_eq!(blocks.len(), MAX_BLOCKS);
    follower.perform(came);
    assert_eq!(follower.store.tip(), MAX_BLOCKS as u64);

    let effects = follower.handle(reply(next, peer, &answer(&world, &request)));
    let came = follower.perform(effects);
    follower.perform(came);
    assert_eq!(follower.store.tip(), tip);
    assert_eq!(follower.replica.state_root(), world.replica(0).state_root());
}

#[test]
fn a_block_with_a_signature_that_is_not_its_own_costs_the_connection_and_nothing_else() {
    let world = chain(6);
    let mut follower = Follower::new(&world);
    let (liar, peer) = (key(5).public(), world.nodes[0].key.public());
    let (first, _, request) = asked(&follower.meets(liar, 6)).expect("it is behind");
    let mut lie = answer(&world, &request);
    lie.blocks[3].block.transactions[0].signature.0[7] ^= 1;
    let effects = follower.handle(reply(first, liar, &lie));
    let came = follower.perform(effects);
    let sent_away = came
        .iter()
        .any(|effect| matches!(effect, Effect::Disconnect { peer, .. } if *peer == liar));
    assert!(sent_away, "{came:?}");
    follower.perform(came);
    assert_eq!(follower.store.tip(), 3, "what was good before it stays");

    follower.handle(Input::PeerDown { peer: liar });
    let (first, _, request) = asked(&follower.meets(peer, 6)).expect("it is still behind");
    assert_eq!(first, 4);
    let effects = follower.handle(reply(first, peer, &answer(&world, &request)));
    let came = follower.perform(effects);
    follower.perform(came);
    assert_eq!(follower.store.tip(), 6);
}

#[test]
fn blocks_that_agreement_had_first_are_passed_over() {
    let world = chain(4);
    let mut follower = Follower::new(&world);
    let peer = world.nodes[0].key.public();
    let (first, _, request) = asked(&follower.meets(peer, 4)).expect("it is behind");
    let whole = answer(&world, &request);
    let waiting = follower.handle(reply(first, peer, &whole));
    // The same blocks, unasked, from another: they do not follow on what is on its way.
    let again = follower.handle(reply(first, key(6).public(), &whole));
    assert!(
        !again
            .iter()
            .any(|effect| matches!(effect, Effect::Check(_)))
    );
    let came = follower.perform(waiting);
    follower.perform(came);
    assert_eq!(follower.store.tip(), 4);
}

/// An answer of empty blocks from a height on that nobody has certified.
fn invented(world: &World, from: u64) -> BlocksReply {
    let request = BlocksRequest { from: 1, count: 1 };
    let mut one = answer(world, &request).blocks.remove(0);
    one.block.transactions.clear();
    let blocks = (from..from + MAX_BLOCKS as u64).map(|height| {
        one.block.header.height = height;
        one.clone()
    });
    BlocksReply {
        tip: u64::MAX,
        blocks: blocks.collect(),
    }
}

#[test]
fn empty_blocks_without_end_are_not_fetched_before_those_there_are_checked() {
    let world = chain(1);
    let mut follower = Follower::new(&world);
    let liar = key(5).public();
    let mut effects = follower.meets(liar, u64::MAX);
    let (mut answers, mut waiting) = (0, Vec::new());
    while let Some((first, _, _)) = asked(&effects) {
        answers += 1;
        assert!(answers < 10, "it asks on and on");
        effects = follower.handle(reply(first, liar, &invented(&world, first)));
        let checks = effects.iter().filter(|one| matches!(one, Effect::Check(_)));
        waiting.extend(checks.cloned());
    }
    assert_eq!(
        answers, 2,
        "the second while the first is checked, and no third"
    );
    let came = follower.perform(waiting);
    let sent_away =
        |effect: &Effect| matches!(effect, Effect::Disconnect { peer, .. } if *peer == liar);
    assert!(came.iter().any(sent_away), "{came:?}");
    assert_eq!(follower.replica.height(), 0);
}

#[test]
fn whose_blocks_follow_on_anothers_lie_is_asked_again_at_once() {
    let tip = MAX_BLOCKS as u64 + 2;
    let world = chain(tip);
    let mut follower = Follower::new(&world);
    let (liar, peer) = (key(5).public(), world.nodes[0].key.public());
    let (first, _, request) = asked(&follower.meets(liar, tip)).expect("it is behind");
    let mut lie = answer(&world, &request);
    lie.blocks[0].certificate.signatures.clear();
    let effects = follower.handle(reply(first, liar, &lie));
    // The validator comes while the lie is checked, so it is asked for what follows on it.
    let (next, whom, request) = asked(&follower.meets(peer, tip)).expect("it knows more");
    assert_eq!((next, whom), (MAX_BLOCKS as u64 + 1, peer));
    let came = follower.perform(effects);
    assert!(asked(&came).is_none(), "one request at a time");
    let effects = follower.handle(reply(next, peer, &answer(&world, &request)));
    let again = asked(&effects).map(|(first, whom, _)| (first, whom));
    assert_eq!(
        again,
        Some((1, peer)),
        "it does not rest for the lie of another"
    );
}
