//! A whole node, without its hands: whatever its peers and wallets send, it goes on.
//!
//! The bytes are a course of events, each a kind, a length and what comes with it. The node is a validator of the
//! world at its third block; its disk is simulated. The seeds hold messages that the other validators have really
//! signed for the fourth block, so that mutation has what to repeat, leave out, reorder and damage.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use natcoin::behaviour::watch::FRAME_MAX_BYTES;
use natcoin::behaviour::{Role, Service, Topic};
use natcoin::chain::block::Block;
use natcoin::chain::certificate::{Certificate, VoteKind, vote_sign_bytes};
use natcoin::chain::codec::{Decode, Encode};
use natcoin::chain::hash::Hash;
use natcoin::chain::key::SecretKey;
use natcoin::chain::ledger::BlockContext;
use natcoin::consensus::Timing;
use natcoin::consensus::message::{Message, Proposal, Vote, proposal_sign_bytes};
use natcoin::replica::wire::{
    Batch, BlocksReply, BlocksRequest, FinalBlock, MissingReply, MissingRequest, Said, WatchFrame,
    WatchRequest, from_gossip, gossip,
};
use natcoin::replica::{
    CheckpointPace, Effect, Input, Moment, Replica, Settings, Stored, Tag, perform,
};
use natcoin::store::{SimDisk, Store, Survival};

use super::world::{certificate, pay, person, validator, world};

/// The height under way.
const HEIGHT: u64 = 4;
/// Most events of a course: more tell nothing new and take long.
const MAX_EVENTS: usize = 48;

/// Holds of any course of events.
pub fn check(bytes: &[u8]) {
    assert!(tip_after(bytes) >= 3, "a final block is gone");
}

/// How far the node's chain goes after a course of events.
pub fn tip_after(bytes: &[u8]) -> u64 {
    static DISK: LazyLock<SimDisk> = LazyLock::new(disk_at_the_third_block);
    let mut node = Node::open(DISK.crash(Survival::Everything));
    for (kind, data) in events(bytes).into_iter().take(MAX_EVENTS) {
        node.event(kind, data);
    }
    node.store.tip()
}

/// A kind and what comes with it, of two bytes of length each time; the last is as long as there are bytes.
fn events(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut events = Vec::new();
    while let [kind, low, high, rest @ ..] = bytes {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (data, left) = rest.split_at(length);
        events.push((*kind, data));
        bytes = left;
    }
    events
}

struct Node {
    replica: Replica,
    store: Store,
    now: Moment,
    number: u64,
}

impl Node {
    fn open(disk: SimDisk) -> Self {
        let genesis = Arc::new(world().genesis.clone());
        let store = Store::open(Arc::new(disk), genesis.hash().0).expect("a sound disk");
        let settings = Settings {
            genesis,
            key: me(),
            seed: [5; 32],
            timing: Timing::default(),
            pace: CheckpointPace {
                blocks: 2,
                ..Default::default()
            },
        };
        let now = Moment {
            unix_ms: 1_000_000,
            elapsed: Duration::from_secs(1),
        };
        let (replica, effects) = Replica::open(settings, &store, now).expect("a sound store");
        let mut node = Self {
            replica,
            store,
            now,
            number: 0,
        };
        node.perform(effects);
        for number in [0, 1, 3] {
            let peer = validator(number).public();
            let (role, height) = (Role::Validator, 3);
            node.handle(Input::PeerUp { peer, role, height });
        }
        node
    }

    /// One event, as it comes from the first validator or from a wallet.
    fn event(&mut self, kind: u8, data: &[u8]) {
        self.number += 1;
        let (id, data) = (self.number, data.to_vec());
        let from = validator(0).public();
        let number = || {
            let mut bytes = [0; 8];
            bytes
                .iter_mut()
                .zip(&data)
                .for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(bytes)
        };
        let input = match kind % 12 {
            0 => {
                // Up to a minute: time goes on and never back.
                let ms = number() % 60_000;
                self.now.unix_ms += ms;
                self.now.elapsed += Duration::from_millis(ms);
                Input::Tick
            }
            kind @ 1..=3 => Input::Gossip {
                id,
                from,
                topic: Topic::ALL[usize::from(kind) - 1],
                data,
            },
            kind @ 4..=7 => return self.ask(Service::ALL[usize::from(kind) - 4], data),
            8 => Input::Reply {
                tag: Tag::Missing,
                from,
                data: Some(data),
            },
            9 => Input::Reply {
                tag: Tag::Blocks { from: HEIGHT },
                from,
                data: Some(data),
            },
            10 => Input::WatchOpened { watch: id, data },
            _ => Input::PeerHeight {
                peer: from,
                height: number(),
            },
        };
        self.handle(input);
    }

    /// Each request is answered at once, within what its service may send.
    fn ask(&mut self, service: Service, data: Vec<u8>) {
        let id = self.number;
        let from = person(1).public();
        let effects = self.handle(Input::Request {
            id,
            from,
            service,
            data,
        });
        let answers = effects.into_iter().filter_map(|effect| match effect {
            Effect::Respond { id, data } => Some((id, data)),
            _ => None,
        });
        let answers: Vec<_> = answers.collect();
        assert!(
            answers.len() == 1 && answers[0].0 == id,
            "{service} is not answered once"
        );
        assert!(answers[0].1.len() <= service.caps().answer_bytes);
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.replica.handle(input, self.now, &self.store);
        self.perform(effects)
    }

    /// Does what the node asks for, and gives back what is not the store's.
    fn perform(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let (mut others, mut checked) = (Vec::new(), Vec::new());
        for effect in effects {
            if let Effect::Commit(blocks) = &effect {
                blocks.iter().for_each(|block| is_certified(&block.record));
            }
            match perform(effect, &self.store).expect("nothing that is said breaks the store") {
                Stored::Done => {}
                Stored::Checkpoint(job) => {
                    let height = job.run().expect("a sound disk").height;
                    let more = self.handle(Input::CheckpointWritten { height });
                    others.extend(more);
                }
                Stored::Other(Effect::Check(job)) => checked.push(job.run()),
                Stored::Other(effect) => {
                    is_sayable(&effect);
                    others.push(effect);
                }
            }
        }
        for input in checked {
            others.extend(self.handle(input));
        }
        others
    }
}

/// What is committed was certified by a quorum.
fn is_certified(record: &[u8]) {
    let found = FinalBlock::from_bytes(record).expect("our own record");
    let genesis = &world().genesis;
    let verdict = found
        .certificate
        .verify(&genesis.hash(), &genesis.validators);
    assert!(verdict.is_ok() && found.certificate.block == found.block.id());
}

/// What is said can be sent, and read by those who hear it; nothing that is heard stops a node.
fn is_sayable(effect: &Effect) {
    match effect {
        Effect::Halt(why) => panic!("the node stops: {why}"),
        Effect::Publish { topic, data } => {
            assert!(data.len() <= topic.max_bytes());
            assert!(match topic {
                Topic::Transactions => from_gossip::<Batch>(data).is_ok(),
                Topic::Proposals | Topic::Votes => from_gossip::<Said>(data).is_ok(),
                Topic::Directory => false,
            });
        }
        Effect::Request { service, data, .. } => {
            assert!(data.len() <= service.caps().request_bytes);
        }
        Effect::Push { frame, .. } => {
            assert!(frame.len() <= FRAME_MAX_BYTES && WatchFrame::from_bytes(frame).is_ok());
        }
        _ => {}
    }
}

/// A node that has caught up with the world, by the answer of one peer.
fn disk_at_the_third_block() -> SimDisk {
    let disk = SimDisk::new();
    let mut node = Node::open(disk.clone());
    let blocks = BlocksReply {
        tip: 3,
        blocks: world().blocks.iter().cloned().map(final_block).collect(),
    };
    node.handle(Input::Reply {
        tag: Tag::Blocks { from: 1 },
        from: validator(0).public(),
        data: Some(blocks.to_bytes()),
    });
    assert_eq!(node.store.tip(), 3, "the world's blocks are taken");
    disk
}

fn final_block((block, certificate): (Block, Certificate)) -> FinalBlock {
    FinalBlock { block, certificate }
}

/// The proposer of the next height.
fn proposer() -> SecretKey {
    let turn = world().genesis.validators.proposer(HEIGHT, 0).address();
    let all = (0..4).map(validator);
    let mut turns = all.filter(|key| key.address() == turn);
    turns.next().expect("a validator's turn")
}

/// The node's own key: a validator's, and not the next proposer's.
fn me() -> SecretKey {
    let mut others = [validator(2), validator(3)].into_iter();
    let is_other = |key: &SecretKey| key.address() != proposer().address();
    others.find(is_other).expect("one of two has not the turn")
}

fn next_block() -> Block {
    let (ledger, tip) = (world().ledger(), world().tip());
    let context = BlockContext {
        height: HEIGHT,
        time_ms: tip.time_ms + 100,
        proposer: proposer().address(),
    };
    let body = ledger
        .select(&context, [pay(1, 3, 9, 2)])
        .expect("a sound ledger");
    Block {
        header: ledger.header(&tip, &context, &body),
        transactions: body.transactions,
    }
}

/// The next block as a peer has it that is ahead.
fn next_final(block: Block) -> FinalBlock {
    let signers: Vec<SecretKey> = others().collect();
    let certificate = certificate(&world().genesis, HEIGHT, &block.id(), &signers);
    FinalBlock { block, certificate }
}

fn proposal(block: &Block) -> Proposal {
    let (key, genesis, id) = (proposer(), world().genesis.hash(), block.id());
    let bytes = proposal_sign_bytes(&genesis, HEIGHT, 0, None, &key.address(), &id);
    Proposal {
        height: HEIGHT,
        round: 0,
        block: id,
        pol_round: None,
        proposer: key.address(),
        signature: key.sign(&bytes),
    }
}

fn vote(key: &SecretKey, kind: VoteKind, block: Option<Hash>) -> Vec<u8> {
    let (voter, genesis) = (key.address(), world().genesis.hash());
    let bytes = vote_sign_bytes(&genesis, kind, HEIGHT, 0, &voter, block.as_ref());
    let vote = Vote {
        kind,
        height: HEIGHT,
        round: 0,
        block,
        voter,
        signature: key.sign(&bytes),
    };
    gossip(0, &Said::Message(Message::Vote(vote)))
}

fn others() -> impl Iterator<Item = SecretKey> {
    let me = me().address();
    (0..4).map(validator).filter(move |key| key.address() != me)
}

fn course(events: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, data) in events {
        bytes.push(*kind);
        let length = u16::try_from(data.len()).expect("a small event");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(data);
    }
    bytes
}

/// A second goes by.
fn tick() -> (u8, Vec<u8>) {
    (0, 1000u16.to_le_bytes().to_vec())
}

/// A height that is decided, one whose proposal does not come, and what wallets and peers ask.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let block = next_block();
    let id = Some(block.id());
    let said = Said::Proposal(proposal(&block), Arc::new(block.clone()));
    let mut decided = vec![(1, gossip(0, &Batch(block.transactions.clone()))), tick()];
    decided.push((2, gossip(0, &said)));
    for kind in [VoteKind::Prevote, VoteKind::Precommit] {
        decided.extend(others().map(|key| (3, vote(&key, kind, id))));
    }
    decided.extend([tick(), (10, watch().to_bytes())]);
    let mut silent: Vec<_> = others()
        .map(|key| (3, vote(&key, VoteKind::Prevote, None)))
        .collect();
    silent.extend(others().map(|key| (3, vote(&key, VoteKind::Precommit, None))));
    silent.extend([tick(), tick(), tick()]);
    let mut asked = vec![(4, block.transactions[0].to_bytes())];
    asked.extend(world().queries().iter().map(|query| (5, query.to_bytes())));
    asked.extend([
        (6, BlocksRequest { from: 1, count: 64 }.to_bytes()),
        (
            7,
            MissingRequest {
                height: HEIGHT,
                round: 0,
            }
            .to_bytes(),
        ),
        (10, watch().to_bytes()),
        (11, HEIGHT.to_le_bytes().to_vec()),
    ]);
    let missing = MissingReply {
        tip: 3,
        said: vec![said],
    };
    let blocks = BlocksReply {
        tip: HEIGHT,
        blocks: vec![next_final(block)],
    };
    let behind = [
        (11, 9u64.to_le_bytes().to_vec()),
        tick(),
        (9, blocks.to_bytes()),
        (8, missing.to_bytes()),
    ];
    vec![
        ("decided", course(&decided)),
        ("silent", course(&silent)),
        ("asked", course(&asked)),
        ("behind", course(&behind)),
    ]
}

fn watch() -> WatchRequest {
    WatchRequest {
        addresses: vec![person(1).address(), person(2).address()],
    }
}
