//! What people feel: a whole four-node network on loopback, paid on, with every check on.
//!
//! `cargo bench --bench network [-- PAYMENTS]` prints how long the network takes to be ready, how long a
//! wallet takes to its first proven balance, how long payments take to be final (one after the other, on
//! an idle network), and what four idle nodes in a process of their own need in memory and CPU.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark prints what it has measured by the clock"
)]

#[path = "network/wait.rs"]
mod wait;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use natcoin::chain::amount::Amount;
use natcoin::node::devnet::{self, Devnet, DevnetConfig};
use natcoin::node::profile::DataDir;
use natcoin::node::session::{Intent, Purse, Recipient, Session, SessionConfig};
use natcoin::wallet::memo::Note;
use natcoin::wallet::payment::Status;
use natcoin::wallet::vault::{Password, Vault};

/// How long the nodes are left alone after they are ready, before they are observed.
const SETTLING: Duration = Duration::from_secs(5);

/// How long an idle node is observed.
const IDLE: Duration = Duration::from_secs(20);

fn main() {
    // Cargo passes `--bench`; a number among the arguments is ours.
    let payments = std::env::args().find_map(|argument| argument.parse().ok());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(latency(payments.unwrap_or(300)));
    idle_node();
}

async fn latency(payments: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = DevnetConfig {
        folder: folder.path().to_owned(),
        nodes: 4,
        wallets: 3,
    };
    let began = Instant::now();
    let devnet = devnet::start(&config).await.expect("a devnet");
    println!(
        "devnet, from start to ready      {:>8.1} ms",
        ms(began.elapsed())
    );

    let (mut purse, vault) = open(&devnet, 0);
    let payee = devnet.wallets[1].name.clone();
    let mut starts = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        let session = session(&devnet).await;
        session.account(vault.address()).await.expect("proven");
        starts.push(ms(began.elapsed()));
        session.close().await;
    }
    show("wallet, from start to proven balance", &mut starts);

    let session = session(&devnet).await;
    let (mut plans, mut finals) = (Vec::new(), Vec::new());
    for _ in 0..payments {
        let intent = Intent::Transfer {
            to: Recipient::Name(payee.clone()),
            amount: Amount::from_nits(1),
            note: Note::default(),
        };
        let began = Instant::now();
        let plan = session
            .plan(&purse, vault.address(), intent)
            .await
            .expect("a plan");
        plans.push(ms(began.elapsed()));
        let began = Instant::now();
        let outcome = session
            .pay(&mut purse, vault.secret(), plan, &mut |_| {})
            .await
            .expect("paid");
        assert!(
            matches!(outcome.payment.status(), Status::Final { .. }),
            "{:?}",
            outcome.payment
        );
        finals.push(ms(began.elapsed()));
    }
    show("name resolved and checked by proof", &mut plans);
    show("pay to final, journal included", &mut finals);
    session.close().await;
    let began = Instant::now();
    devnet.stop().await.expect("a clean end");
    println!(
        "devnet, clean end                {:>8.1} ms",
        ms(began.elapsed())
    );
}

async fn session(devnet: &Devnet) -> Session {
    let config = SessionConfig::new((*devnet.bootstrap).clone());
    Session::open(config).await.expect("a session")
}

fn open(devnet: &Devnet, index: usize) -> (Purse, Vault) {
    let data = DataDir::new(&devnet.data_dir);
    let profile = data
        .open(&devnet.wallets[index].profile)
        .expect("a profile");
    let password = std::fs::read_to_string(&devnet.password_file).expect("a password");
    let password = Password::typed(password.trim()).expect("a good password");
    let vault = Vault::open(&profile.keystore().expect("a keystore"), &password).expect("opens");
    (Purse::open(profile).expect("a journal"), vault)
}

/// A devnet of four nodes in a process of its own, observed while nothing happens.
fn idle_node() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_natcoin"))
        .args([
            "devnet",
            "--nodes",
            "4",
            "--wallets",
            "0",
            "--output",
            "json",
        ])
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut ready = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    stdout
        .read_line(&mut ready)
        .expect("it says when it is ready");
    wait::observe(SETTLING);
    let before = cpu_ticks(child.id());
    wait::observe(IDLE);
    let ticks = cpu_ticks(child.id()) - before;
    let share = ticks as f64 / 100.0 / IDLE.as_secs_f64() * 100.0 / 4.0;
    println!(
        "idle: memory of four nodes in one process {:>6.1} MB",
        rss_mb(child.id())
    );
    println!("idle: CPU a node                          {share:>6.2} % of a core");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

/// User and system time in ticks of 10 ms (proc(5), fields 14 and 15).
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux");
    let after_name = stat.rsplit_once(')').expect("a name").1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
}

fn rss_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("VmRSS").parse::<f64>().expect("a number") / 1024.0
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn show(what: &str, values: &mut [f64]) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    println!(
        "{what:<37} p50 {:>6.1} ms  p90 {:>6.1} ms  p99 {:>6.1} ms  max {:>6.1} ms  ({} times)",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        values.len()
    );
}
