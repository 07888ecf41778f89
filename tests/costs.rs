//! What a payment costs a node, counted: allocations and bytes of them, stage by stage, and bytes on the wire.
//!
//! Seconds differ on a busy machine, counts do not: whoever makes a stage of a payment's way dearer by about 15 %
//! sees here which. Real nodes in one thread take payments from the wallet's request to the answer and the final block,
//! on simulated disks, whose own memory is in the stage `Store`.
//!
//! A figure above its limit is a cost that everybody pays for ever: find where it comes from first. If it is worth it, put
//! the limit 15 % above the new figure, and say in the commit what it buys. A figure below a quarter of its limit wants
//! a lower one, in the same way. The failure shows the whole table; a limit of 0 shows it at any time.

#[path = "costs/book.rs"]
mod book;
#[path = "costs/growth.rs"]
mod growth;
#[path = "costs/network.rs"]
mod network;

use std::time::Duration;

use book::{Book, Limits, Stage, hold};
use natcoin::chain::transaction::SignedTransaction;
use network::{ACCOUNTS, NODES, Network};

/// A checkpoint is written after so many blocks.
const CHECKPOINT: u64 = 16;
/// What comes before anything is counted: tables have grown, and the first checkpoint, of all accounts, is written.
const WARM_UP: u64 = CHECKPOINT;

/// Payments go their way in so many blocks of one size, all of them counted but the first ones.
fn course(blocks: u64, size: usize, rest: Duration) -> (Book, u64) {
    let mut network = Network::new(CHECKPOINT);
    // The door tells the first one at once and gathers the others, from now on for as long as it has no rest.
    let mut paid: Vec<SignedTransaction> = [1, 2]
        .map(|last| network.payment(ACCOUNTS - last, 0))
        .into();
    network.pay(&paid);
    let begin = network.height();
    for round in 0..WARM_UP + blocks {
        if round == WARM_UP {
            network.book = Book::default();
        }
        network.wait(rest);
        let payments: Vec<SignedTransaction> = (0..size)
            .map(|place| network.payment(place, round))
            .collect();
        network.pay(&payments);
        assert_eq!(
            network.height(),
            begin + round + 1,
            "one block of all of them"
        );
        paid.extend(payments);
    }
    for payment in &paid {
        assert_eq!(network.finals(payment), NODES, "on all nodes");
    }
    (network.book, blocks * u64::try_from(size).unwrap())
}

#[test]
fn payments_in_full_blocks_cost_no_more_than_they_did() {
    // Before the door has rested it gathers what it tells.
    let (book, payments) = course(16, 256, Duration::from_millis(1));
    hold("in blocks of 256", &book, payments, NODES, &FULL);
}

#[test]
fn a_payment_alone_in_its_block_costs_no_more_than_it_did() {
    let (book, payments) = course(48, 1, Duration::from_millis(4));
    hold("alone in its block", &book, payments, NODES, &ALONE);
}

const FULL: Limits = Limits {
    memory: [
        (Stage::HandIn, 0.48, 490.0),
        (Stage::Hear, 2.0, 1_870.0),
        (Stage::Check, 1.3, 3_400.0),
        (Stage::Admit, 1.6, 5_000.0),
        (Stage::Propose, 2.5, 2_450.0),
        (Stage::Judge, 8.4, 4_400.0),
        (Stage::Vote, 0.57, 250.0),
        (Stage::Commit, 0.78, 735.0),
        (Stage::Store, 0.26, 3_000.0),
        (Stage::Checkpoint, 2.5, 4_900.0),
    ],
    gossiped: [255.0, 260.0, 4.9],
    answered: 1.0,
};

const ALONE: Limits = Limits {
    memory: [
        (Stage::HandIn, 2.1, 990.0),
        (Stage::Hear, 7.4, 4_650.0),
        (Stage::Check, 9.2, 1_200.0),
        (Stage::Admit, 12.0, 10_800.0),
        (Stage::Propose, 32.0, 15_000.0),
        (Stage::Judge, 98.0, 34_600.0),
        (Stage::Vote, 150.0, 63_000.0),
        (Stage::Commit, 67.0, 35_500.0),
        (Stage::Store, 16.0, 5_600.0),
        (Stage::Checkpoint, 125.0, 23_900.0),
    ],
    gossiped: [265.0, 640.0, 1_300.0],
    answered: 1.0,
};
