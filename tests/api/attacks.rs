//! Floods at one node's window: the network goes on, the window stands, and both are as before when it is over.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use natcoin::{api, node::clock};

use super::common::{http, window::Shown};

/// Payments that must become final while a flood goes on.
const PAYMENTS: u64 = 8;

/// While a flood goes on, pays through another node, and gives the longest that a payment took.
fn pay_through_another(shown: &Shown) -> Duration {
    let free = "127.0.0.1:0".parse().unwrap();
    let other = api::open(free, shown.devnet.nodes[1].1.view()).unwrap();
    let mut longest = Duration::ZERO;
    for number in 1..=PAYMENTS {
        let began = clock::now();
        // The flooded window may be too busy to say the next number: the other one is asked.
        let account = format!("/v1/accounts/{}", shown.address(0));
        shown.until("the payment before is in the books", || {
            let nonce = http::get(other.address(), &account).json()["nonce"].as_u64();
            nonce == Some(number - 1)
        });
        let signed = shown.numbered(0, 1, number, number - 1);
        let body = natcoin::chain::hash::hex(&natcoin::chain::codec::Encode::to_bytes(&signed));
        let answer = http::ask(
            other.address(),
            "POST",
            "/v1/transactions",
            "",
            body.as_bytes(),
        )
        .unwrap();
        assert!(answer.status < 300, "{}", answer.text());
        let path = format!("/v1/transactions/{}", signed.id());
        shown.until("it is final", || {
            http::get(other.address(), &path).status == 200
        });
        longest = longest.max(began.elapsed());
    }
    longest
}

/// Floods with several threads, each of which makes and holds what `attack` gives, while the network pays.
#[allow(clippy::print_stderr, reason = "the measured times are worth seeing")]
fn flood<T: Send>(name: &str, attack: impl Fn(SocketAddr) -> Option<T> + Sync, at_a_time: usize) {
    let shown = Shown::start(4);
    let (is_over, tries) = (AtomicBool::new(false), AtomicUsize::new(0));
    let at = shown.at();
    let longest = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut held = std::collections::VecDeque::new();
                while !is_over.load(Ordering::Relaxed) {
                    tries.fetch_add(1, Ordering::Relaxed);
                    held.extend(attack(at));
                    if held.len() > at_a_time {
                        held.pop_front();
                    }
                }
            });
        }
        let longest = pay_through_another(&shown);
        is_over.store(true, Ordering::Relaxed);
        longest
    });
    eprintln!(
        "{name}: {} tries; the slowest payment took {longest:?}",
        tries.into_inner()
    );
    // The flooded node has kept up, and its window is as it was.
    shown.until("the flooded window answers again", || {
        let answer = http::ask(at, "GET", "/v1/status", "", b"");
        answer.is_ok_and(|answer| answer.json()["height"].as_u64() >= Some(PAYMENTS))
    });
    assert!(longest < Duration::from_secs(10), "{longest:?}");
}

fn send(at: SocketAddr, bytes: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(bytes).ok()?;
    Some(stream)
}

#[test]
fn connections_that_say_nothing() {
    flood("idle connections", |at| send(at, b""), 500);
}

#[test]
fn requests_without_pause() {
    let flooding = |at| {
        let mut stream = send(
            at,
            b"GET /v1/accounts/@alice/activities HTTP/1.1\r\nHost: localhost\r\n\r\n",
        )?;
        http::read(&mut stream).ok()
    };
    flood("requests", flooding, 0);
}

#[test]
fn transactions_whose_signatures_are_bad() {
    let flooding = |at| {
        let body = "11".repeat(300);
        http::ask(
            at,
            "POST",
            "/v1/transactions",
            "Host: localhost\r\n",
            body.as_bytes(),
        )
        .ok()
    };
    flood("bad transactions", flooding, 0);
}

#[test]
fn bodies_that_never_come() {
    let head =
        b"POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n0";
    flood("slow bodies", |at| send(at, head), 200);
}

#[test]
fn paths_without_end_and_bytes_without_sense() {
    let giant = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a".repeat(60_000)
    );
    let headers = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "X: y\r\n".repeat(5_000)
    );
    let senseless: Vec<u8> = (0..9_000u32)
        .map(|number| (number * 151 % 256) as u8)
        .collect();
    let all = [
        giant.into_bytes(),
        headers.into_bytes(),
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n".to_vec(),
        senseless,
    ];
    let next = AtomicUsize::new(0);
    let flooding = |at| {
        let bytes = &all[next.fetch_add(1, Ordering::Relaxed) % all.len()];
        let mut stream = send(at, bytes)?;
        // It is refused, or closed without a word; never obeyed.
        if let Ok(answer) = http::read(&mut stream) {
            assert!(answer.status >= 400, "{}", answer.head);
        }
        Some(())
    };
    flood("giant and senseless heads", flooding, 0);
}

#[test]
#[allow(clippy::print_stderr, reason = "the measured times are worth seeing")]
fn ten_thousand_listeners_who_never_read() {
    let shown = Shown::start(4);
    let at = shown.at();
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..10_000 {
        let Some(mut stream) = send(at, b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        else {
            refused += 1;
            continue;
        };
        let mut start = [0; 12];
        match stream.read_exact(&mut start) {
            Ok(()) if &start == b"HTTP/1.1 200" => held.push(stream),
            _ => refused += 1,
        }
    }
    eprintln!("{} listen, {refused} were refused", held.len());
    assert!((200..=256).contains(&held.len()), "{}", held.len());
    let longest = pay_through_another(&shown);
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    // Others are still answered.
    shown.until("the status is told", || {
        shown.get("/v1/status").json()["height"].as_u64() >= Some(PAYMENTS)
    });
    drop(held);
    shown.until("there is a place again", || {
        send(at, b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").is_some_and(|mut stream| {
            let mut start = [0; 12];
            stream.read_exact(&mut start).is_ok() && &start == b"HTTP/1.1 200"
        })
    });
}
