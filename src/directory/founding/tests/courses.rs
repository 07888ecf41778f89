//! Whole ceremonies: the good one, and one for each trouble, of each member, at each step.

use super::world::{Trouble, World, cause};
use crate::directory::founding::check::Finding;
use crate::directory::founding::member::Outcome;
use crate::directory::founding::message::{Cause, Round};

const NAMES: [&str; 4] = ["mangart", "triglav", "jalovec", "razor"];
/// Rounds in which somebody has work to do.
const WORK: [Round; 6] = [
    Round::Check,
    Round::Words,
    Round::Rehearse,
    Round::Ready,
    Round::Sign,
    Round::Written,
];

fn nothing_is_left(world: &World, but: &[usize]) {
    for (index, body) in world.bodies.iter().enumerate() {
        assert_eq!(body.disk.home, None, "{index}");
        assert!(but.contains(&index) || body.disk.draft.is_none(), "{index}");
    }
}

#[test]
fn four_found_a_network_that_all_have_signed() {
    let world = World::after(4, None);
    let first = world.bodies[0].disk.home.as_ref().unwrap();
    assert_eq!(first.signatures().len(), 4);
    for body in &world.bodies {
        let unheard = Vec::new();
        assert_eq!(body.outcome, Some(Outcome::Founded { unheard }));
        assert_eq!(body.disk.home.as_ref(), Some(first));
        assert_eq!(body.words, world.bodies[0].words);
        assert!(body.disk.draft.is_none() && !body.disk.is_signed);
    }
    let names: Vec<&str> = first
        .nodes()
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    assert_eq!(names, NAMES);
}

#[test]
fn a_skewed_clock_is_named_to_all_also_the_hosts() {
    for (who, name) in NAMES.into_iter().enumerate().take(4) {
        for ms in [61_000, -61_000] {
            let world = World::after(4, Some((who, Trouble::Skewed(ms))));
            for outcome in world.outcomes().values() {
                let Outcome::Unfit(found) = outcome else {
                    panic!("{outcome:?}");
                };
                let [
                    Finding::Clock {
                        who: named,
                        ahead_ms,
                    },
                ] = &found[..]
                else {
                    panic!("{found:?}");
                };
                assert_eq!((named.as_str(), *ahead_ms), (name, ms));
            }
            nothing_is_left(&world, &[]);
        }
    }
    let near = World::after(4, Some((2, Trouble::Skewed(4_000))));
    assert!(near.bodies.iter().all(|body| body.disk.home.is_some()));
}

#[test]
fn who_cannot_be_reached_is_named_to_all_with_address_and_cause() {
    let world = World::after(4, Some((3, Trouble::Unreachable)));
    for outcome in world.outcomes().values() {
        let Outcome::Unfit(found) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            found[0].to_string(),
            "razor cannot be reached at /ip4/10.0.0.4/tcp/18000 by mangart, triglav, jalovec (timed out)"
        );
    }
    nothing_is_left(&world, &[]);
}

#[test]
fn who_refuses_the_words_ends_it_for_all() {
    for (who, name) in NAMES.into_iter().enumerate().take(4) {
        let world = World::after(4, Some((who, Trouble::Refuses)));
        for outcome in world.outcomes().values() {
            assert!(matches!(outcome, Outcome::Off(_)), "{outcome:?}");
            let told = Some((Some(name), Cause::WordsRefused));
            assert_eq!(cause(outcome), told);
        }
        nothing_is_left(&world, &[]);
    }
}

#[test]
fn who_leaves_or_cannot_go_on_is_named_and_nothing_is_left_before_the_signatures() {
    for (who, name) in NAMES.into_iter().enumerate().take(4) {
        for round in &WORK[..4] {
            let mut troubles = vec![(Trouble::Leaves(*round), Cause::Left)];
            match round {
                Round::Rehearse => {
                    troubles.push((Trouble::Fails(*round), Cause::RehearsalFailed));
                }
                Round::Ready => troubles.push((Trouble::Fails(*round), Cause::CannotWrite)),
                _ => {}
            }
            for (trouble, why) in troubles {
                let world = World::after(4, Some((who, trouble)));
                for outcome in world.outcomes().values() {
                    assert!(
                        matches!(outcome, Outcome::Off(_)),
                        "{trouble:?} {outcome:?}"
                    );
                    assert_eq!(cause(outcome), Some((Some(name), why)), "{trouble:?}");
                }
                nothing_is_left(&world, &[]);
            }
        }
    }
}

#[test]
fn a_guest_that_dies_or_falls_silent_is_named_and_nothing_is_left_before_the_signatures() {
    for round in &WORK[..4] {
        let mut troubles = vec![Trouble::Dies(*round), Trouble::Silent(*round)];
        // Behind "ready" the others are signing already.
        if *round != Round::Ready {
            troubles.push(Trouble::DiesBehind(*round));
        }
        for trouble in troubles {
            let why = Cause::Lost;
            let world = World::after(4, Some((2, trouble)));
            assert_eq!(world.outcomes().len(), 3);
            for outcome in world.outcomes().values() {
                assert!(
                    matches!(outcome, Outcome::Off(_)),
                    "{trouble:?} {outcome:?}"
                );
                assert_eq!(cause(outcome), Some((Some("jalovec"), why)), "{trouble:?}");
            }
            nothing_is_left(&world, &[2]);
        }
    }
}

#[test]
fn a_host_that_dies_ends_it_for_all_and_nothing_is_left_before_the_signatures() {
    for round in &WORK[..4] {
        let world = World::after(4, Some((0, Trouble::Dies(*round))));
        assert_eq!(world.outcomes().len(), 3);
        for outcome in world.outcomes().values() {
            assert_eq!(cause(outcome), Some((None, Cause::Lost)), "{round:?}");
        }
        nothing_is_left(&world, &[0]);
    }
}

#[test]
fn who_has_signed_keeps_the_key_until_it_knows() {
    // It dies before it has signed: the others cannot have the network, but only its word could tell them.
    let world = World::after(4, Some((1, Trouble::Dies(Round::Sign))));
    for (index, outcome) in world.outcomes() {
        assert!(matches!(outcome, Outcome::InDoubt(_)), "{outcome:?}");
        assert_eq!(cause(outcome), Some((Some("triglav"), Cause::Lost)));
        assert!(world.bodies[index].disk.is_signed);
    }
    nothing_is_left(&world, &[0, 1, 2, 3]);
}

#[test]
fn who_dies_after_it_has_signed_finishes_later_with_the_file_of_the_others() {
    for trouble in [
        Trouble::DiesBehind(Round::Sign),
        Trouble::Dies(Round::Written),
    ] {
        let world = World::after(4, Some((3, trouble)));
        for outcome in world.outcomes().values() {
            let unheard = vec!["razor".parse().unwrap()];
            assert_eq!(**outcome, Outcome::Founded { unheard }, "{trouble:?}");
        }
        let disk = &world.bodies[3].disk;
        assert!(disk.is_signed && disk.home.is_none());
        let file = world.bodies[0].disk.home.as_ref().unwrap();
        assert_eq!(disk.draft.as_ref().unwrap().statement(), file.statement());
    }
}

#[test]
fn a_home_that_cannot_be_written_waits_and_the_others_have_theirs() {
    let world = World::after(4, Some((1, Trouble::Fails(Round::Written))));
    let outcome = world.bodies[1].outcome.as_ref().unwrap();
    assert!(matches!(outcome, Outcome::InDoubt(_)), "{outcome:?}");
    assert!(world.bodies[1].disk.draft.is_some());
    for index in [0, 2, 3] {
        let unheard = vec!["triglav".parse().unwrap()];
        let outcome = world.bodies[index].outcome.as_ref().unwrap();
        assert_eq!(*outcome, Outcome::Founded { unheard });
    }
}

#[test]
fn whatever_happens_to_whom_and_when_nobody_has_half_a_network() {
    for who in 0..4 {
        for round in Round::ALL {
            for trouble in [
                Trouble::Leaves(round),
                Trouble::Dies(round),
                Trouble::DiesBehind(round),
                Trouble::Silent(round),
                Trouble::Fails(round),
            ] {
                let world = World::after(4, Some((who, trouble)));
                let homes = world.bodies.iter().filter(|body| body.disk.home.is_some());
                let homes = homes.count();
                for (index, outcome) in world.outcomes() {
                    let disk = &world.bodies[index].disk;
                    let fits = match outcome {
                        Outcome::Founded { .. } => disk.home.is_some() && disk.draft.is_none(),
                        Outcome::InDoubt(_) => disk.home.is_none() && disk.is_signed,
                        _ => *disk == super::world::Disk::default() && homes == 0,
                    };
                    assert!(fits, "{who} {trouble:?}: {index} {outcome:?} {disk:?}");
                }
                // Where there is a network, everybody has it or can still get it.
                let all = world.bodies.iter();
                let can = all.filter(|body| body.disk.home.is_some() || body.disk.is_signed);
                assert!(homes == 0 || can.count() == 4, "{who} {trouble:?}");
            }
        }
    }
}
