//! The wallet on a whole terminal, in a real one, on real networks: what a person sees and types.

use std::io::Write as _;

use serde_json::Value;

use crate::program::Program;
use crate::running::{Running, free_port};
use crate::tmux::{self, Tmux};

const SIZE: (u16, u16) = (80, 24);
const PASSWORD: &str = "Zlatorog 99";

/// A network with money: its process, its file, its wallets' folder and their password.
struct Village {
    devnet: Running,
    ready: Value,
}

impl Village {
    fn start(program: &Program) -> Self {
        let mut devnet = Running::start(program, &["devnet", "--dir", "village"]);
        let ready = devnet.line();
        assert_eq!(ready["status"], "ready", "{ready}");
        Self { devnet, ready }
    }

    fn get(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap()
    }

    /// A command of one of the village's wallets.
    fn wallet(&self, program: &Program, profile: &str, words: &[&str]) -> Value {
        let global = [
            "--bootstrap",
            self.get("bootstrap"),
            "--data-dir",
            self.get("data_dir"),
            "--password-file",
            self.get("password_file"),
            "--profile",
            profile,
            "wallet",
        ];
        let (code, json) = program.json(&[&global[..], words].concat());
        assert_eq!(code, 0, "{json}");
        json
    }
}

/// The twelve words that stand on a screen, in their order.
fn words_of(screen: &str) -> Vec<String> {
    let cells: Vec<&str> = screen.split_whitespace().collect();
    let word = |place: usize| {
        let at = cells.iter().rposition(|cell| *cell == place.to_string());
        cells[at.unwrap() + 1].to_owned()
    };
    (1..=12).map(word).collect()
}

/// The first run, from the first screen to the open wallet.
fn first_run(terminal: &Tmux, bootstrap: &str, name: &str) {
    terminal.until("There is no wallet \"ana\" on this machine yet");
    terminal.press(&["n"]);
    terminal.until("Which network?");
    terminal.line(bootstrap);
    terminal.until("Is it this one?");
    terminal.press(&["Enter"]);
    terminal.until("What shall people pay you by?");
    terminal.line(name);
    terminal.until("A password");
    terminal.text(PASSWORD);
    let shown = terminal.until("fair: ");
    assert!(!shown.contains("Zlatorog"), "{shown}");
    terminal.press(&["Enter"]);
    terminal.until("The same again");
    terminal.line(PASSWORD);
    let words = words_of(&terminal.until("Enter they are on paper"));
    terminal.press(&["Enter"]);
    for place in 1..=3 {
        let asked = terminal.until(&format!("{place} of 3: which is word "));
        let (_, number) = asked.split_once("which is word ").unwrap();
        let number: usize = number.split('?').next().unwrap().parse().unwrap();
        terminal.line(&words[number - 1]);
    }
    let open = terminal.until("[1 Home]");
    assert!(!words.iter().all(|word| open.contains(word.as_str())));
}

/// The story of somebody who has the network's file: a wallet, first coins, a name, and a friend paid by name.
#[test]
fn from_nothing_to_a_friend_paid_by_name() {
    if !tmux::is_there() {
        return;
    }
    let program = Program::new();
    let mut village = Village::start(&program);
    let terminal = Tmux::start(&program, SIZE, "", "--data-dir data --profile ana wallet");
    first_run(&terminal, village.get("bootstrap"), "ana");
    terminal.until("Nothing has happened yet");
    let (_, address) = program.json(&[
        "--data-dir",
        "data",
        "--profile",
        "ana",
        "wallet",
        "address",
    ]);
    let address = address["address"].as_str().unwrap();
    village.wallet(
        &program,
        "bob",
        &["pay", address, "25", "--memo", "welcome", "--yes"],
    );
    // It is shown by itself, with who paid.
    terminal.until("+25.00000000 NAT from @bob, final");
    terminal.until("  25.00000000 NAT   proven at block");
    terminal.until("n takes @ana");
    terminal.press(&["n"]);
    terminal.until("take    @ana  for good");
    terminal.press(&["y"]);
    terminal.until("the account is @ana now");

    terminal.press(&["s"]);
    terminal.text("@bo");
    terminal.until_so("@bob, completed", |screen| {
        let mut lines = screen.lines();
        lines.any(|line| line.contains("@bob ") && line.contains("dealt with before"))
    });
    terminal.press(&["Tab"]);
    terminal.line("5");
    terminal.line("for the honey");
    let check = terminal.until("Last check");
    for line in [
        "  pay     5.00000000 NAT",
        "  to      @bob  proven",
        "  fee     0.00000000 NAT",
        "  total   5.00000000 NAT",
        "  memo    \"for the honey\" (only the payee can read it)",
        "  balance 25.00000000 NAT; 20.00000000 NAT after it",
    ] {
        assert!(
            check.lines().any(|shown| shown.trim_end() == line),
            "{line}\n{check}"
        );
    }
    terminal.press(&["y"]);
    terminal.until(" ms: 5.00000000 NAT to @bob");
    let home = terminal.until("  20.00000000 NAT   proven at block");
    assert!(
        home.lines().all(|line| line.chars().count() <= 80),
        "{home}"
    );
    let paid = village.wallet(&program, "bob", &["history"]);
    let newest = &paid["entries"][0];
    assert_eq!(
        (&newest["kind"], &newest["memo"]),
        (&"received".into(), &"for the honey".into())
    );
    assert_eq!(newest["counterparty_name"], "ana");

    // The network is remembered: no command needs its file any more.
    terminal.press(&["q"]);
    terminal.ended(0);
    let own = [
        "--data-dir",
        "data",
        "--profile",
        "ana",
        "wallet",
        "balance",
    ];
    let (code, balance) = program.json(&own);
    assert_eq!(
        (code, &balance["balance"]),
        (0, &"20.00000000".into()),
        "{balance}"
    );
    assert_eq!(village.devnet.end("-INT"), Some(0));
}

/// A locked wallet shows nothing; a wrong password opens nothing; every end gives the terminal back.
#[test]
fn a_wallet_locks_itself_and_the_terminal_is_given_back() {
    if !tmux::is_there() {
        return;
    }
    let program = Program::new();
    let village = Village::start(&program);
    let global = format!(
        "--bootstrap {} --data-dir {} --profile bob",
        village.get("bootstrap"),
        village.get("data_dir")
    );
    let settings = format!("{}/wallets/bob/screens.json", village.get("data_dir"));
    std::fs::File::create(settings)
        .unwrap()
        .write_all(br#"{"idle_lock_s":4}"#)
        .unwrap();
    let password = std::fs::read_to_string(village.get("password_file")).unwrap();
    let terminal = Tmux::start(&program, SIZE, "", &format!("{global} wallet"));
    terminal.until("Password");
    terminal.line("not the password");
    terminal.until("wrong password");
    terminal.line(password.trim());
    terminal.until("1000.00000000 NAT   proven");
    let locked = terminal.until("locked, since nobody has pressed a key for a while");
    assert!(!locked.contains("1000"), "{locked}");
    terminal.line(password.trim());
    terminal.until("1000.00000000 NAT   proven");

    // Every size: what is too small says so, and what is large again is shown again.
    terminal.resize(60, 20);
    let small = terminal.until("the wallet needs 80 x 24");
    assert!(small.contains("It has 60 x 20"), "{small}");
    terminal.resize(120, 40);
    terminal.until_so("the wallet or its lock", |screen| {
        screen.contains("Password") || screen.contains("[1 Home]")
    });
    terminal.press(&["C-c"]);
    let after = terminal.ended(0);
    assert!(!after.contains("NAT-Coin"), "{after}");

    let terminal = Tmux::start(&program, SIZE, "", &format!("{global} wallet"));
    terminal.until("Password");
    terminal.signal("TERM");
    terminal.ended(0);
}

/// Without colours there is not one; what cannot show screens is told what to do instead.
#[test]
fn plain_terminals_are_served_or_told() {
    if !tmux::is_there() {
        return;
    }
    let program = Program::new();
    let terminal = Tmux::start(&program, SIZE, "NO_COLOR=1", "wallet");
    terminal.until("Welcome");
    let painted = terminal.painted();
    for (at, _) in painted.match_indices("\u{1b}[") {
        let code: String = painted[at + 2..]
            .chars()
            .take_while(|c| *c != 'm')
            .collect();
        let is_plain =
            |part: &str| matches!(part, "" | "0" | "1" | "2" | "7" | "22" | "27" | "39" | "49");
        assert!(code.split(';').all(is_plain), "{code:?}\n{painted}");
    }
    terminal.press(&["q"]);
    terminal.ended(0);
    let terminal = Tmux::start(&program, SIZE, "TERM=dumb", "wallet");
    let told = terminal.ended(2);
    assert!(told.contains("natcoin wallet shell"), "{told}");
    assert_eq!(
        program.failure(&["wallet"]),
        (2, "terminal_needed".to_owned())
    );
}

/// A network of two, of which one is away: a payment waits, survives the wallet's death, and is final once, when it can be.
#[test]
fn a_payment_survives_a_pause_of_the_network_and_the_death_of_the_wallet() {
    if !tmux::is_there() {
        return;
    }
    let program = Program::new();
    let password = program.write("password", PASSWORD);
    let wallet = |profile: &str, words: &[&str]| {
        let password = password.to_str().unwrap();
        let global = [
            "--data-dir",
            "data",
            "--profile",
            profile,
            "--password-file",
            password,
        ];
        let (code, json) = program.json(&[&global[..], words].concat());
        assert_eq!(code, 0, "{json}");
        json
    };
    let made = ["ana", "luka"].map(|one| wallet(one, &["wallet", "new"]));
    let [ana, luka] = made.map(|json| json["address"].as_str().unwrap().to_owned());
    let accounts = [format!("{ana}=100@ana"), format!("{luka}=1@luka")];
    let port = free_port();
    let network = program.run(&[
        "network",
        "new",
        "--nodes",
        "2",
        "--dir",
        "net",
        "--port",
        &port,
        "--account",
        &accounts[0],
        "--account",
        &accounts[1],
    ]);
    assert_eq!(network.code, 0, "{}", network.stderr);
    let start = |name: &str| {
        let home = format!("net/{name}");
        let mut node = Running::start(&program, &["node", "--home", &home]);
        assert_eq!(node.line()["status"], "listening");
        node
    };
    let (mut first, mut second) = (start("mangart"), start("triglav"));
    while first.line()["status"] != "in_step" {}
    let words = format!(
        "--bootstrap net/bootstrap.toml --data-dir data --profile ana --password-file {} wallet",
        password.display()
    );
    let terminal = Tmux::start(&program, SIZE, "", &words);
    terminal.until("100.00000000 NAT   proven");
    terminal.until("2 of 2 nodes");
    assert_eq!(second.end("-TERM"), Some(0));
    terminal.until("paused: 1 of 2 nodes, 2 needed; nothing is lost");
    terminal.press(&["s"]);
    terminal.line("@luka");
    terminal.line("5");
    terminal.line("late");
    terminal.until("Last check");
    terminal.press(&["y"]);
    // What it says of the pause stands in the payment's own row only after it is signed and kept.
    terminal.until_so("the payment waits", |screen| {
        let mut lines = screen.lines();
        lines.any(|line| line.contains(" now ") && line.contains("paused: 1 of 2"))
    });
    terminal.kill();
    drop(terminal);

    let terminal = Tmux::start(&program, SIZE, "", &words);
    let waiting = terminal.until("signed and kept");
    assert!(
        waiting.contains("waiting") && waiting.contains("-5.00000000"),
        "{waiting}"
    );
    let mut second = start("triglav");
    terminal.until("95.00000000 NAT   proven");
    let home = terminal.until_so("the end of waiting", |screen| {
        !screen.contains("signed and kept")
    });
    assert_eq!(home.matches("-5.00000000").count(), 1, "{home}");
    terminal.press(&["5"]);
    terminal.until("complete: 1 in all");
    terminal.press(&["e"]);
    terminal.press(&["C-u"]);
    terminal.line("past.csv");
    terminal.until("1 entry written to past.csv");
    let table = std::fs::read_to_string(program.path("past.csv")).unwrap();
    assert!(
        table.contains(",sent,luka,") && table.contains(",late,private,"),
        "{table}"
    );
    terminal.press(&["e"]);
    terminal.press(&["C-u"]);
    terminal.line("past.csv");
    terminal.until("it is there already");
    assert_eq!(
        std::fs::read_to_string(program.path("past.csv")).unwrap(),
        table
    );
    terminal.press(&["q"]);
    terminal.ended(0);
    assert_eq!(first.end("-TERM"), Some(0));
    assert_eq!(second.end("-TERM"), Some(0));
}
