//! A crowd at one node: what 1,000 wallets and a flooding peer do to the time that payments take to be final.
//!
//! `cargo bench --bench crowd [-- ROUNDS [PAYMENTS [WALLETS [KIND]]]]` starts two networks of four nodes, each node in a
//! process of its own, and pays in both at an even pace. Each round measures by turns: both idle, with the wallets at one
//! node of the first, and with the wallets and each kind of flood at that node. The second has no crowd: it shows in the same
//! moments what the crowd costs this machine, which a real one's nodes do not share. The crowd has a process of its own
//! with the lowest priority; what it costs the nodes is told by their own CPU time.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    dead_code,
    reason = "a benchmark prints what it has measured by the clock, and uses a part of the tests' tools"
)]

#[path = "crowd/floods.rs"]
mod floods;
#[path = "../tests/common/processes.rs"]
mod processes;
#[path = "../tests/common/proxy.rs"]
mod proxy;
#[path = "crowd/raw.rs"]
mod raw;
#[path = "network/wait.rs"]
mod wait;
#[path = "crowd/wallets.rs"]
mod wallets;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use natcoin::chain::amount::Amount;
use natcoin::directory::bootstrap::Bootstrap;
use natcoin::node::home::read_bootstrap;
use natcoin::node::profile::DataDir;
use natcoin::node::session::{Intent, Purse, Recipient, Session, SessionConfig};
use natcoin::wallet::memo::Note;
use natcoin::wallet::payment::Status;
use natcoin::wallet::vault::{Password, Vault};

use processes::{Net, Transport};
use tokio::runtime::Runtime;

/// Between two payments: a busy village, not a queue.
const PACE: Duration = Duration::from_millis(60);
/// How long a flood runs before it is measured.
const WARM: Duration = Duration::from_secs(3);

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let word = |place: usize| words.get(place).map(String::as_str);
    match word(0) {
        Some("wallets") => return wallets::run(Path::new(&words[1]), number(word(2), 0)),
        Some("awake") => return stay_awake(),
        Some("flood") => return floods::run(&words[1], Path::new(&words[2])),
        _ => {}
    }
    let (rounds, payments) = (number(word(0), 3), number(word(1), 40));
    let count = number(word(2), 1_000);
    let only = word(3).map(str::to_owned);
    measure(rounds, payments, count, only.as_deref());
}

fn number(word: Option<&str>, otherwise: usize) -> usize {
    word.map_or(otherwise, |word| word.parse().expect("a number"))
}

/// Keeps the processors from sleeping: on an idle machine waking them takes longer than what they are woken for, so
/// that a network with something to do would look faster than an idle one.
fn stay_awake() {
    println!("awake");
    for _ in 0..2 {
        std::thread::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        });
    }
    let _ = std::io::Read::read(&mut std::io::stdin(), &mut [0]);
    println!();
    std::process::exit(0);
}

/// A process of the crowd; it ends with its standard input.
struct Mob {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Mob {
    fn start(words: &[&str]) -> Self {
        let own = std::env::current_exe().expect("this program");
        // It runs when nobody else wants to, and gives way at once.
        let mut child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(own)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("chrt, of util-linux");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let mut mob = Self { child, out };
        mob.line();
        mob
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("it speaks");
        line.trim_end().to_owned()
    }

    /// Ends it and gives its last words.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let last = self.line();
        self.child.wait().expect("it ends");
        last
    }
}

/// What one kind of phase has shown, over all rounds.
struct Shown {
    name: &'static str,
    /// Of the network that has the crowd, and of the one beside it.
    times_ms: [Vec<f64>; 2],
    /// CPU of the crowded node and of the other three together, in ms.
    cpu_ms: [f64; 2],
    elapsed: Duration,
    said: String,
}

/// A network and who pays in it.
struct Side {
    net: Net,
    payer: Payer,
}

impl Side {
    fn start(runtime: &Runtime) -> Self {
        let net = Net::started(4, Transport::Both);
        let bootstrap = read_bootstrap(&net.bootstrap()).expect("a network");
        let payer = runtime.block_on(Payer::new(&net, &bootstrap));
        Self { net, payer }
    }
}

fn measure(rounds: usize, payments: usize, count: usize, only: Option<&str>) {
    let runtime = Runtime::new().expect("a runtime");
    let mut sides = [Side::start(&runtime), Side::start(&runtime)];
    let net = &sides[0].net;
    let pids: Vec<u32> = (0..4).map(|node| pid_of(&net.home(node))).collect();
    let file = net.bootstrap().display().to_string();
    let kinds: Vec<&'static str> = floods::KINDS
        .iter()
        .copied()
        .filter(|kind| only.is_none_or(|only| only == *kind))
        .collect();
    let names = ["asleep", "idle", "wallets"].iter().chain(&kinds);
    let mut shown: Vec<Shown> = names
        .map(|name| Shown {
            name,
            times_ms: [Vec::new(), Vec::new()],
            cpu_ms: [0.0; 2],
            elapsed: Duration::ZERO,
            said: String::new(),
        })
        .collect();
    pay(&runtime, &mut sides, 10);
    for _ in 0..rounds {
        let (quiet, floods) = shown.split_at_mut(3);
        phase(&runtime, &mut sides, payments, &pids, &mut quiet[0]);
        let awake = Mob::start(&["awake"]);
        phase(&runtime, &mut sides, payments, &pids, &mut quiet[1]);
        let wallets = Mob::start(&["wallets", &file, &count.to_string()]);
        wait::observe(WARM);
        phase(&runtime, &mut sides, payments, &pids, &mut quiet[2]);
        for flood in floods {
            let mob = Mob::start(&["flood", flood.name, &file]);
            wait::observe(WARM);
            phase(&runtime, &mut sides, payments, &pids, flood);
            flood.said = mob.end();
        }
        quiet[2].said = wallets.end();
        awake.end();
        wait::observe(WARM);
    }
    println!(
        "memory of the crowded node at its most: {:.0} MB",
        peak_mb(pids[0])
    );
    show(&mut shown);
    for side in &sides {
        runtime.block_on(side.payer.session.close());
    }
}

/// Pays in both networks at once.
fn pay(runtime: &Runtime, sides: &mut [Side; 2], count: usize) -> [Vec<f64>; 2] {
    std::thread::scope(|scope| {
        let paying = sides
            .each_mut()
            .map(|side| scope.spawn(|| runtime.block_on(side.payer.pay(count))));
        paying.map(|thread| thread.join().expect("paid"))
    })
}

fn phase(
    runtime: &Runtime,
    sides: &mut [Side; 2],
    payments: usize,
    pids: &[u32],
    shown: &mut Shown,
) {
    let cpu = || -> Vec<f64> { pids.iter().map(|pid| cpu_ms(*pid)).collect() };
    let (before, began) = (cpu(), Instant::now());
    let times = pay(runtime, sides, payments);
    for (all, new) in shown.times_ms.iter_mut().zip(times) {
        all.extend(new);
    }
    shown.elapsed += began.elapsed();
    for (node, (now, then)) in cpu().iter().zip(&before).enumerate() {
        shown.cpu_ms[usize::from(node > 0)] += now - then;
    }
}

struct Payer {
    session: Session,
    purse: Purse,
    vault: Vault,
}

impl Payer {
    async fn new(net: &Net, bootstrap: &Bootstrap) -> Self {
        let folder = net.network();
        let folder = folder.parent().expect("a folder");
        let profile = "alice".parse().expect("a name");
        let profile = DataDir::new(folder.join("data"))
            .open(&profile)
            .expect("a profile");
        let password = Password::typed("correct horse").expect("a password");
        let vault = Vault::open(&profile.keystore().expect("a keystore"), &password);
        Self {
            session: Session::open(SessionConfig::new(bootstrap.clone()))
                .await
                .expect("a session"),
            purse: Purse::open(profile).expect("a journal"),
            vault: vault.expect("it opens"),
        }
    }

    /// Pays so often at an even pace; gives the times to final, in milliseconds.
    async fn pay(&mut self, count: usize) -> Vec<f64> {
        let mut times = Vec::new();
        for _ in 0..count {
            let intent = Intent::Transfer {
                to: Recipient::Name("bob".parse().expect("a name")),
                amount: Amount::from_nits(1),
                note: Note::default(),
            };
            let plan = self.session.plan(&self.purse, self.vault.address(), intent);
            let plan = plan.await.expect("a plan");
            let began = Instant::now();
            let paid = self
                .session
                .pay(&mut self.purse, self.vault.secret(), plan, &mut |_| {})
                .await
                .expect("paid");
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            assert!(matches!(paid.payment.status(), Status::Final { .. }));
            wait::pace(PACE).await;
        }
        times
    }
}

/// The process whose command line names this home.
fn pid_of(home: &Path) -> u32 {
    let home = home.display().to_string();
    let of = |entry: std::fs::DirEntry| -> Option<u32> {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&words)
            .split('\0')
            .any(|word| word == home)
            .then_some(pid)
    };
    let mut found = std::fs::read_dir("/proc").expect("Linux").flatten();
    found.find_map(of).expect("the node runs")
}

/// User and system time in milliseconds (proc(5), fields 14 and 15, in ticks of 10 ms).
fn cpu_ms(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .expect("a name")
        .1
        .split_whitespace()
        .collect();
    let ticks = |place: usize| fields[place].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) * 10.0
}

fn peak_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("VmHWM").parse::<f64>().expect("a number") / 1024.0
}

fn show(shown: &mut [Shown]) {
    let mut idle = None;
    println!(
        "                 with the crowd: to final, ms     beside it      as idle: p50         CPU, % of a core"
    );
    println!(
        "                   p50    p90   mean    max     p50    p90   with beside ratio    crowded   others  last words"
    );
    for one in shown {
        let [with, beside] = one.times_ms.each_mut().map(|times| {
            times.sort_by(f64::total_cmp);
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            [at(0.5), at(0.9), mean, at(1.0)]
        });
        if one.name == "idle" {
            idle = Some([with[0], beside[0]]);
        }
        let base = idle.unwrap_or([f64::NAN; 2]);
        let [slower, control] = [with[0] / base[0], beside[0] / base[1]];
        let share = |cpu: f64| cpu / one.elapsed.as_secs_f64() / 10.0;
        println!(
            "{:<14} {:>7.1} {:>6.1} {:>6.1} {:>6.1}  {:>6.1} {:>6.1}   {slower:>5.2} {control:>5.2} {:>5.2}    {:>7.1}  {:>7.1}  {}",
            one.name,
            with[0],
            with[1],
            with[2],
            with[3],
            beside[0],
            beside[1],
            slower / control,
            share(one.cpu_ms[0]),
            share(one.cpu_ms[1]) / 3.0,
            one.said
        );
    }
}
