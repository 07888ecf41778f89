//! Peers that lie: nothing of it is committed, and they are told off.

use std::sync::Arc;
use std::time::Duration;

use super::town::DAWN_MS;
use crate::behaviour::{Role, Service, Topic};
use crate::chain::amount::Amount;
use crate::chain::block::Block;
use crate::chain::codec::{Decode, Encode};
use crate::chain::ledger::{BlockContext, Ledger, Tip};
use crate::chain::testing::network;
use crate::consensus::message::proposal_sign_bytes;
use crate::consensus::{Message, Proposal};
use crate::replica::Input;
use crate::replica::wire::{BlocksReply, MissingReply, Said, gossip};
use crate::sim::World;
use crate::store::Survival;

const FOLLOWER: usize = 4;
const LIAR: usize = 3;

/// Six blocks; then a follower that was away comes back, and hears the liar only.
fn follower_hears(seed: u64, lie: impl Fn(&mut BlocksReply) + 'static) -> World {
    follower_hears_bytes(seed, move |data| {
        let mut reply = BlocksReply::from_bytes(&data).unwrap();
        lie(&mut reply);
        reply.to_bytes()
    })
}

fn follower_hears_bytes(seed: u64, lie: impl Fn(Vec<u8>) -> Vec<u8> + 'static) -> World {
    let mut world = World::town(4, 1, seed);
    world.crash(FOLLOWER, Survival::Nothing);
    for nonce in 0..6 {
        let payment = world.payment(1, nonce, 100, 2);
        world.pay_and_wait(0, &payment);
    }
    world.run_for(Duration::from_secs(1));
    for honest in 0..3 {
        world.cut(honest, FOLLOWER, true);
    }
    world.nodes[LIAR].lie = Some(Box::new(move |service, data| match service {
        Service::Blocks => lie(data),
        _ => data,
    }));
    world.start(FOLLOWER).unwrap();
    world.run_for(Duration::from_secs(10));
    world
}

/// The lie is found out before anything is committed; and honest peers help, though the liar goes on.
fn is_found_out(mut world: World, height: u64, reason: &str) {
    assert_eq!(world.height(FOLLOWER), height);
    let told_off = &world.seen.disconnects;
    // Others ask it too, now and then.
    let is_found_by = |(at, ..): &(usize, usize, String)| *at == FOLLOWER;
    assert!(told_off.iter().any(is_found_by), "nobody was told off");
    for (_, whom, why) in told_off {
        assert_eq!(*whom, LIAR);
        assert!(why.contains(reason), "{why}");
    }
    world.heal();
    let limit = Duration::from_secs(20);
    assert!(world.run_until(limit, |world| world.height(FOLLOWER) >= 6));
}

#[test]
fn changed_transactions_are_found_out() {
    let world = follower_hears(1, |reply| {
        for one in &mut reply.blocks {
            one.block.transactions.clear();
        }
    });
    is_found_out(world, 0, "other transactions");
}

#[test]
fn a_changed_header_is_found_out() {
    let world = follower_hears(2, |reply| {
        for one in &mut reply.blocks {
            one.block.header.time_ms += 1;
        }
    });
    is_found_out(world, 0, "of another block");
}

#[test]
fn the_certificate_of_another_block_is_found_out() {
    let world = follower_hears(3, |reply| {
        if let [first, second, ..] = reply.blocks.as_mut_slice() {
            std::mem::swap(&mut first.certificate, &mut second.certificate);
        }
    });
    is_found_out(world, 0, "of another block");
}

#[test]
fn too_few_signatures_are_found_out_and_what_was_good_stays() {
    let world = follower_hears(4, |reply| {
        for one in reply.blocks.iter_mut().skip(2) {
            one.certificate.signatures.truncate(2);
        }
    });
    // Each of its answers has two good blocks.
    assert!(world.height(FOLLOWER) >= 2);
    let height = world.height(FOLLOWER);
    is_found_out(world, height, "");
}

#[test]
fn a_forged_signature_is_found_out() {
    let world = follower_hears(5, |reply| {
        for one in &mut reply.blocks {
            one.certificate.signatures[1].signature.0[3] ^= 4;
        }
    });
    is_found_out(world, 0, "");
}

#[test]
fn an_answer_that_cannot_be_read_is_found_out() {
    let world = follower_hears_bytes(6, |_| vec![7; 11]);
    is_found_out(world, 0, "cannot be read");
}

#[test]
fn money_out_of_nothing_is_found_out() {
    let world = follower_hears(7, |reply| {
        for one in &mut reply.blocks {
            for transaction in &mut one.block.transactions {
                transaction.transaction.fee = Amount::from_nits(0);
            }
        }
    });
    is_found_out(world, 0, "other transactions");
}

#[test]
fn a_peer_that_promises_blocks_and_gives_none_is_not_asked_without_end() {
    for blocks_given in [0, 1] {
        let world = follower_hears(8, move |reply| {
            reply.tip = 1_000_000;
            // None, or one that was not asked for.
            reply.blocks.reverse();
            reply.blocks.truncate(blocks_given);
        });
        assert_eq!(world.height(FOLLOWER), 0);
        let asked = world.seen.asked[&LIAR];
        assert!(asked < 20, "asked {asked} times in 10 s");
        let mut world = world;
        world.heal();
        let limit = Duration::from_secs(20);
        assert!(world.run_until(limit, |world| world.height(FOLLOWER) >= 6));
    }
}

#[test]
fn a_forged_message_in_an_answer_about_the_height_under_way_is_found_out() {
    let mut world = World::town(4, 0, 9);
    // Two are away, so that the height takes long and the others ask each other.
    world.crash(1, Survival::Nothing);
    world.crash(2, Survival::Nothing);
    world.nodes[LIAR].lie = Some(Box::new(|service, data| match service {
        Service::Agreement => {
            let mut reply = MissingReply::from_bytes(&data).unwrap();
            for said in &mut reply.said {
                if let Said::Message(Message::Vote(vote)) = said {
                    vote.round += 1;
                }
            }
            reply.to_bytes()
        }
        _ => data,
    }));
    let payment = world.payment(1, 0, 100, 2);
    world.submit(0, &payment);
    world.run_for(Duration::from_secs(20));
    assert!(
        world
            .seen
            .disconnects
            .iter()
            .any(|(_, whom, _)| *whom == LIAR)
    );
    world.start(1).unwrap();
    let id = payment.id();
    assert!(world.run_until(Duration::from_secs(20), |world| world.is_final(&id)));
}

#[test]
fn a_proposer_that_signs_proposals_without_end_fills_neither_memory_nor_time() {
    let mut world = World::town(4, 0, 10);
    let liar = world.nodes[LIAR].key.clone();
    let ledger = Ledger::from_genesis(&world.genesis);
    let tip = Tip::genesis(&world.genesis);
    world.crash(LIAR, Survival::Nothing);
    for number in 0..400u32 {
        let context = BlockContext {
            height: 1,
            time_ms: DAWN_MS + 1 + u64::from(number),
            proposer: liar.address(),
        };
        let selection = ledger.select(&context, Vec::new()).unwrap();
        let header = ledger.header(&tip, &context, &selection);
        let (round, block, proposer) = (number / 4, header.id(), liar.address());
        let genesis = world.genesis.hash();
        let bytes = proposal_sign_bytes(&genesis, 1, round, None, &proposer, &block);
        let proposal = Proposal {
            height: 1,
            round,
            block,
            pol_round: None,
            proposer,
            signature: liar.sign(&bytes),
        };
        let transactions = Vec::new();
        let block = Arc::new(Block {
            header,
            transactions,
        });
        let said = gossip(0, &Said::Proposal(proposal, block));
        world.hear(0, Topic::Proposals, said);
    }
    let judged = world.replica(0).judged_blocks();
    assert!(judged <= 10, "{judged} blocks were executed and kept");
    let payment = world.payment(1, 0, 100, 2);
    world.pay_and_wait(0, &payment);
}

#[test]
fn a_silent_crowd_that_promises_blocks_does_not_keep_a_node_from_the_validators() {
    let mut world = World::town(4, 0, 10);
    world.crash(0, Survival::Nothing);
    for nonce in 0..6 {
        let payment = world.payment(1, nonce, 100, 2);
        world.pay_and_wait(1, &payment);
    }
    world.start(0).unwrap();
    // They are there before any validator is, and they never answer.
    for number in 60..90 {
        let peer = network::key(number).public();
        let (role, height) = (Role::Follower, u64::MAX);
        world.step(0, Input::PeerUp { peer, role, height });
    }
    assert!(world.run_until(Duration::from_secs(2), |world| world.height(0) >= 6));
}
