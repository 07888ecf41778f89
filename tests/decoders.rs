//! Every decoder that meets a stranger's bytes, on random bytes and on real encodings that were damaged.
//!
//! The checks are the fuzzer's own (`fuzz/checks/`): what it finds in hours is kept from coming back in seconds.
//! `NATCOIN_BLESS=1` writes the seeds of the fuzzer anew.

#[path = "../fuzz/checks/mod.rs"]
mod checks;
#[path = "../src/chain/testing/damage.rs"]
mod damage;

use std::fs;
use std::path::{Path, PathBuf};

use checks::form::canonical;
use checks::seeds::{self, Seed};
use natcoin::chain::query::Answer;
use natcoin::replica::wire::{BlocksReply, MissingReply, WatchFrame};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

fn folder(of: &str, target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    root.join(of).join(target)
}

/// Runs a check on random bytes and on damaged seeds; what fails is shrunk and shown.
fn hold(target: &str, cases: u32) {
    let (_, check) = checks::ALL
        .into_iter()
        .find(|(name, _)| *name == target)
        .expect("the target has a check");
    let whole: Vec<Vec<u8>> = seeds::of(target)
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    for bytes in &whole {
        check(bytes);
    }
    let config = ProptestConfig::with_cases(cases);
    let held = TestRunner::new(config).run(&damage::bytes(whole), |bytes| {
        check(&bytes);
        Ok(())
    });
    held.unwrap_or_else(|error| panic!("{target}: {error}"));
}

#[test]
fn no_gossip_panics_or_has_a_second_form() {
    hold("gossip", 2048);
}

#[test]
fn no_request_or_reply_panics_or_has_a_second_form() {
    hold("services", 1024);
}

#[test]
fn no_hello_or_frame_panics_or_takes_memory_by_its_word() {
    hold("speech", 2048);
}

#[test]
fn no_transaction_block_or_proof_panics_or_makes_coins() {
    hold("chain", 1024);
}

#[test]
fn no_bytes_make_a_wallet_believe_what_is_not_true() {
    hold("answers", 2048);
}

#[test]
fn no_bootstrap_file_or_typed_text_panics_or_comes_back_as_another() {
    hold("bootstrap", 512);
}

#[test]
fn no_keystore_or_journal_panics_or_comes_back_as_another() {
    hold("wallet_files", 1024);
}

#[test]
fn no_bytes_on_a_nodes_disk_panic_it_or_forge_its_log() {
    hold("logs", 256);
}

#[test]
fn no_course_of_messages_stops_a_node() {
    hold("node", 192);
}

#[test]
fn no_bytes_bring_a_forged_card_into_a_directory() {
    hold("directory", 1024);
}

#[test]
fn no_bytes_forge_a_dealing_or_open_anothers_memo() {
    hold("dealings", 512);
}

#[test]
fn no_bytes_are_a_receipt_of_what_did_not_happen() {
    hold("receipts", 1024);
}

#[test]
fn no_bytes_open_a_room_or_found_a_network() {
    hold("founding", 1024);
}

#[test]
fn what_the_fuzzer_found_once_is_right_for_good() {
    for (target, check) in checks::ALL {
        for (_, bytes) in files(&folder("regressions", target)) {
            check(&bytes);
        }
    }
}

#[test]
fn the_seeds_of_the_fuzzer_are_what_the_program_writes() {
    for (target, _) in checks::ALL {
        let folder = folder("seeds", target);
        let seeds = seeds::of(target);
        assert!(!seeds.is_empty(), "{target}");
        if std::env::var_os("NATCOIN_BLESS").is_some_and(|mode| mode == "1") {
            write(&folder, &seeds);
        }
        let mut written: Vec<(String, Vec<u8>)> = seeds
            .into_iter()
            .map(|(name, bytes)| (name.to_owned(), bytes))
            .collect();
        written.sort();
        assert_eq!(
            files(&folder),
            written,
            "{target}: NATCOIN_BLESS=1 writes the seeds anew"
        );
    }
}

#[test]
fn every_check_is_a_target_of_the_fuzzer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the fuzzer has a manifest");
    let manifest: toml::Table = manifest.parse().expect("it is TOML");
    let targets = manifest["bin"].as_array().expect("it has targets");
    let names: Vec<_> = targets.iter().map(|one| one["name"].as_str()).collect();
    assert_eq!(names, checks::ALL.map(|(name, _)| Some(name)));
    for (name, _) in checks::ALL {
        let path = root.join("fuzz_targets").join(format!("{name}.rs"));
        let text = fs::read_to_string(path).expect("a target has a file");
        assert!(
            text.contains(&format!("checks::{name}::check(bytes)")),
            "{name}"
        );
    }
}

fn write(folder: &Path, seeds: &[Seed]) {
    fs::create_dir_all(folder).expect("a folder for seeds");
    for (name, bytes) in seeds {
        fs::write(folder.join(name), bytes).expect("a seed is written");
    }
}

/// The files of a folder by name; none where there is no folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(found) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<(String, Vec<u8>)> = found
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().expect("a file has a name");
            let bytes = fs::read(&path).expect("a readable file");
            (name.to_string_lossy().into_owned(), bytes)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_checks_can_fail() {
    let held =
        std::panic::catch_unwind(|| checks::form::bounded(&[0; 8], 1, || vec![0u8; 1 << 20]).len());
    assert!(held.is_err(), "memory is measured");
    let seed = seeds::of("answers").swap_remove(0).1;
    assert!(canonical::<Answer>(&seed).is_some(), "seeds are read");
    let decided = seeds::of("node").swap_remove(0).1;
    assert_eq!(checks::node::tip_after(&decided), 4, "a block is decided");
    let behind = seeds::of("node").pop().expect("it has seeds").1;
    assert_eq!(checks::node::tip_after(&behind), 4, "a block is caught up");
}

#[test]
fn a_count_of_elements_takes_no_more_memory_than_there_are_bytes() {
    // A count that the bytes behind it allow, of elements that are far larger in memory than one byte.
    for filler in [0u8, 1, 3, 0xff] {
        for before in 0..16 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(&4096u32.to_le_bytes());
            bytes.resize(before + 4 + 4096, filler);
            canonical::<MissingReply>(&bytes);
            canonical::<BlocksReply>(&bytes);
            canonical::<WatchFrame>(&bytes);
            checks::gossip::check(&bytes);
        }
    }
}
