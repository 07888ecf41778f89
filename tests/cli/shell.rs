//! The plain prompt: on a pipe as scripts use it, and on a terminal.

use std::io::Write as _;
use std::process::Stdio;

use crate::program::{Program, Run};
use crate::running::Running;
use crate::tmux::{self, Tmux};

/// Runs the prompt with these lines typed.
fn shell(program: &Program, global: &[&str], lines: &str) -> Run {
    let words = [global, &["wallet", "shell"]].concat();
    let mut child = program
        .command(&words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    Run::of(child.wait_with_output().unwrap())
}

#[test]
fn the_prompt_of_old_sends_receives_and_shows() {
    let program = Program::new();
    let mut devnet = Running::start(&program, &["devnet", "--wallets", "2"]);
    let ready = devnet.line();
    let text = |field: &str| ready[field].as_str().unwrap().to_owned();
    let (file, data, password) = (text("bootstrap"), text("data_dir"), text("password_file"));
    let of = |profile: &'static str| {
        [
            "--bootstrap",
            &file,
            "--data-dir",
            &data,
            "--password-file",
            &password,
            "--profile",
            profile,
        ]
        .map(str::to_owned)
    };
    let bob = of("bob");
    let bob: Vec<&str> = bob.iter().map(String::as_str).collect();

    let run = shell(
        &program,
        &bob,
        "balance\nsend @alice 5 for the honey\nyes\ntransactions\niptables\nblockchain\nhelp\nexit\n",
    );
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    for part in [
        "$ 1000.00000000 NAT",
        "are you sure? [y/N] +",
        " SEND ",
        "| 5.00000000 NAT to @alice",
        "| signed by ",
        "\"for the honey\"",
        "iptables                who is there",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{}", run.stdout);
    }
    assert!(run.stderr.contains("Pay  5.00000000 NAT"), "{}", run.stderr);
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);

    // Not sure, not known, no such command: nothing is paid, and the end says so.
    let run = shell(
        &program,
        &bob,
        "send @alice 5\nno\nsend @nobody 5\nfrobnicate\n",
    );
    assert_eq!(run.code, 2, "{}", run.stderr);
    for told in [
        "cancelled: nothing was done",
        "nobody is called @nobody",
        "there is no command \"frobnicate\"",
    ] {
        assert!(run.stderr.contains(told), "{told}\n{}", run.stderr);
    }
    // A script that ends where an answer is expected has not said yes.
    let run = shell(&program, &bob, "send @alice 5\n");
    assert!(run.stderr.contains("cancelled"), "{}", run.stderr);
    let run = shell(
        &program,
        &[&bob[..], &["--output", "json"]].concat(),
        "balance\nsend @alice 1\nyes\n",
    );
    let lines: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["balance"], "995.00000000");
    assert_eq!(
        (&lines[1]["notice"], &lines[1]["status"]),
        (&"send".into(), &"final".into())
    );

    if tmux::is_there() {
        let alice = of("alice").join(" ");
        let terminal = Tmux::start(&program, (80, 24), "", &format!("{alice} wallet shell"));
        terminal.until("`exit` ends");
        // The other way round, while she looks at the prompt.
        terminal.line("balance");
        terminal.until("1006.00000000 NAT");
        let run = shell(&program, &bob, "send @alice 2 tea\nyes\n");
        assert_eq!(run.code, 0, "{}", run.stderr);
        let came = terminal.until("balance 1008.00000000 NAT");
        for part in [" RECV ", "| 2.00000000 NAT from @bob", "\"tea\""] {
            assert!(came.contains(part), "{part}\n{came}");
        }
        terminal.line("exit");
        terminal.ended(0);
    }
    assert_eq!(devnet.end("-INT"), Some(0));
}
