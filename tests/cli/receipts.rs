//! Receipts: a payment proven to whoever has the bootstrap file, with no network.

use std::fs;

use serde_json::Value;

use crate::program::Program;
use crate::running::Running;

#[test]
fn a_receipt_is_checked_when_the_whole_network_is_gone_and_any_change_is_noticed() {
    let program = Program::new();
    let kept = ["devnet", "--nodes", "4", "--wallets", "2", "--dir", "net"];
    let mut devnet = Running::start(&program, &kept);
    let ready = devnet.line();
    let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
    let (data_dir, bootstrap, password) =
        (text("data_dir"), text("bootstrap"), text("password_file"));
    let bob = |words: &[&str]| {
        let mut all = vec!["--data-dir", &data_dir, "--bootstrap", &bootstrap];
        all.extend(["--profile", "bob", "--password-file", &password]);
        all.extend(words);
        program.json(&all)
    };
    let (code, paid) = bob(&[
        "wallet",
        "pay",
        "@alice",
        "5",
        "--memo",
        "za med",
        "--public-memo",
        "--yes",
    ]);
    assert_eq!((code, &paid["status"]), (0, &"final".into()), "{paid}");
    let transaction = paid["transaction"].as_str().unwrap();
    let (code, written) = bob(&["wallet", "receipt", transaction, "--out", "paid.json"]);
    assert_eq!(
        (code, &written["file"]),
        (0, &"paid.json".into()),
        "{written}"
    );
    // A receipt is never written over another file.
    let (code, again) = bob(&["wallet", "receipt", transaction, "--out", "paid.json"]);
    assert_eq!((code, &again["error"]["code"]), (2, &"file_exists".into()));
    // Without a name it gets one.
    let (code, written) = bob(&["wallet", "receipt", transaction]);
    let named = format!("receipt-{}.json", &transaction[..8]);
    assert_eq!((code, &written["file"]), (0, &Value::from(named)));
    let unknown = "ab".repeat(32);
    let (code, nothing) = bob(&["wallet", "receipt", &unknown, "--out", "none.json"]);
    assert_eq!((code, &nothing["error"]["code"]), (4, &"not_found".into()));
    assert!(!program.path("none.json").exists());
    assert_eq!(devnet.end("-INT"), Some(0));

    // Order: the network has ended, so nothing below can have asked it.
    let verify = ["verify", "paid.json", "--bootstrap", &bootstrap];
    let (code, proven) = program.json(&verify);
    assert_eq!((code, &proven["status"]), (0, &"proven".into()), "{proven}");
    assert_eq!(proven["kind"], "payment");
    assert_eq!(proven["amount"], "5.00000000");
    assert_eq!(proven["memo"], "za med");
    assert_eq!(proven["transaction"], transaction);
    assert_eq!(proven["height"], paid["height"]);
    assert!(
        proven["signed_by"].as_array().unwrap().len() >= 3,
        "{proven}"
    );
    let shown = program.run(&verify).stdout;
    assert!(shown.starts_with("proven, and final\nfrom"), "{shown}");
    assert!(shown.contains("of 4 nodes: "), "{shown}");

    let file = fs::read_to_string(program.path("paid.json")).unwrap();
    program.write("more.json", &file.replacen("5.00000000", "9.00000000", 1));
    let refused = program.failure(&["verify", "more.json", "--bootstrap", &bootstrap]);
    assert_eq!(refused, (4, "receipt_changed".to_owned()));
    // The default is another network.
    let refused = program.failure(&["verify", "paid.json"]);
    assert_eq!(refused, (2, "other_network".to_owned()));
    program.write("letter.json", "{\"dear\": \"friend\"}");
    let refused = program.failure(&["verify", "letter.json"]);
    assert_eq!(refused, (2, "receipt_invalid".to_owned()));
    let refused = program.failure(&["verify", "nothing.json"]);
    assert_eq!(refused, (2, "file_missing".to_owned()));
}
