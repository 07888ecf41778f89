//! `--http`: the page of a running program.

use std::net::{SocketAddr, TcpListener};

use crate::http;
use crate::program::Program;
use crate::running::Running;

/// Where the page is, by the program's word.
fn address(line: &serde_json::Value) -> SocketAddr {
    assert_eq!(line["status"], "serving", "{line}");
    let page = line["page"].as_str().unwrap();
    assert_eq!(
        page,
        format!("http://{}/", line["address"].as_str().unwrap())
    );
    line["address"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_devnet_serves_its_page_and_ends_with_it() {
    let program = Program::new();
    let mut running = Running::start(&program, &["devnet", "--nodes", "1", "--http", "0"]);
    assert_eq!(running.line()["status"], "ready");
    let line = running.line();
    let page = address(&line);
    assert!(page.ip().is_loopback());
    assert_eq!(line["is_public"], false);
    assert!(
        http::get(page, "/")
            .text()
            .contains("<title>NAT-Coin</title>")
    );
    assert_eq!(http::get(page, "/v1/status").json()["can_pay"], true);
    assert_eq!(running.end("-INT"), Some(0));
    assert!(http::ask(page, "GET", "/", "", b"").is_err());
}

#[test]
fn a_page_that_cannot_be_served_says_why_and_leaves_nothing_running() {
    let program = Program::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for (wish, code, exit) in [
        (&*taken, "port_in_use", 6),
        ("192.0.2.1:80", "cannot_listen", 2),
        ("here", "address_invalid", 2),
    ] {
        let ended = program.run(&["devnet", "--nodes", "1", "--http", wish, "--output", "json"]);
        assert_eq!(ended.code, exit, "{wish}");
        assert!(ended.stdout.contains(code), "{wish}: {}", ended.stdout);
    }
}
