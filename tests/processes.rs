//! Networks of separate OS processes: payments, kills, pauses, double spends, clean ends.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::processes::{Background, Done, Net, Transport, natcoin, run};
use serde_json::Value;

#[test]
fn four_processes_make_a_payment_final_in_both_wallets() {
    let mut net = Net::started(4, Transport::Both);
    let paid = net.ask("bob", &["pay", "@alice", "5", "--memo", "hi", "--yes"]);
    assert!(paid.is_final(), "{paid:?}");
    assert_eq!(paid.json["validators"], 4);
    assert!(paid.json["signed_by"].as_u64() >= Some(3), "{paid:?}");
    assert_eq!(net.balance("bob"), "995.00000000");
    assert_eq!(net.balance("alice"), "1005.00000000");
    let mut roots = BTreeSet::new();
    for index in 0..4 {
        let last = net.running.remove(&index).unwrap().interrupt();
        assert!(last["height"].as_u64() >= Some(1), "{last}");
        roots.insert(last["state_root"].as_str().unwrap().to_owned());
    }
    assert_eq!(roots.len(), 1, "one state root on all nodes: {roots:?}");
}

#[test]
fn networks_of_every_small_size_work_and_tell_what_they_stand() {
    for (nodes, stands) in [
        (1, "no failure"),
        (2, "no failure"),
        (3, "no failure"),
        (7, "2 failures"),
    ] {
        let mut net = Net::new(nodes, Transport::Both);
        for index in 0..nodes {
            net.start(index);
        }
        let told = net.running[&0].wait_for("listening");
        let resilience = told["resilience"].as_str().unwrap();
        assert!(resilience.contains(stands), "{nodes}: {resilience}");
        net.wait_in_step();
        let paid = net.pay("alice", "@bob", "1.5");
        assert!(paid.is_final(), "{nodes}: {paid:?}");
        assert_eq!(net.balance("bob"), "1001.50000000");
    }
}

/// Kills one node after the other under a load of payments. Each cycle needs the node of the cycle before:
/// without its votes there would be no quorum, so payments prove that it hears, is heard and signs again.
fn every_node_killed_in_turn(transport: Transport, cycles: u64) {
    let mut net = Net::started(4, transport);
    let wallets = net.wallets.clone();
    let is_over = Arc::new(AtomicBool::new(false));
    let load = std::thread::spawn({
        let is_over = is_over.clone();
        move || {
            let mut paid = 0u64;
            while !is_over.load(Ordering::Relaxed) {
                let done = wallets.pay("bob", "@alice", "1");
                assert!(done.is_final(), "the load, payment {paid}: {done:?}");
                paid += 1;
            }
            paid
        }
    });
    for cycle in 0..cycles {
        let victim = usize::try_from(cycle % 4).unwrap();
        net.kill(victim);
        let done = net.pay("alice", "@bob", "0.00000001");
        assert!(done.is_final(), "{transport:?} cycle {cycle}: {done:?}");
        net.start(victim);
        net.running[&victim].wait_for("in_step");
    }
    is_over.store(true, Ordering::Relaxed);
    let loaded = load.join().expect("the load was paid");
    assert!(loaded >= cycles / 2, "{loaded} payments in {cycles} cycles");
    let left = 1000 - loaded;
    assert_eq!(
        net.balance("bob"),
        format!("{left}.{cycles:08}"),
        "each once"
    );
}

#[test]
fn killed_nodes_come_back_and_sign_again_twenty_times_over_tcp() {
    every_node_killed_in_turn(Transport::Tcp, 20);
}

#[test]
fn killed_nodes_come_back_and_sign_again_twenty_times_over_quic() {
    every_node_killed_in_turn(Transport::Quic, 20);
}

#[test]
fn two_of_four_down_pause_the_network_and_nothing_is_lost() {
    let mut net = Net::started(4, Transport::Both);
    assert!(net.pay("alice", "@bob", "1").is_final());
    net.kill(0);
    net.kill(3);
    let waiting = net.pay("alice", "@bob", "2");
    assert_eq!(waiting.code, 5, "{waiting:?}");
    let message = waiting.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("2 of 4"), "{message}");
    assert!(message.contains('3'), "{message}");
    assert_eq!(net.balance("bob"), "1001.00000000", "proven reads go on");
    for index in [0, 3] {
        net.start(index);
        net.running[&index].wait_for("in_step");
    }
    let next = net.pay("alice", "@bob", "4");
    assert!(next.is_final(), "{next:?}");
    assert_eq!(net.balance("bob"), "1007.00000000", "each payment once");
    assert_eq!(net.balance("alice"), "993.00000000");
}

#[test]
fn who_interrupts_a_signed_payment_is_told_that_it_may_become_final() {
    let mut net = Net::started(4, Transport::Both);
    net.kill(0);
    net.kill(3);
    let paying = Background::start(net.wallet("alice", &["pay", "@bob", "2", "--yes"]));
    let nothing = Value::Array(vec![]);
    let is_kept = |_| net.ask("alice", &["history"]).json["pending"] != nothing;
    assert!((0..50).any(is_kept), "the payment is in the journal");
    paying.signal_interrupt();
    let told: Value = serde_json::from_str(&paying.line()).unwrap();
    assert_eq!(told["error"]["code"], "not_final", "{told}");
    assert_eq!(told["error"]["transaction"].as_str().unwrap().len(), 64);
    assert_eq!(paying.interrupt(), 5);
    for index in [0, 3] {
        net.start(index);
        net.running[&index].wait_for("in_step");
    }
    let past = net.ask("alice", &["history"]);
    assert_eq!(past.json["entries"][0]["amount"], "2.00000000", "{past:?}");
    assert_eq!(past.json["pending"], nothing, "{past:?}");
    assert_eq!(net.balance("bob"), "1002.00000000");
}

#[test]
fn who_watches_is_told_each_payment_once_on_a_line_of_json() {
    let net = Net::started(4, Transport::Both);
    let watch = Background::start(net.wallet("bob", &["watch"]));
    let line = |text: &str| serde_json::from_str::<Value>(text).expect("a line of JSON");
    // The payer's wallet may tell before the chain does; that is its word, and another line.
    let is_final = |one: &Value| match &one["status"] {
        status if status == "final" => true,
        status => {
            assert!(status == "announced" || status == "past", "{one}");
            false
        }
    };
    let final_within = |limit: Duration| {
        let lines = std::iter::from_fn(|| watch.line_within(limit));
        lines.map(|text| line(&text)).find(is_final)
    };
    let mut paid = 0;
    let first = loop {
        assert!(paid < 50, "watching begins");
        assert!(net.pay("alice", "@bob", "1").is_final());
        paid += 1;
        if let Some(line) = final_within(Duration::from_millis(500)) {
            break line;
        }
    };
    let memo = ["pay", "@bob", "2.5", "--memo", "tea", "--yes"];
    assert!(net.ask("alice", &memo).is_final());
    let second = std::iter::repeat_with(|| line(&watch.line())).find(is_final);
    let second = second.expect("it is told");
    assert_eq!(first["amount"], "1.00000000", "{first}");
    let field = |name: &str| second[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (field("status"), field("kind")),
        ("final".into(), "received".into())
    );
    assert_eq!(
        (field("amount"), field("memo")),
        ("2.50000000".into(), "tea".into())
    );
    assert_eq!(field("balance"), format!("{}.50000000", 1_002 + paid));
    assert_eq!(field("counterparty_name"), "alice", "{second}");
    assert_eq!(final_within(Duration::ZERO), None, "each once");
    let look = |words: &[&str]| net.ask("alice", &[&["directory"], words].concat());
    let is_there = |done: &Done| done.code == 0 && done.json["found"][0]["name"] == "bob";
    let found = (0..50).map(|_| look(&["bob"])).find(is_there);
    let found = found.expect("who watches is in the directory");
    let bob = &found.json["found"][0];
    assert_eq!(bob["role"], "wallet");
    // At first it has no relay yet.
    assert!(["none", "relayed"].contains(&bob["route"].as_str().unwrap()));
    let peer = bob["peer_id"].as_str().unwrap();
    assert_eq!(look(&[peer]).json["found"][0]["account"], bob["account"]);
    let everybody = look(&[]).json["found"].as_array().map_or(0, Vec::len);
    assert_eq!(everybody, 5, "four nodes and bob");
    let mut of_node = natcoin();
    of_node.args(["node", "directory", "@bob", "--output", "json", "--home"]);
    of_node.arg(net.home(0));
    let of_node = run(of_node);
    assert_eq!(of_node.json["found"][0]["peer_id"], peer, "{of_node:?}");
    assert_eq!(watch.interrupt(), 0, "Ctrl-C is its regular end");
    let is_gone = |_| look(&["bob"]).error() == "not_there";
    assert!((0..50).any(is_gone), "who leaves is gone at once");
}

#[test]
fn who_watches_in_private_is_not_in_the_directory() {
    let net = Net::started(1, Transport::Tcp);
    let watch = Background::start(net.wallet("bob", &["watch", "--private"]));
    let is_watching = |_| {
        assert!(net.pay("alice", "@bob", "1").is_final());
        watch.line_within(Duration::from_millis(500)).is_some()
    };
    assert!((0..50).any(is_watching), "watching begins");
    let found = net.ask("alice", &["directory", "@bob"]);
    assert_eq!((found.code, found.error()), (4, "not_there"), "{found:?}");
    let refused = net.ask("alice", &["directory", "Bob!"]);
    assert_eq!((refused.code, refused.error()), (2, "name_invalid"));
    let nobody = net.ask("alice", &["directory", "nobody-at-all"]);
    assert_eq!((nobody.code, nobody.error()), (4, "name_unknown"));
    assert_eq!(watch.interrupt(), 0);
}
