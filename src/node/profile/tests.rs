//! What a wallet's folder promises: nothing overwritten, nothing half-written, nothing shared.

use super::*;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::SecretKey;
use crate::chain::transaction::{Operation, Transaction};
use crate::wallet::payment::Payment;

fn data_dir() -> (tempfile::TempDir, DataDir) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = DataDir::new(folder.path().join("deep").join("data"));
    (folder, data_dir)
}

fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

#[test]
fn a_created_profile_is_listed_and_opens_with_its_keystore() {
    let (_folder, data) = data_dir();
    assert!(data.list().unwrap().is_empty());
    drop(data.create(&name("bob"), b"b").unwrap());
    drop(data.create(&name("alice"), b"a").unwrap());
    std::fs::create_dir(data.path().join("wallets/empty")).unwrap();
    std::fs::create_dir(data.path().join("wallets/Not A Profile")).unwrap();
    assert_eq!(data.list().unwrap(), [name("alice"), name("bob")]);
    assert_eq!(data.open(&name("bob")).unwrap().keystore().unwrap(), b"b");
    assert_eq!(data.read_keystore(&name("alice")).unwrap(), b"a");
}

#[test]
fn a_keystore_is_never_overwritten() {
    let (_folder, data) = data_dir();
    drop(data.create(&name("bob"), b"first").unwrap());
    let error = data.create(&name("bob"), b"second").unwrap_err();
    assert!(matches!(error, ProfileError::AlreadyThere { .. }));
    assert_eq!(data.read_keystore(&name("bob")).unwrap(), b"first");
}

#[test]
fn a_profile_is_used_by_one_process_at_a_time() {
    let (_folder, data) = data_dir();
    let held = data.create(&name("bob"), b"k").unwrap();
    let error = data.open(&name("bob")).unwrap_err();
    assert!(matches!(error, ProfileError::InUse { .. }));
    assert!(error.to_string().contains("`bob`"), "{error}");
    // Looking at it needs no lock.
    assert!(data.read_keystore(&name("bob")).is_ok());
    drop(held);
    assert!(data.open(&name("bob")).is_ok());
}

#[test]
fn the_newest_height_seen_is_remembered_for_each_network_and_never_falls() {
    let (_folder, data) = data_dir();
    let (bob, here, there) = (name("bob"), Hash([1; 32]), Hash([2; 32]));
    data.remember_height(&bob, &here, 5).unwrap();
    assert!(!data.path().exists(), "without a wallet nothing is kept");
    let held = data.create(&bob, b"k").unwrap();
    assert_eq!(data.seen_height(&bob, &here).unwrap(), 0);
    for (height, kept) in [(7, 7), (5, 7), (u64::MAX, u64::MAX)] {
        data.remember_height(&bob, &here, height).unwrap();
        assert_eq!(data.seen_height(&bob, &here).unwrap(), kept);
    }
    assert_eq!(data.seen_height(&bob, &there).unwrap(), 0);
    drop(held);
    let path = data.profile_path(&bob).join("seen").join(here.to_string());
    for text in ["", "7", "-7\n", "seven\n", "99999999999999999999\n"] {
        std::fs::write(&path, text).unwrap();
        let error = data.remember_height(&bob, &here, 9).unwrap_err();
        assert!(matches!(error, ProfileError::Seen { .. }), "{text:?}");
    }
    std::fs::write(&path, "7".repeat(65)).unwrap();
    assert!(data.seen_height(&bob, &here).is_err());
}

#[test]
fn an_unknown_profile_is_refused_with_those_that_are_there() {
    let (_folder, data) = data_dir();
    let error = data.open(&name("bob")).unwrap_err().to_string();
    assert!(error.contains("wallet new"), "{error}");
    assert!(!data.path().exists(), "asking makes no folder");
    drop(data.create(&name("alice"), b"a").unwrap());
    let error = data.open(&name("bob")).unwrap_err().to_string();
    assert!(error.contains("there are: alice"), "{error}");
}

#[test]
fn names_that_could_leave_the_folder_are_refused() {
    let long = "a".repeat(33);
    for bad in [
        "",
        ".",
        "..",
        ".hidden",
        "../bob",
        "a/b",
        "a\\b",
        "Bob",
        "č",
        "a b",
        "a\0",
        long.as_str(),
    ] {
        assert!(bad.parse::<ProfileName>().is_err(), "{bad:?}");
    }
    for good in ["a", "bob-2", "0_9.x", &long[..32]] {
        assert_eq!(good.parse::<ProfileName>().unwrap().as_str(), good);
    }
}

fn journal(payments: u64) -> Journal {
    let key = SecretKey::from_seed(&[1; 32]);
    let mut journal = Journal::new();
    for nonce in 0..payments {
        let transaction = Transaction {
            genesis: Hash([9; 32]),
            sender: key.address(),
            key: key.public(),
            nonce,
            valid_until: 9,
            fee: Amount::ZERO,
            operation: Operation::ClaimName {
                name: "alice".parse().unwrap(),
            },
        };
        let payment = Payment::new(transaction.sign(&key), None, 1);
        journal.record(payment).unwrap();
    }
    journal
}

#[test]
fn a_journal_is_replaced_as_a_whole_and_leaves_no_other_file() {
    let (_folder, data) = data_dir();
    let profile = data.create(&name("bob"), b"k").unwrap();
    assert_eq!(profile.journal().unwrap(), Journal::new());
    std::fs::write(profile.path().join(".new-left-by-a-crash"), b"torn").unwrap();
    drop(profile);
    let mut profile = data.open(&name("bob")).unwrap();
    profile.save_journal(&journal(3)).unwrap();
    profile.save_journal(&journal(1)).unwrap();
    assert_eq!(profile.journal().unwrap(), journal(1));
    assert_eq!(data.read_journal(&name("bob")).unwrap(), journal(1));
    let mut files: Vec<_> = std::fs::read_dir(profile.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["keystore.json", "lock", "payments.json"]);
}

#[test]
fn a_journal_that_cannot_be_written_is_an_error_before_anything_is_sent() {
    let (_folder, data) = data_dir();
    let mut profile = data.create(&name("bob"), b"k").unwrap();
    // A folder stands where the file should go: the last step, the rename, fails.
    std::fs::create_dir(profile.journal_path()).unwrap();
    let error = profile.save_journal(&journal(1)).unwrap_err();
    assert!(matches!(
        error,
        ProfileError::Io {
            action: "write",
            ..
        }
    ));
    assert!(error.to_string().contains("payments.json"), "{error}");
}

#[test]
fn a_damaged_journal_is_refused_with_its_path_and_left_as_it_is() {
    let (_folder, data) = data_dir();
    let mut profile = data.create(&name("bob"), b"k").unwrap();
    profile.save_journal(&journal(2)).unwrap();
    let whole = std::fs::read(profile.journal_path()).unwrap();
    let torn = &whole[..whole.len() / 2];
    std::fs::write(profile.journal_path(), torn).unwrap();
    let error = profile.journal().unwrap_err();
    assert!(matches!(error, ProfileError::Journal { .. }));
    assert!(error.to_string().contains("payments.json"), "{error}");
    assert_eq!(std::fs::read(profile.journal_path()).unwrap(), torn);
}

#[test]
fn a_file_too_large_to_be_ours_is_refused_unread() {
    let (_folder, data) = data_dir();
    let profile = data.create(&name("bob"), b"k").unwrap();
    let file = File::create(profile.journal_path()).unwrap();
    file.set_len(MAX_JOURNAL_BYTES as u64 + 1).unwrap();
    assert!(matches!(
        profile.journal().unwrap_err(),
        ProfileError::TooLarge { .. }
    ));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_wallet() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, data) = data_dir();
    let mut profile = data.create(&name("bob"), b"k").unwrap();
    profile.save_journal(&journal(1)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(profile.path()), 0o700);
    for file in ["keystore.json", "payments.json", "lock"] {
        assert_eq!(mode(&profile.path().join(file)), 0o600, "{file}");
    }
}
