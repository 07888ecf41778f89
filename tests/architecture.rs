//! Holds the architecture: who may import whom, who owns which foreign crate, how large things grow.
//!
//! The tables stand in `architecture/rooms.rs`; they are `docs/architecture.md` for the machine. Every
//! failure names file, line and rule. A rule is changed in the tables and in that document together,
//! with a decision written down; it is never worked around.

#[path = "architecture/blank.rs"]
mod blank;
#[path = "architecture/rooms.rs"]
mod rooms;
#[path = "architecture/source.rs"]
mod source;

use rooms::{COMMON_CRATES, CRATES, IMPURE, PLAIN_LIBP2P, PURE_FOLDERS, PURE_ROOMS, ROOMS};
use source::{Source, mentions, paths_from, sources};

/// Most lines of a file.
const MAX_LINES: usize = 600;
/// Most fields of a struct.
const MAX_FIELDS: usize = 12;

/// Fails with all breaches at once.
fn hold(rule: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{rule}\n  {}\n", breaches.join("\n  "));
}

fn room_table(name: &str) -> Option<&'static rooms::Room> {
    ROOMS.iter().find(|room| room.name == name)
}

#[test]
fn the_table_itself_leads_only_downward() {
    let mut breaches = Vec::new();
    for room in ROOMS {
        for import in room.may_import {
            let is_lower = room_table(import).is_some_and(|other| other.floor < room.floor);
            if !is_lower {
                breaches.push(format!("{} (floor {}) -> {import}", room.name, room.floor));
            }
        }
    }
    hold("An allowed edge must lead to a lower floor:", breaches);
}

#[test]
fn every_room_stands_in_the_table() {
    let unknown = sources(&["src"])
        .iter()
        .filter(|file| !file.room.is_empty() && room_table(&file.room).is_none())
        .map(|file| format!("{}: the room {:?} has no floor", file.path, file.room))
        .collect();
    hold("Every folder of src/ is a room of the table:", unknown);
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let mut breaches = Vec::new();
    for file in sources(&["src"]) {
        let Some(room) = room_table(&file.room) else {
            continue;
        };
        for (line, import) in imported_rooms(&file) {
            if import != room.name && !room.may_import.contains(&import.as_str()) {
                breaches.push(format!(
                    "{}:{line}: {} imports {import}, and may import only {:?}",
                    file.path, room.name, room.may_import
                ));
            }
        }
    }
    hold(
        "A room imports only from lower floors, by the edges of the table:",
        breaches,
    );
}

/// The rooms that a file names, through `crate::`, `natcoin::` or by climbing out with `super::`.
fn imported_rooms(file: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for start in ["crate", "natcoin"] {
        for (line, path) in paths_from(&file.code, start) {
            found.push((line, path[0].clone()));
        }
    }
    for (line, path) in paths_from(&file.code, "super") {
        let climbed = 1 + path.iter().take_while(|part| *part == "super").count();
        if climbed >= file.depth
            && let Some(name) = path.get(climbed - 1)
        {
            found.push((line, name.clone()));
        }
    }
    found.retain(|(_, name)| room_table(name).is_some());
    found
}

#[test]
fn each_foreign_crate_stays_with_its_owners() {
    let mut breaches = Vec::new();
    for file in sources(&["src"]) {
        if file.room.is_empty() {
            continue;
        }
        for (name, owners) in CRATES {
            for (line, path) in paths_from(&file.code, name) {
                let is_plain = *name == "libp2p"
                    && file.room == "directory"
                    && PLAIN_LIBP2P.contains(&path[0].as_str());
                if !is_plain && !owners.contains(&file.room.as_str()) {
                    breaches.push(format!(
                        "{}:{line}: {name}::{} in {}; it belongs to {owners:?}",
                        file.path,
                        path.join("::"),
                        file.room
                    ));
                }
            }
        }
    }
    hold("A foreign crate is used only by its owners:", breaches);
}

#[test]
fn every_dependency_has_an_owner() {
    let manifest: toml::Table = source::read("Cargo.toml")
        .parse()
        .expect("Cargo.toml is TOML");
    let dependencies = manifest["dependencies"]
        .as_table()
        .expect("Cargo.toml has dependencies");
    let ownerless = dependencies
        .keys()
        .map(|name| name.replace('-', "_"))
        .filter(|name| !COMMON_CRATES.contains(&name.as_str()))
        .filter(|name| CRATES.iter().all(|(known, _)| known != name))
        .map(|name| format!("Cargo.toml: {name} is not in tests/architecture/rooms.rs"))
        .collect();
    hold("Every dependency has an owner in the table:", ownerless);
}

#[test]
fn the_lower_floors_are_pure() {
    let mut breaches = Vec::new();
    for file in sources(&["src"]) {
        let is_folder = PURE_FOLDERS
            .iter()
            .any(|folder| file.path.starts_with(folder));
        if !is_folder && !PURE_ROOMS.contains(&file.room.as_str()) {
            continue;
        }
        for (number, line) in file.lines_outside_tests() {
            for word in IMPURE.iter().filter(|word| mentions(line, word)) {
                breaches.push(format!("{}:{number}: {word}", file.path));
            }
        }
    }
    hold(
        "Lower floors have no clock, chance, thread, file, socket or async; time and entropy come in, effects go out:",
        breaches,
    );
}

#[test]
fn files_stay_small_and_open_with_their_purpose() {
    let mut breaches = Vec::new();
    for file in sources(&["src", "tests", "benches"]) {
        let count = file.text.lines().count();
        if count > MAX_LINES {
            breaches.push(format!(
                "{}:{count}: {count} lines, at most {MAX_LINES}; split it by what it is about",
                file.path
            ));
        }
        if !file.text.starts_with("//!") {
            breaches.push(format!("{}:1: does not open with //! purpose", file.path));
        }
    }
    hold(
        "A file has a purpose in its first line and at most 600 lines:",
        breaches,
    );
}

#[test]
fn structs_stay_small() {
    let mut breaches = Vec::new();
    for file in sources(&["src", "tests", "benches"]) {
        for item in file.structs() {
            if item.fields > MAX_FIELDS {
                breaches.push(format!(
                    "{}:{}: struct {} has {} fields, at most {MAX_FIELDS}; group what belongs together",
                    file.path, item.line, item.name, item.fields
                ));
            }
        }
    }
    hold("A struct has at most 12 fields:", breaches);
}

#[test]
fn nothing_is_left_for_later() {
    let in_text = ["TODO", "FIXME", "HACK"];
    let in_code = ["unsafe", "todo!", "unimplemented!", "dbg!", "#[ignore"];
    let mut breaches = Vec::new();
    for file in sources(&["src", "tests", "benches"]) {
        // These words stand here as words.
        if file.path.starts_with("tests/architecture") {
            continue;
        }
        for (words, text) in [(&in_text[..], &file.text), (&in_code[..], &file.code)] {
            for (line, number) in text.lines().zip(1..) {
                for word in words.iter().filter(|word| mentions(line, word)) {
                    breaches.push(format!("{}:{number}: {word}", file.path));
                }
            }
        }
    }
    hold(
        "Nothing is put off, skipped or unsafe; what is missing is an issue:",
        breaches,
    );
}

#[test]
fn tests_wait_for_conditions_and_never_sleep() {
    let mut breaches = Vec::new();
    for file in sources(&["src", "tests", "benches"]) {
        // The one shared helper that waits for a condition with a deadline.
        if file.path.ends_with("/wait.rs") {
            continue;
        }
        for (number, line) in file.lines_of_tests() {
            if mentions(line, "sleep(") {
                breaches.push(format!("{}:{number}: sleep", file.path));
            }
        }
    }
    hold(
        "A test waits for a condition with a deadline, by a helper in a wait.rs; it has no fixed sleep:",
        breaches,
    );
}
