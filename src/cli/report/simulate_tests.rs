//! A simulation's result under test, with outcomes that are made up.

use std::time::Duration;

use super::*;
use crate::sim::{Invariant, Outcome, Profile, Tally, Violation};

fn run() -> Run {
    Run {
        campaign: Campaign {
            plan: Plan {
                nodes: 4,
                followers: 1,
                wallets: 8,
                profile: Profile::Chaos,
                duration: Duration::from_millis(1_500),
            },
            seeds: 10..13,
            threads: 2,
            stop_at: None,
        },
        program: "target/my build/natcoin".to_owned(),
        real: Duration::from_millis(500),
        is_interrupted: false,
        is_unicode: false,
    }
}

fn outcome(seed: u64, violation: Option<Violation>) -> Outcome {
    let mut tally = Tally {
        time: Duration::from_secs(60),
        events: 1_000,
        handled: Duration::from_millis(125),
        transactions: 20,
        finality_micros: vec![1_500, 30_000, 31_000, 4_200_000],
        ..Tally::default()
    };
    let votes = crate::sim::Traffic {
        messages: 500,
        bytes: 100_000,
    };
    tally.sent.by_nodes.insert("submit answer", votes);
    let asked = crate::sim::Traffic {
        messages: 50,
        bytes: 5_000,
    };
    tally.sent.by_wallets.insert("submit", asked);
    tally.faults.insert("one-way cut", 3);
    tally.checks.insert(Invariant::Agreement, 1_234);
    tally.rounds.insert(0, 9);
    tally.rounds.insert(2, 1);
    tally.payments.insert("final", 4);
    tally.payments.insert("begun", 4);
    tally.payments.insert("expired", 1);
    Outcome {
        seed,
        trace: Hash([7; 32]),
        tally,
        violation,
    }
}

fn sums(outcomes: impl IntoIterator<Item = Outcome>) -> Sums {
    let mut sums = Sums::new();
    outcomes.into_iter().for_each(|one| sums.add(one));
    sums
}

fn violation() -> Option<Violation> {
    Some(Violation {
        invariant: Invariant::Agreement,
        at: Duration::from_millis(3_250),
        what: "node 2 has another block\nmangart: height 5".to_owned(),
    })
}

#[test]
fn a_result_shows_all_that_was_counted() {
    let sums = sums((10..13).map(|seed| outcome(seed, None)));
    let report = SimulationReport::new(&run(), &sums);
    assert_eq!(report.failure(), None);
    let text = report.text(Style::Plain);
    for line in [
        "simulated  4 nodes, 1 follower, 8 wallets, chaos; 1.5 s each, and recovery; seeds 10..13",
        "result     every invariant held in 3 seeds; 3,702 checks",
        "time       3 min in 0.5 s: 360 times real time, 6.0 seeds a second on 2 threads",
        "payments   12 begun: expired 3, final 12; 0.07 final a second",
        "finality   p50 30 ms, p90 4200 ms, p99 4200 ms, max 4200 ms",
        "              to 50 ms ################################ 6",
        "           to 5,000 ms ################ 3",
        "blocks     30 with 60 transactions, 0 checkpoints written; by round 0: 27, 2: 3",
        "           submit answer          100      20000         50      10000",
        "           all                    100      20000         50      10000",
        "           wallets' submit         10       1000        5.0        500",
        "faults     9: one way cut 9",
        "checks     3,702: agreement 3,702",
    ] {
        assert!(
            text.lines().any(|given| given == line),
            "no {line:?} in\n{text}"
        );
    }
}

#[test]
fn the_json_has_every_figure_with_its_unit() {
    let sums = sums((10..13).map(|seed| outcome(seed, None)));
    let json = serde_json::to_value(SimulationReport::new(&run(), &sums)).unwrap();
    assert_eq!(json["status"], "ok");
    assert_eq!(json["plan"]["duration_ms"], 1_500);
    assert_eq!(json["seeds"]["done"], 3);
    assert_eq!(json["time"]["virtual_ms"], 180_000);
    assert_eq!(json["time"]["virtual_over_real"], 360.0);
    assert_eq!(json["time"]["work_ms"], 2.5);
    assert_eq!(json["finality"]["max_ms"], 4_200.0);
    assert_eq!(json["finality"]["histogram"][4]["to_ms"], 50);
    assert_eq!(json["finality"]["histogram"][4]["count"], 6);
    assert_eq!(json["blocks"]["by_round"]["2"], 3);
    assert_eq!(json["traffic"]["submit_answer"]["bytes_per_node"], 20_000.0);
    assert_eq!(json["traffic"].get("submit"), None);
    assert_eq!(json["wallet_traffic"]["submit"]["messages"], 150);
    assert_eq!(json["wallet_traffic"]["submit"]["bytes_per_node"], 1_000.0);
    assert_eq!(json["faults"]["one_way_cut"], 9);
    assert_eq!(json["invariants"]["agreement"], 3_702);
    assert_eq!(json.get("error"), None);
}

#[test]
fn a_violation_names_seed_invariant_time_and_the_command_that_replays_it() {
    let sums = sums([
        outcome(10, None),
        outcome(11, violation()),
        outcome(12, violation()),
    ]);
    let report = SimulationReport::new(&run(), &sums);
    let replay = "'target/my build/natcoin' simulate --nodes 4 --followers 1 --wallets 8 --profile chaos --duration 1500ms --seed 11 --trace";
    let failure = report.failure().unwrap();
    assert_eq!(
        (&*failure.code, failure.exit as u8),
        ("simulation_failed", 1)
    );
    assert_eq!(
        failure.message,
        "2 of 3 seeds violate what must always hold; seed 11: agreement at 3.250 s: node 2 has another block"
    );
    assert!(failure.hint.ends_with(replay), "{}", failure.hint);
    let text = report.text(Style::Plain);
    assert!(
        text.contains("result     violated by 2 of 3 seeds\n"),
        "{text}"
    );
    let told = format!(
        "\nseed 11: agreement is violated at 3.250000 s: node 2 has another block\n  mangart: height 5\n  {replay}\n"
    );
    assert!(text.contains(&told), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["status"], "violated");
    assert_eq!(json["violations"][0]["seed"], 11);
    assert_eq!(json["violations"][0]["at_ms"], 3_250.0);
    assert_eq!(json["violations"][0]["replay"], replay);
    assert_eq!(json["error"]["code"], "simulation_failed");
}

#[test]
fn more_violations_than_are_listed_are_counted() {
    let many = sums((0..15).map(|seed| outcome(seed, violation())));
    let text = SimulationReport::new(&run(), &many).text(Style::Plain);
    assert!(text.ends_with("\nand 5 more seeds"), "{text}");
    let sums = sums((0..11).map(|seed| outcome(seed, violation())));
    let text = SimulationReport::new(&run(), &sums).text(Style::Plain);
    assert!(text.ends_with("\nand 1 more seed"), "{text}");
}

#[test]
fn a_run_that_was_ended_early_says_so() {
    let mut run = run();
    run.is_interrupted = true;
    let report = SimulationReport::new(&run, &sums([outcome(10, None)]));
    assert_eq!(report.status, "interrupted");
    let text = report.text(Style::Plain);
    let told = "every invariant held in 1 of 3 seeds, ended early; 1,234 checks";
    assert!(text.contains(told), "{text}");
}

#[test]
fn nothing_at_all_can_be_shown_too() {
    let text = SimulationReport::new(&run(), &Sums::new()).text(Style::Plain);
    assert!(
        text.contains("\npayments   none\nblocks     none\n"),
        "{text}"
    );
    assert!(!text.contains("finality"));
}

#[test]
fn lengths_of_time_are_told_as_people_do() {
    let told = |ms| span(Duration::from_millis(ms));
    assert_eq!(told(1_500), "1.5 s");
    assert_eq!(told(20_000), "20 s");
    assert_eq!(told(200_000), "3 min 20 s");
    assert_eq!(told(60_000), "1 min");
    assert_eq!(told(7_500_000), "2 h 5 min");
    assert_eq!(told(86_400_000), "1 d");
    assert_eq!(told(12 * 86_400_000 + 3 * 3_600_000), "12 d 3 h");
}
