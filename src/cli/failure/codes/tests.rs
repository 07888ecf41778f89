//! The table against the program's own text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::*;

/// Tests name codes too, and the table itself names all.
fn is_of_a_test(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with("tests.rs") || name.ends_with("codes.rs")
}

/// Every file of the program's text under a folder, without its tests.
fn texts(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
        } else if !is_of_a_test(&path) {
            let text = fs::read_to_string(&path).unwrap();
            let (text, _) = text.split_once("\nmod tests {").unwrap_or((&text, ""));
            found.push(text.to_owned());
        }
    }
}

fn program() -> Vec<String> {
    let mut found = Vec::new();
    texts(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"),
        &mut found,
    );
    found
}

/// What stands in quotes at the beginning of a text.
fn quoted(text: &str) -> Option<&str> {
    let (word, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let is_code = |c: char| c.is_ascii_lowercase() || c == '_';
    (!word.is_empty() && word.chars().all(is_code)).then_some(word)
}

/// The codes that follow an exit in the program's text: `Exit::Usage, "name_invalid"`.
fn with_exits(texts: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in texts {
        for part in text.split("Exit::").skip(1) {
            if let Some((exit, rest)) = part.split_once(',')
                && let Some(code) = quoted(rest)
            {
                let exits = found.entry(code.to_owned()).or_default();
                exits.insert(exit.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_code_of_the_program_is_in_the_table_with_its_exit() {
    let found = with_exits(&program());
    assert!(found.len() > 80, "the text is read: {}", found.len());
    for (code, exits) in found {
        let known = find(&code).unwrap_or_else(|| panic!("{code} is not in the table"));
        for exit in exits {
            let is_known = known.exits.iter().any(|known| format!("{known:?}") == exit);
            assert!(is_known, "{code} ends with {exit} too");
        }
    }
}

#[test]
fn every_failure_that_the_program_makes_has_a_code_of_the_table() {
    let mut made = 0;
    for text in program() {
        for part in text.split("Failure::new(").skip(1) {
            // The exit first, by whatever name, then the code.
            let code = part.split_once(',').and_then(|(_, rest)| quoted(rest));
            if let Some(code) = code {
                assert!(find(code).is_some(), "{code} is not in the table");
                made += 1;
            }
        }
    }
    assert!(made > 30, "the text is read: {made}");
}

#[test]
fn every_code_of_the_table_is_one_of_the_program() {
    let mut texts = program();
    let law = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/chain/rules/rejection.rs");
    let law = fs::read_to_string(law).unwrap();
    for part in law.split("=> \"").skip(1) {
        let (code, _) = part.split_once('"').unwrap();
        let is_code = code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(!is_code || find(code).is_some(), "{code}");
    }
    texts.push(law);
    for Code { code, .. } in CODES {
        let literal = format!("\"{code}\"");
        let is_used = texts.iter().any(|text| text.contains(&literal));
        assert!(is_used, "{code} is no code of the program any more");
    }
}

#[test]
fn the_table_is_in_order_and_says_cause_and_next_step_of_each() {
    for pair in CODES.windows(2) {
        assert!(
            pair[0].code < pair[1].code,
            "{} stands out of order",
            pair[1].code
        );
    }
    for one in CODES {
        for text in [one.cause, one.step] {
            assert!(
                !text.is_empty() && !text.ends_with('.'),
                "{}: {text}",
                one.code
            );
            // They stand in a table.
            assert!(!text.contains('|'), "{}: {text}", one.code);
        }
    }
    let ends: Vec<u8> = EXITS.iter().map(|(exit, ..)| *exit).collect();
    assert_eq!(ends, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn the_document_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    if std::env::var_os("NATCOIN_BLESS").is_some_and(|mode| mode == "1") {
        fs::write(&path, markdown()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == markdown(),
        "docs/errors.md is not what the table says: NATCOIN_BLESS=1 writes it anew"
    );
}
