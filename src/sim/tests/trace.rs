//! What who looks on is told: all that explains a course, and nothing that changes it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::*;
use crate::sim::Outcome;

fn told(plan: &Plan, seed: u64) -> (Outcome, Vec<String>) {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let heard = lines.clone();
    let listener = move |line: &str| heard.borrow_mut().push(line.to_owned());
    let outcome = simulate(plan, seed, Some(Box::new(listener)));
    (outcome, lines.take())
}

/// What is told when a fault of a kind is made.
const FAULTS: [(&str, &str); 24] = [
    ("answer lost", ": lost: "),
    ("blackout", "--- blackout"),
    ("change of weather", "--- weather: "),
    ("clean restart", ": stops"),
    ("clock that jumps", "its clock jumps: it is off by "),
    ("crash", "the power fails; of unsynced writes "),
    ("crash at an effect", "is about to "),
    ("crash in a checkpoint", "is amid writing a checkpoint"),
    ("disk failure", "stops by itself: "),
    (
        "disk that fails to sync",
        "its disk will fail to sync after ",
    ),
    ("flapping way", "the way opens and closes till "),
    ("full disk", "its disk will be full after "),
    ("message lost", ": lost: "),
    ("one-way cut", ": cut off, one way"),
    ("partition", "--- partition: nodes ["),
    ("question lost", ": lost: "),
    (
        "restored from a backup",
        "its disk is put back to a backup of height ",
    ),
    ("restored from a backup", "its disk is backed up at height "),
    ("restored from a backup", "--- all ways are mended"),
    (
        "spoilt checkpoint",
        "a bit of its last checkpoint has flipped ",
    ),
    ("wallet crash", ": crashes"),
    ("wallet crash", "will crash after "),
    ("wallet cut off", ": the way is mended"),
    ("watch broken", ": the watch breaks"),
];

#[test]
fn every_kind_of_fault_is_told_and_telling_changes_nothing() {
    let plan = Plan {
        wallets: 8,
        ..plan(Profile::Chaos)
    };
    let (mut faults, mut all) = (BTreeMap::new(), Vec::new());
    for seed in 0..6 {
        let (outcome, lines) = told(&plan, seed);
        assert_eq!(outcome, simulate(&plan, seed, None), "seed {seed}");
        for (kind, count) in outcome.tally.faults {
            *faults.entry(kind).or_insert(0) += count;
        }
        all.extend(lines);
    }
    for (kind, words) in FAULTS {
        let made = faults.get(kind).is_some_and(|count| *count > 0);
        let is_told = all.iter().any(|line| line.contains(words));
        assert!(!made || is_told, "{kind}: nothing of {words:?}");
    }
    // Else the seeds above show little.
    assert!(faults.len() > 15, "{faults:?}");
}

#[test]
fn a_person_can_follow_who_says_what_to_whom_and_what_is_decided() {
    let plan = Plan {
        wallets: 4,
        duration: Duration::from_secs(10),
        ..plan(Profile::Lan)
    };
    let (outcome, lines) = told(&plan, 1);
    assert!(outcome.tally.payments["final"] > 0);
    let first = lines.iter().find(|line| line.contains("decides 1/0 "));
    let id = first.unwrap().split_whitespace().nth(5).unwrap();
    for node in 0..4 {
        for words in ["decides", "is durable"] {
            let is_told = |line: &&String| {
                line.contains(&format!("node {node}: "))
                    && line.contains(&format!("1/0 {id} with "))
                    && line.contains(words)
            };
            assert_eq!(lines.iter().filter(is_told).count(), 1, "{node} {words}");
        }
    }
    let address = lines.iter().find(|line| line.contains("nat1"));
    assert_eq!(address, None);
    for words in [
        format!("node 0 -> node 1: precommit 1/0 by node 0 for {id}"),
        format!("-> node 1: proposal 1/0 by node 0: {id} with "),
        "-> node 0: stands at height 1".to_owned(),
        ": asks for the account of wallet ".to_owned(),
        ": account at ".to_owned(),
        ": submits ".to_owned(),
        ": says that it waits".to_owned(),
        format!(": shows block 1/0 {id}"),
        ": wants to pay ".to_owned(),
        " is final at ".to_owned(),
    ] {
        assert!(
            lines.iter().any(|line| line.contains(&words)),
            "no {words:?}"
        );
    }
}

#[test]
fn lines_are_short_and_tell_content_instead_of_lengths() {
    for (profile, seed) in [(Profile::Chaos, 17), (Profile::Byzantine, 3)] {
        let plan = Plan {
            wallets: 8,
            ..plan(profile)
        };
        let (_, lines) = told(&plan, seed);
        for line in lines {
            let width = line.chars().count();
            assert!(width <= 100, "{width} columns: {line}");
            // Strangers and traitors say what has no content.
            let is_content = profile == Profile::Byzantine || line.contains("a stranger");
            let is_limit = line.contains("will be full after");
            assert!(is_content || is_limit || !line.contains(" bytes"), "{line}");
        }
    }
}
