//! What is answered, and what is refused.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use natcoin::chain::{
    amount::Amount,
    codec::Encode as _,
    hash::hex,
    transaction::{Operation, SignedTransaction},
};
use serde_json::json;

use super::common::{http, wait::PATIENCE, window::Shown};

#[test]
fn a_transaction_handed_in_becomes_final_once_however_it_is_written() {
    let shown = Shown::start(4);
    let signed = shown.payment(0, 1, 5, "tea");
    let answer = shown.submit(&signed);
    let id = signed.id().to_string();
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({"status": "waiting", "transaction": id})
    );
    shown.until("it is final", || shown.submit(&signed).status == 200);
    let body = json!({"transaction": hex(&signed.to_bytes())}).to_string();
    let kind = "Content-Type: application/json\r\n";
    let again = http::ask(
        shown.at(),
        "POST",
        "/v1/transactions",
        kind,
        body.as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (again.status, again.json()["height"].as_u64()),
        (200, Some(1))
    );
    let found = shown.json(&format!("/v1/transactions/{id}"));
    assert_eq!(found["amount"], "0.00000005");
    assert_eq!(
        (&found["sender_name"], &found["to_name"]),
        (&json!("alice"), &json!("bob"))
    );
    assert_eq!(found["memo"], "tea");
    let bob = shown.json("/v1/accounts/@bob");
    assert_eq!(bob["balance"], "1000.00000005");
    let past = shown.json("/v1/accounts/@bob/activities");
    assert_eq!(past["activities"][0]["is_received"], true);
    assert_eq!(past["next"], json!(null));
}

#[test]
fn refusals_have_the_codes_of_the_command_line() {
    let shown = Shown::start(1);
    let tampered = |change: fn(&mut SignedTransaction)| {
        let mut signed = shown.payment(0, 1, 5, "");
        change(&mut signed);
        shown.submit(&signed)
    };
    let named = shown.signed(
        0,
        Operation::ClaimName {
            name: "anna".parse().unwrap(),
        },
    );
    let pays = || shown.transfer(1, 5, "");
    let foreign = shown.sign_changed(0, pays(), 0, |one| one.genesis.0[0] ^= 1);
    let expired = shown.sign_changed(0, pays(), 0, |one| one.valid_until = 0);
    let zero = shown.payment(0, 1, 0, "");
    let own = shown.payment(0, 0, 5, "");
    let much = shown.payment(0, 1, 100_000_000_000_000, "");
    for (answer, status, code) in [
        (
            tampered(|one| one.signature.0[0] ^= 1),
            422,
            "bad_signature",
        ),
        (shown.submit(&foreign), 422, "foreign_network"),
        (shown.submit(&expired), 422, "expired"),
        (shown.submit(&named), 422, "already_named"),
        (shown.submit(&zero), 422, "zero_amount"),
        (shown.submit(&own), 422, "own_address"),
        (shown.submit(&much), 422, "insufficient_funds"),
        (shown.post(b""), 400, "transaction_invalid"),
        (shown.post(b"00"), 400, "transaction_invalid"),
        (shown.post(b"\xff\xfe"), 400, "transaction_invalid"),
        (shown.post(&[b'0'; 9_999]), 413, "too_large"),
        (shown.get("/v1/blocks/9"), 404, "not_found"),
        (shown.get("/v1/blocks/x"), 400, "usage"),
        (shown.get("/v1/blocks?limit=0"), 400, "usage"),
        (shown.get("/v1/blocks?limit=x"), 400, "usage"),
        (shown.get("/v1/blocks/%ff"), 400, "usage"),
        (shown.get("/v1/transactions/00"), 400, "hash_invalid"),
        (
            shown.get(&format!("/v1/transactions/{}", "0".repeat(64))),
            404,
            "not_found",
        ),
        (shown.get("/v1/accounts/nat1x"), 400, "address_invalid"),
        (shown.get("/v1/accounts/@x"), 400, "name_invalid"),
        (shown.get("/v1/accounts/@nobody"), 404, "name_unknown"),
        (shown.get("/nothing"), 404, "not_found"),
        (
            http::ask(shown.at(), "DELETE", "/v1/status", "", b"").unwrap(),
            405,
            "method_not_allowed",
        ),
        (
            http::ask(
                shown.at(),
                "GET",
                "/v1/status",
                "Host: evil.example\r\n",
                b"",
            )
            .unwrap(),
            421,
            "other_host",
        ),
    ] {
        assert_eq!(
            (answer.status, &*answer.code()),
            (status, code),
            "{}",
            answer.text()
        );
        let error = &answer.json()["error"];
        let is_told = |key: &str| error[key].as_str().is_some_and(|text| !text.is_empty());
        assert!(is_told("message") && is_told("hint"), "{error}");
    }
    assert_eq!(shown.json("/v1/status")["height"], 0);
}

#[test]
fn blocks_are_found_by_height_and_hash_and_listed_in_pages() {
    let shown = Shown::start(1);
    for number in 1..=5 {
        shown.pay(0, 1, number, "");
    }
    let tip = shown.json("/v1/blocks/latest")["height"].as_u64().unwrap();
    assert!(tip >= 5);
    let page = shown.json("/v1/blocks?limit=2");
    assert_eq!(page["blocks"][0]["height"], tip);
    assert_eq!(page["next"], tip - 1);
    let older = shown.json(&format!("/v1/blocks?limit=2&before={}", page["next"]));
    assert_eq!(older["blocks"][0]["height"], tip - 2);
    let first = shown.json("/v1/blocks/1");
    let hash = first["hash"].as_str().unwrap().to_owned();
    shown.until("it is found by its hash", || {
        shown.get(&format!("/v1/blocks/{hash}")).json()["height"] == 1
    });
    assert_eq!(shown.json("/v1/blocks/2")["parent"], first["hash"]);
    assert_eq!(first["content"][0]["amount"], "0.00000001");
    shown.until("the newest payments are listed", || {
        shown.json("/v1/transactions?limit=3")["transactions"]
            .as_array()
            .unwrap()
            .len()
            == 3
    });
}

#[test]
fn names_are_listed_and_found_by_how_they_begin() {
    let shown = Shown::start(1);
    let names = shown.json("/v1/names?limit=2");
    assert_eq!(names["names"][0]["name"], "alice");
    assert_eq!(names["next"], "carol");
    assert_eq!(
        shown.json("/v1/names?from=carol")["names"][0]["name"],
        "carol"
    );
    let found = shown.json("/v1/search?q=car");
    assert_eq!(found["results"][0]["name"], "carol");
    assert_eq!(shown.json("/v1/names/nobody")["is_free"], true);
    assert_eq!(shown.json("/v1/search")["results"], json!([]));
}

#[test]
fn events_tell_what_is_new() {
    let shown = Shown::start(4);
    let mut stream = TcpStream::connect(shown.at()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET /v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", shown.at());
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut next = |kind: &str, words: &str| {
        let mut is_kind = false;
        loop {
            let line = lines.next().expect("more events").unwrap();
            if let Some(found) = line.strip_prefix("event: ") {
                is_kind = found == kind;
            }
            if is_kind && line.starts_with("data: ") && line.contains(words) {
                return line;
            }
        }
    };
    next("status", "\"can_pay\":true");
    let id = shown.pay(0, 1, 5, "cake");
    next("block", "\"height\":1");
    let payment = next("payment", &id);
    assert!(payment.contains("\"memo\":\"cake\"") && payment.contains("\"to_name\":\"bob\""));
    next("status", "\"height\":1");
}

#[test]
fn a_pause_is_told_and_nothing_is_ready_then() {
    let mut shown = Shown::start(4);
    shown.until("it is ready", || shown.get("/ready").status == 200);
    assert_eq!(shown.json("/v1/status")["tolerates"], 1);
    shown.leave(2);
    shown.until("the pause is told", || shown.get("/ready").status == 503);
    let status = shown.json("/v1/status");
    assert_eq!(
        (&status["status"], &status["can_pay"]),
        (&json!("paused"), &json!(false))
    );
    assert_eq!(
        status["message"],
        "paused: 2 of 4 nodes, 3 needed; nothing is lost"
    );
    assert_eq!(shown.json("/healthy")["status"], "ok");
    let nodes = shown.json("/v1/nodes");
    let up = nodes["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["is_up"] == true);
    assert_eq!(up.count(), 2);
    // Proven reads go on.
    assert_eq!(
        shown.json("/v1/accounts/@alice")["balance"],
        "1000.00000000"
    );
}

#[test]
fn counters_of_libp2p_and_of_the_node_stand_in_one_place() {
    let shown = Shown::start(4);
    shown.pay(0, 1, 5, "");
    let answer = shown.get("/metrics");
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = answer.text();
    for line in [
        "natcoin_height 1",
        "natcoin_can_pay 1",
        "natcoin_validators_up 4",
        "natcoin_network_gossip_received_total ",
        "natcoin_http_requests_total ",
        "libp2p_swarm_connections_established_total{",
        "# EOF",
    ] {
        assert!(
            text.lines().any(|found| found.starts_with(line)),
            "{line}:\n{text}"
        );
    }
    // No counter twice, or Prometheus refuses it all.
    let mut helps: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
        .collect();
    let count = helps.len();
    helps.sort_unstable();
    helps.dedup();
    assert_eq!(helps.len(), count);
}

#[test]
fn the_board_shows_counters_that_there_are() {
    let shown = Shown::start(4);
    let text = shown.get("/metrics").text();
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/packaging/grafana/natcoin.json"
    );
    let board = std::fs::read_to_string(path).unwrap();
    let board: serde_json::Value = serde_json::from_str(&board).unwrap();
    let mut checked = 0;
    for panel in board["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            for name in query.split(|one: char| !one.is_ascii_alphanumeric() && one != '_') {
                if name.starts_with("natcoin_") || name.starts_with("libp2p_") {
                    checked += 1;
                    let is_there = text.lines().any(|line| line.starts_with(name));
                    assert!(is_there, "{name} of the panel {}", panel["title"]);
                }
            }
        }
    }
    assert!(checked > 10);
}

#[test]
fn what_a_browser_may_do_is_said_with_every_answer() {
    let shown = Shown::start(1);
    for path in [
        "/",
        "/page/app.js",
        "/v1/status",
        "/nothing",
        "/page/nothing",
        "/metrics",
    ] {
        let answer = shown.get(path);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert!(
            answer.header("access-control-allow-origin").is_none(),
            "{path}"
        );
    }
}

#[test]
fn an_idle_one_and_a_slow_one_are_let_go() {
    let shown = Shown::start(1);
    let began = natcoin::node::clock::now();
    let open = |bytes: &str| {
        let mut stream = TcpStream::connect(shown.at()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(25)))
            .unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let mut idle = open("");
    let mut slow = open("GET /v1/status HT");
    let mut rests = open("GET /healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut body =
        open("POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n0");
    assert_eq!(http::read(&mut rests).unwrap().status, 200);
    assert_eq!(http::read(&mut body).unwrap().status, 408);
    for stream in [&mut idle, &mut slow, &mut rests] {
        // Closed, with or without a word.
        let _ = http::read(stream);
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
    assert_eq!(
        shown.json("/v1/supply")["supply"],
        Amount::from_nits(300_000_000_000).to_string()
    );
}
