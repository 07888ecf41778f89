//! Vouchers and invites, through the real program and real nodes: given, claimed, taken back, printed, and joined by.

use std::process::Stdio;

use serde_json::Value;

use crate::program::Program;
use crate::running::Running;

/// A devnet, and where its wallets are.
struct Net {
    _devnet: Running,
    bootstrap: String,
    data_dir: String,
    password_file: String,
}

impl Net {
    fn start(program: &Program, folder: &str) -> Self {
        let arguments = ["devnet", "--nodes", "4", "--wallets", "2", "--dir", folder];
        let mut devnet = Running::start(program, &arguments);
        let ready = devnet.line();
        let text = |field: &str| ready[field].as_str().unwrap().to_owned();
        Self {
            bootstrap: text("bootstrap"),
            data_dir: text("data_dir"),
            password_file: text("password_file"),
            _devnet: devnet,
        }
    }

    fn of<'a>(&'a self, person: &'a str, command: &[&'a str]) -> Vec<&'a str> {
        let options = [
            "--bootstrap",
            &self.bootstrap,
            "--data-dir",
            &self.data_dir,
            "--password-file",
            &self.password_file,
            "--profile",
            person,
            "--yes",
            "wallet",
        ];
        options.into_iter().chain(command.iter().copied()).collect()
    }

    fn wallet(&self, program: &Program, person: &str, command: &[&str]) -> Value {
        let (code, json) = program.json(&self.of(person, command));
        assert_eq!(code, 0, "{person} {command:?}: {json}");
        json
    }

    fn refused(&self, program: &Program, person: &str, command: &[&str]) -> (i32, String) {
        program.failure(&self.of(person, command))
    }
}

/// What a newcomer types: a password file and a folder of their own, and nothing of the network.
fn newcomer<'a>(command: &[&'a str]) -> Vec<&'a str> {
    let options = [
        "--data-dir",
        "mine",
        "--password-file",
        "secret",
        "--yes",
        "wallet",
    ];
    options.into_iter().chain(command.iter().copied()).collect()
}

fn text<'a>(json: &'a Value, field: &str) -> &'a str {
    json[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {json}"))
}

#[test]
fn a_voucher_is_given_claimed_and_taken_back_and_every_wrong_code_says_what_is_wrong() {
    let program = Program::new();
    let net = Net::start(&program, "dev");
    let new = [
        "voucher",
        "new",
        "5",
        "--count",
        "2",
        "--note",
        "for the club",
    ];
    let made = net.wallet(&program, "alice", &new);
    let (code, number) = (text(&made, "code"), text(&made, "voucher"));
    assert_eq!(
        (text(&made, "each"), text(&made, "locked")),
        ("5.00000000", "10.00000000")
    );
    assert_eq!(text(&made, "link"), format!("natcoin:{code}"));

    // By whoever has it, in whatever way it was copied, without an account before.
    program.write("secret", "correct horse\n");
    let (exit, _) = program.json(&newcomer(&["new"]));
    assert_eq!(exit, 0);
    let typed = code.to_uppercase().replacen('1', "1 ", 1);
    let mine = ["--bootstrap", &net.bootstrap];
    let claim = [&mine[..], &newcomer(&["voucher", "claim", &typed])].concat();
    let (exit, claimed) = program.json(&claim);
    assert_eq!(exit, 0, "{claimed}");
    assert_eq!(
        (text(&claimed, "amount"), text(&claimed, "from_name")),
        ("5.00000000", "alice")
    );
    assert_eq!(
        (text(&claimed, "note"), &claimed["new"]),
        ("for the club", &true.into())
    );
    let (_, balance) = program.json(&[&mine[..], &newcomer(&["balance"])].concat());
    assert_eq!(text(&balance, "balance"), "5.00000000");
    // Once more is no harm: it is told as it was.
    let (exit, again) = program.json(&claim);
    assert_eq!((exit, &again["new"]), (0, &false.into()), "{again}");
    assert_eq!(again["transaction"], claimed["transaction"]);

    let own = net.refused(&program, "alice", &["voucher", "claim", code]);
    assert_eq!(own, (4, "own_address".to_owned()));
    let listed = net.wallet(&program, "alice", &["voucher", "list"]);
    let line = &listed["vouchers"][0];
    assert_eq!((text(line, "state"), &line["left"]), ("open", &1.into()));
    assert_eq!(
        (text(line, "code"), text(line, "note")),
        (code, "for the club")
    );
    assert_eq!(line["claimed_by"][0], balance["address"]);

    let back = net.wallet(&program, "alice", &["voucher", "reclaim", &number[..8]]);
    assert_eq!(text(&back, "amount"), "5.00000000");
    let gone = (4, "voucher_gone".to_owned());
    assert_eq!(
        net.refused(&program, "bob", &["voucher", "claim", code]),
        gone
    );
    assert_eq!(
        net.refused(&program, "alice", &["voucher", "reclaim", &number[..8]]),
        gone
    );
    let listed = net.wallet(&program, "alice", &["voucher", "list"]);
    assert_eq!(text(&listed["vouchers"][0], "state"), "taken_back");
    assert_eq!(listed["vouchers"][0]["code"], Value::Null);
    let history = net.wallet(&program, "alice", &["history"]);
    let kinds: Vec<&str> = history["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| text(entry, "kind"))
        .collect();
    assert_eq!(
        kinds,
        ["voucher_reclaimed", "voucher_taken", "voucher_opened"]
    );

    // A slip of the pen, another network, somebody else's voucher.
    let last = code.len() - 1;
    let slip = format!(
        "{}{}",
        &code[..last],
        if code.ends_with('q') { 'p' } else { 'q' }
    );
    let invalid = (2, "voucher_invalid".to_owned());
    assert_eq!(
        net.refused(&program, "bob", &["voucher", "claim", &slip]),
        invalid
    );
    assert_eq!(
        net.refused(&program, "bob", &["voucher", "claim", &code[..30]]),
        invalid
    );
    let elsewhere = newcomer(&["voucher", "claim", code]);
    assert_eq!(program.failure(&elsewhere), (2, "other_network".to_owned()));
    let unknown = (4, "voucher_unknown".to_owned());
    assert_eq!(
        net.refused(&program, "bob", &["voucher", "reclaim", number]),
        unknown
    );
    for (wrong, code) in [
        (["voucher", "new", "5", "--expires", "400d"], "life_invalid"),
        (["voucher", "new", "5", "--expires", "soon"], "life_invalid"),
        (["voucher", "new", "5", "--count", "257"], "count_invalid"),
        (["voucher", "new", "0", "--count", "1"], "amount_invalid"),
    ] {
        assert_eq!(
            net.refused(&program, "bob", &wrong),
            (2, code.to_owned()),
            "{wrong:?}"
        );
    }
    let much = net.refused(&program, "bob", &["voucher", "new", "400", "--count", "3"]);
    assert_eq!(much, (4, "insufficient_funds".to_owned()));
}

#[test]
fn lost_codes_come_back_with_the_recovery_words_and_cards_hold_them() {
    let program = Program::new();
    let net = Net::start(&program, "dev");
    program.write("secret", "correct horse\n");
    let (_, made) = program.json(&newcomer(&["new"]));
    let words: Vec<&str> = made["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    program.write("words", &words.join(" "));
    net.wallet(&program, "alice", &["pay", text(&made, "address"), "50"]);
    let mine = |command: &[&str]| {
        let line = [&["--bootstrap", &net.bootstrap][..], &newcomer(command)].concat();
        let (exit, json) = program.json(&line);
        assert_eq!(exit, 0, "{command:?}: {json}");
        json
    };
    let first = mine(&["voucher", "new", "2", "--expires", "12h"]);
    let second = mine(&["voucher", "new", "0.5", "--count", "12"]);
    std::fs::remove_dir_all(program.path("mine")).unwrap();
    let (exit, _) = program.json(&newcomer(&["restore", "--words-file", "words"]));
    assert_eq!(exit, 0);
    let listed = mine(&["voucher", "list"]);
    let codes = [0, 1].map(|place| text(&listed["vouchers"][place], "code"));
    assert_eq!(codes, [text(&second, "code"), text(&first, "code")]);

    let sheet = mine(&["voucher", "sheet", "--out", "cards.svg"]);
    assert_eq!(sheet["cards"], 13);
    assert_eq!(sheet["files"].as_array().unwrap().len(), 2);
    let page = std::fs::read_to_string(program.path("cards.svg")).unwrap();
    assert!(page.starts_with("<svg") && page.trim_end().ends_with("</svg>"));
    assert_eq!(page.matches("<path").count(), 10);
    let page = std::fs::read_to_string(program.path("cards-2.svg")).unwrap();
    assert_eq!(page.matches("keep it like cash").count(), 3);
    let back = mine(&["voucher", "reclaim", &text(&second, "voucher")[..6]]);
    assert_eq!(text(&back, "amount"), "6.00000000");
}

#[test]
fn a_newcomer_with_only_an_invite_has_a_wallet_money_and_a_name() {
    let program = Program::new();
    let net = Net::start(&program, "dev");
    let invite = net.wallet(
        &program,
        "alice",
        &["invite", "--count", "2", "--note", "welcome"],
    );
    let line = text(&invite, "line");
    assert!(line.starts_with("natcoin:invite1"));
    program.write("secret", "correct horse\n");

    // What cannot be is told before there is a wallet.
    let taken = program.failure(&newcomer(&["join", line, "--name", "bob"]));
    assert_eq!(taken, (4, "name_taken".to_owned()));
    let cut = program.failure(&newcomer(&["join", &line[..line.len() - 3]]));
    assert_eq!(cut, (2, "invite_invalid".to_owned()));
    assert!(
        !program
            .path("mine")
            .join("wallets/default/keystore.json")
            .exists()
    );

    let (exit, joined) = program.json(&newcomer(&["join", line, "--name", "ana"]));
    assert_eq!(exit, 0, "{joined}");
    assert_eq!(
        (text(&joined, "balance"), text(&joined, "name")),
        ("10.00000000", "ana")
    );
    assert_eq!(text(&joined["claim"], "note"), "welcome");
    assert_eq!(joined["words"].as_array().unwrap().len(), 12);
    // From now on the wallet knows where it belongs: a friend is paid by name.
    let (exit, paid) = program.json(&newcomer(&["pay", "@bob", "3"]));
    assert_eq!(exit, 0, "{paid}");
    assert_eq!(
        text(&net.wallet(&program, "bob", &["balance"]), "balance"),
        "1003.00000000"
    );
    // To join again is no harm.
    let (exit, again) = program.json(&newcomer(&["join", line, "--name", "ana"]));
    assert_eq!(
        (exit, text(&again, "balance")),
        (0, "7.00000000"),
        "{again}"
    );
    assert_eq!(again["claim"]["new"], false);

    // Somebody who is here already uses the voucher in it; then it is used up, and says so.
    net.wallet(&program, "bob", &["voucher", "claim", line]);
    let late = [
        "--data-dir",
        "late",
        "--password-file",
        "secret",
        "wallet",
        "join",
        line,
    ];
    assert_eq!(program.failure(&late), (4, "voucher_gone".to_owned()));
    assert!(!program.path("late").join("wallets").exists());

    // And an invite without money still brings one in.
    let bare = net.wallet(&program, "alice", &["invite", "0"]);
    let bare = [
        "--data-dir",
        "late",
        "--password-file",
        "secret",
        "wallet",
        "join",
        text(&bare, "line"),
    ];
    let (exit, joined) = program.json(&bare);
    assert_eq!(
        (exit, text(&joined, "balance")),
        (0, "0.00000000"),
        "{joined}"
    );
}

#[test]
fn an_invite_to_another_network_or_to_nobody_is_told_plainly() {
    let program = Program::new();
    let net = Net::start(&program, "dev");
    let line = text(&net.wallet(&program, "alice", &["invite", "1"]), "line").to_owned();
    program.write("secret", "correct horse\n");
    let (exit, joined) = program.json(&newcomer(&["join", &line]));
    assert_eq!(exit, 0, "{joined}");
    let other = Net::start(&program, "other");
    let foreign = text(&other.wallet(&program, "alice", &["invite", "1"]), "line").to_owned();
    let refused = program.failure(&newcomer(&["join", &foreign]));
    assert_eq!(refused, (2, "other_network".to_owned()));
    let refused = program.failure(&newcomer(&["voucher", "claim", &foreign]));
    assert_eq!(refused, (2, "other_network".to_owned()));
    drop(other);
    let late = [
        "--data-dir",
        "late",
        "--password-file",
        "secret",
        "wallet",
        "join",
        &foreign,
    ];
    assert_eq!(program.failure(&late), (3, "no_node_reachable".to_owned()));
    drop(net);
}

#[test]
fn a_claim_that_was_killed_on_its_way_is_found_by_the_next_run() {
    let program = Program::new();
    let net = Net::start(&program, "dev");
    let made = net.wallet(&program, "alice", &["voucher", "new", "5"]);
    let code = text(&made, "code");
    let journal = std::path::Path::new(&net.data_dir).join("wallets/bob/payments.json");
    let before = std::fs::read(&journal).unwrap_or_default();
    let mut child = program
        .command(&net.of("bob", &["voucher", "claim", code]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Killed as soon as it is signed and on the disk; whether a node has it by then is as it may be.
    while std::fs::read(&journal).unwrap_or_default() == before {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it signed");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let claimed = net.wallet(&program, "bob", &["voucher", "claim", code]);
    assert_eq!(
        (text(&claimed, "status"), text(&claimed, "amount")),
        ("final", "5.00000000")
    );
    assert_eq!(
        text(&net.wallet(&program, "bob", &["balance"]), "balance"),
        "1005.00000000"
    );
    let history = net.wallet(&program, "bob", &["history"]);
    assert_eq!(history["entries"].as_array().unwrap().len(), 1);
    assert_eq!(history["pending"].as_array().unwrap().len(), 0);
}
