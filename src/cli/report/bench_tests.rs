//! What is told of a bench.

use std::collections::BTreeMap;

use super::*;
use crate::node::bench::{Cost, Course};

fn figures(course: Course) -> Figures {
    Figures {
        nodes: 4,
        wallets: 10,
        rate: Rate::PerSecond(100),
        is_apart: false,
        connections: 8,
        limit_per_s: 1_000.0,
        course: Course {
            seconds: 2.0,
            submitted: 200,
            finals_in_time: 190,
            latencies: vec![20_000; 200],
            blocks: 20,
            ..course
        },
        cost: Cost::default(),
    }
}

#[test]
fn the_json_has_its_keys_and_its_ratios() {
    let report = BenchReport::new(&figures(Course::default()), true);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["final_per_s"], 95.0);
    assert_eq!(json["share_of_limit"], 0.095);
    assert_eq!(json["limit_per_s"], 1000.0);
    assert_eq!(json["latency_ms"]["p99"], 20.0);
    assert_eq!(json["block_ms"], 100.0);
    assert_eq!(json["transactions_per_block"], 9.5);
    assert_eq!((&json["lost"], &json["final"]), (&0.into(), &200.into()));
    assert_eq!(json["rate"], 100);
    assert!(json["cpu_us_per_transaction_per_node"].is_null());
    assert_eq!(json["histogram"][0]["count"], 200);
    assert!(json.get("error").is_none());
}

#[test]
fn what_was_lost_is_a_failure_and_what_was_cut_short_is_not() {
    let course = |is_cut| Course {
        unproven: 3,
        is_cut,
        shed: BTreeMap::from([("node_busy", 7)]),
        ..Course::default()
    };
    let lost = BenchReport::new(&figures(course(false)), true);
    assert_eq!(lost.status, "lost");
    assert_eq!(lost.failure().unwrap().code, "payments_lost");
    assert!(lost.text(Style::Plain).contains("3 lost"));
    assert!(lost.text(Style::Plain).contains("7 node_busy"));
    let cut = BenchReport::new(&figures(course(true)), true);
    assert_eq!((cut.status, cut.failure()), ("interrupted", None));
    assert!(cut.text(Style::Plain).contains("ended early, 3 open"));
    let mut table = BenchTable::new(2);
    table.add(cut);
    assert!(!table.is_complete());
    assert!(
        table
            .text(Style::Plain)
            .ends_with("ended early: 1 of 2 loads are measured")
    );
}

#[test]
fn the_histogram_is_drawn_with_what_the_terminal_has() {
    let draw = |is_unicode| {
        let report = BenchReport::new(&figures(Course::default()), is_unicode);
        let text = report.text(Style::Plain);
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(
        draw(true),
        format!("      24 ms       200  {}", "█".repeat(40))
    );
    assert_eq!(
        draw(false),
        format!("      24 ms       200  {}", "#".repeat(40))
    );
}
