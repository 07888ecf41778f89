//! Disks that lose power between any two effects, fill up, fail to sync, or decay.

use std::sync::Arc;
use std::time::Duration;

use crate::chain::codec::{Decode, Encode};
use crate::chain::query::Query;
use crate::replica::wire::{FinalBlock, SubmitReply};
use crate::replica::{CheckpointPace, Moment, Replica, Settings, StartError};
use crate::sim::World;
use crate::store::{BlockIndex, Checkpoint, Disk as _, SimDisk, StateChanges, Store, Survival};

/// Pays some times, hands in again what is lost, starts node 0 again whenever it is down; all must
/// become final.
fn pay_through_all(world: &mut World, payments: u64, mut next_crash: Option<(u64, Survival)>) {
    for nonce in 0..payments {
        let payment = world.payment(1, nonce, 100, 2);
        let id = payment.id();
        let end = world.now() + Duration::from_secs(60);
        let mut turn = 0;
        while !world.is_final(&id) {
            assert!(world.now() < end, "payment {nonce} is not final");
            if world.nodes[0].live.is_none() {
                world.nodes[0].disk.mend();
                world.nodes[0].fate.crash_in = next_crash.take();
                world.start(0).unwrap();
            }
            let node = turn % world.nodes.len();
            turn += 1;
            world.submit(node, &payment);
            world.run_until(Duration::from_millis(400), |world| {
                world.is_final(&id) || world.nodes[0].live.is_none()
            });
        }
    }
    if world.nodes[0].live.is_none() {
        world.nodes[0].disk.mend();
        world.start(0).unwrap();
    }
    world.nodes[0].fate.crash_in = None;
    for node in 0..world.nodes.len() {
        // The disk may fail at the very end, too.
        world.nodes[node].disk.mend();
        if world.nodes[node].live.is_none() {
            world.start(node).unwrap();
        }
    }
    world.wait_in_step(payments);
    assert_eq!(world.judge.finals.len() as u64, payments);
    for node in 0..world.nodes.len() {
        assert!(
            world.replica(node).status().is_voting,
            "{node} does not vote"
        );
    }
}

#[test]
fn the_power_may_fail_in_a_flush_and_again_while_the_node_recovers() {
    // Of a torn flush the log keeps the cause of a vote, and not the vote. What is then signed while
    // the log is replayed must be logged too: else the second recovery finds a guard that knows more
    // than the log, and the only validator would never vote again.
    for validators in [1, 2] {
        for torn in 0..10 {
            for second in 0..8 {
                let mut world = World::town(validators, 0, torn * 100 + second);
                world.nodes[0].disk.fail_syncs_after(2 + torn / 4);
                world.nodes[0].fate.survival = Survival::Sectors(torn);
                pay_through_all(&mut world, 2, Some((second, Survival::Nothing)));
            }
        }
    }
}

#[test]
fn a_disk_that_fails_stops_the_node_before_anything_leaves_and_it_comes_back() {
    let mut stops = 0;
    for syncs in 0..40 {
        let mut world = World::town(4, 0, 60 + syncs);
        world.nodes[0].disk.fail_syncs_after(syncs);
        pay_through_all(&mut world, 3, None);
        stops += 1;
    }
    for bytes in (0..60_000).step_by(1_500) {
        let mut world = World::town(4, 0, 70 + bytes);
        world.nodes[0].disk.full_after(bytes);
        pay_through_all(&mut world, 3, None);
        stops += 1;
    }
    assert!(stops > 70);
}

#[test]
fn a_single_node_stops_when_its_disk_fails_and_has_acknowledged_nothing_more() {
    let mut world = World::town(1, 0, 61);
    world.nodes[0].fate.survival = Survival::Nothing;
    world.nodes[0].disk.fail_syncs_after(0);
    let payment = world.payment(1, 0, 100, 2);
    world.submit(0, &payment);
    world.run_for(Duration::from_secs(1));
    assert!(world.nodes[0].stopped.is_some());
    assert!(!world.is_final(&payment.id()));
    world.nodes[0].disk.mend();
    world.start(0).unwrap();
    world.pay_and_wait(0, &payment);
}

#[test]
fn a_restart_from_a_checkpoint_gives_the_same_state() {
    let mut world = World::town(1, 0, 62);
    for nonce in 0..1005 {
        let payment = world.payment(1, nonce, 11, 2);
        world.pay_and_wait(0, &payment);
    }
    world.run_for(Duration::from_secs(1));
    let store = world.nodes[0].live.as_ref().unwrap().store.clone();
    assert_eq!(store.checkpoint().unwrap().unwrap().height, 1000);
    drop(store);
    let root = world.replica(0).state_root();
    world.crash(0, Survival::Nothing);
    world.start(0).unwrap();
    assert_eq!(
        (world.height(0), world.replica(0).state_root()),
        (1005, root)
    );
    world.close(0);
    world.start(0).unwrap();
    assert_eq!(
        (world.height(0), world.replica(0).state_root()),
        (1005, root)
    );
    let store = world.nodes[0].live.as_ref().unwrap().store.clone();
    assert_eq!(store.checkpoint().unwrap().unwrap().height, 1005);
    // What is in the checkpoint can still be asked for.
    let old = world.payment(1, 3, 11, 2);
    let answer = world
        .query(0, &Query::Transaction(old.id()))
        .into_transaction()
        .unwrap();
    answer.verify(&world.judge.trust, &old.id()).unwrap();
    assert_eq!(
        world.submit(0, &old),
        Some(SubmitReply::Final { height: 4 })
    );
    let payment = world.payment(1, 1005, 11, 2);
    world.pay_and_wait(0, &payment);
}

#[test]
fn a_checkpoint_comes_after_so_many_transactions_however_few_accounts_paid_them() {
    // The story: two accounts paid each other. Few accounts changed, so a checkpoint came only every thousand blocks, and a
    // start executed up to a million transactions again, with all their index entries in memory.
    let mut world = World::town(1, 0, 66);
    world.nodes[0].pace.transactions = 4;
    world.crash(0, Survival::Everything);
    world.start(0).unwrap();
    for nonce in 0..11 {
        let payment = world.payment(1, nonce, 11, 2);
        world.pay_and_wait(0, &payment);
        // A checkpoint takes its time; while it is written the next one waits.
        world.run_for(Duration::from_secs(1));
    }
    let (tip, root) = (world.height(0), world.replica(0).state_root());
    let store = world.nodes[0].live.as_ref().unwrap().store.clone();
    let checkpoint = store.checkpoint().unwrap().unwrap().height;
    assert_eq!((checkpoint, tip), (8, 11));
    drop(store);
    // What lies above it counts towards the next, also after a start.
    world.crash(0, Survival::Nothing);
    world.start(0).unwrap();
    assert_eq!(
        (world.height(0), world.replica(0).state_root()),
        (tip, root)
    );
    let payment = world.payment(1, 11, 11, 2);
    world.pay_and_wait(0, &payment);
    world.run_for(Duration::from_secs(1));
    let store = world.nodes[0].live.as_ref().unwrap().store.clone();
    assert_eq!(store.checkpoint().unwrap().unwrap().height, checkpoint + 4);
}

/// Three blocks of a single validator, and the disk they lie on.
fn short_chain() -> World {
    let mut world = World::town(1, 0, 63);
    for nonce in 0..3 {
        let payment = world.payment(1, nonce, 100, 2);
        world.pay_and_wait(0, &payment);
    }
    world
}

fn open(world: &World, disk: &SimDisk) -> Result<Replica, StartError> {
    let store = Store::open(Arc::new(disk.clone()), world.genesis.hash().0)?;
    let settings = Settings {
        genesis: world.genesis.clone(),
        key: world.nodes[0].key.clone(),
        seed: [0; 32],
        timing: Default::default(),
        pace: CheckpointPace::default(),
    };
    Ok(Replica::open(settings, &store, Moment::default())?.0)
}

#[test]
fn a_flipped_bit_is_refused_or_does_no_harm() {
    let mut world = short_chain();
    let root = world.replica(0).state_root();
    let store = world.nodes[0].live.as_ref().unwrap().store.clone();
    // A record with another behind it: that it was whole once is certain.
    let record = store.block(2).unwrap().unwrap();
    drop(store);
    world.crash(0, Survival::Everything);
    let disk = world.nodes[0].disk.clone();
    let file = disk.open("blocks.log").unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read(0, &mut bytes).unwrap();
    let places: Vec<usize> = bytes
        .windows(64)
        .enumerate()
        .filter(|(_, window)| *window == &record[record.len() - 64..])
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    let damaged = disk.crash(Survival::Everything);
    for place in places {
        damaged.flip_bit("blocks.log", place as u64 + 20);
    }
    assert!(open(&world, &damaged).is_err());
    for number in 0..40 {
        let damaged = disk.crash(Survival::Everything);
        damaged.flip_bit("blocks.log", (bytes.len() as u64 / 40) * number + 33);
        if let Ok(replica) = open(&world, &damaged) {
            // The last record may be what a crash left of an append: it is cut off, and agreed on or fetched again.
            assert!(replica.state_root() == root || replica.height() == 2);
        }
    }
}

/// A store of its own, with these records.
fn store_of(world: &World, records: &[Vec<u8>]) -> SimDisk {
    let disk = SimDisk::new();
    let store = Store::open(Arc::new(disk.clone()), world.genesis.hash().0).unwrap();
    for (height, record) in (1..).zip(records) {
        let index = BlockIndex {
            transactions: Vec::new(),
            activities: Vec::new(),
        };
        store.append_block(height, record, &index).unwrap();
    }
    disk
}

#[test]
fn a_store_with_sound_checksums_and_false_contents_is_refused() {
    let world = short_chain();
    let store = world.nodes[0].live.as_ref().unwrap().store.clone();
    let records: Vec<Vec<u8>> = (1..=3)
        .map(|height| store.block(height).unwrap().unwrap())
        .collect();
    assert!(open(&world, &store_of(&world, &records)).is_ok());

    let mut unsigned = records.clone();
    let mut last = FinalBlock::from_bytes(&records[2]).unwrap();
    last.certificate.signatures.clear();
    unsigned[2] = last.to_bytes();
    let refused = open(&world, &store_of(&world, &unsigned)).err().unwrap();
    assert!(
        matches!(refused, StartError::State { height: 3, .. }),
        "{refused}"
    );

    let mut changed = records.clone();
    let mut second = FinalBlock::from_bytes(&records[1]).unwrap();
    second.block.transactions.clear();
    changed[1] = second.to_bytes();
    let refused = open(&world, &store_of(&world, &changed)).err().unwrap();
    assert!(
        matches!(refused, StartError::State { height: 2, .. }),
        "{refused}"
    );

    let mut garbage = records.clone();
    garbage[1].truncate(40);
    let refused = open(&world, &store_of(&world, &garbage)).err().unwrap();
    assert!(
        matches!(refused, StartError::Record { height: 2, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("move the folder"));

    // A checkpoint of another state than the certified one.
    let disk = store_of(&world, &records);
    let store = Store::open(Arc::new(disk.clone()), world.genesis.hash().0).unwrap();
    for height in 1..=3 {
        let index = BlockIndex {
            transactions: Vec::new(),
            activities: Vec::new(),
        };
        store.reindex(height, &index).unwrap();
    }
    let changes: StateChanges =
        crate::replica::all_entries(&crate::chain::ledger::Ledger::from_genesis(&world.genesis));
    let checkpoint = Checkpoint {
        height: 3,
        root: world.replica(0).state_root().0,
    };
    store
        .begin_checkpoint(checkpoint, changes)
        .unwrap()
        .run()
        .unwrap();
    drop(store);
    let refused = open(&world, &disk).err().unwrap();
    assert!(
        matches!(refused, StartError::State { height: 3, .. }),
        "{refused}"
    );
}

#[test]
fn chaos_has_checkpoints_and_power_failures_in_their_midst() {
    let plan = super::plan(crate::sim::Profile::Chaos);
    let (mut written, mut torn) = (0, 0);
    for seed in 0..40 {
        let outcome = crate::sim::simulate(&plan, seed, None);
        assert_eq!(outcome.violation, None, "seed {seed}");
        written += outcome.tally.checkpoints;
        let faults = &outcome.tally.faults;
        torn += faults.get("crash in a checkpoint").unwrap_or(&0);
    }
    assert!(written > 200, "{written}");
    assert!(torn > 3, "{torn}");
}
