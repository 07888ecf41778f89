//! What wallets say to each other, through the real program: told, asked, paid, thanked, and handed over with no node up.

use serde_json::Value;

use crate::program::Program;
use crate::running::Running;

/// A devnet in a folder, and the options by which its wallets are used.
struct Net {
    devnet: Running,
    options: [String; 6],
}

impl Net {
    fn start(program: &Program) -> Self {
        let arguments = ["devnet", "--nodes", "4", "--wallets", "3", "--dir", "dev"];
        let mut devnet = Running::start(program, &arguments);
        let ready = devnet.line();
        let option = |name: &str, field: &str| {
            let value = ready[field].as_str().unwrap().to_owned();
            [name.to_owned(), value]
        };
        let options = [
            option("--bootstrap", "bootstrap"),
            option("--data-dir", "data_dir"),
            option("--password-file", "password_file"),
        ];
        let options = options.concat().try_into().unwrap();
        Self { devnet, options }
    }

    fn of<'a>(&'a self, person: &'a str, command: &[&'a str]) -> Vec<&'a str> {
        let options = self.options.iter().map(String::as_str);
        let who = ["--profile", person, "--yes", "wallet"];
        options.chain(who).chain(command.iter().copied()).collect()
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

/// The next line of a watch with this status; those before it are passed over.
fn says(watch: &mut Running, status: &str) -> Value {
    let mut passed = Vec::new();
    loop {
        let line = watch.line();
        assert!(!line.is_null(), "no {status}, only {passed:#?}");
        if line["status"] == status {
            return line;
        }
        passed.push(line);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A watch that others find: its card is up when the first node tells what happens.
fn watch(net: &Net, program: &Program, person: &str) -> Running {
    let watch = Running::start(program, &net.of(person, &["watch"]));
    let is_there = || {
        let found = program.json(&net.of("carol", &["directory", person]));
        found.0 == 0
    };
    assert!(crate::wait::until(
        std::time::Duration::from_secs(30),
        is_there
    ));
    watch
}

#[test]
fn a_payee_is_told_asked_paid_and_thanks() {
    let program = Program::new();
    let net = Net::start(&program);
    let mut alice = watch(&net, &program, "alice");
    let paid = net.wallet(&program, "bob", &["pay", "@alice", "5", "--memo", "bread"]);
    assert_eq!(
        (&paid["status"], &paid["payee"]),
        (&"final".into(), &"told".into())
    );
    let came = says(&mut alice, "final");
    assert_eq!(
        (&came["memo"], &came["counterparty_name"]),
        (&"bread".into(), &"bob".into())
    );

    let asked = net.wallet(
        &program,
        "carol",
        &["request", "3", "--from", "@alice", "--memo", "honey"],
    );
    assert_eq!(asked["told"], "told", "{asked}");
    let heard = says(&mut alice, "request");
    assert_eq!(
        (&heard["request"], &heard["memo"]),
        (&asked["request"], &"honey".into())
    );
    let request = &text(&asked["request"])[..12];
    let paid = net.wallet(&program, "alice", &["pay", request]);
    assert_eq!(paid["status"], "final");
    let again = net.refused(&program, "alice", &["pay", request]);
    assert_eq!(again, (4, "request_settled".to_owned()));
    let declined = net.refused(&program, "alice", &["decline", request]);
    assert_eq!(declined, (4, "request_settled".to_owned()));

    let mut bob = watch(&net, &program, "bob");
    let payment = text(&came["transaction"]);
    let thanks = net.wallet(&program, "alice", &["thank", &payment[..12], "hvala"]);
    assert_eq!(thanks["told"], "told", "{thanks}");
    assert_eq!(says(&mut bob, "thanks")["memo"], "hvala");
    let twice = net.refused(&program, "alice", &["thank", payment]);
    assert_eq!(twice, (4, "request_settled".to_owned()));

    let open = net.wallet(&program, "alice", &["request", "1.5", "--memo", "tickets"]);
    net.wallet(&program, "bob", &["pay", text(&open["line"])]);
    assert_eq!(says(&mut alice, "request_paid")["request"], open["request"]);
    let list = net.wallet(&program, "alice", &["dealings"]);
    let [paid, bread] = &list["incoming"].as_array().unwrap()[..] else {
        panic!("{list}");
    };
    assert_eq!(
        (&paid["state"], &paid["memo"]),
        (&"final".into(), &"tickets".into())
    );
    assert_eq!(
        (&bread["state"], &bread["thanks"]),
        (&"final".into(), &"hvala".into())
    );
    assert_eq!(list["received"][0]["state"], "paid");
    for watch in [&mut alice, &mut bob] {
        assert_eq!(watch.end("-INT"), Some(0));
    }
}

#[test]
fn with_no_node_up_a_payment_is_handed_over_and_final_when_there_is_one() {
    let program = Program::new();
    let mut net = Net::start(&program);
    let address = net.wallet(&program, "alice", &["address"]);
    let alice = text(&address["address"]);
    net.wallet(&program, "bob", &["balance"]);
    assert_eq!(net.devnet.end("-INT"), Some(0));
    let (code, json) = program.json(&net.of("bob", &["pay", alice, "2", "--yes"]));
    assert_eq!(code, 3, "{json}");
    assert!(text(&json["error"]["hint"]).contains("--hand-over"));
    // Only what `pay` can do.
    let (code, json) = program.json(&net.of("bob", &["name", "robert", "--yes"]));
    assert_eq!(code, 3, "{json}");
    assert!(!text(&json["error"]["hint"]).contains("--hand-over"));
    let over = net.wallet(
        &program,
        "bob",
        &["pay", alice, "2", "--memo", "bus", "--hand-over"],
    );
    assert_eq!(
        (&over["status"], &over["payee"]),
        (&"signed_not_final".into(), &"not_there".into())
    );
    let line = text(&over["line"]);
    // Nobody else can take it, and not half of it.
    let carol = net.refused(&program, "carol", &["take", line]);
    assert_eq!(carol, (4, "refused".to_owned()));
    let half = net.refused(&program, "alice", &["take", &line[..100]]);
    assert_eq!(half, (2, "line_invalid".to_owned()));
    let run = program.run(&[&net.of("alice", &["take", line])[..], &["--output", "json"]].concat());
    let taken: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&taken["status"], &taken["amount"]),
        (&"signed_not_final".into(), &"2.00000000".into())
    );
    // Whoever meets a node first hands it in: here the payee, whose wallet only watches.
    net.devnet = Net::start(&program).devnet;
    let mut watch = watch(&net, &program, "alice");
    let came = says(&mut watch, "final");
    assert_eq!(
        (&came["transaction"], &came["memo"]),
        (&over["transaction"], &"bus".into())
    );
    let history = net.wallet(&program, "bob", &["history"]);
    assert_eq!(history["entries"][0]["transaction"], over["transaction"]);
    assert_eq!(history["pending"].as_array().unwrap().len(), 0);
    assert_eq!(watch.end("-INT"), Some(0));
}

#[test]
fn mistakes_about_dealings_name_the_next_step() {
    let program = Program::new();
    let net = Net::start(&program);
    let usage = |code: &str| (2, code.to_owned());
    let refused = |person: &str, command: &[&str]| net.refused(&program, person, command);
    assert_eq!(refused("bob", &["pay", "@alice"]), usage("amount_missing"));
    assert_eq!(
        refused("bob", &["pay", "natcoin:request1qqq"]),
        usage("line_invalid")
    );
    assert_eq!(
        refused("bob", &["pay", "abcd"]),
        (4, "request_unknown".to_owned())
    );
    assert_eq!(
        refused("bob", &["pay", "abcd", "--memo", "x"]),
        usage("memo_of_request")
    );
    assert_eq!(
        refused("bob", &["decline", "ab"]),
        (4, "request_unknown".to_owned())
    );
    assert_eq!(
        refused("bob", &["withdraw", "abcdef"]),
        (4, "request_unknown".to_owned())
    );
    assert_eq!(
        refused("bob", &["thank", "abcdef"]),
        (4, "payment_unknown".to_owned())
    );
    assert_eq!(refused("bob", &["take", "hello"]), usage("line_invalid"));
    assert_eq!(refused("bob", &["request", "0"]), usage("amount_invalid"));
    assert_eq!(
        refused("bob", &["request", "1", "--from", "@bob"]),
        (4, "refused".to_owned())
    );
    let asked = net.wallet(&program, "bob", &["request", "1"]);
    let own = refused("bob", &["pay", text(&asked["line"])]);
    assert_eq!(own, (4, "own_line".to_owned()));
    let own = refused("bob", &["take", text(&asked["line"])]);
    assert_eq!(own, (4, "own_line".to_owned()));
    let both = refused("bob", &["pay", text(&asked["line"]), "1"]);
    assert_eq!(both, usage("amount_of_request"));
    let silent = refused("carol", &["pay", text(&asked["line"]), "--private"]);
    assert_eq!(silent, usage("private_request"));
    let listed = net.wallet(&program, "bob", &["dealings"]);
    assert_eq!(listed["asked"][0]["line"], asked["line"]);
    // As copied from a narrow screen.
    let (first, rest) = text(&asked["line"]).split_at(60);
    let broken = format!(" {first}\n  {rest}\n");
    let taken = net.wallet(&program, "carol", &["take", &broken]);
    assert_eq!(taken["id"], asked["request"]);
    let taken_back = net.wallet(&program, "bob", &["withdraw", text(&asked["request"])]);
    assert_eq!(taken_back["status"], "withdrawn");
    let long = "x".repeat(210);
    assert_eq!(refused("bob", &["request", "1", "--memo", &long]).0, 2);
    // A book that somebody has damaged is said to be so, stays as it is, and holds up no payment.
    let folder = std::path::Path::new(&net.options[3]).join("wallets/bob/dealings");
    let mut book = std::fs::read_dir(&folder)
        .unwrap()
        .map(|one| one.unwrap().path());
    let book = book
        .find(|path| path.file_name().unwrap() != "lock")
        .unwrap();
    let mut bytes = std::fs::read(&book).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&book, &bytes).unwrap();
    assert_eq!(
        refused("bob", &["dealings"]),
        (1, "dealings_damaged".to_owned())
    );
    let run = program.run(&net.of("bob", &["pay", "@alice", "1", "--output", "json"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(std::fs::read(&book).unwrap(), bytes);
}
