//! Networks of real processes under real payments while nodes are killed, stopped, frozen, slowed, cut off and set
//! back to older copies, one after the other and several at a time.
//!
//! The plan of a course follows from its seed (the processes do not): `NATCOIN_SEED=17` runs another one, and
//! `NATCOIN_PERTURB_SECONDS=600` a longer one; see `docs/testing.md`. The troubles: `perturb/plan.rs`. The connections
//! go through proxies of the test's own, so it needs no rights. At the end of each course:
//!
//! - every payment that a wallet called final is in both histories, once; none is there twice; one that was never
//!   signed is not there; the balances follow from the histories, and their sum is the supply;
//! - wallets ended with 0; with 5 only in an outage, when more nodes were disturbed than the network stands; with 3 only
//!   when all were down;
//! - all nodes have one height and one state root, none ended by itself, panicked, or holds proof of a contradiction.
//!
//! A disk that loses or tears what was written is tried where the disk is simulated (`src/store/tests`).

mod common;
#[path = "perturb/course.rs"]
mod course;
#[path = "perturb/life.rs"]
mod life;
#[path = "perturb/link.rs"]
mod link;
#[path = "perturb/load.rs"]
mod load;
#[path = "perturb/older.rs"]
mod older;
#[path = "perturb/plan.rs"]
mod plan;
#[path = "perturb/sky.rs"]
mod sky;
#[path = "perturb/town.rs"]
mod town;
#[path = "perturb/wait.rs"]
mod wait;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::processes::Transport;
use course::Setting;
use plan::{Outage, Plan, Spell, Trouble};

/// One course at a time: they would only slow each other.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a whole number"))
}

/// A course as its seed plans it. The usual seeds are such that their first spells are of many kinds.
fn run(name: &'static str, nodes: usize, transport: Transport, (seed, seconds): (u64, u64)) {
    let _turn = turn();
    let seed = number("NATCOIN_SEED").unwrap_or(seed);
    let seconds = number("NATCOIN_PERTURB_SECONDS").unwrap_or(seconds);
    let setting = Setting {
        name,
        nodes,
        transport,
        seed,
        time: Duration::from_secs(seconds),
    };
    course::run(setting, Plan::new(seed, nodes));
}

#[test]
fn four_nodes_lose_nothing_in_any_trouble() {
    let name = "four_nodes_lose_nothing_in_any_trouble";
    run(name, 4, Transport::Both, (501, 12));
}

#[test]
fn four_nodes_lose_nothing_over_quic_alone() {
    let name = "four_nodes_lose_nothing_over_quic_alone";
    run(name, 4, Transport::Quic, (891, 10));
}

#[test]
fn seven_nodes_lose_nothing_with_two_in_trouble_at_once() {
    let name = "seven_nodes_lose_nothing_with_two_in_trouble_at_once";
    run(name, 7, Transport::Both, (132, 8));
}

#[test]
fn a_full_disk_ends_a_node_cleanly_and_all_is_there_when_it_has_room_again() {
    let _turn = turn();
    let setting = Setting {
        name: "a_full_disk_ends_a_node_cleanly_and_all_is_there_when_it_has_room_again",
        nodes: 4,
        transport: Transport::Tcp,
        seed: 1,
        time: Duration::MAX,
    };
    // Room for less than the write-ahead log, and for less than the blocks.
    let full = [24, 96].map(|kib| Spell::Within {
        victims: vec![(1, vec![Trouble::FullDisk { kib }])],
        ms: 0,
        last_first: false,
    });
    let all = Spell::Beyond {
        outage: Outage::FullDisks { kib: 96 },
        first: 0,
        ms: 0,
    };
    course::run(setting, full.into_iter().chain([all]));
}

#[test]
fn a_node_set_back_to_an_older_copy_never_contradicts_what_it_signed() {
    let _turn = turn();
    let setting = Setting {
        name: "a_node_set_back_to_an_older_copy_never_contradicts_what_it_signed",
        nodes: 4,
        transport: Transport::Tcp,
        seed: 1,
        time: Duration::MAX,
    };
    let spell = Spell::SetBack {
        victim: 0,
        ms: 1_500,
    };
    course::run(setting, std::iter::once(spell));
}
