//! The transcripts of the README and of the guide, run as they stand.
//!
//! What differs from run to run is not compared: addresses, hashes, ports, times, and which quorum signed.
//! An address or a hash of a text stands for the one that the program really gave; later commands get that.
//! Of a simulation's figures only what they are of is compared: they are the same for a version, and the next one has others.
//! Passwords come from a file, and the network from free ports, because nobody sits at this terminal.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use common::processes::{Background, free_ports, natcoin};

/// A command and what it prints.
struct Step {
    words: Vec<String>,
    expected: Vec<String>,
}

fn transcript(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_inside = false;
    for line in readme.lines() {
        match line {
            "```console" => is_inside = true,
            "```" => is_inside = false,
            _ if !is_inside => {}
            _ => match line.strip_prefix("$ natcoin ") {
                Some(command) => steps.push(Step {
                    words: command.split(' ').map(str::to_owned).collect(),
                    expected: Vec::new(),
                }),
                None => steps
                    .last_mut()
                    .expect("output follows a command")
                    .expected
                    .push(line.to_owned()),
            },
        }
    }
    steps
}

/// The line with everything that differs from run to run taken out.
fn normal(line: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_hash = bare.len() == 64 && bare.chars().all(|c| c.is_ascii_hexdigit());
        let is_address = bare.starts_with("nat1") || bare.starts_with("12D3Koo");
        let is_time = bare.starts_with("20") && bare.contains('T') && bare.ends_with('Z');
        match () {
            () if is_hash || is_address || is_time => word.replace(bare, "X"),
            () if word.starts_with("/ip4/127.0.0.1/") => word
                .split('/')
                .map(without_port)
                .collect::<Vec<_>>()
                .join("/"),
            () => word.to_owned(),
        }
    };
    let words: Vec<String> = line.split(' ').map(word).collect();
    let mut out = words.clone();
    let is_number = |word: &str| word.trim_end_matches([',', ';']).parse::<u64>().is_ok();
    for (index, pair) in words.windows(2).enumerate() {
        // A heartbeat may come between, so heights differ too.
        if is_number(&pair[0]) && (pair[1].starts_with("ms") || pair[1] == "of") {
            out[index] = "N".to_owned();
        }
        if is_number(&pair[1]) && (pair[0] == "block" || pair[0] == "height") {
            out[index + 1] = "N".to_owned();
        }
    }
    // In a table spaces stand between a word and its number.
    let at = |index: usize| words.get(index).is_some_and(|word| is_number(word));
    if let Some(number) = words.iter().skip(1).position(|word| !word.is_empty())
        && words[0] == "block"
        && at(number + 1)
    {
        out[number + 1] = "N".to_owned();
    }
    out.join(" ")
}

/// A simulation's result without its figures, its bars, and where its lines are broken.
fn without_figures(lines: &[String]) -> Vec<String> {
    let is_step = |line: &&String| line.trim_start().starts_with("to ");
    let words = lines.iter().filter(|line| !is_step(line));
    let words = words.flat_map(|line| line.split_whitespace());
    let is_hash = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = words.filter(|word| word.chars().any(char::is_alphabetic) && !is_hash(word));
    words
        .map(|word| word.trim_end_matches([',', ';', ':']).to_owned())
        .collect()
}

fn without_port(part: &str) -> String {
    let number = part.trim_end_matches('.');
    match number.parse::<u16>() {
        Ok(_) => part.replace(number, "P"),
        Err(_) => part.to_owned(),
    }
}

/// The addresses and hashes of a line: what a later command may be about.
fn addresses(line: &str) -> Vec<String> {
    let is_hash = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    line.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| (word.starts_with("nat1") && word.len() > 50) || is_hash(word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_transcripts_of_the_readme_are_true() {
    let folder = play(include_str!("../README.md"), 10);
    assert!(Path::new(&folder.path().join("net/bootstrap.toml")).is_file());
}

#[test]
fn the_guides_story_of_a_developer_is_true() {
    play(include_str!("../docs/guide/src/developer.md"), 6);
}

#[test]
fn the_guides_stories_of_a_club_and_its_member_are_true() {
    let club = include_str!("../docs/guide/src/club.md");
    let member = include_str!("../docs/guide/src/member.md");
    play(&format!("{club}\n{member}"), 10);
}

#[test]
fn the_guide_holds_all_its_chapters_and_no_command_that_is_none() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/src");
    let summary = std::fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    let mut commands = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name}"
        );
        let text = std::fs::read_to_string(&path).unwrap();
        // What stands in the text, and is not played, is at least a command that there is.
        for command in text.split("`natcoin ").skip(1) {
            let (command, _) = command.split_once('`').expect("a command ends");
            let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
            let words: Vec<&str> = command.split(' ').take_while(is_word).take(2).collect();
            let output = natcoin().args(&words).arg("--help").output().unwrap();
            assert!(output.status.success(), "{name}: natcoin {command}");
            commands += 1;
        }
    }
    assert!(commands >= 8, "{commands}");
}

/// Plays the transcripts of a text, in a folder of their own.
fn play(readme: &str, least: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "correct horse\n").unwrap();
    let port = free_ports(4).to_string();
    let mut known = BTreeMap::new();
    let mut nodes: Vec<(Background, Vec<String>)> = Vec::new();
    let steps = transcript(readme);
    assert!(steps.len() >= least, "the text has its transcripts");
    for step in steps {
        let mut command = natcoin();
        command
            .current_dir(folder.path())
            .env("XDG_DATA_HOME", folder.path().join("data"))
            .env("NATCOIN_PASSWORD_FILE", "password")
            .env("NATCOIN_YES", "1")
            .args(step.words.iter().map(|word| with_real(word, &known)));
        if step
            .words
            .starts_with(&["network".to_owned(), "new".to_owned()])
        {
            command.args(["--port", &port]);
        }
        if step
            .words
            .starts_with(&["node".to_owned(), "--home".to_owned()])
        {
            nodes.push((Background::start(command), step.expected));
            continue;
        }
        // Nodes are in step with each other before anybody uses them.
        for (node, expected) in &mut nodes {
            for line in std::mem::take(expected) {
                let given = node.line();
                assert_eq!(normal(&given), normal(&line));
            }
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let given: Vec<&str> = stdout.lines().collect();
        let is_simulation = step.words.first().is_some_and(|word| word == "simulate");
        let shown = |lines: &[String]| match is_simulation {
            true => without_figures(lines),
            false => lines.iter().map(|line| normal(line)).collect::<Vec<_>>(),
        };
        let words = step.words.join(" ");
        let given: Vec<String> = given.into_iter().map(str::to_owned).collect();
        assert_eq!(shown(&given), shown(&step.expected), "{words}: {stderr}");
        for (real, written) in given.iter().zip(&step.expected) {
            known.extend(addresses(written).into_iter().zip(addresses(real)));
        }
    }
    folder
}

fn with_real(word: &str, known: &BTreeMap<String, String>) -> String {
    known.iter().fold(word.to_owned(), |word, (written, real)| {
        word.replace(written, real)
    })
}
