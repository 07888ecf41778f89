//! Loads as a picture: how long payments take, and how many are final, over how many are handed in.

use crate::node::bench::{Figures, Rate};
use crate::sim::{Line, Panel, svg};

/// What the panels are over.
const OVER: &str = "payments a second";

/// All loads, the smallest first.
pub(super) fn picture(loads: &[Figures]) -> String {
    let mut loads: Vec<(f64, &Figures)> = loads.iter().map(|one| (load(one), one)).collect();
    loads.sort_by(|one, other| one.0.total_cmp(&other.0));
    // The axis goes by ratios, on which nothing has no place.
    loads.retain(|(load, _)| *load > 0.0);
    let line = |name: &str, of: &dyn Fn(&Figures) -> Option<f64>| Line {
        name: name.to_owned(),
        points: loads
            .iter()
            .filter_map(|(load, one)| Some((*load, of(one)?)))
            .collect(),
        is_aim: false,
    };
    let took = |part: usize| {
        move |one: &Figures| {
            let took = one.course.latency(part)?;
            Some(took.as_secs_f64() * 1000.0)
        }
    };
    let latency = Panel {
        title: "payment to proof, ms".to_owned(),
        over: OVER.to_owned(),
        lines: vec![
            line("half", &took(500)),
            line("90 %", &took(900)),
            line("99 %", &took(990)),
        ],
    };
    let asked = Line {
        is_aim: true,
        ..line("asked for", &|one| Some(load(one)))
    };
    let finals = Panel {
        title: "final a second".to_owned(),
        over: OVER.to_owned(),
        lines: vec![line("", &|one| Some(one.final_per_s())), asked],
    };
    svg("What a network on this machine carries", &[latency, finals])
}

/// What was handed in; where as much was as is carried, that.
fn load(figures: &Figures) -> f64 {
    match figures.rate {
        Rate::PerSecond(rate) => f64::from(rate),
        Rate::Max => figures.final_per_s(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::bench::{Cost, Course};

    #[test]
    fn a_load_is_where_it_was_asked_for_or_where_it_came_to() {
        let figures = |rate, finals: u64| Figures {
            nodes: 4,
            wallets: 2,
            rate,
            is_apart: false,
            connections: 8,
            limit_per_s: 1.0,
            course: Course {
                seconds: 1.0,
                finals_in_time: finals,
                latencies: vec![20_000; usize::try_from(finals).unwrap()],
                ..Course::default()
            },
            cost: Cost::default(),
        };
        let text = picture(&[
            figures(Rate::Max, 400),
            figures(Rate::PerSecond(100), 90),
            figures(Rate::PerSecond(200), 0),
        ]);
        assert!(text.contains("half: 20 at 400") && text.contains("half: 20 at 100"));
        assert!(!text.contains("half: 20 at 200"), "nothing was final");
        assert!(text.contains("90 at 100") && text.contains("0 at 200"));
        assert!(text.contains("payments a second"));
    }
}
