//! Founding a network by separate OS processes, as operators do: together in a room, by files, and with every trouble.

mod common;

#[path = "founding/founder.rs"]
mod founder;

use std::time::Duration;

use common::processes::{NodeProcess, natcoin, run};
use founder::{Founder, Room, Trouble};

#[test]
fn four_found_a_network_and_its_nodes_make_a_payment_final() {
    let room = Room::new(4);
    let alice = room.wallet("alice");
    let bob = room.wallet("bob");
    let account = format!("{alice}=1000@alice");
    let founders = room.all_enter(
        &["--name", "club", "--fee", "0.01", "--account", &account],
        None,
    );
    let ends: Vec<_> = founders.into_iter().map(Founder::end).collect();
    for (code, last) in &ends {
        assert_eq!((*code, &last["status"]), (0, &"founded".into()), "{last}");
        assert_eq!(last["genesis"], ends[0].1["genesis"]);
        assert_eq!(last["unheard"].as_array().map(Vec::len), Some(0), "{last}");
    }
    let file = |index: usize| room.home(index).join("bootstrap.toml");
    let text = std::fs::read_to_string(file(0)).unwrap();
    for index in 1..4 {
        assert_eq!(std::fs::read_to_string(file(index)).unwrap(), text);
    }
    assert!(room.leftovers().is_empty(), "{:?}", room.leftovers());
    #[cfg(unix)]
    for index in 0..4 {
        use std::os::unix::fs::PermissionsExt as _;
        let key = std::fs::metadata(room.home(index).join("node.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    let mut verify = natcoin();
    verify
        .args(["network", "verify", "--output", "json", "--bootstrap"])
        .arg(file(2));
    let verified = run(verify);
    assert_eq!(verified.json["signed_by"].as_array().map(Vec::len), Some(4));
    let forged = room.folder().join("forged.toml");
    let other: String = text
        .lines()
        .filter(|line| !line.starts_with("hash"))
        .map(|line| line.replace("fee = \"0.01000000\"", "fee = \"0.02000000\"") + "\n")
        .collect();
    assert_ne!(other.len(), text.len());
    std::fs::write(&forged, other).unwrap();
    let mut verify = natcoin();
    verify
        .args(["network", "verify", "--output", "json", "--bootstrap"])
        .arg(&forged);
    assert_eq!(run(verify).error(), "founders_signature_wrong");
    let nodes: Vec<NodeProcess> = (0..4)
        .map(|index| NodeProcess::start(&room.home(index)))
        .collect();
    for node in &nodes {
        node.wait_for("in_step");
    }
    let paid = room.pay("alice", &bob, "5", &file(3));
    assert!(paid.is_final(), "{paid:?}");
    assert_eq!(paid.json["validators"], 4);
}

#[test]
fn a_skewed_clock_is_told_to_all_and_nothing_is_written() {
    let room = Room::new(4);
    let founders = room.all_enter(&[], Some((2, Trouble::Skewed(61))));
    for founder in founders {
        let (code, last) = founder.end();
        let error = &last["error"];
        assert_eq!(
            (code, &error["code"]),
            (4, &"clock_skewed".into()),
            "{last}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("clock of jalovec is 6") && message.contains("ahead"),
            "{message}"
        );
        assert!(
            error["hint"].as_str().unwrap().contains("jalovec"),
            "{last}"
        );
    }
    assert!(room.is_empty(), "{:?}", room.leftovers());
}

#[test]
fn who_cannot_be_reached_is_told_to_all_and_nothing_is_written() {
    let room = Room::new(4);
    let founders = room.all_enter(&[], Some((3, Trouble::Unreachable)));
    for founder in founders {
        let (code, last) = founder.end();
        let error = &last["error"];
        assert_eq!(
            (code, &error["code"]),
            (4, &"node_unreachable".into()),
            "{last}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("razor cannot be reached at /ip4/255.255.255.255/"),
            "{message}"
        );
        assert!(
            message.contains("by mangart, triglav, jalovec"),
            "{message}"
        );
    }
    assert!(room.is_empty(), "{:?}", room.leftovers());
}

#[test]
fn who_refuses_the_words_ends_it_for_all_and_nothing_is_written() {
    let room = Room::new(4);
    let founders = room.all_enter(&[], Some((1, Trouble::Refuses)));
    for founder in founders {
        let (code, last) = founder.end();
        let error = &last["error"];
        assert_eq!(
            (code, &error["code"]),
            (4, &"words_refused".into()),
            "{last}"
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .starts_with("triglav did not confirm"),
            "{last}"
        );
    }
    assert!(room.is_empty(), "{:?}", room.leftovers());
}

#[test]
fn a_guest_killed_before_the_signatures_is_told_to_all_and_nothing_is_written() {
    for step in ["plan", "words", "rehearse"] {
        let room = Room::new(3);
        let mut founders = room.all_enter(&[], None);
        let mut killed = founders.remove(2);
        killed.until(step);
        killed.kill();
        for founder in founders {
            let (code, last) = founder.end();
            let error = &last["error"];
            assert_eq!(
                (code, &error["code"]),
                (4, &"founder_lost".into()),
                "{step}: {last}"
            );
            assert!(
                error["message"]
                    .as_str()
                    .unwrap()
                    .starts_with("jalovec is gone"),
                "{last}"
            );
        }
        assert!(room.is_empty(), "{step}: {:?}", room.leftovers());
    }
}

#[test]
fn a_host_killed_in_the_rehearsal_is_told_to_all_and_nothing_is_written() {
    let room = Room::new(3);
    let mut founders = room.all_enter(&[], None);
    let mut host = founders.remove(0);
    host.until("rehearse");
    host.kill();
    for founder in founders {
        let (code, last) = founder.end();
        assert_eq!(
            (code, &last["error"]["code"]),
            (4, &"founder_lost".into()),
            "{last}"
        );
    }
    assert!(room.is_empty(), "{:?}", room.leftovers());
}

#[test]
fn who_is_killed_at_the_last_step_finishes_with_anybodys_file_as_often_as_he_likes() {
    let room = Room::new(3);
    let mut founders = room.all_enter(&[], None);
    let mut killed = founders.remove(1);
    // From here on its signature may be with the others; what has become of its home is a matter of microseconds.
    killed.until("written");
    killed.kill();
    for founder in founders {
        let (code, last) = founder.end();
        assert_eq!((code, &last["status"]), (0, &"founded".into()), "{last}");
    }
    let file = room.home(0).join("bootstrap.toml");
    if !room.home(1).exists() {
        let done = room.finish(1, &[&file]);
        assert_eq!(
            (done.code, &done.json["status"]),
            (0, &"founded".into()),
            "{done:?}"
        );
    }
    let again = room.finish(1, &[&file]);
    assert_eq!(again.error(), "nothing_to_finish", "{again:?}");
    assert!(room.leftovers().is_empty(), "{:?}", room.leftovers());
    let text = std::fs::read_to_string(room.home(1).join("bootstrap.toml")).unwrap();
    assert_eq!(text, std::fs::read_to_string(file).unwrap());
    let node = NodeProcess::start(&room.home(1));
    node.wait_for("listening");
}

#[test]
fn a_wrong_code_a_taken_home_and_a_closed_room_are_refused_with_their_cause() {
    let room = Room::new(3);
    let (mut host, code) = room.host(&[]);
    let secretless = room.another_secret(&code);
    let (exit, last) = room.guest(1, &secretless, None).end();
    assert_eq!(
        (exit, &last["error"]["code"]),
        (4, &"not_let_in".into()),
        "{last}"
    );
    let (exit, last) = room.guest(1, &code[..40], None).end();
    assert_eq!(
        (exit, &last["error"]["code"]),
        (2, &"code_invalid".into()),
        "{last}"
    );
    std::fs::create_dir(room.home(2)).unwrap();
    std::fs::write(room.home(2).join("mine"), "x").unwrap();
    let (exit, last) = room.guest(2, &code, None).end();
    assert_eq!(
        (exit, &last["error"]["code"]),
        (2, &"folder_not_empty".into()),
        "{last}"
    );
    let mut guest = room.guest(1, &code, None);
    guest.until("welcome");
    host.interrupt();
    let (exit, last) = guest.end();
    assert_eq!(
        (exit, &last["error"]["code"]),
        (4, &"founder_left".into()),
        "{last}"
    );
    let (exit, last) = host.end();
    assert_eq!(
        (exit, &last["error"]["code"]),
        (4, &"founder_left".into()),
        "{last}"
    );
    let (exit, last) = room.guest(1, &code, None).end();
    assert_eq!(
        (exit, &last["error"]["code"]),
        (3, &"room_unreachable".into()),
        "{last}"
    );
}

#[test]
fn by_files_the_keys_stay_and_every_step_may_be_done_again() {
    let room = Room::new(3);
    let file = |name: &str| room.folder().join(name);
    let cards: Vec<_> = (0..3).map(|index| room.export(index)).collect();
    let mut assemble = natcoin();
    assemble.args([
        "network", "found", "--output", "json", "--name", "club", "--out",
    ]);
    assemble
        .arg(file("draft.toml"))
        .arg("--assemble")
        .args(&cards);
    let draft = run(assemble);
    assert_eq!(draft.code, 0, "{draft:?}");
    let words: Vec<&str> = draft.json["words"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|w| w.as_str())
        .collect();
    assert_eq!(words.len(), 12);
    let words = words.join(" ");
    let sign = |index: usize, words: &str| {
        let mut sign = natcoin();
        sign.args([
            "network", "found", "--output", "json", "--words", words, "--home",
        ]);
        sign.arg(room.home(index))
            .arg("--sign")
            .arg(file("draft.toml"));
        let out = file(&format!("signature-{index}"));
        sign.arg("--out").arg(&out);
        (run(sign), out)
    };
    assert_eq!(sign(0, "not these").0.error(), "words_refused");
    let signatures: Vec<_> = (0..3)
        .map(|index| {
            let (done, out) = sign(index, &words);
            assert_eq!(done.code, 0, "{done:?}");
            out
        })
        .collect();
    let draft = file("draft.toml");
    let early = room.finish(0, &[&draft]);
    assert_eq!(early.error(), "not_signed", "{early:?}");
    let few = room.finish(0, &[&draft, &signatures[0], &signatures[1]]);
    assert_eq!(few.error(), "founders_signature_wrong", "{few:?}");
    let all = [&draft, &signatures[0], &signatures[1], &signatures[2]];
    for index in 0..2 {
        let done = room.finish(index, &all);
        assert_eq!(done.json["status"], "founded", "{done:?}");
    }
    let last = room.finish(2, &[&room.home(0).join("bootstrap.toml")]);
    assert_eq!(last.json["status"], "founded", "{last:?}");
    assert!(room.leftovers().is_empty(), "{:?}", room.leftovers());
    let nodes: Vec<NodeProcess> = (0..3)
        .map(|index| NodeProcess::start(&room.home(index)))
        .collect();
    for node in &nodes {
        node.wait_for("in_step");
    }
}

/// No ceremony of the tests takes longer.
const CEREMONY: Duration = Duration::from_secs(150);
